"""The index of words follows the entries through all that happens to them; the store finds by it, in both databases."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from sqlalchemy import text

from aggregator.errors import StoreError
from aggregator.shipped import shipped
from aggregator.store import Asked, Store, schema
from tests.stores import DATABASES, DAY, NOW, add, embed, fresh_store, new_database, paper, rows
from tests.test_migrations import HEAD, LATER


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def found(store: Store, *words: str, **asked: object) -> list[str]:
    """The titles of what is found, the best first."""
    whole = replace(Asked(words=words), **asked)  # type: ignore[arg-type]
    ids = [entry_id for entry_id, _ in store.worded(whole, 100)]
    return [one.entry.title for one in store.shown(whole, ids).values()]


def check(store: Store) -> None:
    """The index holds what the entries say, and nothing else."""
    if store.file:
        with store._writer.begin() as connection:
            connection.execute(text("INSERT INTO entry_words(entry_words, rank) VALUES ('integrity-check', 1)"))
        assert store.integrity() == []
        return
    anew = "SELECT id, entry_words_of(title, summary, authors)::text FROM entry ORDER BY id"
    assert rows(store, "SELECT entry_id, words::text FROM entry_words ORDER BY entry_id") == rows(store, anew)


def test_words_are_found_in_titles_abstracts_and_authors(store: Store) -> None:
    add(
        store,
        paper(1, title="Streaming transducers", summary="Nothing else."),
        paper(2, title="Other", summary="It streams."),
        paper(3, title="Third", authors=("José Müller", 'A. "Bo" Ng')),
    )
    assert found(store, "stream") == ["Streaming transducers", "Other"]
    assert found(store, "jose") == found(store, "MÜLLER") == found(store, "Muller") == ["Third"]
    assert found(store, "nowhere") == []
    check(store)


def test_phrases_and_prefixes_have_to_be_there(store: Store) -> None:
    add(
        store,
        paper(1, title="Keyword spotting", summary="Tokenizers and generalization."),
        paper(2, title="Spotting a keyword", summary="A token in general."),
    )
    assert found(store, phrases=("keyword spotting",)) == ["Keyword spotting"]
    assert found(store, "general", phrases=("keyword spotting",)) == ["Keyword spotting"]
    assert found(store, titles=("spotting",)) == found(store, titles=("keyword", "spot"))
    assert set(found(store, titles=("spotting",))) == {"Keyword spotting", "Spotting a keyword"}
    assert found(store, titles=("keyword spotting",)) == ["Keyword spotting"]
    assert found(store, "keyword", titles=("token",)) == found(store, titles=("spotting", "token")) == []
    assert found(store, prefixes=("tokeniz",)) == found(store, prefixes=("Generaliz",)) == ["Keyword spotting"]
    assert len(found(store, prefixes=("token",))) == 2
    assert found(store, "keyword", prefixes=("tokeniz", "nope")) == []


def test_the_index_follows_what_sources_tell_anew(store: Store) -> None:
    add(store, paper(1, title="First wording", authors=("Ada Byron",)))
    add(store, paper(1, title="Second account", summary="Changed.", authors=("Ada Lovelace",)), now=NOW + DAY)
    assert found(store, "wording") == found(store, "Byron") == []
    assert found(store, "account") == found(store, "changed") == found(store, "Lovelace") == ["Second account"]
    check(store)


def test_the_index_follows_a_merge(store: Store) -> None:
    add(store, paper("doi:1", key="doi:10.1000/x", title="One half", summary="Left."))
    add(store, paper(2, title="Other half", summary="Right."))
    assert len(found(store, "half")) == 2
    add(store, paper(2, title="Other half", summary="Right.", aliases=("doi:10.1000/x",)), now=NOW + DAY)
    assert rows(store, "SELECT count(*) FROM entry") == [(1,)]
    assert len(found(store, "half")) == 1
    check(store)


def test_the_index_follows_a_deleted_entry(store: Store) -> None:
    add(store, paper(1, title="Gone"), paper(2, title="Kept"))
    with store._writer.begin() as connection:
        connection.execute(text("DELETE FROM entry WHERE title = 'Gone'"))
    assert found(store, "gone") == []
    assert found(store, "kept") == ["Kept"]
    check(store)


def test_what_is_not_stored_is_not_found(store: Store) -> None:
    def fail() -> None:
        with store.together():
            add(store, paper(1, title="Rolled back"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert found(store, "rolled") == []
    check(store)


def test_vacuum_and_forgetting_leave_the_index_right(store: Store) -> None:
    add(store, *(paper(number, title=f"Word{number} here") for number in range(50)))
    with store._writer.begin() as connection:
        connection.execute(text("DELETE FROM entry WHERE id <= 25"))
    store.forget_vectors("m", "1")
    store.forget_bodies(NOW)
    store.forget("me")
    assert store.compact()
    assert len(found(store, "here")) == 25
    assert len(found(store, "word40")) == 1
    add(store, paper(99, title="Word99 here"))
    assert len(found(store, "here")) == 26
    check(store)


def test_a_backup_and_what_is_restored_are_searched_as_before(tmp_path: Path) -> None:
    copy = tmp_path / "copy.bak"
    with fresh_store("sqlite", tmp_path) as store:
        add(store, paper(1, title="Before"))
        store.back_up(copy, now=NOW)
        with Store(f"sqlite:///{copy}") as other:
            assert found(other, "before") == ["Before"]
            check(other)
        add(store, paper(2, title="Afterwards"))
        store.restore(copy, now=NOW + DAY)
        assert found(store, "before") == ["Before"]
        assert found(store, "afterwards") == []
        add(store, paper(3, title="Once more"))
        assert found(store, "more") == ["Once more"]
        check(store)


@pytest.mark.parametrize("database", DATABASES)
def test_the_entries_that_are_there_are_indexed_by_the_migration(database: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}" if database == "sqlite" else new_database("indexed")
    with Store(url) as store:
        store.migrate()
        with store._without_foreign_keys() as connection, connection.begin():
            command.downgrade(store._config(connection), "0004")
        with store._writer.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO entry (key, kind, title, url, summary, authors, categories, published, added, origin, "
                    "origin_source, text_hash) VALUES ('id:a', 'paper', 'An old one', '', 'Said.', "
                    r"""'["Jos\u00e9 Nu\u00f1ez", "B \"C\" D"]', '[]', :now, :now, 'feed', 'f', '')"""
                ),
                {"now": "2026-11-20 08:00:00.000000"},
            )
        assert store.migrate()[0] == "0005"
        assert found(store, "old") == found(store, "nunez") == found(store, "José") == ["An old one"]
        (shown,) = store.shown(Asked(), [1]).values()
        assert shown.entry.authors == ("José Nuñez", 'B "C" D')
        check(store)


@pytest.mark.parametrize("database", DATABASES)
def test_the_index_outlives_a_table_of_entries_built_anew(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "later"
    shutil.copytree(shipped("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0900_more.py").write_text(LATER)
    with fresh_store("sqlite", tmp_path) if database == "sqlite" else Store(new_database("anew")) as store:
        store.migrate()
        add(store, paper(1, title="Before"))
        monkeypatch.setattr(schema, "shipped", lambda name: folder)
        assert store.migrate() == ["0900"]
        add(store, paper(2, title="Afterwards"))
        assert found(store, "before", "afterwards") == ["Afterwards", "Before"]
        check(store)
        with store._without_foreign_keys() as connection, connection.begin():
            command.downgrade(store._config(connection), HEAD)


def test_a_new_database_with_a_later_release_keeps_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "later"
    shutil.copytree(shipped("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0900_more.py").write_text(LATER)
    monkeypatch.setattr(schema, "shipped", lambda name: folder)
    with fresh_store("sqlite", tmp_path) as store:
        add(store, paper(1, title="Found"))
        assert found(store, "found") == ["Found"]
        check(store)


def test_without_fts5_the_migration_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "without"
    shutil.copytree(shipped("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "versions" / "0005_search.py"
    path.write_text(path.read_text().replace("USING fts5(", "USING fts5_that_is_not_there("))
    monkeypatch.setattr(schema, "shipped", lambda name: folder)
    with (
        Store(f"sqlite:///{tmp_path / 'a.db'}") as store,
        pytest.raises(StoreError, match=r"needs FTS5, the full-text search that this SQLite lacks: `pip install"),
    ):
        store.migrate()


def test_the_sqlite_of_python_reads_the_index_too(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        add(store, paper(1, title="Plain"))
    with sqlite3.connect(tmp_path / "a.db") as plain:
        wanted = "SELECT rowid FROM entry_words WHERE entry_words MATCH 'plain'"
        assert plain.execute(wanted).fetchall() == [(1,)]
    plain.close()


def test_bounds(store: Store) -> None:
    add(store, paper(1, title="Same words", published=NOW - 3 * DAY), paper(2, title="Same words too"))
    add(store, paper(3, title="Same words again", kind="post"), source="blog", kind="feed")
    embed(store)
    for asked, titles in (
        ({"since": NOW - 2 * DAY}, {"Same words too", "Same words again"}),
        ({"until": NOW - 2 * DAY}, {"Same words"}),
        ({"kind": "post"}, {"Same words again"}),
        ({"source": "arxiv"}, {"Same words", "Same words too"}),
        ({"phrases": ("words too",)}, {"Same words too"}),
        ({"prefixes": ("aga",), "source": "arxiv"}, set()),
    ):
        assert set(found(store, "words", **asked)) == titles
        alike = store.alike(replace(Asked(), **asked), "m", "1", np.ones(4, np.float32), 9)
        assert {one.entry.title for one in store.shown(Asked(), alike.ids.tolist()).values()} == titles


def test_alike_reads_all_in_parts_and_keeps_the_nearest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.store.search._AT_ONCE", 7)
    add(store, *(paper(number) for number in range(30)))
    embed(store)
    alike = store.alike(Asked(), "m", "1", np.array([1, 0, 0, 0], np.float32), 4)
    assert alike.ids.tolist() == list(range(1, 31))
    assert alike.cosines.tolist() == list(range(1, 31))
    assert alike.ids[alike.nearest].tolist() == [30, 29, 28, 27]
    assert alike.vectors[:, 0].tolist() == [30, 29, 28, 27]


def test_a_vector_of_an_older_text_does_not_count(store: Store) -> None:
    add(store, paper(1, summary="Old."), paper(2))
    embed(store)
    add(store, paper(1, summary="New."), now=NOW + DAY)
    assert store.alike(Asked(), "m", "1", np.ones(4, np.float32), 9).ids.tolist() == [2]
    assert not len(store.alike(Asked(), "other", "1", np.ones(4, np.float32), 9).ids)


def test_pieces_mark_what_was_found(store: Store) -> None:
    add(
        store,
        paper(1, title="A", summary="First nothing. " * 30 + "Then recognizing speech, at last."),
        paper(2, title="Speech"),
    )
    asked = Asked(words=("recognizes", "speech"))
    first, second = store.shown(asked, [1, 2]).values()
    assert "\x02recognizing\x03" in first.piece or "\x02recognizing speech\x03" in first.piece
    assert len(first.piece) < 500
    assert "\x02" not in second.piece
    assert first.sources == ("arxiv",)
    assert [one.entry.key for one in store.shown(asked, [2, 77, 1]).values()] == [
        "arxiv:2611.00002",
        "arxiv:2611.00001",
    ]


def test_names_titles_and_authors(store: Store) -> None:
    add(
        store,
        paper(1, title="On C++: a study", authors=("Yann LeCun", "Ada B")),
        paper(2, title="Other", authors=("Y. LeCun",), aliases=("doi:10.1000/z",), published=NOW - 2 * DAY),
    )
    asked = Asked()
    assert store.named(asked, ["doi:10.1000/z"], []) == [2]
    assert store.named(asked, ["nope"], ["https://arxiv.org/abs/2611.00001"]) == [1]
    assert store.named(replace(asked, kind="post"), ["doi:10.1000/z"], []) == []
    assert store.titled(asked, "On C++ a study") == [(1, "On C++: a study")]
    assert [one for one, _ in store.written(asked, ["lecun"])] == [1, 2]
    assert [one for one, _ in store.written(asked, ["y", "lecun"])] == [1, 2]
    assert store.written(replace(asked, until=NOW - timedelta(days=1, hours=12)), ["y", "lecun"]) == [(2, ["Y. LeCun"])]
    assert store.seen_at() == ["arxiv"]
