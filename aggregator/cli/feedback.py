"""feedback: what a reader says of the works they were shown: like, dislike, save or hide; list it, take it back."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from aggregator.cli import Settings, show
from aggregator.cli.readers import known
from aggregator.cli.steps import opened
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.model import Answer

_PROFILE = click.option("--profile", "name", metavar="P", default="", help="Whose; needed where there are several.")
_ENTRY = click.argument("entry")
_DONE: dict["Answer", str] = {"like": "liked", "dislike": "disliked", "save": "saved", "hide": "hidden"}


@click.group()
def feedback() -> None:
    """Say what you think of a work, so that the next digests are better.

    ENTRY is an arXiv id, a DOI, a link, a key, or the number in the last digest. The latest answer stands.

    \b
    Example:
      aggregator feedback like 3 --profile me
    """


@feedback.command()
@_ENTRY
@_PROFILE
@click.pass_obj
def like(settings: Settings, entry: str, name: str) -> int:
    """More like ENTRY.

    \b
    Example:
      aggregator feedback like 2611.01234
    """
    return _note(settings, entry, name, "like")


@feedback.command()
@_ENTRY
@_PROFILE
@click.pass_obj
def dislike(settings: Settings, entry: str, name: str) -> int:
    """Less like ENTRY.

    \b
    Example:
      aggregator feedback dislike 7 --profile me
    """
    return _note(settings, entry, name, "dislike")


@feedback.command()
@_ENTRY
@_PROFILE
@click.pass_obj
def save(settings: Settings, entry: str, name: str) -> int:
    """Keep ENTRY in the list of answers; it counts as a strong like.

    \b
    Example:
      aggregator feedback save https://arxiv.org/abs/2611.01234
    """
    return _note(settings, entry, name, "save")


@feedback.command()
@_ENTRY
@_PROFILE
@click.pass_obj
def hide(settings: Settings, entry: str, name: str) -> int:
    """Never show ENTRY again; nothing is learnt from it.

    \b
    Example:
      aggregator feedback hide 10.48550/arXiv.2611.01234
    """
    return _note(settings, entry, name, "hide")


@feedback.command("list")
@_PROFILE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_all(settings: Settings, name: str, as_json: bool) -> int:
    """List the answers that stand, newest first.

    \b
    Example:
      aggregator feedback list --profile me --json
    """
    with opened(settings) as steps:
        who = _profile(steps, name)
        found = steps.store.answers(who)
    if as_json:
        fields = ("key", "title", "answer", "at")
        show.as_json([{"profile": who, **{field: asdict(one)[field] for field in fields}} for one in found])
    elif found:
        rows = [(f"{one.at:%Y-%m-%d}", one.answer, one.key, show.plain(one.title)) for one in found]
        show.table(("date", "answer", "entry", "title"), rows)
    else:
        click.echo(f"{who} has not answered yet: aggregator feedback like ENTRY")
    return 0


@feedback.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@_PROFILE
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(settings: Settings, entries: tuple[str, ...], name: str, yes: bool) -> int:
    """Take back the answers to some works, or, without ENTRY, all of them: the digests are as if none had been given.

    \b
    Example:
      aggregator feedback reset --profile me
    """
    from aggregator.answering import entry_of, take_back

    with opened(settings) as steps:
        who = _profile(steps, name)
        for entry in [entry_of(steps.store, who, one) for one in entries]:
            _, there = take_back(steps.store, who, entry.key)
            click.echo(f"{'taken back' if there else 'there was no answer'}: {show.plain(entry.title)} ({entry.key})")
        if entries:
            return 0
        count = len(steps.store.answers(who))
        if count and not yes:
            click.confirm(f"Take back all {count} answers of {who}? This cannot be undone", abort=True)
        click.echo(f"taken back: {steps.store.unanswer(who)} answers of {who}")
    return 0


def _note(settings: Settings, entry: str, name: str, answer: "Answer") -> int:
    from aggregator.answering import note

    with opened(settings) as steps:
        who = _profile(steps, name)
        noted = note(steps.store, who, entry, answer, now=steps.clock())
    before = f", before: {_DONE[noted.before]}" if noted.before not in (None, answer) else ""
    click.echo(f"{_DONE[answer]} by {who}: {show.plain(noted.entry.title)} ({noted.entry.key}){before}")
    return 0


def _profile(steps: "Steps", name: str) -> str:
    """The profile that is meant: the one named, or the only one there is. Raises InputError."""
    names = [one.name for one in steps.config.profiles]
    if not name and len(names) == 1:
        return names[0]
    if not name:
        raise InputError(f"say whose answer it is: --profile {names[0]}; there are: {', '.join(names)}")
    known(steps, name)
    return name
