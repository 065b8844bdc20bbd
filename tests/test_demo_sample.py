"""The shipped sample: well-formed, of today, in our own words, and readable by the real sources."""

import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import feedparser
import pytest

from aggregator import demo, text
from aggregator.config import Config, load
from aggregator.demo import sample
from aggregator.fetch import AnswerTransport, Fetcher
from aggregator.model import Batch, Entry
from aggregator.sources import Source
from aggregator.sources.arxiv import Arxiv

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
MOMENTS = (
    NOW,
    datetime(2026, 11, 22, 0, 0, tzinfo=UTC),  # in New York it is still Saturday
    datetime(2026, 7, 6, 23, 59, 59, tzinfo=UTC),
    datetime(2028, 3, 1, 4, 59, tzinfo=UTC),
)
DATA = Path(__file__).parents[2] / "shared" / "internet" / "data"
ATOM = "https://rss.arxiv.org/atom/cs.SD+eess.AS"
LONGEST_SHARED = 8  # words in a row that a summary may have in common with a recorded abstract

PAPERS = sample.papers()
POSTS = tuple(post for feed in sample.feeds().values() for post in feed.posts)
ALL: tuple[sample.Paper | sample.Post, ...] = PAPERS + POSTS
HELD, REPLACED, CROSSED = "arxiv:2502.15158", "arxiv:2410.06885", "arxiv:2503.04721"


def fetcher_at(now: datetime) -> Fetcher:
    transport = AnswerTransport(lambda url, headers: demo.answer(url, now, headers))
    return Fetcher(contact="https://example.org/demo", transport=transport, pause=0, sleep=lambda _: None)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("demo") / "config.toml"
    path.write_text(demo.CONFIG, encoding="utf-8")
    return load(path)


def source(config: Config, name: str) -> Source:
    return next(source for source in config.sources if source.name == name)


def visit(one: Source, now: datetime = NOW, cursor: dict[str, object] | None = None) -> Batch:
    with fetcher_at(now) as fetcher:
        return one.visit(fetcher, cursor, now)


def by_key(batch: Batch) -> dict[str, Entry]:
    return {entry.key: entry for entry in batch.entries}


# --- the sample itself -----------------------------------------------------------------------------------------------


def test_there_are_about_sixty_each_once() -> None:
    assert 55 <= len(ALL) <= 70
    assert len({paper.id for paper in PAPERS}) == len(PAPERS)
    assert len({post.link for post in POSTS}) == len(POSTS)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.id)
def test_papers_are_well_formed(paper: sample.Paper) -> None:
    assert text.arxiv_id(paper.id) == paper.id
    assert paper.title == text.fold(paper.title)
    assert paper.authors
    assert all(name == text.fold(name) for name in paper.authors)
    assert all(re.fullmatch(r"[a-z-]+\.[A-Z]{2}", name) for name in paper.categories)
    assert paper.categories or paper.listed is not None
    assert paper.announce in {"", "new", "cross", "replace"}
    assert (paper.version > 1) == (paper.updated is not None) == (paper.announce == "replace")
    assert (paper.listed is not None) or not (paper.upvotes or paper.code)
    assert not paper.code or text.safe_link(paper.code) == paper.code


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.id)
def test_papers_come_in_the_order_of_the_world(paper: sample.Paper) -> None:
    """Submitted before announced or listed: announcements are made at midnight in New York, 04:00 or 05:00 UTC."""
    assert paper.days_ago > 1
    assert paper.changed <= paper.days_ago
    assert not paper.announce or paper.changed < 10
    assert paper.listed is None or paper.listed < paper.days_ago


@pytest.mark.parametrize("post", POSTS, ids=lambda post: post.link)
def test_posts_are_well_formed(post: sample.Post) -> None:
    assert post.title == text.fold(post.title)
    assert text.safe_link(post.link) == post.link
    assert post.days_ago > 0
    assert not post.audio or text.safe_link(post.audio) == post.audio


def test_most_of_it_is_of_the_last_days_and_some_is_older() -> None:
    days = [one.days_ago for one in ALL]
    assert sum(day <= 6 for day in days) >= 50
    assert sum(day > 7 for day in days) >= 3


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.title[:40])
def test_summaries_have_two_to_four_sentences(one: sample.Paper | sample.Post) -> None:
    assert 2 <= len(re.findall(r"[.?!](?=\s|$)", one.summary)) <= 4
    assert 100 <= len(one.summary) <= 500
    assert one.summary.endswith((".", "?"))


def recorded() -> Iterator[dict[str, object]]:
    """The papers of the internet in a box."""
    for name in ("arxiv.jsonl.gz", "hf.jsonl.gz"):
        if not (DATA / name).is_file():
            pytest.skip(f"there is no {DATA / name} to compare with")
        with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def runs(words: str) -> set[tuple[str, ...]]:
    found = re.findall(r"\w+", words.lower())
    return {tuple(found[i : i + LONGEST_SHARED + 1]) for i in range(len(found) - LONGEST_SHARED)}


def test_summaries_are_not_copied() -> None:
    ours = {run: one.title for one in ALL for run in runs(one.summary)}
    shared = {run for row in recorded() for run in runs(str(row["abstract"])) & ours.keys()}
    assert {" ".join(run): ours[run] for run in shared} == {}


def test_facts_are_those_of_the_recorded_papers() -> None:
    ours = {paper.id: paper for paper in PAPERS}
    told = {str(row["id"]): row for row in recorded() if row["id"] in ours}
    assert len(told) >= 25
    for name, row in told.items():
        assert (ours[name].title, list(ours[name].authors)) == (row["title"], row["authors"])


