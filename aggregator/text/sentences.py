"""sentences: a line of text as its sentences, by the rules by which `cuts` ends a text.

Held against 437 real abstracts, the libraries part where no sentence ends more often than these rules do: pysbd (its
last release is of 2021) at every "(ii)" and "1)", sentencex and syntok (2022) at ";" before them.
"""

import re
from collections.abc import Iterator

from aggregator.text.cuts import END, ends

_GLUED = re.compile(r"(?<=[a-z]{3})[.!?](?=[A-Z][a-z]+ )")
"""A blank was lost: "perception.To this end"."""

_MAY_END = re.compile(r"(?:\betc|\d\s?(?:ms|[a-zA-Z])|/s)\.$")
_NEW = re.compile(r"\s+[A-Z][a-z]*\s+[a-z]")
"""What follows "etc." or a unit, "320 ms.", if it is a sentence of its own."""

_LEAST = 12
"""Characters: "(1)" or "Yes!" belongs to its neighbour."""


def sentences(text: str) -> list[str]:
    """The sentences of a line, in their order: pieces of it as they stand, without the blanks between them.

    The full stop of an abbreviation ("et al.", "e.g.", "Fig. 3", "vs."), of an initial or of a number ends none.
    """
    found: list[str] = []
    start = 0
    for stop in (*_stops(text), len(text)):
        if len(piece := text[start:stop].strip()) >= _LEAST or stop == len(text):
            if piece:
                found.append(piece)
            start = stop
    return _whole(found, text)


def _stops(text: str) -> Iterator[int]:
    glued = {match.end() for match in _GLUED.finditer(text)}
    plain = {match.end() for match in END.finditer(text) if ends(text, match) or _ends_too(text, match)}
    yield from sorted(glued | plain)


def _ends_too(text: str, match: re.Match[str]) -> bool:
    stop = match.start() + 1
    return bool(_MAY_END.search(text, max(0, stop - 6), stop) and _NEW.match(text, stop))


def _whole(found: list[str], text: str) -> list[str]:
    """The pieces with a last one that is too short put to the one before it, as it stands in the text."""
    if len(found) < 2 or len(found[-1]) >= _LEAST:
        return found
    start = text.rindex(found[-2], 0, len(text.rstrip()) - len(found[-1]))
    return [*found[:-2], text[start:].strip()]
