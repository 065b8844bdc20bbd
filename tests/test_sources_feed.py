"""Feeds behind the real Fetcher, and the odd things that feeds say."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.errors import FetchError, ParseError
from aggregator.model import Batch, Entry
from aggregator.sources.feed import Feed
from tests.fakes import Answer, fetcher_over, pages

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://blog.example.org/feed.xml"
ITEM = "<item><title>Sample {0}</title><link>https://blog.example.org/{0}</link></item>"


def rss(items: str, head: str = "<link>https://blog.example.org/</link>") -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>A sample</title>{head}{items}</channel></rss>'


def visit(answer: Answer, folder: Path, cursor: Any = None, **options: Any) -> Batch:
    with fetcher_over(pages({URL: answer}), folder) as fetcher:
        return Feed(name="blog", url=URL, **options).visit(fetcher, cursor, NOW)


def parsed(body: str | bytes, **options: Any) -> list[Entry]:
    raw = body.encode() if isinstance(body, str) else body
    return Feed(**{"name": "blog", "url": URL, **options}).parse(raw, NOW)


def test_asks_conditionally_with_what_the_server_gave(tmp_path: Path) -> None:
    stamp = "Sat, 01 Jan 2044 00:00:00 GMT"

    def answer(request: httpx.Request) -> httpx.Response:
        same = request.headers.get("if-none-match") == 'W/"a b"' and request.headers.get("if-modified-since") == stamp
        headers = {"ETag": 'W/"a b"', "Last-Modified": stamp, "Cache-Control": "max-age=600"}
        return httpx.Response(304 if same else 200, content=b"" if same else rss(ITEM.format(1)), headers=headers)

    first = visit(answer, tmp_path)
    assert first.cursor == {"url": URL, "from": URL, "etag": 'W/"a b"', "last_modified": stamp}
    assert (len(first.entries), first.unchanged, first.fresh_for) == (1, False, timedelta(minutes=10))
    second = visit(answer, tmp_path, first.cursor)
    assert (second.entries, second.unchanged, second.cursor) == ((), True, first.cursor)
    assert not visit(answer, tmp_path, {**first.cursor, "url": "https://old.example.org/"}).unchanged


def test_the_longer_of_max_age_and_ttl_counts(tmp_path: Path) -> None:
    body = rss(ITEM.format(1), "<ttl>90</ttl>")
    assert visit(body, tmp_path).fresh_for == timedelta(minutes=90)
    longer = httpx.Response(200, content=body, headers={"Cache-Control": "max-age=7200"})
    assert visit(longer, tmp_path).fresh_for == timedelta(hours=2)
    assert visit(rss("", "<ttl>999999</ttl>"), tmp_path).fresh_for == timedelta(days=7)
    assert visit(rss("", "<ttl>soon</ttl>"), tmp_path).fresh_for is None


def test_what_a_feed_said_of_its_rhythm_holds_when_it_has_not_changed(tmp_path: Path) -> None:
    skips = "<skipHours><hour>0</hour><hour>13</hour></skipHours><skipDays><day>Sunday</day></skipDays>"
    body = rss(ITEM.format(1), f"<ttl>90</ttl>{skips}")
    first = visit(httpx.Response(200, content=body, headers={"ETag": '"1"'}), tmp_path)
    rhythm = {"ttl": 5400, "skip_hours": [0, 13], "skip_days": [6]}
    assert first.cursor == {"url": URL, "from": URL, "etag": '"1"', **rhythm}
    later = visit(304, tmp_path, first.cursor)
    for batch in (first, later):
        assert (batch.skip_hours, batch.skip_days) == (frozenset({0, 13}), frozenset({6}))
    assert (later.unchanged, later.fresh_for, later.cursor) == (True, timedelta(minutes=90), first.cursor)
    longer = visit(httpx.Response(304, headers={"Cache-Control": "max-age=7200"}), tmp_path, later.cursor)
    assert longer.fresh_for == timedelta(hours=2)
    changed = visit(httpx.Response(200, content=rss(ITEM.format(2)), headers={"ETag": '"2"'}), tmp_path, longer.cursor)
    assert (changed.fresh_for, "ttl" in changed.cursor) == (None, False)


def test_what_is_no_feed_leaves_the_validators_of_the_last_one(tmp_path: Path) -> None:
    """Those of the answer that could not be parsed are not kept: the next visit gets it again, or what is right."""
    first = visit(httpx.Response(200, content=rss(ITEM.format(1)), headers={"ETag": '"1"'}), tmp_path)
    network = pages(
        {URL: [httpx.Response(200, content=b"<html>", headers={"ETag": '"2"'}), rss(ITEM.format(2)).encode()]}
    )
    with fetcher_over(network, tmp_path) as fetcher:
        with pytest.raises(ParseError):
            Feed(name="blog", url=URL).visit(fetcher, first.cursor, NOW)
        Feed(name="blog", url=URL).visit(fetcher, first.cursor, NOW)
    assert [request.headers["if-none-match"] for request in network.requests] == ['"1"', '"1"']


@pytest.mark.parametrize("further", [0, 2])
def test_a_feed_that_breaks_off_again_is_told_and_not_asked_for_whole_forever(further: int, tmp_path: Path) -> None:
    body = rss("".join(ITEM.format(n) for n in (1, 2, 3)))
    breaks = (body.index("Sample 3") + 4 + n for n in (0, further))
    cut, again = (httpx.Response(200, content=body[:end], headers={"ETag": '"x"'}) for end in breaks)
    first = visit(cut, tmp_path)
    assert (first.missing, first.note, set(first.cursor)) == ("the feed breaks off", "", {"url", "cut"})
    second = visit(again, tmp_path, first.cursor)
    assert (second.missing, len(second.entries), second.cursor["etag"]) == ("", 2, '"x"')
    assert second.note.startswith("the feed breaks off each time")
    third = visit(304, tmp_path, second.cursor)
    assert (third.unchanged, third.note, third.cursor) == (True, second.note, second.cursor)
    whole = visit(rss(ITEM.format(4)), tmp_path, third.cursor)
    assert (whole.missing, whole.note, whole.cursor) == ("", "", {"url": URL})


def test_a_feed_that_breaks_off_is_asked_for_whole_next_time(tmp_path: Path) -> None:
    body = rss("".join(ITEM.format(n) for n in (1, 2, 3)))
    cut = httpx.Response(200, content=body[: body.index("Sample 3") + 4], headers={"ETag": '"x"'})
    batch = visit(cut, tmp_path)
    assert [entry.title for entry in batch.entries] == ["Sample 1", "Sample 2"]
    assert batch.missing == "the feed breaks off"
    assert not {"etag", "from"} & set(batch.cursor)


@pytest.mark.parametrize(
    "behind", ["\n<!-- served -->\n", f"<script>{'x' * 5000}</script>", "<br />Warning: at line 7"]
)
def test_ill_formed_is_not_broken_off(behind: str, tmp_path: Path) -> None:
    answer = httpx.Response(200, content=rss(ITEM.format("1 & 2")) + behind, headers={"ETag": '"x"'})
    batch = visit(answer, tmp_path)
    assert (batch.missing, len(batch.entries), batch.cursor["etag"]) == ("", 1, '"x"')


@pytest.mark.parametrize("status", [400, 412])
def test_a_server_that_cannot_bear_its_validators_is_asked_without(status: int, tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "if-none-match" in request.headers:
            return httpx.Response(status)
        return httpx.Response(200, content=rss(ITEM.format(1)), headers={"ETag": '"x"'})

    first = visit(answer, tmp_path)
    second = visit(answer, tmp_path, first.cursor)
    assert (len(second.entries), second.cursor) == (1, {"url": URL})
    with pytest.raises(FetchError):
        visit(status, tmp_path)


def test_a_link_within_the_feed_does_not_tell_its_address(tmp_path: Path) -> None:
    (entry, other) = parsed(
        rss(
            ITEM.format(1).replace("https://blog.example.org/1", "#1")
            + ITEM.format(2).replace("https://blog.example.org/2", "?post=2")
        ),
        url=f"{URL}?key=SECRET",
    )
    assert (entry.url, other.url) == (f"{URL}#1", f"{URL}?post=2")
    assert "SECRET" not in repr((entry, other))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("<!DOCTYPE html><html><head><title>Just a moment…</title></head></html>", "a web page ('Just a moment…')"),
        ("", "empty"),
        ("Rate exceeded.", "Rate exceeded."),
        ('{"a": 1}', "no JSON Feed"),
        ('{"a": ', "damaged"),
    ],
)
def test_what_is_no_feed_is_an_error(answer: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        visit(answer, tmp_path)
    assert words in str(caught.value)


def test_network_errors_go_through(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as caught:
        visit(410, tmp_path)
    assert caught.value.status == 410


def test_a_body_beyond_four_mebibytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchError):
        visit(rss(f"<!--{'x' * 5 * 2**20}-->"), tmp_path)


def test_of_a_long_feed_every_entry_is_read() -> None:
    assert len(parsed(rss("".join(ITEM.format(n) for n in range(1200))))) == 1200


def test_keys_keep_works_apart_and_together() -> None:
    item = "<item><title>{}</title><link>{}</link><guid isPermaLink='false'>{}</guid></item>"
    shared = [item.format(n, "https://blog.example.org/all", f"g{n}") for n in (1, 2)]
    home = item.format(3, "https://www.blog.example.org", "g3")
    own = item.format(4, "http://blog.example.org/4/?utm_source=a", "g4")
    twice = item.format(5, "https://blog.example.org/4#again", "g5")
    long = item.format(6, "", "g" * 300)
    (one, two, three, four, five, six) = parsed(rss("".join([*shared, home, own, long, twice])))
    assert [one.key, two.key, three.key] == ["id:blog:g1", "id:blog:g2", "id:blog:g3"]
    assert (one.url, three.url) == ("https://blog.example.org/all", "https://www.blog.example.org")
    assert [four.key, six.key] == ["id:blog:g4", "id:blog:g5"]  # the same link by two spellings: told apart by guid
    assert five.key.startswith("id:blog:")
    assert len(five.key) < 60
    same = parsed(rss(item.format(1, "https://arxiv.org/abs/2501.01234", "a") * 2))
    assert [entry.key for entry in same] == ["arxiv:2501.01234"]
    assert same[0].kind == "paper"


ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>A sample</title><entry><title>{}</title>{}</entry></feed>'


@pytest.mark.parametrize(
    ("title", "link", "markup", "key", "mentions"),
    [
        ("A", "https://b.example.org/1", "", "url:https://b.example.org/1", ()),
        (
            "A",
            "https://b.example.org/1",
            "&lt;a href='https://arxiv.org/pdf/2212.04356v2'&gt;this&lt;/a&gt;, doi:10.1000/X.",
            "url:https://b.example.org/1",
            ("arxiv:2212.04356", "doi:10.1000/x"),
        ),
        ("On arXiv:2212.04356", "https://b.example.org/1", "", "url:https://b.example.org/1", ("arxiv:2212.04356",)),
        ("A", "https://arxiv.org/abs/2212.04356v1", "see arXiv:2212.04356", "arxiv:2212.04356", ()),
        (
            "A",
            "https://huggingface.co/papers/2212.04356",
            "arXiv:2301.11325",
            "arxiv:2212.04356",
            ("arxiv:2301.11325",),
        ),
        ("A", "https://doi.org/10.1000/X", "doi:10.1000/x", "doi:10.1000/x", ()),
    ],
)
def test_mentions(title: str, link: str, markup: str, key: str, mentions: tuple[str, ...]) -> None:
    inside = f'<link href="{link}"/><content type="html">{markup}</content><id>x</id>'
    (entry,) = parsed(ATOM.format(title, inside))
    assert (entry.key, entry.mentions) == (key, mentions)


def test_a_thread_has_one_name_on_all_hosts_of_reddit() -> None:
    links = [f"https://{host}.reddit.com/r/asr/comments/1/x/" for host in ("www", "old", "ud")]
    kept = "https://web.example.org/https://old.reddit.com/r/asr/"
    entries = parsed(rss("".join(f"<item><title>x</title><link>{link}</link></item>" for link in [*links, kept])))
    assert [entry.url for entry in entries] == [links[0], kept]


def test_a_release_is_called_by_what_was_released() -> None:
    url = "https://github.com/openai/whisper/releases.atom"
    for title, shown in (("v1.0", "whisper v1.0"), ("Whisper 1.0", "Whisper 1.0")):
        link = '<link href="https://github.com/openai/whisper/releases/tag/v1.0"/>'
        assert parsed(ATOM.format(title, link), url=url)[0].title == shown


REAL = Path(__file__).parent.parent.parent / "shared" / "internet" / "data" / "feeds"


@pytest.mark.parametrize(
    ("file", "options", "kind", "least"),
    [
        ("reddit-atom.rss", {"reddit": "r/MachineLearning"}, "thread", 20),
        ("reddit.rss", {"reddit": "r/speechtech"}, "thread", 20),
        ("reddit_media.xml", {"reddit": "r/LanguageTechnology"}, "thread", 20),
        ("youtube_atom.xml", {"youtube": "UCtatfZMf-8EkIwASXM4ts0A"}, "video", 1),
        ("gulp-atom.atom", {"github": "gulpjs/gulp"}, "release", 10),
        ("substack.xml", {"substack": "importai"}, "post", 15),
    ],
)
def test_recorded_feeds_by_their_short_forms(file: str, options: dict[str, str], kind: str, least: int) -> None:
    if not REAL.exists():
        pytest.skip("the recorded feeds of ../shared are not here")
    entries = Feed(name="sample", **options).parse((REAL / file).read_bytes(), NOW)  # type: ignore[arg-type]
    assert len(entries) >= least
    assert kind in {entry.kind for entry in entries} <= {kind, "episode"}  # newsletters are read aloud, too
    assert all(entry.key.startswith("url:https://") for entry in entries)
    assert not any("submitted by" in entry.summary[-80:] for entry in entries)


def test_kind_may_be_set() -> None:
    assert parsed(rss(ITEM.format(1)), post_kind="event")[0].kind == "event"


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2026-11-20T12:00:01Z", "x", ""]
)
def test_moments_that_cannot_be_are_now(value: str) -> None:
    item = {"url": "https://blog.example.org/1", "title": "A sample", "date_published": value}
    (entry,) = parsed(json.dumps({"version": "https://jsonfeed.org/version/1", "items": [item]}))
    assert entry.published == NOW


def test_a_long_summary_is_cut_and_a_long_title_too() -> None:
    body = (
        f"<item><title>{'word ' * 300}</title><description>{'A sentence. ' * 1000}</description><guid>x</guid></item>"
    )
    (entry,) = parsed(rss(body))
    assert 3900 < len(entry.summary) <= 4000
    assert entry.summary.endswith("sentence.")
    assert len(entry.title) <= 500


def test_charsets() -> None:
    item = ITEM.format("Köln, Müller, 山田") + "<!-- ü -->"
    for charset in ("utf-8", "utf-16"):
        body = rss(item).replace('"1.0"', f'"1.0" encoding="{charset}"').encode(charset)
        assert parsed(body)[0].title == "Sample Köln, Müller, 山田", charset
    latin = rss(ITEM.format("Köln")).encode("latin-1")  # said to be UTF-8 by leaving it out
    assert parsed(latin)[0].title == "Sample Köln"


SCRAPS = st.sampled_from(
    [
        "<item>",
        "</item>",
        "<title>",
        "</title>",
        "<link>",
        "</link>",
        "https://a.example.org/1",
        "&amp;",
        "&",
        "<![CDATA[",
    ]
) | st.sampled_from(
    [
        "]]>",
        "<guid>x</guid>",
        "<pubDate>Thu, 32 Nov 2026</pubDate>",
        "\x00",
        "ü",
        "<enclosure url='x' type='audio/x'/>",
        "<b>",
    ]
)
FIELDS = st.sampled_from(["id", "url", "title", "authors", "author", "name", "tags", "attachments", "content_html"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(SCRAPS, max_size=25).map("".join))
@example("<item><link></item></link>")
def test_scraps_of_feeds_never_fail_but_where_feedparser_does(scraps: str) -> None:
    try:
        entries = parsed(f'<rss version="2.0"><channel><title>x</title>{scraps}')
    except ParseError as error:
        assert "the feed cannot be read (KeyError" in str(error)  # noqa: PT017 - it may raise, and need not
        return
    for entry in entries:
        assert entry.key
        assert entry.title == " ".join(entry.title.split()) != ""


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_odd_json_never_fails(item: Any) -> None:
    parsed(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]}))


def test_a_large_feed_takes_no_long_time() -> None:
    start = time.process_time()
    parsed(rss("".join(ITEM.format(n) for n in range(2000))))
    assert time.process_time() - start < 5


def test_items_that_share_a_link_stay_the_same_when_the_others_have_gone() -> None:
    items = "".join(f"<item><title>News {n}</title><link>https://home.example/notes</link></item>" for n in (1, 2))
    both, one = (
        f"<rss version='2.0'><channel><title>f</title>{text}</channel></rss>"
        for text in (items, items[: len(items) // 2])
    )
    feed = Feed(name="f", url="https://home.example/feed")
    (first, _), (alone,) = (feed.parse(text.encode(), NOW) for text in (both, one))
    assert {first.key, *first.aliases} & {alone.key, *alone.aliases}
