"""entries: what a source brought goes into the store, whole or not at all."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Added, Batch, Entry, Window
from aggregator.store.chunks import chunks, insert
from aggregator.store.days import note_answer
from aggregator.store.engine import Door
from aggregator.store.identity import Work, merge, stored_names, works
from aggregator.store.likely import joined, remember
from aggregator.store.visits import log_visit, standing
from aggregator.store.wording import Signals, cleaned, join_signals, news_at, storable, strongest, tell, text_hash


class Entries(Door):
    """The part of the store that takes in what sources bring."""

    def add(self, source: str, kind: str, batch: Batch, *, now: datetime, next_visit: datetime) -> Added:
        """Store a visit: its entries, the cursor that goes with them, and that it took place; what it brought.

        A work that was never met becomes news as `wording.news_at` says; what is known is told anew and never news
        again. All in one transaction, so the cursor is never ahead of the entries.
        """
        with self._writing() as session:
            state = standing(session, source, kind)
            new = _take_in(session, source, kind, batch.entries, visited=state.visited, now=now)
            added = Added(len(batch.entries), new)
            missing = cleaned(batch.missing)
            state.cursor, state.partial, state.next_visit = dict(batch.cursor), missing, next_visit
            state.visited, state.failures, state.failing_since, state.gone = now, 0, None, ""
            state.note = cleaned(batch.note)
            if not batch.unchanged:
                state.seen = added.seen
            outcome = "partial" if missing else "unchanged" if batch.unchanged else "ok"
            log_visit(session, source, now, outcome, added=added, text=missing)
            note_answer(session, source, batch, added, now)
        return added

    def add_found(self, source: str, kind: str, entries: Sequence[Entry], *, now: datetime) -> Added:
        """Store what an audit found missing; where the source stands does not change."""
        with self._writing() as session:
            state = session.get(tables.Source, source)
            new = _take_in(session, source, kind, entries, visited=state.visited if state else None, now=now)
        return Added(len(entries), new)

    def lacking(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that the store knows under none of their names."""
        with self._reading() as session:
            known = stored_names(session, entries)
        return [entry for entry in entries if not known.keys() & {entry.key, *entry.aliases}]

    def add_slice(self, source: str, kind: str, piece: Window, window: Window, batch: Batch, *, now: datetime) -> Added:
        """Store one slice of history with the mark that it is done; where the source stands does not change."""
        with self._writing() as session:
            state = session.get(tables.Source, source)
            visited = state.visited if state else None
            new = _take_in(session, source, kind, batch.entries, visited=visited, now=now)
            added = Added(len(batch.entries), new)
            session.merge(
                tables.Slice(
                    source=source,
                    since=window.first,
                    first=piece.first,
                    last=piece.last,
                    done_at=now,
                    seen=added.seen,
                    new=added.new,
                    missing=cleaned(batch.missing),
                )
            )
        return added


def _take_in(
    session: Session, source: str, kind: str, entries: Sequence[Entry], *, visited: datetime | None, now: datetime
) -> int:
    """Store the entries of one answer; how many of them were works not met before."""
    entries = [storable(entry) for entry in entries]
    known = stored_names(session, entries)
    found = joined(session, works(entries, known))
    ids: dict[int, int] = {}  # position in `found` to the id of the entry
    for position, work in enumerate(found):
        if work.ids:
            ids[position] = merge(session, work.ids) if len(work.ids) > 1 else min(work.ids)
    rows = _rows(session, ids.values())
    fresh: dict[int, dict[str, Any]] = {}
    for position, work in enumerate(found):
        if position in ids:
            _retell(rows[ids[position]], work, source, kind)
        else:
            fresh[position] = _first_met(work, source, kind, news_at(work.entries, visited, now), now)
    session.flush()
    ids.update(zip(fresh, _inserted(session, list(fresh.values())), strict=True))
    aliases = [
        {"name": name, "entry_id": ids[position]}
        for position, work in enumerate(found)
        for name in work.names
        if name not in known
    ]
    insert(session, tables.Alias, aliases)
    seen = [(ids[position], work) for position, work in enumerate(found)]
    remember(session, [(ids[position], found[position]) for position in fresh])
    _sight(session, source, kind, seen, now)
    _mention(session, seen)
    return len(fresh)


