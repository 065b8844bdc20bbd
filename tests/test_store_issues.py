"""An issue is opened once, whole or not at all, and shows a work once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.store import Issue, Store
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, mail, paper, queue, rows


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def _counts(store: Store) -> list[int]:
    return [rows(store, f"SELECT count(*) FROM {table}")[0][0] for table in ("issue", "pick", "message")]


def test_an_issue_with_picks_and_messages(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store)
    letter = digest(*candidates(store))
    since = NOW - 7 * DAY
    assert store.queue("me", "2026-W47", since, NOW, now=NOW, digest=letter, messages=[mail(1), mail(2)])
    expected = Issue(profile="me", period="2026-W47", since=since, until=NOW, opened_at=NOW, arrived=9, picks=2)
    assert store.last_issue("me") == expected
    assert store.issues("me") == [expected]
    assert store.has_issue("me", "2026-W47")
    assert rows(store, "SELECT position, score, reason FROM pick ORDER BY id") == [
        (0, 0.5, "speech"),
        (1, 0.5, "speech"),
    ]
    assert [row.recipient for row in store.outbox()] == ["r1@example.org", "r2@example.org"]


def test_no_issue(store: Store) -> None:
    assert store.last_issue("me") is None
    assert store.issues("me") == []
    assert not store.has_issue("me", "2026-W47")


def test_a_period_has_one_issue(store: Store) -> None:
    assert queue(store, mail(1))
    before = _counts(store)
    assert not queue(store, mail(2))
    assert _counts(store) == before
    assert store.queue("you", "2026-W47", NOW, NOW, now=NOW, digest=None, messages=[])
    assert not store.has_issue("you", "2026-W48")


def test_an_empty_issue_counts(store: Store) -> None:
    assert store.queue("me", "2026-W47", NOW - DAY, NOW, now=NOW, digest=None, messages=[])
    last = store.last_issue("me")
    assert last
    assert (last.arrived, last.picks) == (0, 0)
    assert store.outbox() == []


def test_a_pick_that_was_shown_meanwhile_stops_the_issue(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store)
    first, second = candidates(store)
    assert store.queue("me", "manual-1", NOW, NOW, now=NOW, digest=digest(first), messages=[])
    before = _counts(store)
    both = digest(second, first)
    assert not store.queue("me", "2026-W47", NOW, NOW, now=NOW, digest=both, messages=[mail()])
    assert _counts(store) == before
    assert store.queue("you", "2026-W47", NOW, NOW, now=NOW, digest=both, messages=[mail()])


def test_a_pick_is_found_under_the_name_it_had(store: Store) -> None:
    add(store, paper(key="doi:10.1/x"))
    embed(store)
    letter = digest(*candidates(store))
    add(store, paper(7, aliases=("doi:10.1/x",)))
    assert store.queue("me", "p", NOW, NOW, now=NOW, digest=letter, messages=[])
    assert rows(store, "SELECT key FROM entry JOIN pick ON pick.entry_id = entry.id") == [("arxiv:2611.00007",)]


def test_a_pick_that_is_not_stored_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with fresh_store("sqlite", tmp_path / "other") as other:
        add(other, paper())
        embed(other)
        letter = digest(*candidates(other))
    with pytest.raises(StoreError, match=r"arxiv:2611\.00001, which is not in the database"):
        store.queue("me", "p", NOW, NOW, now=NOW, digest=letter, messages=[])


def test_a_message_that_exists_leaves_nothing_of_the_issue(store: Store) -> None:
    queue(store, mail())
    before = _counts(store)
    assert not queue(store, mail(), period="2026-W48")
    assert not queue(store, replace(mail(), key="other/2026-W47/r1@example.org"), period="2026-W48")  # its Message-ID
    assert _counts(store) == before


def test_the_last_issue_is_the_one_that_reaches_furthest(store: Store) -> None:
    for period, until in (("b", NOW), ("c", NOW - DAY), ("a", NOW - 2 * DAY)):
        store.queue("me", period, NOW - 9 * DAY, until, now=NOW, digest=None, messages=[])
    last = store.last_issue("me")
    assert last
    assert last.period == "b"
    assert [issue.period for issue in store.issues("me")] == ["b", "c", "a"]


def test_what_serves_a_moment_of_the_schedule(store: Store) -> None:
    def opened(period: str, until: datetime, at: datetime | None = None) -> None:
        assert store.queue("me", period, NOW - 9 * DAY, until, now=at or until, digest=None, messages=[])

    assert not store.served("me", NOW, NOW)
    opened("manual-1", NOW - 5 * DAY)  # the first of all: the reader begins with it
    assert store.served("me", NOW - 6 * DAY, NOW)
    assert not store.served("me", NOW - 4 * DAY, NOW)
    opened("manual-2", NOW - 3 * DAY)
    assert not store.served("me", NOW - 4 * DAY, NOW)
    opened("2026-W47", NOW - 2 * DAY)
    assert store.served("me", NOW - 2 * DAY, NOW)
    assert not store.served("me", NOW - DAY, NOW)
    opened("2026-W48", NOW - 2 * DAY, at=NOW - DAY / 2)  # passed over later
    assert store.served("me", NOW - DAY, NOW)
    assert not store.served("me", NOW - DAY, NOW - DAY / 2)
    assert not store.served("you", NOW - 9 * DAY, NOW)
