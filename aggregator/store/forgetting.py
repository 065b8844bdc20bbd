"""forgetting: a profile is erased: its rows, and the bytes of them in the file."""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, LargeBinary, String, Table, cast, delete, false, func, not_, or_, select, text
from sqlmodel import Session, col
from sqlmodel import select as of

from aggregator import tables
from aggregator.store.retention import Retention
from aggregator.store.values import Forgotten

_BEFORE, _BEHIND = r"(?:(?<![\w.+-])|(?<=\\[nrt]))", r"(?![\w-]|\.\w)"
"""Where an address begins and ends: joanna@example.org holds none of anna. Texts in JSON have line ends as \\n."""


class Forgetting(Retention):
    """The part of the store that forgets a person."""

    def addresses(self, profile: str) -> list[str]:
        """Every address that something was sent to, that is paused or that bounced, for this profile."""
        issue, message, pause, bounce = tables.Issue, tables.Message, tables.Pause, tables.Bounce
        sent = of(message.recipient).join(issue, col(message.issue_id) == col(issue.id)).where(issue.profile == profile)
        paused = of(pause.address).where(pause.profile == profile)
        bounced = of(bounce.address).where(bounce.profile == profile)
        with self._reading() as session:
            found = {name for asked in (sent, paused, bounced) for name in session.exec(asked)}
        return sorted(found - {""})

    def forget(self, profile: str) -> Forgotten:
        """Erase what is stored of a profile from every table that names one, and its messages; what was erased.

        The rows are overwritten, not only marked free, and the file is written anew, so that their bytes are gone from
        it: `clean` is False if another program kept SQLite from doing so, and then `compact` is enough.
        """
        issue, message = tables.Issue, tables.Message
        rows: dict[str, int] = {}
        with self._writing() as session:
            if self.file:
                session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
            mine = of(issue.id).where(issue.profile == profile)
            rows["message"] = session.exec(delete(message).where(col(message.issue_id).in_(mine))).rowcount
            for table in _naming_profiles():
                rows[table.name] = session.connection().execute(
                    delete(table).where(table.c.profile == profile)
                ).rowcount  # fmt: skip
        return Forgotten(rows=rows, clean=self._rewrite())

    def traces(self, names: Sequence[str], addresses: Sequence[str] = ()) -> dict[str, int]:
        """How many rows of each table still name one of the profiles, or hold an address anywhere in their text.

        An address that is only the end or the beginning of another one does not count.
        """
        found: dict[str, int] = {}
        with self._reading() as session:
            for table in tables.metadata.sorted_tables:
                if count := _count(session, table, names, addresses):
                    found[table.name] = count
        return found

    def _rewrite(self) -> bool:
        """Write the file anew without what was deleted, and empty the write-ahead log."""
        if not self.file:
            names = ", ".join(["message", *(table.name for table in _naming_profiles())])
            with self._explained(), self._writer.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(f"VACUUM FULL {names}"))
            return True
        return self.compact()


def _naming_profiles() -> list[Table]:
    """Every table with a column `profile`, children first."""
    return [table for table in reversed(tables.metadata.sorted_tables) if "profile" in table.c]


def _count(session: Session, table: Table, names: Sequence[str], addresses: Sequence[str]) -> int:
    """The rows of a table that are of one of the profiles, and those besides that hold one of the addresses."""
    named: ColumnElement[bool] = false()
    if "profile" in table.c:
        named = table.c.profile.in_(names)
    elif table.name == "message":
        named = table.c.issue_id.in_(of(tables.Issue.id).where(col(tables.Issue.profile).in_(names)))
    sqlite = session.connection().dialect.name == "sqlite"
    signs = [sign for address in addresses for sign in _holding(table, address, sqlite=sqlite)]
    count = int(session.connection().execute(select(func.count()).select_from(table).where(named)).scalar_one())
    if not signs:
        return count
    whole = re.compile("|".join(_BEFORE + re.escape(address) + _BEHIND for address in addresses), re.IGNORECASE)
    rows = session.connection().execute(select(table).where(not_(named), or_(*signs)))
    return count + sum(any(whole.search(_text(value)) for value in row) for row in rows)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _holding(table: Table, address: str, *, sqlite: bool) -> Iterable[ColumnElement[bool]]:
    for column in table.c:
        if isinstance(column.type, LargeBinary):
            # SQLite looks for bytes in bytes; PostgreSQL is asked for the bytes as text
            written = func.encode(column, "escape")
            yield func.instr(column, address.encode()) > 0 if sqlite else written.contains(address, autoescape=True)
        else:
            yield func.lower(cast(column, String)).contains(address.lower(), autoescape=True)
