"""entries: what a source brought goes into the store, whole or not at all."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, TypeAlias

from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Added, Batch, Entry, Window
from aggregator.store.chunks import chunks, insert
from aggregator.store.days import note_answers
from aggregator.store.engine import Door
from aggregator.store.identity import Teller, Work, merge, stored_names, works
from aggregator.store.issues import AHEAD, after_issues
from aggregator.store.likely import joined, remember
from aggregator.store.values import Answer
from aggregator.store.visits import standings, visit_row
from aggregator.store.wording import Signals, cleaned, join_signals, news_at, storable, strongest, tell, text_hash


class Entries(Door):
    """The part of the store that takes in what sources bring."""

    def add(self, source: str, kind: str, batch: Batch, *, now: datetime, next_visit: datetime) -> Added:
        """Store a visit: its entries, the cursor that goes with them, and that it took place; what it brought.

        A work that was never met becomes news as `wording.news_at` says; what is known is told anew and never news
        again. All in one transaction, so the cursor is never ahead of the entries.
        """
        return self.add_all([Answer(source, kind, batch, next_visit)], now=now)[0]

    def add_all(self, answers: Sequence[Answer], *, now: datetime) -> list[Added]:
        """Store visits of several sources in one transaction, as `add` would one by one, but faster; what each brought.

        No source may be among them twice.
        """
        with self._writing() as session:
            states = standings(session, {answer.source: answer.kind for answer in answers})
            tellers = _tellers(session, {one.source: one.kind for one in answers}, now)
            told = [_told(one.batch.entries, teller) for one, teller in zip(answers, tellers, strict=True)]
            new = _take_in_turn(session, told, now)
            brought = [Added(len(one), new[teller]) for one, teller in zip(told, tellers, strict=True)]
            visits = []
            for answer, added in zip(answers, brought, strict=True):
                _stand(states[answer.source], answer, added, now)
                visits.append(_visit(answer, added, now))
            insert(session, tables.Visit, visits)
            sources = (answer.source for answer in answers)
            note_answers(session, list(zip(sources, (one.batch for one in answers), brought, strict=True)), now)
        return brought

    def add_found(self, source: str, kind: str, entries: Sequence[Entry], *, now: datetime) -> Added:
        """Store what an audit found missing; where the source stands does not change."""
        with self._writing() as session:
            told = _told(entries, *_tellers(session, {source: kind}, now))
            new = _take_in_turn(session, [told], now)
        return Added(len(entries), new.total())

    def lacking(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that the store knows under none of their names."""
        with self._reading() as session:
            known = stored_names(session, entries)
        return [entry for entry in entries if not known.keys() & {entry.key, *entry.aliases}]

    def add_slice(self, source: str, kind: str, piece: Window, window: Window, batch: Batch, *, now: datetime) -> Added:
        """Store one slice of history with the mark that it is done; where the source stands does not change."""
        with self._writing() as session:
            told = _told(batch.entries, *_tellers(session, {source: kind}, now))
            new = _take_in_turn(session, [told], now)
            added = Added(len(batch.entries), new.total())
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


def _stand(state: tables.Source, answer: Answer, added: Added, now: datetime) -> None:
    """Note where a source stands after it answered."""
    batch = answer.batch
    state.cursor, state.partial, state.next_visit = dict(batch.cursor), cleaned(batch.missing), answer.next_visit
    state.visited, state.failures, state.failing_since, state.gone = now, 0, None, ""
    state.note = cleaned(batch.note)
    if not batch.unchanged:
        state.seen = added.seen


def _visit(answer: Answer, added: Added, now: datetime) -> dict[str, object]:
    missing = cleaned(answer.batch.missing)
    outcome = "partial" if missing else "unchanged" if answer.batch.unchanged else "ok"
    return visit_row(answer.source, now, outcome, added=added, text=missing)


_Told: TypeAlias = list[tuple[Entry, Teller]]


def _told(entries: Iterable[Entry], teller: Teller) -> _Told:
    return [(storable(entry), teller) for entry in entries]


def _tellers(session: Session, kinds: Mapping[str, str], now: datetime) -> list[Teller]:
    """Those who tell, given by name with their kinds, and from when on it is news: now, but after the closed issues.

    If a source's last visit lies ahead, the clock is far back, or was far ahead. Which of the two nobody can tell here:
    then it is news after all that was written down, and `candidates` takes in what lies ahead, so nothing is lost.
    """
    visits: dict[str, datetime | None] = {}
    for part in chunks(kinds):
        wanted = select(tables.Source.name, tables.Source.visited).where(col(tables.Source.name).in_(part))
        visits.update(session.exec(wanted).all())
    return [
        Teller(name, kind, now, after_issues(session, visited, every=True))
        if (visited := visits.get(name)) and visited > now + AHEAD
        else Teller(name, kind, visited, after_issues(session, now))
        for name, kind in kinds.items()
    ]


def _take_in_turn(session: Session, told: Sequence[_Told], now: datetime) -> Counter[Teller]:
    """Store what several sources told, one after the other; how many works each told that were not met before.

    Those that speak of different works are stored at once: every question to the database costs the same for many.
    Works are held against each other by all that was told of them before, so where several accounts are one, also by
    likeness, those before them are stored first.
    """
    new: Counter[Teller] = Counter()
    rest = list(told)
    while rest:
        known = stored_names(session, (entry for one in rest for entry, _ in one))
        count = _apart(rest, known)
        found = joined(session, works(_flat(rest[:count]), known))
        if (safe := _before_likeness(rest[:count], found)) < count:
            count = safe
            found = joined(session, works(_flat(rest[:count]), known))
        new += _take_in(session, found, known, now)
        del rest[:count]
    return new


