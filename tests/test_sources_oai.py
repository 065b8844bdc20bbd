"""Archives that answer OAI-PMH: what is asked, over tokens, refusals and breaks; what becomes of the records.

The samples in tests/data/oai follow the templates of arXiv's own server (github.com/arXiv/oaipmh) and the protocol,
https://www.openarchives.org/OAI/openarchivesprotocol.html.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from pydantic import ValidationError

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Entry, Window
from aggregator.sources._oai import Question, answer, identify, pages
from aggregator.sources.arxiv import Arxiv
from aggregator.sources.oai import ARXIV, Oai
from tests.box import Box, needs_box
from tests.fakes import Clock, One, Pages, fetcher_over
from tests.fakes import pages as network_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK = "2026-11-20T03:30:11Z"
OTHER = "https://archive.example.org/oai"


def wrapped(inside: str, clock: str = CLOCK) -> str:
    return (
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>{clock}</responseDate>{inside}</OAI-PMH>'
    )


def refused(code: str, text: str = "") -> str:
    return wrapped(f'<error code="{code}">{text}</error>')


def record(number: int, day: str = "2026-11-19", *versions: str) -> str:
    dates = versions or ("Wed, 18 Nov 2026 10:00:00 GMT",)
    told = "".join(f'<version version="v{count}"><date>{when}</date></version>' for count, when in enumerate(dates, 1))
    return (
        f"<record><header><identifier>oai:arXiv.org:2611.{number:05}</identifier><datestamp>{day}</datestamp></header>"
        f'<metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2611.{number:05}</id>'
        f"{told}<title>Sample {number}</title><authors>A. Sample</authors><categories>cs.SD</categories>"
        "<abstract>A sample.</abstract></arXivRaw></metadata></record>"
    )


def listed(*records: str, token: str | None = None, size: int | None = None) -> str:
    counts = f' completeListSize="{size}"' if size is not None else ""
    more = "" if token is None else f"<resumptionToken{counts}>{escape(token)}</resumptionToken>"
    return wrapped(f"<ListRecords>{''.join(records)}{more}</ListRecords>")


IDENTIFY = wrapped(
    "<Identify><repositoryName>arXiv</repositoryName><earliestDatestamp>2005-09-16</earliestDatestamp>"
    "<granularity>YYYY-MM-DD</granularity></Identify>"
)
TIMED = IDENTIFY.replace("YYYY-MM-DD", "YYYY-MM-DDThh:mm:ssZ").replace("2005-09-16", "2013-01-31T00:00:00Z")


def archive(*answers: One, identity: str = IDENTIFY) -> Callable[[httpx.Request], httpx.Response]:
    """Answers to ListRecords one after the other, the last for good."""
    waiting = list(answers)

    def say(request: httpx.Request) -> httpx.Response:
        if request.url.params["verb"] == "Identify":
            return httpx.Response(200, content=identity)
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, httpx.Response):
            return httpx.Response(said.status_code, headers=said.headers, content=said.content)
        return httpx.Response(200, content=str(said))

    return say


def asked(network: Pages) -> list[dict[str, str]]:
    return [dict(request.url.params) for request in network.requests]


def lists(network: Pages) -> list[dict[str, str]]:
    return [params for params in asked(network) if params["verb"] == "ListRecords"]


def visit(network: Pages, folder: Path, cursor: Any = None, clock: Clock | None = None, **options: Any) -> Batch:
    with fetcher_over(network, folder, clock) as fetcher:
        return Oai(name="oai", **options).visit(fetcher, cursor, NOW)


def one_set(network: Pages, folder: Path, cursor: Any = None, clock: Clock | None = None) -> Batch:
    return visit(network, folder, cursor, clock, sets=["cs:cs:SD"])


def names(batch: Batch) -> list[str]:
    return [entry.key.removeprefix("arxiv:2611.") for entry in batch.entries]


# --- what is asked --------------------------------------------------------------------------------------------------


def test_first_visit_asks_for_a_week_of_each_set_and_later_ones_from_the_day_of_the_last_answer(tmp_path: Path) -> None:
    network = network_of({ARXIV: archive(listed(record(1), record(2)))})
    batch = visit(network, tmp_path)
    assert asked(network)[0] == {"verb": "Identify"}
    assert lists(network) == [
        {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": one, "from": "2026-11-13"}
        for one in ("cs:cs:SD", "eess:eess:AS")
    ]
    assert names(batch) == ["00001", "00002"]
    assert (batch.missing, batch.note) == ("", "")
    assert batch.cursor["from"] == {"cs:cs:SD": "2026-11-20", "eess:eess:AS": "2026-11-20"}
    network.requests.clear()
    assert names(visit(network, tmp_path, batch.cursor)) == ["00001", "00002"]
    assert [params.get("from") for params in asked(network)] == ["2026-11-20", "2026-11-20"]
    network.requests.clear()
    visit(network, tmp_path, batch.cursor, sets=["cs:cs:SD", "cs:cs:CL"])
    assert [params["from"] for params in lists(network)] == ["2026-11-20", "2026-11-13"]  # a set that is new to it


def test_the_archives_own_clock_counts_but_no_future_one(tmp_path: Path) -> None:
    for clock, day in (
        ("2026-11-17T23:00:00Z", "2026-11-17"),
        ("2031-01-01T00:00:00Z", "2026-11-20"),
        ("?", "2026-11-20"),
    ):
        network = network_of({ARXIV: archive(listed(record(1)).replace(CLOCK, clock))})
        assert one_set(network, tmp_path).cursor["from"] == {"cs:cs:SD": day}


def test_datestamps_with_a_time_of_day_are_asked_for_with_one(tmp_path: Path) -> None:
    network = network_of({OTHER: archive(listed(record(1)), identity=TIMED)})
    batch = visit(network, tmp_path, url=OTHER)
    assert lists(network) == [{"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-11-13T00:00:00Z"}]
    assert batch.cursor == {"of": [OTHER, "oai_dc"], "from": {"": "2026-11-20"}, "timed": True}
    source, window = Oai(name="oai", url=OTHER), Window(date(2012, 12, 1), date(2013, 2, 3))
    with fetcher_over(network, tmp_path) as fetcher:
        network.requests.clear()
        for piece in source.slices(window)[:3]:
            source.backfill(fetcher, piece, window, NOW)
    assert [params["verb"] for params in asked(network)] == ["Identify", "ListRecords", "ListRecords"]
    assert [(params["from"], params["until"]) for params in lists(network)] == [
        ("2013-01-31T00:00:00Z", "2013-01-31T23:59:59Z"),  # nothing before the archive's first day
        ("2013-02-01T00:00:00Z", "2013-02-03T23:59:59Z"),
    ]


def test_a_token_stands_alone_and_comes_back_as_it_was_given(tmp_path: Path) -> None:
    token = "verb%3DListRecords%26set=cs:cs:SD&skip=3 +/é|"
    network = network_of(
        {ARXIV: archive(listed(record(1), token=token), listed(record(2), token="b"), listed(record(3), token=""))}
    )
    assert names(one_set(network, tmp_path)) == ["00001", "00002", "00003"]
    assert lists(network)[1:] == [
        {"verb": "ListRecords", "resumptionToken": token},
        {"verb": "ListRecords", "resumptionToken": "b"},
    ]


def test_what_came_out_lately_is_news_and_what_only_changed_is_not(tmp_path: Path) -> None:
    revised = record(2, "2026-11-19", "Thu, 01 Oct 2026 10:00:00 GMT", "Wed, 18 Nov 2026 10:00:00 GMT")
    held = record(3, "2026-11-19", "Fri, 06 Nov 2026 10:00:00 GMT")
    deleted = '<record><header status="deleted"><identifier>oai:arXiv.org:x</identifier></header></record>'
    broken = record(4).replace("<id>2611.00004", "<id>no paper")
    network = network_of({ARXIV: archive(listed(record(1), revised, held, deleted, broken))})
    batch = one_set(network, tmp_path)
    assert [(entry.key[-5:], entry.news, entry.signals["version"]) for entry in batch.entries] == [
        ("00001", True, 1), ("00002", False, 2), ("00003", True, 1),
    ]  # fmt: skip
    assert batch.entries[1].published == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert (
        batch.note
        == "records deleted in the archive: 1; records that cannot be read: 1, such as oai:arXiv.org:2611.00004"
    )
    assert batch.missing == ""


def test_nothing_that_matches_is_empty_and_true(tmp_path: Path) -> None:
    batch = one_set(network_of({ARXIV: archive(refused("noRecordsMatch"))}), tmp_path)
    assert (batch.entries, batch.missing) == ((), "")
    assert batch.cursor["from"] == {"cs:cs:SD": "2026-11-20"}


def test_fewer_records_than_counted_are_missing(tmp_path: Path) -> None:
    answers = [listed(record(1), token="a", size=3), listed(record(2), token="", size=3)]
    batch = one_set(network_of({ARXIV: archive(*answers)}), tmp_path)
    assert batch.missing == "the archive counts 3 records and gave 2"


# --- refusals and breaks --------------------------------------------------------------------------------------------

EXPIRED = refused("badResumptionToken", "expired")


@pytest.mark.parametrize("bad", [EXPIRED, refused("noRecordsMatch")], ids=["expired", "gone"])
def test_a_lost_place_in_the_list_begins_it_anew_once(bad: str, tmp_path: Path) -> None:
    first, last = listed(record(1), token="a"), listed(record(2), token="")
    network = network_of({ARXIV: archive(first, bad, first, last)})
    assert names(one_set(network, tmp_path)) == ["00001", "00002"]
    assert ["resumptionToken" in params for params in lists(network)] == [False, True, False, True]
    network = network_of({ARXIV: archive(first, bad, first, bad)})
    batch = one_set(network, tmp_path)
    assert names(batch) == ["00001"]  # what came is kept, and asked for again
    assert batch.missing.startswith("set cs:cs:SD: oaipmh.arxiv.org: the ")
    assert batch.cursor["from"] == {}
    assert len(lists(network)) == 4


def test_a_list_that_goes_in_a_circle_ends(tmp_path: Path) -> None:
    network = network_of(
        {ARXIV: archive(listed(record(1), token="a"), listed(record(2), token="b"), listed(token="a"))}
    )
    batch = one_set(network, tmp_path)
    assert "goes in a circle after 3 pages" in batch.missing
    assert len(lists(network)) == 3


REFUSALS = {
    refused("badArgument", "Set does not exist"): "badArgument ('Set does not exist'): check sets and prefix",
    refused(
        "cannotDisseminateFormat"
    ): "cannotDisseminateFormat: it does not have this prefix; every archive has oai_dc",
    refused("noSetHierarchy"): "noSetHierarchy: it has no sets; leave them out",
    refused("badVerb"): "badVerb: is this the address",
    refused("newFashion", "x" * 999): "newFashion",
}


@pytest.mark.parametrize(("said", "words"), REFUSALS.items(), ids=lambda text: text[-20:])
def test_a_refusal_is_said_in_words_and_not_asked_again(said: str, words: str, tmp_path: Path) -> None:
    network = network_of({ARXIV: archive(said)})
    with pytest.raises(ParseError) as caught:
        one_set(network, tmp_path)
    assert f"oaipmh.arxiv.org: the archive refuses the question: {words}" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert len(lists(network)) == 1


PASSING: dict[str, One] = {
    "rate": "Rate exceeded.",
    "page": "<html><title>Busy</title></html>",
    "nothing": "",
    "cut": listed(record(1))[:300],
    "500": httpx.Response(500),
    "503": httpx.Response(503, headers={"Retry-After": "20"}),
    "429": httpx.Response(429),
    "reset": httpx.ReadError("the line is dead"),
}


@pytest.mark.parametrize("bad", PASSING.values(), ids=PASSING.keys())
def test_what_may_pass_is_asked_again_on_the_same_page(bad: One, tmp_path: Path) -> None:
    clock = Clock()
    network = network_of({ARXIV: archive(listed(record(1), token="a"), bad, bad, listed(record(2), token=""))})
    batch = one_set(network, tmp_path, clock=clock)
    assert (names(batch), batch.missing) == (["00001", "00002"], "")
    assert [params.get("resumptionToken") for params in lists(network)] == [None, "a", "a", "a"]
    assert sum(clock.slept) >= 15


@pytest.mark.parametrize("bad", PASSING.values(), ids=PASSING.keys())
def test_what_does_not_pass_fails_in_one_line(bad: One, tmp_path: Path) -> None:
    network = network_of({ARXIV: archive(bad)})
    with pytest.raises(SourceError, match=r"oaipmh\.arxiv\.org") as caught:
        one_set(network, tmp_path)
    assert "\n" not in str(caught.value)
    assert len(lists(network)) == 4


def test_retry_after_beyond_all_patience_is_handed_on(tmp_path: Path) -> None:
    network = network_of({ARXIV: archive(httpx.Response(503, headers={"Retry-After": "7200"}))})
    with pytest.raises(FetchError) as caught:
        one_set(network, tmp_path)
    assert (caught.value.status, caught.value.retry_after, caught.value.own) == (503, timedelta(hours=2), False)
    assert len(lists(network)) == 1


HOPELESS: dict[str, tuple[One, int]] = {
    "404": (httpx.Response(404), 1),
    "403": (httpx.Response(403), 1),
    "no server": (httpx.ConnectError("nobody listens"), 1),
    "slow": (httpx.ReadTimeout("too slow"), 2),
}


@pytest.mark.parametrize(("bad", "times"), HOPELESS.values(), ids=HOPELESS.keys())
def test_what_will_not_pass_is_not_asked_again(bad: One, times: int, tmp_path: Path) -> None:
    network = network_of({ARXIV: archive(bad)})
    with pytest.raises(FetchError):
        one_set(network, tmp_path)
    assert len(lists(network)) == times


def test_a_set_that_fails_keeps_its_place_and_the_others_go_on(tmp_path: Path) -> None:
    cursor = {"of": [ARXIV, "arXivRaw"], "from": {"a": "2026-11-18", "b": "2026-11-18"}, "timed": False}

    def say(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, content=listed(record(1))) if request.url.params["set"] == "a" else httpx.Response(404)
        )

    batch = visit(network_of({ARXIV: say}), tmp_path, cursor, sets=["a", "b"])
    assert names(batch) == ["00001"]
    assert batch.missing.startswith("set b: oaipmh.arxiv.org/oai: 404")
    assert batch.cursor["from"] == {"a": "2026-11-20", "b": "2026-11-18"}


def test_an_archive_that_does_not_say_who_it_is_fails(tmp_path: Path) -> None:
    for said in ("<html></html>", wrapped(""), refused("badVerb")):
        with pytest.raises(ParseError), fetcher_over(network_of({OTHER: said}), tmp_path) as fetcher:
            identify(fetcher, OTHER)


def test_hostile_answers_are_refused(tmp_path: Path) -> None:
    many = wrapped(f"<ListRecords>{'<a/>' * 2_000_001}</ListRecords>").encode()
    with pytest.raises(ParseError, match="more than 2000000 tags"):
        answer(many)
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    for body in (bomb.encode(), bomb.encode("utf-16"), f'<?xml version="1.0" encoding="cp037"?>{bomb}'.encode()):
        with pytest.raises(ParseError):
            answer(body)
    with pytest.raises(ParseError):
        answer(wrapped("<ListRecords>" + "<record>" * 100_000).encode())
    size = wrapped(f'<ListRecords><resumptionToken completeListSize="{"9" * 5000}"/></ListRecords>')
    assert answer(size.encode()).size is None


def test_an_address_with_parameters_of_its_own_keeps_them(tmp_path: Path) -> None:
    network = network_of({OTHER: listed(record(1))})
    with fetcher_over(network, tmp_path) as fetcher:
        assert len(list(pages(fetcher, Question(f"{OTHER}?page=oai", "oai_dc")))) == 1
    assert asked(network) == [{"page": "oai", "verb": "ListRecords", "metadataPrefix": "oai_dc"}]


# --- options and history --------------------------------------------------------------------------------------------


def test_options() -> None:
    arxiv, other = Oai(name="a"), Oai(name="b", url=OTHER)
    assert (arxiv.sets, arxiv.prefix, arxiv.every_hours) == (("cs:cs:SD", "eess:eess:AS"), "arXivRaw", 24)
    assert (other.sets, other.prefix) == ((), "oai_dc")
    assert Oai(name="c", sets=("cs", "cs")).sets == ("cs",)
    assert arxiv.fingerprint != other.fingerprint
    wrong: list[dict[str, Any]] = [
        {"url": "ftp://example.org/oai"}, {"url": f"{OTHER}?verb=Identify"}, {"url": ""}, {"prefix": "mods"},
        {"sets": ["a b"]}, {"sets": [""]}, {"lookback_days": 99}, {"from": "2026-01-01"},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(ValidationError):
            Oai(name="x", **options)


def test_slices_are_months_and_the_time_since() -> None:
    assert Oai(name="oai").slices(Window(date(2026, 1, 30), date(2026, 3, 2))) == (
        Window(date(2026, 1, 30), date(2026, 1, 31)),
        Window(date(2026, 2, 1), date(2026, 2, 28)),
        Window(date(2026, 3, 1), date(2026, 3, 2)),
        Window(date(2026, 3, 3), date.max),
    )


def test_backfill_takes_a_month_whole_and_later_changes_of_the_windows_works_only(tmp_path: Path) -> None:
    window = Window(date(2026, 10, 1), date(2026, 10, 31))
    revised = record(2, "2026-11-05", "Thu, 01 Oct 2026 10:00:00 GMT", "Wed, 04 Nov 2026 10:00:00 GMT")
    older = record(3, "2026-10-05", "Mon, 03 Aug 2026 10:00:00 GMT", "Mon, 05 Oct 2026 10:00:00 GMT")
    month, since = listed(record(4, "2026-10-06", "Mon, 05 Oct 2026 10:00:00 GMT"), older), listed(record(1), revised)
    network = network_of({ARXIV: archive(month, since)})
    source = Oai(name="oai", sets=("cs:cs:SD",))
    with fetcher_over(network, tmp_path) as fetcher:
        pieces = source.slices(window)
        first, second = (source.backfill(fetcher, piece, window, NOW) for piece in pieces)
        assert [(names(batch), [e.news for e in batch.entries]) for batch in (first, second)] == [
            (["00004", "00003"], [True, False]),
            (["00002"], [True]),
        ]
        assert [(params["from"], params["until"]) for params in lists(network)] == [
            ("2026-10-01", "2026-10-31"),
            ("2026-11-01", "2026-11-20"),
        ]
        today = Window(NOW.date(), NOW.date())
        network.requests.clear()
        assert source.backfill(fetcher, source.slices(today)[-1], today, NOW).entries == ()
        assert network.requests == []
        network.answers[ARXIV] = archive(listed(record(1), token="a"), httpx.Response(404))
        with pytest.raises(FetchError):
            source.backfill(fetcher, pieces[0], window, NOW)


# --- the small internet ---------------------------------------------------------------------------------------------


def told(batches: list[Batch]) -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return {e.key: (e.title, e.authors, e.categories) for batch in batches for e in batch.entries}


def history(source: Arxiv | Oai, fetcher: Fetcher, window: Window, now: datetime) -> list[Batch]:
    batches = [source.backfill(fetcher, piece, window, now) for piece in source.slices(window)]
    assert all(batch.missing == "" for batch in batches)
    return batches


@needs_box
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_api_and_the_archive_give_the_same_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    today = date(2026, 11, 20)
    now, window = datetime(2026, 11, 20, 12, tzinfo=UTC), Window(today - timedelta(days=240), today)
    with Box(today, anchor=today - timedelta(days=28)) as box:  # the world ends four weeks after its anchor
        for name, value in box.env.items():
            monkeypatch.setenv(name, value)
        wanted = {f"arxiv:{p['id']}" for p in box.world().known() if {"cs.SD", "eess.AS"} & set(p["categories"])}
        with Fetcher(contact="mailto:test@example.org", spacing=0, pause=0, slot_dir=tmp_path) as fetcher:
            papers = told(history(Arxiv(name="arxiv"), fetcher, window, now))
            records = told(history(Oai(name="oai"), fetcher, window, now))
    assert len(wanted) > 1700
    assert papers.keys() == wanted
    assert records == papers


@needs_box
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_audit_hears_three_witnesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    today = date(2026, 11, 20)
    now, window = datetime(2026, 11, 20, 12, tzinfo=UTC), Window(today - timedelta(days=6), today)
    with Box(today) as box:
        for name, value in box.env.items():
            monkeypatch.setenv(name, value)
        listed_now = {
            f"arxiv:{p['id']}": p
            for p in box.world().known()
            if window.first <= p["listed"] <= window.last and {"cs.SD", "eess.AS"} & set(p["categories"])
        }
        with Fetcher(contact="mailto:test@example.org", spacing=0, pause=0, slot_dir=tmp_path) as fetcher:
            accounts = list(Arxiv(name="arxiv").witnesses(fetcher, window, now))
    assert all(account.missing == "" for account in accounts)
    heard: dict[str, list[Entry]] = {}
    for account in accounts:
        heard.setdefault(account.witness, []).extend(account.entries)
    assert heard.keys() == {"API", "OAI", "daily feed"}
    new = {key for key, p in listed_now.items() if p["version"] == 1}
    assert {entry.key for entry in heard["OAI"]} == new
    assert {entry.key for entry in heard["daily feed"]} == {k for k, p in listed_now.items() if p["listed"] == today}
    assert {entry.key for entry in heard["API"]} - new == set()
