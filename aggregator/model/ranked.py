"""ranked: entries that a profile may be shown, with their scores and the reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.model.entries import Entry

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, dim), rows of Euclidean length 1."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where an entry was seen: the source's name and kind, and that source's own link and signals."""

    source: str
    kind: str
    url: str
    signals: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry that a profile has not been shown, with every place where it was seen, first sighting first.

    `entry.signals` is the sum over the sightings (numbers) and the first of each link. `mentions` are the places of
    the posts, threads and videos that link to it, oldest first.
    """

    entry: Entry
    sightings: tuple[Sighting, ...]
    mentions: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """One explained part of a score: which, how much it adds (below 0: takes away), and because of what."""

    name: Literal[
        "meaning", "words", "seeds", "answers", "keyword", "author", "venue", "popular", "fresh", "muted", "bound"
    ]
    value: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an entry was ranked: the kind of evidence, its text (the interest itself), and its weight, 0 to 1."""

    kind: Literal["interest", "keyword", "author", "venue", "like", "seed", "popular", "surprise"]
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a language model made of a work's text, and the model's name; "" for what Hugging Face says of it."""

    text: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, 0 to 1, the reasons, best first, and the shares, which add up to the score.

    `telling` is the sentence of the abstract that is nearest to the best reason, `gist` are the sentences that say most
    of what was done and what came out, best first. `summary` is one by a language model, if there is any.
    """

    candidate: Candidate
    score: float
    reasons: tuple[Reason, ...]
    shares: tuple[Share, ...] = ()
    telling: str = ""
    gist: tuple[str, ...] = ()
    summary: Summary | None = None

    @property
    def entry(self) -> Entry:
        """The ranked entry itself."""
        return self.candidate.entry
