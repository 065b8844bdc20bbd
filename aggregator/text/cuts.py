"""cuts: text to a shorter text: at the end of a sentence, else of a word, never within a letter."""

import re
import unicodedata

END = re.compile(r"[.!?…]['\"’”)\]]*(?=\s|$)|[。！？]['\"’”）」』]*")  # noqa: RUF001 - they do end sentences
"""Where a sentence may end; see `ends`."""

_ABBREVIATION = re.compile(
    r"\b(?:[a-z]|cf|vs|al|etc|figs?|eqs?|sect?|secs|refs?|tab|thm|alg|vol|pp|dr|prof|mrs?|ms|jr|st|nos?|approx|resp|"
    r"ca|incl|esp|viz|inc|corp|ltd|proc|trans|eqns?|prop|lem|cor|univ|dept|conf|jan|feb|mar|apr|jun|jul|aug|sept?|oct|"
    r"nov|dec)\.$",
    re.IGNORECASE,
)
"""What ends with a full stop within a sentence; one letter stands for initials, "e.g." and "i.i.d."."""

_WIDE = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
"""Scripts of East Asia, which part no words by blanks."""

_LOOSE = " \n\t,;:-–—([{、，；：（「"  # noqa: RUF001 - they are no end
_OPENING = " \"'“‘(["  # noqa: RUF001
_LEAST = 0.6
_ENOUGH = 80


def cut(text: str, limit: int) -> str:
    """The text up to the last sentence end within `limit` characters; else up to a word's end, with "…".

    What is left has at least 80 characters, or three fifths of `limit`: less would say too little. The full stop of an
    abbreviation, an initial or a number ends nothing. Never longer than `limit`; marks stay with their letters.
    """
    if len(text) <= limit:
        return text
    least = min(int(limit * _LEAST), _ENOUGH)
    head = text[: limit + 1]  # one more, to see whether a blank follows the full stop
    for match in reversed(list(END.finditer(head, least // 2))):
        if least <= match.end() <= limit and ends(text, match):
            return text[: match.end()]
    return _words(text, limit - 1).rstrip(_LOOSE) + "…" if limit > 0 else ""


def ends(text: str, match: re.Match[str]) -> bool:
    """Whether a sentence ends there: it goes on where a small letter follows, or stands within an abbreviation.

    A link begins with one too, but nothing goes on in it.
    """
    following = text[match.end() : match.end() + 10].lstrip(_OPENING)
    stop = match.start() + 1
    return (not following[:1].islower() or following.startswith("http")) and not _ABBREVIATION.search(
        text, max(0, stop - 12), stop
    )


def _words(text: str, limit: int) -> str:
    """Whole words within `limit` characters; a part of the last where words are not parted by blanks, or very long."""
    if text[limit : limit + 1].isspace():
        return text[:limit]
    words, _, rest = text[:limit].rpartition(" ")
    if words and len(rest) < limit * (1 - _LEAST) and not _WIDE.search(rest):
        return words
    while limit > 0 and (joins(text[limit]) or text[limit - 1] == "\u200d"):
        limit -= 1
    return text[:limit]


def joins(char: str) -> bool:
    """Whether a character belongs to the letter or picture before it: a mark, a joiner, a skin tone."""
    return unicodedata.category(char)[0] == "M" or char in "\u200c\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff"
