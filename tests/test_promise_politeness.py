"""Promise: no server is asked before it wants to be, nor again for what has not changed: a month, twenty restarts.

The time is simulated. Each server knows from its own last answer when it may be asked again and with which validators,
and writes down what is wrong with a question; the service is played by calling `collect` when something is due, and
often when nothing is.
"""

import itertools
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from aggregator import pipeline
from aggregator.fetch import Fetcher
from aggregator.outcome import Outcome, Stop, never
from aggregator.sources import Source
from aggregator.sources.feed import Feed
from aggregator.store import Store

START = datetime(2026, 11, 21, 6, 3, tzinfo=UTC)  # a Saturday
DAYS = 30
RESTARTS = 20
TICK = timedelta(minutes=5)
LATE = 13 * TICK
"""How long a visit that is due may have to wait for the next call."""

RETRY = timedelta(minutes=54)
"""The shortest wait after a failure: an hour less ten per cent."""

POLITE = {b"host", b"user-agent", b"accept", b"accept-encoding", b"if-none-match", b"if-modified-since"}
NONE = (b"", b"")
Validators: TypeAlias = tuple[bytes, bytes]
Answer: TypeAlias = httpx.Response | Exception


class World:
    """The time of each call, the naps taken, the breaches that the servers saw, and whether one asked to be let be."""

    def __init__(self) -> None:
        self.now = START
        self.breaches: list[str] = []
        self.is_busy = False
        self._naps = 0.0
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Since 1970."""
        return self.now.timestamp() + self._naps

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once, for those who wait and not for the others."""
        with self._lock:
            self._naps += seconds

    def wake(self) -> None:
        """Make the naps part of the time."""
        self.now, self._naps = self.now + timedelta(seconds=self._naps), 0.0


@dataclass
class Server:
    """One address; what it says has a new version after each `changes`.

    `wait` is how long its feed asks to be left alone, in HTTP by `said` or in the feed's own words by `head`. It makes
    its validators from the version's number, or, if it `flaps`, anew for each answer, a 304 as well. `trouble` may
    answer in place of the feed, given the number of the question and the time.
    """

    url: str
    every: float = 8
    wait: timedelta = timedelta(0)
    said: Callable[[datetime], dict[str, str]] = lambda now: {}
    head: str = ""
    skips: Callable[[datetime], bool] = lambda now: False
    changes: timedelta = timedelta(hours=25)
    etag: str = '"v{}"'
    modified: str = "Sat, 21 Nov 2026 06:00:{:02} GMT"
    flaps: bool = False
    trouble: Callable[[int, datetime], Answer | None] = lambda number, now: None
    asked: list[datetime] = field(default_factory=list)
    unconditional: int = 0
    not_before: datetime = START
    _sent: Validators = NONE
    _version: int = -1

    def answer(self, request: httpx.Request, world: World) -> httpx.Response:
        """What the server says; what is wrong with the question is a breach."""
        now, given = world.now, _validators(request)
        world.breaches += [f"{now:%d %H:%M} {self.url}: {text}" for text in self._breaches(request, given, now)]
        self.asked.append(now)
        self.not_before = now + RETRY
        if answer := self.trouble(len(self.asked), now):
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.not_before = now + max(timedelta(hours=self.every), self.wait)
        version = (now - START) // self.changes
        unchanged = given != NONE and version == self._version
        number = len(self.asked) if self.flaps else version
        self._version = version
        self._sent = tuple(text.format(number % 60).encode("latin-1") for text in (self.etag, self.modified))  # type: ignore[assignment]
        self.unconditional += given == NONE
        headers = [(name, value) for name, value in zip((b"ETag", b"Last-Modified"), self._sent, strict=True) if value]
        headers += [(name.encode(), value.encode()) for name, value in self.said(now).items()]
        return httpx.Response(304 if unchanged else 200, headers=headers, content=b"" if unchanged else self._feed())

    def _feed(self) -> bytes:
        item = f"<item><title>Version {self._version}</title><link>{self.url}?n={self._version}</link></item>"
        return f'<rss version="2.0"><channel><title>A</title>{self.head}{item}</channel></rss>'.encode()

    def _breaches(self, request: httpx.Request, given: Validators, now: datetime) -> Iterator[str]:
        if now < self.not_before:
            yield f"asked {self.not_before - now} early"
        if self.asked and self.skips(now) and self.skips(now - LATE):  # else it was due when it was not skipped
            yield "asked when it has nothing new"
        if other := {name.lower() for name, _ in request.headers.raw} - POLITE:
            yield f"was told {other}"
        if str(request.url) != self.url:
            yield f"was asked for {request.url}"
        if given not in (self._sent, NONE):
            yield f"was told {given} after it had sent {self._sent}"
        if given == NONE and self._sent != NONE and not self.trouble(len(self.asked) + 1, now):
            yield f"was asked without the validators {self._sent}"


