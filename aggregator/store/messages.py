"""messages: finished mails as the owner sees them: listed, shown, sent again, held, dropped."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.orm import defer
from sqlmodel import col, select

from aggregator import tables
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door
from aggregator.store.outbox import not_paused
from aggregator.store.values import Outgoing, State

_RETRIED: tuple[State, ...] = ("queued", "deferred", "failed", "held")
_HELD: tuple[State, ...] = ("queued", "deferred", "sending")
_DROPPED: tuple[State, ...] = ("queued", "deferred", "sending", "failed", "held")


class Messages(Door):
    """The part of the store that shows the outbox, and does with it what the owner says.

    A worker that has a message in hand looks again just before the final dot: one that is held or dropped by then is
    not handed over.
    """

    def outbox(self) -> list[Outgoing]:
        """All messages without their bytes, oldest first."""
        message, issue = tables.Message, tables.Issue
        wanted = (
            select(message, issue.profile, issue.period, ~not_paused())
            .join(issue, col(message.issue_id) == col(issue.id))
            .order_by(col(message.id))
            .options(defer(message.raw, raiseload=True))  # type: ignore[arg-type]
        )
        with self._reading() as session:
            return [_outgoing(*row) for row in session.exec(wanted)]

    def outbox_counts(self) -> dict[str, int]:
        """How many messages stand in each state that occurs."""
        message = tables.Message
        with self._reading() as session:
            counts = session.exec(select(message.state, func.count()).group_by(message.state)).all()
        return dict(sorted(counts))

    def raw(self, message: int) -> bytes:
        """The bytes of a message; empty if they are forgotten, or if there is no such message."""
        with self._reading() as session:
            return session.exec(select(tables.Message.raw).where(tables.Message.id == message)).first() or b""

    def came_back(self, message_id: str) -> list[tuple[datetime, str]]:
        """When reports came that the message was not delivered, or not yet, and what they say."""
        bounce = tables.Bounce
        with self._reading() as session:
            rows = session.exec(select(bounce).where(bounce.message == message_id).order_by(col(bounce.at))).all()
        return [(row.at, f"{row.status} {row.text}".strip()) for row in rows]

    def retry_messages(self, messages: Sequence[int], *, now: datetime) -> int:
        """Put messages back into the queue as if they were new, the same bytes; how many there were.

        Those that were sent or dropped, and those whose bytes are forgotten, stay as they are.
        """
        there = func.length(tables.Message.raw) > 0
        fresh = {"queued_at": now, "attempts": 0, "not_before": None, "data_sent_at": None, "error": ""}
        return self._put(messages, _RETRIED, there, state="queued", **fresh)

    def hold_messages(self, messages: Sequence[int]) -> int:
        """Keep back messages that were to be sent, until `retry_messages`; how many there were."""
        return self._put(messages, _HELD, state="held")

    def drop_messages(self, messages: Sequence[int]) -> int:
        """Never send these messages; how many there were."""
        return self._put(messages, _DROPPED, state="dropped")

    def _put(self, ids: Sequence[int], states: Sequence[State], *more: ColumnElement[bool], **values: object) -> int:
        message = tables.Message
        count = 0
        with self._writing() as session:
            for part in chunks(ids):
                these = update(message).where(col(message.id).in_(part), col(message.state).in_(states), *more)
                these = these.values(**values, lease_until=None, worker="")
                count += session.exec(these.execution_options(synchronize_session=False)).rowcount
        return count


def _outgoing(row: tables.Message, profile: str, period: str, paused: bool) -> Outgoing:  # noqa: FBT001
    return Outgoing(
        id=row.id or 0,
        key=row.key,
        profile=profile,
        period=period,
        sender=row.sender,
        recipient=row.recipient,
        message_id=row.message_id,
        subject=row.subject,
        state=cast("State", row.state),
        paused=paused,
        attempts=row.attempts,
        queued_at=row.queued_at,
        not_before=row.not_before,
        data_sent_at=row.data_sent_at,
        sent_at=row.sent_at,
        error=row.error,
        reply=row.reply,
    )
