"""pool: the candidates as matrices, made once and ranked for as many profiles as there are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Candidate, Ranked, Vectors
from aggregator.rank.muting import said
from aggregator.rank.people import names_of
from aggregator.rank.popular import popularity
from aggregator.rank.texts import Texts
from aggregator.rank.words import Vocabulary, Words

_DAY = timedelta(days=1)
_WEEK_DAYS = 7.0


class Pool:
    """Candidates, their unit vectors, shape (n, dim), and what is known of each, a row or a number per candidate.

    `store` are the vectors of the entries by which short interests are widened, shape (s, dim); none widens nothing.
    `vocabulary` knows the frequency of words, as it is among the candidates if there is none. `phrases` are the
    interests of all profiles that will be ranked, and must be among the vocabulary's. `now` is the moment that ages are
    told from; None leaves freshness out.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        vectors: Vectors,
        *,
        now: datetime | None = None,
        store: Vectors | None = None,
        vocabulary: Vocabulary | None = None,
        phrases: Sequence[str] = (),
    ) -> None:
        self.candidates = candidates
        self.vectors = vectors
        self.store = vectors[:0] if store is None else store
        self._now = now
        self._vocabulary = vocabulary
        self._phrases = phrases

    def __len__(self) -> int:
        return len(self.candidates)

    def row(self, key: str) -> int:
        """The row of the candidate with this key. Raises KeyError."""
        return self._places[key]

    def vectors_of(self, ranked: Sequence[Ranked]) -> Vectors:
        """The vectors of some candidates, in their order, shape (len(ranked), dim)."""
        return self.vectors[np.array([self.row(item.entry.key) for item in ranked], dtype=np.intp)]

    @cached_property
    def words(self) -> Words:
        """Their words."""
        texts = [f"{candidate.entry.title}\n{candidate.entry.summary}" for candidate in self.candidates]
        return Words(texts, self._phrases, self._vocabulary)

    @cached_property
    def published(self) -> NDArray[np.float64]:
        """Seconds since 1970; shape (n,)."""
        return np.array([candidate.entry.published.timestamp() for candidate in self.candidates], dtype=float)

    @cached_property
    def keys(self) -> NDArray[np.intp]:
        """The place of each in the order of the keys; shape (n,)."""
        keys = [candidate.entry.key for candidate in self.candidates]
        places = np.empty(len(keys), dtype=np.intp)
        places[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
        return places

    @cached_property
    def popular(self) -> NDArray[np.float32]:
        """See `popularity`."""
        return popularity(self.candidates, self._ages)

    @cached_property
    def fresh(self) -> NDArray[np.float32]:
        """1 for what came out just now, less by two thirds every week; 0 where no moment was given."""
        return (np.exp(-np.maximum(self._ages, 0) / _WEEK_DAYS) * (self._now is not None)).astype(np.float32)

    @cached_property
    def titles(self) -> Texts:
        """The titles."""
        return Texts([candidate.entry.title for candidate in self.candidates])

    @cached_property
    def texts(self) -> Texts:
        """All that each says."""
        return Texts([said(candidate.entry) for candidate in self.candidates])

    @cached_property
    def authors(self) -> Texts:
        """The authors."""
        return Texts([names_of(candidate.entry) for candidate in self.candidates])

    @cached_property
    def venues(self) -> Texts:
        """Where each appeared."""
        return Texts([str(candidate.entry.signals.get("venue", "")) for candidate in self.candidates])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {candidate.entry.key: row for row, candidate in enumerate(self.candidates)}

    @cached_property
    def _ages(self) -> NDArray[np.float64]:
        """In days; from the newest where no moment was given."""
        now = self._now.timestamp() if self._now else self.published.max(initial=0)
        return (now - self.published) / _DAY.total_seconds()
