"""tasting: what a profile is ranked by, gathered from the store, its files of references and the model; and ranked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from aggregator.embed import Embedder
from aggregator.imports import seeds_of
from aggregator.model import Candidate, Profile, Ranked, Seed, Vectors
from aggregator.rank import Pool, Taste, Vocabulary, ranked, varied
from aggregator.rank.answers import learnt
from aggregator.store import Store

_CORPUS = 5000
"""The latest entries: those that short interests are widened by, and in which the frequency of words is counted."""

FIRST_WINDOW = timedelta(days=7)
"""How far back the first digest of a profile reaches."""


class Known:
    """What the tastes of all profiles have in common, read and counted once, when the first of them needs it."""

    def __init__(self, store: Store, embedder: Embedder, profiles: Sequence[Profile]) -> None:
        """Of a profile that is not among `profiles` the pairs of words in its interests would not be seen."""
        self._store, self._embedder = store, embedder
        self._phrases = [phrase for profile in profiles for phrase in profile.interests]

    @property
    def vectors(self) -> Vectors:
        """Those of the latest entries, shape (n, dim)."""
        return self._read[1]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the latest entries, and the pairs of words in all interests."""
        return Vocabulary(self._read[0], self._phrases)

    def pool(self, profile: Profile, candidates: Sequence[Candidate], vectors: Vectors, now: datetime) -> Pool:
        """The candidates as the profile ranks them at that moment; `vectors` has a row for each, shape (n, dim)."""
        return Pool(
            candidates,
            vectors,
            now=now,
            store=self.vectors,
            vocabulary=self.vocabulary,
            phrases=profile.interests,
        )

    @cached_property
    def _read(self) -> tuple[list[str], Vectors]:
        return self._store.lately(self._embedder.model, self._embedder.revision, _CORPUS)


def next_window(store: Store, profile: Profile, now: datetime) -> tuple[datetime, datetime]:
    """What the profile's next issue covers: what became news after the first moment, and up to the second."""
    last = store.last_issue(profile.name)
    since = last.until if last else now - FIRST_WINDOW
    return since, max(since, now)  # a clock that was set back a little is waited for


@dataclass(frozen=True, slots=True)
class Tasted:
    """Candidates as a profile is ranked by: all that are not muted, the `best` first, and in the `order` of a letter.

    `pool` has them all, muted or not, and `taste` is what they were held against.
    """

    pool: Pool
    taste: Taste
    best: Sequence[Ranked]
    order: Sequence[Ranked]


def tasted(
    store: Store,
    embedder: Embedder,
    profile: Profile,
    candidates: Sequence[Candidate],
    vectors: Vectors,
    *,
    now: datetime,
    known: Known | None = None,
) -> Sequence[Ranked]:
    """The candidates that the profile has not muted, in the order in which a letter takes them.

    `vectors` has a row for each, shape (n, dim). `known` is shared by the profiles of one step; without it, it is read
    anew, with the same outcome. Raises InputError if a file of references cannot be read.
    """
    if not candidates:
        return []
    return gathered(store, embedder, profile, candidates, vectors, now=now, known=known).order


def gathered(
    store: Store,
    embedder: Embedder,
    profile: Profile,
    candidates: Sequence[Candidate],
    vectors: Vectors,
    *,
    now: datetime,
    known: Known | None = None,
) -> Tasted:
    """As `tasted`, of one candidate at least, with all that it was made of."""
    known = known or Known(store, embedder, [profile])
    pool = known.pool(profile, candidates, vectors, now)
    said, works = store.lessons(profile.name, embedder.model, embedder.revision)
    taste = replace(
        written_taste(store, embedder, profile), answers=learnt(pool, said, works, now=now) if said else None
    )
    found = ranked(pool, taste)
    return Tasted(pool, taste, found, varied(found, pool.vectors_of(found), profile))


def written_taste(store: Store, embedder: Embedder, profile: Profile) -> Taste:
    """What the profile is ranked by as it is written, without what was learnt of its answers. Raises InputError."""
    seeds = [_filled(store, seed) for seed in seeds_of(profile.seeds).seeds]
    known = [seed for seed in seeds if seed.title]
    none = np.zeros((0, 0), dtype=np.float32)
    return Taste(
        profile=profile,
        interests=embedder.embed(profile.interests),
        seeds=known,
        seed_vectors=embedder.embed([f"{seed.title}\n{seed.summary}" for seed in known]) if known else none,
        muted_topics=embedder.embed(profile.muted_topics) if profile.muted_topics else none,
    )


def _filled(store: Store, seed: Seed) -> Seed:
    """The seed with what the store knows of it, if only its name was given."""
    entry = None if seed.title else store.found([seed.key])
    if entry is None:
        return seed
    return Seed(key=entry.key, title=entry.title, summary=entry.summary, authors=entry.authors)
