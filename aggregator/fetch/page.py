"""page: what a GET brings back, and what its headers say about time (RFC 9110, RFC 9111)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

_LONGEST = timedelta(days=7)
"""No server may silence a source for longer: neither by max-age nor by Retry-After."""

_SECRET = 8
_TOLD = ("backoff", "link", "total-results")


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified byte for byte as received (bytes as Latin-1); "" means there was none."""

    etag: str = ""
    last_modified: str = ""

    def as_dict(self) -> dict[str, str]:
        """What a cursor keeps: the validators there are."""
        return {name: value for name, value in (("etag", self.etag), ("last_modified", self.last_modified)) if value}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Out of a cursor; other keys of it, and values that are no text, are ignored."""
        return cls(*(value if isinstance(value := kept.get(name), str) else "" for name in ("etag", "last_modified")))

    def updated(self, headers: httpx.Headers) -> "Validators":
        """These validators with each one replaced that the headers name."""
        return Validators(_raw(headers, b"etag") or self.etag, _raw(headers, b"last-modified") or self.last_modified)

    def questions(self) -> list[tuple[bytes, bytes]]:
        """The request headers that make a GET conditional. Raises UnicodeEncodeError for what was never received."""
        pairs = ((b"If-None-Match", self.etag), (b"If-Modified-Since", self.last_modified))
        return [(name, value.encode("latin-1")) for name, value in pairs if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer that can be used: status 200 with a body, or 304 without one.

    `url` is where it came from in the end, without user and fragment; `moved_to` is the same, but only if every
    redirect on the way was permanent (301, 308), else "". `fresh_for` is how long the server says that asking again is
    pointless, at most 7 days; None means it did not say. On a 304, `validators` are the ones sent, updated. `told` are
    the headers by which an API says how its list goes on, names in lower case.
    """

    url: str
    status: int
    body: bytes
    content_type: str
    validators: Validators
    fresh_for: timedelta | None
    moved_to: str = ""
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def unchanged(self) -> bool:
        """Whether the server answered "not modified"."""
        return self.status == 304


def told(headers: httpx.Headers, private: Iterable[str]) -> dict[str, str]:
    """The headers that Page.told holds, but for one that repeats a private value, which a secret's length tells."""
    hidden = [value for value in private if len(value) >= _SECRET]
    found = {name: headers[name] for name in _TOLD if name in headers}
    return {name: value for name, value in found.items() if not any(secret in value for secret in hidden)}


def fresh_for(headers: httpx.Headers) -> timedelta | None:
    """The freshness lifetime (RFC 9111 section 4.2.1), at most 7 days: max-age, else Expires minus Date.

    None for no-cache and no-store, and if nothing is said or Expires stands without Date. An Expires that is no date
    means "expired", as the standard says.
    """
    directives = {}
    for part in headers.get("cache-control", "").split(","):
        name, _, value = part.partition("=")
        directives[name.strip().lower()] = value.strip().strip('"')
    if "no-cache" in directives or "no-store" in directives:
        return None
    seconds = _seconds(directives.get("max-age", ""))
    if seconds is not None:
        return seconds
    sent = _date(headers.get("date", ""))
    if "expires" not in headers or sent is None:
        return None
    return _bounded((_date(headers["expires"]) or sent) - sent)


def retry_after(headers: httpx.Headers, now: float) -> timedelta | None:
    """How long to stay away (RFC 9110 section 10.2.3), at most 7 days; None if it is not said, or not in due form.

    A date is taken relative to the answer's own Date, so that a wrong clock on either side does no harm; without one,
    to `now`, seconds since 1970. Said more than once, as by a server and by the proxy before it, the longest counts.
    """
    sent = _date(headers.get("date", "")) or datetime.fromtimestamp(now, UTC)
    said = [_wait(text.strip(), sent) for text in headers.get_list("retry-after")]
    return max((wait for wait in said if wait is not None), default=None)


def _wait(text: str, sent: datetime) -> timedelta | None:
    """One Retry-After: seconds, seconds that somebody joined by commas, or a date."""
    parts = [_seconds(part.strip()) for part in text.split(",")]
    if all(part is not None for part in parts):
        return max(part for part in parts if part is not None)
    until = _date(text)
    return None if until is None else _bounded(until - sent)


def _seconds(text: str) -> timedelta | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return _LONGEST if len(text) > 9 else _bounded(timedelta(seconds=int(text)))


def _bounded(span: timedelta) -> timedelta:
    return min(max(span, timedelta(0)), _LONGEST)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _raw(headers: httpx.Headers, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers.raw if key.lower() == name), "")
