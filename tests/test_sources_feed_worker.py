"""Feeds are read in a process of their own: what is hostile ends there, and everything that can be read is."""

import os
import resource
import signal
import subprocess
import sys
import tarfile
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from aggregator.errors import ParseError
from aggregator.sources.feed import worker
from aggregator.sources.feed.document import read
from aggregator.sources.feed.worker import Job, Limits, Told, Workers
from aggregator.text import plain

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SHARED = Path(__file__).parents[2] / "shared"
CORPUS = SHARED / "data" / "feeds" / "feedparser-corpus.tar.gz"
REAL = SHARED / "internet" / "data" / "feeds"
LIMITS = Limits(cpu=10, wall=30)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits for a process need POSIX")


def job(body: bytes, content_type: str = "") -> Job:
    return Job(
        body=body,
        content_type=content_type,
        url="https://blog.example.org/feed",
        now=NOW,
        name="blog",
        feed="https://blog.example.org/feed",
        kind=None,
        limit=20_000,
    )


def rss(*descriptions: str, head: str = "", author: str = "") -> bytes:
    items = "".join(
        f"<item><title>Post {n}</title><link>https://blog.example.org/{n}</link>{author}"
        f"<description>{text}</description></item>"
        for n, text in enumerate(descriptions)
    )
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel><title>B</title>{items}</channel></rss>'.encode()


GOOD = rss("&lt;p&gt;One.&lt;/p&gt;", "Two.")


@contextmanager
def readers(most: int = 2, limits: Limits = LIMITS) -> Iterator[Workers]:
    opened = Workers(most, limits)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Workers]:
    with readers() as opened:
        yield opened


def names(told: Told) -> list[str]:
    return [entry.title for entry in told.entries]


def test_a_feed_is_told_as_it_is_read_here(shared: Workers) -> None:
    assert shared.tell(job(GOOD)) == worker.tell(job(GOOD))
    assert names(shared.tell(job(GOOD))) == ["Post 0", "Post 1"]


def test_what_is_no_feed_is_an_error_in_words(shared: Workers) -> None:
    with pytest.raises(ParseError, match="a web page"):
        shared.tell(job(b"<html><title>Hello</title></html>"))
    assert names(shared.tell(job(GOOD))) == ["Post 0", "Post 1"]


def test_a_bug_shows_its_traceback(shared: Workers) -> None:
    broken = job(GOOD)
    object.__setattr__(broken, "limit", "none")
    with pytest.raises(RuntimeError, match=r"a feed could not be read:\n(?s:.*)TypeError"):
        shared.tell(broken)


# --- hostile: (feed, entries that must come of it, or None if it may be refused)

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE: dict[str, tuple[bytes, int | None]] = {
    "billion laughs": (rss("&l9;", "x", head=f'<!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]>'), 2),
    "one entity many times": (rss("&a;" * 50_000, "x", head=f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]>'), 2),
    "a file of this machine": (rss("&f;", "x", head='<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]>'), 2),
    "100 000 divisions": (rss("&lt;div&gt;" * 100_000, "x"), 2),
    "100 000 elements": (rss("x", "<div>" * 100_000), None),
    "400 kB of comments begun": (rss("&lt;!--" * 57_000, "x"), None),
    "400 kB of comments begun, raw": (rss("<!--" * 100_000, "x"), None),
    "an author of 80 kB": (rss("x", "y", author=f"<author>{'a@' * 40_000}</author>"), None),
    "an author of 80 kB in brackets": (rss("x", author=f"<author>{'(' * 80_000}</author>"), None),
    "4 MB of less-than": (rss("&lt;" * 1_000_000), None),
    "4 MB of raw less-than": (b"<rss><channel>" + b"<" * 4_000_000, None),
    "an attribute of 3 MB": (rss("x", f'<a b="{"c" * 3_000_000}"/>'), None),
    "10 000 namespaces": (rss("x", "".join(f'<a{n}:b xmlns:a{n}="u{n}"/>' for n in range(10_000))), None),
    "JSON 100 000 deep": (b'{"version": "https://jsonfeed.org/version/1.1", "items": ' + b"[" * 100_000, None),
    "NUL bytes": (GOOD.replace(b"Two.", b"T\0w\0o."), 2),
    "UTF-16": (GOOD.decode().replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), 2),
    "Latin-1 that says UTF-8": (rss("caf\u00e9", "x").decode().encode("latin-1"), 2),
    "a bare ampersand": (GOOD.replace(b"Two.", b"Two & a half."), 2),
    "10 000 entries": (rss(*(f"Text {n}." for n in range(10_000))), 10_000),
}


