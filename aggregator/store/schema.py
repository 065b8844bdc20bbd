"""schema: makes the database, brings it up to date, and says whether it is."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from aggregator.errors import StoreError
from aggregator.shipped import shipped
from aggregator.store.engine import SQLITE, Door

if TYPE_CHECKING:
    from alembic.config import Config

_PATIENCE = 120.0


class Schema(Door):
    """The part of the store that knows its revisions."""

    def migrate(self) -> list[str]:
        """Bring the database to this program's revision; the revisions applied, in order, [] if it was there already.

        All of them are one transaction, and an existing SQLite database is first copied to FILE.before-REVISION.bak.
        Two processes that migrate at once wait for each other. Raises StoreError, and then nothing was changed.
        """
        from alembic import command  # loads for a fifth of a second, and most commands migrate nothing

        self._make_file()
        with (
            self._explained(),
            self.lock("migrate", wait=_PATIENCE),
            self._without_foreign_keys() as connection,
            connection.begin(),
        ):
            pending = self._pending(connection)
            if pending:
                self._back_up(connection, pending[0])
                command.upgrade(self._config(connection), "head")
                self._check_foreign_keys(connection)
        return pending

    def require_current(self) -> None:
        """Do nothing if the database is at this program's revision; otherwise StoreError with the command to run."""
        with self._explained(), self._reader.connect() as connection:
            pending = self._pending(connection)
        if pending:
            raise StoreError(f"database {self.name} is out of date; run `aggregator migrate`")

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the file, and rows whose parent is missing; [] when all is well.

        PostgreSQL keeps watch by itself and always answers [].
        """
        if not self.file:
            return []
        with self._explained(), self._reader.connect() as connection:
            troubles = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
            orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
        found = [trouble for trouble in troubles if trouble != "ok"]
        return found + [f"row {row[1]} of {row[0]} has no parent in {row[2]}" for row in orphans]

    def _make_file(self) -> None:
        if not self.file:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if not self.file.exists():
                _make_private(self.file)
        except OSError as error:
            raise StoreError(f"database {self.name} cannot be made: {error.strerror}") from error

    def _pending(self, connection: Connection) -> list[str]:
        """The revisions this database lacks, oldest first; StoreError if it is newer than the program, or not ours."""
        names = set(inspect(connection).get_table_names())
        if names and "alembic_version" not in names:
            some = ", ".join(sorted(names)[:3])
            raise StoreError(
                f"database {self.name} belongs to another program (it has the tables {some}); "
                "name another in [database] url"
            )
        current = connection.scalar(text("SELECT version_num FROM alembic_version")) if names else None
        known = revisions()
        if current is not None and current not in known:
            raise StoreError(
                f"database {self.name} was written by a newer version of this program (revision {current}); "
                "upgrade the program"
            )
        return known[known.index(current) + 1 :] if current else known

    @staticmethod
    def _config(connection: Connection) -> "Config":
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(shipped("migrations")).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        return config

    @contextlib.contextmanager
    def _without_foreign_keys(self) -> Iterator[Connection]:
        """A connection for migrations.

        SQLite alters a table by building it anew; with foreign keys on, dropping the old one would delete every row
        that refers to it. They can only be switched outside a transaction.
        """
        with self._writer.connect() as connection:
            raw = connection.connection.driver_connection
            if not self.file or raw is None:
                yield connection
                return
            raw.execute("PRAGMA foreign_keys=OFF")
            try:
                yield connection
            finally:
                connection.rollback()
                raw.execute("PRAGMA foreign_keys=ON")

    def _check_foreign_keys(self, connection: Connection) -> None:
        if self.file and (broken := connection.execute(text("PRAGMA foreign_key_check")).all()):
            raise StoreError(
                f"database {self.name} was not migrated: {len(broken)} rows would have lost their parent; "
                "please report this"
            )

    def _back_up(self, connection: Connection, revision: str) -> None:
        """Copy a SQLite database that holds something; writers wait outside, so nothing is missing from the copy."""
        if not self.file or not inspect(connection).get_table_names():
            return
        copy = self.file.with_name(f"{self.file.name}.before-{revision}.bak")
        unfinished = copy.with_name(f"{copy.name}.part")
        try:
            unfinished.unlink(missing_ok=True)
            _make_private(unfinished)
            with (
                contextlib.closing(SQLITE.connect(str(self.file))) as source,
                contextlib.closing(SQLITE.connect(str(unfinished))) as target,
            ):
                source.backup(target)
            unfinished.replace(copy)
        except (OSError, SQLITE.Error) as error:
            raise StoreError(f"database {self.name} was not migrated: no backup at {copy}: {error}") from error


def revisions() -> list[str]:
    """All revisions that this program knows, oldest first: what the names of their files begin with."""
    return sorted(file.name.partition("_")[0] for file in (shipped("migrations") / "versions").glob("[0-9]*_*.py"))


def _make_private(file: Path) -> None:
    """An empty file that only its owner can read: a database holds addresses and letters."""
    os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
