"""rank: vectors × interests → best first, with the reasons.

Each interest is compared on its own, and an entry is as good as its best interest: the mean of several interests, as
other digests take it, lies near none of them.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from aggregator.model import Candidate, Profile, Ranked, Reason, Vectors

_DIGITS = 4
"""Scores are rounded to this many decimals, so that noise in the last bits of a float cannot change an order."""

_MOST_REASONS = 3


def rank(candidates: Sequence[Candidate], vectors: Vectors, profile: Profile, interests: Vectors) -> list[Ranked]:
    """All candidates that the profile has not muted, best first; equal scores newest first, then by key.

    `vectors` has a row per candidate, shape (n, dim), `interests` a row per interest of the profile, shape (m, dim).
    A score is a cosine, 0 to 1 (what points the other way counts as 0). The first reason is the interest that gave
    the score; further ones are the interests that would have reached `min_score` by themselves, three at most.
    """
    if not candidates:
        return []
    cosines = np.clip(vectors @ interests.T, 0.0, 1.0).round(_DIGITS).astype(float)
    is_muted = muted(profile.muted)
    ranked = [
        Ranked(candidate, float(row.max()), _reasons(row, profile))
        for candidate, row in zip(candidates, cosines, strict=True)
        if not is_muted(candidate)
    ]
    return sorted(ranked, key=lambda r: (-r.score, -r.entry.published.timestamp(), r.entry.key))


def muted(words: Sequence[str]) -> Callable[[Candidate], bool]:
    """A test whether a candidate's title, abstract or categories hold one of the words or phrases, as whole words."""
    phrases = [r"\s+".join(map(re.escape, word.split())) for word in words if word.strip()]
    if not phrases:
        return lambda candidate: False  # noqa: ARG005 - nothing is muted
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)

    def is_muted(candidate: Candidate) -> bool:
        entry = candidate.entry
        return any(pattern.search(text) for text in (entry.title, entry.summary, *entry.categories))

    return is_muted


def _reasons(row: np.ndarray[tuple[int], np.dtype[np.float64]], profile: Profile) -> tuple[Reason, ...]:
    best, *others = np.argsort(-row, kind="stable")
    shown = [best, *(i for i in others[: _MOST_REASONS - 1] if row[i] >= profile.min_score)]
    return tuple(Reason("interest", profile.interests[i], float(row[i])) for i in shown)