def spent(pids: set[int]) -> dict[int, float]:
    """Seconds of processor time of running processes."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found[pid] = (int(fields[11]) + int(fields[12])) / ticks
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_ends_and_the_others_are_read(name: str) -> None:
    """With limits of two seconds here; the real ones are in `test_hostile_feeds_keep_the_promised_limits`."""
    body, expected = HOSTILE[name]
    with readers(2, Limits(cpu=2, wall=5)) as workers, ThreadPoolExecutor(2) as pool:
        hostile = pool.submit(workers.tell, job(body))
        good = pool.submit(workers.tell, job(GOOD))
        assert names(good.result(20)) == ["Post 0", "Post 1"]
        error = hostile.exception(20)
        if error is None:
            assert expected in (None, len(hostile.result().entries))
        else:
            assert isinstance(error, ParseError), error
            assert "\n" not in str(error)
            assert expected is None or expected > 1000, error
        assert names(workers.tell(job(GOOD))) == ["Post 0", "Post 1"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to see what a process takes")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_feeds_keep_the_promised_limits(name: str) -> None:
    """10 s of processor, 512 MB and 30 s on the clock, each in a process of its own, the largest memory from /proc."""
    body, expected = HOSTILE[name]
    peak = [0]
    with readers(1) as workers:
        workers.tell(job(GOOD))
        with workers._turn() as one:
            process = one.process
        before = spent({process.pid})[process.pid]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                try:
                    status = Path(f"/proc/{process.pid}/status").read_text()
                except OSError:
                    return
                peak[0] = max([peak[0], *(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)])

        thread = threading.Thread(target=watch)
        thread.start()
        begun, children = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            found: int | None = len(workers.tell(job(body)).entries)
        except ParseError:
            found = None
        wall = time.monotonic() - begun
        done.set()
        thread.join()
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        killed = ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime
        cpu = spent({process.pid})[process.pid] - before if process.poll() is None else killed - before
    assert expected in (None, found)
    assert wall <= 30
    assert cpu <= 12  # 10, and the second to which the system counts
    assert peak[0] <= 512 * 1024


def test_memory_is_bounded() -> None:
    with readers(1, Limits(memory=40 * 2**20)) as workers:
        with pytest.raises(ParseError, match=r"could not be read in 40 MB|brought its process down"):
            workers.tell(job(rss(*("word " * 400 for _ in range(20_000)))))
        assert names(workers.tell(job(GOOD))) == ["Post 0", "Post 1"]


def test_time_on_the_clock_is_bounded() -> None:
    with readers(1, Limits(wall=3.0)) as workers:
        workers.tell(job(GOOD))
        with workers._turn() as one:
            os.kill(one.process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(ParseError, match=r"could not be read within 3 s"):
            workers.tell(job(GOOD))
        assert time.monotonic() - begun < 10
        assert names(workers.tell(job(GOOD))) == ["Post 0", "Post 1"]


def test_a_process_that_was_killed_is_replaced() -> None:
    with readers(1) as workers:
        workers.tell(job(GOOD))
        with workers._turn() as one:
            one.process.kill()
            one.process.wait()
        assert names(workers.tell(job(GOOD))) == ["Post 0", "Post 1"]


def test_many_threads_share_few_processes() -> None:
    with readers(2) as workers, ThreadPoolExecutor(24) as pool:
        told = list(pool.map(lambda _: names(workers.tell(job(GOOD))), range(200)))
    assert told == [["Post 0", "Post 1"]] * 200


def test_no_process_outlives_the_program(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom tests.test_sources_feed_worker import GOOD, job\n"
        "from aggregator.sources.feed.worker import workers\nworkers().tell(job(GOOD))\n"
        "with workers()._turn() as one: print(one.process.pid, flush=True)\n"
    )
    for end in ("", "os.kill(os.getpid(), 9)"):
        done = subprocess.run(
            [sys.executable, "-c", script + end], capture_output=True, text=True, check=False, timeout=60
        )
        pid = int(done.stdout)
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.05)
        assert not Path(f"/proc/{pid}").exists(), done.stderr


# --- the corpus of feedparser, and real feeds


def recovered(body: bytes) -> int:
    """How many entries feedparser finds that say anything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entries = feedparser.parse(body).entries
    said = ("title", "link", "summary", "id")
    return sum(any(entry.get(name) for name in said) for entry in entries)


@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/data/feeds, the corpus of feeds, is not here")
def test_every_feed_of_the_corpus_is_read(shared: Workers) -> None:
    """What feedparser recovers is in the document, and what can be named is an entry; none takes long."""
    lost, expected = {}, 0
    with tarfile.open(CORPUS) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        bodies = {name: file.read() for name, file in files.items() if file}
    assert len(bodies) == 2106
    for name, body in bodies.items():
        try:
            items = read(body, content_type="", url="https://blog.example.org/feed").items
        except ParseError:
            items = ()
        if len(items) < recovered(body):
            lost[name] = (len(items), recovered(body))
        expected += len({(i.title, i.link, i.summary, i.guid) for i in items if plain(i.title + i.summary) or i.link})
    assert lost == {}
    with ThreadPoolExecutor(4) as pool:
        told = pool.map(lambda body: outcome(shared, body), bodies.values())
    assert sum(told) == expected > 500


def outcome(workers: Workers, body: bytes) -> int:
    try:
        return len(workers.tell(job(body)).entries)
    except ParseError:
        return 0


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/internet, real feeds, is not here")
def test_real_feeds_lose_nothing(shared: Workers) -> None:
    for path in sorted(REAL.iterdir()):
        if path.suffix == ".json" and path.name != "json_feed.json":
            continue
        body = path.read_bytes()
        expected = recovered(body) if path.suffix != ".json" else 1
        found = outcome(shared, body)
        assert found >= min(expected, 1), path.name
        assert found >= 0.9 * expected or path.name == "google_alerts.xml", (path.name, found, expected)
