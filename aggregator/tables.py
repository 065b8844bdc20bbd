"""tables: the shape of the database (SQLModel). Only `store` and the migrations see it.

A change here needs a migration in migrations/versions; tests/test_migrations.py compares the two. Every constraint has
a name, because SQLite cannot alter a nameless one later.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def described(name: str | None, kind: str, parents: Any = None) -> bool:  # noqa: ARG001 - alembic's include_name
    """Whether alembic is to hold a table against what is written here: not the index of words, see 0005_search.py."""
    return kind != "table" or not (name or "").startswith("entry_words")


class Base(SQLModel):
    """What all tables share: one collection of tables and one way to name constraints."""

    metadata = metadata


def _of_entry(*, primary_key: bool = False) -> Any:
    return Field(foreign_key="entry.id", ondelete="CASCADE", primary_key=primary_key)


class Entry(Base, table=True):
    """One work. `origin` is the kind and `origin_source` the name of the source whose text it shows."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    title: str
    url: str
    summary: str
    authors: list[str] = Field(sa_type=JSON)
    categories: list[str] = Field(sa_type=JSON)
    published: datetime
    announced: datetime | None
    added: datetime
    news_at: datetime | None = Field(index=True)
    origin: str
    origin_source: str
    text_hash: str
    due: datetime | None = Field(default=None, index=True)


class Alias(Base, table=True):
    """A name of a work: its key, and every other key it was met under."""

    name: str = Field(primary_key=True)
    entry_id: int = Field(foreign_key="entry.id", ondelete="CASCADE", index=True)


class Mention(Base, table=True):
    """That an entry links to a paper: `name` is one of the paper's names, whether the paper is stored or not."""

    entry_id: int = _of_entry(primary_key=True)
    name: str = Field(primary_key=True, index=True)


class Trait(Base, table=True):
    """What entries that may be the same work have in common; see store.likeness."""

    entry_id: int = _of_entry(primary_key=True)
    name: str = Field(primary_key=True, index=True)


class Sighting(Base, table=True):
    """A work as seen by one source; the lower the id, the earlier it was seen there."""

    __table_args__ = (UniqueConstraint("entry_id", "source"),)

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = _of_entry()
    source: str = Field(index=True)
    kind: str
    url: str
    signals: dict[str, int | str] = Field(sa_type=JSON)
    first_seen: datetime
    last_seen: datetime


class Source(Base, table=True):
    """Where a source stands. `partial` says what the last answer left out; `seen` is how much it held.

    `failing_since` is when the first failure in a row was. `gone` is the fingerprint of the options under which the
    source said that it is gone for good; "" if it did not. `note` is what the owner should know.
    """

    name: str = Field(primary_key=True)
    kind: str
    cursor: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    visited: datetime | None = None
    failed: datetime | None = None
    failure: str = ""
    failures: int = 0
    partial: str = ""
    next_visit: datetime | None = None
    seen: int = 0
    failing_since: datetime | None = None
    gone: str = ""
    note: str = ""


class Day(Base, table=True):
    """What is known of a source and a day (UTC, for arXiv its own): asked, answered, how many entries, complete."""

    source: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    asked: datetime
    answered: datetime | None
    entries: int
    complete: bool
    text: str


class Visit(Base, table=True):
    """The log of visits. outcome: ok, partial, unchanged, failed or gone."""

    __table_args__ = (Index(None, "source", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    at: datetime
    outcome: str
    seen: int
    new: int
    text: str


class Host(Base, table=True):
    """A host that asked to be left alone for a while."""

    name: str = Field(primary_key=True)
    hold_until: datetime


class Vector(Base, table=True):
    """What a model makes of the text with this hash: `dim` float32, little endian."""

    entry_id: int = _of_entry(primary_key=True)
    model: str = Field(primary_key=True)
    revision: str = Field(primary_key=True)
    text_hash: str
    data: bytes
    dim: int


class Slice(Base, table=True):
    """A piece of history that was fetched; `since` is the first day of the window it was cut from."""

    source: str = Field(primary_key=True)
    since: date = Field(primary_key=True)
    first: date = Field(primary_key=True)
    last: date = Field(primary_key=True)
    done_at: datetime
    seen: int
    new: int
    missing: str


class Issue(Base, table=True):
    """One issue of a profile's digest, sent or empty."""

    __table_args__ = (UniqueConstraint("profile", "period"),)

    id: int | None = Field(default=None, primary_key=True)
    profile: str
    period: str
    since: datetime
    until: datetime
    opened_at: datetime
    arrived: int
    picks: int


class Pick(Base, table=True):
    """A work that was shown to a profile: once, ever."""

    __table_args__ = (UniqueConstraint("profile", "entry_id"),)

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", ondelete="CASCADE", index=True)
    profile: str
    entry_id: int = Field(foreign_key="entry.id", ondelete="CASCADE", index=True)
    position: int
    score: float
    reason: str


class Answer(Base, table=True):
    """What a profile said last of a work. answer: like, dislike, save or hide."""

    profile: str = Field(primary_key=True)
    entry_id: int = Field(foreign_key="entry.id", ondelete="CASCADE", primary_key=True, index=True)
    answer: str
    at: datetime


class Written(Base, table=True):
    """What a profile was ranked by when a digest of it was made, noted whenever it was another than before.

    `form` is a JSON object with its keys in order, `at` when it was noted last.
    """

    id: int | None = Field(default=None, primary_key=True)
    profile: str = Field(index=True)
    form: str
    at: datetime


class Summary(Base, table=True):
    """What a language model made of an entry's text; `asked` is the SHA-256 of the text and of what was asked of it."""

    entry_id: int = _of_entry(primary_key=True)
    model: str = Field(primary_key=True)
    asked: str
    text: str
    at: datetime


class Message(Base, table=True):
    """A finished mail in the outbox. state: queued, sending, sent, deferred, failed, held or dropped.

    `reply` is what the server said when it accepted the message. `raw` is empty when `keep_days` are over.
    """

    __table_args__ = (Index(None, "state", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", ondelete="CASCADE", index=True)
    key: str = Field(unique=True)
    recipient: str
    sender: str
    message_id: str = Field(unique=True)
    subject: str
    raw: bytes
    sha256: str
    state: str
    attempts: int = 0
    queued_at: datetime
    not_before: datetime | None = None
    lease_until: datetime | None = None
    worker: str = ""
    data_sent_at: datetime | None = None
    sent_at: datetime | None = Field(default=None, index=True)
    error: str = ""
    reply: str = ""


class Pause(Base, table=True):
    """That nothing is sent to an address of a profile, or to all of them (`address` "")."""

    profile: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    since: datetime
    reason: str


class Bounce(Base, table=True):
    """A report that a message was not delivered, or only later (RFC 3464); `report` is its own Message-ID.

    `hard`: there is no such address. `counted`: it counts against the address, which three of them in a row pause.
    """

    report: str = Field(primary_key=True)
    profile: str = Field(index=True)
    address: str
    message: str
    at: datetime
    hard: bool
    counted: bool
    status: str
    text: str


class Restored(Base, table=True):
    """That the database was put back to what it was at `taken`; `settled` once the owner said what to do about mail."""

    id: int | None = Field(default=None, primary_key=True)
    taken: datetime
    at: datetime
    settled: datetime | None = None
