"""answers: what a reader's likes and dislikes say of the works that they have not seen.

With few answers a work is as good as it is near to the nearest that were liked; with more a linear classifier decides,
kernel ridge regression on the words and the vector of a work together, of which the answer left out can be foretold
without fitting again (Allen's PRESS, 1974). How well the answers foretell each other is how far they are believed: what
is answered at random moves little. Answers that all others speak against count little, and old ones fade. What was
shown and not answered speaks a little against itself, and so do some of the candidates, of whom nothing is known but
that most works are not wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Answer, Vectors
from aggregator.rank.pool import Pool
from aggregator.rank.taste import Learnt
from aggregator.rank.words import Sparse

HALF_LIFE = timedelta(days=90)
"""An answer of that age counts half."""

_STRENGTH: dict[Answer | None, float] = {"like": 1.0, "save": 2.0, "dislike": 1.0, "hide": 0.0, None: 0.7}
"""How much each answer counts; None is that the work was shown and nothing was said, which is a little against it."""

_MOST = 600
"""No more works than this are learnt from, the newest."""

_WORDS, _MEANING = 1.0, 0.1
"""What the likeness of words and that of meaning weigh in the classifier."""

_RIDGE = 12.0
_NEAREST = 3
_RULE, _RULED = 0.75, 2.5
"""What the classifier weighs at most, the nearest having the rest, and after how many likes half of that."""

_HALF = 6.0
"""After so many likes, what was learnt weighs half of what it may."""

_BEHIND, _BEHIND_WEIGHT = 256, 20.0
"""So many candidates, evenly over the pool, stand for all that is not wanted, and how much they count together."""

_ENOUGH = 20
"""From so many answers on, those that all others speak against are found."""

_CHANCE, _SURE = 0.55, 6.0
"""The area under the curve that chance may have made, and how trust grows with what is beyond."""

_HOPE, _FEW = 0.8, 16.0
"""What that area is taken to be before much is known, and how many answers that guess is worth."""

_NEAR = 0.4
"""From this cosine on, two works are so alike that one is a reason to be told for the other."""

_BLOCK = 8192

Numbers: TypeAlias = NDArray[np.float64]


class Said(Protocol):
    """A work that a reader was shown, what they said of it (None: nothing), and when."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def text(self) -> str:
        """Its title and abstract."""

    @property
    def answer(self) -> Answer | None:
        """What was said."""

    @property
    def at(self) -> datetime:
        """When it was said, or shown."""


@dataclass(frozen=True, slots=True)
class InWords:
    """What answers taught, to be read: words and titles that speak for a work, and against it; the strongest first."""

    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    trust: float = 0.0


@dataclass(frozen=True, slots=True)
class _Works:
    """What there is to learn from: works, which of them are `likes`, which were `told`, and how much each counts."""

    said: Sequence[Said]
    rows: Sequence[int]
    likes: NDArray[np.bool_]
    told: NDArray[np.bool_]
    weight: Numbers

    @property
    def titles(self) -> NDArray[np.object_]:
        """Their titles."""
        return np.array([work.title for work in self.said], dtype=object)

    @property
    def is_two_sided(self) -> bool:
        """Whether there is something to tell the likes from."""
        return bool(self.likes.any() and not self.likes.all())


@dataclass(frozen=True, slots=True)
class _Fit:
    """A classifier: `alpha`, what each work adds to the rule, those of which nothing was said at the end.

    `foretold` is what the rule of all others says of each that was said of; `weight` how much each of those counts once
    those that are out of place were found; `trust` 0 to 1.
    """

    alpha: Numbers
    foretold: Numbers
    weight: Numbers
    trust: float


