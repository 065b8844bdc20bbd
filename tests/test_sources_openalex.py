"""OpenAlex behind the real Fetcher: what is asked, page by page, what is kept, and that the key is never shown.

The answers have the shape that developers.openalex.org gives (guides/page-through-results, api-reference/works and
errors); titles, names and sentences are made up.
"""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlmodel import Session, select

from aggregator import tables
from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.model import Batch, Entry, Window
from aggregator.sources.openalex import OpenAlex
from aggregator.sources.openalex.names import VENUES, author, check_digit, plain_name, venue
from aggregator.sources.openalex.works import restore
from tests.fakes import Pages, fetcher_over, pages
from tests.stores import add, fresh_store, paper

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WORKS, SOURCES = "https://api.openalex.org/works", "https://api.openalex.org/sources"
KEY = "k3y-that-nobody-sees"
INTERSPEECH = "doi_starts_with:10.21437/interspeech,from_publication_date:2026-08-01"
ME = "A5023888391"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENALEX_API_KEY_FILE", raising=False)
    monkeypatch.setenv("OPENALEX_API_KEY", KEY)


def work(number: int, **fields: Any) -> dict[str, Any]:
    row = {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/10.21437/Interspeech.2026-{number}",
        "display_name": f"Sample {number}",
        "publication_date": "2026-09-27",
        "created_date": "2026-10-20",
        "abstract_inverted_index": {"A": [0], "sample.": [1]},
    }
    return row | fields


def listed(rows: list[dict[str, Any]], total: int | None = None, following: str | None = None) -> str:
    total = len(rows) if total is None else total
    return json.dumps({"meta": {"count": total, "per_page": 100, "next_cursor": following}, "results": rows})


