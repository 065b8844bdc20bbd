"""days: for every source and day, whether it was asked, whether it answered, how many entries, and whether all."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Added, Batch
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


def note_answer(session: Session, source: str, batch: Batch, added: Added, now: datetime) -> None:
    """Write down what an answer accounts for: the days it lists, or else the day on which it was given.

    A day that was complete stays so: what comes to it later does not make it less.
    """
    for day, entries in batch.days.items():
        _note(session, source, day, now, answered=now, entries=entries, text="")
    if not batch.days or batch.missing:
        known = session.get(tables.Day, (source, now.date()))
        entries = (known.entries if known else 0) + (0 if batch.days else added.new)
        _note(session, source, now.date(), now, answered=now, entries=entries, text=cleaned(batch.missing))


def note_silence(session: Session, source: str, text: str, now: datetime) -> None:
    """Write down that a source was asked and did not answer."""
    known = session.get(tables.Day, (source, now.date()))
    answered, entries = (known.answered, known.entries) if known else (None, 0)
    _note(session, source, now.date(), now, answered=answered, entries=entries, text=text)


def _note(
    session: Session, source: str, day: date, now: datetime, *, answered: datetime | None, entries: int, text: str
) -> None:
    row = session.get(tables.Day, (source, day))
    if row is None:
        row = tables.Day(source=source, day=day, asked=now, answered=None, entries=0, complete=False, text="")
        session.add(row)
    row.asked, row.answered, row.entries = now, answered, entries
    row.complete = row.complete or (answered is not None and not text)
    row.text = "" if row.complete else text
