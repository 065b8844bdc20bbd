"""config: config.toml to typed values, every mistake with its line.

    config = load(find(None, os.environ, Path.cwd()))

files.py      a file to its text and document
profiles.py   profiles in files of their own, profiles/*.toml
build.py      a parsed document to a Config, gathering every mistake
sections.py   the tables as types, with their defaults
reader.py     a [[profile]] table as a type
wishes.py     what a profile's keywords, seeds and ORCIDs must be
use.py        channels and packs of the catalogue, written out
values.py     what single values must be: addresses, time zones, links
explain.py    a mistake in plain words, with the nearest right word
locate.py     the line of each key
"""

from collections.abc import Mapping
from pathlib import Path

import platformdirs

from aggregator.config.build import build
from aggregator.config.explain import MistakesError
from aggregator.config.files import parsed, read
from aggregator.config.locate import Lines
from aggregator.config.profiles import Pages, stamp
from aggregator.config.sections import Config
from aggregator.errors import ConfigError, InputError
from aggregator.shipped import shipped

__all__ = ["Config", "example", "find", "load", "origin", "stamp"]


def find(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The configuration to use: `explicit`, AGGREGATOR_CONFIG, config.toml in `cwd`, or that in the user's folder.

    The first two are taken at their word. Raises InputError if none of the others exists.
    """
    named = explicit or Path(environ.get("AGGREGATOR_CONFIG", ""))
    if named.name:
        return cwd / named.expanduser()
    places = (cwd / "config.toml", platformdirs.user_config_path("paper-aggregator") / "config.toml")
    for place in places:
        if place.exists():
            return place
    looked = ", ".join(map(str, places))
    raise InputError(f"no config.toml found (looked for {looked}); `aggregator init` writes one")


def load(path: Path) -> Config:
    """The configuration in a file, with the profiles beside it in profiles/*.toml.

    Raises InputError if one cannot be read, ConfigError with a line for each mistake.
    """
    path = path.absolute()
    text = read(path, path.name)
    pages = Pages(path, parsed(text, path.name))
    try:
        return build(pages.whole, path)
    except MistakesError as mistakes:
        lines = Lines(text)
        found = sorted(
            (*(pages.place(problem.path) or ("", lines.line(problem.path))), problem.key, problem.text)
            for problem in mistakes.problems
        )
        raise ConfigError(
            "\n".join(f"{page or path.name}:{line}: {key}: {words}" for page, line, key, words in found)
        ) from None


def origin(path: Path, name: str) -> str:
    """Where the profile of that name is written, such as "config.toml:3" or "profiles/anna.toml:1"; "" if nowhere."""
    text = read(path, path.name)
    pages = Pages(path, parsed(text, path.name))
    for number, values in enumerate(pages.whole.get("profile", [])):
        if str(values.get("name", "")).strip() == name:
            where = ("profile", number)
            page, line = pages.place(where) or (path.name, Lines(text).line(where))
            return f"{page}:{line}"
    return ""


def example() -> str:
    """The shipped config.toml: it runs as it is, and its comments say what to change."""
    return shipped("config.toml").read_text(encoding="utf-8")
