"""identity: one work, one entry, whatever names it is met under."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Entry
from aggregator.store.answers import move_answers
from aggregator.store.chunks import chunks
from aggregator.store.wording import join_signals, strongest, tell, told


class Teller(NamedTuple):
    """Who tells an entry: a source of some kind, when it answered before, and when what it tells now becomes news."""

    source: str
    kind: str
    visited: datetime | None
    news: datetime


@dataclass(slots=True)
class Work:
    """The entries that are one work, each with its teller, and the ids of the stored entries they belong to.

    `traits` are those of a work that is not stored, for `likely`.
    """

    entries: list[Entry] = field(default_factory=list)
    tellers: list[Teller] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)
    traits: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """All the names of its entries, each once, in the order met."""
        return list(dict.fromkeys(name for entry in self.entries for name in (entry.key, *entry.aliases)))


def stored_names(session: Session, entries: Iterable[Entry]) -> dict[str, int]:
    """For each name of the entries that the store knows, the id of its entry."""
    names = {name for entry in entries for name in (entry.key, *entry.aliases)}
    known: dict[str, int] = {}
    for part in chunks(names):
        found = session.exec(select(tables.Alias.name, tables.Alias.entry_id).where(col(tables.Alias.name).in_(part)))
        known.update((name, entry_id) for name, entry_id in found)
    return known


def works(told: Sequence[tuple[Entry, Teller]], known: Mapping[str, int]) -> list[Work]:
    """The works, in the order first met: entries that share a name, directly or through others, are one.

    `known` maps names to ids of stored entries; two names of one stored entry count as one.
    """
    parent: dict[str | int, str | int] = {}

    def root(node: str | int) -> str | int:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for entry, _ in told:
        for name in (entry.key, *entry.aliases):
            parent[root(name)] = root(entry.key)
            if name in known:
                parent[root(known[name])] = root(entry.key)
    found: dict[str | int, Work] = {}
    for entry, teller in told:
        work = found.setdefault(root(entry.key), Work())
        work.entries.append(entry)
        work.tellers.append(teller)
        work.ids.update(known[name] for name in (entry.key, *entry.aliases) if name in known)
    return list(found.values())


def merge(session: Session, ids: Iterable[int]) -> int:
    """Make one of several stored entries; the oldest takes over what the others have. Its id.

    When it became news is the oldest's to say. A work that a profile was shown twice counts as shown once.
    """
    keep, *others = sorted(ids)
    kept = session.get_one(tables.Entry, keep)
    for other in others:
        gone = session.get_one(tables.Entry, other)
        account, origin, source = told(gone), gone.origin, gone.origin_source
        _move_sightings(session, keep, other)
        _move_rest(session, keep, other)
        session.delete(gone)
        session.flush()
        kept.key = strongest([kept.key, account.key])
        tell(kept, account, source, origin)
    session.flush()
    return keep


def _move_sightings(session: Session, keep: int, other: int) -> None:
    sighting = tables.Sighting
    kept = {row.source: row for row in session.exec(select(sighting).where(sighting.entry_id == keep))}
    for row in session.exec(select(sighting).where(sighting.entry_id == other)).all():
        twin = kept.get(row.source)
        if twin is None:
            row.entry_id = keep
            continue
        newer, older = (row, twin) if row.last_seen > twin.last_seen else (twin, row)
        twin.url, twin.signals = newer.url, join_signals(newer.signals, older.signals)
        twin.first_seen, twin.last_seen = min(row.first_seen, twin.first_seen), newer.last_seen
        session.delete(row)
    session.flush()


def _move_rest(session: Session, keep: int, other: int) -> None:
    """Names and links go over; picks and vectors where the kept entry has none of that profile or model; the rest goes.

    Links to a work's own names are dropped. Of two answers of one profile the later stands.
    """
    move_answers(session, keep, other)
    alias, mention, pick, vector = tables.Alias, tables.Mention, tables.Pick, tables.Vector
    session.exec(update(alias).where(col(alias.entry_id) == other).values(entry_id=keep))
    linked = session.exec(select(mention.name).where(mention.entry_id == keep)).all()
    session.exec(
        update(mention).where(col(mention.entry_id) == other, col(mention.name).not_in(linked)).values(entry_id=keep)
    )
    own = select(alias.name).where(alias.entry_id == keep)
    session.exec(delete(mention).where(col(mention.entry_id) == keep, col(mention.name).in_(own)))
    shown = session.exec(select(pick.profile).where(pick.entry_id == keep)).all()
    session.exec(update(pick).where(col(pick.entry_id) == other, col(pick.profile).not_in(shown)).values(entry_id=keep))
    session.exec(delete(pick).where(col(pick.entry_id) == other))
    models = set(session.exec(select(vector.model, vector.revision).where(vector.entry_id == keep)))
    for model, revision in session.exec(select(vector.model, vector.revision).where(vector.entry_id == other)).all():
        if (model, revision) not in models:
            same = (col(vector.entry_id) == other, col(vector.model) == model, col(vector.revision) == revision)
            session.exec(update(vector).where(*same).values(entry_id=keep))
    session.exec(delete(vector).where(col(vector.entry_id) == other))
