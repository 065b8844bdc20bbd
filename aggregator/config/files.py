"""files: a file to its text and its document, with a line for what is wrong."""

import re
import tomllib
from pathlib import Path
from typing import Any

from aggregator.errors import ConfigError, InputError


def read(path: Path, name: str) -> str:
    """The text of a file, which errors call `name`. Raises InputError, or ConfigError if it is not UTF-8."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no {name} found (looked for {path}); `aggregator init` writes one") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: this is not UTF-8; save the file as UTF-8 text") from None


def parsed(text: str, name: str) -> dict[str, Any]:
    """The document in the text. Raises ConfigError with the line if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(name, text, str(error))) from None


def _syntax(name: str, text: str, message: str) -> str:
    match = re.fullmatch(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", message, re.DOTALL)
    line = int(match["line"]) if match and match["line"] else max(1, len(text.splitlines()))
    what = match["what"] if match else message
    if "Illegal character '\\n'" in what:
        what = "the line ends inside a text; is a quote missing?"
    return f"{name}:{line}: this is not TOML: {what[:1].lower()}{what[1:]}"
