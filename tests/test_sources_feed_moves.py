"""Promise P2 under simulated time: when a feed that moved is asked where it is now, and never before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.model import Batch, Cursor
from aggregator.sources.feed import Feed
from aggregator.sources.feed.moves import Moving, Place
from tests.fakes import Answer, Pages, fetcher_over, pages

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
OLD, NEW, FAR = "https://old.example.org/feed", "https://new.example.org/feed", "https://far.example.org/feed"
ITEM = "<item><title>A sample</title><guid isPermaLink='false'>a-sample</guid></item>"
RSS = f'<?xml version="1.0"?><rss version="2.0"><channel><title>A sample</title>{ITEM}</channel></rss>'
NOTE = f"moved for good to {NEW}; it is asked there now; change it in config.toml"


def see(location: str, status: int) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


def tagged(request: httpx.Request) -> httpx.Response:
    """A feed with an ETag, and 304 for who knows it."""
    same = request.headers.get("if-none-match") == '"1"'
    return httpx.Response(304 if same else 200, content=b"" if same else RSS, headers={"ETag": '"1"'})


def visit(network: Pages, folder: Path, cursor: Cursor | None, now: datetime, url: str = OLD) -> Batch:
    with fetcher_over(network, folder) as fetcher:
        return Feed(name="blog", url=url).visit(fetcher, cursor, now)


def life(network: Pages, folder: Path, days: list[float], url: str = OLD) -> list[Batch]:
    """Visits on these days, one after the other."""
    batches: list[Batch] = []
    for day in days:
        batches.append(visit(network, folder, batches[-1].cursor if batches else None, NOW + timedelta(days=day), url))
    return batches


@pytest.mark.parametrize("status", [301, 308])
@pytest.mark.parametrize(
    ("days", "adopted"),
    [
        ([0, 1, 7], 2),
        ([0, 3, 6.99, 7.01], 3),
        ([0, 7, 8], 2),
        ([0, 10], None),
        ([0, 1, 2, 3, 4, 5, 6], None),
        ([0, 0, 0, 30], 3),
    ],
)
def test_three_times_over_seven_days(status: int, days: list[float], adopted: int | None, tmp_path: Path) -> None:
    batches = life(pages({OLD: see(NEW, status), NEW: RSS}), tmp_path, days)
    at = [number for number, batch in enumerate(batches) if "at" in batch.cursor]
    assert at == ([] if adopted is None else list(range(adopted, len(days))))
    assert [batch.note for batch in batches] == [NOTE if "at" in batch.cursor else "" for batch in batches]


def test_what_moved_is_asked_where_it_is(tmp_path: Path) -> None:
    network = pages({OLD: see(NEW, 301), NEW: tagged})
    batches = life(network, tmp_path, [0, 1, 7, 8, 9])
    assert network.urls == [OLD, NEW, OLD, NEW, OLD, NEW, NEW, NEW]
    assert batches[-1].cursor == {"url": OLD, "at": NEW, "from": NEW, "etag": '"1"'}
    assert batches[0].cursor["moving"] == {"to": NEW, "since": NOW.isoformat(), "times": 1}
    assert [batch.unchanged for batch in batches] == [False, True, True, True, True]  # a move by itself costs no GET
    conditional = [request.headers.get("if-none-match") for request in network.requests if str(request.url) == NEW]
    assert conditional == [None, '"1"', '"1"', '"1"', '"1"']


def test_the_items_stay_the_same(tmp_path: Path) -> None:
    batches = life(pages({OLD: see(NEW, 301), NEW: RSS}), tmp_path, [0, 1, 7, 8])
    assert {entry.key for batch in batches for entry in batch.entries} == {"id:blog:a-sample"}


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_chain_with_a_passing_redirect_is_never_a_move(status: int, tmp_path: Path) -> None:
    for chain in (
        {OLD: see(NEW, status)},
        {OLD: see(FAR, 301), FAR: see(NEW, status)},
        {OLD: see(FAR, status), FAR: see(NEW, 301)},
    ):
        answers: dict[str, Answer] = {NEW: RSS, **chain}
        batches = life(pages(answers), tmp_path, [0, 5, 10, 20, 40])
        assert not any({"at", "moving"} & set(batch.cursor) for batch in batches)


def test_another_answer_begins_the_count_anew(tmp_path: Path) -> None:
    for other in (see(NEW, 302), see(FAR, 301), httpx.Response(200, content=RSS)):
        network = pages({OLD: [see(NEW, 301), see(NEW, 301), other, see(NEW, 301)], NEW: RSS, FAR: RSS})
        batches = life(network, tmp_path, [0, 5, 8, 9, 10, 15.9, 16.1])
        assert ["at" in batch.cursor for batch in batches] == [False] * 6 + [True]


def test_tls_on_the_same_host_is_believed_at_once(tmp_path: Path) -> None:
    plain, secure = "http://old.example.org/feed?a=b", "https://old.example.org/feed?a=b"
    network = pages({plain: see(secure, 301), secure: tagged})
    batches = life(network, tmp_path, [0, 1], plain)
    assert network.urls == [plain, secure, secure]
    assert batches[0].cursor == {"url": plain, "at": secure, "from": secure, "etag": '"1"'}
    passing = pages({plain: see(secure, 302), secure: RSS})
    assert "at" not in life(passing, tmp_path, [0], plain)[0].cursor


@pytest.mark.parametrize(
    "target",
    ["https://www.old.example.org/feed", "https://old.example.org/other", "https://old.example.org:8443/feed"],
)
def test_nothing_else_is_believed_at_once(target: str, tmp_path: Path) -> None:
    network = pages({"http://old.example.org/feed": see(target, 301), target: RSS})
    (batch,) = life(network, tmp_path, [0], "http://old.example.org/feed")
    assert "at" not in batch.cursor


def test_it_may_move_on_and_back(tmp_path: Path) -> None:
    network = pages({OLD: see(NEW, 301), NEW: RSS, FAR: RSS})
    moved = life(network, tmp_path, [0, 1, 7])[-1]
    network.answers[NEW] = see(FAR, 308)
    cursor = moved.cursor
    for day in (8, 10, 15):
        cursor = visit(network, tmp_path, cursor, NOW + timedelta(days=day)).cursor
    assert cursor["at"] == FAR
    network.answers |= {FAR: see(OLD, 301), OLD: RSS}
    for day in (16, 17, 23):
        cursor = visit(network, tmp_path, cursor, NOW + timedelta(days=day)).cursor
    assert cursor == {"url": OLD}


def test_a_new_address_in_the_config_counts(tmp_path: Path) -> None:
    network = pages({OLD: see(NEW, 301), NEW: tagged, FAR: tagged})
    moved = life(network, tmp_path, [0, 1, 7])[-1]
    network.requests.clear()
    batch = visit(network, tmp_path, moved.cursor, NOW + timedelta(days=8), FAR)
    assert network.urls == [FAR]
    assert "if-none-match" not in network.requests[0].headers
    assert batch.cursor == {"url": FAR, "from": FAR, "etag": '"1"'}


@pytest.mark.parametrize("trouble", [404, 410, "<html>sold</html>", httpx.ConnectError("x")])
def test_what_is_lost_there_is_asked_here_in_the_same_visit(trouble: Any, tmp_path: Path) -> None:
    network = pages({OLD: see(NEW, 301), NEW: tagged})
    moved = life(network, tmp_path, [0, 1, 7])[-1]
    network.answers |= {NEW: trouble, OLD: tagged}
    network.requests.clear()
    batch = visit(network, tmp_path, moved.cursor, NOW + timedelta(days=8))
    assert network.urls == [NEW, OLD]
    assert batch.cursor == {"url": OLD, "from": OLD, "etag": '"1"'}
    assert batch.entries
    network.answers[OLD] = 410
    with pytest.raises(FetchError) as caught:
        visit(network, tmp_path, moved.cursor, NOW + timedelta(days=8))
    assert caught.value.status == 410


@pytest.mark.parametrize("trouble", [500, 429, 403, httpx.ReadTimeout("x")])
def test_what_passes_is_waited_for_there(trouble: Any, tmp_path: Path) -> None:
    network = pages({OLD: see(NEW, 301), NEW: RSS})
    moved = life(network, tmp_path, [0, 1, 7])[-1]
    network.answers[NEW] = trouble
    network.requests.clear()
    with pytest.raises(SourceError):
        visit(network, tmp_path, moved.cursor, NOW + timedelta(days=8))
    assert network.urls == [NEW]


def test_a_login_stays_where_it_was_given(tmp_path: Path) -> None:
    network = pages({OLD: see(NEW, 301), NEW: RSS})
    batches = life(network, tmp_path, [0, 5, 10, 15], "https://me:s3cret@old.example.org/feed")
    assert not any("s3cret" in repr(batch) or "at" in batch.cursor for batch in batches)
    assert batches[0].cursor["url"] == OLD
    assert all("authorization" not in request.headers for request in network.requests if str(request.url) == NEW)


def test_a_note_shows_no_private_query(tmp_path: Path) -> None:
    url = f"{OLD}?auth=s3cret"
    batches = life(pages({url: see(f"{NEW}?auth=s3cret", 301), NEW: RSS}), tmp_path, [0, 1, 7], url)
    assert batches[-1].note.startswith(f"moved for good to {NEW}?…; ")


@pytest.mark.parametrize(
    "strange",
    [None, 3, {}, {"to": 1}, {"to": NEW, "since": "x", "times": 9}, {"to": NEW, "since": "2026-01-01", "times": 9}],
)
def test_a_strange_cursor_does_no_harm(strange: Any, tmp_path: Path) -> None:
    cursor = {
        "url": OLD,
        "at": strange,
        "moving": strange,
        "from": strange,
        "etag": strange,
        "ttl": strange,
        "skip_days": strange,
    }
    batch = visit(pages({OLD: see(NEW, 301), NEW: RSS}), tmp_path, cursor, NOW)
    assert batch.cursor["moving"] == Moving(NEW, NOW).as_dict()


def test_a_clock_that_was_wrong_once_begins_anew() -> None:
    ahead = Place(OLD, moving=Moving(NEW, NOW + timedelta(days=900), 2))
    assert ahead.after(NEW, NOW).moving == Moving(NEW, NOW)


# --- any life at all


@dataclass(frozen=True)
class Day:
    """A visit: the hours since the one before, and what the feed's server answers."""

    hours: int
    answer: str


