"""outstanding: how far an interest stands out for an entry, so that it is told as one more reason only where it is one.

Every interest of a reader is somewhat near to every paper of their field: that says nothing. A further interest tells
something of an entry that is nearer to it than the field is, or that shares its words.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.rank.pool import Pool
from aggregator.rank.taste import Centres, Taste

_FEW = 20
"""A field of fewer entries says nothing of what is usual in it."""

_MOST = 5000
"""No more entries than this are looked at, evenly over the store."""

_SHARED = 25.0
"""What a hundredth of a score that comes of an interest's own words counts, in standard deviations: a quarter."""

Numbers: TypeAlias = NDArray[np.float32]


def outstanding(pool: Pool, taste: Taste, centred: Centres, meaning: Numbers, words: Numbers) -> Numbers:
    """How far each centre stands out for each of some rows, shape (rows, centres); infinite where nothing can be told.

    It is by how many standard deviations the row is nearer to the centre than the field, the entries of the store that
    reach `min_score` by one of the centres; and for interests more by the words in common. `meaning` and `words` are
    what the rows are worth to the centres.
    """
    store = pool.store if len(pool.store) else pool.vectors
    usual = np.maximum(store[:: -(-len(store) // _MOST) or 1] @ centred.vectors.T + centred.level, 0)
    field = usual[usual.max(axis=1) >= taste.profile.min_score]
    if len(field) < _FEW:
        return np.full(meaning.shape, np.inf, dtype=np.float32)
    of_interest = np.arange(meaning.shape[1]) < len(taste.profile.interests)
    z = (meaning - field.mean(axis=0)) / np.maximum(field.std(axis=0), 1e-6)
    return np.asarray(z + _SHARED * words * of_interest, dtype=np.float32)
