"""backtest: past weeks are ranked again by a profile as it is now, and held against what its reader answered.

Each week is ranked as it would have been at its end: of what was news in it, by the answers that had been given, but
for those to works of that week itself. Popularity, and how often a word is used, are as the store knows them now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean

import numpy as np

from aggregator.compose import compose
from aggregator.embed import Embedder
from aggregator.errors import InputError
from aggregator.metrics import hit_rate, ndcg
from aggregator.model import Profile, Ranked
from aggregator.outcome import Progress, silent
from aggregator.rank import Pool, Taste, ranked, varied
from aggregator.rank.answers import learnt
from aggregator.schedule import moment, parse, zone_of
from aggregator.store import Store
from aggregator.tasting import Known, written_taste

_NOBODY = ""
"""Who has not been shown, nor has hidden, anything."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How good a ranking was: nDCG@10 of its order, and the share of the liked works among its picks; both 0 to 1."""

    ndcg: float
    hit_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What would have been picked of (since, until], in the order of the letter.

    `liked` is how many of the candidates the reader liked or saved, then or later; without any there is nothing to
    judge by. `learnt` judges the ranking by the profile and the answers before, `written` that by the profile alone.
    """

    since: datetime
    until: datetime
    candidates: int
    picks: tuple[Ranked, ...]
    liked: int = 0
    learnt: Judged | None = None
    written: Judged | None = None


def backtest(
    store: Store, embedder: Embedder, profile: Profile, *, weeks: int, now: datetime, progress: Progress = silent
) -> list[Week]:
    """The last `weeks` weeks that end with a moment of the profile's schedule, oldest first.

    Every entry has its vector already. Raises InputError if the store is empty, or a file of references cannot be read.
    """
    known = Known(store, embedder, [profile])
    if not len(known.vectors):
        raise InputError(f"database {store.name} has no entries yet; run `aggregator collect` or `aggregator backfill`")
    replay = _Replay(store, embedder, profile, known, written_taste(store, embedder, profile), _liked(store, profile))
    found = []
    with progress("ranking weeks", weeks) as step:
        for since, until in windows(profile, weeks, now):
            found.append(replay.week(since, until))
            step(1)
    return found


def windows(profile: Profile, weeks: int, now: datetime) -> list[tuple[datetime, datetime]]:
    """The ends of the last weeks in UTC, oldest first: the last ends when a digest was due last.

    The others end on the same day of the week at the same time in the profile's zone.
    """
    zone = zone_of(profile.timezone)
    last = parse(profile.schedule).latest(now, profile.timezone).at.astimezone(zone)
    days = [last.date() - timedelta(weeks=number) for number in range(weeks, -1, -1)]
    return list(pairwise(moment(day, last.time(), zone) for day in days))


def mean(judged: Iterable[Judged | None]) -> Judged | None:
    """The mean over the weeks that could be judged; None if none could."""
    known = [one for one in judged if one]
    return Judged(fmean(one.ndcg for one in known), fmean(one.hit_rate for one in known)) if known else None


def _liked(store: Store, profile: Profile) -> frozenset[str]:
    return frozenset(one.key for one in store.answers(profile.name) if one.answer in ("like", "save"))


@dataclass(frozen=True, slots=True)
class _Replay:
    """What all weeks have in common; `liked` are the keys of all works that were liked or saved."""

    store: Store
    embedder: Embedder
    profile: Profile
    known: Known
    taste: Taste
    liked: frozenset[str]

    def week(self, since: datetime, until: datetime) -> Week:
        """One week, ranked and judged."""
        model, revision = self.embedder.model, self.embedder.revision
        candidates, vectors = self.store.candidates(_NOBODY, model, revision, since, until, shown=True)
        if not candidates:
            return Week(since=since, until=until, candidates=0, picks=())
        pool = self.known.pool(self.profile, candidates, vectors, until)
        taught = self._taught(pool, until)
        order = _order(pool, taught)
        picks = self._picks(order, since, until)
        liked = self.liked & {candidate.entry.key for candidate in candidates}
        week = Week(since=since, until=until, candidates=len(candidates), picks=picks, liked=len(liked))
        if not liked:
            return week
        judged = _judged(order, picks, liked)
        if taught.answers is None:
            return replace(week, learnt=judged, written=judged)
        order = _order(pool, self.taste)
        return replace(week, learnt=judged, written=_judged(order, self._picks(order, since, until), liked))

    def _taught(self, pool: Pool, until: datetime) -> Taste:
        """The taste with what had been learnt by then, of other works than those of the pool."""
        said, works = self.store.lessons(self.profile.name, self.embedder.model, self.embedder.revision, until=until)
        own = {candidate.entry.key for candidate in pool.candidates}
        rows = [row for row, one in enumerate(said) if one.key not in own]
        if not rows:
            return self.taste
        return replace(self.taste, answers=learnt(pool, [said[row] for row in rows], works[rows], now=until))

    def _picks(self, order: Sequence[Ranked], since: datetime, until: datetime) -> tuple[Ranked, ...]:
        letter = compose(self.profile, order, period="backtest", since=since, until=until, sources=())
        return letter.picks if letter else ()


def _order(pool: Pool, taste: Taste) -> Sequence[Ranked]:
    found = ranked(pool, taste)
    return varied(found, pool.vectors_of(found), taste.profile)


def _judged(order: Sequence[Ranked], picks: Sequence[Ranked], liked: frozenset[str]) -> Judged:
    grades = np.array([int(item.entry.key in liked) for item in order], dtype=np.int64)
    return Judged(ndcg(grades, np.ones(len(liked), dtype=np.int64)), hit_rate((one.entry.key for one in picks), liked))
