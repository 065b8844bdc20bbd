"""maildir: the messages that came into a Maildir since the last look; nothing in it is moved, marked or removed.

https://cr.yp.to/proto/maildir.html: a message is a file in new/ or cur/, named by a unique name that stays, and flags
after ":2,". What is new is seen from the time of the last change of the file's inode: it is later than the last look
for every way in which a message can come, also for one that is copied with its old date.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.errors import SourceError
from aggregator.sources.mailbox.letter import MAX_BYTES
from aggregator.sources.mailbox.post import Arrival, Post

_MAX_FILES = 100_000
_OVERLAP = 600.0
"""Seconds before the newest file seen that are looked at again: clocks of file systems are coarse and may be set."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str
    changed: float
    size: int


def arrived_in(folder: Path, cursor: Mapping[str, Any], limit: int) -> Post:
    """The messages that came after those of the cursor, the earliest first, `limit` at most; without one the newest.

    Raises SourceError if the folder is no Maildir or cannot be read.
    """
    after = cursor.get("after")
    after = float(after) if isinstance(after, int | float) else None
    seen = {name for name in cursor.get("seen", ()) if isinstance(name, str)}
    files = sorted(_files(folder), key=lambda file: (file.changed, file.name))
    fresh = [file for file in files if after is None or (file.changed > after - _OVERLAP and file.name not in seen)]
    taken, left = (fresh[-limit:], 0) if after is None else (fresh[:limit], max(len(fresh) - limit, 0))
    newest = max([after or 0.0, *(file.changed for file in taken)])
    told = seen | {file.name for file in taken}
    kept = sorted(file.name for file in files if file.name in told and file.changed > newest - _OVERLAP)
    arrivals = tuple(filter(None, map(_read, taken)))
    return Post(arrivals=arrivals, cursor={"after": newest, "seen": kept}, left=left)


def _files(folder: Path) -> Iterator[_File]:
    """The regular files in new/ and cur/, without those whose names begin with a dot; links are not followed."""
    count = 0
    for part in ("new", "cur"):
        try:
            with os.scandir(folder / part) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    count += 1
                    if count > _MAX_FILES:
                        raise SourceError(f"{folder} holds more than {_MAX_FILES} messages; name a smaller Maildir")
                    if (file := _file(entry)) is not None:
                        yield file
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            raise SourceError(f"{folder} cannot be read as a Maildir: {part}/: {reason}") from error


def _file(entry: os.DirEntry[str]) -> _File | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # moved from new/ to cur/ meanwhile: found there, or by its change of time the next time
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return _File(Path(entry.path), entry.name.partition(":")[0], status.st_ctime, status.st_size)


def _read(file: _File) -> Arrival | None:
    """The message; None if it was moved meanwhile, for then it has changed and is found the next time."""
    if file.size > MAX_BYTES:
        return Arrival(name=file.name, trouble=f"it has {file.size // 2**20} MB")
    try:
        handle = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            return Arrival(name=file.name, body=stream.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return None
    except OSError as error:
        return Arrival(name=file.name, trouble=error.strerror or "it cannot be read")