def _before_likeness(told: Sequence[_Told], found: Sequence[Work]) -> int:
    """How many of the first may be stored at once: up to where likeness makes one account another's, or a stored one's.

    What comes behind is to be held against all that is known by then.
    """
    places = {one[0][1]: place for place, one in enumerate(told) if one}
    ends = [places[work.tellers[-1]] for work in found if len(work.entries) > 1]
    ends += [places[work.tellers[0]] + 1 for work in found if work.ids and work.traits]
    return max(1, min(ends, default=len(told)))


def _flat(told: Sequence[_Told]) -> _Told:
    return [one for some in told for one in some]


def _apart(told: Sequence[_Told], known: Mapping[str, int]) -> int:
    """How many of the first speak of different works: no name is told by two of them, nor names of one stored entry."""
    met: set[str | int] = set()
    for place, one in enumerate(told):
        names = {name for entry, _ in one for name in (entry.key, *entry.aliases)}
        mine = names | {known[name] for name in names & known.keys()}
        if met & mine:
            return place
        met |= mine
    return len(told)


def _take_in(session: Session, found: Sequence[Work], known: Mapping[str, int], now: datetime) -> Counter[Teller]:
    """Store works; `known` are those of their names that are stored."""
    ids: dict[int, int] = {}  # position in `found` to the id of the entry
    for position, work in enumerate(found):
        if work.ids:
            ids[position] = merge(session, work.ids) if len(work.ids) > 1 else min(work.ids)
    rows = _rows(session, ids.values())
    fresh: dict[int, dict[str, Any]] = {}
    for position, work in enumerate(found):
        if position in ids:
            _retell(rows[ids[position]], work)
        else:
            fresh[position] = _first_met(work, now)
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
    _sight(session, seen, now)
    _mention(session, seen)
    return Counter(found[position].tellers[0] for position in fresh)


def _rows(session: Session, ids: Iterable[int]) -> dict[int, tables.Entry]:
    found: dict[int, tables.Entry] = {}
    for part in chunks(ids):
        rows = session.exec(select(tables.Entry).where(col(tables.Entry.id).in_(part)))
        found.update((row.id, row) for row in rows if row.id is not None)
    return found


def _first_met(work: Work, now: datetime) -> dict[str, Any]:
    """The columns of a new entry. Plain values: an object for each would take most of the time of a large answer.

    Whether it is news is for the first who told it to say.
    """
    first, (source, kind, visited, news) = work.entries[0], work.tellers[0]
    own = [entry for entry, teller in zip(work.entries, work.tellers, strict=True) if teller == work.tellers[0]]
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
        "news_at": news_at(own, visited, news),
        "origin": kind,
        "origin_source": source,
        "text_hash": text_hash(first.title, first.summary),
        "due": first.due,
    }
    if len(work.entries) == 1:
        return columns
    row = tables.Entry(**columns)
    for entry, teller in zip(work.entries[1:], work.tellers[1:], strict=True):
        tell(row, entry, teller.source, teller.kind)
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


def _retell(row: tables.Entry, work: Work) -> None:
    row.key = strongest([row.key, *work.names])
    for entry, teller in zip(work.entries, work.tellers, strict=True):
        tell(row, entry, teller.source, teller.kind)


def _mention(session: Session, seen: Sequence[tuple[int, Work]]) -> None:
    """Note the papers that the works link to, other than themselves. What was once linked stays noted."""
    mention = tables.Mention
    told = {(entry_id, name) for entry_id, work in seen for entry in work.entries for name in entry.mentions}
    own = {(entry_id, name) for entry_id, work in seen for name in work.names}
    fresh = told - own
    for part in chunks({entry_id for entry_id, _ in fresh}):
        fresh -= set(session.exec(select(mention.entry_id, mention.name).where(col(mention.entry_id).in_(part))).all())
    insert(session, mention, [{"entry_id": one, "name": name} for one, name in sorted(fresh)])


def _sight(session: Session, seen: Sequence[tuple[int, Work]], now: datetime) -> None:
    """Note where the works were seen, with the signals as each source gives them now."""
    sighting = tables.Sighting
    known: dict[tuple[int, str], tables.Sighting] = {}
    sources = {teller.source for _, work in seen for teller in work.tellers}
    for part in chunks(entry_id for entry_id, work in seen if work.ids):
        wanted = select(sighting).where(col(sighting.source).in_(sources), col(sighting.entry_id).in_(part))
        known.update(((row.entry_id, row.source), row) for row in session.exec(wanted))
    first: list[dict[str, object]] = []
    for entry_id, work in seen:
        for teller in dict.fromkeys(work.tellers):
            own = [entry for entry, other in zip(work.entries, work.tellers, strict=True) if other == teller]
            url = own[0].url
            signals: Signals = reduce(join_signals, (entry.signals for entry in own), Signals())
            row = known.get((entry_id, teller.source))
            if row:
                row.kind, row.url, row.signals, row.last_seen = teller.kind, url or row.url, signals, now
            else:
                told = {"entry_id": entry_id, "source": teller.source, "kind": teller.kind, "url": url}
                first.append({**told, "signals": signals, "first_seen": now, "last_seen": now})
    insert(session, sighting, first)
