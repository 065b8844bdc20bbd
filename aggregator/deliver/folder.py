"""folder: messages as files: NAME.eml, the very bytes, and NAME.html, its page."""

import email
import email.policy
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from aggregator.errors import DeliveryError
from aggregator.model import Message


class FolderMailer:
    """Puts each message into a folder, which is made when it is needed. The same message twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where the .eml of the message with this key is; its page is beside it.

        The key, "PROFILE/PERIOD/TO", becomes "PERIOD-PROFILE-TO", so that names sort by period. Where that could be
        the name of another key too, "~" and a part of the key's hash follow; no plain name has a "~".
        """
        profile, _, rest = key.partition("/")
        period, _, to = rest.partition("/")
        parts = [re.sub(r"[^A-Za-z0-9_.@+-]|^\.+", "_", part)[:64] for part in (period, profile, to)]
        # "2026-11" of the profile "21" and "2026-11-21": a period ends before a letter, a profile at the next dash.
        whole = parts == [period, profile, to] and re.fullmatch(r"[A-Za-z][^-]*", profile) is not None
        mark = "" if whole else f"~{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        return self._folder / f"{'-'.join(filter(None, parts))}{mark}.eml"

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        """See Mailer.send. The page comes first, so that a .eml is never without one."""
        path = self.path(message.key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(path.with_suffix(".html"), _page(message.raw), lambda: None)
            _write(path, message.raw, on_data)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            text = f"cannot write to {self._folder}: {reason}; make room there, or name another folder in [mail] folder"
            raise DeliveryError(text, stop=True, untried=True) from error
        return ""

    def close(self) -> None:
        """Nothing is open."""


def _write(path: Path, content: bytes, before: Callable[[], None]) -> None:
    """Put a file in place, whole or not at all, and for good; `before` is called just before it is seen there."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    before()
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _page(raw: bytes) -> bytes:
    """The HTML part in UTF-8, or the text if there is none."""
    body = email.message_from_bytes(raw, policy=email.policy.default).get_body(("html", "plain"))
    return str(body.get_content()).encode() if body else b""
