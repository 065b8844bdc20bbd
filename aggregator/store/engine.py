"""engine: connections, transactions and locks, for SQLite and PostgreSQL.

SQLite: write-ahead log, every commit on the disk before it returns, foreign keys enforced. A writing transaction takes
the lock at its start (BEGIN IMMEDIATE): one that begins by reading cannot be upgraded once another has written, and
fails at once, whatever the timeout. PostgreSQL gets the same promise, one writer at a time, by an advisory lock.
"""

import fcntl
import hashlib
import importlib
import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlmodel import Session

from aggregator.errors import StoreError

_POLL = 0.05


def _sqlite() -> ModuleType:
    """The wheel `pysqlite3` where there is one: before 3.51.3 SQLite can corrupt a WAL file with several writers."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


SQLITE = _sqlite()


class _Open(threading.local):
    """The transaction of this thread that `together` has open."""

    session: Session | None = None


class Door:
    """One database, opened at the first question. Threads may share it; each transaction is short."""

    def __init__(self, url: str, *, patience: float = 30.0) -> None:
        """`url`: sqlite:///FILE, the path as it is, or postgresql+psycopg://…; `patience`: seconds to wait for a lock.

        Raises StoreError if the URL is of another kind or its driver is not installed.
        """
        self._patience = patience
        self._open = _Open()
        self.file = _file(url)
        try:
            self._url = URL.create("sqlite", database=str(self.file)) if self.file else make_url(url)
            self.name = str(self.file) if self.file else self._url.render_as_string()
            self._writer = self._engine(writes=True)
            self._reader = self._engine(writes=False)
        except (ArgumentError, NoSuchModuleError) as error:
            raise StoreError(
                f"database url {_hidden(url)!r} cannot be used: write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
            ) from error
        except ImportError as error:
            raise StoreError(
                f"database {self.name} needs a driver ({error}): pip install 'paper-aggregator[postgres]' and write "
                "postgresql+psycopg://…"
            ) from error

    def close(self) -> None:
        """Close all connections; the next question opens them again."""
        self._writer.dispose()
        self._reader.dispose()

    # --- transactions ----------------------------------------------------------------------------------------------

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that this thread asks and tells inside is one transaction: one wait for the disk, all or nothing."""
        with self._writing() as session:
            self._open.session = session
            try:
                yield
            finally:
                self._open.session = None

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """A transaction that sees one moment of the database and cannot change it."""
        if session := self._open.session:
            yield session
            return
        with self._explained(), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A transaction that no other writer runs beside: all of it is stored, or nothing."""
        if session := self._open.session:
            yield session
            session.flush()
            return
        with self._explained(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the database says into one line. A broken constraint is a bug and passes through."""
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise StoreError(f"database {self.name} {self._trouble(error.orig)}") from error
        except SQLITE.Error as error:  # of a connection that is used without SQLAlchemy
            raise StoreError(f"database {self.name} {self._trouble(error)}") from error

    def _trouble(self, error: BaseException | None) -> str:
        said = " ".join(str(error).split())
        known = {
            "locked": f"is locked by another program for more than {self._patience:g} s; try again when it is done",
            "not a database": "is not a SQLite file; name another file in [database] url",
            "malformed": "is damaged; restore a backup, or name another file in [database] url",
            "readonly": "cannot be written; check the permissions of the file and its folder",
            "disk is full": "cannot grow: the disk is full; nothing was changed",
            "no such module: fts5": "needs FTS5, the full-text search that this SQLite lacks: `pip install pysqlite3`",
            "disk I/O error": "cannot be read or written: the disk may be full, or it fails; nothing was changed",
            "no such table": "is out of date; run `aggregator migrate`",
            "UndefinedTable": "is out of date; run `aggregator migrate`",
        }
        if self.file and "unable to open" in said:
            return self._unopened(self.file)
        name = type(error).__name__
        return next((advice for sign, advice in known.items() if sign in said or sign == name), f"failed: {said}")

    @staticmethod
    def _unopened(file: Path) -> str:
        try:
            if file.is_dir():
                return "is a folder; name a file in [database] url"
            if not file.exists():
                return "does not exist; run `aggregator migrate`"
        except OSError as error:
            return f"cannot be opened: {error.strerror}"
        return "cannot be opened; check the permissions of the file and its folder"

    # --- engines ---------------------------------------------------------------------------------------------------

    def _engine(self, *, writes: bool) -> Engine:
        if self.file:
            return self._sqlite_engine(self.file, writes=writes)
        if self._url.get_backend_name() != "postgresql":
            raise ArgumentError("neither SQLite nor PostgreSQL")
        if writes:
            engine = create_engine(self._url, pool_pre_ping=True)
            event.listen(engine, "begin", _one_writer)
            return engine
        engine = create_engine(self._url, pool_pre_ping=True, isolation_level="REPEATABLE READ")
        return engine.execution_options(postgresql_readonly=True)

    def _sqlite_engine(self, file: Path, *, writes: bool) -> Engine:
        engine = create_engine(
            self._url,
            module=SQLITE,
            creator=lambda: self._connect(file, writes=writes),
            json_serializer=_json,
        )
        event.listen(engine, "begin", _begin_immediate if writes else _begin)
        return engine

    def _connect(self, file: Path, *, writes: bool) -> Any:
        # mode=rw: a missing file is an error and not an empty database; only migrate() makes one
        connection = SQLITE.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if writes:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    # --- locks -----------------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, name: str, *, wait: float = 0.0) -> Iterator[None]:
        """Only one process at a time is in here under this name; the system frees it when the process dies.

        Waits up to `wait` seconds, then raises StoreError.
        """
        with self._file_lock(self.file, name, wait) if self.file else self._server_lock(name, wait):
            yield

    @contextmanager
    def _file_lock(self, database: Path, name: str, wait: float) -> Iterator[None]:
        path = database.with_name(f"{database.name}.{name}.lock")
        try:
            handle: IO[bytes] = path.open("ab")
        except OSError as error:
            raise StoreError(f"lock file {path} cannot be opened: {error.strerror}") from error
        with handle:
            end = time.monotonic() + wait
            while not _flocked(handle):
                self._wait_until(end, name)
            yield

    @contextmanager
    def _server_lock(self, name: str, wait: float) -> Iterator[None]:
        number = int.from_bytes(hashlib.sha256(f"aggregator {name}".encode()).digest()[:8], signed=True)
        options = {"isolation_level": "AUTOCOMMIT"}
        with self._explained(), self._reader.connect().execution_options(**options) as connection:
            end = time.monotonic() + wait
            while not connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}):
                self._wait_until(end, name)
            try:
                yield
            finally:
                _unlock(connection, number)

    def _wait_until(self, end: float, name: str) -> None:
        if time.monotonic() >= end:
            raise StoreError(
                f"another `aggregator` is at work on database {self.name} ({name}); try again when it is done"
            )
        time.sleep(_POLL)


def _file(url: str) -> Path | None:
    """The file a SQLite URL names. What follows the slashes is taken as it is: a path may hold "?", "#" and "%"."""
    start, slashes, path = url.partition(":///")
    if not start.startswith("sqlite"):
        return None
    if not slashes or not path or path == ":memory:":
        raise StoreError(f"database url {url!r} names no file, and the steps meet in one: write sqlite:///FILE")
    return Path(path).expanduser().absolute()


def _json(value: object) -> str:
    """JSON as the index of words reads it: letters as they are, but for halves of surrogate pairs."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or text.encode(errors="ignore").decode() == text else json.dumps(value)


def _hidden(url: str) -> str:
    """The URL without a password, also where it cannot be parsed."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def _flocked(handle: IO[bytes]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(connection: Connection, number: int) -> None:
    """Free a lock of the server, which a connection that was lost has done already."""
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
    except DBAPIError:
        connection.invalidate()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _one_writer(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7310581)")
