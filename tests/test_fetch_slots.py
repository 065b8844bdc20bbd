"""Politeness: one at a time, pauses, holds, and arXiv's slot over all hosts, fetchers and processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from tests.fakes import Clock, fetcher_over, pages

URL = "https://e.org/x"
DATE = "Mon, 01 Jan 2024 00:00:00 GMT"


class Slow(httpx.MockTransport):
    """Takes its time; remembers when each request began and ended, and how many there were at once."""

    def __init__(self, seconds: float) -> None:
        super().__init__(self._take)
        self.seconds = seconds
        self.times: list[tuple[float, float, str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def _take(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        start = time.monotonic()
        time.sleep(self.seconds)
        with self._lock:
            self._now -= 1
            self.times.append((start, time.monotonic(), request.url.host))
        return httpx.Response(200)

    def gaps(self) -> list[float]:
        """The seconds between the end of one and the start of the next; negative where they overlap."""
        ordered = sorted(self.times)
        return [after[0] - before[1] for before, after in pairwise(ordered)]


def ask(fetcher: Fetcher, *urls: str) -> None:
    with ThreadPoolExecutor(len(urls)) as pool:
        list(pool.map(fetcher.get, urls))


def refuse(status: int = 429, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_pause_after_each_request_to_a_host(tmp_path: Path) -> None:
    clock = Clock()
    with fetcher_over(pages({URL: b"x", "http://e.org./x": b"x", "https://f.org/": b"y"}), tmp_path, clock) as fetcher:
        fetcher.get(URL)
        fetcher.get("https://f.org/")
        assert clock.slept == []
        fetcher.get(URL)
        assert clock.slept == [1.0]
        clock.at += 0.4
        fetcher.get("http://E.ORG./x")
    assert clock.slept == [1.0, pytest.approx(0.6)]


def test_a_failure_and_a_redirect_pause_too(tmp_path: Path) -> None:
    clock = Clock()
    network = pages(
        {URL: [httpx.ReadTimeout("x"), httpx.Response(301, headers={"Location": "/y"})], "https://e.org/y": b""}
    )
    with fetcher_over(network, tmp_path, clock) as fetcher:
        with pytest.raises(FetchError):
            fetcher.get(URL)
        fetcher.get(URL)
    assert clock.slept == [1.0, 1.0]


def test_threads_take_turns_at_one_host() -> None:
    network = Slow(0.03)
    with Fetcher(contact="", transport=network, pause=0.05) as fetcher:
        ask(fetcher, *[URL] * 5)
    assert network.most == 1
    assert all(0.05 <= gap < 0.2 for gap in network.gaps())


def test_at_most_32_requests_are_under_way() -> None:
    network = Slow(0.05)
    with Fetcher(contact="", transport=network) as fetcher:
        start = time.monotonic()
        ask(fetcher, *[f"https://h{number}.org/" for number in range(80)])
        assert 0.15 < time.monotonic() - start < 0.6
    assert network.most == 32


def test_who_waits_takes_no_place() -> None:
    network = Slow(0.01)
    with Fetcher(contact="", transport=network, pause=0.02) as fetcher:
        for number in range(40):
            fetcher.hold(f"h{number}.org", 0.5)
        with ThreadPoolExecutor(60) as pool:
            held = [pool.submit(fetcher.get, f"https://h{number}.org/") for number in range(40)]
            start = time.monotonic()
            fetcher.get(URL)
            assert time.monotonic() - start < 0.3
            assert all(one.result().status == 200 for one in held)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After": "Mon, 01 Jan 2024 00:02:00 GMT", "Date": DATE}, 120),
        ({"Retry_After": "Sun, 31 Dec 2023 00:00:00 GMT", "Date": DATE}, 0),
        ({"Retry_After": "Thu, 01 Jan 1970 00:02:00 GMT"}, 120),
        ({"Retry_After": "99999999999999"}, 7 * 86400),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-5"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(status: int, headers: dict[str, str], seconds: int | None, tmp_path: Path) -> None:
    network = pages({URL: refuse(status, **headers)})
    with (
        Fetcher(contact="", transport=network, slot_dir=tmp_path, wall=lambda: 0.0) as fetcher,
        pytest.raises(FetchError, match=rf"^e\.org/x: {status}, ") as caught,
    ):
        fetcher.get(URL)
    assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))
    assert caught.value.status == status


def test_a_host_that_asked_for_rest_gets_it(tmp_path: Path) -> None:
    clock = Clock()
    network = pages({URL: [refuse(Retry_After="30"), refuse(503, Retry_After="300"), b"x"]})
    with fetcher_over(network, tmp_path, clock) as fetcher:
        with pytest.raises(FetchError, match="it asks to be left alone for 30 s"):
            fetcher.get(URL)
        with pytest.raises(FetchError, match="503, the server is not available at the moment"):
            fetcher.get(URL)
        assert clock.slept == [30.0]
        with pytest.raises(FetchError) as caught:
            fetcher.get(URL)
        assert str(caught.value) == "e.org: asked to be left alone for another 5 min"
        assert (caught.value.host, caught.value.status) == ("e.org", None)
        assert caught.value.retry_after == timedelta(seconds=300)
        assert len(network.requests) == 2
        clock.at += 250
        assert fetcher.get(URL).body == b"x"
    assert clock.slept == [30.0, 50.0]


def test_no_other_status_holds(tmp_path: Path) -> None:
    network = pages({URL: [refuse(403, Retry_After="3600"), b"x"]})
    with fetcher_over(network, tmp_path) as fetcher:
        with pytest.raises(FetchError) as caught:
            fetcher.get(URL)
        assert caught.value.retry_after is None
        assert fetcher.get(URL).body == b"x"


def test_a_hold_is_never_shortened_and_is_the_hosts_own(tmp_path: Path) -> None:
    clock = Clock()
    with fetcher_over(pages({URL: b"x", "https://f.org/": b""}), tmp_path, clock) as fetcher:
        fetcher.hold("E.ORG", 50)
        fetcher.hold("e.org", 5)
        fetcher.get("https://f.org/")
        fetcher.get(URL)
    assert clock.slept == [50.0]


def test_a_hold_that_comes_while_waiting_counts() -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            fetcher.hold("e.org", 20)

    with Fetcher(contact="", transport=pages({URL: b"x"}), sleep=sleep, clock=clock) as fetcher:
        fetcher.hold("e.org", 10)
        fetcher.get(URL)
    assert clock.slept == [10.0, 20.0]


def test_a_sleep_that_does_not_sleep_is_no_endless_loop() -> None:
    network = pages({"https://arxiv.org/": b"x"})
    with Fetcher(contact="", transport=network, sleep=lambda _: None) as fetcher:
        fetcher.hold("arxiv.org", 50)
        for _ in range(5):
            fetcher.get("https://arxiv.org/")


ARXIV = ("https://arxiv.org/", "https://export.arxiv.org/", "https://RSS.arxiv.org/", "http://oaipmh.arxiv.org/")


@pytest.mark.parametrize("together", [True, False], ids=["one fetcher", "two fetchers"])
def test_all_hosts_of_arxiv_share_one_slot(together: bool, tmp_path: Path) -> None:
    network = Slow(0.03)

    def fetcher() -> Fetcher:
        return Fetcher(contact="", transport=network, spacing=0.1, slot_dir=tmp_path)

    with fetcher() as one, fetcher() as two, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: pair[0].get(pair[1]), zip((one, one if together else two) * 2, ARXIV, strict=True)))
    assert network.most == 1
    assert all(0.099 <= gap < 0.3 for gap in network.gaps())


def test_lookalikes_of_arxiv_do_not() -> None:
    network = Slow(0.1)
    with Fetcher(contact="", transport=network, spacing=5) as fetcher:
        ask(fetcher, "https://arxiv.org/", "https://notarxiv.org/", "https://arxiv.org.example/")
    assert network.most == 3


def test_a_host_of_arxiv_that_is_held_does_not_hold_the_others(tmp_path: Path) -> None:
    clock = Clock()
    with fetcher_over(pages(dict.fromkeys(ARXIV, b"")), tmp_path, clock) as fetcher:
        fetcher.hold("export.arxiv.org", 500)
        fetcher.get("https://arxiv.org/")
        with pytest.raises(FetchError, match="left alone"):
            fetcher.get("https://export.arxiv.org/")
    assert clock.slept == []


PROCESS = """
import sys, time
from pathlib import Path
import httpx
from aggregator.fetch import Fetcher

