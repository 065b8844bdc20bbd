"""Which texts lack a vector, and what a profile may choose from."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aggregator.errors import StoreError
from aggregator.store import Store
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, paper, rows, vectors


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def test_texts_without_a_vector_longest_first_then_by_key(store: Store) -> None:
    add(store, paper("b"), paper("C"), paper("a"), paper("long", summary="long " * 9))
    waiting = store.without_vector("m", "1")
    keys = [rows(store, "SELECT key FROM entry WHERE id = :id", id=e.entry_id)[0][0] for e in waiting]
    assert keys == ["arxiv:long", "arxiv:C", "arxiv:a", "arxiv:b"]
    assert waiting[1].text == "Paper C\nWhat it says."
    assert store.without_vector("m", "1", 2) == waiting[:2]
    assert store.count_without_vector("m", "1") == 4


def test_vectors_belong_to_a_model_and_its_revision(store: Store) -> None:
    add(store, paper())
    embed(store)
    assert store.count_without_vector("m", "1") == 0
    assert store.count_without_vector("m", "2") == store.count_without_vector("n", "1") == 1
    assert store.count_of_another_model("m", "2") == store.count_of_another_model("n", "1") == 1
    assert store.count_of_another_model("m", "1") == 0
    assert candidates(store)
    assert store.candidates("me", "m", "2", NOW - 7 * DAY, NOW)[0] == []
    embed(store, "n", dim=2)
    assert store.candidates("me", "n", "1", NOW - 7 * DAY, NOW)[1].shape == (1, 2)


def test_a_stale_vector_is_replaced_and_one_that_came_too_late_ignored(store: Store) -> None:
    add(store, paper())
    (old,) = store.without_vector("m", "1")
    embed(store)
    add(store, paper(title="New"), now=NOW + DAY)
    store.add_vectors("m", "1", [(old.entry_id, old.text_hash)], vectors(old))
    assert store.count_without_vector("m", "1") == 1, "the text changed while it was embedded"
    store.add_vectors("m", "1", [(99, old.text_hash)], vectors(old))
    embed(store)
    assert store.count_without_vector("m", "1") == 0
    assert rows(store, "SELECT count(*), max(dim) FROM vector") == [(1, 4)]
    embed(store)


def test_a_vector_may_be_stored_twice(store: Store) -> None:
    add(store, paper())
    (waiting,) = store.without_vector("m", "1")
    for _ in range(2):
        store.add_vectors("m", "1", [(waiting.entry_id, waiting.text_hash)], vectors(waiting))
    assert rows(store, "SELECT count(*) FROM vector") == [(1,)]
    store.add_vectors("m", "1", [], np.empty((0, 4), np.float32))


def test_rows_and_vectors_must_match(store: Store) -> None:
    with pytest.raises(ValueError, match="1 rows, but 0 vectors"):
        store.add_vectors("m", "1", [(1, "x")], np.empty((0, 4), np.float32))


def test_candidates_come_by_key_with_their_vectors_bit_for_bit(store: Store) -> None:
    add(store, paper("c"), paper("B"), paper("a"))
    waiting = store.without_vector("m", "1")
    made = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    store.add_vectors("m", "1", [(e.entry_id, e.text_hash) for e in waiting], made)
    found, stacked = store.candidates("me", "m", "1", NOW - 7 * DAY, NOW)
    assert [c.entry.key for c in found] == ["arxiv:B", "arxiv:a", "arxiv:c"]
    assert stacked.dtype == np.float32
    by_title = {e.text.splitlines()[0]: row for e, row in zip(waiting, made, strict=True)}
    assert stacked.tobytes() == np.array([by_title[c.entry.title] for c in found]).tobytes()
    stacked *= 2


def test_nothing_to_choose_from(store: Store) -> None:
    found, stacked = store.candidates("me", "m", "1", NOW - 7 * DAY, NOW)
    assert found == []
    assert stacked.shape == (0, 0)
    add(store, paper())
    assert candidates(store) == [], "it has no vector yet"


def test_the_window_is_open_at_its_start_and_closed_at_its_end(store: Store) -> None:
    add(store, paper(1, published=NOW - 2 * DAY), paper(2, published=NOW - DAY), paper(3, news=False))
    embed(store)
    found = candidates(store, since=NOW - 2 * DAY, until=NOW - DAY)
    assert [c.entry.key for c in found] == ["arxiv:2611.00002"]
    assert len(candidates(store)) == 2


def test_what_a_profile_was_shown_is_no_candidate_for_it(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store)
    first, second = candidates(store)
    store.queue("me", "p", NOW, NOW, now=NOW, digest=digest(first), messages=[])
    assert candidates(store) == [second]
    assert candidates(store, shown=True) == candidates(store, "you") == [first, second]


def test_vectors_of_two_lengths_under_one_model_are_refused(store: Store) -> None:
    add(store, paper(1))
    embed(store)
    add(store, paper(2))
    embed(store, dim=3)
    with pytest.raises(StoreError, match="different lengths"):
        candidates(store)


def test_five_thousand_candidates_take_less_than_three_seconds(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        add(store, *(paper(number, summary="word " * 250) for number in range(5000)))
        embed(store, dim=384)
        started = time.process_time()
        assert len(candidates(store)) == 5000
        assert time.process_time() - started < 3
