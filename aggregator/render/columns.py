"""columns: text in lines of fixed width, as a terminal or a mail program without HTML shows it."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from aggregator.text import joins

WIDTH = 72
"""Columns of the plain letter; room for two levels of quoting within 78 (RFC 5322 section 2.1.1)."""

_CLOSING = ("Pe", "Pf", "Po")
"""Categories of punctuation that does not begin a line, in Chinese and Japanese as elsewhere."""

_OPENING = ("Ps", "Pi")
"""And of what does not end one."""

_NOT_FIRST = frozenset("々ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
"""Japanese signs that begin no line either (JIS X 4051)."""


@lru_cache(maxsize=4096)  # one work is told to many readers
def wrap(text: str, indent: int = 0, lead: str = "", width: int = WIDTH) -> str:
    """The text in lines of at most `width` columns, each indented; `lead` stands in the first line's indent.

    Wide characters count as two columns (Unicode UAX #11) and may be parted anywhere but at punctuation; a word longer
    than a line is broken. An empty text gives "".
    """
    lines: list[str] = []
    line, used = "", 0
    room = width - indent
    for gap, atom in _atoms(text, room):
        blank, wide = gap if line else "", columns(atom)
        if line and used + len(blank) + wide > room:
            lines.append(line)
            line, used, blank = "", 0, ""
        line += blank + atom
        used += len(blank) + wide
    if line:
        lines.append(line)
    margin = " " * indent
    return "\n".join((lead.ljust(indent) if n == 0 and lead else margin) + line for n, line in enumerate(lines))


def columns(text: str) -> int:
    """How many columns a text takes, at most: some programs show pictures that are joined as one."""
    return len(text) if text.isascii() else sum(map(_width, text))


def padded(text: str, width: int) -> str:
    """The text with blanks up to `width` columns."""
    return text + " " * (width - columns(text))


def _width(char: str) -> int:
    """Marks, joiners and the vowels and finals of a Korean syllable that is written in parts stand on no column."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf") or "\u1160" <= char <= "\u11ff":
        return 0
    return 1 + (unicodedata.east_asian_width(char) in "WF")


def _atoms(text: str, room: int) -> Iterator[tuple[str, str]]:
    """What cannot be parted, each with the blank that stands before it, or ""."""
    for word in text.split():
        if word.isascii() and len(word) <= room:
            yield " ", word
            continue
        gap = " "
        for atom in _parts(word):
            for piece in _broken(atom, room):
                yield gap, piece
                gap = ""


def _parts(word: str) -> Iterator[str]:
    """A word cut before and after each wide character, where the rules of its script let a line end."""
    if word.isascii():
        yield word
        return
    atom = ""
    for char in word:
        if atom and _parted(atom[-1], char):
            yield atom
            atom = ""
        atom += char
    yield atom


def _parted(last: str, char: str) -> bool:
    """Whether a line may end between two characters of a word."""
    if joins(char) or last == "\u200d" or char in _NOT_FIRST or unicodedata.category(char) in _CLOSING:
        return False
    return unicodedata.category(last) not in _OPENING and 2 in (_width(last), _width(char))


def _broken(atom: str, room: int) -> Iterator[str]:
    if columns(atom) <= room:
        yield atom
        return
    piece, used = "", 0
    for char in atom:
        wide = _width(char)
        if piece and used + wide > room:
            yield piece
            piece, used = "", 0
        piece += char
        used += wide
    yield piece
