"""The documentation names every command, option, source kind and configuration key, and shows what is."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from aggregator.cli import cli
from aggregator.sources import kinds
from tests.write_docs import COMMANDS, commands_page

ROOT = Path(__file__).parent.parent
CONTEXT = click.Context(cli)
NAMES = cli.list_commands(CONTEXT)


def test_commands_page_is_what_the_program_says() -> None:
    assert COMMANDS.read_text() == commands_page(), "run `make docs`"


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = cli.get_command(CONTEXT, name)
    assert command is not None
    assert "Example:" in (command.help or "")
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"aggregator {name}\b", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_source_kind_and_option_is_documented(kind: str) -> None:
    page = (ROOT / "docs" / "sources.md").read_text()
    section = page.split(f"## {kind}\n", 1)[1].split("\n## ", 1)[0]
    for option in kinds()[kind].model_fields:
        assert f"`{option}`" in section, option


def test_every_configuration_key_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    example = tomllib.loads((ROOT / "config.toml").read_text())
    for section, value in example.items():
        if section == "source":
            continue
        assert f"[{section}]" in page
        for key in value[0] if isinstance(value, list) else value:
            assert f"`{key}`" in page, f"{section}.{key}"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = [re.split(r"[^\w-]", one)[0] for one in needed]
    headings = "\n".join(re.findall(r"^\*\*.*?\*\*", (ROOT / "docs" / "decisions.md").read_text(), flags=re.MULTILINE))
    missing = [name for name in names if not re.search(rf"\b{name}\b", headings)]
    assert missing == []


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
