"""posting: one message is handed over, and what came of it is stored: sent, deferred, failed, held, or left waiting.

    accepted (250)                          sent, with the server's words
    4xx                                     deferred: 5 minutes, twice as long each time up to 4 hours, for 48 hours and
                                            at least six times
    5xx, there is no such address (5.1.x)   failed, and the address is paused
    likewise, in words only                 failed; and paused at the end, unless another address heard the same words
    5xx, login (53x) or the sender, at MAIL the run stops; the messages wait, this one as if it were deferred
    5xx, policy (5.7.x) or the sender       deferred, as 4xx; the run stops when a message to another address hears such
    5xx, else                               failed
    no connection                           the run stops; all messages wait
    broken off before the final dot         deferred
    broken off after it                     in doubt (RFC 1047): deferred, or held where the owner wants no duplicates

The same bytes under the same Message-ID are sent whenever a message is tried again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias

from aggregator.deliver import Mailer
from aggregator.errors import DeliveryError, StoreError
from aggregator.outcome import Outcome, Stop, never
from aggregator.store import Claimed, Store
from aggregator.store.values import State

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
"""How long a message is a worker's, from the claim and again from its mark: the reply to the final dot may take ten."""

InDoubt: TypeAlias = Literal["resend", "hold"]
"""What to do with a message that may have been accepted or not: at least once, or at most once."""

_GROUP = 20
"""Messages that are claimed at once."""
_RETRY = timedelta(minutes=5)
_RETRY_CAP = timedelta(hours=4)
_RETRY_FOR = timedelta(hours=48)
_RETRIES = 6
"""At least: a message that waited in a computer that was switched off is not given up at the first refusal."""
_INSIST_FOR = 60.0
_INSIST_EVERY = 2.0
"""Seconds: how long, and how often, the database is told of what was accepted if it cannot be written."""
_NAP = 0.5
"""Seconds: how soon a wait ends when the run is to stop."""


