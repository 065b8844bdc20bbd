"""learning: how a digest gets better by a reader's answers, on the papers of the small internet in ../shared.

A simulated reader gets the product's own digest of twelve weeks and answers some of what is in it. What they want is
hidden: the profile that they wrote names it vaguely or in part. Half of the readers want what names certain things,
half what means something near to a few papers. No figure of the product was chosen on these readers.

Every week is somebody's first and somebody's last week, in turn, so that the curve tells of the answers and not of the
weeks. `held out` is the same ranking over papers from before the twelve weeks, of which none was ever shown.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from aggregator.embed import Embedder, SentenceEmbedder
from aggregator.model import Answer, Candidate, Entry, Profile, Vectors
from aggregator.rank import Pool, Taste, ranked, scores, varied
from aggregator.rank.answers import learnt
from bench import Row

SHARED = Path(__file__).parent.parent.parent / "shared"
WEEKS = 12
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)

Grades: TypeAlias = NDArray[np.int64]

WORDS: Mapping[str, tuple[str, str]] = {
    "keyword spotting": (
        r"wake.?word|keyword spotting|voice command",
        r"on-device|edge device|microcontroller|quantiz",
    ),
    "speech translation": (r"speech(-to-speech|-to-text)? translation|simultaneous", r"code-?switch|low-resource"),
    "voices": (r"speaker verif|speaker recog|speaker embed", r"anonymi[sz]|voice privacy"),
    "singing": (r"singing|vocal", r"lyric|cover song"),
    "spatial sound": (r"spatial audio|binaural|ambisonic|hrtf", r"localization|direction of arrival|beamform"),
    "feelings in speech": (r"emotion", r"sarcas|laughter|empath|paralinguistic"),
    "pronunciation": (r"pronunciation|phoneme|l2 speech|accent", r"child(ren)?'?s? speech|language learn"),
    "sound effects": (r"text-to-audio|sound effect|foley|audio generation", r"audio edit|inpaint|super-?resolution"),
    "images from text": (r"text-to-image|image generation", r"image edit|personali[sz]"),
    "long context": (r"long[- ]context|kv cache|context window", r"speculative|inference (speed|accel|effic)"),
    "robots": (r"robot|vision-language-action|embodied", r"navigation|manipulation"),
    "benchmarks": (r"benchmark for|benchmarking|evaluation suite", r"hallucinat|factual"),
}
"""What is written, and what is wanted: in the title very much, in the abstract too."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader: the interest that they wrote, and how much they want each paper, 0 to 2, shape (n,)."""

    interest: str
    wants: Grades


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

    def rows(self, week: int) -> NDArray[np.intp]:
        """The papers of a week."""
        return np.flatnonzero(self.weeks == week)

    def pool(self, week: int) -> Pool:
        """The papers of a week as candidates."""
        if week not in self.pools:
            rows = self.rows(week)
            candidates = [Candidate(entry=self.papers[row], sightings=()) for row in rows]
            self.pools[week] = Pool(candidates, self.vectors[rows], store=self.vectors, phrases=self.interests)
        return self.pools[week]


def run() -> list[Row]:
    """The learning curve without answers, with right ones, and with 30 % wrong ones."""
    if not SHARED.is_dir():
        print(f"bench learning: nothing measured, there is no {SHARED}", file=sys.stderr)
        return []
    embedder = SentenceEmbedder()
    papers, weeks = load()
    vectors = _vectors(papers, embedder)
    groups = {"words": by_words(papers), "meaning": by_meaning(papers, vectors, 12)}
    rows: list[Row] = []
    for name, readers in groups.items():
        library = Library(papers, vectors, weeks, embedder, tuple(reader.interest for reader in readers))
        curves = {
            system: curve(library, readers, system=system, turns=3)
            for system in ("written profile", "answers", "30 % wrong answers")
        }
        rows += _rows(name, curves)
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


def _vectors(papers: Sequence[Entry], embedder: SentenceEmbedder) -> Vectors:
    """The vectors of the papers, kept in the user's cache: they take minutes."""
    file = user_cache_path("paper-aggregator") / "bench-learning.npz"
    keys = [paper.key.partition(":")[2] for paper in papers]
    if file.exists():
        with np.load(file) as kept:
            if kept["ids"].tolist() == keys and str(kept["revision"]) == embedder.revision:
                return np.asarray(kept["vectors"], dtype=np.float32)
    vectors = embedder.embed([f"{paper.title}\n{paper.summary}" for paper in papers])
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, ids=np.array(keys), vectors=vectors, revision=np.array(embedder.revision))
    return vectors


def by_words(papers: Sequence[Entry]) -> list[Reader]:
    """Readers who want what names certain things."""
    readers = []
    for interest, wanted in WORDS.items():
        pattern = re.compile("|".join(wanted), re.IGNORECASE)
        grades = [2 if pattern.search(one.title) else 1 if pattern.search(one.summary) else 0 for one in papers]
        readers.append(Reader(interest, np.array(grades)))
    return readers


