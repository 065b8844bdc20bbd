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

        The key, "PROFILE/PERIOD/TO", becomes "PERIOD-PROFILE-TO", so that names sort by period; where that loses
        something, part of its hash is added, so that no two keys share a name.
        """
        profile, _, rest = key.partition("/")
        period, _, to = rest.partition("/")
        parts = [re.sub(r"[^\w.@+-]|^\.+", "_", part) for part in (period, profile, to)]
        whole = parts == [period, profile, to] and "-" not in profile
        mark = "" if whole else f"-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        return self._folder / f"{'-'.join(part[:80] for part in parts)}{mark}.eml"

    def send(self, message: Message, on_data: Callable[[], None]) -> None:
        """See Mailer.send. The page comes first, so that a .eml is never without one."""
        path = self.path(message.key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(path.with_suffix(".html"), _page(message.raw))
            on_data()
            _write(path, message.raw)
        except OSError as error:
            raise DeliveryError(f"cannot write to {self._folder}: {error.strerror}", stop=True) from error

    def close(self) -> None:
        """Nothing is open."""


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _page(raw: bytes) -> bytes:
    """The HTML part in UTF-8, or the text if there is none."""
    body = email.message_from_bytes(raw, policy=email.policy.default).get_body(("html", "plain"))
    return str(body.get_content()).encode() if body else b""
