"""reasons: why an entry was ranked, in the order in which they count."""

import numpy as np

from aggregator.model import Reason, Share
from aggregator.rank.pool import Pool
from aggregator.rank.shares import Sums, centre_text, sums
from aggregator.rank.taste import Taste
from aggregator.rank.weights import WEIGHTS, Weights

_MOST = 3
_WORTH_TELLING = 0.03
_TELLING = 2.4
"""How far a further interest must stand out, see `outstanding`. On 90 picks of three profiles it tells nine further
interests, read one by one: six right, two near it, one wrong. Nearness alone tells 150, most of them not believable."""

_KINDS = {"keyword": "keyword", "author": "author", "venue": "venue", "answers": "like", "popular": "popular"}
"""The reason for each share that is one by itself."""


def reasons(taste: Taste, found: Sums, place: int, shares: tuple[Share, ...]) -> tuple[Reason, ...]:
    """Three at most, best first; an interest or a seed that reaches the threshold by itself before all others.

    The best interest or seed is always one; the further ones are those that would have reached `min_score` alone, and
    that stand out for this entry, because all that a reader asks for is near to all of their field.
    """
    row = found.worth[place] / 10_000
    best, *others = (-row).argsort(kind="stable")
    least = taste.profile.min_score
    others = [one for one in others if row[one] >= least and found.telling[place, one] >= _TELLING]
    alone = [_of_centre(taste, int(one), float(row[one])) for one in (best, *others[: _MOST - 1])]
    beside = [
        Reason(_KINDS[share.name], share.text, share.value)  # type: ignore[arg-type]
        for share in shares
        if share.name in _KINDS and share.text and share.value >= _WORTH_TELLING
    ]
    enough = [reason for reason in alone if reason.weight >= least]
    rest = sorted([*beside, *alone[len(enough) :]], key=lambda reason: -reason.weight)
    return tuple([*enough[:1], *sorted([*enough[1:], *rest], key=lambda reason: -reason.weight)][:_MOST])


def nearest(pool: Pool, taste: Taste, row: int, weights: Weights = WEIGHTS) -> list[Reason]:
    """All interests and seeds, the nearest to one row of a pool first, with what each gives by meaning and words."""
    worth = sums(pool, taste, np.array([row]), weights).worth[0] / 10_000
    return [_of_centre(taste, int(one), float(worth[one])) for one in (-worth).argsort(kind="stable")]


def _of_centre(taste: Taste, centre: int, weight: float) -> Reason:
    kind = "interest" if centre < len(taste.profile.interests) else "seed"
    return Reason(kind, centre_text(taste, centre), min(weight, 1.0))  # type: ignore[arg-type]
