"""rank_speed: 100 000 candidates × 100 profiles × 10 interests, against the bare matrix product of the same sizes.

Time and peak memory, each measured in a process of its own; the product is the NumPy one of (1 000, 384)
and (384, 100 000) in float32, kept whole. Ranking is the product's own path: interests widened by the store, meaning
and words to every interest, the best interest of each profile, and the 300 best entries of each. What is made once for
all profiles (the words of the candidates) is told apart, as the vectors are not counted either, and so is what it takes
to explain one profile's 300 best.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Candidate, Entry, Profile, Vectors
from aggregator.rank import Pool, Taste, best, explained, scores
from bench import Row

_CANDIDATES, _PROFILES, _INTERESTS, _DIM = 100_000, 100, 10, 384
_GOES = 5
_LOOKED_AT = 300
_WORDS, _LONG = 30_000, 120
_NOW = datetime(2026, 11, 21, tzinfo=UTC)


def run() -> list[Row]:
    """The fastest of five goes of each, and the peak of its process, and their ratios."""
    found: dict[str, dict[str, float]] = {}
    for system in ("bare product", "ranking"):
        command = [sys.executable, "-m", "bench.rank_speed", system]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[system] = json.loads(done.stdout)
    rows = [_row(system, metric, value) for system, figures in found.items() for metric, value in figures.items()]
    ratios = {metric: found["ranking"][metric] / found["bare product"][metric] for metric in ("s", "peak MB")}
    return rows + [_row("ranking", f"{metric}, ratio", value) for metric, value in ratios.items()]


def _row(system: str, metric: str, value: float) -> Row:
    return Row(bench="rank_speed", task="100 000 × 100 × 10", system=system, metric=metric, value=value)


def _one(system: str) -> dict[str, float]:
    """The figures of one run in this process."""
    vectors, interests = _unit(_CANDIDATES, 1), _unit(_PROFILES * _INTERESTS, 2)
    interests[:8] @ vectors[:64].T  # the threads of the product are there
    if system == "bare product":
        taken = min(_seconds(lambda: interests @ vectors.T) for _ in range(_GOES))
        return {"s": taken, "peak MB": _peak()}
    pool, tastes, once = _prepared(vectors, interests)
    taken = min(_seconds(lambda: [best(row, _LOOKED_AT) for row in scores(pool, tastes)]) for _ in range(_GOES))
    top = best(scores(pool, tastes[:1])[0], _LOOKED_AT).tolist()
    one = min(_seconds(lambda: explained(pool, tastes[0], top)) for _ in range(_GOES))
    return {"s": taken, "peak MB": _peak(), "words once, s": once, "300 best of one profile explained, s": one}


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _prepared(vectors: Vectors, interests: Vectors) -> tuple[Pool, list[Taste], float]:
    """Candidates whose words are as often as Zipf says, profiles whose interests are four of the commoner words."""
    draw = np.random.default_rng(3)
    odds = 1 / np.arange(1, _WORDS + 1)
    words = np.array([f"w{number:05d}" for number in range(_WORDS)])
    candidates = [
        Candidate(
            entry=Entry(
                key=f"id:bench:{number}", kind="paper", title=" ".join(row[:10]), summary=" ".join(row[10:]), url="",
                published=_NOW,
            ),
            sightings=(),
        )
        for number, row in enumerate(_drawn(draw, words, odds / odds.sum()))
    ]  # fmt: skip
    asked = words[draw.integers(20, 3_000, size=(_PROFILES, _INTERESTS, 4))]
    profiles = [
        Profile(
            name=f"p{number}", email=(), schedule="weekly mon 08:00", timezone="UTC",
            interests=tuple(" ".join(four) for four in row),
        )
        for number, row in enumerate(asked.tolist())
    ]  # fmt: skip
    pool = Pool(candidates, vectors, now=_NOW, store=vectors)
    begun = time.perf_counter()
    _ = pool.words, pool.popular, pool.fresh
    once = time.perf_counter() - begun
    each = interests.reshape(_PROFILES, _INTERESTS, _DIM)
    return pool, [Taste(profile=one, interests=rows) for one, rows in zip(profiles, each, strict=True)], once


def _drawn(draw: np.random.Generator, words: NDArray[np.str_], odds: NDArray[np.float64]) -> Iterator[list[str]]:
    for _ in range(_CANDIDATES // 1000):
        yield from words[draw.choice(_WORDS, size=(1000, _LONG), p=odds)].tolist()


def _unit(count: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, _DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(_one(sys.argv[1])))
