"""Backups: one moment of a database in use; and putting one back, after which nothing is mailed without a word."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command

from aggregator import pipeline
from aggregator.errors import StoreError
from aggregator.model import Message
from aggregator.posting import Pace
from aggregator.render import Renderer
from aggregator.store import Store, engine
from tests.fakes import ListMailer, WordEmbedder
from tests.stores import DATABASES, DAY, NOW, add, fresh_store, mail, paper, queue, rows
from tests.test_pipeline import ME

ROOT = Path(__file__).parent.parent
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def dump(file: Path) -> list[str]:
    """All that a database says, but for what a restore notes in it."""
    with contextlib.closing(engine.SQLITE.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        schema = connection.execute("SELECT name, type, sql FROM sqlite_schema ORDER BY name").fetchall()
        names = [name for name, kind, _ in schema if kind == "table" and name != "restored"]
        rows = [
            repr((name, row)) for name in names for row in sorted(connection.execute(f"SELECT * FROM {name}"), key=repr)
        ]
    return [*map(repr, schema), *rows]


def tell(store: Store, number: int) -> None:
    """One step of a life: a visit and an issue with two messages, one of which is sent."""
    now = NOW + number * HOUR
    with store.together():
        add(store, paper(number, title=f"Paper number {number}", summary="word " * 200), now=now)
        messages = [
            Message(f"me/{number}/{part}", "a@b.example", "c@d.example", f"<{number}.{part}@x>", "s", b"x" * 9000)
            for part in range(2)
        ]
        store.queue("me", f"p{number}", now - HOUR, now, now=now, digest=None, messages=messages)
    (one,) = store.claim(now, "w", HOUR)
    store.mark_data_sent(one.id, now, worker="w", lease=DAY)
    store.settle_sent(one.id, "ok", now=now)


WRITER = """
import sys
from aggregator.store import Store
from tests.test_store_backup import tell
with Store(sys.argv[1]) as store:
    for number in range(1, 10_000):
        tell(store, number)
        print(number, flush=True)
