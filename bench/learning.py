"""learning: how a digest gets better by a reader's answers, on the papers of the small internet in ../shared.

A simulated reader (bench/_readers.py) gets the product's own digest of twelve weeks and answers some of what is in it.
The figures in rank/answers.py were chosen on some of them, in a faster copy of this simulation; the "other readers" had
no part in that. Who would not even get twelve picks in twelve weeks is left out: they would write something else, and
nothing can be learnt from empty digests.

The weeks differ in how many papers there are and how hard they are. So each reader lives twelve times, the others
four, beginning in each of the weeks in turn (after the last comes the first): every week is then as often somebody's
first as it is somebody's last, without answers the curve is flat, and what rises is what was learnt. `held out` is the
same ranking over papers from before the twelve weeks, of which none was ever shown. The range of a figure is that of 95
in 100 samples of as many readers, drawn with replacement.
"""

import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from aggregator.embed import Embedder, SentenceEmbedder
from aggregator.metrics import ndcg
from aggregator.model import Answer, Candidate, Entry, Profile, Vectors
from aggregator.rank import Pool, Taste, Vocabulary, ranked, scores, varied
from aggregator.rank.answers import learnt
from bench import Row
from bench._readers import CHOSEN_ON, OTHERS, Reader, by_topics, by_words

SHARED = Path(__file__).parent.parent.parent / "shared"
WEEKS = 12
FROM = 3
"""The gain is told from the fourth week on."""
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)

MIN_SCORE = 0.1
"""Who writes three vague words gets little that reaches the usual threshold, and lowers it: a cosine of 0.3."""

BASE = "written profile"
SYSTEMS: Mapping[str, float | None] = {BASE: None, "answers": 0.0, "30 % wrong answers": 0.3}
"""How many of the answers are wrong; None: there are none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper that was shown, and what was said of it."""

    row: int
    title: str
    text: str
    answer: Answer | None
    at: datetime


