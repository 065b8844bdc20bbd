"""stores: databases for the tests, and entries to put into them."""

import importlib
import importlib.util
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from aggregator import tables
from aggregator.model import (
    Added,
    Batch,
    Candidate,
    Digest,
    Entry,
    Message,
    Profile,
    Ranked,
    Reason,
    Section,
    Vectors,
)
from aggregator.store import Store

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY = timedelta(days=1)
DATABASES = ("sqlite", "postgresql")


@cache
def server() -> str:
    """The URL of a PostgreSQL that lives as long as the tests; skips where the package pgserver is not installed."""
    if not importlib.util.find_spec("pgserver"):
        pytest.skip("no PostgreSQL: the package pgserver is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(tempfile.mkdtemp(prefix="aggregator-pg-"))
        started = importlib.import_module("pgserver").get_server(folder, cleanup_mode="delete")
    return str(started.get_uri()).replace("postgresql://", "postgresql+psycopg://")


def new_database(name: str) -> str:
    """The URL of a new and empty PostgreSQL database."""
    engine = create_engine(server(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server().replace("/postgres?", f"/{name}?")


@cache
def _migrated() -> str:
    url = new_database(f"worker_{os.getpid()}")
    with Store(url) as store:
        store.migrate()
    return url


@contextmanager
def fresh_store(database: str, folder: Path) -> Iterator[Store]:
    """An empty store of this release, SQLite in the folder or PostgreSQL."""
    url = f"sqlite:///{folder / 'a.db'}" if database == "sqlite" else _migrated()
    with Store(url) as store:
        if database == "sqlite":
            store.migrate()
        else:
            names = ", ".join(f'"{name}"' for name in tables.metadata.tables)
            with store._writer.begin() as connection:
                connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        yield store


def rows(store: Store, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """What the database answers to plain SQL."""
    with store._reader.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql), values)]


def paper(number: int | str = 1, **changes: Any) -> Entry:
    """An arXiv paper of yesterday."""
    name = f"2611.{number:05}" if isinstance(number, int) else number
    fields: dict[str, Any] = {
        "key": f"arxiv:{name}",
        "kind": "paper",
        "title": f"Paper {name}",
        "url": f"https://arxiv.org/abs/{name}",
        "published": NOW - DAY,
        "summary": "What it says.",
    }
    return Entry(**fields | changes)


def add(
    store: Store, *entries: Entry, source: str = "arxiv", kind: str = "arxiv", now: datetime = NOW, **batch: Any
) -> Added:
    """Store a visit that brought these entries."""
    answer = Batch(entries=entries, **{"cursor": {}} | batch)
    return store.add(source, kind, answer, now=now, next_visit=now + DAY)


def embed(store: Store, model: str = "m", revision: str = "1", dim: int = 4) -> None:
    """Give every entry a vector made of its id."""
    waiting = store.without_vector(model, revision)
    store.add_vectors(model, revision, [(e.entry_id, e.text_hash) for e in waiting], vectors(*waiting, dim=dim))


def vectors(*waiting: Any, dim: int = 4) -> Vectors:
    """A vector for each text, which tells its id."""
    return np.array([[e.entry_id, *[0.5] * (dim - 1)] for e in waiting], dtype=np.float32).reshape(len(waiting), dim)


def candidates(store: Store, profile: str = "me", since: datetime = NOW - 7 * DAY, **options: Any) -> list[Candidate]:
    """What the profile may choose from."""
    return store.candidates(profile, "m", "1", since, options.pop("until", NOW), **options)[0]


def digest(*picked: Candidate, period: str = "2026-W47", profile: str = "me") -> Digest:
    """A digest that shows these candidates."""
    reader = Profile(
        name=profile,
        email=("me@example.org",),
        schedule="weekly mon 08:00",
        timezone="UTC",
        interests=("speech",),
    )
    picks = tuple(Ranked(candidate, 0.5, (Reason("interest", "speech", 0.5),)) for candidate in picked)
    return Digest(
        profile=reader,
        period=period,
        since=NOW - 7 * DAY,
        until=NOW,
        sections=(Section("Papers", "paper", picks, len(picks)),),
        interests=(),
        arrived=9,
        sources=(),
    )


def mail(number: int = 1, raw: bytes = b"Subject: x\r\n\r\nbody\r\n") -> Message:
    """A finished mail."""
    to = f"r{number}@example.org"
    return Message(f"me/2026-W47/{to}", "from@example.org", to, f"<{number}@example.org>", f"Subject {number}", raw)


def queue(store: Store, *messages: Message, period: str = "2026-W47", now: datetime = NOW) -> bool:
    """Open an issue without picks for these messages."""
    return store.queue("me", period, NOW - 7 * DAY, NOW, now=now, digest=digest(period=period), messages=messages)
