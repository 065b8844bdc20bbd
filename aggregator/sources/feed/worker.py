"""worker: feeds are read in processes of their own, which can be killed: feedparser is quadratic on hostile input.

A process reads one feed after another, each with its own limits; one that goes beyond them ends, and the next feed gets
a new process. They end with the program, since their input then closes.
"""

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from queue import LifoQueue
from struct import Struct
from typing import IO, Any

from aggregator.errors import ParseError
from aggregator.model import Entry, Kind
from aggregator.sources.feed.document import read
from aggregator.sources.feed.entries import entries_of

if sys.platform != "win32":
    import resource

_LENGTH = Struct(">Q")
_MOST = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What one feed may take: seconds of processor, seconds on the clock, bytes of memory beside the program's own."""

    cpu: int = 10
    wall: float = 30.0
    memory: int = 400 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A feed to read: what came, from where, and what `entries_of` wants to know."""

    body: bytes
    content_type: str
    url: str
    now: datetime
    name: str
    feed: str
    kind: Kind | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a feed says. `cut` says that it breaks off; `ttl`, `skip_hours` and `skip_days` when to ask again."""

    entries: tuple[Entry, ...]
    cut: bool
    ttl: timedelta | None
    skip_hours: frozenset[int]
    skip_days: frozenset[int]


def tell(job: Job) -> Told:
    """What the feed says, read here. Raises ParseError."""
    document = read(job.body, content_type=job.content_type, url=job.url)
    found = entries_of(document, job.now, name=job.name, url=job.feed, kind=job.kind, limit=job.limit)
    return Told(
        entries=tuple(found),
        cut=document.cut,
        ttl=document.ttl,
        skip_hours=document.skip_hours,
        skip_days=document.skip_days,
    )


class Workers:
    """Up to so many processes, started as they are needed; for any number of threads."""

    def __init__(self, most: int, limits: Limits) -> None:
        self._limits = limits
        self._idle: LifoQueue[_Worker | None] = LifoQueue()
        for _ in range(most):
            self._idle.put(None)

    def tell(self, job: Job) -> Told:
        """What the feed says, read in another process. Raises ParseError, also if it takes more than its limits."""
        with self._turn() as worker:
            return worker.tell(job, self._limits)

    def close(self) -> None:
        """End the processes that are idle."""
        kept = []
        while not self._idle.empty():
            kept.append(self._idle.get())
        for worker in kept:
            if worker is not None:
                worker.end()
            self._idle.put(None)

    @contextmanager
    def _turn(self) -> Iterator["_Worker"]:
        worker = self._idle.get()
        try:
            if worker is not None and not worker.is_alive:  # killed while it was idle: no fault of this feed
                worker.end()
                worker = None
            worker = worker or _Worker(_started())
            yield worker
        finally:
            if worker is not None and not worker.is_alive:
                worker.end()
                worker = None
            self._idle.put(worker)


@cache
def workers() -> Workers:
    """The processes of this program, as many as there are processors and no more than four."""
    shared = Workers(min(os.cpu_count() or 1, _MOST), Limits())
    atexit.register(shared.close)
    return shared


@contextmanager
def feed_readers() -> Iterator[None]:
    """At the end of it the processes that read feeds are gone: a service is idle most of the day."""
    try:
        yield
    finally:
        workers().close()


@dataclass
class _Worker:
    """One process and the thread that waits for it."""

    process: "subprocess.Popen[bytes]"
    _late: threading.Event = field(default_factory=threading.Event)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def tell(self, job: Job, limits: Limits) -> Told:
        """What the feed says. Raises ParseError, and the process is gone, if that takes more than the limits."""
        watch = threading.Timer(limits.wall, self._kill)
        watch.daemon = True
        watch.start()
        try:
            _send(self._pipe(self.process.stdin), (job, limits))
            answer = _received(self._pipe(self.process.stdout))
        except (OSError, EOFError, pickle.UnpicklingError):
            raise ParseError(self._why(limits)) from None
        finally:
            watch.cancel()
        if isinstance(answer, Told):
            return answer
        kind, text = answer
        if kind == "bug":
            raise RuntimeError(f"a feed could not be read:\n{text}")
        raise ParseError(text)

    def end(self) -> None:
        """Close its input, so that it ends, and wait for it."""
        with suppress(OSError):
            self._pipe(self.process.stdin).close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._pipe(self.process.stdout).close()
        with suppress(OSError):  # what was not sent is of no use any more
            self._pipe(self.process.stdin).close()

    def _kill(self) -> None:
        self._late.set()
        self.process.kill()

    def _why(self, limits: Limits) -> str:
        """Why there was no answer, when the process is gone."""
        self.end()
        code = self.process.returncode
        if self._late.is_set():
            return f"the feed could not be read within {limits.wall:g} s; it may be hostile"
        if sys.platform != "win32" and code == -signal.SIGPROF:
            return f"the feed could not be read in {limits.cpu} s of processor time; it may be hostile"
        return f"reading the feed brought its process down (exit code {code}); it may be hostile"

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101 - both are opened with the process
        return pipe


def _started() -> "subprocess.Popen[bytes]":
    # One thread for the linear algebra that is loaded and never used: its stacks would count as memory.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", "from aggregator.sources.feed.worker import serve; serve()"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603


def _send(pipe: IO[bytes], value: object) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> Any:
    """What came through the pipe; both ends are ours, so what is unpickled is what we pickled. Raises EOFError."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301


# --- in the process ------------------------------------------------------------------------------------------------


def serve() -> None:
    """Read feeds from standard input until it closes: signals to the whole group are the parent's to obey."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    _guard()
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    while True:
        try:
            job, limits = _received(jobs)
        except EOFError:
            return
        _send(answers, _limited(job, limits))


def _limited(job: Job, limits: Limits) -> "Told | tuple[str, str]":
    _time(limits.cpu)
    _limit(limits)
    try:
        return tell(job)
    except ParseError as error:
        return "error", str(error)
    except MemoryError:
        return "error", f"the feed could not be read in {limits.memory >> 20} MB of memory; it may be hostile"
    except RecursionError:
        return "error", "the feed is nested too deeply; it may be hostile"
    except Exception:  # noqa: BLE001 - a bug; raised again in the parent
        return "bug", traceback.format_exc()
    finally:
        _time(0)


def _guard() -> None:
    """End when the processor time is used up, also inside a library in C; and leave no core behind."""
    if sys.platform != "win32":
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _time(seconds: float) -> None:
    """Let this process have so many seconds of processor time from now on; 0 is no limit."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit(limits: Limits) -> None:
    """Let the next feed have its memory."""
    if sys.platform == "win32":
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limits.memory + _BASE, resource.RLIM_INFINITY))


_BASE = 100 * 2**20
"""What Python and the libraries take before the first feed."""
