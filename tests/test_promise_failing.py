"""Promise: a source that fails is asked less often, never forgotten, and never given up in silence."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from aggregator import pipeline
from aggregator.outcome import Outcome
from aggregator.revisit import after_failure
from aggregator.sources.feed import Feed
from aggregator.store import Store
from tests.fakes import Answer, One, fetcher_over, pages

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTHS = 60 * DAY
WAITS = (1, 2, 4, 8, 16, 24)
"""Hours after the first failure, the second, …; the last goes on for ever."""

TROUBLES: dict[str, Answer] = {
    "not-there": 404,
    "broken": 500,
    "busy": 429,
    "away": 503,
    "impatient": httpx.Response(429, headers={"Retry-After": "5"}),
    "slow": httpx.ReadTimeout("slow"),
    "unreached": httpx.ConnectError("no route"),
    "nonsense": httpx.RemoteProtocolError("not HTTP"),
    "page": b"<!doctype html><title>Welcome</title>",
    "circle": httpx.Response(302, headers={"Location": "https://circle.example.org/feed"}),
}


def rss(*numbers: int) -> bytes:
    items = "".join(
        f"<item><title>Post number {n}</title><link>https://x.example.org/{n}</link></item>" for n in numbers
    )
    return f'<rss version="2.0"><channel><title>A</title>{items}</channel></rss>'.encode()


def url(name: str) -> str:
    return f"https://{name}.example.org/feed"


class Service:
    """The program over a scripted network, at any time."""

    def __init__(self, store: Store, folder: Path, **answers: Answer) -> None:
        self.store = store
        self.network = pages({url(name): answer for name, answer in answers.items()})
        self.feeds = [Feed(name=name, url=url(name)) for name in answers]
        self._folder = folder

    def collect(self, now: datetime, *, everything: bool = False) -> Outcome:
        """What `serve` does every few minutes; `everything` is `collect --all` or `--source` for each."""
        with fetcher_over(self.network, self._folder) as fetcher:
            return pipeline.collect(self.store, fetcher, self.feeds, now=now, everything=everything)

    def next_visit(self, name: str) -> datetime:
        """When the source is asked again."""
        (state,) = self.store.sources([name])
        assert state.next_visit
        return state.next_visit


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/a.db") as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Callable[..., Service]:
    return lambda **answers: Service(store, tmp_path, **answers)


def test_two_months_of_failures(service: Callable[..., Service], store: Store) -> None:
    failing = service(**TROUBLES)
    asked: dict[str, list[datetime]] = {name: [] for name in TROUBLES}
    waits: dict[str, list[float]] = {name: [] for name in TROUBLES}
    lines: dict[str, list[tuple[datetime, str]]] = {name: [] for name in TROUBLES}
    now = START
    while now < START + MONTHS:
        outcome = failing.collect(now)
        states = {state.name: state for state in store.sources()}
        for line in outcome.troubles:
            lines[line.removeprefix("source ").partition(":")[0]].append((now, line))
        for name, state in states.items():
            if state.failures > len(asked[name]):
                asked[name].append(now)
                waits[name].append(((state.next_visit or now) - now) / HOUR)
        due = min(state.next_visit or now for state in states.values())
        now = due if now < START + 3 * DAY else due + 3 * HOUR  # several together: it takes less time
    for name, times in asked.items():
        for number, wait in enumerate(waits[name]):
            nominal = WAITS[min(number, len(WAITS) - 1)]
            assert 0.9 * nominal <= wait <= 1.1 * nominal, (name, number)
        assert len(times) > 50, name
        assert times[-1] >= START + MONTHS - 1.1 * DAY - 3 * HOUR, name
        # each time there is one line that says so, and from the seventh day on for how long
        assert [at for at, _ in lines[name]] == times, name
        for at, line in lines[name]:
            days = (at - START).days
            assert (f"failing for {days} days" in line) == (days >= 7), line
            assert ("failing for" in line) == (days >= 7), line
            assert "next visit 20" in line
            assert "\n" not in line


def test_sources_that_fail_together_come_back_apart() -> None:
    for failures, nominal in enumerate((*WAITS, 24, 24)):
        waits = [after_failure(f"source {n}", failures) / HOUR for n in range(200)]
        assert min(waits) >= 0.9 * nominal
        assert max(waits) <= 1.1 * nominal
        assert max(waits) - min(waits) > 0.15 * nominal
        assert len(set(waits)) == 200
    assert after_failure("a", 10**9) <= 1.1 * DAY


@pytest.mark.parametrize("failures", [1, 3, 20])
def test_the_first_success_resets(service: Callable[..., Service], store: Store, failures: int) -> None:
    answers: list[One] = [*[500] * failures, rss(1), 500, rss(1)]
    one = service(blog=answers)
    now = START
    for _ in range(failures):
        one.collect(now)
        now = one.next_visit("blog")
    assert store.failures("blog") == failures
    assert one.collect(now).troubles == []
    assert (store.failures("blog"), store.failing_since("blog")) == (0, None)
    assert one.next_visit("blog") - now == 4 * HOUR
    now = one.next_visit("blog")
    (line,) = one.collect(now).troubles
    assert "failing for" not in line
    assert 0.9 * HOUR <= one.next_visit("blog") - now <= 1.1 * HOUR


@pytest.mark.parametrize(("asked", "hours"), [(30, 30), (1, 4), (24 * 365, 24 * 7)])
def test_the_longer_of_both_waits_counts(service: Callable[..., Service], asked: int, hours: int) -> None:
    busy = httpx.Response(503, headers={"Retry-After": str(asked * 3600)})
    one = service(blog=[500, 500, busy])
    now = START
    for _ in range(2):
        one.collect(now)
        now = one.next_visit("blog")
    one.collect(now)
    assert 0.9 * hours <= (one.next_visit("blog") - now) / HOUR <= 1.1 * hours


def test_a_server_that_denies_its_feeds_half_of_each_day_loses_nothing(
    service: Callable[..., Service], store: Store
) -> None:
    """As YouTube does since December 2025: 404 for hours, every day."""
    time = [START]

    def answer(_: httpx.Request) -> httpx.Response:
        days = (time[0] - START).days
        return httpx.Response(404) if time[0].hour < 12 else httpx.Response(200, content=rss(days, days + 1, days + 2))

    one = service(channel=answer)
    last, longest, troubles = START, timedelta(0), []
    while time[0] < START + MONTHS:
        outcome = one.collect(time[0])
        troubles += outcome.troubles
        if outcome.counts["sources"]:
            longest, last = max(longest, time[0] - last), time[0]
        time[0] = one.next_visit("channel")
    assert longest < DAY + 6 * HOUR
    (state,) = store.sources(["channel"])
    assert state.entries >= 60
    assert not any("failing for" in line for line in troubles)


# --- gone for good


def test_gone_is_told_once_and_left_alone(service: Callable[..., Service], store: Store) -> None:
    both = service(gone=[rss(1), 410], other=rss(2))
    both.collect(START)
    (line,) = both.collect(START + 4 * HOUR).troubles
    assert line.startswith("source gone: ")
    assert "gone for good" in line
    asked = both.network.urls.count(url("gone"))
    for day in range(1, 61):
        outcome = both.collect(START + day * DAY)
        assert outcome.troubles == []
        assert outcome.counts["sources"] == 1
    assert both.network.urls.count(url("gone")) == asked == 2
    health = store.health(["gone", "other"], START + 53 * DAY, START + MONTHS)
    assert [one.state for one in health] == ["gone", "quiet"]
    assert "gone for good" in health[0].text


def test_gone_until_the_options_change(service: Callable[..., Service], store: Store) -> None:
    one = service(gone=410, elsewhere=rss(1))
    one.feeds = [Feed(name="gone", url=url("gone"))]
    one.collect(START)
    now = START + 30 * DAY
    one.feeds = [Feed(name="gone", url=url("gone"), every_hours=1)]  # says nothing of where it is
    one.collect(now)
    assert one.network.urls == [url("gone")]
    one.feeds = [Feed(name="gone", url=url("elsewhere"))]
    assert one.collect(now).counts["new"] == 1
    assert one.network.urls[1:] == [url("elsewhere")]
    assert store.gone({"gone": one.feeds[0].fingerprint}) == set()
    assert one.next_visit("gone") == now + 4 * HOUR


def test_gone_until_somebody_asks(service: Callable[..., Service], store: Store) -> None:
    one = service(gone=[410, 410, rss(1)])
    fingerprints = {"gone": one.feeds[0].fingerprint}
    one.collect(START)
    (line,) = one.collect(START + DAY, everything=True).troubles  # and it is still gone
    assert "gone for good" in line
    assert one.collect(START + 2 * DAY).counts == {"sources": 0, "entries": 0, "new": 0}
    assert store.gone(fingerprints) == {"gone"}
    assert one.collect(START + 3 * DAY, everything=True).counts["new"] == 1
    assert store.gone(fingerprints) == set()
    assert one.next_visit("gone") == START + 3 * DAY + 4 * HOUR
    assert one.collect(START + 4 * DAY).counts["sources"] == 1


def test_gone_after_a_week_of_other_failures(service: Callable[..., Service], store: Store) -> None:
    one = service(gone=[*[500] * 12, 410])
    now = START
    for _ in range(13):
        outcome = one.collect(now)
        now = one.next_visit("gone")
    assert "gone for good" in outcome.troubles[0]
    assert store.failing_since("gone") == START
    assert one.collect(now + MONTHS).troubles == []