"""


def test_a_copy_taken_while_another_process_writes_is_one_moment(store: Store, tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, f"sqlite:///{store.file}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout
    done, copies = 0, []
    try:
        for _ in range(8):
            done = int(writer.stdout.readline())
        for number in range(5):
            file = tmp_path / f"{number}.bak"
            moment = NOW + number * HOUR
            store.back_up(file, now=moment)
            copies.append((file, done))
            for _ in range(3):
                done = int(writer.stdout.readline())
    finally:
        writer.kill()
        writer.communicate()
    known: dict[int, list[str]] = {}
    again = tmp_path / "again"
    again.mkdir()
    with fresh_store("sqlite", again) as replay:
        assert replay.file
        shown = 0
        for file, before in copies:
            with contextlib.closing(engine.SQLITE.connect(file)) as copy:
                (issues,) = copy.execute("SELECT count(*) FROM issue").fetchone()
                states = dict(copy.execute("SELECT state, count(*) FROM message GROUP BY state"))
                assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
            assert issues >= before
            while shown < issues:
                shown += 1
                tell(replay, shown)
            if states["queued"] == states["sent"]:  # no step was under way: then it is the very state of that moment
                known[issues] = dump(replay.file)
                assert dump(file) == known[issues]
            assert states["queued"] + states["sent"] + states.get("sending", 0) == 2 * issues


def test_a_copy_is_whole_for_its_owner_only_and_one_file(store: Store, tmp_path: Path) -> None:
    tell(store, 1)
    folder = tmp_path / "copies"
    folder.mkdir()
    steps: list[int] = []

    @contextlib.contextmanager
    def progress(label: str, total: int) -> Iterator[object]:
        assert label == "copying pages"
        assert total > 10
        yield steps.append

    size = store.back_up(folder / "a.bak", now=NOW + DAY, progress=progress)  # type: ignore[arg-type]
    assert [path.name for path in folder.iterdir()] == ["a.bak"]
    assert (folder / "a.bak").stat().st_size == size
    assert stat.S_IMODE((folder / "a.bak").stat().st_mode) == 0o600
    assert store.file
    assert sum(steps) == store.file.stat().st_size // 4096 or sum(steps) > 10
    assert dump(folder / "a.bak") == dump(store.file)
    assert [path.name for path in folder.iterdir()] == ["a.bak"]
    assert store.restored() is None


def test_a_copy_that_takes_the_databases_place_by_hand_mails_nothing_either(store: Store, tmp_path: Path) -> None:
    queue(store, mail(1))
    store.back_up(tmp_path / "by-hand.db", now=NOW + DAY)
    with Store(f"sqlite:///{tmp_path / 'by-hand.db'}") as copy:
        copy.require_current()
        assert copy.restored() == NOW + DAY
        assert copy.claim(NOW + DAY, "w", HOUR) == []


def test_what_is_there_is_not_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"mine\.txt is there already and was left as it is"):
        store.back_up(tmp_path / "mine.txt", now=NOW)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    with pytest.raises(StoreError, match=r"no backup was made at .*none/a\.bak: No such file or directory"):
        store.back_up(tmp_path / "none" / "a.bak", now=NOW)


def test_what_a_crash_left_is_no_hindrance(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.bak.part").write_bytes(b"half")
    store.back_up(tmp_path / "a.bak", now=NOW)
    assert not (tmp_path / "a.bak.part").exists()


def damaged(file: Path) -> None:
    """Write over the middle of a database."""
    with file.open("r+b") as raw:
        for page in range(8, file.stat().st_size // 4096, 3):
            raw.seek(page * 4096)
            raw.write(b"\xff" * 2000)


def test_a_damaged_database_makes_no_backup(store: Store, tmp_path: Path) -> None:
    for number in range(1, 20):
        tell(store, number)
    assert store.file
    store.compact()
    store.close()
    damaged(store.file)
    with pytest.raises(StoreError, match="no backup was made"):
        store.back_up(tmp_path / "a.bak", now=NOW)
    assert not list(tmp_path.glob("a.bak*"))


def test_two_at_a_time(store: Store, tmp_path: Path) -> None:
    with store.lock("backup"), pytest.raises(StoreError, match=r"another `aggregator` is at work .* \(backup\)"):
        store.back_up(tmp_path / "a.bak", now=NOW)


# --- putting back --------------------------------------------------------------------------------------------------


def test_what_was_is_again_and_what_is_is_kept(store: Store, tmp_path: Path) -> None:
    assert store.file
    tell(store, 1)
    then = dump(store.file)
    store.back_up(tmp_path / "a.bak", now=NOW + 2 * HOUR)
    tell(store, 2)
    now = dump(store.file)
    before = {path.name for path in tmp_path.iterdir()}
    replaced = store.restore(tmp_path / "a.bak", now=NOW + DAY)
    assert dump(store.file) == then
    assert replaced.taken == store.restored() == NOW + 2 * HOUR
    assert replaced.applied == ()
    assert replaced.aside == tmp_path / "a.db.before-restore-20261122T080000Z.bak"
    assert dump(replaced.aside) == now
    assert {path.name for path in tmp_path.iterdir()} - before == {replaced.aside.name, "a.db.work.lock"}
    again = store.restore(replaced.aside, now=NOW + DAY)
    assert dump(store.file) == now
    assert again.taken == NOW + 2 * HOUR  # as far as is known: the last thing that it says
    assert again.aside
    assert again.aside.name == "a.db.before-restore-20261122T080000Z-2.bak"


def test_programs_that_have_the_database_open_see_the_change(store: Store, tmp_path: Path) -> None:
    tell(store, 1)
    store.back_up(tmp_path / "a.bak", now=NOW)
    tell(store, 2)
    with Store(f"sqlite:///{store.file}") as serving:
        assert serving.has_issue("me", "p2")
        serving.hold("example.org", NOW)
        store.restore(tmp_path / "a.bak", now=NOW + DAY)
        assert not serving.has_issue("me", "p2")
        serving.hold("example.org", NOW)
        assert serving.claim(NOW, "w", HOUR) == []
    assert store.integrity() == []


def test_an_older_copy_is_brought_up_to_date(store: Store, tmp_path: Path) -> None:
    queue(store, mail(1))
    with store._without_foreign_keys() as connection, connection.begin():
        command.downgrade(store._config(connection), "0002")
    store.close()
    assert store.file
    shutil.copy(store.file, tmp_path / "old.bak")
    store.migrate()
    replaced = store.restore(tmp_path / "old.bak", now=NOW + DAY)
    assert replaced.applied == ("0003", "0004", "0005", "0006", "0007")
    assert replaced.taken == NOW
    store.require_current()
    assert store.outbox_counts() == {"queued": 1}
    assert store.restored() == NOW


def test_a_copy_in_two_parts_is_taken_whole(store: Store, tmp_path: Path) -> None:
    assert store.file
    tell(store, 1)
    for name in ("a.db", "a.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / name.replace("a.db", "copy.db"))
    then = dump(store.file)
    tell(store, 2)
    store.restore(tmp_path / "copy.db", now=NOW + DAY)
    assert dump(store.file) == then
    assert (tmp_path / "copy.db-wal").exists()


def not_ours(path: Path) -> None:
    path.unlink()
    with contextlib.closing(engine.SQLITE.connect(path)) as other:
        other.execute("CREATE TABLE recipe (id INTEGER)")


def newer(path: Path) -> None:
    with contextlib.closing(engine.SQLITE.connect(path)) as other:
        other.execute("UPDATE alembic_version SET version_num = '0999'")
        other.commit()


def orphaned(path: Path) -> None:
    with contextlib.closing(engine.SQLITE.connect(path)) as other:
        other.execute("DELETE FROM issue")
        other.commit()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), r"x\.bak was not put back: No such file or directory; nothing was changed"),
        (
            lambda path: path.write_bytes(b""),
            r"x\.bak was not put back: it is no backup of this program \(it is empty\)",
        ),
        (lambda path: path.write_bytes(b"no database" * 500), r"x\.bak .* it is damaged \(file is not a database\)"),
        (
            not_ours,
            r"x\.bak .* no backup of this program \(it has the tables recipe",
        ),
        (newer, r"x\.bak was written by a newer version of this program \(revision 0999\)"),
        (damaged, r"x\.bak was not put back: it is damaged"),
        (orphaned, r"x\.bak was not put back: it is damaged \(row 1 of message has no parent"),
        (lambda path: (path.unlink(), path.mkdir()), r"x\.bak was not put back: Is a directory"),
    ],
)
def test_what_cannot_be_put_back_changes_nothing(store: Store, tmp_path: Path, spoil: object, said: str) -> None:
    assert store.file
    for number in range(1, 20):
        tell(store, number)
    store.back_up(tmp_path / "x.bak", now=NOW)
    before = dump(store.file)
    spoil(tmp_path / "x.bak")  # type: ignore[operator]
    names = {path.name for path in tmp_path.iterdir()} | {"a.db.work.lock"}
    with pytest.raises(StoreError, match=said) as caught:
        store.restore(tmp_path / "x.bak", now=NOW + DAY)
    assert "\n" not in str(caught.value)
    assert dump(store.file) == before
    assert store.restored() is None
    assert {path.name for path in tmp_path.iterdir()} <= names


def test_the_database_itself_is_no_backup(store: Store) -> None:
    assert store.file
    with pytest.raises(StoreError, match="is the database itself"):
        store.restore(store.file, now=NOW)


def test_where_nothing_is_or_nothing_can_be_read(store: Store, tmp_path: Path) -> None:
    assert store.file
    tell(store, 1)
    store.back_up(tmp_path / "a.bak", now=NOW)
    then = dump(tmp_path / "a.bak")
    tell(store, 2)
    shutil.copy(tmp_path / "a.db-wal", tmp_path / "wal")
    store.close()
    store.file.write_bytes(b"x" * 9999)
    replaced = store.restore(tmp_path / "a.bak", now=NOW + DAY)
    assert replaced.aside
    assert replaced.aside.read_bytes() == b"x" * 9999
    assert dump(store.file) == then
    store.close()
    store.file.unlink()
    shutil.copy(tmp_path / "wal", tmp_path / "a.db-wal")  # a log that belongs to what was there
    assert store.restore(tmp_path / "a.bak", now=NOW + 2 * DAY).aside is None
    assert dump(store.file) == then
    assert store.integrity() == []
    assert store.restored() == NOW
    assert (tmp_path / "a.db.before-restore-20261123T080000Z.bak-wal").exists()
    with Store(f"sqlite:///{tmp_path / 'new' / 'machine.db'}") as other:
        assert other.restore(tmp_path / "a.bak", now=NOW).aside is None
        assert other.restored() == NOW


def test_somebody_who_does_not_let_go_is_named(store: Store, tmp_path: Path) -> None:
    assert store.file
    store.back_up(tmp_path / "a.bak", now=NOW)
    tell(store, 1)
    before = dump(store.file)
    other = engine.SQLITE.connect(str(store.file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        Store(f"sqlite:///{store.file}", patience=0.2) as hasty,
        pytest.raises(
            StoreError, match=r"a\.db is locked by another program for more than 0\.2 s; nothing was changed"
        ),
    ):
        hasty.restore(tmp_path / "a.bak", now=NOW)
    other.close()
    assert dump(store.file) == before


CRASH = """
import contextlib, os, sys
from datetime import datetime
from pathlib import Path
from aggregator.store import Store, backup
from tests.stores import NOW, DAY

