"""secret: what must not stand in config.toml, from the environment."""

from collections.abc import Mapping
from pathlib import Path

from aggregator.errors import InputError


def secret(name: str, environ: Mapping[str, str], what: str = "a password") -> str:
    """The value of the variable `name`, or the content of the file that NAME_FILE names, without its last line end.

    An empty variable counts as none. `what` is what it is in words. Raises InputError, never showing the secret, if
    there is none or two, or if it is not UTF-8.
    """
    value, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and file:
        raise InputError(f"both {name} and {name}_FILE are set; unset one of them")
    if value:
        if not _is_text(value):
            raise InputError(f"{name} is not UTF-8 text; set it anew")
        return value
    if not file:
        raise InputError(f"{what} is needed: set {name}, or {name}_FILE to the path of a file that holds it")
    try:
        content = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{name}_FILE names {file}, which cannot be read: {reason}") from None
    content = content.removesuffix("\n").removesuffix("\r")
    if not content:
        raise InputError(f"{name}_FILE names {file}, which is empty")
    return content


def _is_text(value: str) -> bool:
    """Whether what the environment holds was UTF-8: other bytes come as halves of surrogate pairs (PEP 383)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
