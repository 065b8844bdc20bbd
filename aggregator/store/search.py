"""search: entries by their words, by their meaning, by their names; all are asked for in the same way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import col, select

from aggregator import tables
from aggregator.model import Entry, Kind, Vectors
from aggregator.store.engine import Door
from aggregator.store.vectors import is_current, stacked
from aggregator.store.wordindex import Fts5, Index, Term, Tsvector, conditions, terms_of
from aggregator.store.wording import told

_AT_ONCE = 8192
"""Vectors in memory at a time: 12 MB of the default model's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is searched for, and where.

    An entry has to have every one of the `phrases`, those in `titles` in its title, and for each of the `prefixes` a
    word that begins so; the `words` only make it better. `since` and `until`, both included, bound when it was
    published; `source` is where it was seen.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    kind: Kind | None = None
    source: str | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing that the index of words could be asked for."""
        return not self.terms

    @property
    def terms(self) -> list[Term]:
        """What an entry is scored by."""
        return terms_of(self.words, (*self.phrases, *self.titles), self.prefixes)


class Alike(NamedTuple):
    """Entries and how alike their vectors are to the one asked for: ids, ascending, and cosines, both of shape (n,).

    `nearest` are the places of the most alike of them, the first the most alike, and `vectors` theirs, a row each.
    """

    ids: NDArray[np.int64]
    cosines: NDArray[np.float32]
    nearest: NDArray[np.intp]
    vectors: Vectors


class Shown(NamedTuple):
    """An entry as search shows it: the sources it was seen at, and a piece of its abstract, "" if no word was found.

    Words that were found stand between the characters OPEN and CLOSE of `wordindex`.
    """

    entry: Entry
    sources: tuple[str, ...]
    piece: str


class Search(Door):
    """The part of the store that finds entries."""

    def worded(self, asked: Asked, most: int) -> list[tuple[int, float]]:
        """The entries that have one of the words, at most so many, each with its score, the best first."""
        if asked.empty:
            return []
        index = self._index
        wanted, entry_id = index.scored(asked.terms)
        if bounds := self._bounds(asked):
            wanted = wanted.join_from(entry_id.table, tables.Entry, col(tables.Entry.id) == entry_id).where(*bounds)
        wanted = wanted.order_by(wanted.selected_columns[1].desc(), entry_id.desc()).limit(most)
        with self._reading() as session:
            return [(int(row[0]), float(row[1])) for row in session.connection().execute(wanted)]

    def alike(self, asked: Asked, model: str, revision: str, vector: Vectors, most: int) -> Alike:
        """All entries that have a current vector and are not out of bounds, held against a vector of shape (dim,).

        The words are not looked at. The vectors are read a few thousand at a time, and those of the `most` alike kept.
        """
        stored = tables.Vector
        wanted = select(stored.entry_id, stored.data).join(tables.Entry, is_current(model, revision))
        wanted = wanted.where(*self._bounds(asked)).execution_options(yield_per=_AT_ONCE)
        ids, cosines = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        near, best = np.zeros(0, np.int64), np.zeros((0, vector.size), np.float32)
        with self._reading() as session:
            for rows in session.connection().execute(wanted).partitions():
                part = stacked(self.name, [row[1] for row in rows])
                ids.append(np.array([row[0] for row in rows], np.int64))
                cosines.append(part @ vector)
                top = np.argsort(-cosines[-1], kind="stable")[:most]
                near, best = np.concatenate([near, ids[-1][top]]), np.concatenate([best, part[top]])
                kept = np.argsort(-(best @ vector), kind="stable")[:most]
                near, best = near[kept], best[kept]
        every = np.concatenate(ids)
        order = np.argsort(every)
        every = every[order]
        return Alike(every, np.concatenate(cosines)[order], np.searchsorted(every, near), best)

    def named(self, asked: Asked, names: Sequence[str], urls: Sequence[str]) -> list[int]:
        """The entries within bounds that have one of the names, or were seen under one of the links."""
        entry, alias, sighting = tables.Entry, tables.Alias, tables.Sighting
        called = [col(entry.id).in_(select(alias.entry_id).where(col(alias.name).in_(names)))]
        if urls:
            seen = select(sighting.entry_id).where(col(sighting.url).in_(urls))
            called += [col(entry.url).in_(urls), col(entry.id).in_(seen)]
        return [entry_id for entry_id, _, _ in self._some(or_(*called), *self._bounds(asked))]

    def titled(self, asked: Asked, title: str) -> list[tuple[int, str]]:
        """The entries within bounds that have these words one after the other in their titles, with these."""
        has = self._index.titled(title)
        return [(entry_id, found) for entry_id, found, _ in self._some(has, *self._bounds(asked))]

    def written(self, asked: Asked, names: Sequence[str]) -> list[tuple[int, list[str]]]:
        """The entries within bounds whose authors have all of these names, with the authors; the newest first."""
        has = self._index.written_by(names)
        return [(entry_id, authors) for entry_id, _, authors in self._some(has, *self._bounds(asked))]

    def shown(self, asked: Asked, ids: Sequence[int]) -> dict[int, Shown]:
        """The entries with these ids, by id and in this order, as far as they are still there."""
        entry, sighting = tables.Entry, tables.Sighting
        sources: dict[int, list[str]] = {}
        with self._reading() as session:
            rows = {row.id: row for row in session.exec(select(entry).where(col(entry.id).in_(ids)))}
            seen = select(sighting.entry_id, sighting.source).where(col(sighting.entry_id).in_(ids))
            for entry_id, source in session.exec(seen.order_by(col(sighting.id))):
                sources.setdefault(entry_id, []).append(source)
            pieces: dict[int, str] = {}
            if ids and not asked.empty:
                found = session.connection().execute(self._index.excerpts(asked.terms, ids))
                pieces = {int(row[0]): str(row[1]) for row in found}
        return {
            one: Shown(told(rows[one]), tuple(sources.get(one, ())), pieces.get(one, "")) for one in ids if one in rows
        }

    def seen_at(self) -> list[str]:
        """The names of all sources that an entry was seen at."""
        with self._reading() as session:
            return list(session.exec(select(tables.Sighting.source).distinct().order_by(tables.Sighting.source)))

    @property
    def _index(self) -> Index:
        return Fts5() if self.file else Tsvector()

    def _bounds(self, asked: Asked) -> list[ColumnElement[bool]]:
        titled = (self._index.titled(phrase) for phrase in asked.titles)
        return [*_within(asked), *titled, *conditions(self._index, asked.phrases, asked.prefixes)]

    def _some(self, *where: ColumnElement[bool]) -> list[tuple[int, str, list[str]]]:
        """Ids, titles and authors, the newest first; no more than anybody would read."""
        entry = tables.Entry
        wanted = select(entry.id, entry.title, entry.authors).where(*where)
        wanted = wanted.order_by(col(entry.published).desc(), col(entry.id).desc()).limit(1000)
        with self._reading() as session:
            return [(row[0], row[1], list(row[2])) for row in session.exec(wanted) if row[0] is not None]


def _within(asked: Asked) -> Iterator[ColumnElement[bool]]:
    entry, sighting = tables.Entry, tables.Sighting
    if asked.since:
        yield col(entry.published) >= asked.since
    if asked.until:
        yield col(entry.published) <= asked.until
    if asked.kind:
        yield col(entry.kind) == asked.kind
    if asked.source is not None:
        yield exists().where(col(sighting.entry_id) == col(entry.id), col(sighting.source) == asked.source)
