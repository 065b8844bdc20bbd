"""study: five readers with a profile that takes a minute to write, over half a year of audio papers.

Two questions. How many of the ten that each reader sees first are worth their time: every one was read and judged by
hand (docs/ranking.md tells what and why), against one mean vector of the same interests, as other digests take it.
And what a score means: of the works of one score, how many are of the topic that was asked for, over ten topics, by
what their titles and abstracts say. Without the data in ../shared there is nothing to measure.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from aggregator.embed import Embedder, SentenceEmbedder
from aggregator.model import Profile, Vectors
from aggregator.rank import Pool, Taste, Vocabulary, ranked, scores, varied
from bench import Row, _box
from bench.muting import TOPICS

_SEEN = 10
_BANDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.5)

_READERS: dict[str, tuple[str, ...]] = {
    "streaming ASR": (
        "streaming speech recognition with low latency", "end-of-utterance detection and endpointing",
        "on-device speech recognition",
    ),
    "music generation": (
        "text-to-music generation", "symbolic music composition",
        "controllable music generation with diffusion or language models",
    ),
    "speaker diarization": (
        "speaker diarization", "who spoke when in meetings with overlapping speech", "speaker change detection",
    ),
    "audio deepfakes": (
        "audio deepfake detection", "anti-spoofing for speaker verification", "watermarking of synthetic speech",
    ),
    "bioacoustics": (
        "bioacoustics", "bird song classification", "passive acoustic monitoring of animals and whales",
    ),
}  # fmt: skip

_GOOD = {
    "streaming ASR": "2402.01172 2412.11272 2502.15158 2503.23439 2505.17070 2506.01845 2506.03722 2506.07081 "
    "2506.12154 2506.14434 2506.18035",
    "music generation": "2308.04729 2410.02084 2410.08435 2411.03948 2502.13128 2502.18008 2504.21815 2505.08203 "
    "2506.05104 2506.07634 2506.08570 2506.10225 2506.12083 2506.13001 2506.15530 2506.15548 2506.17497",
    "speaker diarization": "2410.00023 2411.13849 2501.08421 2501.16641 2501.17893 2502.09859 2504.18582 2505.16387 "
    "2505.22013 2505.24545 2506.01916 2506.05593 2506.05796 2506.12672 2506.14750 2506.16228",
    "audio deepfakes": "2411.14013 2502.03559 2502.10329 2504.15663 2504.20923 2505.06766 2505.13847 2505.14188 "
    "2505.14862 2505.15136 2505.15911 2505.21568 2505.23821 2506.02590 2506.03425 2506.05851 2506.07536 2506.09606 "
    "2506.11542 2507.01750 2507.03887",
    "bioacoustics": "2411.07186 2412.01530 2412.03633 2412.20146 2502.13440 2502.13893 2502.20838 2503.15074 "
    "2503.15576 2504.12880 2504.16276 2504.18650 2504.20776 2505.03071 2506.14864 2507.01974",
}
"""What was read and found worth the reader's time, by arXiv id."""

_POOR = "2303.11607 2412.18913 2501.01518 2504.08907 2505.00059 2505.00579 2505.13971 2505.19206 2506.07515 2506.14767"
"""What was read and found to be of something else."""


def run() -> list[Row]:
    """Precision of the first ten by reader and system, and what the scores mean."""
    papers = _box.papers("study")
    if not papers:
        return []
    embedder = SentenceEmbedder()
    vectors = _box.vectors(embedder, papers)
    texts = [_box.text(paper) for paper in papers]
    phrases = [*TOPICS, *(phrase for interests in _READERS.values() for phrase in interests)]
    candidates = [_box.candidate(paper) for paper in papers]
    now = max(candidate.entry.published for candidate in candidates) + timedelta(days=1)
    pool = Pool(candidates, vectors, now=now, store=vectors, vocabulary=Vocabulary(texts, phrases), phrases=phrases)
    return [*_readers(embedder, pool), *_meanings(embedder, pool, papers)]


def _readers(embedder: Embedder, pool: Pool) -> Iterator[Row]:
    found: dict[str, list[float]] = {}
    for reader, phrases in _READERS.items():
        interests = embedder.embed(phrases)
        mean = np.argsort(-(pool.vectors @ interests.mean(axis=0)))[:_SEEN]
        seen = {
            "aggregator": _seen(pool, reader, interests),
            "averaged profile": [pool.candidates[row].entry.key for row in mean.tolist()],
        }
        for system, keys in seen.items():
            if unread := [key for key in keys if key not in {*_GOOD[reader].split(), *_POOR.split()}]:
                print(f"bench study: {reader}, {system}: not judged, and counted as poor: {' '.join(unread)}")
            precision = 100 * np.mean([key in _GOOD[reader].split() for key in keys])
            found.setdefault(system, []).append(float(precision))
            yield Row(bench="study", task=reader, system=system, metric="precision@10, %", value=found[system][-1])
    for system, figures in found.items():
        value = float(np.mean(figures))
        yield Row(bench="study", task="mean of the five", system=system, metric="precision@10, %", value=value)


def _seen(pool: Pool, reader: str, interests: Vectors) -> list[str]:
    """The keys of the first ten, chosen as for a letter with ten places."""
    profile = _profile(_READERS[reader])
    best = ranked(pool, Taste(profile=profile, interests=interests))
    rows = {candidate.entry.key: row for row, candidate in enumerate(pool.candidates)}
    order = [rows[item.entry.key] for item in best]
    return [item.entry.key for item in varied(best, pool.vectors[order], profile)[:_SEEN]]


def _meanings(embedder: Embedder, pool: Pool, papers: Sequence[dict[str, Any]]) -> Iterator[Row]:
    tastes = [Taste(profile=_profile((topic,)), interests=embedder.embed([topic])) for topic in TOPICS]
    found = scores(pool, tastes)
    of_it = np.array(
        [[bool(re.search(said, _box.text(one), re.IGNORECASE)) for one in papers] for said in TOPICS.values()]
    )
    for least, most in pairwise(_BANDS):
        here = (found >= least) & (found < most)
        task = f"score {least:.1f} to {min(most, 1):.1f}, {here.sum()} works"
        yield Row(
            bench="study", task=task, system="aggregator", metric="of the topic, %", value=100 * of_it[here].mean()
        )


def _profile(interests: Sequence[str]) -> Profile:
    return Profile(
        name="bench", email=(), schedule="daily 07:00", timezone="UTC", interests=tuple(interests), max_entries=_SEEN
    )