@contextlib.contextmanager
def dying(label, total):
    yield lambda n: os.kill(os.getpid(), 9)

backup._PAGES = 8
with Store(sys.argv[1]) as store:
    getattr(store, sys.argv[2])(Path(sys.argv[3]), now=NOW + DAY, progress=dying)
"""


@pytest.mark.parametrize("what", ["back_up", "restore"])
def test_killed_in_the_midst(store: Store, tmp_path: Path, what: str) -> None:
    assert store.file
    for number in range(1, 40):
        tell(store, number)
    store.back_up(tmp_path / "a.bak", now=NOW)
    tell(store, 40)
    store.close()
    before = dump(store.file)
    file = tmp_path / ("a.bak" if what == "restore" else "b.bak")
    killed = subprocess.run(
        [sys.executable, "-c", CRASH, f"sqlite:///{store.file}", what, str(file)], cwd=ROOT, check=False
    )
    assert killed.returncode == -9
    assert dump(store.file) == before
    assert store.integrity() == []
    assert not (tmp_path / "b.bak").exists()
    if what == "restore":
        store.restore(file, now=NOW + DAY)
        assert store.restored() == NOW
    else:
        store.back_up(file, now=NOW)


# --- and then the mail ---------------------------------------------------------------------------------------------


def test_nothing_is_restored(any_store: Store) -> None:
    assert any_store.restored() is None
    with pytest.raises(StoreError, match="was not restored, or it is settled already"):
        any_store.settle_restored("sent", ["me"], now=NOW)


def test_put_back_by_other_means(any_store: Store) -> None:
    queue(any_store, mail(1))
    assert any_store.mark_restored(NOW + DAY) == NOW
    assert any_store.mark_restored(NOW + 2 * DAY) == NOW
    assert rows(any_store, "SELECT count(*) FROM restored") == [(1,)]
    assert any_store.claim(NOW, "w", HOUR) == []
    any_store.settle_restored("send", [], now=NOW + DAY)
    assert any_store.restored() is None
    assert len(any_store.claim(NOW + DAY, "w", HOUR)) == 1


def test_taken_as_sent(any_store: Store) -> None:
    queue(any_store, *(mail(number) for number in range(1, 7)))
    first, second, third = any_store.claim(NOW, "w", HOUR, 3)
    any_store.settle_sent(first.id, "ok", now=NOW)
    any_store.settle(second.id, "deferred", "later", not_before=NOW, worker="w")
    any_store.settle(third.id, "failed", "no", worker="w")
    any_store.claim(NOW, "w", HOUR, 1)
    any_store.hold_messages([6])
    any_store.mark_restored(NOW)
    settled = any_store.settle_restored("sent", ["me", "new"], now=NOW + DAY)
    assert settled == (3, 2)
    assert any_store.outbox_counts() == {"dropped": 3, "failed": 1, "held": 1, "sent": 1}
    for name in ("me", "new"):
        last = any_store.last_issue(name)
        assert last
        assert (last.until, last.picks, last.period) == (NOW + DAY, 0, "restored-20261122T080000Z")
    assert any_store.last_issue("me") == any_store.issues("me")[0]
    assert any_store.issues("me")[0].since == any_store.issues("me")[1].until


def test_postgresql_has_its_own_tools(tmp_path: Path) -> None:
    with fresh_store("postgresql", tmp_path) as store:
        with pytest.raises(StoreError, match=r"is of PostgreSQL and is copied by its own pg_dump; see docs/care\.md"):
            store.back_up(tmp_path / "a.bak", now=NOW)
        with pytest.raises(StoreError, match=r"its own pg_restore or psql, then `aggregator restore --mark`"):
            store.restore(tmp_path / "a.bak", now=NOW)


class Life:
    """A reader's months: every day news comes and is mailed. `mailer.sent`, and nothing else, is what was mailed."""

    def __init__(self, store: Store) -> None:
        self.store, self.mailer, self.model = store, ListMailer(), WordEmbedder()
        self.renderer = Renderer("Digest <d@example.org>", "", None)

    def day(self, number: int, *, known: int = 0) -> None:
        """News, the digest and the post of one day; the source lists what came since `known`."""
        now = NOW + number * DAY
        self.collect(now, known or number - 1, number)
        self.post(now)

    def collect(self, now: datetime, after: int, until: int) -> None:
        entries = [
            paper(n, title=f"Neural audio codecs number{n} for speech", published=NOW + n * DAY - HOUR)
            for n in range(after + 1, until + 1)
        ]
        add(self.store, *entries, now=now)

    def post(self, now: datetime) -> list[str]:
        """The troubles."""
        me = ME.__class__(**{**{name: getattr(ME, name) for name in ME.__slots__}, "schedule": "daily 07:00"})
        digest = pipeline.digest(self.store, self.model, self.renderer, [me], ["arxiv"], now=now)
        deliver = pipeline.deliver(self.store, self.mailer, now=now, pace=Pace(clock=lambda: 0))
        return digest.troubles + deliver.troubles

    def shown(self) -> list[int]:
        """The numbers of the works in the accepted mails of one of the readers, in their order."""
        texts = [mail.raw.decode("ascii") for mail in self.mailer.sent if mail.to == "me@example.org"]
        return [
            n for text in texts for n in range(60) if f"number{n} " in text.replace("=\r\n", "").replace("\r\n", " ")
        ]


