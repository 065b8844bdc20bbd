"""Full disks, locked and read-only databases, clocks that jump: one clear line, nothing lost, the next run is whole.

A full disk is a small file system in memory, which only root may mount, and beside it a limit on the size of files,
which everybody may set. What was delivered is what the outbox folder or a fake post office has, never our database.
"""

import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import app, demo, pipeline, posting
from aggregator.config import Config, load
from aggregator.errors import AggregatorError, StoreError
from aggregator.fetch import AnswerTransport, Fetcher
from aggregator.model import Message
from aggregator.outcome import Outcome
from aggregator.posting import Pace
from aggregator.render import Renderer
from aggregator.sources.feed import feed_readers
from aggregator.store import Store, engine
from tests.fakes import ListMailer, WordEmbedder, fetcher_over, pages
from tests.stores import DAY, NOW, add, candidates, embed, fresh_store, mail, paper, queue
from tests.test_cli_errors import CONFIG, aggregator, one_line
from tests.test_pipeline import FEED, ME, feed

HOUR = timedelta(hours=1)
KB = 1024
STEPS = ("collect", "embed", "digest", "deliver")


@contextmanager
def installation(folder: Path, *, patience: float = 30.0) -> Iterator[app.Steps]:
    """The demo's sources and reader, at one moment and with a model of our own; nothing is opened before a step."""

    def fetcher(config: Config) -> Fetcher:
        transport = AnswerTransport(lambda url, headers: demo.answer(url, NOW, headers))
        return Fetcher(contact=config.fetch.contact, transport=transport, pause=0, slot_dir=None, sleep=lambda _: None)

    config = load(folder / "config.toml")
    with Store(config.database.url, patience=patience) as store:
        steps = app.Steps(config, store, lambda: NOW, fetcher=fetcher)
        steps.__dict__["embedder"] = WordEmbedder()
        yield steps


def do(what: Callable[[], Outcome | None]) -> list[str]:
    """Do a step; its troubles, each one line. What is not an error of ours passes through, and fails the test."""
    try:
        outcome = what()
        troubles = outcome.troubles if outcome else []
    except AggregatorError as error:
        troubles = [str(error)]
    assert all(trouble and "\n" not in trouble for trouble in troubles)
    return troubles


def step(steps: app.Steps, name: str) -> list[str]:
    return do(lambda: steps.collect(everything=True) if name == "collect" else getattr(steps, name)())


def mails(folder: Path) -> dict[str, bytes]:
    """The mails that were delivered, by name."""
    return {path.name: path.read_bytes() for path in sorted((folder / "outbox").glob("*.eml"))}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An installation as it is before each step, and in the end ("whole")."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run, states = folder / "run", dict[str, Path]()
    run.mkdir()
    (run / "config.toml").write_text(demo.CONFIG, encoding="utf-8")
    with installation(run) as steps:
        steps.store.migrate()
        for name in STEPS:
            steps.store.close()
            states[name] = shutil.copytree(run, folder / name)
            assert step(steps, name) == []
    assert len(mails(run)) == 1
    return states | {"whole": run}


