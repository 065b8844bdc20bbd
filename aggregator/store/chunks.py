"""chunks: long lists cut to what one statement can hold."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

_SIZE = 500
"""SQLite before 3.32 takes at most 999 values in one statement."""


def chunks(values: Iterable[T], size: int = _SIZE) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part
