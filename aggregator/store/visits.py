"""visits: where each source stands, how its visits went, and which hosts want to be left alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Added, Cursor, SourceHealth, Window
from aggregator.store.chunks import chunks, insert
from aggregator.store.days import note_silence
from aggregator.store.engine import Door
from aggregator.store.values import SliceDone, SourceState
from aggregator.store.wording import cleaned

_KEEP_LOG = timedelta(days=400)
_AHEAD = timedelta(days=1)
_LONGEST_HOLD = timedelta(days=8)
"""No server may silence us for longer than seven days (see fetch.page): more was noted while the clock was ahead."""


class Visits(Door):
    """The part of the store that knows about sources and hosts."""

    def cursor(self, source: str) -> Cursor | None:
        """What the source wants to be told at its next visit; None before its first success."""
        with self._reading() as session:
            cursor = session.exec(select(tables.Source.cursor).where(tables.Source.name == source)).first()
        return None if cursor is None else dict(cursor)

    def cursors(self) -> dict[str, Cursor]:
        """The cursors of all sources that have one, by name."""
        with self._reading() as session:
            rows = session.exec(select(tables.Source.name, tables.Source.cursor)).all()
        return {name: dict(cursor) for name, cursor in rows if cursor is not None}

    def visited(self, source: str) -> datetime | None:
        """When the source last answered."""
        with self._reading() as session:
            return session.exec(select(tables.Source.visited).where(tables.Source.name == source)).first()

    def visited_all(self) -> dict[str, datetime | None]:
        """When each source that was ever asked last answered, by name."""
        with self._reading() as session:
            return dict(session.exec(select(tables.Source.name, tables.Source.visited)).all())

    def failures(self, source: str) -> int:
        """How often in a row the source has failed."""
        with self._reading() as session:
            return session.exec(select(tables.Source.failures).where(tables.Source.name == source)).first() or 0

    def due_sources(self, names: Sequence[str], now: datetime) -> list[str]:
        """Those of the sources, in the order given, that were never asked or whose next visit has come.

        One that was asked in days to come is due: the clock was wrong then, and so is its next visit.
        """
        source = tables.Source
        asked = case((col(source.failures) > 0, col(source.failed)), else_=col(source.visited))
        ahead = func.coalesce(asked, now) > now + _AHEAD
        with self._reading() as session:
            waiting = set(session.exec(select(source.name).where(col(source.next_visit) > now, ~ahead)))
        return [name for name in names if name not in waiting]

    def record_failure(self, source: str, kind: str, text: str, *, now: datetime, next_visit: datetime) -> None:
        """Note that the source did not answer, and when to ask again; its cursor stays."""
        with self._writing() as session:
            state = standing(session, source, kind)
            state.failed, state.failure = now, cleaned(text)
            state.failing_since = state.failing_since or now
            state.failures += 1
            state.next_visit = next_visit
            insert(session, tables.Visit, [visit_row(source, now, "failed", added=Added(0, 0), text=state.failure)])
            note_silence(session, source, state.failure, now)

    def mute(self, source: str, kind: str, fingerprint: str, text: str, *, now: datetime) -> None:
        """Note that the source said it is gone for good, under these options; `gone` tells until they change."""
        with self._writing() as session:
            state = standing(session, source, kind)
            state.failed, state.failure, state.gone = now, cleaned(text), fingerprint
            state.failing_since = state.failing_since or now
            state.failures += 1
            insert(session, tables.Visit, [visit_row(source, now, "gone", added=Added(0, 0), text=state.failure)])
            note_silence(session, source, state.failure, now)

    def gone(self, fingerprints: Mapping[str, str]) -> set[str]:
        """Those of the sources, given by name with their fingerprints, that said they are gone for good."""
        with self._reading() as session:
            rows = session.exec(select(tables.Source.name, tables.Source.gone).where(col(tables.Source.gone) != ""))
            return {name for name, fingerprint in rows if fingerprints.get(name) == fingerprint}

    def put_off(self, source: str, kind: str, next_visit: datetime) -> None:
        """Note when to ask a source that was not asked, because its host is busy with others of ours."""
        with self._writing() as session:
            standing(session, source, kind).next_visit = next_visit

    def failing_since(self, source: str) -> datetime | None:
        """When the first failure since the last success was; None if there was none."""
        with self._reading() as session:
            return session.exec(select(tables.Source.failing_since).where(tables.Source.name == source)).first()

    def sources(self, names: Sequence[str] | None = None) -> list[SourceState]:
        """Where these sources stand, in the order given, or all by name; one that was never asked is left out."""
        source, sighting = tables.Source, tables.Sighting
        with self._reading() as session:
            rows = {row.name: row for row in session.exec(select(source))}
            counts = dict(session.exec(select(sighting.source, func.count()).group_by(sighting.source)).all())
        order = sorted(rows) if names is None else [name for name in names if name in rows]
        return [_state(rows[name], counts.get(name, 0)) for name in order]

    def health(self, names: Sequence[str], since: datetime, until: datetime) -> tuple[SourceHealth, ...]:
        """How each source did in (since, until], in the order given; one not visited then is judged by its last visit.

        The newest visit says whether it failed or was partial; if neither, the source is "ok" when any of the visits
        brought something new, and "quiet" otherwise.
        """
        visit = tables.Visit
        with self._reading() as session:
            latest = select(func.max(visit.id)).where(col(visit.at) <= until).group_by(visit.source)
            newest = {row.source: row for row in session.exec(select(visit).where(col(visit.id).in_(latest)))}
            window = (col(visit.at) > since, col(visit.at) <= until, col(visit.new) > 0)
            fruitful = set(session.exec(select(visit.source).where(*window).distinct()))
        return tuple(_health(name, newest.get(name), since, fruitful=name in fruitful) for name in names)

    def hold(self, host: str, until: datetime) -> None:
        """Remember that a host wants to be left alone until then; a longer wish that was noted before stands."""
        with self._writing() as session:
            row = session.get(tables.Host, host) or tables.Host(name=host, hold_until=until)
            row.hold_until = until if row.hold_until > until + _LONGEST_HOLD else max(row.hold_until, until)
            session.add(row)

    def trim(self, now: datetime) -> None:
        """Forget the visits of the year before the last."""
        with self._writing() as session:
            session.exec(delete(tables.Visit).where(col(tables.Visit.at) < now - _KEEP_LOG))

    def holds(self, now: datetime) -> dict[str, datetime]:
        """The hosts that want to be left alone, and until when."""
        with self._reading() as session:
            held = (col(tables.Host.hold_until) > now, col(tables.Host.hold_until) <= now + _LONGEST_HOLD)
            rows = session.exec(select(tables.Host).where(*held)).all()
        return {row.name: row.hold_until for row in rows}

    def slices_done(self, source: str, window: Window) -> dict[Window, SliceDone]:
        """The slices of this window, or of one that began on the same day, that are stored."""
        with self._reading() as session:
            mine = (tables.Slice.source == source, tables.Slice.since == window.first)
            rows = session.exec(select(tables.Slice).where(*mine)).all()
        return {Window(row.first, row.last): SliceDone(row.done_at, row.seen, row.new, row.missing) for row in rows}


def standings(session: Session, kinds: Mapping[str, str]) -> dict[str, tables.Source]:
    """The rows of the sources, given by name with their kinds; made now where there is none."""
    rows: dict[str, tables.Source] = {}
    for part in chunks(kinds):
        wanted = select(tables.Source).where(col(tables.Source.name).in_(part))
        rows.update((row.name, row) for row in session.exec(wanted))
    for name, kind in kinds.items():
        if name not in rows:
            rows[name] = tables.Source(name=name, kind=kind)
            session.add(rows[name])
        rows[name].kind = kind
    return rows


def standing(session: Session, source: str, kind: str) -> tables.Source:
    """The row of the source, made now if there is none."""
    return standings(session, {source: kind})[source]


def visit_row(source: str, at: datetime, outcome: str, *, added: Added, text: str) -> dict[str, object]:
    """The columns of a visit."""
    return {"source": source, "at": at, "outcome": outcome, "seen": added.seen, "new": added.new, "text": text}


def _health(name: str, newest: tables.Visit | None, since: datetime, *, fruitful: bool) -> SourceHealth:
    if newest is None:
        return SourceHealth(name, "waiting")
    if newest.outcome == "failed":
        return SourceHealth(name, "failed", newest.text)
    if newest.outcome == "gone":
        return SourceHealth(name, "gone", newest.text)
    if newest.outcome == "partial":
        return SourceHealth(name, "partial", newest.text)
    brought = fruitful or (newest.at <= since and newest.new > 0)
    return SourceHealth(name, "ok" if brought else "quiet")


def _state(row: tables.Source, entries: int) -> SourceState:
    return SourceState(
        name=row.name,
        kind=row.kind,
        visited=row.visited,
        failed=row.failed,
        failure=row.failure,
        failures=row.failures,
        partial=row.partial,
        next_visit=row.next_visit,
        entries=entries,
        seen=row.seen,
        failing_since=row.failing_since,
        gone=bool(row.gone),
        note=row.note,
    )
