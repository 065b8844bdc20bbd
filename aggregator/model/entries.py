"""entries: works as sources tell them, and what a visit brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias

Cursor: TypeAlias = dict[str, Any]
"""What a source wants to be told at its next visit; JSON, and nobody else's business."""

Kind: TypeAlias = Literal["paper", "post", "release", "video", "episode", "thread", "model", "event"]
KINDS: tuple[Kind, ...] = (
    "paper", "post", "release", "video", "episode", "thread", "model", "event",
)  # fmt: skip
ABOUT: tuple[Kind, ...] = ("post", "thread", "video", "episode")
"""What is told on a paper's card if it is about that one paper: if it links to no other."""


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


@dataclass(frozen=True, slots=True)
class Added:
    """What a batch brought to the store: entries seen, and how many of them were works not met before."""

    seen: int
    new: int
