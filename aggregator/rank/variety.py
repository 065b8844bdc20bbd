"""variety: what is chosen of the best, so that no interest, no series and no fashion takes all the places.

Every fourth place, the first of all among them, goes to the best by the written profile alone, whatever the answers
taught. Every second goes to the interest that is furthest behind its share (Sainte-Laguë's divisors), if something of
it comes near to the best, and the rest by maximal marginal relevance (Carbonell and Goldstein, 1998).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Profile, Ranked, Reason, Vectors

_LOOKED_AT = 20
"""So many times the places are looked at for the picks."""

_ALIKE = 0.6
"""From this cosine on two entries are of one field."""

_USUAL = 0.75
"""Entries of one field are up to this near to each other; only what is beyond repeats something."""

_REPEATING = 1.0
"""How much of a score is lost per nearness beyond the usual."""

_NEAR = 0.1
"""An interest that is behind gets what is at most so far below the best that is left."""

_SURE = 0.5
"""What reaches this is of its interest, more likely than not; the first pick of an interest needs no more."""

_TWIN = 0.92
"""From this cosine on two texts say the same."""

_NUMBERED = re.compile(
    r"(?i:\b(?:part|episode|ep|no|vol|volume|chapter|week|day|v)?[.#]*\s*(?:\d+(?:[.\-]\d+)*(?:[a-z]{1,3}\d+)?)\b)"
    r"|\b(?i:part|episode|vol|volume|chapter)[.#]*\s*(?i:[ivx]+)\b|\b(?:II|III|IV|V|VI|VII|VIII|IX|X)\b|\W+"
)


def varied(ranked: Sequence[Ranked], vectors: Vectors, profile: Profile) -> list[Ranked]:
    """The same entries: those chosen first, by score, then the others, and last those that repeat a chosen one.

    `ranked` is best first, `vectors` has a row for each, shape (n, dim). Papers and other kinds are chosen apart, as
    many of each as a letter of `max_entries` may hold: a quarter of the places is for the others, what one side leaves
    the other gets. What does not reach `min_score` is left in its order, but for `surprises`: so many of the most
    popular beyond the interests come with "surprise" as their first reason.
    """
    chosen, repeated = _chosen(ranked, vectors, profile)
    surprising = _surprises(ranked, vectors, profile, chosen)
    first = [ranked[row] for row in sorted(chosen)]
    first += [_labelled(ranked[row]) for row in surprising]
    gone = {*chosen, *surprising, *repeated}
    rest = [item for row, item in enumerate(ranked) if row not in gone]
    return [*first, *rest, *(ranked[row] for row in sorted(repeated))]


def repetitions(ranked: Sequence[Ranked], vectors: Vectors, profile: Profile) -> dict[str, str]:
    """The keys of those that `varied` puts last, each with the key of the chosen one that it repeats."""
    keys = [item.entry.key for item in ranked]
    return {keys[row]: keys[other] for row, other in _chosen(ranked, vectors, profile)[1].items()}


def _chosen(ranked: Sequence[Ranked], vectors: Vectors, profile: Profile) -> tuple[list[int], dict[int, int]]:
    """The rows that are chosen, and those that repeat one of them, with that one."""
    worthy = [row for row, item in enumerate(ranked) if item.score >= profile.min_score]
    papers = [row for row in worthy if ranked[row].entry.kind == "paper"]
    others = [row for row in worthy if ranked[row].entry.kind != "paper"]
    most = profile.max_entries
    aside = min(len(others), max(most // 4, 3 if most >= 6 else 0))
    chosen: list[int] = []
    repeated: dict[int, int] = {}
    for rows, places in ((papers, most - aside), (others, max(most - len(papers), aside))):
        choice = _Choice(ranked, vectors, profile, rows[: _LOOKED_AT * places])
        chosen += choice.made(places)
        repeated |= choice.repeated
    return chosen, repeated


@dataclass
class _Choice:
    """A choice among `rows`, best first: what was taken, and what repeats something that was."""

    ranked: Sequence[Ranked]
    vectors: Vectors
    profile: Profile
    rows: Sequence[int]
    taken: list[int] = field(default_factory=list)
    repeated: dict[int, int] = field(default_factory=dict)

    def made(self, places: int) -> list[int]:
        """At most so many rows, in the order in which they were chosen."""
        near = np.full(len(self.rows), -1.0)
        score = np.array([self.ranked[row].score for row in self.rows])
        written = score - np.array([_learnt(self.ranked[row]) for row in self.rows])
        self._of = [_interest(self.ranked[row], self.profile) for row in self.rows]
        self._series = [_series(self.ranked[row]) for row in self.rows]
        free = np.ones(len(self.rows), dtype=bool)
        while free.any() and len(self.taken) < places:
            worth = score - _REPEATING * np.maximum(near - _USUAL, 0)
            number = len(self.taken)
            if number % 4 == 0:  # the first of four, so that one or two picks have theirs too
                worth = np.where(written >= self.profile.min_score, written + 1, worth)
            elif number % 2 == 1:
                worth = worth + self._behind(free, score)
            self._take(int(np.where(free, worth, -np.inf).argmax()), free, near)
        return self.taken

    def _take(self, place: int, free: NDArray[np.bool_], near: NDArray[np.float64]) -> None:
        free[place] = False
        self.taken.append(self.rows[place])
        np.maximum(near, self.vectors[list(self.rows)] @ self.vectors[self.rows[place]], out=near)
        series = np.array([one == self._series[place] for one in self._series])
        same = free & ((near >= _TWIN) | series)
        self.repeated |= {self.rows[one]: self.rows[place] for one in np.flatnonzero(same).tolist()}
        free &= ~same

    def _behind(self, free: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 for what is of the interest that is furthest behind its share and has something good left, else 0."""
        got = [self._of[self.rows.index(row)] for row in self.taken]
        near = score[free].max() - _NEAR
        good = free & (score >= near)
        likely = free & (score >= min(near, _SURE))
        wanted = {of for of, is_good in zip(self._of, good, strict=True) if is_good and of}
        wanted |= {of for of, is_likely in zip(self._of, likely, strict=True) if is_likely and of and of not in got}
        if not wanted:
            return np.zeros(len(self.rows))
        next_one = max(
            (one for one in self.profile.interests if one in wanted),
            key=lambda one: self.profile.weights.get(one, 1.0) / (2 * got.count(one) + 1),
        )
        return np.array([float(of == next_one) for of in self._of])


