"""slots: one request at a time per host, with a pause between two; arXiv's hosts share one slot across processes."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

try:
    import fcntl
except ImportError:  # not on Windows: there the slot holds within one process
    fcntl = None  # type: ignore[assignment]

ARXIV = "arxiv.org"
ARXIV_SPACING = 3.1
"""Seconds from the end of one request to the start of the next: arXiv's three (terms of use, 2025-08) and a little."""


def slot_of(host: str) -> str:
    """Which slot a host's requests wait for: its own, or the one that all hosts of arXiv share."""
    return ARXIV if host == ARXIV or host.endswith(f".{ARXIV}") else host


class Slots:
    """Gives each slot to one request at a time, and only after its pause.

    `folder` holds the file that processes agree by on arXiv's slot; None means the user's cache folder, or the
    temporary one if that cannot be written.
    """

    def __init__(
        self, pause: float, folder: Path | None, *, clock: Callable[[], float], wall: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._pause, self._clock, self._wall, self._sleep = pause, clock, wall, sleep
        self._folder = folder
        self._locks: dict[str, threading.Lock] = {}
        self._ended: dict[str, float] = {}
        self._mutex = threading.Lock()

    @contextmanager
    def taken(self, host: str) -> Iterator[None]:
        """Wait for the host's slot, and hold it for the time of the block."""
        slot = slot_of(host)
        with self._mutex:
            lock = self._locks.setdefault(slot, threading.Lock())
        with lock:
            if slot == ARXIV and self._pause:
                with self._shared():
                    yield
                return
            if slot in self._ended:
                self._wait(self._ended[slot] + self._pause - self._clock(), self._pause)
            try:
                yield
            finally:
                self._ended[slot] = self._clock()

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """The slot as a locked file that holds the wall-clock time of the last request; released by a crash too."""
        with self._file().open("r+b") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read(40)
            last = float(text) if text else 0.0
            self._wait(last + ARXIV_SPACING - self._wall(), ARXIV_SPACING)
            self._stamp(file.fileno())
            try:
                yield
            finally:
                self._stamp(file.fileno())

    def _stamp(self, fd: int) -> None:
        os.pwrite(fd, f"{self._wall():020.6f}".encode(), 0)

    def _wait(self, seconds: float, most: float) -> None:
        # At most one spacing: a clock that was set back must not make it wait for hours.
        if seconds > 0:
            self._sleep(min(seconds, most))

    def _file(self) -> Path:
        name = "arxiv.slot"
        for folder in (self._folder or user_cache_path("paper-aggregator"), Path(tempfile.gettempdir())):
            path = folder / name
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.touch()
            except OSError:
                continue
            if os.access(path, os.R_OK | os.W_OK):
                return path
        return Path(tempfile.mkstemp(prefix="arxiv-", suffix=".slot")[1])
