"""cli: the commands. Each reads its arguments, calls one thing, and prints what came of it.

Only click is imported here: what a command needs is imported when it runs, so that `--help` is quick.
Exit codes: 0 all well; 1 something failed, and the rest was done; 2 what the user wrote cannot be used.
"""

import logging
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click

from aggregator import __version__
from aggregator.errors import AggregatorError, InputError

_COMMANDS = {
    "init": "setup",
    "check": "setup",
    "migrate": "setup",
    "demo": "setup",
    "completion": "setup",
    "run": "steps",
    "collect": "steps",
    "embed": "steps",
    "digest": "steps",
    "deliver": "steps",
    "serve": "steps",
    "preview": "look",
    "backtest": "backtest",
    "search": "search",
    "status": "look",
    "outbox": "outbox",
    "profile": "profile",
    "feedback": "feedback",
    "explain": "explain",
    "suggest": "suggest",
    "backfill": "history",
    "audit": "history",
    "sources": "sources",
    "opml": "opml",
    "backup": "care",
    "restore": "care",
    "vacuum": "care",
    "doctor": "care",
}
_SUMMARIES = {
    "init": "Write a fresh, commented config.toml.",
    "check": "Read config.toml and say what it means.",
    "migrate": "Create the database, or bring it up to date.",
    "demo": "Run the whole job on a sample, without network or mail server.",
    "completion": "Print the shell completion.",
    "run": "Do what is due: collect, embed, digest, deliver.",
    "collect": "Visit the sources that are due.",
    "embed": "Give new entries their vectors.",
    "digest": "Compose the digests that are due.",
    "deliver": "Send what is in the outbox.",
    "serve": "Stay and run on schedule.",
    "preview": "Write a digest to look at, and what an edit changes in it; nothing is queued.",
    "backtest": "Rank past weeks again, and hold them against the answers.",
    "search": "Find entries by words and by meaning.",
    "status": "Say how sources and profiles are doing.",
    "outbox": "List the messages; send again, hold or drop one.",
    "profile": "List the readers; pause, resume or forget one; import their seeds.",
    "feedback": "Like, dislike, save or hide a work; list the answers.",
    "explain": "Say why a work is in a digest, or why not.",
    "suggest": "Propose interests out of seeds and likes.",
    "backfill": "Fetch history; it can be interrupted and resumed.",
    "audit": "Ask the sources again, and fetch what is missing.",
    "sources": "List the catalogue of channels, and try their addresses.",
    "opml": "Bring feeds from another reader, or take them there.",
    "backup": "Copy the database while it is in use.",
    "restore": "Put a backup back; nothing is mailed again without your consent.",
    "vacuum": "Forget old bodies, and give unused space back.",
    "doctor": "Look for what is wrong with this installation.",
}


@dataclass(frozen=True)
class Settings:
    """What stands before the command's name: which config.toml, and what time it is."""

    config: Path | None
    now: str | None


class _Commands(click.Group):
    """The commands in the order in which a new user meets them, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        command = getattr(import_module(f"aggregator.cli.{_COMMANDS[name]}"), name)
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The config.toml to use. Otherwise AGGREGATOR_CONFIG, ./config.toml, the user's config folder.",
)
@click.option(
    "--now",
    metavar="MOMENT",
    help="Pretend that it is this moment, such as 2026-11-23T08:00 (also AGGREGATOR_NOW). For trials.",
)
@click.option("-v", "--verbose", count=True, help="Show the log: -v what is done, -vv every request.")
@click.version_option(__version__, prog_name="aggregator")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, now: str | None, verbose: int) -> None:
    """Read arXiv, Hugging Face and feeds, rank them by your interests, and mail a digest.

    \b
    A first digest, in a new folder:
      aggregator init && aggregator migrate && aggregator run --force
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("aggregator").setLevel(level if verbose else logging.CRITICAL)
    ctx.obj = Settings(config, now)


def main() -> None:
    """Run the command line; what goes wrong by the user's or the world's doing is one line and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except (click.UsageError, InputError) as error:
        _fail(error.format_message() if isinstance(error, click.UsageError) else str(error), 2)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; what was done is stored, and the same command goes on from there", 130)
    except AggregatorError as error:
        _fail(str(error), 1)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(text: str, code: int) -> None:
    for line in text.splitlines():
        click.echo(f"aggregator: {line}", err=True)
    sys.exit(code)
