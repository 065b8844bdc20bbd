"""readers: who reads, what they want to read, and what they say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Format: TypeAlias = Literal["full", "compact", "headlines"]
"""How much a letter says of each pick."""

Part: TypeAlias = Literal["glance", "top", "interests", "posts", "releases", "videos", "models", "also", "deadlines"]
PARTS: tuple[Part, ...] = (
    "glance", "top", "interests", "posts", "releases", "videos", "models", "also", "deadlines",
)  # fmt: skip
"""The parts of a letter, in their usual order; "videos" are also episodes, "posts" also threads."""


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
