"""plain: sentence-transformers, as it stands or in bfloat16."""

import logging
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from aggregator.embed.weights import DEFAULT_MODEL, Weights
from aggregator.errors import EmbedError
from aggregator.model import Vectors

_FLAGS = {"avx512_bf16", "amx_bf16"}

log = logging.getLogger(__name__)


class Plain:
    """A model by sentence-transformers, `batch` texts at a time; `half` computes in bfloat16."""

    def __init__(self, weights: Weights, batch: int, *, half: bool) -> None:
        self._weights, self._batch, self._half = weights, batch, half
        self.name = "bf16" if half else "fp32"

    @property
    def revision(self) -> str:
        """See SentenceEmbedder.revision."""
        found = self._weights.digits or getattr(self._model[0].auto_model.config, "_commit_hash", None) or "unknown"
        return f"{found}+bf16" if self._half else str(found)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder.embed."""
        vectors = self._model.encode(
            list(texts),
            batch_size=self._batch,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return unit(vectors) if self._half else np.ascontiguousarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> Any:
        # The tokenizer's own threads gain nothing here and warn when a process that used them forks.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        folder, name = self._weights.folder, self._weights.name
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        log.info("embed model=%s loading", self._weights.model)
        try:
            model = SentenceTransformer(str(folder or name), device="cpu", local_files_only=folder is not None)
            return model.bfloat16() if self._half else model
        except Exception as error:  # the libraries below raise a dozen kinds for one trouble
            reason = " ".join(str(error).split())[:200]
            raise EmbedError(
                f"the embedding model {name!r} cannot be loaded: {reason}; name an installed folder or a model"
                f" of the hub in [embed] model, or leave {DEFAULT_MODEL!r}, which needs no network"
            ) from error


def unit(vectors: Any) -> Vectors:
    """The rows at length 1, in float32; a row of nothing stays."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def has_bf16() -> bool:
    """Whether the processor computes in bfloat16 itself (AVX512_BF16 or AMX); emulated it is slower than float32."""
    cpu = Path("/proc/cpuinfo")
    if cpu.is_file() and not _FLAGS & set(cpu.read_text(encoding="utf-8", errors="replace").split()):
        return False  # known without the seconds that torch takes to load
    import torch

    found = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(ask() for ask in found if ask)
