"""care: backup, restore, vacuum and doctor."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli import Settings, show
from aggregator.cli.steps import opened
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.doctor import Check
    from aggregator.store import Consent

_FILE = click.Path(path_type=Path)
_MARKS = {"ok": "ok", "skip": "-", "warn": "WARN", "fail": "FAIL"}
_COLOURS = {"ok": "green", "skip": None, "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.pass_obj
def backup(settings: Settings, file: Path | None) -> int:
    """Copy the database to FILE, or into the folder FILE, while it is in use; a file that is there is left alone.

    Without FILE the copy is beside the database, with the time in its name. It is checked before it counts as one.

    \b
    Example:
      aggregator backup /mnt/usb
    """
    with opened(settings) as steps:
        store, now = steps.store, steps.clock()
        if file is None or file.is_dir():
            name = f"{(store.file or Path('postgresql')).name}-{now:%Y%m%dT%H%M%SZ}.bak"
            file = (file or (store.file or Path()).parent) / name
        size = store.back_up(file, now=now, progress=show.progress)
    click.echo(f"{file}: {_bytes(size)}, checked")
    return 0


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option(
    "--settle", type=click.Choice(["sent", "send"]), help="After a restore: what to do about mail; see above."
)
@click.option("--mark", is_flag=True, help="Say that the database was put back by other means, such as pg_restore.")
@click.pass_obj
def restore(settings: Settings, file: Path | None, settle: "Consent | None", mark: bool) -> int:
    """Put the backup FILE back. What was there is kept beside it, and nothing is mailed until you say --settle.

    What was mailed after the backup was taken is not known any more. With `--settle sent` all that was due until now
    counts as mailed: the sources are visited once more, the outbox is dropped, and the next digest begins now. With
    `--settle send` the outbox and what is due are mailed, and readers may get again what they have.

    \b
    Example:
      aggregator restore aggregator.db-20261121T080000Z.bak
      aggregator restore --settle sent
    """
    if sum((file is not None, settle is not None, mark)) != 1:
        raise InputError("say one thing: the backup FILE to put back, --settle sent, --settle send, or --mark")
    if file is not None:
        return _put_back(settings, file)
    with opened(settings) as steps:
        if settle:
            return _settle(steps, settle)
        with steps.store.lock("work", wait=60):
            steps.store.mark_restored(steps.clock())
        click.echo(_THEN)
    return 0


_THEN = """\
nothing is mailed until you say what became of the mail that was due since then:
  aggregator restore --settle sent    all of it was mailed: the next digest begins now
  aggregator restore --settle send    it may be mailed, again if need be
readers who were paused or forgotten since then are as before: see `aggregator profile`"""


def _put_back(settings: Settings, file: Path) -> int:
    from aggregator import app

    config = app.read_config(settings.config)
    if not file.is_file():
        raise InputError(f"there is no backup {file}")
    with app.open_store(config, current=False) as store:
        replaced = store.restore(file, now=app.clock(settings.now)(), progress=show.progress)
        for revision in replaced.applied:
            click.echo(f"applied {revision}")
        click.echo(f"database {store.name} is what it was at {replaced.taken:%Y-%m-%d %H:%M} UTC")
    if replaced.aside:
        click.echo(f"what was there is kept in {replaced.aside}")
    click.echo(_THEN)
    return 0


def _settle(steps: "Steps", consent: "Consent") -> int:
    """Do what the owner says; "sent" needs all that was announced meanwhile to be known, or it would be news later."""
    if steps.store.restored() is None:
        raise InputError(f"database {steps.store.name} was not restored, or it is settled already")
    failed = False
    if consent == "sent":
        outcome = steps.collect(everything=True)
        show.outcome(outcome)
        failed = bool(outcome.troubles or outcome.counts.get("put off"))
        if failed:
            click.echo("what these sources brought since the backup may be shown once more", err=True)
    with steps.store.lock("work", wait=60):
        names = [profile.name for profile in steps.config.profiles]
        settled = steps.store.settle_restored(consent, names, now=steps.clock())
    if consent == "sent":
        click.echo(f"taken as mailed: messages dropped: {settled.dropped}, profiles that begin anew: {settled.closed}")
    else:
        click.echo("the outbox and the digests that are due will be mailed")
    return int(failed)


@click.command()
@click.option("--models", is_flag=True, help="Forget also the vectors of models and backends not in use.")
@click.option("--dry-run", is_flag=True, help="Only say how much there is to gain.")
@click.pass_obj
def vacuum(settings: Settings, models: bool, dry_run: bool) -> int:
    """Forget the bytes of mails older than [mail] keep_days, and give the space that is not used back to the disk.

    \b
    Example:
      aggregator vacuum --dry-run
    """
    with opened(settings) as steps, steps.store.lock("work", wait=60):
        store, now = steps.store, steps.clock()
        before, embedder = now - timedelta(days=steps.config.mail.keep_days), steps.embedder
        kept = (embedder.model, embedder.revision) if models else None
        spare, was, clean = store.spare(), store.size(), True
        if dry_run:
            bodies, vectors = store.old_bodies(before), store.other_vectors(*kept) if kept else None
        else:
            store.trim(now)
            bodies, vectors = store.forget_bodies(before), store.forget_vectors(*kept) if kept else None
            clean = store.compact()
        words = "to forget" if dry_run else "forgotten"
        days = steps.config.mail.keep_days
        click.echo(f"{words}: mails of more than {days} days: {bodies.number}, {_bytes(bodies.size)}")
        if vectors:
            click.echo(f"{words}: vectors of other models: {vectors.number}, {_bytes(vectors.size)}")
        if dry_run:
            click.echo(f"to gain: about {_bytes(bodies.size + (vectors.size if vectors else 0) + spare)}")
        else:
            click.echo(f"freed: {_bytes(max(was - store.size(), 0))}")
    if not clean:
        click.echo("remains: old bytes in the log of the database, as another program has it open; repeat this then")
    return int(not clean)


@click.command()
@click.option("--offline", is_flag=True, help="Ask neither the DNS nor the mail server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(settings: Settings, offline: bool, as_json: bool) -> int:
    """Look for what is wrong: versions, database, disks, clock, secrets, DNS records, mail server. No mail is sent.

    The exit code is 1 if something does not work.

    \b
    Example:
      aggregator doctor
    """
    from aggregator import app
    from aggregator.cli.looking import checks

    config = app.read_config(settings.config)
    with app.open_store(config, current=False) as store:
        found = list(checks(app.Steps(config, store, app.clock(settings.now)), offline=offline, progress=show.progress))
    if as_json:
        show.as_json([asdict(check) for check in found])
    else:
        _show(found)
    return int(any(check.state == "fail" for check in found))


def _show(found: "list[Check]") -> None:
    width = max(len(check.name) for check in found)
    for check in found:
        mark = click.style(_MARKS[check.state].ljust(4), fg=_COLOURS[check.state])
        click.echo(f"{mark}  {check.name.ljust(width)}  {check.text}")
        if check.advice:
            click.echo(f"{'':4}  {'':{width}}  → {check.advice}")


def _bytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 100_000 else f"{number:,} bytes"
