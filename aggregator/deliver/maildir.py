"""maildir: messages into a Maildir, from which any mail program reads them.

https://cr.yp.to/proto/maildir.html: a message is written to tmp/ and moved to new/ when it is whole. Its name follows
from the message, so that the same message handed over twice is one file, also when a mail program has moved it to cur/
meanwhile.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from aggregator.errors import DeliveryError
from aggregator.model import Message


class MaildirMailer:
    """Puts each message into a Maildir, which is made when it is needed, with the line ends of this machine (LF)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._there: set[str] | None = None

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        """See Mailer.send. A message that is there is left as it is."""
        name = _name(message)
        temporary = self._folder / "tmp" / name
        marked = False
        try:
            if self._there is None:
                self._there = self._names()
            if name in self._there:
                on_data()
                return "it was there already"
            try:
                _written(temporary, message.raw.replace(b"\r\n", b"\n"))
                on_data()
                marked = True
                temporary.rename(self._folder / "new" / name)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
            _flushed(self._folder / "new")
            self._there.add(name)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            text = f"cannot deliver to the Maildir {self._folder}: {reason}"
            advice = "make room there, check its permissions, or name another in [mail] folder"
            raise DeliveryError(f"{text}; {advice}", stop=True, untried=not marked) from error
        return ""

    def close(self) -> None:
        """Nothing is open."""

    def _names(self) -> set[str]:
        """The names of all messages there, without the flags that mail programs put behind them."""
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        return {path.name.partition(":")[0] for part in ("new", "cur") for path in (self._folder / part).iterdir()}


def _name(message: Message) -> str:
    """The seconds of its Date, which sort it, and a part of the hash of its key and its bytes."""
    date = BytesHeaderParser().parsebytes(message.raw)["Date"]
    try:
        seconds = int(parsedate_to_datetime(str(date)).timestamp())
    except (ValueError, OverflowError):
        seconds = 0
    mark = hashlib.sha256(message.key.encode(errors="surrogatepass") + b"\0" + message.raw).hexdigest()[:32]
    return f"{seconds}.{mark}.aggregator"


def _written(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, for good."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flushed(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