def by_meaning(papers: Sequence[Entry], vectors: Vectors, count: int) -> list[Reader]:
    """Readers who want what is near to one of three papers, and wrote the title of the first."""
    random = np.random.default_rng(2026)
    readers = []
    for _ in range(count):
        three = random.choice(len(papers), 3, replace=False)
        near = (vectors @ vectors[three].T).max(axis=1)
        grades = (near >= np.quantile(near, 0.96)).astype(int) + (near >= np.quantile(near, 0.985))
        grades[three] = 0
        readers.append(Reader(papers[three[0]].title, grades))
    return readers


@dataclass(frozen=True, slots=True)
class Curve:
    """nDCG@10 by week, of the digests and of the papers held out, each the mean over readers, shape (12,)."""

    digests: NDArray[np.float64]
    held_out: NDArray[np.float64]


def curve(library: Library, readers: Sequence[Reader], *, system: str, turns: int) -> Curve:
    """The mean over readers, each of whom lives through the weeks `turns` times, beginning elsewhere."""
    wrong = {"written profile": None, "answers": 0.0, "30 % wrong answers": 0.3}[system]
    lives = []
    for number, reader in enumerate(readers):
        for turn in range(turns):
            first = number + turn * WEEKS // turns
            random = np.random.default_rng((number, turn))
            lives.append(list(life(library, reader, first, wrong, random)))
    digests, held_out = np.nanmean(np.array(lives), axis=0).T
    return Curve(digests, held_out)


def life(
    library: Library, reader: Reader, first: int, wrong: float | None, random: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """nDCG@10 of the digest and of the papers held out, week by week; `wrong` None: nothing is ever answered."""
    profile = Profile(
        name="reader",
        email=(),
        schedule="weekly mon 08:00",
        timezone="UTC",
        interests=(reader.interest,),
    )
    interests = library.embedder.embed([reader.interest])
    shown: list[Shown] = []
    for number in range(WEEKS):
        week, now = (first + number) % WEEKS, NOW + timedelta(weeks=number)
        vectors = library.vectors[[one.row for one in shown]]
        pool, rows = library.pool(week), library.rows(week)
        taste, before = (
            Taste(profile=profile, interests=interests, answers=learnt(of, shown, vectors, now=now) if shown else None)
            for of in (pool, library.pool(-1))
        )
        of_key = {library.papers[row].key: row for row in rows}
        found = ranked(pool, taste)
        places = {candidate.entry.key: place for place, candidate in enumerate(pool.candidates)}
        digest = varied(found, pool.vectors[[places[item.entry.key] for item in found]], profile)
        order = [of_key[item.entry.key] for item in digest]
        old = library.rows(-1)
        untouched = old[np.argsort(-scores(library.pool(-1), [before])[0], kind="stable")]
        yield ndcg(reader.wants[order], reader.wants[rows]), ndcg(reader.wants[untouched], reader.wants[old])
        if wrong is not None:
            for row in order[: profile.max_entries]:
                answer, paper = _answer(int(reader.wants[row]), wrong, random), library.papers[row]
                shown.append(Shown(row, paper.title, f"{paper.title}\n{paper.summary}", answer, now))


def _answer(wants: int, wrong: float, random: np.random.Generator) -> Answer | None:
    """What the reader says: seven of ten wanted papers are liked, some saved; a quarter of the others disliked."""
    speaks, errs, keeps = random.random(3)
    if speaks >= (0.7 if wants else 0.25):
        return None
    if bool(wants) == (errs < wrong):
        return "dislike"
    return "save" if wants == 2 and keeps < 0.3 else "like"


def ndcg(grades: Grades, all_grades: Grades, places: int = 10) -> float:
    """NDCG with gains 2^grade - 1 (Burges, 2005); not a number where nothing is wanted."""
    discounts = 1 / np.log2(np.arange(2, places + 2))
    best = np.sort(all_grades)[::-1][:places]
    ideal = float(((2.0**best - 1) * discounts[: len(best)]).sum())
    got = float(((2.0 ** grades[:places] - 1) * discounts[: len(grades[:places])]).sum())
    return got / ideal if ideal else float("nan")


def _rows(group: str, curves: Mapping[str, Curve]) -> list[Row]:
    rows = []
    base = curves["written profile"]
    for system, found in curves.items():
        for task, values, without in (
            (f"{group}, digests", found.digests, base.digests),
            (f"{group}, held out", found.held_out, base.held_out),
        ):
            figures = {f"nDCG@10, week {week}": 100 * value for week, value in enumerate(values, 1)}
            if found is not base:
                figures["gain from week 4 on, %"] = 100 * (values[3:].mean() / without[3:].mean() - 1)
                figures["least gain of a week from week 4 on, %"] = 100 * (values[3:] / without[3:] - 1).min()
                figures["weeks that fell"] = sum(later < before for before, later in pairwise(values))
            rows += [
                Row(bench="learning", task=task, system=system, metric=metric, value=float(value))
                for metric, value in figures.items()
            ]
    return rows