@dataclass
class Library:
    """The papers, their vectors, the week of each (0 to 11; -1 is before them), and the pools to choose from."""

    papers: Sequence[Entry]
    vectors: Vectors
    weeks: NDArray[np.int64]
    embedder: Embedder
    interests: tuple[str, ...]
    pools: dict[int, Pool] = field(default_factory=dict)
    unanswered: dict[tuple[str, int], NDArray[np.intp]] = field(default_factory=dict)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of all papers."""
        return Vocabulary([_text(paper) for paper in self.papers], self.interests)

    def rows(self, week: int) -> NDArray[np.intp]:
        """The papers of a week."""
        return np.flatnonzero(self.weeks == week)

    def pool(self, week: int) -> Pool:
        """The papers of a week as candidates."""
        if week not in self.pools:
            rows = self.rows(week)
            candidates = [Candidate(entry=self.papers[row], sightings=()) for row in rows]
            self.pools[week] = Pool(
                candidates, self.vectors[rows], store=self.vectors, vocabulary=self.vocabulary, phrases=self.interests
            )
        return self.pools[week]

    def serves(self, interest: str) -> bool:
        """Whether somebody who writes this gets a pick a week, on average, before they answer anything."""
        profile = profile_of(interest)
        taste = Taste(profile=profile, interests=self.embedder.embed([interest]))
        found = [scores(self.pool(week), [taste]) >= profile.min_score for week in range(WEEKS)]
        return sum(int(one.sum()) for one in found) >= WEEKS


def run() -> list[Row]:
    """The learning curve without answers, with right ones, and with 30 % wrong ones."""
    if not SHARED.is_dir():
        print(f"bench learning: nothing measured, there is no {SHARED}", file=sys.stderr)
        return []
    embedder = SentenceEmbedder()
    papers, weeks = load()
    vectors = _vectors(papers, embedder)
    rows = []
    for about, group, lives in (("", CHOSEN_ON, WEEKS), (" of other readers", OTHERS, WEEKS // 3)):
        readers = [*by_words(papers, group), *by_topics(papers, group)]
        library = Library(papers, vectors, weeks, embedder, tuple(reader.interest for reader in readers))
        readers = [reader for reader in readers if library.serves(reader.interest)]
        curves = {system: curve(library, readers, system=system, lives=lives) for system in SYSTEMS}
        rows += _rows(curves, about)
    return rows


def load() -> tuple[list[Entry], NDArray[np.int64]]:
    """The papers of the box, each once, and the week of each: the last twelve weeks from 0 on, -1 before them."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("arxiv", "hf"):
        with gzip.open(SHARED / "internet" / "data" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for paper in map(json.loads, lines):
                found.setdefault(paper["id"], paper)
    days = [date.fromisoformat(paper.get("listed") or paper["day"]) for paper in found.values()]
    mondays = [day - timedelta(days=day.weekday()) for day in days]
    last = max(mondays)
    weeks = np.array([WEEKS - 1 - (last - monday).days // 7 for monday in mondays])
    papers = [_entry(paper, day) for paper, day in zip(found.values(), days, strict=True)]
    return papers, np.maximum(weeks, -1)


def _entry(paper: Mapping[str, Any], day: date) -> Entry:
    return Entry(
        key=f"arxiv:{paper['id']}",
        kind="paper",
        title=paper["title"],
        url=f"https://arxiv.org/abs/{paper['id']}",
        published=datetime.combine(day, datetime.min.time(), UTC),
        summary=paper["abstract"],
        authors=tuple(paper.get("authors", ())),
    )


def _text(paper: Entry) -> str:
    return f"{paper.title}\n{paper.summary}"


def _vectors(papers: Sequence[Entry], embedder: SentenceEmbedder) -> Vectors:
    """The vectors of the papers, kept in the user's cache: they take minutes."""
    file = user_cache_path("paper-aggregator") / "bench-learning.npz"
    keys = [paper.key.partition(":")[2] for paper in papers]
    if file.exists():
        with np.load(file) as kept:
            if kept["ids"].tolist() == keys and str(kept["revision"]) == embedder.revision:
                return np.asarray(kept["vectors"], dtype=np.float32)
    vectors = embedder.embed([_text(paper) for paper in papers])
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, ids=np.array(keys), vectors=vectors, revision=np.array(embedder.revision))
    return vectors


@dataclass(frozen=True, slots=True)
class Curve:
    """NDCG@10 by reader and week, of the digests and of the papers held out, each the mean of lives, (readers, 12)."""

    digests: NDArray[np.float64]
    held_out: NDArray[np.float64]


def curve(library: Library, readers: Sequence[Reader], *, system: str, lives: int = WEEKS) -> Curve:
    """What each reader gets, who lives through the weeks so many times, beginning elsewhere.

    The papers held out are ranked in every sixth life.
    """
    digests, held_out = [], []
    for number, reader in enumerate(readers):
        found = []
        for turn in range(lives):
            random = np.random.default_rng((2026, number, turn))
            life = _Life(library, reader, SYSTEMS[system], random)
            first = (number + turn * WEEKS // lives) % WEEKS
            found.append([life.week(first + week, week, hold_out=turn % 6 == 0) for week in range(WEEKS)])
        both = np.array(found)
        digests.append(np.nanmean(both[:, :, 0], axis=0))
        held_out.append(both[::6, :, 1].mean(axis=0))
    return Curve(np.array(digests), np.array(held_out))


def profile_of(interest: str) -> Profile:
    """A profile with this interest, and all else but the threshold as it is where nothing is said."""
    return Profile(
        name="reader",
        email=(),
        schedule="weekly mon 08:00",
        timezone="UTC",
        interests=(interest,),
        min_score=MIN_SCORE,
    )


class _Life:
    """A reader's twelve weeks; `wrong` None: nothing is ever answered."""

    def __init__(self, library: Library, reader: Reader, wrong: float | None, random: np.random.Generator) -> None:
        self._library, self._reader, self._wrong, self._random = library, reader, wrong, random
        self._profile = profile_of(reader.interest)
        self._interests = library.embedder.embed([reader.interest])
        self._shown: list[Shown] = []

    def week(self, place: int, number: int, *, hold_out: bool) -> tuple[float, float]:
        """NDCG@10 of the digest of a week, and of the papers held out."""
        library, wants, now = self._library, self._reader.wants, NOW + timedelta(weeks=number)
        rows = library.rows(place % WEEKS)
        order = self._digest(place % WEEKS, now) if self._shown else self._unanswered(place % WEEKS, now)
        untouched = self._untouched(now) if hold_out else float("nan")
        if self._wrong is not None:
            self._answer(order[: self._profile.max_entries], self._wrong, now)
        return ndcg(wants[order], wants[rows]), untouched

    def _unanswered(self, week: int, now: datetime) -> NDArray[np.intp]:
        """The same in every life."""
        name = (self._reader.interest, week)
        if name not in self._library.unanswered:
            self._library.unanswered[name] = self._digest(week, now)
        return self._library.unanswered[name]

    def _digest(self, week: int, now: datetime) -> NDArray[np.intp]:
        pool = self._library.pool(week)
        found = ranked(pool, self._taste(pool, now))
        digest = varied(found, pool.vectors_of(found), self._profile)
        return self._library.rows(week)[[pool.row(item.entry.key) for item in digest]]

    def _untouched(self, now: datetime) -> float:
        pool, rows = self._library.pool(-1), self._library.rows(-1)
        order = np.argsort(-scores(pool, [self._taste(pool, now)])[0], kind="stable")
        return ndcg(self._reader.wants[rows[order]], self._reader.wants[rows])

    def _taste(self, pool: Pool, now: datetime) -> Taste:
        vectors = self._library.vectors[[one.row for one in self._shown]]
        said = learnt(pool, self._shown, vectors, now=now) if self._shown else None
        return Taste(profile=self._profile, interests=self._interests, answers=said)

    def _answer(self, rows: NDArray[np.intp], wrong: float, now: datetime) -> None:
        for row in rows.tolist():
            answer, paper = _answer(int(self._reader.wants[row]), wrong, self._random), self._library.papers[row]
            self._shown.append(Shown(row, paper.title, _text(paper), answer, now))


def _answer(wants: int, wrong: float, random: np.random.Generator) -> Answer | None:
    """What the reader says: seven of ten wanted papers are liked, some saved; a quarter of the others disliked."""
    speaks, errs, keeps = random.random(3)
    if speaks >= (0.7 if wants else 0.25):
        return None
    if bool(wants) == (errs < wrong):
        return "dislike"
    return "save" if wants == 2 and keeps < 0.3 else "like"


def _rows(curves: Mapping[str, Curve], about: str) -> list[Row]:
    rows = []
    for task in ("digests", "held_out"):
        base = getattr(curves[BASE], task)
        for system, found in curves.items():
            values = getattr(found, task)
            figures = {f"nDCG@10, week {week}": 100 * value for week, value in enumerate(values.mean(axis=0), 1)}
            if system != BASE:
                figures |= _gains(values, base)
            rows += [
                Row(
                    bench="learning",
                    task=task.replace("_", " ") + about,
                    system=system,
                    metric=metric,
                    value=float(value),
                )
                for metric, value in figures.items()
            ]
    return rows


def _gains(values: NDArray[np.float64], base: NDArray[np.float64]) -> dict[str, float]:
    """By how much the means over readers are above those without answers, week by week and from the fourth on."""
    drawn = np.random.default_rng(0).integers(len(values), size=(2000, len(values)))
    gain, sampled = _gain(values, base), _gain(values[drawn], base[drawn])
    low, high = np.quantile(sampled, (0.025, 0.975), axis=0)
    figures = {f"gain in week {week}, %": value for week, value in enumerate(gain, 1)}
    figures |= {f"gain in week {week}, low, %": value for week, value in enumerate(low, 1) if week > FROM}
    figures |= {f"gain in week {week}, high, %": value for week, value in enumerate(high, 1) if week > FROM}
    figures["gain from week 4 on, %"] = float(_gain(values[:, FROM:].mean(axis=1), base[:, FROM:].mean(axis=1)))
    figures["least gain of a week from week 4 on, %"] = gain[FROM:].min()
    figures["weeks that fell"] = sum(later < before for before, later in pairwise(values.mean(axis=0)))
    figures["readers who lost"] = int((values[:, FROM:].mean(axis=1) < base[:, FROM:].mean(axis=1)).sum())
    return figures


def _gain(values: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative, in per cent; the readers are in the last dimension but that of the weeks, if there are weeks."""
    axis = values.ndim - 2 if values.ndim > 1 else 0
    return np.asarray(100 * (values.mean(axis=axis) / base.mean(axis=axis) - 1))
