"""rank: candidates × a taste → best first, with the reasons and the sum that the score is.

pool.py      Pool: the candidates as matrices, made once for all profiles
taste.py     Taste: all that a profile is ranked by
scoring.py   scores: every profile × every entry, as products of matrices
shares.py    sums, shares: one score of exact parts
reasons.py   why, in the order in which it counts
words.py, acronyms.py, widen.py, people.py, popular.py, spotted.py, texts.py, outstanding.py    the evidence
muting.py    what is never shown
cores.py     large tasks in parts, which all cores share
variety.py   what is chosen of the best, so that no interest and no series takes all places
weights.py   how much each kind of evidence may add

Each interest and each seed is compared on its own, and an entry is as good as the best of them: the mean of several
interests, as other digests take it, lies near none of them.
"""

from collections.abc import Sequence

import numpy as np

from aggregator.model import Candidate, Profile, Ranked, Vectors
from aggregator.rank.muting import muted
from aggregator.rank.pool import Pool
from aggregator.rank.reasons import nearest, reasons
from aggregator.rank.scoring import best, scores
from aggregator.rank.shares import shares, sums, total
from aggregator.rank.taste import Learnt, Taste
from aggregator.rank.variety import repetitions, varied
from aggregator.rank.weights import WEIGHTS, Weights
from aggregator.rank.words import Vocabulary

__all__ = [
    "WEIGHTS", "Learnt", "Pool", "Taste", "Vocabulary", "Weights", "best", "explained", "muted", "nearest", "rank",
    "ranked", "repetitions", "scores", "total", "varied",
]  # fmt: skip


def rank(candidates: Sequence[Candidate], vectors: Vectors, profile: Profile, interests: Vectors) -> list[Ranked]:
    """All candidates that the profile has not muted, best first; equal scores newest first, then by key.

    `vectors` has a row per candidate, shape (n, dim), `interests` a row per interest of the profile, shape (m, dim).
    The short form of `ranked`, for a taste that is nothing but interests and among nothing but the candidates.
    """
    pool = Pool(candidates, vectors, phrases=profile.interests)
    return ranked(pool, Taste(profile=profile, interests=interests))


def ranked(pool: Pool, taste: Taste, weights: Weights = WEIGHTS) -> list[Ranked]:
    """What of a pool the taste does not mute, best first; equal scores newest first, then by key."""
    return [item for item in explained(pool, taste, range(len(pool)), weights) if not _is_muted(item)]


def explained(pool: Pool, taste: Taste, rows: Sequence[int], weights: Weights = WEIGHTS) -> list[Ranked]:
    """Some rows of a pool, muted or not, best first, with their reasons and shares.

    A score is 0 to 1, on the scale of `Weights`, and exactly what its shares add up to;
    what would be beyond 1 is 1, but stays before it in the order. A muted entry's score is 0.
    """
    if not len(rows):
        return []
    found = sums(pool, taste, np.asarray(rows, dtype=np.intp), weights)
    order = np.lexsort((pool.keys[found.rows], -pool.published[found.rows], -found.unbounded))
    result = []
    for place in order.tolist():
        parts = shares(pool, taste, found, place)
        candidate = pool.candidates[found.rows[place]]
        score = float(found.scores[place]) / 10_000
        result.append(Ranked(candidate, score, reasons(taste, found, place, parts), parts))
    return result


def _is_muted(item: Ranked) -> bool:
    return any(share.name == "muted" for share in item.shares)