def learnt(pool: Pool, said: Sequence[Said], vectors: Vectors, *, now: datetime) -> Learnt:
    """What is to be thought of each candidate of the pool, by all that was said; `vectors` has a row per work said of.

    A score is near 0 while little was said, and never beyond -1 and 1; "hide" teaches nothing. `like` names by row the
    liked work that a good candidate is nearest to, or the disliked one of a bad candidate, if it is near.
    """
    works = _works(said, now)
    if not len(pool) or not works.told.any():
        return Learnt(np.zeros(len(pool), dtype=np.float32))
    own = vectors[works.rows]
    rule, fit = _ruled(pool, own, works)
    near = _spread(_near(pool, own, works, fit))
    if works.likes.any():
        much = float(works.weight[works.likes].sum())
        share = _RULE * much / (much + _RULED)
        opinion = share * _spread(rule) + (1 - share) * near
        opinion -= np.median(opinion)  # who likes one thing has said nothing against all others
    else:
        much = float(works.weight[works.told].sum()) / 2
        opinion = np.minimum(near, 0)
    scores = (fit.trust * much / (much + _HALF) * np.tanh(opinion / 3)).astype(np.float32)
    return Learnt(scores, _nearest(pool, scores, own, works))


def _ruled(pool: Pool, own: Vectors, works: _Works) -> tuple[Numbers, _Fit]:
    """What the classifier says of each candidate, and the classifier."""
    from scipy.sparse import vstack

    behind = np.unique(np.linspace(0, len(pool) - 1, _BEHIND).astype(np.intp))
    words = vstack([pool.words.of([work.text for work in works.said]), pool.words.matrix[behind]], format="csr")
    centre: Vectors = pool.vectors.mean(axis=0, dtype=np.float32)
    meaning = np.vstack([own, pool.vectors[behind]]) - centre
    fit = _fitted(_WORDS * _products(words) + _MEANING * (meaning @ meaning.T), works, len(behind))
    by_words = pool.words.matrix @ (_WORDS * (words.T @ fit.alpha))
    by_meaning = (pool.vectors - centre) @ (_MEANING * (meaning.T @ fit.alpha))
    return by_words + by_meaning, fit


