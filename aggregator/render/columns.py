"""columns: text in lines of fixed width, as a terminal or a mail program without HTML shows it."""

import unicodedata
from collections.abc import Iterator

WIDTH = 72
"""Columns of the plain letter; room for two levels of quoting within 78 (RFC 5322 section 2.1.1)."""

_CLOSING = ("Pe", "Pf", "Po")
"""Categories of punctuation that does not begin a line, in Chinese and Japanese as elsewhere."""


def wrap(text: str, indent: int = 0, lead: str = "", width: int = WIDTH) -> str:
    """The text in lines of at most `width` columns, each indented; `lead` stands in the first line's indent.

    Wide characters count as two columns (Unicode UAX #11) and may be parted anywhere; a word longer than a line is
    broken. An empty text gives "".
    """
    lines: list[str] = []
    line, used = "", 0
    room = width - indent
    for gap, atom in _atoms(text, room):
        blank = gap if line else ""
        if line and used + len(blank) + columns(atom) > room:
            lines.append(line)
            line, used, blank = "", 0, ""
        line += blank + atom
        used += len(blank) + columns(atom)
    if line:
        lines.append(line)
    margin = " " * indent
    return "\n".join((lead.ljust(indent) if n == 0 and lead else margin) + line for n, line in enumerate(lines))


def columns(text: str) -> int:
    """How many columns a text takes."""
    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def padded(text: str, width: int) -> str:
    """The text with blanks up to `width` columns."""
    return text + " " * (width - columns(text))


def _atoms(text: str, room: int) -> Iterator[tuple[str, str]]:
    """What cannot be parted, each with the blank that stands before it, or ""."""
    for word in text.split():
        gap = " "
        for atom in _parts(word):
            for piece in _broken(atom, room):
                yield gap, piece
                gap = ""


def _parts(word: str) -> Iterator[str]:
    """A word cut before and after each wide character, but not before closing punctuation."""
    atom = ""
    for char in word:
        beside_wide = atom and 2 in (columns(char), columns(atom[-1])) and columns(char)
        if beside_wide and unicodedata.category(char) not in _CLOSING:
            yield atom
            atom = ""
        atom += char
    yield atom


def _broken(atom: str, room: int) -> Iterator[str]:
    piece = ""
    for char in atom:
        if piece and columns(piece + char) > room:
            yield piece
            piece = ""
        piece += char
    yield piece
