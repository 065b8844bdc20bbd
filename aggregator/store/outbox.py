"""outbox: finished mails as their workers see them: each claimed by one at a time, marked, and settled by it.

Each message is marked just before its final dot and settled just after the reply, in transactions of their own: a crash
leaves at most one message per connection of which it is not known whether it arrived. The mark waits for the disk. The
settling need not: it outlives the process at once, and a power cut as soon as the next mark has waited. Claims are of
several messages at once: what is claimed and not marked may be handed out again freely.

The statements are made once: putting one together takes three times as long as running it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, and_, bindparam, case, exists, func, or_, select, update

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.model import Message
from aggregator.store.engine import Door
from aggregator.store.values import Claimed, State

_TABLE = tables.metadata.tables["message"]
_MESSAGE = _TABLE.c
_ISSUE = tables.metadata.tables["issue"].c
_PAUSE = tables.metadata.tables["pause"].c
_RESTORED = tables.metadata.tables["restored"].c


def not_paused() -> ColumnElement[bool]:
    """That neither the address of a message nor its whole profile is paused."""
    named = and_(_ISSUE.id == _MESSAGE.issue_id, _ISSUE.profile == _PAUSE.profile)
    return ~exists().where(named, _PAUSE.address.in_(("", _MESSAGE.recipient))).correlate(_TABLE)


_NOW = bindparam("now", type_=_MESSAGE.queued_at.type)
_THIS = _MESSAGE.id == bindparam("message")
_MINE = and_(_MESSAGE.state == "sending", _MESSAGE.worker == bindparam("by"))
_OVER = and_(_MESSAGE.state == "sending", _MESSAGE.lease_until <= _NOW)
_FAR = bindparam("far", type_=_MESSAGE.queued_at.type)
_LATE = or_(_MESSAGE.not_before.is_(None), _MESSAGE.not_before <= _NOW, _MESSAGE.not_before > _FAR)
"""Nothing is deferred for a day: what seems to be was deferred while the clock was ahead."""
_SENDABLE = tuple(
    and_(state, not_paused())
    for state in (_MESSAGE.state == "queued", and_(_MESSAGE.state == "deferred", _LATE), _OVER)
)
"""What may be handed out, state by state, in this order: what was never tried does not wait for what was refused."""
_FREE = {"lease_until": None, "worker": ""}
_ORDERS = ((_MESSAGE.id,), (_MESSAGE.not_before, _MESSAGE.id), (_MESSAGE.id,))
"""The oldest first; of what was deferred, what has been due for longest: so each has its turn."""
_FIRST = [
    select(_MESSAGE.id).where(which).order_by(*order).limit(bindparam("limit"))
    for which, order in zip(_SENDABLE, _ORDERS, strict=True)
]
_TAKE = (
    update(_TABLE)
    .where(_MESSAGE.id.in_(bindparam("messages", expanding=True)))
    .values(state="sending", attempts=_MESSAGE.attempts + 1, worker=bindparam("by"), lease_until=bindparam("until"))
)
_TAKEN = select(_TABLE, _ISSUE.profile).where(
    _MESSAGE.issue_id == _ISSUE.id, _MESSAGE.id.in_(bindparam("messages", expanding=True))
)
_MARK = update(_TABLE).where(_THIS, _MINE, not_paused()).values(data_sent_at=_NOW, lease_until=bindparam("until"))
_SENT = update(_TABLE).where(_THIS).values(state="sent", error="", reply=bindparam("said"), sent_at=_NOW, **_FREE)
_NOT_SENT = (
    update(_TABLE)
    .where(_THIS, _MINE)
    .values(
        state=bindparam("becomes"),
        error=bindparam("why"),
        not_before=bindparam("later"),
        data_sent_at=case((bindparam("in_doubt"), _MESSAGE.data_sent_at), else_=None),
        **_FREE,
    )
)
_AS_IT_WAS = case((_MESSAGE.not_before.is_(None), "queued"), else_="deferred")
_BACK = update(_TABLE).values(state=_AS_IT_WAS, **_FREE)


class Outbox(Door):
    """The part of the store that hands out messages and remembers what became of them."""

    def claim(self, now: datetime, worker: str, lease: timedelta, limit: int = 1) -> list[Claimed]:
        """The messages that may be sent now, at most `limit`; they are this worker's until `lease` is over.

        First those that were never tried, the oldest first, then those that were deferred, the longest due first.
        Two workers never get the same. A message whose worker let the lease run out is handed out again; none that is
        paused is, and none at all while the owner of a restored database has not said what to do about mail.
        """
        with self._telling() as connection:
            if _unsettled(connection):
                return []
            found = [connection.scalars(first, _at(now) | {"limit": limit}).all() for first in _FIRST]
            ids = [number for part in found for number in part][:limit]
            if not ids:
                return []
            connection.execute(_TAKE, {"messages": ids, "by": worker, "until": now + lease})
            rows = {row.id: row for row in connection.execute(_TAKEN, {"messages": ids})}
            return [_claimed(rows[number]) for number in ids]

    def mark_data_sent(self, message: int, now: datetime, *, worker: str, lease: timedelta) -> bool:
        """Note, just before the final dot, that from here on the server may have accepted the message.

        It is this worker's for another `lease`, in which the server may think it over. False, and nothing is noted, if
        it must not go: it was paused, held or dropped since it was claimed, or the lease ran out and another worker has
        it.
        """
        return self._tell(_MARK, {"message": message, "by": worker, "now": now, "until": now + lease}) == 1

    def settle_sent(self, message: int, reply: str, *, now: datetime, wait: bool = True) -> None:
        """Note that a message was accepted, in whatever state it is by now; `reply` is what the server said.

        `wait` False: another mark follows, and waits for the disk in place of this.
        """
        if self._tell(_SENT, {"message": message, "said": reply, "now": now}, wait=wait) != 1:
            raise StoreError(f"database {self.name} has no message {message}; was it restored meanwhile?")

    def settle(
        self,
        message: int,
        state: State,
        error: str,
        *,
        worker: str,
        not_before: datetime | None = None,
        in_doubt: bool = False,
    ) -> None:
        """Say what became of a claimed message that was not accepted.

        What its owner did with it meanwhile stands, as does the claim of another worker when the lease ran out.

        "deferred" is tried again from `not_before` on, "failed" and "held" are not. `in_doubt`: it was not settled
        whether the server accepted it, so the mark of `mark_data_sent` stays.
        """
        values = {"becomes": state, "why": error, "later": not_before, "in_doubt": in_doubt}
        self._tell(_NOT_SENT, {"message": message, "by": worker} | values)

    def release(self, messages: Sequence[int], *, worker: str) -> int:
        """Give back what was claimed and not tried, as if it had not been claimed; how many there were."""
        these = and_(_MESSAGE.id.in_(messages), _MINE)
        return self._tell(_BACK.where(these).values(attempts=_MESSAGE.attempts - 1), {"by": worker})

    def reclaim(self, now: datetime, *, everything: bool = False) -> int:
        """Put messages whose worker let the lease run out back into the queue; how many there were.

        `everything` takes back all that are claimed: for who holds the lock of the deliver step, and so knows that
        their workers are dead. PostgreSQL frees that lock when a connection is lost, while the worker may live on, so
        there only the lease tells.
        """
        everything = everything and self.file is not None
        which = _MESSAGE.state == "sending" if everything else _OVER
        return self._tell(_BACK.where(which), {} if everything else {"now": now})

    def sent_within(self, span: timedelta, now: datetime) -> int:
        """How many messages were accepted in the time up to `now`."""
        within = and_(_MESSAGE.sent_at > now - span, _MESSAGE.sent_at <= now)
        with self._reading() as session:
            return session.scalar(select(func.count()).where(within)) or 0

    def waiting(self, now: datetime) -> int:
        """How many messages could be sent now."""
        with self._reading() as session:
            return session.scalar(select(func.count()).select_from(_TABLE).where(or_(*_SENDABLE)), _at(now)) or 0

    def unsettled(self) -> bool:
        """Whether this is a restored database whose owner has not said yet what to do about mail."""
        with self._reading() as session:
            return _unsettled(session.connection())

    def _tell(self, change: Update, values: Mapping[str, Any], *, wait: bool = True) -> int:
        """Make a change; in how many rows."""
        with self._telling(wait=wait) as connection:
            return connection.execute(change, values).rowcount

    @contextmanager
    def _telling(self, *, wait: bool = True) -> Iterator[Connection]:
        """As `_writing`, without a session, which takes longer than the change itself."""
        if session := self._open.session:
            yield session.connection()
            return
        with self._explained(), self._writer.connect() as connection, self._hurried(connection, hurry=not wait):
            yield connection

    @contextmanager
    def _hurried(self, connection: Connection, *, hurry: bool) -> Iterator[None]:
        """A transaction; one in a `hurry` is on the disk when a later one that is not has been stored, not before."""
        driver: Any = connection.connection.dbapi_connection
        if hurry and self.file:
            driver.execute("PRAGMA synchronous=NORMAL")
        try:
            with connection.begin():
                if hurry and not self.file:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield
        finally:
            if hurry and self.file:
                driver.execute("PRAGMA synchronous=FULL")


def _at(now: datetime) -> dict[str, Any]:
    return {"now": now, "far": now + timedelta(days=1)}


def _unsettled(connection: Connection) -> bool:
    return connection.execute(select(_RESTORED.id).where(_RESTORED.settled.is_(None)).limit(1)).first() is not None


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        id=row.id,
        message=Message(row.key, row.sender, row.recipient, row.message_id, row.subject, row.raw),
        profile=row.profile,
        attempts=row.attempts,
        queued_at=row.queued_at,
        in_doubt=row.data_sent_at is not None,
        whole=hashlib.sha256(row.raw).hexdigest() == row.sha256,
    )
