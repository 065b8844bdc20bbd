"""outbox: finished mails, each claimed by one worker at a time and settled by it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlalchemy.orm import defer
from sqlmodel import col, select

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.model import Message
from aggregator.store.engine import Door
from aggregator.store.values import Claimed, Outgoing, State


class Outbox(Door):
    """The part of the store that hands out messages and remembers what became of them."""

    def claim(self, now: datetime, worker: str, lease: timedelta) -> Claimed | None:
        """The oldest message that may be sent now; it is this worker's until `lease` is over. None when there is none.

        Two workers never get the same: the claim is an update that only one of them can make. A message whose worker
        let the lease run out is handed out again. Raises StoreError if the stored bytes are not those that were queued.
        """
        message = tables.Message
        with self._writing() as session:
            row = session.exec(select(message).where(_sendable(now)).order_by(col(message.id)).limit(1)).first()
            if row is None:
                return None
            taken = (
                update(message)
                .where(col(message.id) == row.id, col(message.attempts) == row.attempts, _sendable(now))
                .values(state="sending", attempts=row.attempts + 1, worker=worker, lease_until=now + lease)
                .execution_options(synchronize_session=False)
            )
            if session.exec(taken).rowcount != 1:
                return None
        if hashlib.sha256(row.raw).hexdigest() != row.sha256:
            raise StoreError(f"database {self.name}: message {row.key} is damaged and was not sent; restore a backup")
        return _claimed(row)

    def mark_data_sent(self, message: int, now: datetime) -> None:
        """Note, just before the final dot, that from here on the server may have accepted the message."""
        self._change(message, data_sent_at=now)

    def settle(
        self,
        message: int,
        state: State,
        *,
        now: datetime,
        error: str = "",
        not_before: datetime | None = None,
        in_doubt: bool = False,
    ) -> None:
        """Say what became of a claimed message.

        "deferred" is tried again from `not_before` on, "queued" at the next opportunity; "sent" and "failed" are final.
        `in_doubt`: it was not settled whether the server accepted it, so the mark of `mark_data_sent` stays.
        """
        values: dict[str, object] = {"state": state, "error": error, "not_before": not_before}
        if state == "sent":
            values["sent_at"] = now
        elif not in_doubt:
            values["data_sent_at"] = None
        self._change(message, **values, lease_until=None, worker="")

    def reclaim(self, now: datetime, *, everything: bool = False) -> int:
        """Put messages whose worker let the lease run out back into the queue; how many there were.

        `everything` takes back all that are claimed: for who holds the lock of the deliver step, and so knows that
        their workers are dead.
        """
        message = tables.Message
        claimed = col(message.state) == "sending"
        over = claimed if everything else and_(claimed, col(message.lease_until) <= now)
        return self._requeue(over)

    def requeue(self, now: datetime, keys: Sequence[str] = ()) -> int:
        """Put messages that were given up, all or those with these keys, back into the queue; how many there were."""
        message = tables.Message
        failed = col(message.state) == "failed"
        return self._requeue(and_(failed, col(message.key).in_(keys)) if keys else failed, queued_at=now, error="")

    def outbox(self) -> list[Outgoing]:
        """All messages without their bytes, oldest first."""
        message, issue = tables.Message, tables.Issue
        wanted = (
            select(message, issue.profile, issue.period)
            .join(issue, col(message.issue_id) == col(issue.id))
            .order_by(col(message.id))
            .options(defer(message.raw, raiseload=True))  # type: ignore[arg-type]
        )
        with self._reading() as session:
            return [_outgoing(row, profile, period) for row, profile, period in session.exec(wanted)]

    def outbox_counts(self) -> dict[str, int]:
        """How many messages stand in each state that occurs."""
        message = tables.Message
        with self._reading() as session:
            counts = session.exec(select(message.state, func.count()).group_by(message.state)).all()
        return dict(sorted(counts))

    def _requeue(self, which: ColumnElement[bool], **values: object) -> int:
        back = update(tables.Message).where(which).values(state="queued", lease_until=None, worker="", **values)
        with self._writing() as session:
            return session.exec(back).rowcount

    def _change(self, message: int, **values: object) -> None:
        with self._writing() as session:
            if (
                session.exec(update(tables.Message).where(col(tables.Message.id) == message).values(**values)).rowcount
                != 1
            ):
                raise StoreError(f"database {self.name} has no message {message}; was it restored meanwhile?")


def _sendable(now: datetime) -> ColumnElement[bool]:
    state, message = col(tables.Message.state), tables.Message
    return or_(
        state == "queued",
        and_(state == "deferred", or_(col(message.not_before).is_(None), col(message.not_before) <= now)),
        and_(state == "sending", col(message.lease_until) <= now),
    )


def _claimed(row: tables.Message) -> Claimed:
    return Claimed(
        id=row.id or 0,
        message=Message(row.key, row.sender, row.recipient, row.message_id, row.subject, row.raw),
        attempts=row.attempts + 1,
        queued_at=row.queued_at,
        in_doubt=row.data_sent_at is not None,
    )


def _outgoing(row: tables.Message, profile: str, period: str) -> Outgoing:
    return Outgoing(
        id=row.id or 0,
        key=row.key,
        profile=profile,
        period=period,
        recipient=row.recipient,
        subject=row.subject,
        state=cast("State", row.state),
        attempts=row.attempts,
        queued_at=row.queued_at,
        not_before=row.not_before,
        sent_at=row.sent_at,
        error=row.error,
    )
