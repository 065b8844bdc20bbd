"""telling: of each pick the sentence that tells why it is here, and those that say most. After `compose`.

worth.py   which sentences of an abstract say what was done and what came out
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from aggregator.embed import Embedder
from aggregator.model import Digest, Entry, Ranked, Reason, Summary, Vectors
from aggregator.rank.texts import whole_words
from aggregator.telling.worth import gist
from aggregator.text import fold, prose, sentences, unicode

__all__ = ["told"]

_LONGEST = 20_000
_MOST = 40
"""Sentences of a text that are looked at; an abstract has a dozen."""

_KEPT = 1000
"""Texts whose sentences are remembered for the next profile: 15 MB at most with vectors of 384 numbers."""

_LEAST = 0.25
"""The least cosine of a sentence that tells why: below, no sentence is about the reason."""

_NO_DIFFERENCE = 0.1
"""Cosines that are less apart say about the same, and a reader learns more from a sentence that says what was done."""

_BY_MEANING = ("interest", "seed", "like")

_Key: TypeAlias = tuple[str, bool]
"""A text, and whether it may hold TeX."""


@dataclass(frozen=True, slots=True)
class _Read:
    """The sentences of a text, and their vectors, a row each, shape (n, dim)."""

    sentences: tuple[str, ...]
    vectors: Vectors


_READ: WeakKeyDictionary[Embedder, dict[_Key, _Read]] = WeakKeyDictionary()
"""What each embedder has read: a step has one embedder for all its digests."""


def told(digest: Digest | None, embedder: Embedder) -> Digest | None:
    """The digest with the sentences of each pick that is shown with its text: `telling`, `gist`, and a `summary`.

    The sentences of all texts go through the model in one batch; those of a text that another digest had before are
    remembered. Sentences are of the text without markup and TeX, as a letter shows it.
    """
    if digest is None or digest.profile.format == "headlines":
        return digest
    picks = [pick for section in digest.sections if section.part != "also" for pick in section.picks]
    reasons = sorted({pick.reasons[0].text for pick in picks if _is_by_meaning(pick)})
    read, meant = _read(embedder, {_key(pick.entry) for pick in picks}, reasons)
    chosen = {id(pick): _told(pick, read[_key(pick.entry)], meant) for pick in picks}
    sections = (
        replace(section, picks=tuple(chosen.get(id(pick), pick) for pick in section.picks))
        for section in digest.sections
    )
    return replace(digest, sections=tuple(sections))


def _told(pick: Ranked, read: _Read, meant: Mapping[str, Vectors]) -> Ranked:
    is_paper = pick.entry.kind == "paper"
    best = gist(read.sentences, read.vectors) if is_paper else ()
    place = _telling(pick.reasons[0], read, meant, best[:2]) if pick.reasons and len(read.sentences) > 1 else None
    if is_paper and place is not None:
        best = gist(read.sentences, read.vectors, place)
    said = prose(str(pick.entry.signals.get("ai_summary", "")))
    return replace(
        pick,
        telling="" if place is None else read.sentences[place],
        gist=tuple(read.sentences[one] for one in best),
        summary=pick.summary or (Summary(said) if said else None),
    )


def _telling(reason: Reason, read: _Read, meant: Mapping[str, Vectors], best: Sequence[int]) -> int | None:
    """The place of the sentence that tells the reason: the nearest by meaning, or the first that has the keyword.

    Of sentences that are as near as makes no difference it is one of the `best`.
    """
    if reason.kind in _BY_MEANING:
        near = read.vectors @ meant[reason.text]
        near[list(best)] += _NO_DIFFERENCE
        place = int(np.argmax(near))
        return place if near[place] >= _LEAST else None
    if reason.kind == "keyword":
        pattern = whole_words([re.sub("^title:", "", reason.text, flags=re.IGNORECASE)], wildcard=True)
        found = (place for place, one in enumerate(read.sentences) if pattern and pattern.search(one.casefold()))
        return next(found, None)
    return None


def _is_by_meaning(pick: Ranked) -> bool:
    return bool(pick.reasons) and pick.reasons[0].kind in _BY_MEANING


def _read(embedder: Embedder, keys: set[_Key], reasons: Sequence[str]) -> tuple[dict[_Key, _Read], dict[str, Vectors]]:
    """The texts read, and the vector of each reason, shape (dim,)."""
    kept = _READ.setdefault(embedder, {})
    fresh = sorted(keys - kept.keys())
    parted = [_parted(*key) for key in fresh]
    lines = [*reasons, *(one for found in parted for one in found)]
    vectors = embedder.embed(lines) if lines else np.zeros((0, 1), np.float32)
    start = len(reasons)
    for key, found in zip(fresh, parted, strict=True):
        kept[key] = _Read(found, vectors[start : start + len(found)].copy())
        start += len(found)
    read = {key: kept[key] for key in keys}
    for key in list(kept)[: max(0, len(kept) - _KEPT)]:
        del kept[key]
    return read, dict(zip(reasons, vectors, strict=False))


def _key(entry: Entry) -> _Key:
    return entry.summary[:_LONGEST], entry.kind == "paper"


def _parted(text: str, has_tex: bool) -> tuple[str, ...]:  # noqa: FBT001 - a key, taken apart
    line = fold(text)
    return tuple(sentences(unicode(line) if has_tex else line)[:_MOST])
