"""show: what people see of a running command: a progress bar on a terminal, plain lines in a log, tables."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from aggregator.outcome import Outcome

_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar with count and remaining time on a terminal; elsewhere a line every ten seconds. See outcome.Progress."""
    if not total:
        yield lambda n: None  # noqa: ARG005 - nothing to do, nothing to show
    elif sys.stderr.isatty():
        with _bar(label, total) as advance:
            yield advance
    else:
        with _lines(label, total) as advance:
            yield advance


@contextmanager
def _bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total)
        yield lambda n: bars.advance(task, n)


@contextmanager
def _lines(label: str, total: int) -> Iterator[Callable[[int], None]]:
    done, begun = 0, time.monotonic()
    told = begun

    def advance(n: int) -> None:
        nonlocal done, told
        done += n
        now = time.monotonic()
        if now - told >= _EVERY and done < total:
            told = now
            left = (now - begun) / done * (total - done)
            click.echo(f"{label}: {done} of {total}, about {left:.0f} s left", err=True)

    yield advance


def outcome(result: Outcome) -> None:
    """One line for what a step did, one for each thing worth knowing, and one for each that failed, on stderr."""
    counts = ", ".join(f"{number} {_plural(name, number)}" for name, number in result.counts.items())
    click.echo(f"{result.step}: {counts}")
    for note in result.notes:
        click.echo(f"  {note}")
    troubles(result)


def troubles(result: Outcome) -> None:
    """A line for each thing that failed, on standard error; all that is shown beside JSON."""
    for trouble in result.troubles:
        click.echo(f"aggregator: {trouble}", err=True)


def _plural(name: str, number: int) -> str:
    singular = {"sources": "source", "issues": "issue", "messages": "message", "vectors": "vector", "slices": "slice"}
    return singular.get(name, name) if number == 1 else name


def plain(text: str) -> str:
    """A text from elsewhere, such as a title, on one line, with TeX in Unicode and nothing that steers a terminal."""
    from aggregator.text import unicode

    return unicode("".join(char if char.isprintable() else " " for char in text))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table in columns as wide as their texts; numbers to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *texts]) for i in range(len(head))]
    right = [bool(rows) and all(isinstance(row[i], int) for row in rows) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        parts = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        return "  ".join(parts).rstrip()

    click.echo(click.style(line(list(head)), bold=True))
    for row in texts:
        click.echo(line(row))


def as_json(value: Any) -> None:
    """The value as JSON; datetimes and dates in ISO 8601."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=lambda v: v.isoformat()))
