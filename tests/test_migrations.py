"""The migrations make what tables.py describes, harm nothing, and refuse what is not ours."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.shipped import shipped
from aggregator.store import Store, schema
from tests.stores import DATABASES, add, fresh_store, new_database, paper, rows

KNOWN = sorted(path.name[:4] for path in (shipped("migrations") / "versions").glob("0*.py"))
"""The revisions of this release."""

HEAD = KNOWN[-1]
LATER = """
import sqlalchemy as sa
from alembic import op

revision = "0900"
down_revision = "HEAD"

def upgrade():
    with op.batch_alter_table("entry") as entry:
        entry.add_column(sa.Column("extra", sa.String(), nullable=True))
        entry.alter_column("title", type_=sa.Text())

def downgrade():
    with op.batch_alter_table("entry") as entry:
        entry.drop_column("extra")
        entry.alter_column("title", type_=sa.String())
""".replace("HEAD", HEAD)


def test_the_names_of_the_files_are_the_revisions_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    scripts = ScriptDirectory.from_config(config)
    assert schema.revisions() == [script.revision for script in scripts.walk_revisions()][::-1]


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'a.db'}" if request.param == "sqlite" else new_database("migrated")
    with Store(url) as opened:
        yield opened


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations of a later release, with one more revision, which builds the table of entries anew."""
    folder = tmp_path / "100% later"
    shutil.copytree(shipped("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0900_more.py").write_text(LATER)
    return folder


def release(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with these migrations from here on."""
    monkeypatch.setattr(schema, "shipped", lambda name: folder)


def test_migrations_make_what_the_tables_say(store: Store) -> None:
    assert store.migrate() == KNOWN
    store.require_current()
    with store._writer.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"target_metadata": tables.metadata, "include_name": tables.described}
        )
        assert compare_metadata(context, tables.metadata) == []
        finder = inspect(connection)
        for table in tables.metadata.sorted_tables:
            assert finder.get_pk_constraint(table.name)["name"] == f"pk_{table.name}"
            named = {constraint.name for constraint in table.constraints}
            for constraint in (*finder.get_unique_constraints(table.name), *finder.get_foreign_keys(table.name)):
                assert constraint["name"] in named


def test_a_second_time_there_is_nothing_to_do(store: Store, tmp_path: Path) -> None:
    store.migrate()
    add(store, paper())
    assert store.migrate() == []
    assert not list(tmp_path.glob("*.bak"))


def test_down_and_up_again(store: Store) -> None:
    store.migrate()
    with store._writer.begin() as connection:
        command.downgrade(store._config(connection), "base")
    with store._writer.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    with pytest.raises(StoreError, match="run `aggregator migrate`"):
        store.require_current()
    assert store.migrate() == KNOWN
    store.require_current()


@pytest.mark.parametrize("database", DATABASES)
def test_a_later_revision_keeps_every_row(
    database: str, later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'b.db'}" if database == "sqlite" else new_database("later")
    with Store(url) as store:
        store.migrate()
        add(store, *(paper(number) for number in range(50)))
        before = _counts(store)
        assert before["sighting"] == before["alias"] == before["entry"] == 50
        release(later, monkeypatch)
        with pytest.raises(StoreError, match="out of date; run `aggregator migrate`"):
            store.require_current()
        assert store.migrate() == ["0900"]
        assert _counts(store) == before
        with store._without_foreign_keys() as connection, connection.begin():
            command.downgrade(store._config(connection), HEAD)
        assert _counts(store) == before
        assert store.integrity() == []
        if database == "sqlite":
            with sqlite3.connect(tmp_path / "b.db.before-0900.bak") as copy:
                assert copy.execute("SELECT count(*) FROM entry").fetchone() == (50,)
                assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
            copy.close()
            assert rows(store, "PRAGMA foreign_keys") == [(1,)]


def test_a_migration_that_fails_changes_nothing(later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        add(store, paper())
        orphans = '    op.execute("DELETE FROM entry")\n    with op'
        (later / "versions" / "0900_more.py").write_text(LATER.replace("    with op", orphans, 1))
        release(later, monkeypatch)
        with pytest.raises(StoreError, match=r"was not migrated: [0-9]+ rows would have lost their parent"):
            store.migrate()
        assert rows(store, "SELECT count(*) FROM entry") == [(1,)]
        assert rows(store, "SELECT version_num FROM alembic_version") == [(HEAD,)]
        assert "extra" not in {column[1] for column in rows(store, "PRAGMA table_info(entry)")}


def test_a_database_of_a_newer_release_is_refused(store: Store, later: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(later, monkeypatch)
    assert store.migrate() == [*KNOWN, "0900"]
    release(shipped("migrations"), monkeypatch)
    for ask in (store.migrate, store.require_current):
        with pytest.raises(StoreError, match="newer version of this program"):
            ask()


def test_somebody_elses_database_is_refused(store: Store) -> None:
    if store.file:
        store.file.touch()
    with store._writer.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (id INTEGER)"))
    for ask in (store.migrate, store.require_current):
        with pytest.raises(StoreError, match=r"belongs to another program \(it has the tables recipes\)"):
            ask()


def test_a_missing_database_is_made_by_migrate_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "a b?#%.db"
    with Store(f"sqlite:///{file}") as store:
        with pytest.raises(StoreError, match="does not exist; run `aggregator migrate`"):
            store.require_current()
        assert not file.parent.exists()
        assert store.migrate() == KNOWN
        assert file.is_file()


def test_an_empty_file_counts_as_new(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    with Store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        with pytest.raises(StoreError, match="out of date; run `aggregator migrate`"):
            store.require_current()
        assert store.migrate() == KNOWN
    assert not list(tmp_path.glob("*.bak"))


@pytest.mark.parametrize("database", DATABASES)
def test_several_processes_may_migrate_at_once(database: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}" if database == "sqlite" else new_database("at_once")
    code = f"from aggregator.store import Store; print(Store({url!r}).migrate())"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60) for process in running]
    assert sorted(out.strip() for out, _ in answers) == [str(KNOWN), "[]", "[]", "[]"], answers
    with Store(url) as store:
        store.require_current()


def test_the_template_makes_a_migration_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(shipped("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    release(folder, monkeypatch)
    with fresh_store("sqlite", tmp_path) as store:
        with store._writer.begin() as connection:
            command.revision(store._config(connection), "nothing new", autogenerate=True, rev_id="0900")
        written = (folder / "versions" / "0900_nothing_new.py").read_text()
        assert "op.drop" not in written
        assert "op.create" not in written
        assert store.migrate() == ["0900"]


def _counts(store: Store) -> dict[str, int]:
    return {name: rows(store, f'SELECT count(*) FROM "{name}"')[0][0] for name in tables.metadata.tables}
