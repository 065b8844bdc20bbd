"""arXiv behind the real Fetcher: what is asked, what is believed, what becomes of each failure."""

import logging
import re
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.model import Batch, Window
from aggregator.sources.arxiv import Arxiv
from tests.fakes import Clock, One, Pages, fetcher_over, pages

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
API = "https://export.arxiv.org/api/query"
ATOM = "https://rss.arxiv.org/atom/cs.SD+eess.AS"
EMPTY_DAY = '<feed xmlns="http://www.w3.org/2005/Atom"><title>cs.SD updates</title></feed>'
Paper = tuple[str, int, datetime, datetime]  # id, version, published, updated


def paper(number: int, days: float, version: int = 1, first: float | None = None) -> Paper:
    """A paper revised `days` ago; submitted then too, unless `first` says how many days ago."""
    updated = NOW - timedelta(days=days)
    return f"2611.{number:05}", version, NOW - timedelta(days=days if first is None else first), updated


def feed(papers: list[Paper], total: int, start: int = 0) -> str:
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{name}v{version}</id><title>Sample {name}</title>"
        f"<updated>{updated:%Y-%m-%dT%H:%M:%SZ}</updated><published>{published:%Y-%m-%dT%H:%M:%SZ}</published>"
        f'<summary>A sample.</summary><category term="cs.SD"/><author><name>A. Sample</name></author></entry>'
        for name, version, published, updated in papers
    )
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<title>arXiv Query</title><opensearch:totalResults>{total}</opensearch:totalResults>"
        f"<opensearch:startIndex>{start}</opensearch:startIndex>{entries}</feed>"
    )


def api(papers: list[Paper], before: list[One] | None = None) -> Callable[[httpx.Request], httpx.Response]:
    """The API over these papers, newest change first; answers `before` come first, one for each request."""
    waiting = list(before or [])

    def answer(request: httpx.Request) -> httpx.Response:
        if waiting:
            first = waiting.pop(0)
            if isinstance(first, Exception):
                raise first
            return first if isinstance(first, httpx.Response) else httpx.Response(200, content=str(first))
        start, size = int(request.url.params["start"]), int(request.url.params["max_results"])
        return httpx.Response(200, content=feed(papers[start : start + size], len(papers), start))

    return answer


