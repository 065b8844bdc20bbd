"""sightings: where entries were seen, what links to them, and the names they go by."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Candidate, Entry, Sighting
from aggregator.store.chunks import chunks
from aggregator.store.wording import sum_signals, told


def seen_at(session: Session, ids: Iterable[int]) -> dict[int, list[Sighting]]:
    """For each entry where it was seen, first sighting first."""
    sighting = tables.Sighting
    found: dict[int, list[Sighting]] = {}
    for part in chunks(ids):
        rows = session.exec(select(sighting).where(col(sighting.entry_id).in_(part)).order_by(col(sighting.id)))
        for row in rows:
            found.setdefault(row.entry_id, []).append(Sighting(row.source, row.kind, row.url, row.signals))
    return found


def whole(row: tables.Entry, sightings: Sequence[Sighting]) -> Entry:
    """An entry of the database with the signals of all its sightings."""
    return replace(told(row), signals=sum_signals((one.kind, one.signals) for one in sightings))


def candidates_of(session: Session, rows: Sequence[tables.Entry]) -> list[Candidate]:
    """The entries as candidates: with their names, what they link to, where they were seen, and what links to them."""
    ids = [row.id for row in rows if row.id is not None]
    aliases, mentions = _names(session, tables.Alias, ids), _names(session, tables.Mention, ids)
    linked = _linked_from(session, ids)
    places = seen_at(session, {*ids, *(one for others in linked.values() for one in others)})
    return [
        Candidate(
            entry=replace(
                whole(row, places.get(row.id or 0, ())),
                aliases=tuple(name for name in aliases.get(row.id or 0, ()) if name != row.key),
                mentions=tuple(mentions.get(row.id or 0, ())),
            ),
            sightings=tuple(places.get(row.id or 0, ())),
            mentions=tuple(place for one in linked.get(row.id or 0, ()) for place in places.get(one, ())),
        )
        for row in rows
    ]


def _names(session: Session, table: type[tables.Alias | tables.Mention], ids: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for part in chunks(ids):
        wanted = select(table.entry_id, table.name).where(col(table.entry_id).in_(part)).order_by(col(table.name))
        for entry_id, name in session.exec(wanted):
            found.setdefault(entry_id, []).append(name)
    return found


def _linked_from(session: Session, ids: Iterable[int]) -> dict[int, list[int]]:
    """For each entry the ids of those that link to it under any of its names, the first stored first."""
    alias, mention = tables.Alias, tables.Mention
    found: dict[int, list[int]] = {}
    for part in chunks(ids):
        wanted = (
            select(alias.entry_id, mention.entry_id)
            .join(mention, col(mention.name) == col(alias.name))
            .where(col(alias.entry_id).in_(part), col(mention.entry_id) != col(alias.entry_id))
            .order_by(col(mention.entry_id))
            .distinct()
        )
        for entry_id, other in session.exec(wanted):
            found.setdefault(entry_id, []).append(other)
    return found