def _surprises(ranked: Sequence[Ranked], vectors: Vectors, profile: Profile, chosen: Sequence[int]) -> list[int]:
    """What is beyond the interests, not near to a pick nor to another, and most made of by others."""
    found: list[int] = []
    below = [row for row, item in enumerate(ranked) if item.score < profile.min_score and _popular(item) > 0]
    for row in sorted(below, key=lambda row: (-_popular(ranked[row]), row)):
        if len(found) == profile.surprises:
            break
        before = [*chosen, *found]
        if not before or float((vectors[before] @ vectors[row]).max()) < _ALIKE:
            found.append(row)
    return found


def _labelled(item: Ranked) -> Ranked:
    told = next((share.text for share in item.shares if share.name == "popular"), "")
    return replace(item, reasons=(Reason("surprise", told, _popular(item)), *item.reasons[:2]))


def _learnt(item: Ranked) -> float:
    return sum(share.value for share in item.shares if share.name == "answers")


def _popular(item: Ranked) -> float:
    return sum(share.value for share in item.shares if share.name == "popular")


def _interest(item: Ranked, profile: Profile) -> str:
    return next((one.text for one in item.reasons[:1] if one.kind == "interest" and one.text in profile.interests), "")


def _series(item: Ranked) -> tuple[str, str] | int:
    """The same for parts of one series: titles of one place that differ in their numbers only."""
    title = item.entry.title
    bare = _NUMBERED.sub(" ", title).strip().casefold()
    places = item.candidate.sightings
    if len(bare) < 3 or bare == re.sub(r"\W+", " ", title).strip().casefold():
        return id(item)
    return (places[0].source if places else "", " ".join(bare.split()))
