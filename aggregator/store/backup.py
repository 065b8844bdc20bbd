"""backup: the database copied while it is in use, and a copy put back.

A copy is one moment of the database, whole in one file, and carries a note of when it was taken. Wherever it stands in
place of the database, put there by `restore` or by hand, nothing is mailed until `settle_restored`.

A copy is put back by SQLite itself, in one transaction of the database that is there: programs that have it open see
the change as any other, and after a crash or on a full disk it is as it was. Only what cannot be read as a database any
more is moved aside, with its write-ahead log, and the copy takes its place.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aggregator.errors import StoreError
from aggregator.outcome import Progress, silent
from aggregator.store.engine import SQLITE
from aggregator.store.restored import Restored
from aggregator.store.values import Replaced

_PAGES = 256
"""Copied at once, between two steps of the progress bar."""
_NAP = 0.05
_PATIENCE = 60.0
_STALE = 3600.0
"""Seconds after which a backup that is not finished, and that nobody writes to, was left by a crash."""
_SIDES = ("-wal", "-shm", "-journal")


class Backup(Restored):
    """The part of the store that copies the database, and puts a copy back."""

    def back_up(self, file: Path, *, now: datetime, progress: Progress = silent) -> int:
        """Copy the database to a file that is not there yet, while others write; its size in bytes.

        The file appears when it is whole, checked and on the disk; only its owner can read it. Raises StoreError.
        """
        source = self._sqlite_file("copied by its own pg_dump")
        with self.lock("backup"), _telling(f"no backup was made at {file}"):
            if file.exists():
                raise StoreError(f"{file} is there already and was left as it is; name another file")
            _sweep(file.parent, source.name)
            with _unfinished(file) as part:
                _copy(source, part, self._patience, progress)
                with closing(Restored(f"sqlite:///{part}")) as copy:
                    copy.mark_restored(now, taken=now)
                if trouble := _trouble_in(part):
                    raise StoreError(
                        f"no backup was made: database {self.name} is damaged ({trouble}); restore an older one"
                    )
        return file.stat().st_size

    def restore(self, file: Path, *, now: datetime, progress: Progress = silent) -> Replaced:
        """Put a copy back, brought up to this program's revision; what was there is kept beside it.

        From then on nothing is mailed until `settle_restored`. Raises StoreError, and then nothing was changed: if the
        file is damaged, is not of this program or of a newer one, or if the database is in use for too long.
        """
        target = self._sqlite_file("put back by its own pg_restore or psql, then `aggregator restore --mark`")
        with _telling(f"{file} was not put back"):
            if file.exists() and target.exists() and file.samefile(target):
                raise StoreError(f"{file} is the database itself; name a backup of it")
            target.parent.mkdir(parents=True, exist_ok=True)
            with (
                self.lock("work", wait=_PATIENCE),
                self.lock("migrate", wait=_PATIENCE),
                _staging(target) as folder,
            ):
                copy = folder / "copy.db"
                taken, applied = _prepare(file, copy, now)
                self.close()
                aside = _free(target.with_name(f"{target.name}.before-restore-{now:%Y%m%dT%H%M%SZ}.bak"))
                if not _is_database(target):
                    _replace(target, copy, aside)
                else:
                    with _unfinished(aside) as part:
                        _copy(target, part, self._patience, silent)
                        _trouble_in(part)  # makes one file of it; as damaged as it may be, it is kept
                    _copy(copy, target, self._patience, progress)
        return Replaced(aside=aside if aside.exists() else None, taken=taken, applied=tuple(applied))

    def _sqlite_file(self, otherwise: str) -> Path:
        if not self.file:
            raise StoreError(f"database {self.name} is of PostgreSQL and is {otherwise}; see docs/care.md")
        return self.file


def _prepare(file: Path, copy: Path, now: datetime) -> tuple[datetime, list[str]]:
    """Make a copy to be put back: sound, up to date and marked; when it was taken, and the revisions applied."""
    for side in ("", "-wal", "-journal"):
        if (part := file.with_name(file.name + side)).exists() or not side:
            shutil.copyfile(part, copy.with_name(copy.name + side))
    trouble = _trouble_in(copy)
    if trouble:
        raise StoreError(f"{file} was not put back: it is damaged ({trouble}); nothing was changed")
    with closing(_opened(copy)) as connection:
        names = sorted(row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"))
    if "alembic_version" not in names:
        holds = f"it has the tables {', '.join(names[:3])}" if names else "it is empty"
        raise StoreError(f"{file} was not put back: it is no backup of this program ({holds}); nothing was changed")
    with closing(Restored(f"sqlite:///{copy}")) as staged:
        staged.name = str(file)
        applied = staged.migrate()
        taken = staged.mark_restored(now)
    return taken, applied


def _copy(source: Path, target: Path, patience: float, progress: Progress) -> None:
    """Copy one moment of a database over another, which is as before if this fails; waits for the locks of others."""
    with closing(_opened(source, patience)) as origin, closing(_opened(target, patience)) as copy:
        origin.execute("BEGIN")  # else each change of another process would make SQLite begin anew
        origin.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        copy.execute("PRAGMA synchronous=FULL")
        end, done = time.monotonic() + patience, 0
        with progress("copying pages", origin.execute("PRAGMA page_count").fetchone()[0]) as step:

            def told(status: int, remaining: int, total: int) -> None:  # noqa: ARG001 - the shape of a callback
                nonlocal end, done
                if total - remaining > done:
                    step(total - remaining - done)
                    end, done = time.monotonic() + patience, total - remaining
                elif time.monotonic() > end:
                    raise StoreError(
                        f"database {target} is locked by another program for more than {patience:g} s; "
                        "nothing was changed, try again when it is done"
                    )

            origin.backup(copy, pages=_PAGES, progress=told, sleep=_NAP)
        origin.rollback()


def _trouble_in(file: Path) -> str:
    """What is wrong with a database that nobody uses, "" if nothing; makes one file of it."""
    with closing(_opened(file)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
        except SQLITE.DatabaseError as error:
            return " ".join(str(error).split())
    return said[0] if said != ["ok"] else f"row {orphan[1]} of {orphan[0]} has no parent" if orphan else ""


def _is_database(file: Path) -> bool:
    """Whether a file can be read as a database, however damaged it is further on."""
    if not file.exists():
        return False
    with closing(_opened(file)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except SQLITE.DatabaseError as error:
            if isinstance(error, SQLITE.OperationalError):
                raise
            return False
    return True


def _opened(file: Path, patience: float = 5.0) -> Any:
    return SQLITE.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=patience, isolation_level=None)


def _replace(target: Path, copy: Path, aside: Path) -> None:
    """Put a copy where nothing is that can be read; a log that was left there would be taken for one of the copy."""
    for side in ("", *_SIDES):
        if (part := target.with_name(target.name + side)).exists():
            part.rename(aside.with_name(aside.name + side))
    copy.chmod(0o600)
    _flush(copy)
    copy.replace(target)
    _flush(target.parent)


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A new file FILE.part, only for its owner; afterwards it is flushed to the disk and becomes FILE."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield part
        _flush(part)
        part.rename(file)
        _flush(file.parent)
    finally:
        for side in ("", *_SIDES):
            part.with_name(part.name + side).unlink(missing_ok=True)


def _sweep(folder: Path, name: str) -> None:
    """Remove what a crash left of backups of a database; one that another installation is making is younger."""
    for left in folder.glob(f"{escape(name)}-*.bak.part*"):
        if time.time() - left.stat().st_mtime > _STALE:
            left.unlink(missing_ok=True)


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """A folder beside the database, where it is the only one; what a crash left in it is removed first."""
    folder = target.with_name(f"{target.name}.restoring")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Turn what the disk or SQLite says into one line."""
    try:
        yield
    except SQLITE.Error as error:
        said = " ".join(str(error).split())
        words = {"database or disk is full": "the disk is full", "disk I/O error": "the disk may be full, or it fails"}
        raise StoreError(f"{what}: {words.get(said, said)}; nothing was changed") from error
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror or error}; nothing was changed") from error


def _free(path: Path) -> Path:
    """The path, or the first of path-2, path-3 and so on that is not there."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
