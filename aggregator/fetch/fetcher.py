"""fetcher: one GET over all its redirects."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from aggregator import __version__
from aggregator.errors import FetchError, InputError
from aggregator.fetch.deadline import Deadline, remaining
from aggregator.fetch.decode import body, too_large
from aggregator.fetch.guard import Guard, RefusedError
from aggregator.fetch.page import Page, Validators, fresh_for, retry_after, told
from aggregator.fetch.question import Question, ask, fetchable
from aggregator.fetch.slots import SPACING, SPACINGS, FileSlot, Turns
from aggregator.fetch.transport import NetTransport
from aggregator.fetch.trouble import EXPECTED, cause_kind, line, place, reason, refusal

log = logging.getLogger(__name__)

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_MIB = 2**20


@dataclass(frozen=True)
class _Moved:
    """A redirect."""

    url: httpx.URL
    permanent: bool


@dataclass
class _Trip:
    """One GET under way: where it has been, whether it was sent on for good each time, and what is left of its time."""

    question: Question
    deadline: Deadline
    trail: list[httpx.URL] = field(default_factory=list)
    for_good: bool = True

    @property
    def where(self) -> str:
        """Where we are, for people: host and path, and where it began if that is elsewhere."""
        first, last = place(self.trail[0]), place(self.trail[-1])
        return first if first == last else f"{first}, redirected to {last}"

    @property
    def host(self) -> str:
        """The host that is asked now."""
        return self.trail[-1].host


class Fetcher:
    """The door to the network; for any number of threads.

    `contact` is the address by which a server's owner reaches the operator, in the User-Agent. `allow` names networks
    that are meant though not public. Seconds: `deadline` for a request with all its redirects, `pause` between two
    requests to a host, `patience` for a host whose turn it is not, `spacing` between two requests to arXiv, `spacings`
    between two to hosts that end so. `max_wire` and `max_body` bound the bytes received and decoded. `slot_dir` holds
    arXiv's slot, shared by all processes that use it: the user's cache folder unless given. `transport` takes the
    network's place; it shares no slot unless told where. `sleep`, `clock` (monotonic) and `wall` (since 1970) are for
    tests; the deadline always is in real time.
    """

    def __init__(
        self,
        *,
        contact: str,
        allow: Sequence[str] = (),
        deadline: float = 30.0,
        max_wire: int = 4 * _MIB,
        max_body: int = 16 * _MIB,
        pause: float = 1.0,
        patience: float = 60.0,
        spacing: float = SPACING,
        spacings: Mapping[str, float] = SPACINGS,
        slot_dir: Path | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if not (contact.isascii() and contact.isprintable()):
            raise InputError(f"[fetch] contact: {contact!r} is no web or mail address in plain letters")
        self._agent = f"paper-aggregator/{__version__}" + (f" (+{contact})" if contact else "")
        self._guard = Guard(allow)
        self._deadline = deadline
        self._max_wire = max_wire
        self._max_body = max_body
        self._wall = wall
        self._clock = clock
        self._opened = clock()
        self._transport = transport or NetTransport(self._guard)
        slot = FileSlot(slot_dir, spacing, sleep, wall) if slot_dir or not transport else None
        self._turns = Turns(
            pause=pause, patience=patience, spacing=spacing, spacings=spacings, slot=slot, sleep=sleep, clock=clock
        )

    def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        validators: Validators | None = None,
        validators_of: str = "",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        max_body: int | None = None,
    ) -> Page:
        """The page at an address: 200, or 304 if the validators still hold. Raises FetchError for all else.

        Waits for the host's turn first, which the deadline does not count. At most 5 redirects are followed, each in
        its own turn. `validators_of` is the address that gave the validators (Page.url), if not the one asked for:
        they are sent there and nowhere else. `headers` and `query`, private parameters, are sent to that host only,
        never on to another; the parameters stand in no Page, log or error. A `max_body` larger than what may be
        received raises that too.
        """
        question = ask(
            url,
            accept=accept,
            validators=validators,
            validators_of=validators_of,
            headers=headers,
            query=query,
            max_wire=max(self._max_wire, max_body or 0),
            max_body=max_body or self._max_body,
        )
        return self._follow(_Trip(question, Deadline(self._deadline), [question.url]))

    def elapsed(self) -> timedelta:
        """How long it has been open."""
        return timedelta(seconds=self._clock() - self._opened)

    def hold(self, host: str, seconds: float) -> None:
        """Do not ask a host for so long. get() waits for it if that is within its patience, else raises FetchError."""
        self._turns.hold(host, seconds)

    def holds(self) -> dict[str, timedelta]:
        """The hosts that are left alone, told here or by their own Retry-After, and for how long yet."""
        return {host: timedelta(seconds=seconds) for host, seconds in self._turns.holds().items()}

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, trip: _Trip) -> Page:
        """The page at the end of all redirects. Raises FetchError."""
        while True:
            outcome = self._hop(trip)
            if isinstance(outcome, Page):
                moved = trip.for_good and len(trip.trail) > 1
                return replace(outcome, moved_to=outcome.url) if moved else outcome
            trip.for_good = trip.for_good and outcome.permanent
            if outcome.url in trip.trail:
                raise FetchError(f"{trip.where}: redirected in a circle", host=trip.host)
            if len(trip.trail) > _MAX_REDIRECTS:
                raise FetchError(f"{trip.where}: more than {_MAX_REDIRECTS} redirects", host=trip.host)
            trip.trail.append(outcome.url)

    def _hop(self, trip: _Trip) -> Page | _Moved:
        """One request and its answer. Raises FetchError."""
        url = trip.trail[-1]
        first = trip.trail[0].host
        try:
            self._guard.check_host(url.raw_host.decode("ascii"))
            request = trip.question.request(url, self._agent)
            with self._turns.turn(url.host, under_way=len(trip.trail) > 1), trip.deadline.running():
                return self._exchange(trip, request)
        except RefusedError as error:
            raise FetchError(f"{line(first)}: {line(error)}", host=url.host, cause_kind="unreached") from error
        except EXPECTED as error:
            via = line(first) if first == url.host else f"{line(first)}, redirected to {line(url.host)}"
            text = f"{via}: {reason(error, self._deadline)}"
            raise FetchError(text, host=url.host, cause_kind=cause_kind(error)) from error

    def _exchange(self, trip: _Trip, request: httpx.Request) -> Page | _Moved:
        """Send the request, read the answer, write one line about it."""
        start = time.perf_counter()
        status, size, in_time = 0, 0, True
        try:
            with closing(self._transport.handle_request(request)) as response:
                status = response.status_code
                outcome = self._outcome(trip, response)
                size = len(outcome.body) if isinstance(outcome, Page) else 0
                return outcome
        except EXPECTED as error:
            in_time = cause_kind(error) != "timeout"
            raise
        finally:
            self._turns.answered(trip.host, in_time=in_time)
            spent = 1000 * (time.perf_counter() - start)
            log.debug("GET %s: %s, %d bytes, %.0f ms", place(request.url), status or "no answer", size, spent)

    def _outcome(self, trip: _Trip, response: httpx.Response) -> Page | _Moved:
        """What an answer comes to. Raises FetchError for all but 200, a 304 that was asked for, and redirects."""
        question, url = trip.question, trip.trail[-1]
        headers, status = response.headers, response.status_code
        if status in _REDIRECTS and "location" in headers:
            moved = _Moved(question.public(url.join(headers["location"])), status in _PERMANENT)
            _drain(response)
            if not fetchable(moved.url):
                raise FetchError(f"{trip.where}: redirects to what cannot be fetched", host=trip.host)
            return moved
        if status == 200 or (status == 304 and question.conditional(url)):
            return Page(
                url=str(url),
                status=status,
                body=_body(question, response),
                content_type=headers.get("content-type", ""),
                validators=(question.validators if status == 304 else Validators()).updated(headers),
                fresh_for=fresh_for(headers),
                told=told(headers, (*question.query.values(), *question.headers.values())),
            )
        wait = retry_after(headers, self._wall()) if status in {429, 503} else None
        if wait is not None:
            self.hold(trip.host, wait.total_seconds())
        text = f"{trip.where}: {refusal(status, wait)}"
        raise FetchError(text, host=trip.host, status=status, retry_after=wait, for_good=trip.for_good)


def _body(question: Question, response: httpx.Response) -> bytes:
    """The decoded body, read to its end within the deadline. Raises BodyError."""
    length = "" if response.status_code == 304 else response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > question.max_wire:
        raise too_large(question.max_wire)
    encoding = "" if response.status_code == 304 else response.headers.get("content-encoding", "")
    return body(_chunks(response), encoding, max_wire=question.max_wire, max_body=question.max_body)


def _drain(response: httpx.Response) -> None:
    """Read an empty body to its end, so that the connection can be kept; a longer one costs less to cut off."""
    if response.headers.get("content-length") == "0":
        for _ in _chunks(response):
            pass


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise TypeError("the transport is not a synchronous one")
    for chunk in stream:
        remaining()
        yield chunk