def answer(request):
    start = time.time()
    time.sleep(0.02)
    print(start, time.time(), flush=True)
    return httpx.Response(200)

with Fetcher(contact="", transport=httpx.MockTransport(answer), spacing=0.1, slot_dir=Path(sys.argv[1])) as fetcher:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(4):
        fetcher.get("https://export.arxiv.org/")
"""


def test_processes_share_the_slot_fairly(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(2)
    ]
    times: list[tuple[float, float, int]] = []
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin
        process.stdin.write("go\n")
    for number, process in enumerate(both):
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        times += [(*map(float, line.split()), number) for line in out.splitlines()]  # type: ignore[misc]
    times.sort()
    assert len(times) == 8
    assert all(after[0] - before[1] > 0.095 for before, after in pairwise(times))
    assert len({number for *_, number in times[:4]}) == 2


def slotted(folder: Path, now: Callable[[], float]) -> list[float]:
    """What a fetcher slept before one request to arXiv."""
    clock = Clock()
    network = pages({"https://arxiv.org/": b""})
    with Fetcher(contact="", transport=network, slot_dir=folder, sleep=clock.sleep, clock=clock, wall=now) as fetcher:
        fetcher.get("https://arxiv.org/")
    return clock.slept


@pytest.mark.parametrize(
    ("later", "slept"),
    [(0.0, 3.1), (1.0, 2.1), (3.2, None), (86400.0, None), (-1.0, 3.1), (-86400.0, 3.1)],
)
def test_the_slot_remembers_and_a_clock_set_back_does_no_harm(
    later: float, slept: float | None, tmp_path: Path
) -> None:
    assert slotted(tmp_path, lambda: 1e9) == []
    expected = [] if slept is None else [pytest.approx(slept)]
    assert slotted(tmp_path, lambda: 1e9 + later) == expected


KILLED = """
import os, sys
from pathlib import Path
import httpx
from aggregator.fetch import Fetcher

