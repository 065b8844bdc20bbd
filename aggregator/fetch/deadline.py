"""deadline: how long a request may still take, known to every socket operation below it.

httpx and httpcore time each read; a server that drips one byte at a time never meets such a limit. So the end of the
whole request is kept beside the thread that runs it, and each connect, handshake, write and read gets what is left.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_END: ContextVar[float] = ContextVar("_END")


class Deadline:
    """A budget of seconds that is spent only while it is running."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Spend the budget; what is done in this thread meanwhile can ask remaining()."""
        end = time.monotonic() + self._left
        token = _END.set(end)
        try:
            yield
        finally:
            _END.reset(token)
            self._left = end - time.monotonic()


def remaining() -> float:
    """The seconds left, more than 0. Raises TimeoutError when there are none."""
    left = _END.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
