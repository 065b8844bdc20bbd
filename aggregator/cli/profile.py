"""profile: the readers: list them, show one, pause and resume, and forget one for good."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli import Settings, show
from aggregator.cli.imports import import_bibtex, import_zotero
from aggregator.cli.readers import address_of, known, state, states
from aggregator.cli.steps import opened
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.store import Paused

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ADDRESS = click.option("--address", metavar="ADDRESS", default="", help="Only this address of the profile.")


@click.group(invoke_without_command=True)
@_JSON
@click.pass_context
def profile(ctx: click.Context, as_json: bool) -> int:
    """List the readers: addresses, schedule, whether one is paused, and the last digest.

    A profile is active, paused, or gone: no longer in the configuration, while its history is still stored.

    \b
    Example:
      aggregator profile
    """
    return 0 if ctx.invoked_subcommand else _list(ctx.obj, as_json)


profile.add_command(import_bibtex)
profile.add_command(import_zotero)


@profile.command("list")
@_JSON
@click.pass_obj
def list_all(settings: Settings, as_json: bool) -> int:
    """List the readers, as `aggregator profile` does.

    \b
    Example:
      aggregator profile list --json
    """
    return _list(settings, as_json)


def _list(settings: Settings, as_json: bool) -> int:
    with opened(settings) as steps:
        found = states(steps)
    if as_json:
        show.as_json(found)
        return 0
    rows = [
        (one["name"], ", ".join(one["email"]), one["schedule"], _said(one), one["last_issue"] or "none", one["picks"])
        for one in found
    ]
    show.table(("profile", "addresses", "schedule", "state", "last digest", "picks"), rows)
    return 0


@profile.command("show")
@click.argument("name")
@_JSON
@click.pass_obj
def show_one(settings: Settings, name: str, as_json: bool) -> int:
    """Show all that is known of one reader: interests, next digest, pauses, bounces.

    \b
    Example:
      aggregator profile show me
    """
    with opened(settings) as steps:
        facts = state(steps, name)
    if as_json:
        show.as_json(facts)
        return 0
    for key, value in facts.items():
        if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            for one in value:
                click.echo(f"{key:13} {', '.join(_text(part) for part in one.values() if part not in ('', None, ()))}")
        elif value not in ("", None, [], (), {}):
            click.echo(f"{key.replace('_', ' '):13} {_text(value)}")
    return 0


@profile.command()
@click.argument("name")
@_ADDRESS
@click.option("--reason", default="by the owner", show_default=True, help="What to remember it by.")
@click.pass_obj
def pause(settings: Settings, name: str, address: str, reason: str) -> int:
    """Send nothing to NAME, or to one address of it, until `aggregator profile resume`.

    No issue is opened for a profile that is wholly paused: the first digest after it covers all of the pause.

    \b
    Example:
      aggregator profile pause me --reason holidays
    """
    with opened(settings) as steps:
        to = address_of(steps, name, address)
        new = steps.store.pause(name, to, reason, now=steps.clock())
        held = next(one for one in steps.store.pauses() if (one.profile, one.address) == (name, to))
    click.echo(f"{'paused' if new else 'was paused already'}: {_who(name, to)}, {_why(held)}")
    return 0


@profile.command()
@click.argument("name")
@_ADDRESS
@click.pass_obj
def resume(settings: Settings, name: str, address: str) -> int:
    """Send to NAME again: take back every pause of it, or that of one address.

    \b
    Example:
      aggregator profile resume me
    """
    with opened(settings) as steps:
        to = address_of(steps, name, address)
        count = steps.store.resume(name, to)
        left = [_who(one.profile, one.address) for one in steps.store.pauses() if one.profile == name]
    click.echo(f"resumed: {_who(name, to)}" if count else f"{_who(name, to)} is not paused")
    for one in left:
        click.echo(f"still paused: {one}")
    return 0


@profile.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask, and do it also for a profile that is still configured.")
@click.pass_obj
def forget(settings: Settings, name: str, yes: bool) -> int:
    """Erase all that is stored of NAME: issues, picks, messages, pauses, bounces, and the files in the outbox.

    Afterwards every table is searched for the name and the addresses. Take the profile out of the configuration first:
    one that is still there would begin anew. The exit code is 1 if something is left.

    \b
    Example:
      aggregator profile forget anna
    """
    from aggregator.config import origin

    with opened(settings) as steps:
        place = origin(steps.config.path, name)
        if place and not yes:
            raise InputError(
                f"profile {name} is still configured ({place}): take it out first, or say --yes; then its next digest "
                "would begin anew"
            )
        try:
            names, addresses = known(steps, name)
        except InputError as error:
            raise InputError(f"{error}; if it was just forgotten, `aggregator vacuum` clears its old bytes") from None
        if not yes:
            click.confirm(f"Forget {name} ({', '.join(addresses) or 'no address'})? This cannot be undone", abort=True)
        with steps.store.lock("work", wait=60):
            files = _erase_files(steps, names, addresses)  # first: their names are only known from the rows
            done = steps.store.forget(name)
            left = steps.store.traces(names, addresses)
        rows = ", ".join(f"{number} {table}" for table, number in sorted(done.rows.items()) if number)
        click.echo(f"forgotten: {name}: rows: {rows or 'none'}; files: {len(files)}")
        for table, number in left.items():
            click.echo(f"left: {number} in {table}: another profile has the address, or a source wrote it")
        click.echo(f"searched every table for {', '.join([*names, *addresses])}: {sum(left.values())} rows left")
        _tell_remains(steps, place, clean=done.clean)
    return int(bool(left) or not done.clean)


def _tell_remains(steps: "Steps", place: str, *, clean: bool) -> None:
    """What this command does not reach."""
    file = steps.store.file
    if not clean:
        click.echo("remains: old bytes in the log of the database, which another program has open; say")
        click.echo("  aggregator vacuum    once that is done")
    if place:
        click.echo(f"remains: {place}, to be deleted by hand; till then its next digest begins anew, without pauses")
    for copy in _copies(file) if file else []:
        click.echo(f"remains: {copy}, a copy of the database or what is left of one, to be deleted by hand")
    click.echo("remains: your backups, and what was delivered")


def _copies(file: Path) -> list[Path]:
    """What stands beside a database under its name, but for what it works with."""
    works = {f"{file.name}{side}" for side in ("", "-wal", "-shm", "-journal")}
    found = [one for one in file.parent.iterdir() if one.name.startswith((f"{file.name}.", f"{file.name}-"))]
    return sorted(one for one in found if one.name not in works and one.suffix != ".lock")


def _erase_files(steps: "Steps", names: Sequence[str], addresses: Sequence[str]) -> list[Path]:
    """Delete the letters in the outbox folder and among the previews; those that were there."""
    from aggregator.deliver import FolderMailer

    keys = [row.key for row in steps.store.outbox() if row.profile in names]
    gone: list[Path] = []
    for folder in (steps.config.mail.folder, steps.config.path.parent / "preview"):
        post = FolderMailer(folder)
        mails = {post.path(key) for key in keys}
        for name in names:
            for address in addresses:
                ending = post.path(f"{name}//{address}").stem.partition("~")[0]
                for file in folder.glob("*.eml"):
                    period = file.stem.partition("~")[0].removesuffix(f"-{ending}")
                    mails |= {file} & {post.path(f"{name}/{period}/{address}")}
        pages = [page for mail in sorted(mails) for page in post.files(mail) if page.exists()]
        for page in pages:
            page.unlink()
        gone += pages
    return gone


def _said(facts: dict[str, Any]) -> str:
    """Such as "active", "paused: holidays", "active; a@example.org paused: 5.1.1"."""
    single = [f"{one['address']} paused: {one['reason']}" for one in facts["pauses"] if one["address"]]
    whole = [f"{facts['state']}: {one['reason']}" for one in facts["pauses"] if not one["address"]]
    return "; ".join((*(whole or [facts["state"]]), *single))


def _who(name: str, address: str) -> str:
    return f"{address} of {name}" if address else name


def _why(one: "Paused") -> str:
    return f"since {one.since:%Y-%m-%d %H:%M} UTC: {one.reason}"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M %Z}"
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