def announced(*rows: tuple[str, int, str]) -> str:
    entries = "".join(
        f"<entry><id>oai:arXiv.org:{name}v{version}</id><title>Sample {name}</title>"
        f'<link href="https://arxiv.org/abs/{name}"/><summary>arXiv:{name}v{version} Announce Type: {kind} \nAbstract: '
        f"A sample from the feed.</summary><published>2026-11-20T00:00:00-05:00</published></entry>"
        for name, version, kind in rows
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>cs.SD updates on arXiv.org</title>{entries}</feed>'


def visit(network: Pages, folder: Path, cursor: Any = None, clock: Clock | None = None, **options: Any) -> Batch:
    with fetcher_over(network, folder, clock) as fetcher:
        return Arxiv(name="arxiv", **options).visit(fetcher, cursor, NOW)


def asked(network: Pages) -> list[httpx.URL]:
    return [request.url for request in network.requests if request.url.host == "export.arxiv.org"]


def names(batch: Batch) -> list[str]:
    return [entry.key for entry in batch.entries]


# --- what is asked --------------------------------------------------------------------------------------------------


def test_first_visit_asks_a_week_and_the_look_back_page_by_page(tmp_path: Path) -> None:
    papers = [paper(n, n) for n in range(1, 40)]
    network = pages({API: api(papers), ATOM: EMPTY_DAY})
    batch = visit(network, tmp_path, page_size=5)
    assert names(batch) == [f"arxiv:2611.{n:05}" for n in range(1, 15)]
    assert batch.missing == ""
    assert [url.params["start"] for url in asked(network)] == ["0", "5", "10"]
    first = asked(network)[0].params
    assert (first["search_query"], first["sortBy"], first["sortOrder"], first["max_results"]) == (
        "cat:cs.SD OR cat:eess.AS", "lastUpdatedDate", "descending", "5",
    )  # fmt: skip
    assert batch.cursor["until"] == NOW.isoformat()


def test_later_visit_goes_back_from_the_cursor(tmp_path: Path) -> None:
    cursor = {"categories": ["cs.SD", "eess.AS"], "until": (NOW - timedelta(days=1)).isoformat(), "atom": {}}
    network = pages({API: api([paper(n, n) for n in range(1, 40)]), ATOM: EMPTY_DAY})
    assert len(visit(network, tmp_path, cursor).entries) == 8
    assert len(visit(network, tmp_path, cursor, lookback_days=2).entries) == 3
    elsewhere = {**cursor, "categories": ["cs.CL"]}
    assert len(visit(network, tmp_path, elsewhere).entries) == 14  # other categories: all from the beginning


def test_news_is_what_came_out_in_the_window(tmp_path: Path) -> None:
    papers = [paper(1, 1), paper(2, 1, version=2, first=10), paper(3, 1, version=2, first=400)]
    batch = visit(pages({API: api(papers), ATOM: EMPTY_DAY}), tmp_path)
    assert [entry.news for entry in batch.entries] == [True, True, False]
    assert [entry.signals["version"] for entry in batch.entries] == [1, 2, 2]
    assert batch.entries[0].url == "https://arxiv.org/abs/2611.00001"


def test_announcements_join_the_papers(tmp_path: Path) -> None:
    papers = [paper(1, 1), paper(3, 1, version=2, first=400)]
    day = announced(
        ("2611.00001", 1, "new"), ("2611.00003", 2, "replace"), ("2611.00007", 1, "cross"), ("2006.11477", 3, "replace")
    )
    network = pages({API: api(papers), ATOM: httpx.Response(200, content=day, headers={"ETag": 'W/"x"'})})
    batch = visit(network, tmp_path)
    found = {entry.key: entry for entry in batch.entries}
    assert {key.removeprefix("arxiv:"): entry.signals["announce"] for key, entry in found.items()} == {
        "2611.00001": "new", "2611.00003": "replace", "2611.00007": "cross", "2006.11477": "replace",
    }  # fmt: skip
    assert found["arxiv:2611.00001"].summary == "A sample."
    assert found["arxiv:2611.00001"].announced == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert found["arxiv:2611.00007"].summary == "A sample from the feed."
    assert [found[f"arxiv:{n}"].news for n in ("2611.00003", "2611.00007", "2006.11477")] == [False, True, False]
    assert found["arxiv:2006.11477"].published.year == 2020
    assert batch.cursor["atom"]["etag"] == 'W/"x"'


def test_the_daily_feed_is_asked_conditionally(tmp_path: Path) -> None:
    def day(request: httpx.Request) -> httpx.Response:
        same = request.headers.get("if-none-match") == '"x"'
        return httpx.Response(304 if same else 200, content=b"" if same else EMPTY_DAY, headers={"ETag": '"x"'})

    network = pages({API: api([paper(1, 1)]), ATOM: day})
    first = visit(network, tmp_path)
    second = visit(network, tmp_path, first.cursor)
    assert network.requests[-1].headers["if-none-match"] == '"x"'
    assert (second.missing, second.cursor["atom"]) == ("", first.cursor["atom"])


# --- what is believed -----------------------------------------------------------------------------------------------

PASSING: list[tuple[One, str]] = [
    ("Rate exceeded.", "arXiv answered 200 with the text 'Rate exceeded.' instead of a feed"),
    ("<!DOCTYPE html><html><title>Busy</title></html>", "web page"),
    ("", "nothing"),
    (feed([], 500), "an empty page where it counts 500"),
    (feed([], 0), "no paper at all"),
    (feed([paper(1, 1)], 1)[:300], "breaks off"),
    (feed([paper(1, 1)], 1).replace("<updated>2", "<updated>x"), "updated date"),
    (feed([paper(1, 1)], 1).replace("arxiv.org/abs", "example.org"), "id 'http"),
    (feed([paper(1, 1)], 1).replace("totalResults", "x"), "how many"),
    ("<rss/>", "<rss>"),
    ('<!DOCTYPE feed [<!ENTITY a "b">]><feed/>', "document type"),
    (httpx.Response(503), "503"),
    (httpx.Response(403), "403"),
    (httpx.Response(406), "406"),
    (httpx.Response(500), "500"),
    (httpx.ReadError("the line is dead"), "export.arxiv.org"),
    (httpx.RemoteProtocolError("hung up"), "export.arxiv.org"),
]


@pytest.mark.parametrize(("bad", "words"), PASSING, ids=[words for _, words in PASSING])
def test_what_may_pass_is_asked_again(bad: One, words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = pages({API: api([paper(1, 1), paper(2, 2)], [bad, bad]), ATOM: EMPTY_DAY})
    clock = Clock()
    with caplog.at_level(logging.WARNING, "aggregator.sources"):
        batch = visit(network, tmp_path, clock=clock)
    assert (len(batch.entries), batch.missing) == (2, "")
    assert len(asked(network)) == 3
    lines = [record.getMessage() for record in caplog.records]
    assert [words in line for line in lines] == [True, True]
    assert ["asking again after 5 s" in lines[0], "asking again after 10 s" in lines[1]] == [True, True]
    assert sum(clock.slept) >= 15


@pytest.mark.parametrize(("bad", "words"), PASSING, ids=[words for _, words in PASSING])
def test_what_does_not_pass_fails_in_one_line(bad: One, words: str, tmp_path: Path) -> None:
    network = pages({API: api([paper(1, 1)], [bad] * 9), ATOM: 500})
    with pytest.raises(SourceError, match=re.escape(words)) as caught:
        visit(network, tmp_path)
    assert "\n" not in str(caught.value)
    assert len(asked(network)) == 4
    if isinstance(bad, str):
        assert isinstance(caught.value, ParseError)


REFUSED = feed([paper(1, 1)], 1).replace("http://arxiv.org/abs/2611.00001v1", "https://arxiv.org/api/errors#x")


HOPELESS: dict[str, One] = {
    "400": httpx.Response(400),
    "404": httpx.Response(404),
    "error entry": REFUSED,
    "no network": socket.gaierror(socket.EAI_AGAIN, "no name server"),
    "no server": httpx.ConnectError("nobody listens"),
}


@pytest.mark.parametrize("bad", HOPELESS.values(), ids=HOPELESS.keys())
def test_what_will_not_pass_is_not_asked_again(bad: One, tmp_path: Path) -> None:
    network = pages({API: api([paper(1, 1)], [bad] * 9), ATOM: 404})
    with pytest.raises(SourceError):
        visit(network, tmp_path)
    assert len(asked(network)) == 1


def test_two_timeouts_are_enough(tmp_path: Path) -> None:
    slow = httpx.ReadTimeout("too slow")
    with pytest.raises(FetchError, match="within 30 s"):
        visit(network := pages({API: api([paper(1, 1)], [slow] * 9), ATOM: 404}), tmp_path)
    assert len(asked(network)) == 2


def test_retry_after_is_kept_and_the_error_says_it(tmp_path: Path) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "2"})
    network, clock = pages({API: api([paper(1, 1)], [busy, busy]), ATOM: EMPTY_DAY}), Clock()
    assert len(visit(network, tmp_path, clock=clock).entries) == 1
    assert len(asked(network)) == 3
    long = httpx.Response(429, headers={"Retry-After": "7200"})
    network = pages({API: api([paper(1, 1)], [long]), ATOM: 500})
    with pytest.raises(FetchError) as caught:
        visit(network, tmp_path / "other")
    assert len(asked(network)) == 1
    assert caught.value.status == 429
    assert caught.value.retry_after == timedelta(hours=2)


