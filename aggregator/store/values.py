"""values: what the store answers with, where the model has no word for it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeAlias

from aggregator.model import Batch, Message

State: TypeAlias = Literal["queued", "sending", "sent", "deferred", "failed"]
"""Where a message stands: waiting, with a worker, accepted, to be tried again later, given up."""


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
    """

    id: int
    message: Message
    attempts: int
    queued_at: datetime
    in_doubt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message of the outbox without its bytes, for `status`."""

    id: int
    key: str
    profile: str
    period: str
    recipient: str
    subject: str
    state: State
    attempts: int
    queued_at: datetime
    not_before: datetime | None
    sent_at: datetime | None
    error: str
