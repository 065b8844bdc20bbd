"""A process that reads feeds may end at any moment: the feed that ended it is an error, and no other feed is."""

import os
import resource
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.errors import ParseError
from aggregator.sources.feed.worker import Job, Limits, Workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits for a process need POSIX")

GOOD = (
    b'<rss version="2.0"><channel><item><title>A</title><link>https://blog.example.org/1</link></item></channel></rss>'
)


class Ending(bytes):
    """A body that ends the process that receives it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (3,)


def job(body: bytes) -> Job:
    url = "https://blog.example.org/feed"
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    return Job(body=body, content_type="", url=url, now=now, name="blog", feed=url, kind=None, limit=1000)


def titles(workers: Workers, body: bytes) -> list[str]:
    return [entry.title for entry in workers.tell(job(body)).entries]


def pid_of(workers: Workers) -> int:
    with workers._turn() as one:
        return one.process.pid


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV])
def test_one_that_was_killed_while_idle_is_no_fault_of_the_next_feed(signum: int) -> None:
    workers = Workers(1, Limits())
    try:
        assert titles(workers, GOOD) == ["A"]
        gone = pid_of(workers)
        os.kill(gone, signum)
        os.waitid(os.P_PID, gone, os.WEXITED | os.WNOWAIT)
        assert titles(workers, GOOD) == ["A"]
        assert pid_of(workers) != gone
    finally:
        workers.close()


def test_one_that_ends_while_it_reads_is_an_error_and_replaced() -> None:
    workers = Workers(1, Limits())
    try:
        with pytest.raises(ParseError, match=r"brought its process down \(exit code 3\)"):
            workers.tell(job(Ending()))
        assert titles(workers, GOOD) == ["A"]
    finally:
        workers.close()


def seconds_of(pid: int) -> float:
    """Processor time of a running process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to see what a process takes")
def test_each_feed_has_the_processor_time_promised_and_no_more() -> None:
    """Also in a process that has already spent more than that on other feeds."""
    busy = GOOD.replace(b"</item>", b"<description>" + b"<b>word</b> " * 8000 + b"</description></item>")
    endless = b"<rss><channel><item><title>A</title><description>" + b"<div>" * 600_000
    workers = Workers(1, Limits(cpu=1))
    try:
        assert titles(workers, GOOD) == ["A"]
        pid = pid_of(workers)
        while seconds_of(pid) < 1.5:
            assert titles(workers, busy) == ["A"]
        assert pid_of(workers) == pid
        spent, before = seconds_of(pid), resource.getrusage(resource.RUSAGE_CHILDREN)
        with pytest.raises(ParseError, match=r"in 1 s of processor time"):
            workers.tell(job(endless))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert 0.7 < whole - spent < 3, "the system counts in ticks"
        assert titles(workers, GOOD) == ["A"]
    finally:
        workers.close()