CHAINS: dict[str, dict[str, Answer]] = {
    "200": {OLD: RSS},
    "404": {OLD: 404},
    "301": {OLD: see(NEW, 301)},
    "308": {OLD: see(NEW, 308)},
    "302": {OLD: see(NEW, 302)},
    "303": {OLD: see(NEW, 303)},
    "307": {OLD: see(NEW, 307)},
    "301 301": {OLD: see(FAR, 301), FAR: see(NEW, 301)},
    "301 302": {OLD: see(FAR, 301), FAR: see(NEW, 302)},
    "302 308": {OLD: see(FAR, 302), FAR: see(NEW, 308)},
    "301 elsewhere": {OLD: see(FAR, 301), FAR: RSS},
    "301 to nothing": {OLD: see(NEW, 301), NEW: 404},
    "301 to a page": {OLD: see(NEW, 301), NEW: "<html>"},
}
PERMANENT = {"301": NEW, "308": NEW, "301 301": NEW, "301 elsewhere": FAR}
FAILURES = {"404", "301 to nothing", "301 to a page"}
MOVED_MORE_OFTEN = st.sampled_from([*CHAINS, *["301", "308", "301 301"] * 5])
DAYS = st.lists(st.builds(Day, st.sampled_from([1, 6, 24, 48, 100, 170]), MOVED_MORE_OFTEN), min_size=4, max_size=14)


