"""popular: how much others made of an entry, 0 to 1, for its age and where it was seen.

Forty upvotes are much on one site and little on another, and little after a month: every count is compared with the
counts of the same source, after it was brought to what it will be when it has stopped growing.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Candidate

COUNTS = {
    "upvotes": "upvote", "points": "point", "likes": "like", "stars": "GitHub star", "comments": "comment",
    "downloads": "download", "views": "view", "citations": "citation",
}  # fmt: skip
"""The signals that say so, most telling first, and their word."""

_DAYS = 2.0
"""An entry has two thirds of its upvotes after so many days."""

_FEW = 10.0
"""A source must have shown so many entries before its own comparison counts for more than half."""


def popularity(candidates: Sequence[Candidate], ages: NDArray[np.float64]) -> NDArray[np.float32]:
    """How far each is above the middle of its source, 0 to 1, by its most telling count; ages in days; shape (n,)."""
    found = np.zeros(len(candidates))
    grown = 1 - np.exp(-(np.maximum(ages, 0) + 0.5) / _DAYS)
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for row, candidate in enumerate(candidates):
        for word in COUNTS.keys() & candidate.entry.signals.keys():
            groups[_source(candidate), word].append((row, _count(candidate, word)))
    for group in groups.values():
        rows, counts = np.array(group).T
        found[rows] = np.maximum(found[rows], _above(np.maximum(counts, 0) / grown[rows]))
    mentions = np.array([len(candidate.mentions) for candidate in candidates], dtype=float)
    return np.asarray(np.maximum(found, mentions / (mentions + 2)), dtype=np.float32)


def told(candidate: Candidate) -> str:
    """The count in words, "41 upvotes"; "" if there is none."""
    for word, noun in COUNTS.items():
        if (count := _count(candidate, word)) > 0:
            return f"{count:,} {noun}{'s' if count != 1 else ''}"
    count = len(candidate.mentions)
    return f"{count} mention{'s' if count != 1 else ''}" if count else ""


def _above(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 up to the middle, 1 for the highest of very many; nothing for a count of 0."""
    total, ordered = len(counts), np.sort(counts)
    place = (ordered.searchsorted(counts) + ordered.searchsorted(counts, side="right")) / (2 * total)
    return np.asarray(np.where(counts > 0, np.clip(2 * place - 1, 0, 1) * total / (total + _FEW), 0))


def _source(candidate: Candidate) -> str:
    return next((sighting.source for sighting in candidate.sightings if sighting.signals), "")


def _count(candidate: Candidate, word: str) -> int:
    value = candidate.entry.signals.get(word, -1)
    return value if isinstance(value, int) else -1
