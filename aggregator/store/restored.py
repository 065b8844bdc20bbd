"""restored: whether this database was put back to an earlier state, and what its owner says about mail.

Nobody knows then what was mailed after the copy was taken: until the owner says so, nothing is mailed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.store.schema import Schema
from aggregator.store.values import Settled

Consent: TypeAlias = Literal["sent", "send"]
"""What to do about mail after a restore: take all that was due as mailed, or mail it, some of it perhaps again."""

_WAITING = ("queued", "deferred", "sending")


class Restored(Schema):
    """The part of the store that knows that it was put back to an earlier state."""

    def mark_restored(self, now: datetime, taken: datetime | None = None) -> datetime:
        """Note that this database was put back to what it was at `taken`, as it seems unless given; when that was."""
        with self._writing() as session:
            rows = session.exec(select(tables.Restored).where(_unsettled())).all()
            for row in rows:
                row.at = now
            if not rows:
                rows = [tables.Restored(taken=taken or _latest(session) or now, at=now)]
                session.add_all(rows)
            return min(row.taken for row in rows)

    def restored(self) -> datetime | None:
        """When the copy was taken that was put back and not settled yet; None if there is none."""
        with self._reading() as session:
            return session.exec(select(func.min(tables.Restored.taken)).where(_unsettled())).one()

    def settle_restored(self, consent: Consent, profiles: Sequence[str], *, now: datetime) -> Settled:
        """Do about mail what the owner of a restored database says, and let it be mailed again.

        "sent": what waits in the outbox is dropped, and for each of the profiles, and all that ever had an issue, an
        empty issue closes the time up to `now`: what became news until then is not shown any more. "send": what waits
        and what is due is mailed, even if it was mailed after the copy was taken. Raises StoreError if there is nothing
        to settle.
        """
        dropped = closed = 0
        with self._writing() as session:
            rows = session.exec(select(tables.Restored).where(_unsettled())).all()
            if not rows:
                raise StoreError(
                    f"database {self.name} was not restored, or it is settled already; nothing was changed"
                )
            if consent == "sent":
                why = f"taken as sent: the database was restored to {min(row.taken for row in rows):%Y-%m-%d %H:%M} UTC"
                dropped = _drop(session, why)
                known = session.exec(select(tables.Issue.profile).distinct()).all()
                closed = sum(_close(session, name, now) for name in sorted({*profiles, *known}))
            for row in rows:
                row.settled = now
        return Settled(dropped=dropped, closed=closed)

    def latest(self) -> datetime | None:
        """The last moment at which something was written down: a visit, an issue, a message; None if never."""
        with self._reading() as session:
            return _latest(session)


def _unsettled() -> ColumnElement[bool]:
    return col(tables.Restored.settled).is_(None)


def _latest(session: Session) -> datetime | None:
    columns = (tables.Visit.at, tables.Issue.opened_at, tables.Message.data_sent_at, tables.Message.sent_at)
    moments = [session.exec(select(func.max(column))).one() for column in columns]
    return max((moment for moment in moments if moment), default=None)


def _drop(session: Session, why: str) -> int:
    message = tables.Message
    waiting = update(message).where(col(message.state).in_(_WAITING))
    waiting = waiting.values(state="dropped", error=why, lease_until=None, worker="")
    return int(session.exec(waiting.execution_options(synchronize_session=False)).rowcount)


def _close(session: Session, profile: str, now: datetime) -> int:
    """Close the time of a profile up to now by an empty issue."""
    issue = tables.Issue
    last: datetime | None = session.exec(select(func.max(issue.until)).where(issue.profile == profile)).one()
    period = f"restored-{now:%Y%m%dT%H%M%SZ}"
    same = select(issue.id).where(issue.profile == profile, issue.period == period)
    if (last is not None and last >= now) or session.exec(same).first():
        return 0
    session.add(issue(profile=profile, period=period, since=last or now, until=now, opened_at=now, arrived=0, picks=0))
    return 1
