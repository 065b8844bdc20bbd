"""spotted: evidence that is there or not: keywords, authors and venues that a profile names, and the answers' share."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.rank.people import by
from aggregator.rank.pool import Pool
from aggregator.rank.taste import Taste
from aggregator.rank.texts import whole_words
from aggregator.rank.weights import Weights

_IN_TITLE = "title:"

Numbers: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spotted:
    """One kind of evidence: what it adds to each entry, shape (n,), and by which of `names`, -1 for none."""

    adds: Numbers
    which: NDArray[np.intp]
    names: tuple[str, ...]

    def text(self, row: int) -> str:
        """The name that was spotted in a row; "" if none was."""
        return self.names[self.which[row]] if self.which[row] >= 0 else ""


@dataclass(frozen=True, slots=True)
class Beside:
    """All that adds to an entry beside meaning and words."""

    keyword: Spotted
    author: Spotted
    venue: Spotted
    answers: Numbers

    @property
    def total(self) -> Numbers:
        """The sum; shape (n,)."""
        return self.keyword.adds + self.author.adds + self.venue.adds + self.answers


def beside(pool: Pool, taste: Taste, weights: Weights) -> Beside:
    """What the words, names and answers of a taste find in a pool; of several keywords the one that adds most."""
    profile = taste.profile
    followed = [(follow.name, by(follow, pool.authors, pool.texts), weights.author) for follow in profile.follows]
    venues = [(name, pool.venues.having(whole_words([name], wildcard=True)), weights.venue) for name in profile.venues]
    learnt = np.zeros(len(pool), np.float32) if taste.answers is None else taste.answers.scores * weights.answers
    return Beside(_keywords(pool, taste, weights), _spotted(pool, followed), _spotted(pool, venues), learnt)


def _keywords(pool: Pool, taste: Taste, weights: Weights) -> Spotted:
    found = []
    for keyword in taste.profile.keywords:
        title_only = keyword.casefold().startswith(_IN_TITLE)
        pattern = whole_words([keyword[len(_IN_TITLE) :] if title_only else keyword], wildcard=True)
        found.append((keyword, pool.titles.having(pattern), weights.keyword_in_title))
        if not title_only:
            found.append((keyword, pool.texts.having(pattern), weights.keyword))
    return _spotted(pool, found)


def _spotted(pool: Pool, found: list[tuple[str, NDArray[np.bool_], float]]) -> Spotted:
    adds = np.zeros(len(pool), dtype=np.float32)
    which = np.full(len(pool), -1, dtype=np.intp)
    for number, (_, here, much) in enumerate(found):
        more = here & (much > adds)
        adds[more] = much
        which[more] = number
    return Spotted(adds, which, tuple(name for name, _, _ in found))
