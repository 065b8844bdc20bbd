"""words: how alike two texts are in their words: the cosine of their TF-IDF, with acronyms and phrases.

Term frequency is sublinear, 1 + ln tf, and inverse document frequency smoothed, ln((1 + n) / (1 + df)) + 1, both as in
scikit-learn, whose sparse matrices these are; rows have Euclidean length 1.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from aggregator.rank.acronyms import Spoken, counted_as, introduced, spoken

Sparse: TypeAlias = Any
"""A scipy.sparse.csr_matrix of float32; scipy has no types."""

_WORD = re.compile(r"\w[\w-]+")


class Words:
    """The texts of the candidates as a matrix of their words, `matrix`, shape (n, words)."""

    def __init__(self, texts: Sequence[str], corpus: Sequence[str] = (), phrases: Sequence[str] = ()) -> None:
        """`corpus` is what the frequency of words is counted in, the texts themselves if it is empty.

        The pairs of neighbouring words in `phrases` (the interests) count as words of their own.
        """
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

        source = corpus or texts
        self._table: Spoken = spoken(introduced(source), phrases)
        self._stop: frozenset[str] = ENGLISH_STOP_WORDS
        self._model = TfidfVectorizer(analyzer=self._analysed, sublinear_tf=True, dtype=np.float32)
        try:
            fitted = self._model.fit_transform(source)
        except ValueError:  # not one word in all the texts
            self._model = None
        self.matrix: Sparse = self.of(texts) if corpus or not self._model else fitted

    def of(self, texts: Sequence[str]) -> Sparse:
        """Texts as rows of the same words, shape (len(texts), words); unknown words are left out."""
        if self._model is None or not texts:
            from scipy.sparse import csr_matrix

            return csr_matrix((len(texts), len(self._model.vocabulary_) if self._model else 1), dtype=np.float32)
        return self._model.transform(texts)

    def _analysed(self, text: str) -> list[str]:
        words = _WORD.findall(text.lower())
        return [*(word for word in words if word not in self._stop), *counted_as(words, self._table)]
