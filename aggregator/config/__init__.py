"""config: config.toml to typed values, every mistake with its line.

    config = load(find(None, os.environ, Path.cwd()))

build.py      a parsed document to a Config, gathering every mistake
sections.py   the tables as types, with their defaults
use.py        channels and packs of the catalogue, written out
values.py     what single values must be: addresses, time zones, links
explain.py    a mistake in plain words, with the nearest right word
locate.py     the line of each key
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from aggregator.config.build import build
from aggregator.config.explain import MistakesError
from aggregator.config.locate import Lines
from aggregator.config.sections import Config
from aggregator.errors import ConfigError, InputError
from aggregator.shipped import shipped

__all__ = ["Config", "example", "find", "load"]


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
    """The configuration in a file. Raises InputError if it cannot be read, ConfigError with a line for each mistake."""
    path = path.absolute()
    text = _read(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path.name, text, str(error))) from None
    try:
        return build(document, path)
    except MistakesError as mistakes:
        lines = Lines(text)
        found = sorted((lines.line(problem.path), problem.key, problem.text) for problem in mistakes.problems)
        raise ConfigError("\n".join(f"{path.name}:{line}: {key}: {words}" for line, key, words in found)) from None


def example() -> str:
    """The shipped config.toml: it runs as it is, and its comments say what to change."""
    return shipped("config.toml").read_text(encoding="utf-8")


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no {path.name} found (looked for {path}); `aggregator init` writes one") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path.name}:{line}: this is not UTF-8; save the file as UTF-8 text") from None


def _syntax(name: str, text: str, message: str) -> str:
    match = re.fullmatch(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", message, re.DOTALL)
    line = int(match["line"]) if match and match["line"] else max(1, len(text.splitlines()))
    what = match["what"] if match else message
    if "Illegal character '\\n'" in what:
        what = "the line ends inside a text; is a quote missing?"
    return f"{name}:{line}: this is not TOML: {what[:1].lower()}{what[1:]}"
