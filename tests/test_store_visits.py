"""Where sources stand, how they did, and which hosts want to be left alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.model import SourceHealth
from aggregator.store import Store
from tests.stores import DATABASES, DAY, NOW, add, fresh_store, paper, rows


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def _fail(store: Store, source: str = "blog", at: int = 0) -> None:
    store.record_failure(source, "feed", "HTTP 500", now=NOW + at * DAY, next_visit=NOW + (at + 1) * DAY)


def test_before_any_visit(store: Store) -> None:
    assert store.cursor("blog") is None
    assert store.visited("blog") is None
    assert store.failures("blog") == 0
    assert store.sources() == []
    assert store.health(["blog"], NOW - DAY, NOW) == (SourceHealth("blog", "waiting"),)


def test_a_visit_keeps_the_cursor_as_it_is(store: Store) -> None:
    cursor = {"etag": '"a"', "nested": {"pages": [1, 2]}, "none": None}
    add(store, cursor=cursor)
    assert store.cursor("arxiv") == cursor
    assert store.visited("arxiv") == NOW
    add(store, cursor={})
    assert store.cursor("arxiv") == {}


def test_a_failure_keeps_the_cursor_and_counts_until_a_success(store: Store) -> None:
    add(store, source="blog", kind="feed", cursor={"page": 3})
    _fail(store)
    _fail(store, at=1)
    assert (store.cursor("blog"), store.visited("blog"), store.failures("blog")) == ({"page": 3}, NOW, 2)
    add(store, source="blog", kind="feed", now=NOW + 2 * DAY)
    assert store.failures("blog") == 0
    (state,) = store.sources()
    assert (state.failed, state.failure) == (NOW + DAY, "HTTP 500"), "the last failure can still be read"


def test_what_is_due(store: Store) -> None:
    add(store, source="later", kind="feed")
    add(store, source="due", kind="feed", now=NOW - DAY)
    store.record_failure("waits", "feed", "down", now=NOW, next_visit=NOW + timedelta(seconds=1))
    names = ["never", "later", "due", "waits"]
    assert store.due_sources(names, NOW) == ["never", "due"]
    assert store.due_sources(names, NOW + DAY) == names
    assert store.due_sources([], NOW) == []


def test_sources_for_status(store: Store) -> None:
    add(store, paper(1), paper(2), source="b", kind="feed", missing="page 2: HTTP 500")
    add(store, paper(1), source="a", kind="feed")
    add(store, source="a", kind="feed", unchanged=True)
    assert [state.name for state in store.sources()] == ["a", "b"]
    first, second = store.sources(["b", "unknown", "a"])
    assert (first.name, first.kind, first.entries, first.seen, first.partial) == ("b", "feed", 2, 2, "page 2: HTTP 500")
    assert (second.entries, second.seen, second.partial, second.next_visit) == (1, 1, "", NOW + DAY)


def test_health_of_a_window(store: Store) -> None:
    add(store, paper(1), source="ok", kind="feed")
    add(store, source="ok", kind="feed", now=NOW + DAY, unchanged=True)
    add(store, paper(1), source="quiet", kind="feed")
    add(store, paper(2), source="partial", kind="feed", missing="day 3")
    add(store, paper(3), source="failed", kind="feed")
    _fail(store, "failed", at=1)
    names = ["waiting", "failed", "partial", "quiet", "ok"]
    assert store.health(names, NOW - DAY, NOW + DAY) == (
        SourceHealth("waiting", "waiting"),
        SourceHealth("failed", "failed", "HTTP 500"),
        SourceHealth("partial", "partial", "day 3"),
        SourceHealth("quiet", "quiet"),
        SourceHealth("ok", "ok"),
    )


def test_health_without_a_visit_in_the_window_is_that_of_the_last_one(store: Store) -> None:
    add(store, paper(1), source="ok", kind="feed")
    add(store, paper(1), source="quiet", kind="feed")
    _fail(store, "failed")
    states = store.health(["ok", "quiet", "failed"], NOW + DAY, NOW + 2 * DAY)
    assert [state.state for state in states] == ["ok", "quiet", "failed"]
    before = store.health(["ok", "quiet", "failed"], NOW - 2 * DAY, NOW - DAY)
    assert [state.state for state in before] == ["waiting"] * 3, "what comes later does not count"


def test_health_when_a_failure_is_over(store: Store) -> None:
    _fail(store, "blog", at=-1)
    add(store, paper(1), source="blog", kind="feed")
    assert store.health(["blog"], NOW - 2 * DAY, NOW)[0].state == "ok"


def test_holds(store: Store) -> None:
    store.hold("export.arxiv.org", NOW + DAY)
    store.hold("example.org", NOW)
    assert store.holds(NOW) == {"export.arxiv.org": NOW + DAY}
    store.hold("export.arxiv.org", NOW + timedelta(hours=1))
    assert store.holds(NOW) == {"export.arxiv.org": NOW + DAY}, "the longer wish stands"
    assert store.holds(NOW + DAY) == {}


def test_the_log_keeps_a_year(store: Store) -> None:
    add(store, now=NOW - 500 * DAY)
    add(store, source="other", now=NOW - 500 * DAY)
    add(store, now=NOW - 300 * DAY, missing="x")
    add(store, now=NOW)
    store.trim(NOW)
    assert rows(store, "SELECT source, outcome FROM visit ORDER BY id") == [
        ("arxiv", "partial"),
        ("arxiv", "ok"),
    ]


def test_a_clock_that_was_ahead_silences_nobody(store: Store) -> None:
    ahead = NOW + 400 * DAY
    store.record_failure("failed", "feed", "down", now=ahead, next_visit=ahead + DAY)
    add(store, source="asked", kind="feed", now=ahead)
    store.hold("home.example", ahead + DAY)
    assert store.due_sources(["failed", "asked"], NOW) == ["failed", "asked"]
    assert store.holds(NOW) == {}
    store.hold("home.example", NOW + DAY)
    assert store.holds(NOW) == {"home.example": NOW + DAY}
    store.record_failure("failed", "feed", "down", now=NOW, next_visit=NOW + DAY)
    assert store.due_sources(["failed"], NOW) == []
