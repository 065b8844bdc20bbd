"""chunks: many rows at once: long lists cut to what one statement can hold, and inserted without objects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy
from sqlmodel import Session

from aggregator import tables

T = TypeVar("T")

_SIZE = 500
"""SQLite before 3.32 takes at most 999 values in one statement."""


def chunks(values: Iterable[T], size: int = _SIZE) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def insert(session: Session, table: type[tables.Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows in one statement, past the session, which would take most of the time."""
    if rows:
        session.connection().execute(sqlalchemy.insert(table), rows)
