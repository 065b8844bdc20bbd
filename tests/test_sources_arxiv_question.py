"""What arXiv is asked for: categories, authors and a free query, checked before they are asked."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from aggregator.errors import FetchError
from aggregator.model import Window
from aggregator.sources.arxiv import Arxiv
from aggregator.sources.arxiv.question import checked_query, question
from aggregator.sources.arxiv.witnesses import set_of
from tests.fakes import Clock, fetcher_over, pages
from tests.test_sources_arxiv import API, ATOM, EMPTY_DAY, NOW, announced, api, asked, feed, paper, visit

GOOD = [
    "",
    "speech",
    'ti:"speech recognition"',
    "ti:speech AND abs:noise",
    'all:"text to speech" ANDNOT (cat:cs.CV OR au:"A. Sample")',
    "((ti:a OR ti:b) AND (co:Interspeech OR jr:TASLP))",
    "cat:cs.* AND submittedDate:[202601010000 TO 20260201]",
    "au:del_maestro OR id:2501.01234 OR rn:7",
    'au:"Müller" AND ti:x',
]
BAD = {
    "ti:speech\nAND abs:x": "one line",
    'ti:"speech': "without its partner",
    "(ti:a": "a ( without its )",
    "ti:a)": "a ) without its (",
    ")(": "a ) without its (",
    "()": "has ) where a term must stand",
    "title:speech": "the field 'title', which arXiv does not know; there are ti, au",
    "doi:10.1000": "the field 'doi'",
    "ti:speech recognition": "put words that belong together in quotes",
    "ti:a AND NOT ti:b": "ANDNOT",
    'ti:"a" "b"': "right after another term",
    "(ti:a) (ti:b)": "right after another term",
    "AND ti:a": "has AND where a term must stand",
    "ti:a AND": "ends with AND",
    "ti:a AND OR ti:b": "has OR where a term must stand, after AND",
    "ti: speech": "no blank may follow the colon",
    'ti:""': "without a word after it",
    "submittedDate:2026": "as submittedDate:[202601010000 TO",
    "lastUpdatedDate:[20260101 TO 20260201]": "the field 'lastUpdatedDate'",
    "ti:[20260101 TO 20260201]": "only submittedDate takes dates",
    "ti:b:c": "cannot be read from ':c' on",
    "x" * 1001: "1001 characters",
}


@pytest.mark.parametrize("query", GOOD)
def test_good_queries_stay_as_they_are(query: str) -> None:
    assert checked_query(f" {query} ") == query


@pytest.mark.parametrize(("query", "words"), BAD.items(), ids=lambda text: text[:30])
def test_bad_queries_are_explained(query: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Arxiv(name="x", query=query)
    assert words in str(caught.value)


def test_hostile_queries_take_no_time() -> None:
    start = time.perf_counter()
    for piece in ("(", "ti:a AND ", '"', "[", "a:", " "):
        with pytest.raises(ValidationError):
            Arxiv(name="x", query=(piece * 100_000)[:1000] + "(")
    assert time.perf_counter() - start < 1


def test_what_is_asked() -> None:
    assert question(("cs.SD", "eess.AS"), (), "") == "cat:cs.SD OR cat:eess.AS"
    assert question((), ("Shinji Watanabe",), "") == 'au:"Shinji Watanabe"'
    assert question((), ("A B", "C D"), "ti:x OR ti:y") == 'au:"A B" OR au:"C D" OR (ti:x OR ti:y)'
    assert question((), (), "ti:x") == "ti:x"
    assert question(("cs.SD", "cs.CL"), ("A B",), "ti:x") == '(cat:cs.SD OR cat:cs.CL) AND (au:"A B" OR (ti:x))'


def test_options() -> None:
    assert Arxiv(name="a").categories == ("cs.SD", "eess.AS")
    assert Arxiv(name="a", authors=(" Shinji  Watanabe",)).categories == ()
    assert Arxiv(name="a", authors=(" Shinji  Watanabe",)).authors == ("Shinji Watanabe",)
    assert Arxiv(name="a", query="ti:x", categories=("cs.SD",)).categories == ("cs.SD",)
    wrong: list[dict[str, Any]] = [
        {"categories": []}, {"categories": [], "authors": []}, {"authors": ['A" OR cat:cs.CV']}, {"authors": [""]},
        {"authors": ["x" * 101]}, {"authors": ["A B"] * 51}, {"query": " ", "categories": []},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(ValidationError):
            Arxiv(name="x", **options)


def test_authors_are_looked_for_by_the_api_alone_and_everywhere(tmp_path: Path) -> None:
    network = pages({API: api([paper(1, 1), paper(2, 30)]), ATOM: EMPTY_DAY})
    batch = visit(network, tmp_path, authors=["Shinji Watanabe"])
    assert [url.params["search_query"] for url in asked(network)] == ['au:"Shinji Watanabe"']
    assert len(network.requests) == 1
    assert ([entry.key for entry in batch.entries], batch.missing, batch.note) == (["arxiv:2611.00001"], "", "")
    assert batch.cursor["until"] == NOW.isoformat()
    assert len(visit(network, tmp_path, batch.cursor, authors=["Somebody Else"]).entries) == 1  # begins anew
    earlier = {**batch.cursor, "until": "2026-10-21T00:00:00+00:00"}
    assert len(visit(network, tmp_path, earlier, authors=["Shinji Watanabe"]).entries) == 2
    with pytest.raises(FetchError):
        visit(pages({API: 404}), tmp_path, authors=["A B"])


def test_a_name_that_nobody_has_is_told_and_no_failure(tmp_path: Path) -> None:
    batch = visit(pages({API: feed([], 0)}), tmp_path, query='ti:"no such words"')
    assert (batch.entries, batch.missing) == ((), "")
    assert batch.note == "arXiv has no paper at all that matches; check authors and query"


def test_backfill_of_authors(tmp_path: Path) -> None:
    window = Window(date(2026, 11, 9), date(2026, 11, 15))
    network = pages({API: api([paper(1, 6)])})
    with fetcher_over(network, tmp_path) as fetcher:
        source = Arxiv(name="a", categories=("cs.SD",), authors=("A B",))
        assert len(source.backfill(fetcher, window, window, NOW).entries) == 1
    assert asked(network)[0].params["search_query"] == (
        '((cat:cs.SD) AND (au:"A B")) AND submittedDate:[202611090000 TO 202611160000]'
    )


# --- witnesses ------------------------------------------------------------------------------------------------------

OAI = "https://oaipmh.arxiv.org/oai"
WEEK = Window(date(2026, 11, 16), date(2026, 11, 22))


def records(*rows: tuple[int, str]) -> str:
    told = "".join(
        f"<record><header><identifier>oai:arXiv.org:2611.{number:05}</identifier><datestamp>2026-11-19</datestamp></header>"
        f'<metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2611.{number:05}</id><version version="v1">'
        f"<date>{when}</date></version><title>Sample {number}</title></arXivRaw></metadata></record>"
        for number, when in rows
    )
    return f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{told}</ListRecords></OAI-PMH>'


def test_sets_of_categories() -> None:
    named = {
        "cs.SD": "cs:cs:SD", "eess.AS": "eess:eess:AS", "hep-th": "physics:hep-th", "q-bio.QM": "q-bio:q-bio:QM",
        "cond-mat.mtrl-sci": "physics:cond-mat:mtrl-sci", "physics.optics": "physics:physics:optics",
    }  # fmt: skip
    assert Arxiv(name="all", categories=tuple(named)).categories == tuple(named)
    assert {category: set_of(category) for category in named} == named


def test_three_witnesses(tmp_path: Path) -> None:
    rows = [
        (1, "Wed, 18 Nov 2026 10:00:00 GMT"),
        (2, "Tue, 03 Nov 2026 10:00:00 GMT"),
        (3, "Sun, 01 Nov 2026 10:00:00 GMT"),
    ]
    network = pages(
        {API: api([paper(1, 2), paper(5, 1)]), OAI: records(*rows), ATOM: announced(("2611.00009", 1, "new"))}
    )
    with fetcher_over(network, tmp_path) as fetcher:
        accounts = list(Arxiv(name="arxiv").witnesses(fetcher, WEEK, NOW))
    assert [(one.witness, [entry.key[-1] for entry in one.entries], one.missing) for one in accounts] == [
        ("API", ["1", "5"], ""), ("OAI", ["1", "2"], ""), ("OAI", ["1", "2"], ""), ("daily feed", ["9"], ""),
    ]  # fmt: skip
    params = [dict(r.url.params) for r in network.requests if r.url.host == "oaipmh.arxiv.org"]
    assert params[0] == {
        "verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "cs:cs:SD", "from": "2026-11-16",
        "until": "2026-11-20",
    }  # fmt: skip
    assert accounts[-1].window == Window(date(2026, 11, 20), date(2026, 11, 20))


def test_a_witness_that_fails_says_so_and_the_others_are_heard(tmp_path: Path) -> None:
    network = pages({API: 404, OAI: 404, ATOM: "Rate exceeded."})
    with fetcher_over(network, tmp_path) as fetcher:
        accounts = list(Arxiv(name="arxiv").witnesses(fetcher, WEEK, NOW))
    assert [(one.witness, one.entries) for one in accounts] == [
        ("API", ()),
        ("OAI", ()),
        ("OAI", ()),
        ("daily feed", ()),
    ]
    assert all(one.missing for one in accounts)


def test_the_daily_feed_is_no_witness_of_other_days_nor_the_archive_of_authors(tmp_path: Path) -> None:
    past = Window(date(2026, 10, 1), date(2026, 10, 31))
    network = pages({API: api([paper(1, 40)]), OAI: records()})
    with fetcher_over(network, tmp_path) as fetcher:
        heard = [one.witness for one in Arxiv(name="arxiv").witnesses(fetcher, past, NOW)]
        assert heard == ["API"] * 5 + ["OAI"] * 2
        assert {one.witness for one in Arxiv(name="a", authors=("A B",)).witnesses(fetcher, WEEK, NOW)} == {"API"}
        early = Window(date(2001, 1, 1), date(2001, 1, 7))
        assert [one.witness for one in Arxiv(name="a").witnesses(fetcher, early, NOW)] == ["API"]


def test_two_timeouts_and_no_network_are_told_by_their_kind(tmp_path: Path) -> None:
    for error, times in ((httpx.PoolTimeout("late"), 2), (httpx.ProxyError("no"), 1), (httpx.ReadError("cut"), 4)):
        network = pages({API: api([paper(1, 1)], [error] * 9), ATOM: 404})
        with pytest.raises(FetchError):
            visit(network, tmp_path, clock=Clock())
        assert len(asked(network)) == times


def test_the_venue_is_told(tmp_path: Path) -> None:
    comment = '<comment xmlns="http://arxiv.org/schemas/atom">Accepted at Interspeech 2026</comment>'
    said = feed([paper(1, 1)], 1).replace("<summary>", f"{comment}<summary>")
    (entry,) = visit(pages({API: said, ATOM: EMPTY_DAY}), tmp_path).entries
    assert (entry.signals["venue"], entry.signals["comment"]) == ("Interspeech 2026", "Accepted at Interspeech 2026")
    assert entry.published == NOW - timedelta(days=1) == datetime(2026, 11, 19, 12, tzinfo=UTC)
