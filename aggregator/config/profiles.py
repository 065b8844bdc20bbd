"""profiles: readers in files of their own, profiles/*.toml beside config.toml, and the names that they had before."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aggregator.config.explain import Problem
from aggregator.config.files import parsed, read
from aggregator.config.locate import KeyPath, Lines
from aggregator.errors import ConfigError

_FOLDER = "profiles"


def stamp(config: Path) -> tuple[tuple[str, int, int], ...]:
    """Another value once config.toml or a profile beside it was written, came or went."""
    found = []
    for path in (config, *_pages(config)):
        try:
            state = path.stat()
            found.append((path.name, state.st_mtime_ns, state.st_size))
        except OSError:
            found.append((path.name, 0, 0))
    return tuple(found)


def _pages(config: Path) -> list[Path]:
    return sorted((config.parent / _FOLDER).glob("[!.]*.toml"))


class Pages:
    """The files beside a config.toml that hold one profile each: the keys of [[profile]] without that line.

    The name is that of the file unless one is given. `whole` is the document of config.toml with these profiles behind
    its own.
    """

    def __init__(self, config: Path, document: Mapping[str, Any]) -> None:
        """Reads the files. Raises InputError if one cannot be read, ConfigError with the line if one is no profile."""
        own = document.get("profile", [])
        self._own = len(own) if isinstance(own, list) else 0
        self._texts: list[tuple[str, str]] = []
        profiles: list[Any] = []
        for path in _pages(config):
            name = f"{_FOLDER}/{path.name}"
            text = read(path, name)
            profiles.append({"name": path.stem, **_one(text, name)})
            self._texts.append((name, text))
        self.whole = dict(document)
        if profiles and isinstance(own, list):
            self.whole["profile"] = [*own, *profiles]

    def place(self, path: KeyPath) -> tuple[str, int] | None:
        """The file and line of a key of the whole document; None if it belongs to config.toml."""
        number = path[1] if path[:1] == ("profile",) and len(path) > 1 else -1
        if not isinstance(number, int) or number < self._own:
            return None
        name, text = self._texts[number - self._own]
        lines, inside = Lines(text), path[2:]
        return name, lines.line(inside) if inside[:1] and lines.has(inside[:1]) else 1


def former_names(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `was`: a name that a profile had before is no profile's now, and only one had it.

    Space around a name is no part of it.
    """
    written = document.get("profile", [])
    profiles = [values if isinstance(values, dict) else {} for values in written] if isinstance(written, list) else []
    names = [_bare(values.get("name")) for values in profiles]
    claimed: dict[str, int] = {}
    for number, values in enumerate(profiles):
        was = values.get("was", [])
        path = ("profile", number, "was")
        for old in map(_bare, was if isinstance(was, list) else []):
            if old in names:
                yield Problem(path, f"{old!r} is the name of a profile now; take it out, or rename that profile")
            elif isinstance(old, str) and claimed.setdefault(old, number) != number:
                yield Problem(path, f"{old!r} was another profile already; take it out of one of them")


def _bare(name: Any) -> Any:
    return name.strip() if isinstance(name, str) else name


def _one(text: str, name: str) -> dict[str, Any]:
    values = parsed(text, name)
    if "profile" in values:
        line = Lines(text).line(("profile",))
        raise ConfigError(f"{name}:{line}: profile: this file is one profile; write its keys without [[profile]]")
    return values
