"""scoring: many profiles against one pool, as products of matrices.

What is computed here decides an order among very many; the exact, explained score of the few that are looked at is
made in `shares`, of the same numbers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.rank.cores import each
from aggregator.rank.pool import Pool
from aggregator.rank.spotted import beside
from aggregator.rank.taste import Centres, Taste, centres
from aggregator.rank.weights import WEIGHTS, Weights
from aggregator.rank.words import Sparse

_BLOCK = 4096
"""So many entries at a time: what is between the two products stays in the processor's cache."""


def scores(pool: Pool, tastes: Sequence[Taste], weights: Weights = WEIGHTS) -> NDArray[np.float32]:
    """What every entry is worth to every profile before it is bounded and muted, shape (profiles, n)."""
    found = np.zeros((len(tastes), len(pool)), dtype=np.float32)
    if not (len(pool) and tastes):
        return found
    centred = centres(tastes, pool, weights)
    ends = [*centred.starts[1:], len(centred.vectors)]
    words = pool.words.matrix

    def fill(start: int) -> None:
        block = slice(start, start + _BLOCK)
        worth = centred.vectors @ pool.vectors[block].T
        worth += centred.level[:, None]
        np.maximum(worth, 0, out=worth)
        _add(worth, centred.words @ words[block].T.tocsr())
        for number, (first, end) in enumerate(zip(centred.starts, ends, strict=True)):
            worth[first:end].max(axis=0, out=found[number, block])

    each(fill, range(0, len(pool), _BLOCK))
    same = weights.popular * pool.popular + weights.fresh * pool.fresh
    for number, taste in enumerate(tastes):
        found[number] += same + beside(pool, taste, weights).total
    return found


def _add(dense: NDArray[np.float32], sparse: Sparse) -> None:
    """Add a sparse matrix, whose entries are summed up, to one of the same shape where it is not 0."""
    rows = np.repeat(np.arange(len(dense)) * dense.shape[1], np.diff(sparse.indptr))
    dense.reshape(-1)[rows + sparse.indices] += sparse.data


def best(values: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """The rows of the `most` highest of (n,) values, in no order; all of them where there are no more."""
    if most >= len(values):
        return np.arange(len(values))
    return np.argpartition(-values, most)[:most]


def worth(pool: Pool, centred: Centres, rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What rows of a pool are worth to each centre by meaning, and by words; both of shape (rows, centres)."""
    meaning = np.maximum(pool.vectors[rows] @ centred.vectors.T + centred.level, 0)
    return meaning, (pool.words.matrix[rows] @ centred.words.T).toarray()
