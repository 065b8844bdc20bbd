"""quick: CTranslate2 in int8: a BERT in a folder whose tokens are averaged, which is what all-MiniLM-L6-v2 is.

The weights are quantized when they are first used (row by row, 8 bits), compared with the model itself on a few
sentences, and kept in the user's cache. What flows between the layers is quantized as it comes, row by row, so there is
nothing to calibrate and nothing depends on what was embedded before. Each text goes through the model alone: its vector
has the same bits in whatever company and on however many cores. Texts are spread over the cores.
"""

import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from aggregator.embed.plain import Plain, unit
from aggregator.embed.weights import Weights, sha256
from aggregator.errors import EmbedError
from aggregator.model import Vectors

LEAST_COSINE = 0.99
"""A quantized model that is less like its original, on the mean of SENTENCES, is not used."""

SENTENCES = (
    "Streaming speech recognition with low latency on small devices",
    "A neural audio codec that keeps speech intelligible at one kilobit per second. Half of its code book is idle.",
    "Who spoke when: diarization of meetings with overlapping speakers",
    "We ask whether birds can be told apart by their calls at night, and release 300 hours of labelled recordings.",
    "Music generation from a hummed melody",
    "The word error rate falls from 9.8 % to 7.1 % without any new data; code and models are available.",
    "Release 2.4.1: fixes a crash when the input is empty",
    "Protein structures from sequence alone",
)
_CACHE = "paper-aggregator"

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Whether the extra `fast` is there."""
    return find_spec("ctranslate2") is not None


class Quick:
    """A model in int8; raises EmbedError if the extra, the model or the processor does not allow it."""

    name = "int8"

    def __init__(self, weights: Weights) -> None:
        if not is_installed():
            raise EmbedError('int8 needs the extra "fast": pip install "paper-aggregator[fast]"')
        self._limit = limit(weights)
        self._source = weights
        self._threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        made = _kept(weights, self._checked)
        self._encoder = self._loaded(made)
        self.revision = f"{weights.digits}+int8-{sha256(made / 'model.bin')[:12]}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder.embed."""
        return self._embedded(self._encoder, texts)

    def _embedded(self, encoder: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        tokens = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        longest_first = sorted(range(len(texts)), key=lambda place: -len(tokens[place]))

        def vector(place: int) -> Any:
            states = encoder.forward_batch([tokens[place]]).last_hidden_state
            return np.asarray(states)[0].mean(axis=0)

        with ThreadPoolExecutor(self._threads) as pool:
            rows = dict(zip(longest_first, pool.map(vector, longest_first), strict=True))
        return unit([rows[place] for place in range(len(texts))])

    @cached_property
    def _tokenizer(self) -> Any:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from tokenizers import Tokenizer

        found = Tokenizer.from_file(str(_folder(self._source) / "tokenizer.json"))
        found.enable_truncation(self._limit)
        found.no_padding()
        return found

    def _loaded(self, folder: Path) -> Any:
        ctranslate2 = _library()
        if "int8" not in ctranslate2.get_supported_compute_types("cpu"):
            raise EmbedError("this processor does not compute in int8")
        log.info("embed model=%s loading in int8, threads=%d", self._source.model, self._threads)
        try:
            return ctranslate2.Encoder(
                str(folder), device="cpu", compute_type="int8", inter_threads=self._threads, intra_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise EmbedError(f"the int8 model in {folder} cannot be loaded: {error}; delete it") from error

    def _checked(self, folder: Path) -> None:
        """Raises EmbedError if the quantized model in `folder` is not like the original."""
        ours = self._embedded(self._loaded(folder), SENTENCES)
        original = Plain(self._source, len(SENTENCES), half=False).embed(SENTENCES)
        if (cosine := float((ours * original).sum(axis=1).mean())) < LEAST_COSINE:
            raise EmbedError(f"{self._source.model} loses too much in int8 (cosine {cosine:.3f} to itself)")


def _library() -> Any:
    try:
        import ctranslate2
    except (ImportError, OSError) as error:  # a wheel for another processor or C library
        raise EmbedError(f"ctranslate2 is installed and does not load: {error}; reinstall it") from error
    return ctranslate2


def _folder(weights: Weights) -> Path:
    if weights.folder is None:
        raise EmbedError(f"int8 needs a model in a folder, and {weights.model!r} is a name of the hub")
    return weights.folder


def limit(weights: Weights) -> int:
    """How many tokens of a text count; raises EmbedError for a model that is no averaged BERT."""
    folder = _folder(weights)
    try:
        stages = [stage["type"].rpartition(".")[2] for stage in _json(folder / "modules.json")]
        pooling = _json(folder / "1_Pooling" / "config.json")
        kind, sentence = _json(folder / "config.json")["model_type"], _json(folder / "sentence_bert_config.json")
        length, lower = int(sentence.get("max_seq_length") or 512), bool(sentence.get("do_lower_case"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EmbedError(f"int8 needs a sentence-transformers model, which {folder} is not: {error}") from error
    modes = {
        name for name, value in pooling.items() if name.startswith("pooling_mode") and value not in (False, "mean")
    }
    if kind != "bert" or stages[:2] != ["Transformer", "Pooling"] or set(stages[2:]) - {"Normalize"}:
        raise EmbedError(f"int8 takes a BERT with pooling only, and {weights.model} is a {kind} of {', '.join(stages)}")
    if modes - {"pooling_mode_mean_tokens"} or not (modes or pooling.get("pooling_mode") == "mean"):
        raise EmbedError(f"int8 takes the mean of the tokens only, and {weights.model} has another pooling")
    if lower or not (folder / "tokenizer.json").is_file():
        raise EmbedError(f"int8 needs a tokenizer.json that does everything, and {weights.model} has none")
    return length


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _kept(weights: Weights, check: Callable[[Path], None]) -> Path:
    """The folder of the quantized model, in the user's cache; made and checked if it is not there."""
    cache = platformdirs.user_cache_path(_CACHE, appauthor=False) / "int8"
    path = cache / f"{weights.digits}-{version('ctranslate2')}"
    if (path / "model.bin").is_file():
        return path
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as scratch:
            made = Path(scratch) / "model"
            _convert(weights, made)
            check(made)
            with suppress(FileExistsError, NotADirectoryError):  # another process was first
                made.rename(path)
    except OSError as error:
        if not (path / "model.bin").is_file():
            raise EmbedError(f"the int8 model cannot be kept in {cache}: {error.strerror or error}") from error
    return path


def _convert(weights: Weights, made: Path) -> None:
    converters = _library().converters
    from transformers.utils import logging as transformers_logging

    log.info("embed model=%s quantizing, once", weights.model)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    was = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        converters.TransformersConverter(str(_folder(weights))).convert(str(made), quantization="int8")
    except OSError:
        raise
    except Exception as error:  # whatever a model that it does not know leads to
        reason = " ".join(str(error).split())[:200]
        raise EmbedError(f"{weights.model} cannot be made int8: {reason}") from error
    finally:
        transformers_logging.set_verbosity(was)
