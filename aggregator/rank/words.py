"""words: how alike two texts are in their words: the cosine of their TF-IDF, with acronyms and phrases.

Term frequency is sublinear, 1 + ln tf, and inverse document frequency smoothed, ln((1 + n) / (1 + df)) + 1, both as in
scikit-learn, whose sparse matrices these are; rows have Euclidean length 1.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.rank.acronyms import Spoken, counted_as, introduced, spoken

Sparse: TypeAlias = Any
"""A scipy.sparse.csr_matrix of float32; scipy has no types."""

_WORD = re.compile(r"\w[\w-]+")


class Vocabulary:
    """The words of a corpus, and in how many of its texts each stands: counted once, for as many profiles as there are.

    The pairs of neighbouring words in `phrases`, the interests of all profiles, count as words of their own; those of
    one profile play no part in the words of another.
    """

    def __init__(self, corpus: Sequence[str], phrases: Sequence[str] = ()) -> None:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer, TfidfTransformer

        self._table: Spoken = spoken(introduced(corpus), phrases)
        self._stop: frozenset[str] = ENGLISH_STOP_WORDS
        self._model = CountVectorizer(analyzer=self._analysed, dtype=np.float32)
        self._frequency = TfidfTransformer(sublinear_tf=True)
        self._rows = {text: row for row, text in enumerate(corpus)}
        try:
            self._counts = self._model.fit_transform(corpus)
        except ValueError:  # not one word in all the texts
            self._model = None
            return
        self._frequency.fit(self._counts)
        self._pairs = {name: place for name, place in self._model.vocabulary_.items() if " " in name}

    def foreign(self, phrases: Sequence[str]) -> NDArray[np.intp]:
        """The columns of the pairs of words that are in none of these phrases."""
        own = {" ".join(pair) for phrase in phrases for pair in pairwise(_WORD.findall(phrase.lower()))}
        pairs = self._pairs if self._model else {}
        return np.array(sorted(place for name, place in pairs.items() if name not in own), dtype=np.intp)

    def of(self, texts: Sequence[str], without: NDArray[np.intp]) -> Sparse:
        """Texts as rows, shape (len(texts), words), without some columns; unknown words are left out."""
        from scipy.sparse import csr_matrix, vstack

        if self._model is None or not texts:
            return csr_matrix((len(texts), len(self._model.vocabulary_) if self._model else 1), dtype=np.float32)
        new = list(dict.fromkeys(text for text in texts if text not in self._rows))
        met = list(dict.fromkeys(text for text in texts if text in self._rows))
        parts = [self._counts[[self._rows[text] for text in met]], *([self._model.transform(new)] if new else [])]
        places = {text: place for place, text in enumerate((*met, *new))}
        counts = vstack(parts, format="csr")[[places[text] for text in texts]]
        counts.data[np.isin(counts.indices, without)] = 0
        counts.eliminate_zeros()
        return self._frequency.transform(counts, copy=False).astype(np.float32, copy=False)

    def _analysed(self, text: str) -> list[str]:
        words = _WORD.findall(text.lower())
        return [*(word for word in words if word not in self._stop), *counted_as(words, self._table)]


class Words:
    """The texts of the candidates as a matrix of their words, `matrix`, shape (n, words)."""

    def __init__(self, texts: Sequence[str], phrases: Sequence[str] = (), vocabulary: Vocabulary | None = None) -> None:
        """`vocabulary` has the frequency of words, and the pairs in `phrases`; without one the texts make their own."""
        self._vocabulary = vocabulary or Vocabulary(texts, phrases)
        self._foreign = self._vocabulary.foreign(phrases)
        self.matrix: Sparse = self.of(texts)

    def of(self, texts: Sequence[str]) -> Sparse:
        """Texts as rows of the same words, shape (len(texts), words); unknown words are left out."""
        return self._vocabulary.of(texts, self._foreign)