class Pace:
    """How fast messages may follow each other, and how long the run has been going on.

    `per_second` 0 is no limit. `clock` tells seconds, `sleep` lets them pass.
    """

    def __init__(
        self,
        per_second: float = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock, self._sleep = clock, sleep
        self._begun = self._next = clock()

    def elapsed(self) -> timedelta:
        """The time since the run began."""
        return timedelta(seconds=self._clock() - self._begun)

    def insist(self, act: Callable[[], None]) -> None:
        """Do it; where the database does not take it, again for a minute. Raises StoreError."""
        end = self._clock() + _INSIST_FOR
        for left in reversed(range(int(_INSIST_FOR / _INSIST_EVERY))):
            try:
                return act()
            except StoreError:
                if not left or self._clock() >= end:
                    raise
            self._sleep(_INSIST_EVERY)
        return None

    def wait(self, stop: Stop) -> bool:
        """Wait until the next message may go; False if the run is to stop."""
        while not stop():
            left = self._next - self._clock()
            if left <= 0:
                self._next = self._clock() + self._gap
                return True
            self._sleep(min(left, _NAP))
        return False


@dataclass(slots=True)
class _Heard:
    """What servers said in this run that means more, or less, once another address hears it too."""

    policy: set[str] = field(default_factory=set)
    """The addresses that were refused for policy."""
    gone: dict[str, dict[tuple[str, str], str]] = field(default_factory=dict)
    """Words that say that there is no such address → the profiles and addresses that heard them → the whole reply."""


class _WithheldError(Exception):
    """The message must not go: it was paused, held or dropped since it was claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A run of the deliver step: by whom, under which rules, and what came of it."""

    store: Store
    mailer: Mailer
    worker: str
    now: datetime
    pace: Pace
    in_doubt: InDoubt
    stop: Stop = never
    outcome: Outcome
    heard: _Heard = field(default_factory=_Heard)

    def moment(self) -> datetime:
        """What time it is: the moment the step stands for, and what has passed since."""
        return self.now + self.pace.elapsed()

    def room(self, per_day: int) -> int:
        """How many messages to claim: a group, or what is left of the day; says so if that makes some wait."""
        if not per_day:
            return _GROUP
        room = max(0, per_day - self.store.sent_within(timedelta(hours=24), self.moment()))
        if room == 0 and (waiting := self.store.waiting(self.moment())):
            self.outcome.count("waiting", waiting)
            self.outcome.note(
                f"{per_day} messages were sent within 24 hours, which is all of [mail] per_day; the rest waits"
            )
        return min(room, _GROUP)

    def post(self, claimed: Sequence[Claimed]) -> bool:
        """Hand over messages one by one; False if the run is over, and those not tried are given back."""
        for place, one in enumerate(claimed):
            if not (self.pace.wait(self.stop) and self._post(one, last=place + 1 == len(claimed))):
                self.store.release([left.id for left in claimed[place:]], worker=self.worker)
                return False
        return True

    def finish(self) -> None:
        """Pause the addresses that words alone called unknown; words that several heard say nothing of any."""
        for said in self.heard.gone.values():
            if len({address.casefold() for _, address in said}) > 1:
                continue
            for (profile, address), why in said.items():
                self.store.pause(profile, address, why, now=self.moment())
                self.outcome.trouble(f"{address} of {profile} is paused until `aggregator profile resume`: {why}")

    def _post(self, one: Claimed, *, last: bool) -> bool:
        if not one.whole:
            self._fail(one, "its bytes in the database are damaged; restore a backup")
        elif one.in_doubt and self.in_doubt == "hold":
            self._hold(one, "an earlier run broke off after its last byte, so it may have been accepted")
        else:
            return self._send(one, last=last)
        return True

    def _send(self, one: Claimed, *, last: bool) -> bool:
        try:
            reply = self.mailer.send(one.message, partial(self._mark, one))
        except _WithheldError:
            self.store.release([one.id], worker=self.worker)
            why = "paused, held or dropped while it was in hand, or another has it"
            self.outcome.note(f"{_name(one)}: {why}; not sent")
        except DeliveryError as error:
            self._put_back(one, error)
            return not (error.stop or (error.policy and len(self.heard.policy) > 1))
        else:
            self.pace.insist(lambda: self.store.settle_sent(one.id, reply, now=self.moment(), wait=last))
            self.outcome.count("sent")
            log.info("deliver message=%s to=%s reply=%s", one.message.key, one.message.to, reply)
        return True

    def _mark(self, one: Claimed) -> None:
        if not self.store.mark_data_sent(one.id, self.moment(), worker=self.worker, lease=LEASE):
            raise _WithheldError

    def _put_back(self, one: Claimed, error: DeliveryError) -> None:
        """Settle a message that was not accepted, and say what comes next."""
        now = self.moment()
        later = now + min(_RETRY * 2 ** min(one.attempts - 1, 10), _RETRY_CAP)
        again = error.policy or not error.permanent
        if error.policy:
            self.heard.policy.add(one.message.to.casefold())
        if error.untried:
            self.outcome.trouble(f"{error}; the messages wait")
        elif error.in_doubt and self.in_doubt == "hold":
            self._hold(one, str(error))
        elif error.hearsay:
            self.heard.gone.setdefault(error.hearsay, {})[one.profile, one.message.to] = str(error)
            self._fail(one, str(error))
        elif error.gone:
            with self.store.together():
                self.store.pause(one.profile, one.message.to, str(error), now=now)
                self._fail(one, f"{error}; the address is paused until `aggregator profile resume`")
        elif error.permanent and not error.stop and not error.policy:
            self._fail(one, str(error))
        elif later > one.queued_at + _RETRY_FOR and one.attempts >= _RETRIES and again:
            self._fail(one, f"{error}; given up after two days", in_doubt=error.in_doubt or one.in_doubt)
        else:
            doubt = error.in_doubt or one.in_doubt
            self._settle(one, "deferred", str(error), not_before=later, in_doubt=doubt)
            self.outcome.trouble(f"{_name(one)}: {error}; next try {later:%Y-%m-%d %H:%M} UTC")
            self.outcome.count("deferred")

    def _settle(self, one: Claimed, state: State, why: str, **more: Any) -> None:
        self.store.settle(one.id, state, why, worker=self.worker, **more)

    def _hold(self, one: Claimed, why: str) -> None:
        self._settle(one, "held", why, in_doubt=True)
        self.outcome.trouble(f"{_name(one)}: {why}; held: `aggregator outbox retry {one.id}` or `outbox drop {one.id}`")
        self.outcome.count("held")

    def _fail(self, one: Claimed, why: str, *, in_doubt: bool = False) -> None:
        self._settle(one, "failed", why, in_doubt=in_doubt or one.in_doubt)
        self.outcome.trouble(f"{_name(one)}: {why}; it is not tried again")
        self.outcome.count("refused")


def _name(one: Claimed) -> str:
    return f"message to {one.message.to} ({one.message.key})"
