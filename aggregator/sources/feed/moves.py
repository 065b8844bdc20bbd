"""moves: when a redirect that says "for good" is believed, and what is kept of it in the cursor.

A chain of permanent redirects only (301, 308) that was seen three times or more over seven days or more, each time to
the same address and with a valid feed there: from then on that address is asked. One that only adds TLS on the same
host is believed at once. Anything else that answers on the way begins the count anew; a failure does not, because then
nothing is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.sources._sane import count, parsed
from aggregator.sources.feed.address import without_user

_TIMES = 3
_SPAN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Moving:
    """A move that is not believed yet: where to, since when, seen how often."""

    to: str
    since: datetime
    times: int = 1

    def as_dict(self) -> dict[str, Any]:
        """For the cursor."""
        return {"to": self.to, "since": self.since.isoformat(), "times": self.times}

    @classmethod
    def from_dict(cls, kept: object) -> Self | None:
        """Out of a cursor; None for what is none."""
        if not isinstance(kept, Mapping):
            return None
        to, since, times = kept.get("to"), parsed(kept.get("since")), count(kept.get("times"))
        return cls(to, since, times) if isinstance(to, str) and since and since.tzinfo and times else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a feed is: as configured, where it moved to for good ("" if it did not), and a move not believed yet."""

    url: str
    at: str = ""
    moving: Moving | None = None

    @property
    def asked(self) -> str:
        """The address to ask."""
        return self.at or self.url

    @property
    def note(self) -> str:
        """What the owner should know: that the feed moved; "" if it did not. A private query is not shown."""
        if not self.at:
            return ""
        address, query, _ = self.at.partition("?")
        shown = f"{address}?…" if query and urlsplit(self.url).query else self.at
        return f"moved for good to {shown}; it is asked there now; change it in config.toml"

    def after(self, moved_to: str, now: datetime) -> "Place":
        """The place after a visit that found a valid feed.

        `moved_to` is where permanent redirects led from `asked`, "" if there were none or others among them.
        """
        if not moved_to or moved_to == self.asked or "@" in urlsplit(self.url).netloc:  # a login is not taken along
            return replace(self, moving=None)
        if _secured(urlsplit(self.asked), urlsplit(moved_to)):
            return self._settled(moved_to)
        before = self.moving
        if before is None or before.to != moved_to or before.since > now:
            return replace(self, moving=Moving(moved_to, now))
        seen = replace(before, times=before.times + 1)
        sure = seen.times >= _TIMES and now - seen.since >= _SPAN
        return self._settled(moved_to) if sure else replace(self, moving=seen)

    def as_dict(self) -> dict[str, Any]:
        """For the cursor."""
        at = {"at": self.at} if self.at else {}
        return {"url": without_user(self.url), **at, **({"moving": self.moving.as_dict()} if self.moving else {})}

    @classmethod
    def from_dict(cls, url: str, kept: Mapping[str, Any]) -> Self:
        """Out of a cursor; the configured address alone if the cursor tells of another one."""
        place = cls(url)
        if not place.knows(kept):
            return place
        at = kept.get("at")
        return replace(place, at=at if isinstance(at, str) else "", moving=Moving.from_dict(kept.get("moving")))

    def knows(self, kept: Mapping[str, Any]) -> bool:
        """Whether a cursor tells of this configured address, and not of an earlier one."""
        return bool(kept.get("url") == without_user(self.url))

    def _settled(self, target: str) -> "Place":
        return Place(self.url, "" if target == self.url else target)


def lost(error: SourceError) -> bool:
    """Whether an address that was moved to has turned out to be none: the configured one is worth asking again."""
    if isinstance(error, FetchError):
        return error.status in {404, 410} or error.cause_kind == "unreached"
    return isinstance(error, ParseError)


def _secured(asked: SplitResult, target: SplitResult) -> bool:
    """Whether the target is the same address under TLS."""
    same = (asked.hostname, asked.path or "/", asked.query) == (target.hostname, target.path or "/", target.query)
    ports = asked.port in {None, 80} and target.port in {None, 443}
    return same and ports and (asked.scheme, target.scheme) == ("http", "https")
