"""embed, the fast path: what is chosen, how it is named, what it falls back to, and what the extra gives."""

import importlib.util
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggregator.embed import DEFAULT_MODEL, Backend, SentenceEmbedder, plain, quick
from aggregator.embed.weights import Weights
from aggregator.errors import EmbedError
from aggregator.model import Vectors

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("ctranslate2") is None, reason='the extra "fast" (ctranslate2) is not installed'
)


class FakeQuick:
    """An engine in int8 that says what it was made of."""

    name = "int8"

    def __init__(self, weights: Weights) -> None:
        self.revision = f"{weights.digits}+int8-fake"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder.embed."""
        return np.ones((len(texts), 1), dtype=np.float32)


def _machine(monkeypatch: pytest.MonkeyPatch, *, fast: Any, bf16: bool) -> None:
    """A machine with or without the extra and a processor that computes in bfloat16."""
    monkeypatch.setattr(quick, "is_installed", lambda: bool(fast))
    monkeypatch.setattr(plain, "has_bf16", lambda: bf16)
    if fast:
        monkeypatch.setattr(quick, "Quick", fast)


def _failing(weights: Weights) -> FakeQuick:
    raise EmbedError(f"int8 needs a model in a folder, and {weights.model!r} is a name of the hub")


@pytest.mark.parametrize(
    ("wanted", "fast", "bf16", "chosen", "revision"),
    [
        ("auto", FakeQuick, True, "int8", "53aa51172d14+int8-fake"),
        ("auto", None, True, "bf16", "53aa51172d14+bf16"),
        ("auto", None, False, "fp32", "53aa51172d14"),
        ("auto", _failing, True, "bf16", "53aa51172d14+bf16"),
        ("auto", _failing, False, "fp32", "53aa51172d14"),
        ("fp32", FakeQuick, True, "fp32", "53aa51172d14"),
        ("bf16", FakeQuick, True, "bf16", "53aa51172d14+bf16"),
        ("int8", FakeQuick, False, "int8", "53aa51172d14+int8-fake"),
    ],
)
def test_the_backend_is_chosen_by_what_is_there_and_named_in_the_revision(
    monkeypatch: pytest.MonkeyPatch, wanted: Backend, fast: Any, bf16: bool, chosen: str, revision: str
) -> None:
    _machine(monkeypatch, fast=fast, bf16=bf16)
    embedder = SentenceEmbedder(DEFAULT_MODEL, 32, wanted)
    assert (embedder.backend, embedder.revision, embedder.model) == (chosen, revision, DEFAULT_MODEL)


def test_auto_says_in_one_line_why_the_quicker_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _machine(monkeypatch, fast=_failing, bf16=False)
    with caplog.at_level(logging.WARNING):
        assert SentenceEmbedder(backend="auto").backend == "fp32"
    (said,) = caplog.records
    assert "backend=int8 not used: int8 needs a model in a folder" in said.getMessage()
    assert "\n" not in said.getMessage()


def test_what_is_named_is_used_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, fast=None, bf16=False)
    with pytest.raises(EmbedError, match=r"pip install \"paper-aggregator\[fast\]\""):
        _ = SentenceEmbedder(backend="int8").revision
    with pytest.raises(EmbedError, match="does not compute in bfloat16"):
        _ = SentenceEmbedder(backend="bf16").revision
    _machine(monkeypatch, fast=_failing, bf16=False)
    with pytest.raises(EmbedError, match="a name of the hub"):
        SentenceEmbedder(backend="int8").embed(["x"])


def test_bf16_computes_in_it_and_gives_unit_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    class Halved:
        """A model that gives vectors only after it was put into bfloat16, in which lengths are hardly ever 1."""

        def __init__(self, *_: Any, **__: Any) -> None: ...

        def bfloat16(self) -> "Halved":
            self.encode = lambda texts, **_: np.array([[3, 4], [0, 0]], dtype=np.float64)
            return self

    monkeypatch.setattr(plain, "has_bf16", lambda: True)  # the emulation takes a minute
    monkeypatch.setattr("sentence_transformers.SentenceTransformer", Halved)
    vectors = SentenceEmbedder(backend="bf16").embed(["x", ""])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, np.array([[0.6, 0.8], [0.0, 0.0]]), rtol=1e-6)


def _model(folder: Path, **changes: Any) -> Weights:
    """The files that say of what kind a model is."""
    files = {
        "modules.json": [{"type": "sentence_transformers.models.Transformer"}, {"type": "x.Pooling"}],
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
        "config.json": {"model_type": "bert"},
        "sentence_bert_config.json": {"max_seq_length": 128},
        "tokenizer.json": {},
        **changes,
    }
    (folder / "1_Pooling").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return Weights(str(folder))


def test_an_averaged_bert_can_be_quantized(tmp_path: Path) -> None:
    assert quick.limit(_model(tmp_path)) == 128


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"config.json": {"model_type": "mpnet"}}, "takes a BERT with pooling only, and .* is a mpnet"),
        ({"modules.json": [{"type": "a.Transformer"}, {"type": "a.Pooling"}, {"type": "a.Dense"}]}, "Pooling, Dense"),
        ({"1_Pooling/config.json": {"pooling_mode_cls_token": True}}, "mean of the tokens only"),
        ({"1_Pooling/config.json": {"pooling_mode": "cls"}}, "mean of the tokens only"),
        ({"modules.json": {}}, "takes a BERT with pooling only"),
        ({"config.json": {}}, "which .* is not"),
        ({"sentence_bert_config.json": {"do_lower_case": True}}, "tokenizer.json that does everything"),
    ],
)
def test_any_other_model_is_refused_in_one_line(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EmbedError, match=said) as caught:
        quick.limit(_model(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_a_name_of_the_hub_is_not_quantized() -> None:
    with pytest.raises(EmbedError, match="'nobody/nothing' is a name of the hub"):
        quick.limit(Weights("nobody/nothing"))


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> SentenceEmbedder:
    """The default model in int8, quantized into a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        embedder = SentenceEmbedder(backend="int8")
        _ = embedder.revision
        return embedder


