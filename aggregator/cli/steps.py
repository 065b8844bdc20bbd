"""steps: run, and its four steps one by one; serve, which runs them on schedule."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from aggregator.cli import Settings, show
from aggregator.outcome import Outcome

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.service import Following


_TERMINATED = 128 + signal.SIGTERM


@contextmanager
def ending(stopping: threading.Event) -> Iterator[None]:
    """SIGTERM, or the first Ctrl-C, sets `stopping`: what is in hand is finished. The second Ctrl-C breaks off."""

    def end(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a signal handler
        stopping.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("aggregator: finishing what is in hand; Ctrl-C breaks off", err=True)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def opened(settings: Settings, stopping: threading.Event | None = None) -> Iterator["Steps"]:
    """The steps on the configured database, with a progress bar."""
    from aggregator import app

    config = app.read_config(settings.config)
    with app.open_store(config) as store:
        yield app.Steps(
            config,
            store,
            app.clock(settings.now),
            progress=show.progress,
            stop=stopping.is_set if stopping else lambda: False,
        )


def report(outcomes: Iterable[Outcome]) -> int:
    """Print each outcome; 1 if anything failed, else 0."""
    failed = False
    for outcome in outcomes:
        show.outcome(outcome)
        failed = failed or bool(outcome.troubles)
    return int(failed)


def _in_order(settings: Settings, work: Callable[["Steps"], Iterable[Outcome]]) -> int:
    """Do and report steps that can be stopped between two units of work; then the exit code is that of SIGTERM."""
    stopping = threading.Event()
    with ending(stopping), opened(settings, stopping) as steps:
        code = report(work(steps))
    if not stopping.is_set():
        return code
    click.echo("aggregator: stopped; what was done is stored, and the same command goes on from there", err=True)
    return _TERMINATED


@click.command()
@click.option("--all", "everything", is_flag=True, help="Visit every source now, not only those that are due.")
@click.option("--force", is_flag=True, help="Compose an extra issue now; the scheduled one comes all the same.")
@click.pass_obj
def run(settings: Settings, everything: bool, force: bool) -> int:
    """Do what is due: collect, embed, digest, deliver.

    \b
    Example:
      aggregator run --all
    """
    return _in_order(settings, lambda steps: steps.run(everything=everything, force=force))


@click.command()
@click.option("--all", "everything", is_flag=True, help="Visit every source now, not only those that are due.")
@click.option("--source", metavar="NAME", help="Visit only this source, now.")
@click.pass_obj
def collect(settings: Settings, everything: bool, source: str | None) -> int:
    """Visit the sources that are due and store what they bring.

    \b
    Example:
      aggregator collect --source arxiv
    """
    return _in_order(settings, lambda steps: [steps.collect(everything=everything, only=source)])


@click.command()
@click.pass_obj
def embed(settings: Settings) -> int:
    """Give every entry that has none a vector; can be interrupted.

    \b
    Example:
      aggregator embed
    """
    return _in_order(settings, lambda steps: [steps.embed()])


@click.command()
@click.option("--force", is_flag=True, help="Compose an extra issue now; the scheduled one comes all the same.")
@click.pass_obj
def digest(settings: Settings, force: bool) -> int:
    """Compose the digests that are due and put them into the outbox.

    \b
    Example:
      aggregator digest --force
    """
    with opened(settings) as steps:
        return report([steps.digest(force=force)])


@click.command()
@click.pass_obj
def deliver(settings: Settings) -> int:
    """Send what is in the outbox.

    \b
    Example:
      aggregator deliver
    """
    return _in_order(settings, lambda steps: [steps.deliver()])


@click.command()
@click.pass_obj
def serve(settings: Settings) -> int:
    """Stay, and do what is due every few minutes ([schedule] tick_minutes), until SIGTERM.

    \b
    Example:
      aggregator -v serve
    """
    from aggregator import service

    stopping = threading.Event()
    with opened(settings, stopping) as steps:
        following = service.Following(steps)
        service.serve(lambda: _tick(following), steps.config.schedule.tick_minutes, stopping)
    return 0


def _tick(following: "Following") -> None:
    """One run; only what happened is printed, so that the log of a quiet night is short."""
    steps, trouble = following.latest()
    if trouble:
        click.echo(f"aggregator: {trouble}", err=True)
    for outcome in steps.run():
        if any(outcome.counts.values()) or outcome.troubles:
            show.outcome(outcome)