def lists(found: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    """Works by the beginning of the filter: numbers of works, 100 a page, or a status; what is not named is empty."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        rows: Any = next((rows for start, rows in found.items() if asked["filter"].startswith(start)), [])
        if isinstance(rows, int):
            return httpx.Response(rows)
        start = 0 if asked["cursor"] == "*" else int(asked["cursor"].removeprefix("at="))
        some = [work(number) for number in rows[start : start + 100]]
        return httpx.Response(200, content=listed(some, len(rows), f"at={start + 100}" if some else None))

    return answer


def visit(source: OpenAlex, network: Pages, folder: Path, cursor: Any = None, now: datetime = NOW) -> Batch:
    with fetcher_over(network, folder) as fetcher:
        return source.visit(fetcher, cursor, now)


def filters(network: Pages) -> list[str]:
    return [request.url.params["filter"] for request in network.requests if request.url.path == "/works"]


def speech(**options: Any) -> OpenAlex:
    return OpenAlex(name="oa", venues=("Interspeech",), **options)


def test_what_is_asked(tmp_path: Path) -> None:
    network = pages({WORKS: lists({})})
    source = OpenAlex(
        name="oa", venues=("interspeech", "ACL", "S137773608", "2329-9290"), authors=(ME,), query="speech  OR audio"
    )
    visit(source, network, tmp_path)
    dates, narrow = "from_publication_date:2026-08-01", "title_and_abstract.search:speech OR audio"
    assert filters(network) == [
        f"doi_starts_with:10.21437/interspeech,{dates},{narrow}",
        f"doi_starts_with:10.18653/v1/2026.acl-,{dates},{narrow}",
        f"doi_starts_with:10.18653/v1/2027.acl-,{dates},{narrow}",
        f"locations.source.id:S137773608,{dates},{narrow}",
        f"locations.source.issn:2329-9290,{dates},{narrow}",
        f"authorships.author.id:{ME},{dates}",
    ]
    asked = network.requests[0].url.params
    assert (asked["sort"], asked["per_page"], asked["cursor"], asked["api_key"]) == (
        "publication_date:desc",
        "100",
        "*",
        KEY,
    )
    assert "abstract_inverted_index" in asked["select"].split(",")


def test_whole_years_of_venues_and_the_latest_of_authors(tmp_path: Path) -> None:
    network = pages({WORKS: lists({})})
    source = OpenAlex(name="oa", venues=("EMNLP",), years=(2025, 2024), authors=("0000-0002-1825-0097",))
    visit(source, network, tmp_path)
    assert filters(network) == [
        "doi_starts_with:10.18653/v1/2024.emnlp-,publication_year:2024|2025",
        "doi_starts_with:10.18653/v1/2025.emnlp-,publication_year:2024|2025",
        "authorships.author.orcid:0000-0002-1825-0097,from_publication_date:2026-08-01",
    ]


def test_pages_are_read_to_the_end_and_a_list_that_did_not_grow_costs_one(tmp_path: Path) -> None:
    network = pages({WORKS: lists({"doi": range(250)})})
    first = visit(speech(), network, tmp_path)
    assert (len(first.entries), len(network.requests), first.missing) == (250, 3, "")
    assert first.cursor["lists"] == {INTERSPEECH: {"total": 250, "read": "2026-11-20"}}
    second = visit(speech(), network, tmp_path, first.cursor, NOW + DAY)
    assert (len(second.entries), len(network.requests), second.cursor) == (100, 4, first.cursor)
    network.answers[WORKS] = lists({"doi": range(251)})
    third = visit(speech(), network, tmp_path, second.cursor, NOW + 2 * DAY)
    assert (len(third.entries), len(network.requests)) == (251, 7)
    visit(speech(), network, tmp_path, third.cursor, NOW + 9 * DAY)
    assert len(network.requests) == 10  # a week later it is read anew, whatever its length
    assert filters(network)[-1] == INTERSPEECH


def test_a_visit_stops_at_its_pages_and_the_next_goes_on(tmp_path: Path) -> None:
    network = pages({WORKS: lists({"doi": range(450)})})
    seen: set[str] = set()
    cursor: Any = None
    told = []
    for _ in range(3):
        batch = visit(speech(max_pages=1), network, tmp_path, cursor)
        cursor = json.loads(json.dumps(batch.cursor))
        seen |= {entry.key for entry in batch.entries}
        told.append(batch.missing)
    assert told == [
        "Interspeech: 200 of 450 works are read so far",
        "Interspeech: 400 of 450 works are read so far",
        "",
    ]
    assert (len(seen), len(network.requests)) == (450, 5)
    assert cursor["lists"] == {INTERSPEECH: {"total": 450, "read": "2026-11-20"}}


def test_what_grows_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    network = pages({WORKS: lists({"doi": range(150)})})
    first = visit(speech(max_pages=0), network, tmp_path)
    network.answers[WORKS] = lists({"doi": range(-1, 150)})  # a newer one stands before all that was read
    second = visit(speech(max_pages=0), network, tmp_path, first.cursor)
    assert second.missing == ""
    third = visit(speech(), network, tmp_path, second.cursor)
    assert "doi:10.21437/interspeech.2026--1" in {entry.key for entry in third.entries}
    assert len(third.entries) == 151


def test_a_page_that_fails_is_where_the_next_visit_begins(tmp_path: Path) -> None:
    first_page = listed([work(number) for number in range(100)], 150, "two")
    rest = listed([work(number) for number in range(100, 150)], 150, "three")
    network = pages({WORKS: [first_page, 500, rest]})
    first = visit(speech(), network, tmp_path)
    assert (len(first.entries), first.missing[:36]) == (100, "Interspeech: api.openalex.org/works:")
    second = visit(speech(), network, tmp_path, first.cursor)
    assert network.requests[-1].url.params["cursor"] == "two"
    assert (len(second.entries), second.missing) == (50, "")


def test_a_place_that_is_no_longer_known_is_forgotten(tmp_path: Path) -> None:
    cursor = {"lists": {INTERSPEECH: {"next": "old", "got": 100, "total": 150}}}
    network = pages({WORKS: lists({"doi": 400, "auth": [1]})})
    batch = visit(speech(authors=(ME,)), network, tmp_path, cursor)
    assert INTERSPEECH not in batch.cursor["lists"]
    kept = visit(speech(authors=(ME,)), pages({WORKS: lists({"doi": 500, "auth": [1]})}), tmp_path, cursor)
    assert kept.cursor["lists"][INTERSPEECH] == cursor["lists"][INTERSPEECH]


def test_lists_fail_on_their_own(tmp_path: Path) -> None:
    source = OpenAlex(name="oa", venues=("Interspeech", "ICASSP"))
    batch = visit(source, pages({WORKS: lists({"doi_starts_with:10.21437": 500, "doi": [1]})}), tmp_path)
    assert (len(batch.entries), batch.missing[:13]) == (1, "Interspeech: ")
    with pytest.raises(FetchError):
        visit(source, pages({WORKS: 500}), tmp_path)
    with pytest.raises(ParseError, match="Bad gateway"):
        visit(source, pages({WORKS: "<html><body>Bad gateway</body></html>"}), tmp_path)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refusal_ends_the_visit_and_loses_nothing(status: int, tmp_path: Path) -> None:
    source = OpenAlex(name="oa", venues=("Interspeech", "ICASSP", "SLT"))
    good = visit(source, pages({WORKS: lists({"doi": [1]})}), tmp_path)
    network = pages({WORKS: [listed([work(1)]), status]})
    half = visit(source, network, tmp_path, good.cursor)
    assert len(network.requests) == 2
    assert half.cursor == good.cursor
    assert ("OPENALEX_API_KEY" in half.missing) is (status != 429)
    refused = pages({WORKS: status})
    with pytest.raises(FetchError):
        visit(source, refused, tmp_path)
    assert len(refused.requests) == 1


def test_a_count_that_is_not_reached_is_said(tmp_path: Path) -> None:
    network = pages({WORKS: [listed([work(1)], 2, "b"), listed([], 2)]})
    batch = visit(speech(), network, tmp_path)
    assert batch.missing == "Interspeech: OpenAlex counts 2 works and gave 1"
    circle = pages({WORKS: listed([work(1)], 9, "*")})
    assert visit(speech(), circle, tmp_path).missing == "Interspeech: OpenAlex counts 9 works and gave 1"
    assert len(circle.requests) == 1


def named(*sources: tuple[int, str]) -> str:
    return listed([{"id": f"https://openalex.org/S{number}", "display_name": name} for number, name in sources])


def test_venues_without_doi_are_looked_up_once_a_month(tmp_path: Path) -> None:
    found = named(
        (1, "International Conference on Machine Learning"),
        (2, "Proceedings of the 42nd International Conference on Machine Learning (ICML 2025)"),
        (3, "International Conference on Machine Learning and Applications"),
        (4, "International Conference on Machine Learning and Cybernetics"),
    )
    network = pages({SOURCES: found, WORKS: lists({})})
    source = OpenAlex(name="oa", venues=("ICML",))
    first = visit(source, network, tmp_path)
    assert network.requests[0].url.params["search"] == "international conference on machine learning"
    assert filters(network) == ["locations.source.id:S1|S2,from_publication_date:2026-08-01"]
    assert first.cursor["sources"] == {"ICML": {"ids": ["S1", "S2"], "on": "2026-11-20"}}
    visit(source, network, tmp_path, first.cursor, NOW + 29 * DAY)
    assert [request.url.path for request in network.requests] == ["/sources", "/works", "/works"]
    network.answers[SOURCES] = 500
    late = visit(source, network, tmp_path, first.cursor, NOW + 30 * DAY)
    assert (late.missing[:20], late.cursor["sources"]) == ("the sources of ICML:", first.cursor["sources"])


def test_a_venue_that_has_no_source_is_told(tmp_path: Path) -> None:
    network = pages({SOURCES: named((1, "Acoustics Today")), WORKS: lists({"doi": [1]})})
    batch = visit(OpenAlex(name="oa", venues=("DCASE", "SLT")), network, tmp_path)
    assert batch.note == "OpenAlex has no source that is called DCASE"
    assert (len(batch.entries), batch.missing) == (1, "")
    with pytest.raises(FetchError):
        visit(OpenAlex(name="oa", venues=("DCASE",)), pages({SOURCES: 500}), tmp_path)


def test_a_work_without_a_source_bears_the_venue_it_was_asked_for(tmp_path: Path) -> None:
    batch = visit(speech(), pages({WORKS: lists({"doi": [1]})}), tmp_path)
    assert batch.entries[0].signals["venue"] == "Interspeech"


def test_without_a_key_it_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENALEX_API_KEY")
    network = pages({WORKS: lists({})})
    with pytest.raises(SourceError, match=r"openalex\.org/settings/api, is needed: set OPENALEX_API_KEY"):
        visit(speech(), network, tmp_path)
    for key, said in (("k\udc80y", "is not UTF-8 text; set it anew"), ("kéy", "copy it again")):
        monkeypatch.setenv("OPENALEX_API_KEY", key)
        with pytest.raises(SourceError, match=said):
            visit(speech(), network, tmp_path)
    assert network.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        500,
        401,
        429,
        json.dumps({"error": "Invalid query", "message": f"/works?filter=x&api_key={KEY}"}),
        f"<html>{KEY}</html>",
        json.dumps({"error": "x" * 100 + KEY}),
        httpx.ConnectError(f"https://api.openalex.org/works?api_key={KEY}"),
        httpx.Response(302, headers={"Location": f"https://elsewhere.example.org/?api_key={KEY}"}),
    ],
)
def test_the_key_is_never_shown(answer: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    network = pages({WORKS: answer})
    with pytest.raises(SourceError) as caught:
        visit(speech(), network, tmp_path)
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    assert network.requests[0].url.params["api_key"] == KEY
    assert all(request.url.host == "api.openalex.org" or KEY not in str(request.url) for request in network.requests)
    half = OpenAlex(name="oa", venues=("SLT", "Interspeech"))
    batch = visit(half, pages({WORKS: [listed([work(1)]), answer]}), tmp_path)
    assert KEY not in repr(batch)
    assert KEY not in caplog.text


def test_history_by_month(tmp_path: Path) -> None:
    source = speech(authors=(ME,))
    window = Window(date(2026, 1, 20), date(2026, 3, 5))
    months = source.slices(window)
    assert months == (
        Window(date(2026, 1, 20), date(2026, 1, 31)),
        Window(date(2026, 2, 1), date(2026, 2, 28)),
        Window(date(2026, 3, 1), date(2026, 3, 5)),
    )
    network = pages({WORKS: lists({"doi": range(130), "auth": [5, 900]})})
    with fetcher_over(network, tmp_path) as fetcher:
        batch = source.backfill(fetcher, months[1], window, NOW)
        assert (len(batch.entries), batch.missing) == (131, "")
        assert set(filters(network)) == {
            "doi_starts_with:10.21437/interspeech,from_publication_date:2026-02-01,to_publication_date:2026-02-28",
            f"authorships.author.id:{ME},from_publication_date:2026-02-01,to_publication_date:2026-02-28",
        }
        network.answers[WORKS] = lists({"doi": [1], "auth": 500})
        with pytest.raises(FetchError):
            source.backfill(fetcher, months[1], window, NOW)
        network.answers[SOURCES] = named((1, "ISMIR"))
        source = OpenAlex(name="oa", venues=("ISMIR",))
        source.backfill(fetcher, months[0], window, NOW)
        assert filters(network)[-1].startswith("locations.source.id:S1,from_publication_date:2026-01-20,")
    assert [
        piece.first.year for piece in speech(years=(2025,)).slices(Window(date(2024, 12, 1), date(2026, 1, 31)))
    ] == ([2025] * 12)


def parse(*rows: dict[str, Any]) -> list[Entry]:
    return speech().parse(listed(list(rows)).encode(), NOW)


def at(link: str) -> dict[str, Any]:
    return {"landing_page_url": link, "pdf_url": None, "source": None}


def test_names_of_a_work() -> None:
    arxiv, doi = at("https://arxiv.org/abs/2606.01234v1"), "doi:10.21437/interspeech.2026-1"
    own = "url:https://openalex.org/W1"
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({}, (doi, own)),
        ({"doi": None}, (own,)),
        ({"locations": [arxiv]}, ("arxiv:2606.01234", doi, own)),
        ({"doi": None, "primary_location": arxiv}, ("arxiv:2606.01234", own)),
        ({"doi": "https://doi.org/10.48550/arXiv.2606.01234"}, ("arxiv:2606.01234", own)),
        ({"doi": None, "ids": {"doi": "https://doi.org/10.1/X"}}, (own,)),
        ({"doi": None, "ids": {"doi": "https://doi.org/10.1234/X"}}, ("doi:10.1234/x", own)),
        ({"locations": [arxiv, at("http://arxiv.org/abs/2606.09999")]}, (doi, own)),
        ({"locations": [at("https://doi.org/10.5281/zenodo.1")]}, (doi, own)),
    ]
    for fields, names in cases:
        (entry,) = parse(work(1, **fields))
        assert (entry.key, *entry.aliases) == names


def test_when_a_work_is_announced() -> None:
    def announced(**fields: Any) -> datetime | None:
        return parse(work(1, **fields))[0].announced

    assert announced() == datetime(2026, 10, 20, tzinfo=UTC)
    assert announced(created_date="2026-09-01") is None  # in OpenAlex before its date
    assert announced(publication_date="2019-09-15") is None  # an old work that came late
    assert announced(created_date=None) is None
    assert announced(publication_date="2027-01-01") is None


def test_odd_values_are_left_out() -> None:
    odd: dict[str, Any] = {
        "ids": [], "locations": [7, None], "primary_location": 1, "best_oa_location": {"pdf_url": "javascript:x"},
        "authorships": [None, {"author": None}, {"author": {"display_name": " "}}], "cited_by_count": -1,
        "primary_topic": "x", "abstract_inverted_index": [1], "publication_date": "soon", "created_date": 5,
    }  # fmt: skip
    (entry,) = parse(work(1, **odd), work(2, display_name=None, abstract_inverted_index=None))
    assert (entry.published, entry.authors, entry.categories, entry.summary) == (NOW, (), (), "")
    assert dict(entry.signals) == {}


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"results": []}', '{"results": [1], "meta": {"count": 1}}', "[" * 99_999]
)
def test_what_is_no_list_is_an_error(body: str) -> None:
    with pytest.raises(ParseError, match="OpenAlex answered"):
        speech().parse(body.encode(), NOW)


def invert(words: list[str]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for position, word in enumerate(words):
        index.setdefault(word, []).append(position)
    return index


@given(st.lists(st.text(min_size=1, max_size=12), max_size=80))
def test_an_abstract_comes_back(words: list[str]) -> None:
    assert restore(invert(words)) == " ".join(words)


def test_an_abstract_with_holes_and_one_without_bounds() -> None:
    assert restore({"b": [7], "a": [3], "c": [7]}) == "a b"
    hostile: dict[str, Any] = {"far": [2**70, -1, 1.5, True, "0"], "x" * 10_000: [0], "y": 3, "z": [1]}
    assert restore(hostile) == "z"
    assert len(restore({f"w{n}": [n] for n in range(50_000)}).split()) == 10_000
    assert len(restore({"w" * 200: list(range(10**6))})) < 2_100_000
    nothing: list[object] = [None, "", [], 5]
    assert [restore(value) for value in nothing] == [""] * 4


ORCIDS = ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"]


@pytest.mark.parametrize("orcid", ORCIDS)
def test_an_orcid_with_a_slip_is_refused(orcid: str) -> None:
    assert author(f"https://orcid.org/{orcid}") == author(orcid.lower()) == orcid
    for place, digit in enumerate(orcid[:-1]):
        if digit != "-":
            slip = orcid[:place] + str((int(digit) + 1) % 10) + orcid[place + 1 :]
            with pytest.raises(ValueError, match="last digit does not fit"):
                author(slip)


@given(st.integers(0, 10**15 - 1))
def test_every_orcid_has_one_check_digit(number: int) -> None:
    digits = f"{number:015}"
    start = "-".join((digits[:4], digits[4:8], digits[8:12], digits[12:]))
    assert author(start + check_digit(start)) == start + check_digit(start)
    others = set("0123456789X") - {check_digit(start)}
    for other in others:
        with pytest.raises(ValueError, match="is no ORCID"):
            author(start + other)


def test_options_are_checked() -> None:
    assert [venue(name) for name in ("nips", "taslp", "https://openalex.org/S12345", "1520-6149")] == [
        "NeurIPS", "TASLP", "S12345", "1520-6149",
    ]  # fmt: skip
    assert author("https://openalex.org/a5023888391") == ME
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "needs venues, authors, or both"),
        ({"venues": ["Interspech"]}, "did you mean 'Interspeech'"),
        ({"venues": ["Nature"]}, "known are Interspeech, ICASSP"),
        ({"authors": ["Anna Beispiel"]}, "is no author"),
        ({"authors": [ME], "query": "speech"}, "no venues"),
        ({"venues": ["SLT"], "query": "a,b"}, "write OR"),
        ({"venues": ["SLT"], "years": [1066]}, "greater than or equal to 1990"),
        ({"venues": ["SLT"], "lookback_days": 1}, "greater than or equal to 7"),
    ]
    for options, said in wrong:
        with pytest.raises(ValidationError, match=said):
            OpenAlex(name="oa", **options)


def test_names_of_sources_without_their_years() -> None:
    same = [
        ("NeurIPS", "Advances in Neural Information Processing Systems 36 (2023)"),
        ("NeurIPS", "Neural Information Processing Systems"),
        ("ICML", "Proceedings of the 41st International Conference on Machine Learning"),
        ("ICLR", "International Conference on Learning Representations (ICLR)"),
        ("ISMIR", "International Society for Music Information Retrieval Conference - 2024"),
        ("DCASE", "Detection and Classification of Acoustic Scenes and Events Workshop 2025"),
    ]
    for name, source in same:
        assert plain_name(source) in VENUES[name].names, source
    for source in ("Journal of Machine Learning Research", "Workshop on Music Information Retrieval"):
        assert not any(plain_name(source) in known.names for known in VENUES.values())


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Any]:
    with fresh_store("sqlite", tmp_path) as store:
        yield store


def test_it_is_one_work_with_arxivs_entry(stored: Any) -> None:
    add(stored, paper("2606.01234", aliases=("doi:10.21437/interspeech.2026-1",)))
    add(stored, paper("2606.05555", title="Another"))
    by_doi = work(1)
    by_place = work(2, locations=[at("https://arxiv.org/abs/2606.05555")])
    add(stored, *parse(by_doi, by_place, work(3)), source="oa", kind="openalex")
    with Session(stored._reader) as session:
        kept = {row.key: row for row in session.exec(select(tables.Entry))}
        sightings = session.exec(select(tables.Sighting.entry_id, tables.Sighting.source)).all()
    assert set(kept) == {"arxiv:2606.01234", "arxiv:2606.05555", "doi:10.21437/interspeech.2026-3"}
    both = {kept["arxiv:2606.01234"].id, kept["arxiv:2606.05555"].id}
    assert {(entry, source) for entry, source in sightings if entry in both} == {
        (entry, source) for entry in both for source in ("arxiv", "oa")
    }
    assert kept["arxiv:2606.01234"].title == "Paper 2606.01234"  # arXiv knows its papers best
