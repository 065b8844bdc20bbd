"""What a language model made of entries' texts: one a model, found by what was asked, gone with the entry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.stores import DATABASES, NOW, add, fresh_store, paper, rows

ONE, TWO = "arxiv:2611.00001", "arxiv:2611.00002"


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        add(opened, paper(1), paper(2))
        yield opened


def test_a_summary_is_found_by_what_was_asked(store: Store) -> None:
    store.add_summary("tiny", ONE, "a" * 64, "First.", now=NOW)
    store.add_summary("tiny", TWO, "b" * 64, "Second.", now=NOW)
    store.add_summary("large", ONE, "a" * 64, "Other.", now=NOW)
    assert store.summaries("tiny", {ONE: "a" * 64, TWO: "b" * 64}) == {ONE: "First.", TWO: "Second."}
    assert store.summaries("tiny", {ONE: "c" * 64}) == {}
    assert store.summaries("large", {ONE: "a" * 64, TWO: "b" * 64}) == {ONE: "Other."}
    assert store.summaries("tiny", {}) == {}


def test_a_newer_one_takes_its_place(store: Store) -> None:
    for asked, text in (("a", "Old."), ("b", "New.")):
        store.add_summary("tiny", ONE, asked, text, now=NOW)
    assert store.summaries("tiny", {ONE: "b"}) == {ONE: "New."}
    assert len(rows(store, "SELECT * FROM summary")) == 1


def test_of_what_is_not_stored_nothing_is_kept(store: Store) -> None:
    store.add_summary("tiny", "arxiv:2611.00009", "a", "Nobody's.", now=NOW)
    assert rows(store, "SELECT * FROM summary") == []
