"""tasting: what a profile is ranked by, gathered from the store, its files of references and the model; and ranked."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from aggregator.embed import Embedder
from aggregator.imports import seeds_of
from aggregator.model import Candidate, Profile, Ranked, Seed, Vectors
from aggregator.rank import Pool, Taste, ranked, varied
from aggregator.rank.answers import learnt
from aggregator.store import Store

_CORPUS = 5000
"""The latest entries: those that short interests are widened by, and in which the frequency of words is counted."""


def tasted(
    store: Store,
    embedder: Embedder,
    profile: Profile,
    candidates: Sequence[Candidate],
    vectors: Vectors,
    *,
    now: datetime,
) -> list[Ranked]:
    """The candidates that the profile has not muted, in the order in which a letter takes them.

    `vectors` has a row for each, shape (n, dim). Raises InputError if a file of references cannot be read.
    """
    if not candidates:
        return []
    texts, known = store.lately(embedder.model, embedder.revision, _CORPUS)
    pool = Pool(candidates, vectors, now=now, store=known, corpus=texts, phrases=profile.interests)
    found = ranked(pool, _taste(store, embedder, profile, pool, now))
    rows = {candidate.entry.key: row for row, candidate in enumerate(candidates)}
    order = np.array([rows[item.entry.key] for item in found], dtype=np.intp)
    return varied(found, vectors[order], profile)


def _taste(store: Store, embedder: Embedder, profile: Profile, pool: Pool, now: datetime) -> Taste:
    seeds = [_filled(store, seed) for seed in seeds_of(profile.seeds).seeds]
    known = [seed for seed in seeds if seed.title]
    said, works = store.lessons(profile.name, embedder.model, embedder.revision)
    none = pool.vectors[:0]
    return Taste(
        profile=profile,
        interests=embedder.embed(profile.interests),
        seeds=known,
        seed_vectors=embedder.embed([f"{seed.title}\n{seed.summary}" for seed in known]) if known else none,
        muted_topics=embedder.embed(profile.muted_topics) if profile.muted_topics else none,
        answers=learnt(pool, said, works, now=now) if said else None,
    )


def _filled(store: Store, seed: Seed) -> Seed:
    """The seed with what the store knows of it, if only its name was given."""
    entry = None if seed.title else store.found([seed.key])
    if entry is None:
        return seed
    return Seed(key=entry.key, title=entry.title, summary=entry.summary, authors=entry.authors)
