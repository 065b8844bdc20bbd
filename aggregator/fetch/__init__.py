"""fetch: the door to the network: polite, bounded, guarded GET.

Fetcher     get(url) → Page, or FetchError
guard       which addresses may be dialled, checked at the socket
transport   httpx over httpcore, with the guard and a total deadline
decode      gzip with a cap on what it unpacks to
slots       one request at a time per host, with pauses; arXiv's hosts share one slot, across processes
page        Page and Validators, and what headers say
words       errors in words
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpcore
import httpx

from aggregator import __version__
from aggregator.errors import FetchError
from aggregator.fetch.decode import decode
from aggregator.fetch.guard import Deadline, Guard
from aggregator.fetch.page import Page, Validators, fresh_for, retry_after
from aggregator.fetch.slots import Slots, slot_of
from aggregator.fetch.transport import MOST_UNDER_WAY, AnswerTransport, GuardedTransport
from aggregator.fetch.words import failed, place, refused

__all__ = ["AnswerTransport", "Fetcher", "Page", "Validators"]

log = logging.getLogger(__name__)

_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_SHORT = 16
_SECRET = frozenset({"authorization", "cookie"})


class Fetcher:
    """Gets pages, as a good guest does. Safe for threads; to be closed, or used as a context manager.

    `contact` (a URL or "mailto:" address) goes into the User-Agent. `deadline` is the seconds that a request may take
    in all, redirects included, the polite waiting before it not. `max_wire` and `max_body` cap a body in bytes, as
    sent and as decoded. `pause` is the seconds between two requests to a host, `patience` how many seconds `get` waits
    for a host that asked to be left alone before it gives up. `allow` names networks that are meant though they are
    not public. `transport`, `sleep`, `clock` (monotonic) and `wall` (seconds since 1970) are there to be replaced.
    """

    def __init__(
        self,
        *,
        contact: str,
        allow: Sequence[str] = (),
        deadline: float = 30.0,
        max_wire: int = 8 * 2**20,
        max_body: int = 16 * 2**20,
        pause: float = 1.0,
        patience: float = 60.0,
        slot_dir: Path | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._guard, self._deadline = Guard(allow), Deadline()
        self._seconds, self._max_wire, self._max_body, self._patience = deadline, max_wire, max_body, patience
        self._transport = transport or GuardedTransport(self._guard, self._deadline)
        self._headers = {
            "User-Agent": f"paper-aggregator/{__version__} (+{contact})",
            "Accept-Encoding": "gzip",
        }
        self._slots = Slots(pause, slot_dir, clock=clock, wall=wall, sleep=sleep)
        self._under_way = threading.BoundedSemaphore(MOST_UNDER_WAY)
        self._held: dict[str, float] = {}
        self._clock, self._sleep = clock, sleep

    def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        validators: Validators | None = None,
        headers: Mapping[str, str] | None = None,
        max_body: int | None = None,
    ) -> Page:
        """The page at an address; conditional if there are validators. Anything but 200 and 304 is a FetchError."""
        first = target = self._checked(url, None)
        sent = {"Accept": accept, **self._headers, **(headers or {})}
        left, permanent = self._seconds, True
        for _ in range(_MOST_REDIRECTS + 1):
            conditional = validators.request_headers() if validators and target == first else {}
            self._wait_for(target.host)
            with self._slots.taken(target.host):
                begun = time.monotonic()
                answer = self._send(target, {**sent, **conditional}, left, max_body or self._max_body)
                left -= time.monotonic() - begun
            if answer.status_code not in _REDIRECTS:
                moved = str(target) if permanent and target != first else ""
                return self._page(target, answer, validators if conditional else None, moved)
            permanent = permanent and answer.status_code in _PERMANENT
            step = self._checked(answer.headers.get("location", ""), target)
            if step.host != target.host:
                sent = {name: value for name, value in sent.items() if name.casefold() not in _SECRET}
            target = step
        raise FetchError(f"{place(first)} redirects more than {_MOST_REDIRECTS} times", host=first.host)

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for so long."""
        if seconds > 0:
            slot = slot_of(host)
            self._held[slot] = max(self._held.get(slot, 0.0), self._clock() + seconds)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_for(self, host: str) -> None:
        rest = self._held.get(slot_of(host), 0.0) - self._clock()
        if rest > self._patience:
            wait = timedelta(seconds=round(rest))
            raise FetchError(f"{host} asked to be left alone for another {wait}", host=host, retry_after=wait)
        if rest > 0:
            self._sleep(rest)

    def _checked(self, text: str, base: httpx.URL | None) -> httpx.URL:
        """The address, joined to the one that redirected to it; its host may be asked as far as can be seen from it."""
        try:
            url = httpx.URL(text) if base is None else base.join(text)
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError) as error:
            raise FetchError(f"{text[:200]!r} is no address ({error})") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchError(f"{place(url) or text[:200]!r} is no http or https address", host=url.host)
        try:
            self._guard.check_literal(url.host)
        except httpcore.ConnectError as error:
            raise failed(url, error, self._seconds) from error
        return url.copy_with(fragment=None)

    def _send(self, url: httpx.URL, headers: Mapping[str, str], seconds: float, max_body: int) -> httpx.Response:
        """One request without redirects; the answer has its whole decoded body as `content`."""
        with self._under_way, self._words(url):
            begun = time.monotonic()
            self._deadline.at = begun + seconds
            timeout = dict.fromkeys(("connect", "read", "write", "pool"), max(seconds, 0.001))
            request = httpx.Request("GET", url, headers=dict(headers), extensions={"timeout": timeout})
            answer = self._transport.handle_request(request)
            try:
                assert isinstance(answer.stream, httpx.SyncByteStream)  # noqa: S101 - httpx's two kinds of stream
                body = self._body(
                    answer.status_code, answer.headers.get("content-encoding", ""), answer.stream, max_body
                )
            finally:
                answer.close()
            milliseconds = (time.monotonic() - begun) * 1000
            log.debug("get %s status=%d bytes=%d ms=%.0f", place(url), answer.status_code, len(body), milliseconds)
            answer.headers.pop("content-encoding", None)
            return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    def _body(self, status: int, encoding: str, stream: Iterable[bytes], max_body: int) -> bytes:
        if status == 200:
            return decode(stream, encoding, max_wire=self._max_wire, max_body=max_body)
        for i, _ in enumerate(stream):  # a short one is read to its end, so that the connection can be used again
            if i == _SHORT:
                break
        return b""

    @contextmanager
    def _words(self, url: httpx.URL) -> Iterator[None]:
        """Put what the network layers raise into words."""
        try:
            yield
        except (FetchError, httpx.HTTPError, OSError, UnicodeError, *_CORE) as error:
            raise failed(url, error, self._seconds) from error
        finally:
            self._deadline.at = None

    def _page(self, url: httpx.URL, answer: httpx.Response, validators: Validators | None, moved: str) -> Page:
        headers = answer.headers
        if answer.status_code == 200 or (answer.status_code == 304 and validators):
            return Page(
                url=str(url),
                status=answer.status_code,
                body=answer.content,
                content_type=headers.get("content-type", ""),
                validators=(validators if answer.status_code == 304 and validators else Validators()).updated(headers),
                fresh_for=fresh_for(headers),
                moved_to=moved,
            )
        wait = retry_after(headers, datetime.now(UTC)) if answer.status_code in (429, 503) else None
        if wait:
            self.hold(url.host, wait.total_seconds())
        raise FetchError(refused(url, answer.status_code), host=url.host, status=answer.status_code, retry_after=wait)


_CORE = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
)
