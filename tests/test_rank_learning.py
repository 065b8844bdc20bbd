"""A simulated reader of twelve weeks of the box's papers: the digests get better, and wrong answers sink nothing."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from aggregator.model import Vectors
from bench import learning
from bench._readers import CHOSEN_ON, by_words

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
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_learning_curve() -> None:
    papers, weeks = learning.load()
    kept = np.flatnonzero(np.arange(len(weeks)) % np.where(weeks >= 0, 2, 6) == 0)
    papers, weeks = [papers[row] for row in kept], weeks[kept]
    texts = [f"{paper.title}\n{paper.summary}" for paper in papers]
    embedder = LatentEmbedder(texts)
    readers = by_words(papers, CHOSEN_ON)[2:6]
    library = learning.Library(papers, embedder.embed(texts), weeks, embedder, tuple(one.interest for one in readers))
    written, answers, wrong = (learning.curve(library, readers, system=system, lives=1) for system in learning.SYSTEMS)
    without, taught, misled = (one.digests.mean(axis=0) for one in (written, answers, wrong))
    assert taught[0] == misled[0] == without[0], "nothing was answered before the first week"
    assert taught[3:].mean() >= 1.2 * without[3:].mean()
    assert misled[3:].mean() >= without[3:].mean()
    without, taught, misled = (one.held_out.mean(axis=0) for one in (written, answers, wrong))
    np.testing.assert_allclose(without, without[0])
    assert misled[3:].mean() >= without[3:].mean()
    quarters = taught.reshape(4, 3).mean(axis=1)
    assert all(before <= after + 0.02 for before, after in pairwise(quarters)), quarters
    assert quarters[3] >= 1.2 * without[0]


def test_what_a_reader_says() -> None:
    random = np.random.default_rng(0)
    said = {
        (wants, wrong): Counter(learning._answer(wants, wrong, random) for _ in range(2000))
        for wants in (0, 1, 2)
        for wrong in (0.0, 0.3)
    }
    assert said[0, 0.0]["like"] == said[1, 0.0]["dislike"] == 0
    assert said[0, 0.0]["dislike"] == pytest.approx(500, abs=80)
    assert said[1, 0.0]["like"] == pytest.approx(1400, abs=80)
    assert said[2, 0.0]["save"] == pytest.approx(0.3 * 1400, abs=80)
    assert said[1, 0.3]["dislike"] == pytest.approx(0.3 * 1400, abs=80)


def test_gains_are_told_with_a_range() -> None:
    base = np.full((6, 12), 0.5)
    values = base * np.linspace(1, 2.1, 12) + np.linspace(-0.05, 0.05, 6)[:, None]
    figures = learning._gains(values, base)
    assert figures["gain in week 1, %"] == pytest.approx(0)
    assert figures["gain in week 12, %"] == pytest.approx(110)
    assert figures["gain in week 4, low, %"] < figures["gain in week 4, %"] < figures["gain in week 4, high, %"]
    assert figures["least gain of a week from week 4 on, %"] == pytest.approx(30)
    assert figures["gain from week 4 on, %"] == pytest.approx(70)
    assert figures["weeks that fell"] == figures["readers who lost"] == 0
