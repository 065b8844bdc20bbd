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
class Follow:
    """A person to follow: a name, the other ways in which it is written, a word of where they work, an ORCID."""

    name: str
    variants: tuple[str, ...] = ()
    affiliation: str = ""
    orcid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A work that a reader wants more of: its name in the store if it has one, and what is known of its text."""

    key: str
    title: str
    summary: str = ""
    authors: tuple[str, ...] = ()


Answer: TypeAlias = Literal["like", "dislike", "save", "hide"]
"""What a reader says of a work. "hide" takes it out of sight and says nothing about its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A reader: what they want to read, and when and where to send it.

    `interests` are phrases or sentences; `weights` and `headings` are those of an interest where they are not 1 and
    itself. `keywords` are words as they stand ("title:" in front: in the title only; "*" at an end: any ending),
    `follows` people to follow, `seeds` names of works to be like (an arXiv id, a DOI, a file of references), `venues`
    where a work appeared. `muted` are words, `muted_topics` phrases by meaning. `surprises` is how many picks may
    come from beyond the interests. `sections` are the parts of the letter in their order; what is not named is left
    out. `language` is that of dates. `max_kilobytes` bounds the HTML, in thousands of bytes. `was` are names that the
    profile had before.
    """

    name: str
    email: tuple[str, ...]
    schedule: str
    timezone: str
    interests: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    follows: tuple[Follow, ...] = ()
    seeds: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    muted_topics: tuple[str, ...] = ()
    surprises: int = 0
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
class Share:
    """One explained part of a score: which, how much it adds (below 0: takes away), and because of what."""

    name: Literal[
        "meaning", "words", "seeds", "answers", "keyword", "author", "venue", "popular", "fresh", "muted", "bound"
    ]
    value: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an entry was ranked: the kind of evidence, its text (the interest itself), and its weight, 0 to 1."""

    kind: Literal["interest", "keyword", "author", "venue", "like", "seed", "popular", "surprise"]
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, 0 to 1, the reasons, best first, and the shares, which add up to the score.

    `telling` is the sentence of the abstract that is nearest to the best reason.
    """

    candidate: Candidate
    score: float
    reasons: tuple[Reason, ...]
    shares: tuple[Share, ...] = ()
    telling: str = ""

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
