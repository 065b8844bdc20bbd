"""setup: init, check, migrate, demo, completion."""

from pathlib import Path
from typing import Any

import click

from aggregator.cli import Settings, show, steps
from aggregator.errors import InputError


@click.command()
@click.pass_obj
def init(settings: Settings) -> int:
    """Write a fresh, commented config.toml into this folder, or to --config; an existing one is left alone.

    \b
    Example:
      aggregator init
    """
    from aggregator.config import example

    path = settings.config or Path("config.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example())
    except FileExistsError:
        raise InputError(f"{path} is there already and was left as it is") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}; edit your interests in it, then: aggregator migrate && aggregator run")
    return 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(settings: Settings, as_json: bool) -> int:
    """Read config.toml and say what it means; every mistake with its line.

    \b
    Example:
      aggregator --config lab.toml check
    """
    from aggregator import app, office

    config = app.read_config(settings.config)
    office.mailer(config).close()
    mail = config.mail
    where = {"smtp": f"{mail.host}:{mail.port}", "sendmail": mail.sendmail}.get(mail.transport, mail.folder)
    meaning: dict[str, Any] = {
        "config": str(config.path),
        "database": app.database_name(config),
        "mail": f"{mail.transport} {where}",
        "model": config.embed.model,
        "profiles": [
            {"profile": p.name, "schedule": p.schedule, "timezone": p.timezone, "interests": len(p.interests),
             "mail to": ", ".join(p.email)}
            for p in config.profiles
        ],
        "sources": [{"source": s.name, "kind": s.kind, "every": f"{s.every_hours:g} h"} for s in config.sources],
    }  # fmt: skip
    if as_json:
        show.as_json(meaning)
        return 0
    click.echo(f"{config.path} is good")
    for key in ("database", "mail", "model"):
        click.echo(f"{key:9} {meaning[key]}")
    for rows in (meaning["profiles"], meaning["sources"]):
        click.echo()
        show.table(list(rows[0]), [list(row.values()) for row in rows])
    return 0


@click.command()
@click.pass_obj
def migrate(settings: Settings) -> int:
    """Create the database, or bring it up to date; an existing one is copied beside itself first.

    \b
    Example:
      aggregator migrate
    """
    from aggregator import app

    config = app.read_config(settings.config)
    with app.open_store(config, current=False) as store:
        for revision in store.migrate():
            click.echo(f"applied {revision}")
        click.echo(f"database {store.name} is up to date")
    return 0


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where to put the demo's config.toml, database and outbox.",
)
@click.pass_obj
def demo(settings: Settings, folder: Path) -> int:
    """Run the whole job on a sample that comes with the program: no network, no mail server, no account.

    \b
    Example:
      aggregator demo --folder /tmp/demo
    """
    from aggregator import app

    with app.open_demo(folder, app.clock(settings.now), show.progress) as demo_steps:
        code = steps.report(demo_steps.run(everything=True))
        mail = demo_steps.latest_mail()
    if mail is None:
        click.echo("there is no digest: see above")
        return 1
    click.echo("the digest, as a page and as the mail that would be sent:")
    click.echo(f"  {mail.with_suffix('.html')}")
    click.echo(f"  {mail}")
    return code


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    Example:
      aggregator completion bash >> ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    from aggregator.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click ships these three
    click.echo(kind(cli, {}, "aggregator", "_AGGREGATOR_COMPLETE").source())
    return 0
