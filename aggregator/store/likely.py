"""likely: works that share no name with any other are looked for among those that are like them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Entry
from aggregator.store.chunks import chunks
from aggregator.store.identity import Work
from aggregator.store.likeness import same, traits
from aggregator.store.wording import told

_MOST = 25
"""A trait that more entries than this have says nothing, and would make hostile batches slow."""


def joined(session: Session, works: Sequence[Work]) -> list[Work]:
    """The works of a batch, those that are one by likeness made one; what is met for the first time has its traits.

    A work without a stored entry is held against the stored ones, and against the earlier ones of the batch, that
    share a trait with it.
    """
    for work in works:
        if not work.ids:
            work.traits = traits(work.entries[0])
    stored = _stored(session, {trait for work in works for trait in work.traits})
    known = _entries(session, {entry_id for ids in stored.values() for entry_id in ids})
    owners = {entry_id: work for work in works for entry_id in work.ids}
    met: dict[str, list[Work]] = {}
    kept: list[Work] = []
    for work in works:
        if work.ids:
            kept.append(work)
            continue
        entry_id = _twin(work, stored, known)
        twin = _companion(work, met) if entry_id is None else owners.get(entry_id)
        if twin:
            twin.entries += work.entries
            continue
        if entry_id is not None:
            work.ids.add(entry_id)
            owners[entry_id] = work
        else:
            for trait in work.traits:
                met.setdefault(trait, []).append(work)
        kept.append(work)
    return kept


def remember(session: Session, found: Iterable[tuple[int, Work]]) -> None:
    """Note the traits of new entries, given by id."""
    rows = [{"entry_id": entry_id, "name": trait} for entry_id, work in found for trait in sorted(work.traits)]
    if rows:
        session.exec(insert(tables.Trait), params=rows)


def _stored(session: Session, names: Iterable[str]) -> dict[str, list[int]]:
    """For each trait that is not too common the stored entries that have it, the oldest first."""
    trait = tables.Trait
    found: dict[str, list[int]] = {}
    for part in chunks(sorted(names)):
        rare = select(trait.name).where(col(trait.name).in_(part)).group_by(trait.name).having(func.count() <= _MOST)
        wanted = select(trait.name, trait.entry_id).where(col(trait.name).in_(rare)).order_by(col(trait.entry_id))
        for name, entry_id in session.exec(wanted):
            found.setdefault(name, []).append(entry_id)
    return found


def _entries(session: Session, ids: Iterable[int]) -> dict[int, Entry]:
    """The stored entries with all their names."""
    names: dict[int, list[str]] = {}
    found: dict[int, Entry] = {}
    for part in chunks(sorted(ids)):
        aliases = select(tables.Alias.entry_id, tables.Alias.name).where(col(tables.Alias.entry_id).in_(part))
        for entry_id, name in session.exec(aliases):
            names.setdefault(entry_id, []).append(name)
        for row in session.exec(select(tables.Entry).where(col(tables.Entry.id).in_(part))):
            if row.id is not None:
                found[row.id] = replace(told(row), aliases=tuple(names.get(row.id, ())))
    return found


def _twin(work: Work, stored: dict[str, list[int]], known: dict[int, Entry]) -> int | None:
    """The oldest stored entry that is the same work."""
    likely = sorted({entry_id for trait in work.traits for entry_id in stored.get(trait, ())})
    return next((entry_id for entry_id in likely if same(work.entries[0], known[entry_id])), None)


def _companion(work: Work, met: dict[str, list[Work]]) -> Work | None:
    """The first work of the batch that is the same."""
    rare = (others for trait in sorted(work.traits) if len(others := met.get(trait, [])) <= _MOST)
    likely = {id(other): other for others in rare for other in others}
    return next((other for other in likely.values() if same(work.entries[0], other.entries[0])), None)
