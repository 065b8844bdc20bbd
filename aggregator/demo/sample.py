"""sample: the papers and posts that are shipped, and when they came out as seen from today."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

_HERE = Path(__file__).parent
_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper; the fields are explained at the top of papers.toml."""

    id: str
    title: str
    authors: tuple[str, ...]
    summary: str
    days_ago: float
    categories: tuple[str, ...] = ()
    version: int = 1
    updated: float | None = None
    announce: str = ""
    listed: int | None = None
    upvotes: int = 0
    code: str = ""

    @property
    def changed(self) -> float:
        """When its last version was submitted, like `days_ago`."""
        return self.days_ago if self.updated is None else self.updated


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post, release, video or episode; the fields are explained at the top of feeds.toml."""

    title: str
    link: str
    summary: str
    days_ago: float
    author: str = ""
    audio: str = ""
    seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed and its posts, newest first."""

    url: str
    format: str
    title: str
    home: str
    posts: tuple[Post, ...]


@cache
def papers() -> tuple[Paper, ...]:
    """All papers, in the order of the file."""
    return tuple(Paper(**_plain(row)) for row in _read("papers.toml")["paper"])


@cache
def feeds() -> Mapping[str, Feed]:
    """All feeds by their address."""
    return {row["url"]: _feed(row) for row in _read("feeds.toml")["feed"]}


def config() -> str:
    """The text of the demo's config.toml."""
    return (_HERE / "config.toml").read_text(encoding="utf-8")


def moment(now: datetime, days_ago: float) -> datetime:
    """So many days before today's midnight in UTC: what is shipped does not change in the course of a day."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(seconds=round(days_ago * 86_400))


def announced(now: datetime) -> datetime:
    """When arXiv announced last: midnight in New York, where it keeps its calendar."""
    return now.astimezone(_NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


def _feed(row: dict[str, Any]) -> Feed:
    posts = sorted((Post(**_plain(post)) for post in row["post"]), key=lambda post: post.days_ago)
    return Feed(posts=tuple(posts), **{name: value for name, value in row.items() if name != "post"})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row with lists as tuples, and its summary on one line."""
    frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return {**frozen, "summary": " ".join(row["summary"].split())}
