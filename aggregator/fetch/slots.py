"""slots: whose turn it is.

One request at a time per host, with a pause after each; a host that asked to be left alone is left alone; all hosts of
arXiv count as one, and its slot is shared with every process of this machine, as its terms of use ask (one connection,
three seconds); so do those of Reddit, which answers once a minute; and no more than 32 requests are under way at once.
Who waits here takes none of the 32 places.
"""

import logging
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import platformdirs

from aggregator.errors import FetchError
from aggregator.fetch.trouble import span

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

SPACING = 3.1
"""Seconds between two requests to arXiv: its three, and a little for what the network adds."""

SPACINGS: Mapping[str, float] = MappingProxyType({"reddit.com": 61.0})
"""Seconds between two requests to all hosts that end so: since June 2026 Reddit answers an address once a minute."""

_AT_ONCE = 32
_SILENT = 2
_SILENT_FOR = 300.0
"""Seconds for which a host that kept two requests in a row waiting is not asked: it would hold up all others."""

_ARXIV = "arxiv.org"
_POLL = 0.05
_GIVE_UP = 180.0


class FileSlot:
    """A slot shared by all processes that name the same folder: a locked file that tells when it was last used.

    The file holds the wall-clock time of the last end, or of the last start if that request was killed. A clock that
    was set back, or nonsense in the file, costs at most one spacing. Where no file can be locked or written, as on a
    full disk, it does nothing; a folder that was cleared away is made again.
    """

    def __init__(
        self, folder: Path | None, spacing: float, sleep: Callable[[float], None], wall: Callable[[], float]
    ) -> None:
        self._path = _writable(folder)
        self._spacing = spacing
        self._sleep = sleep
        self._wall = wall

    @contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """Hold the slot, waiting for it; gives a function to be called when the request starts. Raises FetchError."""
        file = _opened(self._path) if self._path else None
        if file is None:
            yield lambda: None
            return
        try:
            if _lock(file):
                self._rest(file)
                try:
                    yield lambda: self._stamp(file)
                finally:
                    self._stamp(file)
            else:
                yield lambda: None
        finally:
            os.close(file)

    def _rest(self, file: int) -> None:
        text = os.pread(file, 64, 0).decode("ascii", "replace")
        try:
            last = float(text or "-inf")
        except ValueError:
            last = math.nan
        last = math.inf if math.isnan(last) else last
        wait = min(last + self._spacing - self._wall(), self._spacing)
        if wait > 0:
            self._sleep(wait)

    def _stamp(self, file: int) -> None:
        text = f"{self._wall():.3f}\n".encode()
        try:
            os.pwrite(file, text, 0)
            os.ftruncate(file, len(text))
        except OSError as error:
            log.debug("arXiv's slot cannot be written: %s", error)


@dataclass
class _Lane:
    """The queue before one host, or before all that count as one."""

    pause: float
    slot: FileSlot | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    not_before: float = -math.inf


