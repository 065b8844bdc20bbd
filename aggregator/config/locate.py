"""locate: on which line of a TOML document a key stands, which tomllib does not tell.

Reads documents that tomllib has read, so nothing is checked again (https://toml.io/en/v1.0.0).
"""

import re
import tomllib
from collections.abc import Iterator
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Such as ("profile", 0, "interests"): keys, and places in lists and in arrays of tables from 0 on."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}' r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}" r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


class Lines:
    """The lines of a document's keys, counted from 1."""

    def __init__(self, text: str) -> None:
        self._lines = dict(_Scanner(text.replace("\r\n", "\n")).document())
        self._last = max(1, len(text.splitlines()))

    def has(self, path: KeyPath) -> bool:
        """Whether the key is there."""
        return path in self._lines

    def line(self, path: KeyPath) -> int:
        """The line of a key; of one that is not there, its table's header; of a missing table, the last line."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return self._last


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.arrays: dict[KeyPath, int] = {}
        self.counted = (0, 1)

    def document(self) -> Iterator[tuple[KeyPath, int]]:
        found: dict[KeyPath, int] = {}
        table: KeyPath = ()
        while self.skip() < len(self.text):
            line = self.line()
            if self.text.startswith("[", self.at):
                table = self.header()
                pairs: Iterator[tuple[KeyPath, int]] = iter([(table, line)])
            else:
                pairs = self.pair(table)
            for path, where in pairs:
                for length in range(len(path), 0, -1):  # [a.b] and a.b = 1 begin a as well
                    found.setdefault(path[:length], where)
        yield from found.items()

    def header(self) -> KeyPath:
        """The path of the table that [a.b] or [[a.b]] opens."""
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        names = self.key()
        self.at += 2 if double else 1
        path: KeyPath = ()
        for name in names[:-1]:
            path = self.inside((*path, name))
        path = (*path, names[-1])
        if double:
            self.arrays[path] = self.arrays.get(path, 0) + 1
        return self.inside(path)

    def inside(self, path: KeyPath) -> KeyPath:
        """The newest table of the array of tables at `path`, or `path` itself."""
        return (*path, self.arrays[path] - 1) if path in self.arrays else path

    def pair(self, table: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        line = self.line()
        path = (*table, *self.key())
        yield path, line
        self.at += 1  # the sign =
        self.skip()
        yield from self.value(path)

    def value(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        if self.text[self.at] == "[":
            yield from self.members(path, "]")
        elif self.text[self.at] == "{":
            yield from self.members(path, "}")
        else:
            match = _TEXT.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            self.at = match.end() if match else len(self.text)

    def members(self, path: KeyPath, end: str) -> Iterator[tuple[KeyPath, int]]:
        """What stands in a list (`end` is "]") or in an inline table ("}")."""
        self.at += 1
        number = 0
        while self.text[self.skip()] != end:
            if end == "}":
                yield from self.pair(path)
            else:
                yield (*path, number), self.line()
                yield from self.value((*path, number))
            number += 1
            if self.text[self.skip()] == ",":
                self.at += 1
        self.at += 1

    def key(self) -> tuple[str, ...]:
        names: list[str] = []
        while match := _KEY.match(self.text, self.at):
            self.at = match.end()
            names.append(tomllib.loads(f"key = {match[1]}")["key"] if match[1][0] in "\"'" else match[1])
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return tuple(names)

    def skip(self) -> int:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def line(self) -> int:
        at, line = self.counted
        self.counted = (self.at, line + self.text.count("\n", at, self.at))
        return self.counted[1]
