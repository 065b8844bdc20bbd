"""widen: short interests widened by the entries nearest to them (pseudo-relevance feedback, after Rocchio, 1971).

A phrase of four words says little of how papers about it are written; its nearest entries do.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Vectors
from aggregator.rank.cores import each

_LEAST = 5
"""Nothing is widened in a store that holds less than this many times the nearest entries: they would not be near."""

_MOST = 20_000
"""No more entries than this are looked at, evenly over the store."""

_AT_ONCE = 64
"""So many interests at a time, for the sake of memory."""

Numbers: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Widened:
    """Unit vectors, shape (m, dim), and what brings a cosine with each to the scale of the plain one, shape (m,).

    scale × cosine + level has the mean and the spread over the store that the cosine with the interest itself has, so
    that a threshold lets as much through as before.
    """

    vectors: Vectors
    scale: Numbers
    level: Numbers


def widened(interests: Vectors, store: Vectors, short: NDArray[np.bool_], nearest: int, weight: float) -> Widened:
    """The interests, those that are `short`, shape (m,), with `weight` times the mean of their nearest entries."""
    found = Widened(interests.copy(), np.ones(len(interests), np.float32), np.zeros(len(interests), np.float32))
    if weight <= 0 or nearest < 1 or len(store) < _LEAST * nearest:
        return found
    sample = store[:: -(-len(store) // _MOST)]
    rows = np.flatnonzero(short)

    def widen(start: int) -> None:
        part = rows[start : start + _AT_ONCE]
        wide = _widened(interests[part], sample, nearest, weight)
        found.vectors[part], found.scale[part], found.level[part] = wide.vectors, wide.scale, wide.level

    each(widen, range(0, len(rows), _AT_ONCE))
    return found


def _widened(interests: Vectors, sample: Vectors, nearest: int, weight: float) -> Widened:
    cosines = interests @ sample.T
    near = np.argpartition(-cosines, nearest, axis=1)[:, :nearest]
    wide = _unit(interests + weight * _unit(sample[near].mean(axis=1)))
    again = wide @ sample.T
    scale = cosines.std(axis=1) / np.maximum(again.std(axis=1), 1e-6)
    level = cosines.mean(axis=1) - scale * again.mean(axis=1)
    return Widened(wide, scale, level)


def _unit(vectors: Numbers) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