class Turns:
    """Gives out turns. `patience` is how long a host is waited for; beyond it, the turn is refused."""

    def __init__(
        self,
        *,
        pause: float,
        patience: float,
        spacing: float,
        spacings: Mapping[str, float],
        slot: FileSlot | None,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._pause = pause
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._shared = (_ARXIV, *spacings)
        self._lanes = {_ARXIV: _Lane(spacing, slot), **{name: _Lane(pause) for name, pause in spacings.items()}}
        self._holds: dict[str, float] = {}
        self._silent: dict[str, tuple[int, float]] = {}

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for so long, or longer if that was asked before."""
        with self._lock:
            until = self._clock() + seconds
            self._holds[_folded(host)] = max(until, self._holds.get(_folded(host), until))

    def holds(self) -> dict[str, float]:
        """The hosts that are left alone, and for how many seconds yet."""
        with self._lock:
            left = {host: until - self._clock() for host, until in self._holds.items()}
        return {host: seconds for host, seconds in left.items() if seconds > 0}

    @contextmanager
    def turn(self, host: str, *, under_way: bool = False) -> Iterator[None]:
        """Wait for the turn of one request to a host, and have it. Raises FetchError with retry_after if it is far off.

        `under_way`: this is the next hop of a request that had its turn, so that our own pause is waited for in full;
        given up, it would begin anew each time, and never arrive.
        """
        host = _folded(host)
        lane = self._lane(host)
        self._enter(lane, host)
        try:
            self._refuse_silent(host)
            self._rest(lane, host, math.inf if under_way else self._patience)
            try:
                with ExitStack() as stack:
                    started = stack.enter_context(lane.slot.turn()) if lane.slot else None
                    stack.enter_context(self._places)
                    if started:
                        started()
                    yield
            finally:
                lane.not_before = self._clock() + lane.pause
        finally:
            lane.lock.release()

    def answered(self, host: str, *, in_time: bool) -> None:
        """Note in its turn whether a host answered in time; one that did not twice in a row is left alone a while."""
        with self._lock:
            before, _ = self._silent.get(_folded(host), (0, 0.0))
            self._silent[_folded(host)] = (0 if in_time else before + 1, self._clock() + _SILENT_FOR)

    def _refuse_silent(self, host: str) -> None:
        """Raise FetchError if the host has just kept others waiting in vain."""
        with self._lock:
            times, until = self._silent.get(host, (0, 0.0))
        if times >= _SILENT and self._clock() < until:
            text = f"{host}: not asked; it has just kept {times} requests waiting without an answer"
            raise FetchError(text, host=host, cause_kind="timeout")

    def _rest(self, lane: _Lane, host: str, patience: float) -> None:
        """Sleep until the pause after the last request is over."""
        wait = lane.not_before - self._clock()
        if wait > patience:
            left = timedelta(seconds=wait)
            text = f"{host}: one request in {lane.pause:g} s is polite; it is asked again in {span(left)}"
            raise FetchError(text, host=host, retry_after=left, own=True)
        if wait > 0:
            self._sleep(wait)

    def _lane(self, host: str) -> _Lane:
        name = next((name for name in self._shared if host == name or host.endswith(f".{name}")), host)
        with self._lock:
            return self._lanes.setdefault(name, _Lane(self._pause))

    def _enter(self, lane: _Lane, host: str) -> None:
        """Take the lane's lock at a moment when the host is not held."""
        waited = -math.inf
        while True:
            waited = max(waited, self._wait_out(host, waited))
            lane.lock.acquire()
            if self._until(host) <= max(waited, self._clock()):
                return
            lane.lock.release()

    def _wait_out(self, host: str, waited: float) -> float:
        """Sleep until the hold is over, unless that one was `waited` for already; return which it was."""
        until = self._until(host)
        rest = until - self._clock()
        if rest <= 0 or until <= waited:
            return until
        if rest > self._patience:
            left = timedelta(seconds=rest)
            text = f"{host}: asked to be left alone for another {span(left)}"
            raise FetchError(text, host=host, retry_after=left, own=True)
        log.debug("%s is held, waiting %.1f s", host, rest)
        self._sleep(rest)
        return until

    def _until(self, host: str) -> float:
        with self._lock:
            return self._holds.get(host, -math.inf)


def _folded(host: str) -> str:
    return host.rstrip(".").lower()


def _lock(file: int) -> bool:
    """Lock an open file, waiting; False if this file system has no locks. Raises FetchError if nobody lets go."""
    if sys.platform == "win32":
        return False
    end = time.monotonic() + _GIVE_UP
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                text = f"another process has held arXiv's slot for {_GIVE_UP:.0f} s; is an aggregator suspended?"
                raise FetchError(text, host=_ARXIV) from None
            time.sleep(_POLL)
        except OSError:
            return False
        else:
            return True


def _writable(folder: Path | None) -> Path | None:
    """The slot's file in `folder`, in the user's cache, or in the temporary folder: the first that can be written."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    default = (
        platformdirs.user_cache_path("paper-aggregator", appauthor=False),
        Path(tempfile.gettempdir()) / f"paper-aggregator-{user}",
    )
    for place in (folder,) if folder else default:
        path = place / "arxiv.slot"
        if (file := _opened(path)) is not None:
            os.close(file)
            return path
    return None


def _opened(path: Path) -> int | None:
    """The slot's file, made with its folder if need be; None if it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        log.debug("no slot for arXiv at %s: %s", path, error)
        return None
