"""retention: what is forgotten in time, how much room the database takes, and giving back what it does not need."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, text, update
from sqlmodel import col, select

from aggregator import tables
from aggregator.store.engine import SQLITE, Door
from aggregator.store.values import Bulk

_BATCH = 500


class Retention(Door):
    """The part of the store that keeps the database small."""

    def old_bodies(self, before: datetime) -> Bulk:
        """The messages sent before then, or queued before then and dropped, whose bytes are still there."""
        message = tables.Message
        wanted = select(func.count(), func.sum(func.length(message.raw))).where(_old(before))
        with self._reading() as session:
            number, size = session.exec(wanted).one()
        return Bulk(number, size or 0)

    def forget_bodies(self, before: datetime) -> Bulk:
        """Forget the bytes of `old_bodies`, a few at a time; what they were, when and to whom stays known."""
        message = tables.Message
        number = size = 0
        while True:
            with self._writing() as session:
                wanted = select(message.id, func.length(message.raw)).where(_old(before)).limit(_BATCH)
                part = dict(session.exec(wanted).all())
                forgotten = update(message).where(col(message.id).in_(part)).values(raw=b"")
                session.exec(forgotten.execution_options(synchronize_session=False))
            number, size = number + len(part), size + sum(part.values())
            if len(part) < _BATCH:
                return Bulk(number, size)

    def other_vectors(self, model: str, revision: str) -> Bulk:
        """The vectors of all models, and revisions of them, but this one."""
        vector = tables.Vector
        wanted = select(func.count(), func.sum(func.length(vector.data))).where(_is_other(model, revision))
        with self._reading() as session:
            number, size = session.exec(wanted).one()
        return Bulk(number, size or 0)

    def forget_vectors(self, model: str, revision: str) -> Bulk:
        """Forget `other_vectors`."""
        found = self.other_vectors(model, revision)
        with self._writing() as session:
            session.exec(delete(tables.Vector).where(_is_other(model, revision)))
        return found

    def size(self) -> int:
        """The bytes that the database takes on the disk, with its write-ahead log."""
        if self.file:
            parts = (self.file, self.file.with_name(f"{self.file.name}-wal"))
            return sum(part.stat().st_size for part in parts if part.exists())
        return self._number("SELECT pg_database_size(current_database())")

    def spare(self) -> int:
        """The bytes in the file that hold nothing; PostgreSQL does not tell: 0."""
        return self._number("PRAGMA freelist_count") * self._number("PRAGMA page_size") if self.file else 0

    def compact(self) -> bool:
        """Write the file anew without what holds nothing. It takes as much room again while it lasts.

        False if the write-ahead log could not be emptied, as another program reads an older state of it.
        """
        with self._explained(), self._writer.connect() as connection:
            if not self.file:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (FULL)"))
                return True
            connection.rollback()
            raw = connection.connection.driver_connection
            assert raw is not None  # noqa: S101
            raw.execute("VACUUM")
            (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def largest_message(self, since: datetime) -> int:
        """The bytes of the largest message that was queued after then; 0 if there is none."""
        message = tables.Message
        with self._reading() as session:
            return session.exec(select(func.max(func.length(message.raw))).where(message.queued_at > since)).one() or 0

    def engine(self) -> tuple[str, tuple[int, ...]]:
        """The database program and its version: "SQLite", (3, 53, 4)."""
        if self.file:
            return "SQLite", SQLITE.sqlite_version_info
        number = self._number("SELECT current_setting('server_version_num')::int")
        return "PostgreSQL", (number // 10_000, number % 10_000)

    def _number(self, sql: str) -> int:
        with self._reading() as session:
            return int(session.connection().execute(text(sql)).scalar_one())


def _is_other(model: str, revision: str) -> ColumnElement[bool]:
    return or_(col(tables.Vector.model) != model, col(tables.Vector.revision) != revision)


def _old(before: datetime) -> ColumnElement[bool]:
    message = tables.Message
    sent = and_(col(message.sent_at) < before, col(message.state) == "sent")
    dropped = and_(col(message.state) == "dropped", col(message.queued_at) < before)
    return and_(or_(sent, dropped), func.length(message.raw) > 0)
