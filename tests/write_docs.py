"""Writes docs/commands.md from the program's own help, and the table in docs/sources.md: `make docs`."""

from pathlib import Path

import click

from aggregator.catalogue import catalogue
from aggregator.catalogue.table import markdown
from aggregator.cli import cli

DOCS = Path(__file__).parent.parent / "docs"
COMMANDS = DOCS / "commands.md"
SOURCES = DOCS / "sources.md"
_TABLE = "\n## Every channel of the guides\n"


def commands_page() -> str:
    """The page as it should be."""
    context = click.Context(cli, info_name="aggregator", terminal_width=100, **cli.context_settings)
    parts = [
        "# Commands\n\nWritten by `make docs` from the program's own help.\n",
        _section("aggregator", cli, context),
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        parts += _sections(f"aggregator {name}", command, context)
    return "\n".join(parts)


def sources_page() -> str:
    """The page as it should be: what is written by hand, up to the table, and the table."""
    by_hand = SOURCES.read_text(encoding="utf-8").partition(_TABLE)[0].rstrip("\n")
    note = "Written by `make docs` from the catalogue (`aggregator sources table`)."
    return f"{by_hand}\n{_TABLE}\n{note}\n\n{markdown(catalogue().channels, catalogue().groups)}"


def _sections(title: str, command: click.Command, parent: click.Context) -> list[str]:
    found = [_section(title, command, parent)]
    if isinstance(command, click.Group):
        context = click.Context(
            command, parent=parent, info_name=command.name, max_content_width=100, terminal_width=100
        )
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += _sections(f"{title} {name}", below, context)
    return found


def _section(title: str, command: click.Command, parent: click.Context) -> str:
    context = (
        parent
        if command is cli
        else click.Context(command, parent=parent, info_name=command.name, max_content_width=100, terminal_width=100)
    )
    return f"## {title}\n\n```\n{command.get_help(context).rstrip()}\n```\n"


if __name__ == "__main__":
    COMMANDS.write_text(commands_page())
    SOURCES.write_text(sources_page(), encoding="utf-8")
