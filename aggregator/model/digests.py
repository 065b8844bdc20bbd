"""digests: what an issue says to a profile, and the mail that it becomes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aggregator.model.entries import Entry, Kind
from aggregator.model.ranked import Ranked
from aggregator.model.readers import Part, Profile


@dataclass(frozen=True, slots=True)
class Section:
    """Picks under one title, best first, and the part of the letter where they stand; an interest is its own title.

    `matched` counts what they were chosen from: what reaches the threshold. `kind` is that of the first pick.
    """

    title: str
    kind: Kind
    picks: tuple[Ranked, ...]
    matched: int
    part: Part = "interests"


@dataclass(frozen=True, slots=True)
class InterestCount:
    """For one interest: how many candidates it was the best reason of and at or above the threshold; how many shown."""

    interest: str
    shown: int
    matched: int


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source did since the last issue.

    state: "ok" it answered and had something new; "quiet" it answered and had nothing new; "partial" it answered, but
    not all of it; "failed" it did not answer; "gone" it said that it is gone for good (410), and is not asked again;
    "waiting" it has not been visited. `text` is the trouble in words.
    """

    name: str
    state: Literal["ok", "quiet", "partial", "failed", "gone", "waiting"]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What one issue says to one profile: entries that arrived after `since` and up to `until`.

    `sections` stand in the order of the profile's, and every pick in one of them only. `deadlines` are the events that
    are due within the profile's `deadline_days` after `until`, the nearest first. Of the `arrived` entries `reached`
    reached the threshold, whether the letter has a place for them or not.
    """

    profile: Profile
    period: str
    since: datetime
    until: datetime
    sections: tuple[Section, ...]
    interests: tuple[InterestCount, ...]
    arrived: int
    sources: tuple[SourceHealth, ...]
    deadlines: tuple[Entry, ...] = ()
    reached: int = 0

    @property
    def picks(self) -> tuple[Ranked, ...]:
        """All picks in the order shown."""
        return tuple(pick for section in self.sections for pick in section.picks)


@dataclass(frozen=True, slots=True)
class Message:
    """A finished mail: the bytes to send, never rendered again.

    `key` is unique per profile, period and recipient; `raw` has CRLF line ends; `message_id` is its Message-ID with
    the angle brackets; `sender` and `to` are the envelope addresses.
    """

    key: str
    sender: str
    to: str
    message_id: str
    subject: str
    raw: bytes