@pytest.mark.parametrize("consent", ["sent", "send"])
@pytest.mark.parametrize("moment", [0.0, 0.01, 0.03])
def test_a_restore_mails_nothing_again_without_consent(
    store: Store, tmp_path: Path, consent: str, moment: float
) -> None:
    life = Life(store)
    add(store, now=NOW)
    for number in range(1, 4):
        life.day(number)
    pause = threading.Timer(moment, store.back_up, [tmp_path / "a.bak"], {"now": NOW + 4 * DAY})
    pause.start()
    for number in range(4, 9):
        life.day(number)
    pause.join()
    assert life.shown() == list(range(1, 9))
    sent = list(life.mailer.sent)

    with Store(f"sqlite:///{store.file}") as other:
        other.restore(tmp_path / "a.bak", now=NOW + 9 * DAY)
    now = NOW + 9 * DAY
    taken = len(store.issues("me"))
    assert taken < 9
    assert [trouble[:17] for trouble in life.post(now)] == ["nothing is mailed"] * 2
    life.collect(now, 0, 9)  # this goes on: what was mailed since the backup is met again, and one more
    assert len(life.post(now + HOUR)) == 2
    assert life.mailer.sent == sent

    store.settle_restored(consent, ["me"], now=now + 2 * HOUR)  # type: ignore[arg-type]
    assert life.post(now + 3 * HOUR) == []
    if consent == "sent":
        assert life.mailer.sent == sent
    else:
        assert 9 in life.shown()
    life.mailer.sent.clear()
    life.day(10)
    life.day(11)
    assert life.shown() == [10, 11]
    assert store.integrity() == []


def test_what_a_crash_left_of_a_backup_is_removed_by_the_next(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        for name, age in {"old": 7200, "young": 60}.items():
            for side in ("", "-journal"):
                left = tmp_path / f"a.db-{name}.bak.part{side}"
                left.write_bytes(b"x")
                os.utime(left, (time.time() - age,) * 2)
        store.back_up(tmp_path / "b.bak", now=NOW)
        assert sorted(path.name for path in tmp_path.glob("*.part*")) == [
            "a.db-young.bak.part",
            "a.db-young.bak.part-journal",
        ]


def test_only_the_owner_can_read_a_database_and_its_copies(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        with fresh_store("sqlite", tmp_path) as store:
            queue(store, mail())
            with store._writer.begin() as connection:
                store._back_up(connection, "0009")
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.suffix != ".lock"}
    finally:
        os.umask(mask)
    assert modes.keys() >= {"a.db", "a.db-wal", "a.db.before-0009.bak"}
    assert set(modes.values()) == {0o600}
