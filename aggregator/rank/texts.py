"""texts: many texts searched as one, so that a pattern costs one scan and no loop over entries."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_END = "\0"


class Texts:
    """Texts in the order of the entries, case-folded; no pattern matches across two of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def having(self, pattern: re.Pattern[str] | None) -> NDArray[np.bool_]:
        """Whether each text has a match; shape (n,). No pattern matches nothing."""
        found = np.zeros(len(self._texts), dtype=bool)
        if pattern is not None and len(self._texts):
            places = [match.start() for match in pattern.finditer(self._joined)]
            found[np.searchsorted(self._starts, places, side="right") - 1] = True
        return found

    @cached_property
    def _joined(self) -> str:
        return _END.join(self._clean)

    @cached_property
    def _clean(self) -> list[str]:
        return [text.replace(_END, " ").casefold() for text in self._texts]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        lengths = np.fromiter((len(text) + 1 for text in self._clean), dtype=np.int64, count=len(self._clean))
        return np.cumsum(lengths) - lengths


def whole_words(phrases: Sequence[str], *, wildcard: bool = False) -> re.Pattern[str] | None:
    """A pattern for case-folded text of any of the phrases as whole words; None of no phrases.

    Any white space stands for any other. With `wildcard` a "*" at an end of a phrase stands for the rest of the word.
    """
    found = [_one(phrase.casefold(), wildcard=wildcard) for phrase in phrases if phrase.strip(" \t\n*")]
    return re.compile("|".join(found)) if found else None


def _one(phrase: str, *, wildcard: bool) -> str:
    words = phrase.split()
    before, after = r"(?<!\w)", r"(?!\w)"
    if wildcard and words[0].startswith("*"):
        before, words[0] = r"\w*", words[0].lstrip("*")
    if wildcard and words[-1].endswith("*"):
        after, words[-1] = r"\w*", words[-1].rstrip("*")
    return before + r"\s+".join(re.escape(word) for word in words if word) + after