# --- halves ---------------------------------------------------------------------------------------------------------


def test_the_api_alone_is_kept(tmp_path: Path) -> None:
    past = {
        "categories": ["cs.SD", "eess.AS"],
        "until": (NOW - timedelta(days=1)).isoformat(),
        "atom": {"etag": '"old"'},
    }
    for bad in (500, "<html><title>x</title></html>", announced(("2611.00001", 1, "new"))[:200], "Rate exceeded."):
        batch = visit(pages({API: api([paper(1, 1)]), ATOM: bad}), tmp_path, past)
        assert len(batch.entries) == 1
        assert batch.missing.startswith("the daily feed: ")
        assert batch.cursor["atom"]["etag"] == '"old"'
        assert batch.cursor["until"] == NOW.isoformat()


def test_the_daily_feed_alone_is_kept(tmp_path: Path) -> None:
    past = {"categories": ["cs.SD", "eess.AS"], "until": (NOW - timedelta(days=1)).isoformat(), "atom": {}}
    network = pages({API: 404, ATOM: announced(("2611.00009", 1, "new"))})
    batch = visit(network, tmp_path, past)
    assert names(batch) == ["arxiv:2611.00009"]
    assert batch.missing.startswith("the API: ")
    assert batch.cursor["until"] == past["until"]
    assert "until" not in visit(network, tmp_path).cursor


