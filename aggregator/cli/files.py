"""files: a file written whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from aggregator.errors import InputError


def replace(path: Path, body: bytes, check: Callable[[Path], object] = lambda _: None) -> None:
    """Write a file whole or not at all: beside it, to disk, then into its place. `check` may refuse by InputError.

    What is no file, such as /dev/stdout, is written to where it is.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        try:
            path.write_bytes(body)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}") from None
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            if target.exists():
                draft.chmod(target.stat().st_mode & 0o7777)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        check(draft)
        draft.replace(target)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; it was left as it was") from None
    except InputError as error:
        raise InputError(f"{path} was left as it was; with this it would be wrong: {error}") from None
    finally:
        draft.unlink(missing_ok=True)
