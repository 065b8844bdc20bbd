"""Connections, transactions, locks, and what is said when they fail."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.store import Store, engine
from tests.stores import DATABASES, NOW, add, fresh_store, paper, rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def test_pragmas_of_every_connection(store: Store) -> None:
    for one, query_only in ((store._writer, 0), (store._reader, 1)):
        with one.connect() as connection:
            asked = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
            }
        assert asked == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 30_000,
            "query_only": query_only,
        }


def test_the_sqlite_without_the_wal_bug_is_preferred() -> None:
    pysqlite3 = pytest.importorskip("pysqlite3")
    assert engine.SQLITE is pysqlite3
    assert pysqlite3.sqlite_version_info >= (3, 51, 3)


def test_a_writer_locks_at_the_start_and_a_reader_sees_one_moment(any_store: Store) -> None:
    add(any_store, paper(1))
    with any_store._reading() as session:
        before = session.exec(tables.Entry.__table__.select()).all()  # type: ignore[attr-defined]
        add(any_store, paper(2))
        assert session.exec(tables.Entry.__table__.select()).all() == before  # type: ignore[attr-defined]
    assert rows(any_store, "SELECT count(*) FROM entry") == [(2,)]


def test_no_update_is_lost_among_threads(any_store: Store) -> None:
    def fail_often() -> None:
        for _ in range(10):
            any_store.record_failure("blog", "feed", "down", now=NOW, next_visit=NOW)

    threads = [threading.Thread(target=fail_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any_store.failures("blog") == 40


def test_a_read_transaction_cannot_write(any_store: Store) -> None:
    with pytest.raises(StoreError), any_store._reading() as session:
        session.add(tables.Host(name="example.org", hold_until=NOW))


def test_a_broken_constraint_is_a_bug_and_not_the_users_business(any_store: Store) -> None:
    with pytest.raises(IntegrityError), any_store._writing() as session:
        session.add(tables.Alias(name="url:x", entry_id=77))


def test_a_lock_is_waited_for(store: Store) -> None:
    other = engine.SQLITE.connect(str(store.file), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.rollback)
    timer.start()
    started = time.monotonic()
    store.hold("example.org", NOW)
    assert time.monotonic() - started >= 0.25
    timer.join()
    other.close()


def test_a_lock_held_for_too_long_is_named(store: Store) -> None:
    other = engine.SQLITE.connect(str(store.file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        Store(f"sqlite:///{store.file}", patience=0.1) as hasty,
        pytest.raises(StoreError, match=r"a\.db is locked by another program for more than 0\.1 s"),
    ):
        hasty.hold("example.org", NOW)
    other.close()


def test_a_full_disk_changes_nothing(store: Store) -> None:
    add(store, paper(1))
    store.close()
    event.listen(store._writer, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count=60"))
    with pytest.raises(StoreError, match="the disk is full; nothing was changed") as caught:
        add(store, *(paper(number, summary="long " * 500) for number in range(2, 500)))
    assert "\n" not in str(caught.value)
    assert rows(store, "SELECT key FROM entry") == [("arxiv:2611.00001",)]


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be read as the header of one\n" * 20)
    with Store(f"sqlite:///{tmp_path / 'notes.txt'}") as store:
        for ask in (store.require_current, store.migrate, lambda: store.holds(NOW)):
            with pytest.raises(StoreError, match=r"notes\.txt is not a SQLite file; name another"):
                ask()


def test_a_folder(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}") as store:
        for ask in (store.require_current, store.migrate, lambda: store.holds(NOW)):
            with pytest.raises(StoreError, match=f"{tmp_path} is a folder; name a file"):
                ask()


def test_a_missing_file_is_not_made_by_a_question(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'none.db'}") as store:
        with pytest.raises(StoreError, match=r"none\.db does not exist; run `aggregator migrate`"):
            store.holds(NOW)
        with pytest.raises(StoreError, match="does not exist"):
            store.hold("example.org", NOW)
    assert not list(tmp_path.iterdir())


def test_tables_that_are_missing(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    (tmp_path / "a.db").touch()
    with (
        Store(f"sqlite:///{tmp_path / 'a.db'}") as store,
        pytest.raises(StoreError, match="out of date; run `aggregator migrate`"),
    ):
        store.holds(NOW)


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder; file permissions hold in it, which they do not for root."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="aggregator-test-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o777)


def test_a_read_only_file_can_be_read_and_says_why_it_cannot_be_written(as_nobody: Path) -> None:
    with fresh_store("sqlite", as_nobody) as store:
        add(store, paper())
    file = as_nobody / "a.db"
    file.chmod(stat.S_IRUSR)
    with Store(f"sqlite:///{file}") as store:
        assert store.visited("arxiv") == NOW
        with pytest.raises(StoreError, match=r"a\.db cannot be written; check the permissions"):
            add(store, paper(2))
    file.chmod(0)
    with (
        Store(f"sqlite:///{file}") as store,
        pytest.raises(StoreError, match=r"a\.db cannot be opened; check the perm"),
    ):
        store.holds(NOW)


def test_a_folder_where_nothing_can_be_made(as_nobody: Path) -> None:
    closed = as_nobody / "closed"
    closed.mkdir(mode=0o555)
    with Store(f"sqlite:///{closed / 'a.db'}") as store:
        with pytest.raises(StoreError, match=r"a\.db cannot be made: Permission denied"):
            store.migrate()
        with pytest.raises(StoreError, match=r"work\.lock cannot be opened: Permission denied"), store.lock("work"):
            pass
    closed.chmod(0o777)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_url_without_a_file(url: str) -> None:
    with pytest.raises(StoreError, match="names no file"):
        Store(url)


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:secret@h/db", "postgresql+nodriver://u:secret@h/db", ""])
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(StoreError, match=r"write sqlite:///FILE or postgresql\+psycopg://") as caught:
        Store(url)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed() -> None:
    with pytest.raises(StoreError, match=r"paper-aggregator\[postgres\]") as caught:
        Store("postgresql+pg8000://u:secret@h/db")
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer() -> None:
    with (
        Store("postgresql+psycopg://u:secret@127.0.0.1:1/db") as store,
        pytest.raises(StoreError, match="refused") as caught,
    ):
        store.holds(NOW)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_one_at_a_time_holds_a_named_lock(any_store: Store) -> None:
    with any_store.lock("work"):
        with (
            pytest.raises(StoreError, match=r"another `aggregator` is at work on database .* \(work\)"),
            any_store.lock("work"),
        ):
            pass
        with any_store.lock("other"):
            pass
    with any_store.lock("work"):
        pass


def test_a_named_lock_is_waited_for(any_store: Store) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with any_store.lock("work"):
            held.set()
            free.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    threading.Timer(0.2, free.set).start()
    started = time.monotonic()
    with any_store.lock("work", wait=10):
        assert time.monotonic() - started >= 0.15
    thread.join()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    code = f"""
from aggregator.store import Store
with Store({url!r}).lock("work"):
    print("held", flush=True)
    input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with Store(url) as store:
        with pytest.raises(StoreError, match="at work"), store.lock("work"):
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with store.lock("work"):
            pass


def test_an_error_inside_the_lock_frees_it_and_comes_out_as_it_is(any_store: Store) -> None:
    with pytest.raises(ZeroDivisionError), any_store.lock("work"):
        raise ZeroDivisionError
    with any_store.lock("work"):
        pass


def test_a_store_can_be_closed_and_asked_again(any_store: Store) -> None:
    add(any_store, paper())
    any_store.close()
    assert any_store.visited("arxiv") == NOW


def test_integrity_finds_damage(store: Store) -> None:
    add(store, *(paper(number) for number in range(200)))
    assert store.integrity() == []
    with store._without_foreign_keys() as connection, connection.begin():
        connection.exec_driver_sql("DELETE FROM entry WHERE id = 1")
    assert set(store.integrity()) >= {
        "row 1 of alias has no parent in entry",
        "row 1 of sighting has no parent in entry",
    }
