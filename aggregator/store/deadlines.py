"""deadlines: what is due soon."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists
from sqlmodel import col, select

from aggregator import tables
from aggregator.model import Entry
from aggregator.store.engine import Door
from aggregator.store.sightings import seen_at, whole


class Deadlines(Door):
    """The part of the store that knows events."""

    def deadlines(self, sources: Sequence[str], since: datetime, until: datetime) -> tuple[Entry, ...]:
        """The events that any of these sources lists and that are due in (since, until], the nearest first."""
        entry, sighting = tables.Entry, tables.Sighting
        listed = exists().where(col(sighting.entry_id) == col(entry.id), col(sighting.source).in_(sources))
        wanted = select(entry).where(col(entry.due) > since, col(entry.due) <= until, listed)
        with self._reading() as session:
            rows = session.exec(wanted.order_by(col(entry.due), col(entry.key))).all()
            places = seen_at(session, [row.id for row in rows if row.id is not None])
        return tuple(whole(row, places.get(row.id or 0, ())) for row in rows)
