"""shares: one score from 0 to 1, and the parts that it is made of, exactly.

Shares are whole ten-thousandths, so that noise in the last bits of a float cannot change an order and the parts add up
to the score without a remainder. What would go beyond 0 or 1 is taken back by a share named "bound".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Follow, Share
from aggregator.rank.muting import off_topic
from aggregator.rank.outstanding import outstanding
from aggregator.rank.people import by
from aggregator.rank.pool import Pool
from aggregator.rank.popular import told
from aggregator.rank.scoring import worth
from aggregator.rank.spotted import Beside, beside
from aggregator.rank.taste import Taste, centres
from aggregator.rank.texts import whole_words
from aggregator.rank.weights import WEIGHTS, Weights

_DIGITS = 4
_WHOLE = 10**_DIGITS

Whole: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of some rows of a pool, in ten-thousandths.

    `parts`, shape (names, rows), has a row per share but "bound"; `names` are theirs. `worth`, shape (rows, centres),
    is what each centre gives by meaning and words, `centre` the best of them. `telling`, of the same shape, is how far
    each centre stands out for a row, see `outstanding`. `muted` is what mutes a row, by row.
    """

    rows: NDArray[np.intp]
    names: tuple[str, ...]
    parts: Whole
    worth: Whole
    telling: NDArray[np.float32]
    centre: NDArray[np.intp]
    beside: Beside
    muted: dict[int, str]

    @property
    def unbounded(self) -> Whole:
        """The sums of the parts."""
        return np.asarray(self.parts.sum(axis=0))

    @property
    def scores(self) -> Whole:
        """The sums within 0 and 1."""
        return np.clip(self.unbounded, 0, _WHOLE)


def total(shares: Sequence[Share]) -> float:
    """What shares add up to, to the fourth decimal: the score."""
    return round(math.fsum(share.value for share in shares), _DIGITS)


def sums(pool: Pool, taste: Taste, rows: NDArray[np.intp], weights: Weights = WEIGHTS) -> Sums:
    """What the rows of a pool are worth to a taste, part by part."""
    centred = centres([taste], pool, weights)
    by_meaning, by_words = worth(pool, centred, rows)
    meaning, words = _whole(by_meaning), _whole(by_words)
    both = meaning + words
    centre = both.argmax(axis=1)
    here = np.arange(len(rows))
    of_interest = centre < len(taste.profile.interests)
    found = beside(pool, taste, weights)
    by_share = {
        "meaning": meaning[here, centre] * of_interest,
        "seeds": meaning[here, centre] * ~of_interest,
        "words": words[here, centre],
        "answers": _whole(found.answers[rows]),
        "keyword": _whole(found.keyword.adds[rows]),
        "author": _whole(found.author.adds[rows]),
        "venue": _whole(found.venue.adds[rows]),
        "popular": _whole(weights.popular * pool.popular[rows]),
        "fresh": _whole(weights.fresh * pool.fresh[rows]),
    }
    parts = np.stack(list(by_share.values()))
    muted = _muted(pool, taste, rows, weights)
    silenced = np.isin(rows, list(muted))
    taken = -np.maximum(parts.sum(axis=0), 0) * silenced
    telling = outstanding(pool, taste, centred, by_meaning, by_words)
    return Sums(rows, (*by_share, "muted"), np.vstack([parts, taken]), both, telling, centre, found, muted)


def shares(pool: Pool, taste: Taste, found: Sums, place: int) -> tuple[Share, ...]:
    """The shares of one of the rows that sums were made of, those that are not 0, each with what it is because of."""
    row = int(found.rows[place])
    centre = centre_text(taste, int(found.centre[place]))
    because = {
        "meaning": centre,
        "seeds": centre,
        "words": centre,
        "answers": taste.answers.like.get(row, "") if taste.answers else "",
        "keyword": found.beside.keyword.text(row),
        "author": found.beside.author.text(row),
        "venue": found.beside.venue.text(row),
        "popular": told(pool.candidates[row]),
        "fresh": f"{pool.candidates[row].entry.published:%Y-%m-%d}",
        "muted": found.muted.get(row, ""),
    }
    values = {name: int(part[place]) for name, part in zip(found.names, found.parts, strict=True)}
    values["bound"] = int(found.scores[place] - found.unbounded[place])
    kept = {name: value for name, value in values.items() if value or (name == "muted" and row in found.muted)}
    return tuple(Share(name, value / _WHOLE, because.get(name, "")) for name, value in kept.items())  # type: ignore[arg-type]


def centre_text(taste: Taste, centre: int) -> str:
    """The interest, or the title of the seed."""
    texts = taste.profile.interests
    return texts[centre] if centre < len(texts) else taste.seeds[centre - len(texts)].title


def _muted(pool: Pool, taste: Taste, rows: NDArray[np.intp], weights: Weights) -> dict[int, str]:
    """What mutes which rows: the word, the author, or the topic."""
    profile = taste.profile
    vectors = pool.vectors[rows]
    found: dict[int, str] = {}
    if len(taste.muted_topics):
        wanted = np.concatenate([part for part in (taste.interests, taste.seed_vectors) if len(part)])
        near = (vectors @ wanted.T).max(axis=1)
        words = (pool.words.matrix[rows] @ pool.words.of(profile.muted_topics).T).toarray()
        off, which = off_topic(vectors @ taste.muted_topics.T, words, near, weights.muted_topic)
        found = {int(rows[place]): profile.muted_topics[which[place]] for place in np.flatnonzero(off)}
    for word in profile.muted:
        here = pool.texts.having(whole_words([word])) | by(Follow(name=word), pool.authors, pool.texts)
        found |= dict.fromkeys(np.flatnonzero(here).tolist(), word)
    return found


def _whole(values: NDArray[np.float32]) -> Whole:
    return np.asarray(np.rint(values.astype(float) * _WHOLE), dtype=np.int64)
