"""bounces: reports of mail that came back, each once, and the messages that they are about."""

from datetime import datetime

from sqlalchemy import or_
from sqlmodel import col, select

from aggregator import tables
from aggregator.store.engine import Door
from aggregator.store.values import Mailed
from aggregator.store.wording import cleaned

_LOOKED_AT = 100
"""How many of the last messages to an address are looked at."""


class Bounces(Door):
    """The part of the store that knows which messages came back."""

    def mailed(self, *, message_id: str = "", mark: str = "", address: str = "") -> Mailed | None:
        """A message that left: by its Message-ID, by the mark in it, or else the last one to an address."""
        message, issue = tables.Message, tables.Issue
        if message_id:
            named = col(message.message_id) == message_id
        elif mark:
            named = col(message.message_id).contains(f".{mark}@", autoescape=True)
        else:
            named = col(message.recipient) == address
        wanted = (
            select(message.message_id, message.recipient, issue.profile, issue.period)
            .join(issue, col(message.issue_id) == col(issue.id))
            .where(named, or_(col(message.sent_at).is_not(None), col(message.data_sent_at).is_not(None)))
            .order_by(col(message.id).desc())
        )
        with self._reading() as session:
            row = session.exec(wanted).first()
        return row and Mailed(message_id=row[0], address=row[1], profile=row[2], period=row[3])

    def add_bounce(
        self, report: str, mailed: Mailed, *, now: datetime, hard: bool, counted: bool, status: str, text: str
    ) -> bool:
        """Note a report about a message; False, and nothing is changed, if it is known."""
        with self._writing() as session:
            if session.get(tables.Bounce, cleaned(report)):
                return False
            row = tables.Bounce(
                report=cleaned(report),
                profile=mailed.profile,
                address=mailed.address,
                message=mailed.message_id,
                at=now,
                hard=hard,
                counted=counted,
                status=status,
                text=cleaned(text),
            )
            session.add(row)
        return True

    def bounced_in_a_row(self, mailed: Mailed) -> int:
        """How many messages to this address of the profile came back one after the other, this one among them."""
        message, issue, bounce = tables.Message, tables.Issue, tables.Bounce
        sent = (
            select(message.message_id)
            .join(issue, col(message.issue_id) == col(issue.id))
            .where(issue.profile == mailed.profile, message.recipient == mailed.address)
            .where(col(message.sent_at).is_not(None))
            .order_by(col(message.id).desc())
            .limit(_LOOKED_AT)
        )
        back = select(bounce.message).where(
            bounce.profile == mailed.profile, bounce.address == mailed.address, col(bounce.counted)
        )
        with self._reading() as session:
            order, bounced = session.exec(sent).all(), set(session.exec(back))
        run = 0
        passed = False
        for one in order:
            if one in bounced:
                run += 1
                passed = passed or one == mailed.message_id
            elif passed:
                break
            else:
                run = 0
        return run if passed else 0
