"""audit: what a source's witnesses say against what is stored; what is missing is stored."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.audit import Finding, audit
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from aggregator.model import Account, Batch, Cursor, Entry, Window
from aggregator.outcome import Outcome
from aggregator.sources import Source
from aggregator.store import Store
from tests.fakes import fetcher_over, pages
from tests.stores import add, paper, rows

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
WEEK = Window(date(2026, 11, 15), date(2026, 11, 21))


class Archive(Source):
    """A source with two doors. `api` and `oai` are the numbers of the papers that each of them names."""

    api: tuple[int, ...] = ()
    oai: tuple[int, ...] = ()
    fails: bool = False
    missing: str = ""

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        return Batch(entries=(), cursor={})

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        return []

    def witnesses(self, fetcher: Fetcher, window: Window, now: datetime) -> Iterator[Account]:
        half = len(self.api) // 2
        for part in (self.api[:half], self.api[half:]):
            yield Account(witness="API", window=window, entries=tuple(map(paper, part)), missing=self.missing)
        if self.fails:
            raise FetchError("oai.example.org: 503")
        yield Account(witness="OAI", window=window, entries=tuple(map(paper, self.oai)))


class Blog(Source):
    """A source without history."""

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        return Batch(entries=(), cursor={})

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        return []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/a.db") as opened:
        opened.migrate()
        add(opened, *(paper(number) for number in range(1, 11)))
        yield opened


def held(store: Store, tmp_path: Path, *sources: Source, mend: bool = True) -> tuple[Outcome, list[Finding]]:
    with fetcher_over(pages({}), tmp_path) as fetcher:
        return audit(store, fetcher, sources, WEEK, clock=lambda: NOW, mend=mend)


def test_what_is_missing_is_found_stored_and_then_missing_no_more(store: Store, tmp_path: Path) -> None:
    source = Archive(name="archive", api=tuple(range(1, 13)), oai=tuple(range(3, 14)))
    looked, findings = held(store, tmp_path, source, mend=False)
    assert looked.counts == {"said": 23, "missing": 5, "mended": 0}
    assert [(f.witness, f.said, f.mended) for f in findings] == [("API", 12, False), ("OAI", 11, False)]
    assert rows(store, "SELECT count(*) FROM entry") == [(10,)]
    mended, findings = held(store, tmp_path, source)
    assert mended.counts == {"said": 23, "missing": 3, "mended": 3}
    assert findings[0].missing == (paper(11).key, paper(12).key)
    assert findings[0].alone == (paper(1).key, paper(2).key)
    assert findings[1].alone == (paper(13).key,)
    assert rows(store, "SELECT count(*) FROM entry") == [(13,)]
    again, _ = held(store, tmp_path, source)
    assert again.counts["missing"] == 0


def test_what_was_deleted_by_hand_comes_back(store: Store, tmp_path: Path) -> None:
    with store._writer.begin() as connection:
        connection.exec_driver_sql("DELETE FROM entry WHERE id IN (2, 3, 5, 7, 8)")
    source = Archive(name="archive", api=tuple(range(1, 11)), oai=tuple(range(1, 11)))
    outcome, findings = held(store, tmp_path, source)
    assert outcome.counts["mended"] == 5
    assert set(findings[0].missing) == {paper(number).key for number in (2, 3, 5, 7, 8)}
    assert all(finding.alone == () for finding in findings)


def test_a_witness_that_fails_is_told_and_the_others_stand(store: Store, tmp_path: Path) -> None:
    broken = Archive(name="broken", api=(11, 12), fails=True, missing="the last page")
    whole = Archive(name="whole", api=(13,), oai=(13,))
    outcome, findings = held(store, tmp_path, broken, Blog(name="blog"), whole)
    assert [(f.source, f.witness, f.trouble) for f in findings] == [
        ("broken", "API", f"API, {WEEK}: the last page; API, {WEEK}: the last page"),
        ("broken", "", "oai.example.org: 503"),
        ("whole", "API", ""),
        ("whole", "OAI", ""),
    ]
    assert len(outcome.troubles) == 2
    assert outcome.counts["mended"] == 3


def test_mended_papers_are_news_only_if_they_are_young(store: Store, tmp_path: Path) -> None:
    old = timedelta(days=400)

    class Old(Archive):
        def witnesses(self, fetcher: Fetcher, window: Window, now: datetime) -> Iterator[Account]:
            entry = paper(77, published=NOW - old)
            yield Account(witness="API", window=window, entries=(entry, paper(78)))

    add(store, paper(1), source="old", kind="arxiv")
    held(store, tmp_path, Old(name="old"))
    (first, second) = rows(store, "SELECT news_at FROM entry WHERE id > 10 ORDER BY key")
    assert str(first[0]).startswith("2025-10-17")
    assert str(second[0]).startswith("2026-11-21 08")