def _validators(request: httpx.Request) -> Validators:
    found = {name.lower(): value for name, value in request.headers.raw}
    return found.get(b"if-none-match", b""), found.get(b"if-modified-since", b"")


def _at(numbers: Sequence[int], answer: Callable[[datetime], Answer]) -> Callable[[int, datetime], Answer | None]:
    """Trouble at the questions with these numbers."""
    return lambda number, now: answer(now) if number in numbers else None


def _busy(status: int, text: str) -> Callable[[datetime], Answer]:
    return lambda now: httpx.Response(status, headers={"Retry-After": text, "Set-Cookie": "busy=1"})


def _busy_until(status: int, wait: timedelta) -> Callable[[datetime], Answer]:
    def answer(now: datetime) -> Answer:
        dates = {"Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(now + wait, usegmt=True)}
        return httpx.Response(status, headers=dates)

    return answer


def _shaky(number: int, now: datetime) -> Answer | None:
    """Two answers, then four troubles of different kinds, and again."""
    troubles = (httpx.Response(500), httpx.ReadTimeout("slow"), httpx.ConnectError("away"), httpx.Response(404))
    return troubles[number % 6 - 2] if number % 6 >= 2 else None


def _expires(now: datetime) -> dict[str, str]:
    dates = {"Date": now, "Expires": now + timedelta(hours=9)}
    return {name: format_datetime(moment, usegmt=True) for name, moment in dates.items()}


def _max_age(seconds: int) -> Callable[[datetime], dict[str, str]]:
    return lambda now: {"Cache-Control": f"public, max-age={seconds}", "Set-Cookie": "id=1; Max-Age=99999999"}


def _to(status: int, target: str, since: int = 0) -> Callable[[int, datetime], Answer | None]:
    moved = httpx.Response(status, headers={"Location": target, "Set-Cookie": "moved=1", "Content-Length": "0"})
    return lambda number, now: moved if now - START >= timedelta(days=since) else None


WEEKEND = "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
NIGHT = f"<skipHours>{''.join(f'<hour>{hour}</hour>' for hour in range(6))}</skipHours>"
BUSY = "https://busy.example.org/"


def _servers() -> list[Server]:
    return [
        Server("https://plain.example.org/feed.xml?format=rss&b=%20"),
        Server("https://often.example.org/", every=1, wait=timedelta(hours=3), said=_max_age(10_800)),
        Server("https://long.example.org/", every=1, wait=timedelta(days=7), said=_max_age(10**9)),
        Server("https://expires.example.org/", every=3, wait=timedelta(hours=9), said=_expires),
        Server("https://ttl.example.org/", wait=timedelta(hours=10), head="<ttl>600</ttl>"),
        Server("https://week.example.org/", head=WEEKEND, skips=lambda now: now.weekday() >= 5),
        Server("https://day.example.org/", every=4, head=NIGHT, skips=lambda now: now.hour < 6),
        Server("https://flaps.example.org/", every=8, flaps=True),
        Server("https://fresh.example.org/", every=8, flaps=True, changes=timedelta(days=5), modified=""),
        Server("https://odd.example.org/", etag='W/"\xe9, \xff;"{}', modified="Thu, 32 Foo 2041 {}:99", every=8),
        Server("https://dated.example.org/", etag="", every=12),
        Server("https://bare.example.org/", etag="", modified="", every=12),
        Server("https://shaky.example.org/", trouble=_shaky),
        Server(f"{BUSY}429", trouble=_at((5, 9, 14), _busy(429, "200000"))),
        Server(f"{BUSY}503", trouble=_at((7, 20), _busy_until(503, timedelta(hours=30)))),
        Server(f"{BUSY}neighbour", every=4),
        Server("https://week-off.example.org/", trouble=_at((4,), _busy(503, "99999999"))),
        Server("https://old.example.org/", trouble=_to(301, "https://new.example.net/", since=3)),
        Server("https://new.example.net/", every=RETRY / timedelta(hours=1)),
        Server("https://short.example.org/", trouble=_to(302, "https://cdn.example.net/a")),
        Server("https://cdn.example.net/a", every=RETRY / timedelta(hours=1)),
    ]


TARGETS = {"https://new.example.net/", "https://cdn.example.net/a"}
"""Of redirects: no source names them, so that the source's hours are those of the address that leads there."""

LONGEST = {
    "https://long.example.org/": 7 * 24,
    "https://week.example.org/": 48 + 6,
    "https://day.example.org/": 6 + 4,
    "https://shaky.example.org/": 8.8,
    f"{BUSY}429": 200_000 / 3600 + 30 + 12,
    f"{BUSY}503": 200_000 / 3600 + 30 + 12,
    f"{BUSY}neighbour": 200_000 / 3600 + 30 + 12,
    "https://week-off.example.org/": 7 * 24,
}
"""Hours between two questions at most, where it is not what the server asks for each time."""


class Network(httpx.BaseTransport):
    """All servers; one that asks to be left alone speaks for its host."""

    def __init__(self, world: World, servers: Sequence[Server]) -> None:
        self._world = world
        self._servers = {server.url: server for server in servers}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What the server says that was asked."""
        server = self._servers[str(request.url)]
        answer = server.answer(request, self._world)
        if wait := answer.headers.get("retry-after"):
            self._world.is_busy = True
            span = timedelta(seconds=int(wait)) if wait.isdigit() else timedelta(hours=30)
            for one in self._servers.values():
                if httpx.URL(one.url).host == request.url.host:
                    one.not_before = max(one.not_before, self._world.now + min(span, timedelta(days=7)))
        return answer


@dataclass
class Service:
    """The program between two restarts."""

    store: Store
    fetcher: Fetcher
    sources: Sequence[Source]
    world: World

    def collect(self, stop: Stop = never) -> Outcome:
        """Do what `aggregator serve` does every few minutes."""
        return pipeline.collect(self.store, self.fetcher, self.sources, now=self.world.now, workers=4, stop=stop)

    def next_visits(self) -> dict[str, datetime]:
        """When each source that was asked is asked again."""
        states = self.store.sources([source.name for source in self.sources])
        return {state.name: state.next_visit for state in states if state.next_visit}


@contextmanager
def _started(folder: Path, world: World, network: httpx.BaseTransport, sources: Sequence[Source]) -> Iterator[Service]:
    with (
        Store(f"sqlite:///{folder}/a.db") as store,
        Fetcher(
            contact="mailto:test@example.org",
            transport=network,
            slot_dir=folder,
            sleep=world.sleep,
            clock=world.seconds,
            wall=world.seconds,
        ) as fetcher,
    ):
        yield Service(store, fetcher, sources, world)


def _sources(servers: Sequence[Server]) -> list[Feed]:
    told = [server for server in servers if server.url not in TARGETS]
    return [Feed(name=f"f{n}", url=server.url, every_hours=server.every) for n, server in enumerate(told)]


def _stop_after(tasks: int) -> Stop:
    """SIGTERM when so many visits were begun."""
    begun = itertools.count()
    return lambda: next(begun) >= tasks


def _until(service: Service, end: datetime, chance: random.Random) -> None:
    """Play the service up to a moment, at which it is told to stop; it dies at once when a server says Retry-After."""
    world = service.world
    while True:
        service.collect()
        if world.is_busy:
            world.is_busy = False
            return
        waiting = service.next_visits().values()
        assert len(waiting) == len(service.sources)
        assert min(waiting) > world.now
        late = min(waiting) + TICK * chance.randint(1, 12)
        idle = world.now + TICK * chance.randint(1, 99)
        world.now = max(world.now + TICK, min(idle, late))
        if world.now >= end:
            service.collect(_stop_after(chance.randint(0, 2)))
            return


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Server]]:
    """The month: what was seen, and the servers at its end."""
    folder, world, servers = tmp_path_factory.mktemp("month"), World(), _servers()
    network, sources = Network(world, servers), _sources(servers)
    chance = random.Random("politeness")
    with Store(f"sqlite:///{folder}/a.db") as store:
        store.migrate()
    restarts = sorted(START + timedelta(days=DAYS) * chance.random() for _ in range(RESTARTS))
    for end in (*restarts, START + timedelta(days=DAYS)):
        while world.now < end:
            with _started(folder, world, network, sources) as service:
                _until(service, end, chance)
    return world, servers


def test_a_month_without_a_breach(played: tuple[World, list[Server]]) -> None:
    world, _ = played
    assert world.breaches == []


def test_one_unconditional_question_per_feed(played: tuple[World, list[Server]]) -> None:
    _, servers = played
    found = {server.url: server.unconditional for server in servers}
    assert found.pop("https://bare.example.org/") > DAYS  # it has nothing to be asked by
    assert found.pop("https://short.example.org/") == 0  # it never gave a feed
    assert set(found.values()) == {1}, found


def test_nobody_is_forgotten(played: tuple[World, list[Server]]) -> None:
    world, servers = played
    for server in servers:
        if server.url in TARGETS | {"https://old.example.org/"}:
            continue
        hours = LONGEST.get(server.url, max(server.every, server.wait / timedelta(hours=1)))
        times = [*server.asked, world.now]
        longest = max(after - before for before, after in itertools.pairwise(times))
        assert longest <= timedelta(hours=hours) + LATE, server.url
    (new,) = (server for server in servers if server.url == "https://new.example.net/")
    assert world.now - new.asked[-1] <= timedelta(hours=6) + LATE


# --- every way a visit can end


EXITS: dict[str, tuple[Answer, ...]] = {
    "a feed": (httpx.Response(200, content=b'<rss version="2.0"><channel><title>A</title></channel></rss>'),),
    "broken off": (httpx.Response(200, content=b'<rss version="2.0"><channel><item><title>A</title><link>x'),),
    "no feed": (httpx.Response(200, content=b"<!doctype html><title>Sign in</title>"),),
    "empty": (httpx.Response(200, content=b""),),
    "too large": (httpx.Response(200, content=b" " * (5 << 20)),),
    "unknown encoding": (httpx.Response(200, headers={"Content-Encoding": "br"}, stream=httpx.ByteStream(b"x")),),
    "304 unasked": (httpx.Response(304),),
    "a circle": (httpx.Response(302, headers={"Location": "https://one.example.org/"}),),
    "inwards": (httpx.Response(301, headers={"Location": "http://127.1/"}),),
    "to nowhere": (httpx.Response(307),),
    "400": (httpx.Response(400),),
    "403": (httpx.Response(403),),
    "404": (httpx.Response(404),),
    "410": (httpx.Response(410),),
    "429": (httpx.Response(429),),
    "429 at once": (httpx.Response(429, headers={"Retry-After": "0"}),),
    "429 nonsense": (httpx.Response(429, headers={"Retry-After": "-1, soon"}),),
    "500": (httpx.Response(500),),
    "503": (httpx.Response(503, headers={"Retry-After": "3600"}),),
    "timeout": (httpx.ReadTimeout("slow"),),
    "no connection": (httpx.ConnectError("away"),),
    "no HTTP": (httpx.RemoteProtocolError("nonsense"),),
    "system error": (OSError(5, "Input/output error"),),
}


class Scripted(httpx.BaseTransport):
    """Answers by host, in turn; the last answer stays. `at` tells when each host was asked."""

    def __init__(self, world: World, answers: dict[str, Sequence[Answer]], slow: float = 0) -> None:
        self.at: dict[str, list[float]] = {}
        self._world, self._answers, self._slow = world, answers, slow

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer of that host."""
        times = self.at.setdefault(request.url.host, [])
        self._world.sleep(self._slow)
        times.append(self._world.seconds())
        answers = self._answers[request.url.host]
        answer = answers[min(len(times), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer.stream, httpx.ByteStream) and answer.headers.get("content-encoding"):
            return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def _fleet(*names: str) -> list[Feed]:
    return [Feed(name=name, url=f"https://{name}.example.org/") for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Store(f"sqlite:///{tmp_path}/a.db") as store:
        store.migrate()
    return tmp_path


@pytest.mark.parametrize("exit_by", EXITS)
def test_the_next_visit_is_stored_however_a_visit_ends(folder: Path, exit_by: str) -> None:
    world = World()
    network = Scripted(world, {"one.example.org": EXITS[exit_by]})
    for _ in range(10):  # 50 minutes, a restart each time
        with _started(folder, world, network, _fleet("one")) as service:
            service.collect()
        world.now += TICK
    assert len(network.at["one.example.org"]) == 1


def test_a_killed_run_asks_again_only_what_was_under_way(folder: Path) -> None:
    world = World()
    names = [f"f{n}" for n in range(40)]
    network = Scripted(world, {f"{name}.example.org": EXITS["a feed"] for name in names})

    class Killed(BaseException):
        pass

    @contextmanager
    def die(what: str, total: int) -> Iterator[Callable[[int], None]]:
        def step(done: int) -> None:
            raise Killed

        yield step

    with _started(folder, world, network, _fleet(*names)) as service, pytest.raises(Killed):
        pipeline.collect(service.store, service.fetcher, service.sources, now=world.now, workers=2, progress=die)
    with Store(f"sqlite:///{folder}/a.db") as store:
        stored = {state.name for state in store.sources() if state.next_visit}
    assert stored
    for _ in range(3):
        world.now += TICK
        with _started(folder, world, network, _fleet(*names)) as service:
            service.collect()
    for name in names:
        assert len(network.at[f"{name}.example.org"]) <= (1 if name in stored else 2)


def test_a_bug_makes_nobody_be_asked_again(folder: Path) -> None:
    world = World()
    network = Scripted(world, {"bug.example.org": (ZeroDivisionError(),), "good.example.org": EXITS["a feed"]})
    for _ in range(3):
        with _started(folder, world, network, _fleet("bug", "good")) as service, suppress(ZeroDivisionError):
            service.collect()
        world.now += TICK
    assert {host: len(times) for host, times in network.at.items()} == {"bug.example.org": 1, "good.example.org": 1}


def test_a_long_run_shortens_no_wait(folder: Path) -> None:
    world = World()
    busy = (_busy(429, "7200")(START), *EXITS["a feed"])
    network = Scripted(world, {"a.example.org": EXITS["a feed"], "b.example.org": busy}, slow=1200)
    while len(network.at.get("b.example.org", ())) < 2:
        with _started(folder, world, network, _fleet("a", "b")) as service:
            pipeline.collect(service.store, service.fetcher, service.sources, now=world.now, workers=1)
        world.wake()
        world.now += TICK
    first, second = network.at["b.example.org"]
    assert second - first >= 7200
