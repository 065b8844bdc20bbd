"""days: for every source and day, whether it was asked, whether it answered, how many entries, and whether all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Added, Batch
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door
from aggregator.store.values import SourceDay
from aggregator.store.wording import cleaned


class Days(Door):
    """The part of the store that knows what was asked of sources day by day."""

    def days(self, names: Sequence[str], first: date, last: date) -> list[SourceDay]:
        """What is known of these sources and days, both ends included; by day, then in the order of the names."""
        day = tables.Day
        wanted = select(day).where(col(day.source).in_(names), col(day.day) >= first, col(day.day) <= last)
        with self._reading() as session:
            rows = session.exec(wanted).all()
        place = {name: number for number, name in enumerate(names)}
        return [
            SourceDay(
                source=row.source,
                day=row.day,
                asked=row.asked,
                answered=row.answered,
                entries=row.entries,
                complete=row.complete,
                text=row.text,
            )
            for row in sorted(rows, key=lambda row: (row.day, place[row.source]))
        ]


def note_answers(session: Session, answers: Sequence[tuple[str, Batch, Added]], now: datetime) -> None:
    """Write down what the answers of sources account for: the days they list, or else the day they were given on.

    A day that was complete stays so: what comes to it later does not make it less.
    """
    today = now.date()
    rows = _rows(session, {source: _accounted(batch, today) for source, batch, _ in answers}, now)
    for source, batch, added in answers:
        for day, entries in batch.days.items():
            _note(rows[source, day], now, answered=now, entries=entries, text="")
        if not batch.days or batch.missing:
            row = rows[source, today]
            entries = row.entries + (0 if batch.days else added.new)
            _note(row, now, answered=now, entries=entries, text=cleaned(batch.missing))


def note_silence(session: Session, source: str, text: str, now: datetime) -> None:
    """Write down that a source was asked and did not answer."""
    row = _rows(session, {source: {now.date()}}, now)[source, now.date()]
    _note(row, now, answered=row.answered, entries=row.entries, text=text)


def _accounted(batch: Batch, today: date) -> set[date]:
    return {*batch.days, today} if batch.missing or not batch.days else set(batch.days)


def _rows(session: Session, days: Mapping[str, Collection[date]], now: datetime) -> dict[tuple[str, date], tables.Day]:
    """The rows of these days of these sources, made now where there is none."""
    rows: dict[tuple[str, date], tables.Day] = {}
    every = {day for own in days.values() for day in own}
    for part in chunks(days):
        wanted = select(tables.Day).where(col(tables.Day.source).in_(part), col(tables.Day.day).in_(every))
        rows.update(((row.source, row.day), row) for row in session.exec(wanted))
    for source, own in days.items():
        for day in own:
            if (source, day) not in rows:
                row = tables.Day(source=source, day=day, asked=now, answered=None, entries=0, complete=False, text="")
                rows[source, day] = row
                session.add(row)
    return rows


def _note(row: tables.Day, now: datetime, *, answered: datetime | None, entries: int, text: str) -> None:
    row.asked, row.answered, row.entries = now, answered, entries
    row.complete = row.complete or (answered is not None and not text)
    row.text = "" if row.complete else text