def test_pages_before_the_break_are_kept(tmp_path: Path) -> None:
    answers: list[One] = [feed([paper(n, n) for n in (1, 2)], 9), *["Rate exceeded."] * 9]
    batch = visit(pages({API: answers, ATOM: 404}), tmp_path, page_size=2)
    assert names(batch) == ["arxiv:2611.00001", "arxiv:2611.00002"]
    assert "Rate exceeded." in batch.missing
    assert "the daily feed: " in batch.missing
    assert "until" not in batch.cursor


# --- history --------------------------------------------------------------------------------------------------------


def test_slices_are_weeks_after_stretches_of_older_papers() -> None:
    window = Window(date(2026, 3, 4), date(2026, 3, 20))
    assert Arxiv(name="arxiv").slices(window) == (
        Window(date(2025, 3, 4), date(2026, 3, 3)),
        Window(date(2023, 3, 5), date(2025, 3, 3)),
        Window(date(1991, 1, 1), date(2023, 3, 4)),
        Window(date(2026, 3, 4), date(2026, 3, 8)),
        Window(date(2026, 3, 9), date(2026, 3, 15)),
        Window(date(2026, 3, 16), date(2026, 3, 20)),
    )
    assert len(Arxiv(name="arxiv").slices(Window(date(1991, 1, 1), date(1991, 1, 6)))) == 1


def test_backfill_of_a_week_takes_all_pages_and_counts(tmp_path: Path) -> None:
    window = Window(date(2026, 11, 9), date(2026, 11, 15))
    papers = [paper(n, 6) for n in range(1, 8)]
    network = pages({API: api(papers)})
    with fetcher_over(network, tmp_path) as fetcher:
        batch = Arxiv(name="arxiv", page_size=3).backfill(fetcher, window, window, NOW)
        assert (len(batch.entries), batch.missing) == (7, "")
        params = asked(network)[0].params
        assert params["search_query"] == "(cat:cs.SD OR cat:eess.AS) AND submittedDate:[202611090000 TO 202611160000]"
        assert (params["sortBy"], params["sortOrder"]) == ("submittedDate", "ascending")
        network.answers[API] = [feed(papers[:3], 7), feed(papers[3:6], 7), feed(papers[6:] * 2, 7)]
        assert (
            "counts 7 papers and gave 8" in Arxiv(name="x", page_size=3).backfill(fetcher, window, window, NOW).missing
        )
        network.answers[API] = feed([], 0)  # a week may be empty
        assert Arxiv(name="x").backfill(fetcher, window, window, NOW).entries == ()
        network.answers[API] = [feed(papers[:3], 7), *["Rate exceeded."] * 9]
        with pytest.raises(ParseError, match="Rate exceeded"):
            Arxiv(name="x", page_size=3).backfill(fetcher, window, window, NOW)


def test_backfill_of_older_papers_reads_to_the_window_and_is_no_news(tmp_path: Path) -> None:
    window = Window(date(2026, 11, 1), date(2026, 11, 20))
    papers = [paper(n, n, version=2, first=300) for n in range(1, 40)]
    network = pages({API: api(papers)})
    with fetcher_over(network, tmp_path) as fetcher:
        source = Arxiv(name="arxiv", page_size=10)
        batch = source.backfill(fetcher, source.slices(window)[0], window, NOW)
    assert len(batch.entries) == 19
    assert not any(entry.news for entry in batch.entries)
    assert [url.params["start"] for url in asked(network)] == ["0", "10"]
    assert asked(network)[0].params["sortBy"] == "lastUpdatedDate"