@needs_extra
def test_int8_gives_unit_vectors_like_those_of_fp32(fast: SentenceEmbedder) -> None:
    vectors = fast.embed(quick.SENTENCES)
    assert vectors.shape == (len(quick.SENTENCES), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * SentenceEmbedder().embed(quick.SENTENCES)).sum(axis=1).mean() > 0.99
    assert fast.embed([]).shape[0] == 0
    assert fast.embed([""]).shape == (1, 384)


@needs_extra
def test_int8_gives_a_text_the_same_bits_in_any_company(fast: SentenceEmbedder) -> None:
    texts = [*quick.SENTENCES, "Long " * 400, ""]
    together = fast.embed(texts)
    alone = np.concatenate([fast.embed([text]) for text in texts])
    turned = fast.embed(texts[::-1])[::-1]
    assert together.tobytes() == alone.tobytes() == np.ascontiguousarray(turned).tobytes()


@needs_extra
def test_int8_is_made_once_and_found_again_under_the_same_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: SentenceEmbedder
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    again = SentenceEmbedder(backend="int8")
    assert again.revision == fast.revision
    monkeypatch.setattr(quick, "_convert", lambda *_: pytest.fail("quantized twice"))
    assert SentenceEmbedder(backend="auto").revision == fast.revision
    assert [path.name[:12] for path in (tmp_path / "paper-aggregator" / "int8").iterdir()] == ["53aa51172d14"]


@needs_extra
def test_a_model_that_suffers_or_cannot_be_kept_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(quick, "LEAST_COSINE", 1.1)
        with pytest.raises(EmbedError, match="loses too much in int8"):
            _ = SentenceEmbedder(backend="int8").revision
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EmbedError, match="cannot be kept in"):
        _ = SentenceEmbedder(backend="int8").revision
