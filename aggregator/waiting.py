"""waiting: futures in the order in which they were made, in groups of those that are done."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

_MOST = 32


def in_groups(futures: Sequence["Future[T]"]) -> Iterator[range]:
    """The places of the futures in order: the first not given yet, when it is done, and those behind it that are."""
    begun = 0
    while begun < len(futures):
        wait([futures[begun]])
        end = begun + 1
        while end < min(len(futures), begun + _MOST) and futures[end].done():
            end += 1
        yield range(begun, end)
        begun = end
