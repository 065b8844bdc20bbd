"""stored: the database: its program, revision and file, a restore that nobody settled; and the embedding model."""

import os
from collections.abc import Iterator
from glob import escape

from aggregator.doctor.check import Check, tried
from aggregator.embed import Embedder
from aggregator.store import Store

_WAL_FIXED = (3, 51, 3)


def database(store: Store) -> Iterator[Check]:
    """How the database is; all of it is read."""
    yield tried("engine", lambda: _engine(*store.engine()))
    revision = tried("database", lambda: _revision(store))
    if revision.state == "ok":
        revision = tried("database", lambda: _integrity(store, revision))
    yield revision
    if revision.state == "ok":
        yield tried("writable", lambda: _writable(store))
        yield tried("restored", lambda: _restored(store))
        yield tried("outbox", lambda: _outbox(store))


def _engine(name: str, version: tuple[int, ...]) -> Check:
    text = f"{name} {'.'.join(map(str, version))}"
    if name == "SQLite" and version < _WAL_FIXED:
        what = f"{text} can damage a database that several programs write (fixed in 3.51.3)"
        return Check("engine", "warn", what, "pip install pysqlite3, or run one `aggregator` at a time")
    return Check("engine", "ok", text)


def _revision(store: Store) -> Check:
    store.require_current()
    return Check("database", "ok", f"{store.name}, {store.size() / 1e6:,.1f} MB, up to date")


def _integrity(store: Store, revision: Check) -> Check:
    if troubles := store.integrity():
        more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        return Check("database", "fail", f"{store.name} is damaged: {troubles[0]}{more}", "aggregator restore FILE")
    if not store.file:
        return Check("database", "ok", f"{revision.text}; backed up by pg_dump")
    return Check("database", "ok", f"{revision.text} and sound")


def _writable(store: Store) -> Check:
    if not store.file:
        return Check("writable", "ok", "is for PostgreSQL to say")
    file = store.file
    works = [file.with_name(f"{file.name}{side}") for side in ("-wal", "-shm")]
    works += sorted(file.parent.glob(f"{escape(file.name)}.*.lock"))
    wanted = [(file.parent, os.W_OK | os.X_OK), *((one, os.R_OK | os.W_OK) for one in (file, *works) if one.exists())]
    for one, rights in wanted:
        if not os.access(one, rights, effective_ids=True):
            advice = "check its owner and permissions; one command run as another user may have made it"
            return Check("writable", "fail", f"{one} cannot be written by this user", advice)
    return Check("writable", "ok", "the database and its locks can be written")


def _restored(store: Store) -> Check:
    taken = store.restored()
    if taken is None:
        return Check("restored", "ok", "nothing waits for a word after a restore")
    text = f"put back to what it was at {taken:%Y-%m-%d %H:%M} UTC; nothing is mailed until you say what was since then"
    return Check("restored", "fail", text, "aggregator restore --settle sent, or --settle send")


def _outbox(store: Store) -> Check:
    counts = store.outbox_counts()
    text = ", ".join(f"{number} {state}" for state, number in counts.items()) or "empty"
    if counts.get("failed") or counts.get("held"):
        return Check("outbox", "warn", text, "aggregator outbox --state failed --state held")
    return Check("outbox", "ok", text)


def model(embedder: Embedder) -> Check:
    """Whether the embedding model is there, by its weights; one of the hub is loaded for that."""
    return tried("model", lambda: Check("model", "ok", f"{embedder.model}, weights {embedder.revision}"))
