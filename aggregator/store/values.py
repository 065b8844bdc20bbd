"""values: what the store answers with, where the model has no word for it."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from aggregator import model
from aggregator.model import Batch, Message

State: TypeAlias = Literal["queued", "sending", "sent", "deferred", "failed", "held", "dropped"]
"""Where a message stands: waiting, with a worker, accepted, to be tried again later, given up, kept back until the
owner says so, never to be sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source of some kind answered, and when it is to be asked again."""

    source: str
    kind: str
    batch: Batch
    next_visit: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Where a source stands, for `status`.

    `visited` is the last success; `failed` and `failure` the last trouble, `failures` how many came in a row since the
    last success, the first at `failing_since`; `partial` what the last answer left out; `entries` how many works were
    seen there; `seen` how many the last answer held; `gone` that it said it is gone for good; `note` what the owner
    should know.
    """

    name: str
    kind: str
    visited: datetime | None
    failed: datetime | None
    failure: str
    failures: int
    partial: str
    next_visit: datetime | None
    entries: int
    seen: int
    failing_since: datetime | None
    gone: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDay:
    """What is known of a source and a day: when it was last asked, when it last answered, with how many entries.

    `complete` is False if the answer was not whole or there was none; `text` says why.
    """

    source: str
    day: date
    asked: datetime
    answered: datetime | None
    entries: int
    complete: bool
    text: str


class SliceDone(NamedTuple):
    """What a slice of history brought, and when."""

    done_at: datetime
    seen: int
    new: int
    missing: str


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A text that has no vector yet."""

    entry_id: int
    text: str
    text_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue of a profile: it covers what became news after `since` and up to `until`."""

    profile: str
    period: str
    since: datetime
    until: datetime
    opened_at: datetime
    arrived: int
    picks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that is this worker's to send. `attempts` counts this one.

    `in_doubt`: an earlier attempt broke off after the last byte, so the server may have accepted it (RFC 1047).
    `whole`: the stored bytes are those that were queued.
    """

    id: int
    message: Message
    profile: str
    attempts: int
    queued_at: datetime
    in_doubt: bool
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message of the outbox without its bytes, for `status` and `outbox`.

    `paused`: nothing is sent to its address or its profile for now. `data_sent_at` of one that was not sent: since then
    the server may have it (RFC 1047). `reply` is what the server said when it accepted it.
    """

    id: int
    key: str
    profile: str
    period: str
    sender: str
    recipient: str
    message_id: str
    subject: str

    state: State
    paused: bool
    attempts: int
    queued_at: datetime
    not_before: datetime | None
    data_sent_at: datetime | None
    sent_at: datetime | None
    error: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """That nothing is sent to an address of a profile, or to all of them (`address` ""), since when and why."""

    profile: str
    address: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The newest report of mail to an address of a profile that was not delivered, or late; how many there were."""

    profile: str
    address: str
    at: datetime
    hard: bool
    status: str
    text: str
    reports: int


class History(NamedTuple):
    """What a profile was sent: how many issues and picks, and the period and end of the issue that reaches furthest."""

    issues: int
    picks: int
    period: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was erased: rows by table; `clean` if their bytes are gone from the file too."""

    rows: dict[str, int]
    clean: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a reader said last of a work, and when; `answer` is None of one that was shown, and nothing was said.

    `text` is title and abstract. `at` is then when it was shown.
    """

    key: str
    title: str
    text: str
    answer: model.Answer | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """A message that left, by its Message-ID: to which address of which profile, in which of its issues."""

    message_id: str
    profile: str
    period: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """The first message of an issue that was sent, for the notice that it is there."""

    message_id: str
    subject: str

    @property
    def mark(self) -> str:
        """The digits before the @ in the Message-ID."""
        return self.message_id.rpartition("@")[0].rpartition(".")[2]


class Replaced(NamedTuple):
    """A copy that was put back: where what was there is kept, when the copy was taken, the revisions applied to it."""

    aside: Path | None
    taken: datetime
    applied: tuple[str, ...]


class Settled(NamedTuple):
    """What was taken as mailed after a restore: messages that were dropped, profiles whose time was closed."""

    dropped: int
    closed: int


class Bulk(NamedTuple):
    """How many there are of something, and their bytes."""

    number: int
    size: int
