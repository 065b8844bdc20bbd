"""model: the values that travel between the steps. All are frozen; times are aware and in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, dim), rows of Euclidean length 1."""

Cursor: TypeAlias = dict[str, Any]
"""What a source wants to be told at its next visit; JSON, and nobody else's business."""

Kind: TypeAlias = Literal["paper", "post", "release", "video", "episode", "thread", "model", "event"]
KINDS: tuple[Kind, ...] = (
    "paper", "post", "release", "video", "episode", "thread", "model", "event",
)  # fmt: skip
ABOUT: tuple[Kind, ...] = ("post", "thread", "video", "episode")
"""What is told on a paper's card if it is about that one paper: if it links to no other."""


Format: TypeAlias = Literal["full", "compact", "headlines"]
"""How much a letter says of each pick."""

Part: TypeAlias = Literal["glance", "top", "interests", "posts", "releases", "videos", "models", "also", "deadlines"]
PARTS: tuple[Part, ...] = (
    "glance", "top", "interests", "posts", "releases", "videos", "models", "also", "deadlines",
)  # fmt: skip
"""The parts of a letter, in their usual order; "videos" are also episodes, "posts" also threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One work as one source tells it.

    `key` names the work, not the sighting: "arxiv:2501.01234", "doi:10.1000/x", "url:https://…", "id:SOURCE:GUID".
    `aliases` are further keys of the same work. `published` is when the work first came out, `announced` when the
    source listed it, where that differs. `news` is False for what is not new in itself, such as a new version of an
    older paper. `signals` holds what the source knows beside the text: numbers to be counted ("upvotes": 41) and
    links ("pdf", "code", "page"). `mentions` are the keys of the papers that its text links to. `due` is the moment
    that an event names, a deadline or its beginning; it may lie in the future.
    """

    key: str
    kind: Kind
    title: str
    url: str
    published: datetime
    announced: datetime | None = None
    news: bool = True
    summary: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    signals: Mapping[str, int | str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One answer of a source.

    `missing` says in words what the source did not answer ("days from 2026-11-18 on: HTTP 500"); "" means complete.
    `fresh_for` is how long the server says that asking again is pointless (max-age, ttl); None means it did not say.
    `unchanged` is True when the server answered "not modified". `skip_hours` (UTC, 0 to 23) and `skip_days` (Monday is
    0) are when the source says it has nothing new. `days` says, for a source that lists by day, how many entries it
    listed on each day that this answer accounts for in full. `note` is what the owner should know although nothing
    failed, such as a new address.
    """

    entries: tuple[Entry, ...]
    cursor: Cursor
    missing: str = ""
    fresh_for: timedelta | None = None
    unchanged: bool = False
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    days: Mapping[date, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days in UTC, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a source says of one stretch of days when it is asked again, for an audit.

    `witness` is which of the source's doors said so ("API", "OAI", "daily feed"); `missing` as in Batch.
    """

    witness: str
    window: Window
    entries: tuple[Entry, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A reader: what they want to read, and when and where to send it.

    `sections` are the parts of the letter in their order; what is not named is left out. `language` is that of dates.
    `max_kilobytes` bounds the HTML, in thousands of bytes. `was` are names that the profile had before.
    """

    name: str
    email: tuple[str, ...]
    schedule: str
    timezone: str
    interests: tuple[str, ...]
    muted: tuple[str, ...] = ()
    max_entries: int = 20
    min_score: float = 0.3
    send_empty: bool = False
    deadline_days: int = 60
    format: Format = "full"
    sections: tuple[Part, ...] = PARTS
    language: str = "en"
    max_kilobytes: int = 90
    was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where an entry was seen: the source's name and kind, and that source's own link and signals."""

    source: str
    kind: str
    url: str
    signals: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry that a profile has not been shown, with every place where it was seen, first sighting first.

    `entry.signals` is the sum over the sightings (numbers) and the first of each link. `mentions` are the places of
    the posts, threads and videos that link to it, oldest first.
    """

    entry: Entry
    sightings: tuple[Sighting, ...]
    mentions: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an entry was ranked: the kind of evidence, its text (the interest itself), and its weight, 0 to 1."""

    kind: Literal["interest", "keyword", "author", "like", "popular"]
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, 0 to 1, and the reasons, best first."""

    candidate: Candidate
    score: float
    reasons: tuple[Reason, ...]

    @property
    def entry(self) -> Entry:
        """The ranked entry itself."""
        return self.candidate.entry


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


@dataclass(frozen=True, slots=True)
class Added:
    """What a batch brought to the store: entries seen, and how many of them were works not met before."""

    seen: int
    new: int
