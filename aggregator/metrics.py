"""metrics: how good an order is, by what its reader wanted of it."""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray


def ndcg(grades: NDArray[np.int64], all_grades: NDArray[np.int64], places: int = 10) -> float:
    """NDCG of the first places, 0 to 1, with gains 2^grade - 1 (Burges, 2005); not a number where nothing is wanted.

    `grades` are those of what was ranked, in its order, shape (n,), `all_grades` of all that there was to be ranked.
    """
    discounts = 1 / np.log2(np.arange(2, places + 2))
    best = np.sort(all_grades)[::-1][:places]
    ideal = float(((2.0**best - 1) * discounts[: len(best)]).sum())
    got = float(((2.0 ** grades[:places] - 1) * discounts[: len(grades[:places])]).sum())
    return got / ideal if ideal else float("nan")


def hit_rate(shown: Iterable[str], wanted: Collection[str]) -> float:
    """The share of what was wanted that was shown, 0 to 1; not a number where nothing is wanted."""
    return len({*shown} & {*wanted}) / len({*wanted}) if wanted else float("nan")
