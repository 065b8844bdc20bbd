"""muting: what a reader never wants to see: words as they stand, and topics by meaning."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Candidate, Entry
from aggregator.rank.texts import whole_words


def said(entry: Entry) -> str:
    """All that an entry says, as one text to be searched; no phrase goes from one part of it into the next."""
    return "\n|\n".join((entry.title, entry.summary, *entry.categories))


def muted(words: Sequence[str]) -> Callable[[Candidate], bool]:
    """A test whether a candidate's title, abstract or categories hold one of the words or phrases, as whole words."""
    pattern = whole_words(words)
    return lambda candidate: pattern is not None and pattern.search(said(candidate.entry).casefold()) is not None


def off_topic(
    topics: NDArray[np.float32], words: NDArray[np.float32], interests: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Whether each entry is of a muted topic, and of which; both of shape (n,).

    `topics` and `words`, shape (n, topics), are cosines with each topic, of meaning and of words; `interests`, shape
    (n,), those of meaning with the best interest. An entry is muted if the two together reach the threshold and it is
    nearer in meaning to the topic than to anything that the reader asked for. There must be one topic at least.
    """
    nearness = np.where(topics > interests[:, None], topics + words, 0)
    return nearness.max(axis=1) >= threshold, nearness.argmax(axis=1)
