"""A simulated reader of twelve weeks of the box's papers: the digests get better, and wrong answers sink nothing."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from aggregator.model import Vectors
from bench import learning

needs_papers = pytest.mark.skipif(not learning.SHARED.is_dir(), reason="../shared, with the papers, is not here")


class LatentEmbedder:
    """A model made of the papers themselves: latent semantic analysis, in 96 dimensions."""

    model, revision = "latent", "1"

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import Normalizer

        words = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2)
        self._made = make_pipeline(words, TruncatedSVD(96, random_state=0), Normalizer()).fit(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See embed.Embedder."""
        return np.asarray(self._made.transform(texts), dtype=np.float32)


@needs_papers
def test_the_learning_curve() -> None:
    papers, weeks = learning.load()
    kept = np.flatnonzero(np.arange(len(weeks)) % np.where(weeks >= 0, 2, 6) == 0)
    papers, weeks = [papers[row] for row in kept], weeks[kept]
    texts = [f"{paper.title}\n{paper.summary}" for paper in papers]
    embedder = LatentEmbedder(texts)
    readers = learning.by_words(papers)[2:6]
    library = learning.Library(papers, embedder.embed(texts), weeks, embedder, tuple(one.interest for one in readers))
    written, answers, wrong = (
        learning.curve(library, readers, system=system, turns=1)
        for system in ("written profile", "answers", "30 % wrong answers")
    )
    assert answers.digests[0] == written.digests[0], "nothing was answered before the first week"
    assert answers.digests[3:].mean() >= 1.2 * written.digests[3:].mean()
    assert wrong.digests[3:].mean() >= written.digests[3:].mean()
    assert wrong.held_out[3:].mean() >= written.held_out[3:].mean()
    quarters = answers.held_out.reshape(4, 3).mean(axis=1)
    assert all(before <= after + 0.02 for before, after in pairwise(quarters)), quarters
    assert quarters[3] >= 1.2 * written.held_out[0]


def test_ndcg() -> None:
    wanted = np.array([2, 1, 0, 0])
    worst = (1 / np.log2(4) + 3 / np.log2(5)) / (3 + 1 / np.log2(3))
    assert learning.ndcg(wanted, wanted) == 1
    assert learning.ndcg(wanted[::-1], wanted) == pytest.approx(worst)
    assert np.isnan(learning.ndcg(np.zeros(3, dtype=int), np.zeros(3, dtype=int)))
