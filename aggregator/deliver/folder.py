"""folder: messages as files: NAME.eml, the very bytes, and NAME.html, its page."""

import email
import email.policy
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.errors import DeliveryError
from aggregator.model import Message

_STALE = 3600.0
"""Seconds after which a file that waits for its place was left by a crash."""


class FolderMailer:
    """Puts each message into a folder, which is made when it is needed. The same message twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = False

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
        with self._explained(untried=True):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            page = path.with_suffix(".html")
            _place(_written(page, _page(message.raw)), page)
            temporary = _written(path, message.raw)
        on_data()
        with self._explained(untried=False):
            _place(temporary, path)
        return ""

    @staticmethod
    def files(mail: Path) -> tuple[Path, ...]:
        """All that may be there of a message, given its .eml: that, its page, and what a crash left of either."""
        both = (mail, mail.with_suffix(".html"))
        return (*both, *(_waiting(one) for one in both))

    def close(self) -> None:
        """Nothing is open."""

    def _sweep(self) -> None:
        """Once, remove what a crash left long ago of letters that nobody sends any more."""
        if not self._swept:
            self._swept = True
            for left in self._folder.glob(".*.tmp"):
                if time.time() - left.stat().st_mtime > _STALE:
                    left.unlink(missing_ok=True)

    @contextmanager
    def _explained(self, *, untried: bool) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            text = f"cannot write to {self._folder}: {reason}; make room there, or name another folder in [mail] folder"
            raise DeliveryError(text, stop=True, untried=untried) from error


def _written(path: Path, content: bytes) -> Path:
    """A file with this content, whole and for good, that waits beside its place."""
    temporary = _waiting(path)
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _waiting(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _place(temporary: Path, path: Path) -> None:
    """Put a file in its place for good."""
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
