"""page: what an answer is to the rest of the program, and what its headers say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

_LONGEST_FRESH = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified exactly as the server sent them: opaque, never parsed (RFC 9110 section 8.8)."""

    etag: str = ""
    last_modified: str = ""

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """From a cursor; what is not there is empty."""
        return cls(str(stored.get("etag", "")), str(stored.get("last_modified", "")))

    def as_dict(self) -> dict[str, str]:
        """For a cursor."""
        return {"etag": self.etag, "last_modified": self.last_modified}

    def request_headers(self) -> dict[str, str]:
        """The headers that make a request conditional."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}

    def updated(self, headers: Mapping[str, str]) -> "Validators":
        """With those that a 304 brought anew; it need not repeat them."""
        return Validators(headers.get("etag", self.etag), headers.get("last-modified", self.last_modified))


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of 200, or of 304 with an empty body.

    `url` is where it was found in the end, `moved_to` the same if only permanent redirects (301, 308) led there.
    `fresh_for` is how long the server says that asking again is pointless, 7 days at most; None if it does not say.
    """

    url: str
    status: int
    body: bytes
    content_type: str = ""
    validators: Validators = field(default_factory=Validators)
    fresh_for: timedelta | None = None
    moved_to: str = ""

    @property
    def unchanged(self) -> bool:
        """Whether the server said "not modified"."""
        return self.status == 304


def fresh_for(headers: Mapping[str, str]) -> timedelta | None:
    """Cache-Control max-age, or Expires less Date; None for no-cache, no-store, or nothing (RFC 9111 section 4.2)."""
    control = headers.get("cache-control", "").casefold()
    if re.search(r"\bno-(cache|store)\b", control):
        return None
    if found := re.search(r"\bmax-age\s*=\s*\"?(\d{1,10})", control):
        return min(timedelta(seconds=int(found[1])), _LONGEST_FRESH) or None
    expires, date = http_date(headers.get("expires", "")), http_date(headers.get("date", ""))
    if expires and date and expires > date:
        return min(expires - date, _LONGEST_FRESH)
    return None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Retry-After in seconds, or as a date, which is read against the answer's own Date (RFC 9110 section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return timedelta(seconds=int(text))
    if until := http_date(text):
        return max(until - (http_date(headers.get("date", "")) or now), timedelta(0))
    return None


def http_date(text: str) -> datetime | None:
    """A date of HTTP in UTC, or None."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