def in_words(said: Sequence[Said], *, now: datetime, most: int = 8) -> InWords:
    """The `most` telling words and pairs of words, and titles, of what was said; nothing where there is nothing."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    works = _works(said, now)
    letters = r"[^\W\d_][\w-]+"
    model = TfidfVectorizer(sublinear_tf=True, stop_words="english", token_pattern=letters, ngram_range=(1, 2))
    try:
        words = model.fit_transform([work.text for work in works.said]) if works.told.any() else None
    except ValueError:  # not one word in all the texts
        words = None
    if words is None:
        return InWords()
    fit = _fitted(_products(words), works)
    alone = np.where(works.likes, fit.weight, -fit.weight) * works.told  # what was passed over says nothing by itself
    strength = words.T @ (fit.alpha if works.is_two_sided else alone)
    names = model.get_feature_names_out()
    order = np.argsort(-strength, kind="stable")
    typical = np.argsort(-fit.foretold, kind="stable")
    return InWords(
        more=_apart([str(names[one]) for one in order[: 9 * most] if strength[one] > 0], most),
        less=_apart([str(names[one]) for one in order[::-1][: 9 * most] if strength[one] < 0], most),
        liked=tuple(works.titles[[row for row in typical if works.likes[row]]][:most].tolist()),
        disliked=tuple(
            works.titles[[row for row in typical[::-1] if works.told[row] > works.likes[row]]][:most].tolist()
        ),
        trust=fit.trust,
    )


def _apart(names: Sequence[str], most: int) -> tuple[str, ...]:
    """The first names, without those that share a word with one before: "target" beside "target speaker"."""
    kept: list[str] = []
    for name in names:
        if len(kept) < most and not any(set(name.split()) & set(other.split()) for other in kept):
            kept.append(name)
    return tuple(kept)


def _works(said: Sequence[Said], now: datetime) -> _Works:
    rows = [row for row, work in enumerate(said) if _STRENGTH[work.answer] > 0]
    rows = sorted(rows, key=lambda row: (said[row].answer is None, -said[row].at.timestamp()))[:_MOST]
    works = [said[row] for row in rows]
    ages = np.array([(now - work.at) / HALF_LIFE for work in works], dtype=float)
    return _Works(
        said=works,
        rows=rows,
        likes=np.array([work.answer in ("like", "save") for work in works], dtype=bool),
        told=np.array([work.answer is not None for work in works], dtype=bool),
        weight=np.array([_STRENGTH[work.answer] for work in works], dtype=float) * 0.5 ** np.maximum(ages, 0),
    )


def _products(words: Sparse) -> Numbers:
    return np.asarray((words @ words.T).toarray(), dtype=float)


def _fitted(kernel: Numbers, works: _Works, behind: int = 0) -> _Fit:
    """The classifier of likes against all else, fitted twice: then without what the first fit finds out of place.

    The last `behind` rows of the kernel are of works of which nothing was said.
    """
    likes = np.concatenate([works.likes, np.zeros(behind, dtype=bool)])
    others = np.full(behind, _BEHIND_WEIGHT / max(behind, 1))
    weight, said = works.weight, len(works.likes)
    alpha, foretold = _ridge(kernel, likes, np.concatenate([weight, others]))
    if works.told.sum() >= _ENOUGH and works.is_two_sided:
        agreeing = _spread(foretold[:said] * np.where(works.likes, 1.0, -1.0))
        doubted = weight / (1 + np.exp(-2 * (agreeing + 1)))
        weight = np.asarray(np.where(works.told, doubted, weight), dtype=float)
        alpha, foretold = _ridge(kernel, likes, np.concatenate([weight, others]))
    return _Fit(alpha, foretold[:said], weight, _trust(foretold[:said], works.likes))


def _ridge(kernel: Numbers, likes: NDArray[np.bool_], weight: Numbers) -> tuple[Numbers, Numbers]:
    """What each work adds to the rule, and what the rule of all others says of it. All likes weigh as all else."""
    heavy: Numbers = np.asarray(np.maximum(weight, 1e-6), dtype=float)
    if likes.any() and not likes.all():
        heavy[likes] *= heavy[~likes].sum() / heavy[likes].sum()
    side = np.where(likes, 1.0, -1.0)
    inverse: Numbers = np.asarray(np.linalg.inv(kernel + _RIDGE * np.diag(1 / heavy)), dtype=float)
    alpha: Numbers = inverse @ side
    return alpha, side - alpha / np.diag(inverse)


def _trust(foretold: Numbers, likes: NDArray[np.bool_]) -> float:
    """How well the answers foretell each other, 0 (no better than chance) to 1; of few answers a hopeful guess.

    It is made of the chance that a liked work is put before another (the area under the ROC curve).
    """
    liked, few = int(likes.sum()), min(int(likes.sum()), int((~likes).sum()))
    place = np.argsort(np.argsort(foretold, kind="stable"), kind="stable") + 1
    area = (float(place[likes].sum()) - liked * (liked + 1) / 2) / (liked * (len(likes) - liked)) if few else 0.0
    believed = (area * few + _HOPE * _FEW) / (few + _FEW)
    return float(np.clip(_SURE * (believed - _CHANCE), 0, 1))


def _near(pool: Pool, own: Vectors, works: _Works, fit: _Fit) -> Numbers:
    """How near each candidate is to the nearest liked works, or, where none was liked, how far from the disliked."""
    chosen = works.likes if works.likes.any() else works.told
    others = own[chosen] * np.sqrt(fit.weight[chosen] / fit.weight[chosen].max())[:, None]
    count = min(_NEAREST, len(others))
    found = np.empty(len(pool))
    for start in range(0, len(pool), _BLOCK):
        cosines = pool.vectors[start : start + _BLOCK] @ others.T
        found[start : start + _BLOCK] = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1)
    return found if works.likes.any() else -found


def _nearest(pool: Pool, scores: NDArray[np.float32], own: Vectors, works: _Works) -> dict[int, str]:
    """By row the title of the nearest liked work, of the nearest disliked one where the score is below 0."""
    found: dict[int, str] = {}
    for rows, others in (
        (np.flatnonzero(scores > 0), works.likes),
        (np.flatnonzero(scores < 0), works.told & ~works.likes),
    ):
        titles = works.titles[others]
        for start in range(0, len(rows) if others.any() else 0, _BLOCK):
            part = rows[start : start + _BLOCK]
            cosines = pool.vectors[part] @ own[others].T
            near = cosines.max(axis=1) >= _NEAR
            found |= dict(zip(part[near].tolist(), titles[cosines[near].argmax(axis=1)].tolist(), strict=True))
    return found


def _spread(values: Numbers) -> Numbers:
    """The values by how many standard deviations they are from their mean; 0 where all are the same."""
    spread = float(values.std())
    return np.asarray((values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values)), dtype=float)