def _rows(session: Session, ids: Iterable[int]) -> dict[int, tables.Entry]:
    found: dict[int, tables.Entry] = {}
    for part in chunks(ids):
        rows = session.exec(select(tables.Entry).where(col(tables.Entry.id).in_(part)))
        found.update((row.id, row) for row in rows if row.id is not None)
    return found


def _first_met(work: Work, source: str, kind: str, news: datetime | None, now: datetime) -> dict[str, Any]:
    """The columns of a new entry. Plain values: an object for each would take most of the time of a large answer."""
    first = work.entries[0]
    columns: dict[str, Any] = {
        "key": strongest(work.names),
        "kind": first.kind,
        "title": first.title,
        "url": first.url,
        "summary": first.summary,
        "authors": list(first.authors),
        "categories": list(first.categories),
        "published": first.published,
        "announced": first.announced,
        "added": now,
        "news_at": news,
        "origin": kind,
        "origin_source": source,
        "text_hash": text_hash(first.title, first.summary),
        "due": first.due,
    }
    if len(work.entries) == 1:
        return columns
    row = tables.Entry(**columns)
    for entry in work.entries[1:]:
        tell(row, entry, source, kind)
    return row.model_dump(exclude={"id"})


def _inserted(session: Session, rows: list[dict[str, Any]]) -> list[int]:
    """The ids of new rows, in their order.

    Looked up by key afterwards: SQLite does not promise to return them in order, so they would be inserted one by one.
    """
    insert(session, tables.Entry, rows)
    ids: dict[object, int | None] = {}
    for part in chunks(row["key"] for row in rows):
        ids.update(session.exec(select(tables.Entry.key, tables.Entry.id).where(col(tables.Entry.key).in_(part))).all())
    return [entry_id for row in rows if (entry_id := ids[row["key"]]) is not None]


def _retell(row: tables.Entry, work: Work, source: str, kind: str) -> None:
    row.key = strongest([row.key, *work.names])
    for entry in work.entries:
        tell(row, entry, source, kind)


def _mention(session: Session, seen: Sequence[tuple[int, Work]]) -> None:
    """Note the papers that the works link to, other than themselves. What was once linked stays noted."""
    mention = tables.Mention
    told = {(entry_id, name) for entry_id, work in seen for entry in work.entries for name in entry.mentions}
    own = {(entry_id, name) for entry_id, work in seen for name in work.names}
    fresh = told - own
    for part in chunks({entry_id for entry_id, _ in fresh}):
        fresh -= set(session.exec(select(mention.entry_id, mention.name).where(col(mention.entry_id).in_(part))).all())
    insert(session, mention, [{"entry_id": one, "name": name} for one, name in sorted(fresh)])


def _sight(session: Session, source: str, kind: str, seen: Sequence[tuple[int, Work]], now: datetime) -> None:
    """Note where the works were seen, with the signals as the source gives them now."""
    sighting = tables.Sighting
    known: dict[int, tables.Sighting] = {}
    for part in chunks(entry_id for entry_id, work in seen if work.ids):
        mine = select(sighting).where(sighting.source == source, col(sighting.entry_id).in_(part))
        known.update((row.entry_id, row) for row in session.exec(mine))
    first: list[dict[str, object]] = []
    for entry_id, work in seen:
        signals: Signals = {}
        for entry in work.entries:
            signals = join_signals(signals, entry.signals)
        url, row = work.entries[0].url, known.get(entry_id)
        if row:
            row.kind, row.url, row.signals, row.last_seen = kind, url or row.url, signals, now
        else:
            told = {"entry_id": entry_id, "source": source, "kind": kind, "url": url, "signals": signals}
            first.append({**told, "first_seen": now, "last_seen": now})
    insert(session, sighting, first)
