"""likely: works that share no name with any other are looked for among those that are like them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import func
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Entry
from aggregator.store.chunks import chunks, insert
from aggregator.store.identity import Work
from aggregator.store.likeness import same, traits
from aggregator.store.wording import told

_COMMON = 25
"""A trait that more entries than this have says nothing, and would make hostile batches slow."""

_LIKELY = 5
"""How many of those that share most traits are looked at."""


def joined(session: Session, works: Sequence[Work]) -> list[Work]:
    """The works, those that are one by likeness made one; what is met for the first time has its traits.

    A work without a stored entry is held against the stored ones, and against the earlier ones of those given, that
    share a trait with it.
    """
    for work in works:
        if not work.ids:
            work.traits = traits(work.entries[0])
    stored = _stored(session, {trait for work in works for trait in work.traits})
    likely = {id(work): _likely(work, stored) for work in works}
    known = _entries(session, {entry_id for ids in likely.values() for entry_id in ids})
    owners = {entry_id: work for work in works for entry_id in work.ids}
    met: dict[str, list[int]] = {}
    kept: list[Work] = []
    for work in works:
        if work.ids:
            kept.append(work)
            continue
        entry_id = next((one for one in likely[id(work)] if same(work.entries[0], known[one])), None)
        twin = _companion(work, met, kept) if entry_id is None else owners.get(entry_id)
        if twin:
            twin.entries += work.entries
            twin.tellers += work.tellers
            continue
        if entry_id is not None:
            work.ids.add(entry_id)
            owners[entry_id] = work
        else:
            for trait in work.traits:
                met.setdefault(trait, []).append(len(kept))
        kept.append(work)
    return kept


def remember(session: Session, found: Iterable[tuple[int, Work]]) -> None:
    """Note the traits of new entries, given by id."""
    rows = [{"entry_id": entry_id, "name": trait} for entry_id, work in found for trait in sorted(work.traits)]
    insert(session, tables.Trait, rows)


def _stored(session: Session, names: Iterable[str]) -> dict[str, list[int]]:
    """For each trait that is not too common the stored entries that have it, the oldest first."""
    trait = tables.Trait
    found: dict[str, list[int]] = {}
    for part in chunks(sorted(names)):
        rare = select(trait.name).where(col(trait.name).in_(part)).group_by(trait.name).having(func.count() <= _COMMON)
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


def _likely(work: Work, holders: Mapping[str, Sequence[int]]) -> list[int]:
    """Those that share most traits with the work, the first met first among equals.

    Papers have traits of their text beside those of their title, and one in common is enough to look.
    """
    least = 1 if work.entries[0].kind == "paper" else 2
    rare = (holders.get(trait, ()) for trait in sorted(work.traits))
    shared = Counter(one for ones in rare if len(ones) <= _COMMON for one in ones)
    return [one for one, count in shared.most_common(_LIKELY) if count >= least]


def _companion(work: Work, met: Mapping[str, Sequence[int]], kept: Sequence[Work]) -> Work | None:
    """The work among those given that is the same; `met` has their places in `kept`."""
    likely = (kept[place] for place in _likely(work, met))
    return next((other for other in likely if same(work.entries[0], other.entries[0])), None)
