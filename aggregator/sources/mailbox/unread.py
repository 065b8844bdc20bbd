"""unread: the messages of a mailbox that nobody has read yet, and marking them one by one as read.

For a box that a machine reads: a Maildir's new/, or what has no flag Seen in a folder of an IMAP server. Only the
beginning of a message is read, and nothing is ever removed.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeAlias

from aggregator.errors import SourceError
from aggregator.sources.mailbox.connection import Mailserver, Session, connected
from aggregator.sources.mailbox.imap import asked, found_by, opened, pairs, uid_of
from aggregator.sources.mailbox.post import Arrival

MOST = 256 * 2**10
"""Bytes that are read of a message."""
_LISTED = 2000
"""Messages that are looked at, the newest first."""
_HEAD = 16 * 2**10
_FIELDS = "Content-Type To Delivered-To X-Original-To Envelope-To X-Envelope-To"
_EACH_FIELD = 4096

Wish: TypeAlias = Callable[[bytes], int]
"""How much a message is wanted, by its header; 0 if not at all."""


class Box(Protocol):
    """A mailbox that is open."""

    def unread(self, wish: Wish, limit: int) -> Iterator[Arrival]:
        """The messages that are wanted, the most wanted and of these the newest first. Raises SourceError."""

    def mark(self, arrival: Arrival) -> None:
        """Mark a message as read. Raises SourceError."""


@contextmanager
def opened_box(place: Path | Mailserver) -> Iterator[Box]:
    """A Maildir, or a folder of a mail server; raises SourceError for all that goes wrong in it."""
    if isinstance(place, Path):
        yield _Maildir(place)
        return
    with connected(place) as session:
        opened(session, place, readonly=False)
        yield _Folder(session)


class _Maildir:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unread(self, wish: Wish, limit: int) -> Iterator[Arrival]:
        """See Box.unread: what is in new/; links and files whose names begin with a dot are not followed."""
        heads = ((name, _read(self._folder / "new" / name, _HEAD)) for name in self._names()[:_LISTED])
        for name in _chosen(((name, wish(_header(head))) for name, head in heads), limit):
            if body := _read(self._folder / "new" / name, MOST):
                yield Arrival(name=name, body=body)

    def mark(self, arrival: Arrival) -> None:
        """See Box.mark: moved to cur/, with the flag S. One that another program has moved stays where it is."""
        base = arrival.name.partition(":")[0]
        with suppress(FileNotFoundError), self._explained("cur"):
            (self._folder / "new" / arrival.name).rename(self._folder / "cur" / f"{base}:2,S")

    def _names(self) -> list[str]:
        found = []
        with self._explained("new"), os.scandir(self._folder / "new") as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and not entry.name.startswith("."):
                        found.append((status.st_mtime, entry.name))
        return [name for _, name in sorted(found, reverse=True)]

    @contextmanager
    def _explained(self, part: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and (self._folder / part).is_dir():
                raise
            reason = error.strerror or "it cannot be used"
            raise SourceError(f"{self._folder} cannot be used as a Maildir: {part}/: {reason}") from error


class _Folder:
    def __init__(self, session: Session) -> None:
        self._session = session

    def unread(self, wish: Wish, limit: int) -> Iterator[Arrival]:
        """See Box.unread."""
        uids = sorted(found_by(self._session, "UNSEEN"), reverse=True)[:_LISTED]
        for name in _chosen(((str(uid), wish(head)) for uid, head in self._heads(uids)), limit):
            for head, body in pairs(asked(self._session, "FETCH", name, f"(UID BODY.PEEK[]<0.{MOST}>)")):
                if body and uid_of(head) == int(name):
                    yield Arrival(name=name, body=body[:MOST])

    def mark(self, arrival: Arrival) -> None:
        """See Box.mark: by the flag Seen."""
        asked(self._session, "STORE", arrival.name, "+FLAGS.SILENT", "(\\Seen)")

    def _heads(self, uids: list[int]) -> Iterator[tuple[int, bytes]]:
        wanted = f"(UID BODY.PEEK[HEADER.FIELDS ({_FIELDS})]<0.{_EACH_FIELD}>)"
        for start in range(0, len(uids), 200):
            known = set(uids[start : start + 200])
            answer = asked(self._session, "FETCH", ",".join(map(str, uids[start : start + 200])), wanted)
            heads = {uid: header for head, header in pairs(answer) if (uid := uid_of(head)) in known}
            yield from sorted(heads.items(), reverse=True)


def _chosen(wishes: Iterator[tuple[str, int]], limit: int) -> list[str]:
    """The names that are wished for, most first; of equals in their order."""
    return [name for name, wish in sorted(wishes, key=lambda pair: -pair[1]) if wish][:limit]


def _read(path: Path, size: int) -> bytes:
    """The beginning of a file; nothing if it was moved meanwhile or cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            return stream.read(size)
    except OSError:
        return b""


def _header(head: bytes) -> bytes:
    """All before the first empty line."""
    return head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
