"""taste: all that a profile is ranked by, as matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Profile, Seed, Vectors
from aggregator.rank.pool import Pool
from aggregator.rank.weights import Weights
from aggregator.rank.widen import widened
from aggregator.rank.words import Sparse


def _none() -> Vectors:
    return np.zeros((0, 0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the reader's answers say of the candidates of a pool.

    `scores`, shape (n,), -1 to 1, in the pool's order; 0 says nothing. `like` is by row the work that was liked and
    that the candidate is most like, where that is a reason to be told.
    """

    scores: NDArray[np.float32]
    like: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """A profile, and what its words mean: a vector per interest, seed and muted topic, shape (how many, dim) each.

    `seeds` are the works behind `seed_vectors`; `answers` belong to one pool, and are None while nothing was answered.
    """

    profile: Profile
    interests: Vectors
    seeds: Sequence[Seed] = ()
    seed_vectors: Vectors = field(default_factory=_none)
    muted_topics: Vectors = field(default_factory=_none)
    answers: Learnt | None = None


@dataclass(frozen=True, slots=True)
class Centres:
    """The points that the entries of profiles gather round: for each profile its interests, then its seeds.

    An entry at cosine c and with words w (a row of TF-IDF) is worth max(0, c·vector + level) + words·w to a centre: the
    weights of the interests and of the kinds of evidence are in `vectors`, of shape (c, dim), and `words`, (c, words),
    already. `starts` is the first centre of each profile.
    """

    vectors: Vectors
    level: NDArray[np.float32]
    words: Sparse
    starts: NDArray[np.intp]


def centres(tastes: Sequence[Taste], pool: Pool, weights: Weights) -> Centres:
    """The centres of some tastes, each of which has one at least, among the words and the store of a pool."""
    from scipy.sparse import diags_array

    texts: list[str] = []
    heavy: list[float] = []
    is_seed: list[bool] = []
    starts: list[int] = []
    for taste in tastes:
        starts.append(len(texts))
        texts += [*taste.profile.interests, *(f"{seed.title}\n{seed.summary}" for seed in taste.seeds)]
        heavy += [*(taste.profile.weights.get(one, 1.0) for one in taste.profile.interests), *[1.0] * len(taste.seeds)]
        is_seed += [*[False] * len(taste.profile.interests), *[True] * len(taste.seeds)]
    if not all(np.diff([*starts, len(texts)])):
        raise ValueError("a taste has neither interests nor seeds")
    given = [part for taste in tastes for part in (taste.interests, taste.seed_vectors) if len(part)]
    seeds, much = np.array(is_seed), np.array(heavy, dtype=np.float32)
    short = ~seeds & np.array([len(text.split()) <= weights.short for text in texts])
    wide = widened(np.concatenate(given), pool.store, short, weights.nearest, weights.widening)
    scale = much * weights.stretch
    by_words = scale * np.where(seeds, weights.seed_words, weights.interest_words)
    return Centres(
        vectors=wide.vectors * (wide.scale * scale)[:, None],
        level=((wide.level - weights.zero - weights.seed_level * seeds) * scale).astype(np.float32),
        words=(diags_array(by_words) @ pool.words.of(texts)).tocsr().astype(np.float32),
        starts=np.array(starts, dtype=np.intp),
    )