def check_whole(folder: Path, before: dict[str, Path]) -> None:
    """The next run ends as one that nothing disturbed, byte for byte, and the database is sound."""
    with installation(folder) as steps:
        assert [trouble for name in STEPS for trouble in step(steps, name)] == []
        assert steps.store.integrity() == []
    assert mails(folder) == mails(before["whole"])


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted is told to the database once, and not for a minute."""
    monkeypatch.setattr(posting, "_INSIST_FOR", posting._INSIST_EVERY)


# --- the disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB of our own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk: this user may not mount one")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Fill the disk but for so many bytes."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - leave)
    return ballast


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)


def says_full(troubles: list[str]) -> bool:
    return all(re.search(r"the disk is full|No space left|disk may be full|File too large", one) for one in troubles)


@pytest.mark.parametrize("leave", [0, 40 * KB, 200 * KB])
@pytest.mark.parametrize("name", STEPS)
def test_a_full_disk(disk: Path, before: dict[str, Path], name: str, leave: int) -> None:
    folder = shutil.copytree(before[name], disk / "run")
    ballast = fill(disk, leave)
    with installation(folder) as steps:
        troubles = step(steps, name)
        assert says_full(troubles), troubles
        assert troubles or leave or name == "embed"
    ballast.unlink()
    check_whole(folder, before)


@pytest.mark.parametrize("name", STEPS)
def test_files_that_cannot_grow(tmp_path: Path, before: dict[str, Path], name: str) -> None:
    folder = shutil.copytree(before[name], tmp_path / "run")
    with installation(folder) as steps, small_files(20 * KB):
        troubles = step(steps, name)
        assert troubles
        assert says_full(troubles), troubles
    check_whole(folder, before)


@pytest.mark.parametrize("leave", [0, 100 * KB, 600 * KB])
@pytest.mark.parametrize("name", ["back_up", "restore", "compact", "migrate"])
def test_a_full_disk_and_care(disk: Path, before: dict[str, Path], name: str, leave: int) -> None:
    folder = shutil.copytree(before["deliver"], disk / "run")
    with installation(folder) as steps:
        steps.store.back_up(folder / "a.bak", now=NOW)
        if name == "migrate":
            for path in folder.glob("aggregator.db*"):
                path.unlink()
        files = {path.name for path in folder.iterdir()}
        ballast = fill(disk, leave)
        acts: dict[str, Callable[[], object]] = {
            "back_up": lambda: steps.store.back_up(folder / "b.bak", now=NOW),
            "restore": lambda: steps.store.restore(folder / "a.bak", now=NOW),
            "compact": steps.store.compact,
            "migrate": steps.store.migrate,
        }

        def act() -> None:
            acts[name]()

        troubles = do(act)
        assert troubles or leave
        assert says_full(troubles), troubles
        steps.store.close()
        ballast.unlink()
        if troubles:
            made = {path.name for path in folder.iterdir()} - files
            assert not {one for one in made if one.endswith((".part", ".restoring", ".bak"))}
        if name == "migrate":
            steps.store.migrate()
        elif name == "restore" and not troubles:
            steps.store.settle_restored("send", [], now=NOW)
    check_whole(folder, before)


def test_a_full_disk_on_the_command_line(disk: Path) -> None:
    (disk / "config.toml").write_text(CONFIG)
    assert aggregator(disk, "migrate").returncode == 0
    fill(disk)
    one_line(aggregator(disk, "collect"), 1, r"aggregator\.db (cannot grow: the disk is full|.*disk may be full)")
    one_line(aggregator(disk, "backup"), 1, r"disk is full|disk may be full")


def test_a_disk_that_is_full_after_the_final_dot_costs_one_duplicate(disk: Path) -> None:
    """The mark was stored and the answer was not: that one message is sent again, the same bytes, and no other."""

    class Filling(ListMailer):
        def send(self, message: Message, on_data: Callable[[], None]) -> str:
            said = super().send(message, on_data)
            if len(self.sent) == 5:
                fill(disk)
            return said

    with fresh_store("sqlite", disk) as store:
        for number in range(20):
            queue(store, mail(number, b"x" * 4000), period=f"p{number}")
        post = Filling()

        def deliver() -> Outcome:
            return pipeline.deliver(store, post, now=NOW, pace=Pace(clock=lambda: 0))

        troubles = do(deliver)
        assert len(troubles) == 1
        assert says_full(troubles), troubles
        assert len(post.sent) in (5, 6, 7)
        once = len(post.sent)
        (disk / "ballast").unlink()
        assert do(deliver) == []
        assert {message.to for message in post.sent} == {mail(number).to for number in range(20)}
        assert len(post.sent) <= 21
        assert len({message.raw for message in post.sent[:once]} | {post.sent[-1].raw}) == 1
        assert store.integrity() == []


# --- locked and read-only ------------------------------------------------------------------------------------------


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program writes, and does not let go."""
    other = engine.SQLITE.connect(str(file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.mark.parametrize("name", STEPS)
def test_a_locked_database(tmp_path: Path, before: dict[str, Path], name: str) -> None:
    folder = shutil.copytree(before[name], tmp_path / "run")
    with locked(folder / "aggregator.db"), installation(folder, patience=0.2) as steps:
        (trouble,) = step(steps, name)
        assert re.search(r"aggregator\.db is locked by another program for more than 0\.2 s; try again", trouble)
    check_whole(folder, before)


def test_locked_in_the_midst_of_delivery(tmp_path: Path) -> None:
    """Before a final dot: that message is not handed over, and none is sent twice."""

    class Locking(ListMailer):
        def __init__(self, file: Path) -> None:
            super().__init__()
            self.file, self.held = file, list[object]()

        def send(self, message: Message, on_data: Callable[[], None]) -> str:
            if len(self.tried) == 3:
                self.held.append(lock := locked(self.file))
                lock.__enter__()
            return super().send(message, on_data)

    with fresh_store("sqlite", tmp_path) as store:
        for number in range(10):
            queue(store, mail(number), period=f"p{number}")
        post = Locking(tmp_path / "a.db")
        with (
            Store(f"sqlite:///{tmp_path / 'a.db'}", patience=0.2) as hasty,
            pytest.raises(StoreError, match="is locked"),
        ):
            pipeline.deliver(hasty, post, now=NOW, pace=Pace(clock=lambda: 0))
        assert len(post.sent) == 3
        post.held.clear()  # and so it is let go
        pipeline.deliver(store, post, now=NOW, pace=Pace(clock=lambda: 0))
        assert [message.to for message in post.sent] == [mail(number).to for number in range(10)]


HOLD = """
import sys, time
from aggregator.store import engine
other = engine.SQLITE.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("seconds", "code"), [(10, 0), (36, 1)])
def test_locked_for_long_by_another_process(tmp_path: Path, seconds: float, code: int) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace("https://blog.example.org/", "http://127.0.0.1:9/"))
    assert aggregator(tmp_path, "migrate").returncode == 0
    command = [sys.executable, "-c", HOLD, str(tmp_path / "aggregator.db"), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        begun = time.monotonic()
        done = aggregator(tmp_path, "restore", "--mark")
        waited = time.monotonic() - begun
        if code:
            one_line(done, 1, r"is locked by another program for more than 30 s; try again when it is done")
            assert 29 < waited < 45
        else:
            assert done.returncode == 0, done.stderr
            assert waited > seconds - 3
    assert aggregator(tmp_path, "restore", "--mark").returncode == 0


@pytest.mark.parametrize("name", STEPS)
def test_a_read_only_disk(disk: Path, before: dict[str, Path], name: str) -> None:
    folder = shutil.copytree(before[name], disk / "run")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with installation(folder) as steps:
        (trouble,) = step(steps, name)
        assert re.search(r"aggregator\.db.* cannot be (opened|written)", trouble), trouble
        for act in (
            lambda: steps.store.back_up(folder / "b.bak", now=NOW),
            lambda: steps.store.restore(before["whole"] / "aggregator.db", now=NOW),
        ):
            with pytest.raises(StoreError, match=r"Read-only file system|cannot be (opened|written)"):
                act()
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    check_whole(folder, before)


# --- the clock -----------------------------------------------------------------------------------------------------


class World:
    """A blog with a post every day at 6, and a reader who gets a letter every day at 8; `mailer.sent` is what came."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.store, self.folder, self.mailer = store, folder, ListMailer()
        self.me = replace(ME, schedule="daily 08:00", email=("me@example.org",), min_score=0.0)
        self.source = feed()
        self.start = datetime(2026, 11, 2, 9, tzinfo=UTC)

    def run(self, real: datetime, clock: datetime) -> list[str]:
        """What is due, at a moment that the clock takes for another; the troubles."""
        answer = pages({FEED: self.page(real)})
        renderer, model = Renderer("Digest <d@example.org>", "", None), WordEmbedder()
        with fetcher_over(answer, self.folder) as fetcher:
            outcomes = [pipeline.collect(self.store, fetcher, [self.source], now=clock)]
        outcomes.append(pipeline.digest(self.store, model, renderer, [self.me], [self.source.name], now=clock))
        outcomes.append(pipeline.deliver(self.store, self.mailer, now=clock, pace=Pace(clock=lambda: 0)))
        return [trouble for outcome in outcomes for trouble in outcome.troubles]

    def page(self, real: datetime) -> bytes:
        """The feed: the posts of the last ten days."""
        days = range(max(0, (real - self.start).days - 9), (real - self.start).days + 1)
        items = "".join(
            f"<item><title>Speech recognition number{day}</title><link>https://blog.example.org/{day}</link>"
            f"<pubDate>{self.start + day * DAY - 3 * HOUR:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
            for day in days
        )
        return f'<rss version="2.0"><channel><title>Blog</title>{items}</channel></rss>'.encode()

    def shown(self) -> list[int]:
        """The posts in the mails, in the order in which they came."""
        found: list[int] = []
        for message in self.mailer.sent:
            text = message.raw.decode("ascii").replace("=\r\n", "")
            found += sorted({int(number) for number in re.findall(r"blog\.example\.org/(\d+)\b", text)})
        return found


JUMPS = {"an hour ahead": HOUR, "an hour back": -HOUR, "400 days ahead": 400 * DAY, "400 days back": -400 * DAY}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_and_comes_back(tmp_path: Path, jump: timedelta) -> None:
    with fresh_store("sqlite", tmp_path) as store, feed_readers():
        world = World(tmp_path, store)
        for day in range(14):
            real = world.start + day * DAY
            if day == 5:
                assert world.run(real - 20 * HOUR, real - 20 * HOUR + jump) == []
                assert world.run(real - 2 * HOUR, real - 2 * HOUR + jump) == []
            assert world.run(real, real) == []
            assert set(range(day)) <= set(world.shown()), f"late on day {day}"
        assert sorted(world.shown()) == list(range(14))
        assert store.integrity() == []
        assert store.outbox_counts().keys() == {"sent"}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_between_two_steps(tmp_path: Path, jump: timedelta) -> None:
    """Only the sources are visited by the wrong clock; the letters are composed by the right one."""
    with fresh_store("sqlite", tmp_path) as store, feed_readers():
        world = World(tmp_path, store)
        for day in range(14):
            real = world.start + day * DAY
            if day == 5:
                with fetcher_over(pages({FEED: world.page(real)}), tmp_path) as fetcher:
                    pipeline.collect(store, fetcher, [world.source], now=real + jump)
            assert world.run(real, real) == []
        assert sorted(world.shown()) == list(range(14))


def test_a_source_that_was_asked_in_days_to_come_is_asked_today(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        for name, ahead in (("ahead", 400 * DAY), ("near", HOUR), ("fine", 0 * DAY)):
            store.record_failure(name, "feed", "down", now=NOW + ahead, next_visit=NOW + ahead + HOUR)
        assert store.due_sources(["ahead", "near", "fine", "new"], NOW) == ["ahead", "new"]
        store.record_failure("ahead", "feed", "down", now=NOW, next_visit=NOW + HOUR)
        assert store.due_sources(["ahead"], NOW) == []


def test_a_host_that_was_held_in_days_to_come_is_free(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        store.hold("example.org", NOW + 400 * DAY)
        assert store.holds(NOW) == {}
        store.hold("example.org", NOW + HOUR)
        assert store.holds(NOW) == {"example.org": NOW + HOUR}


def test_what_a_rare_source_brings_by_a_clock_far_back_is_in_the_next_letter(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        add(store, now=NOW - 5 * DAY)
        queue(store, now=NOW)
        add(store, paper(1, published=NOW - 6 * DAY), now=NOW - 400 * DAY)
        embed(store)
        assert [one.entry.key for one in candidates(store, since=NOW, until=NOW + DAY)] == ["arxiv:2611.00001"]


def test_what_came_by_a_clock_far_ahead_is_in_the_next_letter_and_in_no_preview(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        add(store, now=NOW - DAY)
        add(store, paper(1, published=NOW), now=NOW + 10 * DAY)
        embed(store)
        assert len(candidates(store, until=NOW)) == 1
        assert candidates(store, until=NOW, shown=True) == []
