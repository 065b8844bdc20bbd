"""What is forgotten in time, and how much room there is to gain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.stores import DATABASES, DAY, NOW, add, embed, fresh_store, mail, paper, queue, rows


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def raws(store: Store) -> list[int]:
    return [row[0] for row in rows(store, "SELECT length(raw) FROM message ORDER BY id")]


def test_only_old_bodies_of_what_is_done_are_forgotten(store: Store) -> None:
    states = ("sent", "sent", "dropped", "failed", "held", "deferred", "queued")
    queue(store, *(mail(number, b"x" * 100) for number in range(len(states))))
    claimed = [one.id for one in store.claim(NOW, "w", DAY, 6)]
    store.settle_sent(claimed[0], "ok", now=NOW)
    store.settle_sent(claimed[1], "ok", now=NOW + 2 * DAY)
    store.drop_messages([claimed[2]])
    store.settle(claimed[3], "failed", "no", worker="w")
    store.settle(claimed[4], "held", "no", worker="w")
    store.settle(claimed[5], "deferred", "no", not_before=NOW, worker="w")
    assert store.old_bodies(NOW + DAY) == (2, 200)
    assert store.forget_bodies(NOW + DAY) == (2, 200)
    assert raws(store) == [0, 100, 0, 100, 100, 100, 100]
    assert store.old_bodies(NOW + DAY) == store.forget_bodies(NOW + DAY) == (0, 0)
    assert [row.state for row in store.outbox()] == list(states)
    assert [row.message_id for row in store.outbox()] == [f"<{number}@example.org>" for number in range(len(states))]


def test_many_bodies(store: Store) -> None:
    queue(store, *(mail(number, b"x" * 10) for number in range(1201)))
    store.drop_messages(range(1, 1202))
    assert store.forget_bodies(NOW + DAY) == (1201, 12010)


def test_vectors_of_other_models(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store, model="old")
    embed(store, model="new", revision="int8")
    embed(store, model="new")
    assert store.other_vectors("new", "1") == store.forget_vectors("new", "1") == (4, 64)
    assert store.other_vectors("new", "1") == (0, 0)
    assert rows(store, "SELECT DISTINCT model, revision FROM vector") == [("new", "1")]


def test_room_is_given_back(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        queue(store, *(mail(number, b"x" * 50_000) for number in range(40)))
        store.drop_messages(range(1, 41))
        full = store.size()
        store.forget_bodies(NOW + DAY)
        assert store.spare() > 1_500_000
        store.compact()
        assert store.spare() == 0
        assert store.size() < full - 1_500_000
        assert store.integrity() == []


def test_postgresql_is_compacted(tmp_path: Path) -> None:
    with fresh_store("postgresql", tmp_path) as store:
        store.compact()
        assert store.size() > 0
        assert store.spare() == 0


def test_the_engine_and_the_largest_mail(store: Store) -> None:
    name, version = store.engine()
    assert version >= {"SQLite": (3, 40), "PostgreSQL": (12,)}[name]
    assert store.largest_message(NOW - DAY) == 0
    queue(store, mail(1, b"x" * 7), mail(2, b"x" * 9))
    assert store.largest_message(NOW - DAY) == 9
    assert store.largest_message(NOW) == 0


def test_the_last_thing_that_was_written_down(store: Store) -> None:
    assert store.latest() is None
    add(store, now=NOW)
    assert store.latest() == NOW
    queue(store, mail(1), now=NOW + DAY)
    assert store.latest() == NOW + DAY