transport = httpx.MockTransport(lambda request: os._exit(9))
Fetcher(contact="", transport=transport, slot_dir=Path(sys.argv[1]), wall=lambda: 1e9).get("https://arxiv.org/")
"""


def test_a_request_that_was_killed_counts_from_its_start(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == 9
    assert slotted(tmp_path, lambda: 1e9 + 1) == [pytest.approx(2.1)]


def test_a_request_that_failed_counts_from_its_end(tmp_path: Path) -> None:
    times = iter([1e9, 1e9, 1e9 + 30])
    network = pages({"https://arxiv.org/": httpx.ReadTimeout("x")})
    with (
        Fetcher(contact="", transport=network, slot_dir=tmp_path, wall=lambda: next(times)) as fetcher,
        pytest.raises(FetchError),
    ):
        fetcher.get("https://arxiv.org/")
    assert slotted(tmp_path, lambda: 1e9 + 31) == [pytest.approx(2.1)]


def test_nonsense_in_the_slot_costs_one_spacing(tmp_path: Path) -> None:
    for text in ("nonsense", "nan", "inf", "9" * 100):
        (tmp_path / "arxiv.slot").write_text(text)
        assert slotted(tmp_path, lambda: 1e9) == [pytest.approx(3.1)]


def test_a_slot_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert slotted(tmp_path / "file" / "folder", lambda: 1e9) == []


def test_the_default_slot_is_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Fetcher(contact="").close()
    assert (tmp_path / "cache" / "paper-aggregator" / "arxiv.slot").exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Fetcher(contact="").close()
    assert len(list(tmp_path.glob("paper-aggregator-*/arxiv.slot"))) == 1
