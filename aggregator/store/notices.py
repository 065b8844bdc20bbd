"""notices: which issues are on their way for the first time, so that each is announced once."""

from collections.abc import Collection

from sqlmodel import col, select

from aggregator import tables
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door
from aggregator.store.values import Announced


class Notices(Door):
    """The part of the store that knows what can be announced."""

    def unannounced(self) -> set[int]:
        """The issues of which something waits to be sent and nothing was sent."""
        message = tables.Message
        waiting = select(message.issue_id).where(col(message.state).in_(("queued", "deferred", "sending")))
        with self._reading() as session:
            found = set(session.exec(waiting))
            for part in chunks(sorted(found)):
                sent = select(message.issue_id).where(col(message.issue_id).in_(part), message.state == "sent")
                found.difference_update(session.exec(sent).all())
        return found

    def announced(self, issues: Collection[int]) -> list[Announced]:
        """Those of these issues of which something was sent, each by the first message that was."""
        message = tables.Message
        first: dict[int, Announced] = {}
        with self._reading() as session:
            for part in chunks(sorted(issues)):
                sent = select(message.issue_id, message.message_id, message.subject)
                sent = sent.where(col(message.issue_id).in_(part), message.state == "sent").order_by(col(message.id))
                for issue, message_id, subject in session.exec(sent):
                    first.setdefault(issue, Announced(message_id=message_id, subject=subject))
        return list(first.values())