def expected(lived: list[tuple[datetime, str]]) -> str:
    """The rule once more, from the end: where the last visits without a break, failures left out, all led for good."""
    sightings: list[tuple[datetime, str]] = []
    for when, answer in reversed(lived):
        if answer in FAILURES:
            continue
        if answer not in PERMANENT or (sightings and PERMANENT[answer] != sightings[0][1]):
            break
        sightings.append((when, PERMANENT[answer]))
    enough = len(sightings) >= 3 and sightings[0][0] - sightings[-1][0] >= timedelta(days=7)
    return sightings[0][1] if enough else ""


@settings(max_examples=150, deadline=None)
@given(DAYS)
def test_the_rule_holds_in_any_life(days: list[Day]) -> None:
    cursor: Cursor | None = None
    now, lived = NOW, list[tuple[datetime, str]]()
    with TemporaryDirectory() as folder:
        for day in days:
            now += timedelta(hours=day.hours)
            lived.append((now, day.answer))
            network = pages({NEW: RSS, **CHAINS[day.answer]})
            try:
                batch = visit(network, Path(folder), cursor, now)
            except (FetchError, ParseError):
                assert day.answer in FAILURES
                assert expected(lived) == ""  # a failure is no sighting, so the visit before would have been the one
                continue
            assert network.urls[0] == OLD
            assert {entry.key for entry in batch.entries} == {"id:blog:a-sample"}
            cursor = batch.cursor
            assert cursor.get("at", "") == expected(lived)
            if "at" in cursor:
                return


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([1, 6, 24, 50]), min_size=3, max_size=25), st.sampled_from([301, 302, 307, 308]))
def test_a_feed_behind_a_redirect_is_sent_once(hours: list[int], status: int) -> None:
    """One unconditional GET in its life, whether it moves or not, over restarts: each visit is a new Fetcher."""
    network = pages({OLD: see(NEW, status), NEW: tagged})
    days = [sum(hours[:number]) / 24 for number in range(len(hours))]
    with TemporaryDirectory() as folder:
        life(network, Path(folder), days)
    asked = [request for request in network.requests if str(request.url) == NEW]
    assert len(asked) == len(hours)
    assert sum("if-none-match" not in request.headers for request in asked) == 1
    assert not any("if-none-match" in request.headers for request in network.requests if str(request.url) == OLD)