# --- the answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [ATOM, *sample.feeds()])
def test_feeds_are_well_formed_and_conditional(url: str) -> None:
    status, headers, body = demo.answer(url, NOW, {})
    feed = feedparser.parse(body, response_headers={"content-type": headers["Content-Type"]})
    assert status == 200
    assert not feed.bozo
    assert feed.entries
    assert demo.answer(url, NOW, {"If-None-Match": headers["ETag"]}) == (304, {"ETag": headers["ETag"]}, b"")
    assert demo.answer(url, NOW, {"if-none-match": '"another"'})[0] == 200


@pytest.mark.parametrize("url", [ATOM, *sample.feeds()])
def test_the_same_bytes_all_day(url: str) -> None:
    evening = NOW.replace(hour=23, minute=59)
    assert demo.answer(url, NOW, {}) == demo.answer(url, evening, {})
    assert demo.answer(url, NOW, {}) != demo.answer(url, NOW + timedelta(days=1), {})


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://example.org/", 404),
        ("https://rss.arxiv.org/rss/cs.SD", 404),
        ("https://huggingface.co/api/daily_papers?date=2026-11-22", 400),
        ("https://huggingface.co/api/daily_papers?date=tomorrow", 400),
        ("https://huggingface.co/api/daily_papers", 200),
        ("https://huggingface.co/api/daily_papers?date=2025-01-01", 200),
    ],
)
def test_other_addresses(url: str, status: int) -> None:
    assert demo.answer(url, NOW, {})[0] == status


def test_lists_of_hugging_face_come_in_pages() -> None:
    ask = partial("https://huggingface.co/api/daily_papers?date=2026-11-19&limit=2&p={}".format)
    pages = [json.loads(demo.answer(ask(number), NOW, {})[2]) for number in range(4)]
    assert [len(page) for page in pages] == [2, 2, 0, 0]
    assert len({row["paper"]["id"] for page in pages for row in page}) == 4


# --- the real sources on it ------------------------------------------------------------------------------------------


def test_the_configuration_asks_for_the_whole_sample(config: Config) -> None:
    (profile,) = config.profiles
    assert len(profile.interests) == 3
    batches = [visit(one) for one in config.sources]
    assert [batch.missing for batch in batches] == [""] * len(batches)
    assert all(batch.entries for batch in batches)
    keys = {entry.key for batch in batches for entry in batch.entries}
    assert len(keys) == len(ALL)
    kinds = {entry.kind for batch in batches for entry in batch.entries}
    assert kinds == {"paper", "post", "release", "video", "episode"}


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_nothing_comes_from_the_future(config: Config, now: datetime) -> None:
    days = {one.link if isinstance(one, sample.Post) else one.id: one.days_ago for one in ALL}
    for one in config.sources:
        for entry in visit(one, now).entries:
            name = entry.key.removeprefix("arxiv:")
            assert entry.published < now
            assert entry.published <= (entry.announced or now) <= now
            assert entry.published == sample.moment(now, days[name if name in days else entry.url])


def test_summaries_arrive_whole(config: Config) -> None:
    ours = {one.summary for one in ALL}
    told = {entry.summary for one in config.sources for entry in visit(one).entries}
    assert told == ours


def test_arxiv_has_a_held_paper_a_replaced_one_and_a_crossed_one(config: Config) -> None:
    papers = by_key(visit(source(config, "arxiv")))
    week = NOW - timedelta(days=7)
    held, replaced, crossed = papers[HELD], papers[REPLACED], papers[CROSSED]
    assert held.news
    assert held.announced
    assert held.published < week < held.announced
    assert not replaced.news
    assert replaced.signals["version"] == 3
    assert crossed.news
    assert (crossed.signals["announce"], crossed.categories[0]) == ("cross", "cs.CL")


def test_titles_with_tex_and_dollars_can_be_read() -> None:
    titles = {paper.id: text.unicode(paper.title) for paper in PAPERS}
    assert unicodedata.normalize("NFKC", titles["2505.11079"]).startswith("ALLM4ADD: ")
    assert re.search(r"and t\w\W?la identification", unicodedata.normalize("NFC", titles["2501.04742"]))
    assert "Schrödinger" in titles["2501.07897"]
    assert titles["2504.19146"].endswith("with a $50K Budget")


def test_the_api_is_read_page_by_page(config: Config) -> None:
    whole = by_key(visit(source(config, "arxiv")))
    paged = by_key(visit(Arxiv(name="arxiv", page_size=7)))
    assert paged == whole
    assert by_key(visit(Arxiv(name="music", categories=("eess.SP",)))) == {}


def test_some_papers_are_on_both_lists_and_some_on_hugging_face_only(config: Config) -> None:
    listed = by_key(visit(source(config, "huggingface")))
    papers = by_key(visit(source(config, "arxiv")))
    assert len(listed.keys() & papers.keys()) >= 8
    assert len(listed.keys() - papers.keys()) == 4
    assert all(entry.signals["upvotes"] for entry in listed.values())
    assert any("code" in entry.signals for entry in listed.values())


def test_the_second_visit_is_conditional(config: Config) -> None:
    for one in config.sources:
        first = visit(one)
        again = visit(one, NOW + timedelta(hours=1), first.cursor)
        assert again.missing == ""
        assert by_key(again).keys() <= by_key(first).keys()
        assert again.unchanged == (one.kind == "feed")
