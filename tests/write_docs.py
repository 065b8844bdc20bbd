"""Writes docs/commands.md from the program's own help: `make docs`."""

from pathlib import Path

import click

from aggregator.cli import cli

COMMANDS = Path(__file__).parent.parent / "docs" / "commands.md"


def commands_page() -> str:
    """The page as it should be."""
    context = click.Context(cli, info_name="aggregator", max_content_width=100, terminal_width=100)
    parts = [
        "# Commands\n\nWritten by `make docs` from the program's own help.\n",
        _section("aggregator", cli, context),
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        parts.append(_section(f"aggregator {name}", command, context))
    return "\n".join(parts)


def _section(title: str, command: click.Command, parent: click.Context) -> str:
    context = (
        parent
        if command is cli
        else click.Context(command, parent=parent, info_name=command.name, max_content_width=100, terminal_width=100)
    )
    return f"## {title}\n\n```\n{command.get_help(context).rstrip()}\n```\n"


if __name__ == "__main__":
    COMMANDS.write_text(commands_page())
