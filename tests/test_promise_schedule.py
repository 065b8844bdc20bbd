"""Promise P11: exactly one issue a period, and every paper in exactly one issue's window.

Over both clock changes of three zones and one without, with restarts, an outage of three days, two processes, and a
clock that is set back. What is expected is counted out minute by minute, without the code under test.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator import pipeline
from aggregator.model import Digest, Message, Profile
from aggregator.render import Renderer
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import add, paper

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
}
DAYS = [(zone, day) for zone, days in CHANGES.items() for day in days] + [("Asia/Kolkata", date(2026, 6, 14))]
EVERY: dict[str, Callable[[date], Sequence[time]]] = {
    "daily 02:10": lambda day: [time(2, 10)],  # in every gap and in every hour that is repeated
    "daily 01:45, 18:00": lambda day: [time(1, 45), time(18)],
    "weekdays 07:00": lambda day: [time(7)] if day.weekday() < 5 else [],
    "weekly sun 02:10": lambda day: [time(2, 10)] if day.weekday() == 6 else [],
    "weekly sat, mon 08:00": lambda day: [time(8)] if day.weekday() in (0, 5) else [],
}


class Plain(Renderer):
    """Letters of one line: this is about when they come."""

    def __init__(self) -> None:
        super().__init__("d@example.org")

    def render(self, digest: Digest, to: str, now: datetime) -> Message:
        """See Renderer.render."""
        key = f"{digest.profile.name}/{digest.period}/{to}"
        return Message(key, "d@example.org", to, f"<{key}>", digest.period, b"Subject: x\r\n\r\n")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, to be copied: migrations take longer than a test."""
    path = tmp_path_factory.mktemp("empty") / "a.db"
    with Store(f"sqlite:///{path}") as store:
        store.migrate()
    return path


def reader(schedule: str, zone: str) -> Profile:
    return Profile(
        name="me",
        email=("a@example.org", "b@example.org"),
        schedule=schedule,
        timezone=zone,
        interests=("paper",),
        min_score=0,
        max_entries=200,
    )


def utc(day: date, zone: str) -> datetime:
    """Noon of a day."""
    return datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)


@cache
def crossings(schedule: str, zone: str, first: date, last: date) -> tuple[datetime, ...]:
    """The first minute at which the wall clock of the zone has reached each of the schedule's times."""
    wanted = [
        datetime.combine(first + n * DAY, at)
        for n in range((last - first).days)
        for at in EVERY[schedule](first + n * DAY)
    ]
    found: list[datetime] = []
    minute, here = utc(first - DAY, zone), ZoneInfo(zone)
    while len(found) < len(wanted):
        wall = minute.astimezone(here).replace(tzinfo=None)
        while len(found) < len(wanted) and wall >= wanted[len(found)]:
            found.append(minute)
        minute += MINUTE
    return tuple(found)


class Life:
    """A reader's weeks: ticks on a database that is opened anew at every restart."""

    def __init__(self, folder: Path, empty: Path, schedule: str, zone: str) -> None:
        self.path = folder / "a.db"
        shutil.copy(empty, self.path)
        self.profile = reader(schedule, zone)
        self.store, self.other = self._open(), self._open()
        self.told: list[str] = []
        self.moments: list[datetime] = []

    def _open(self) -> Store:
        return Store(f"sqlite:///{self.path}")

    def restart(self) -> None:
        self.close()
        self.store, self.other = self._open(), self._open()

    def close(self) -> None:
        self.store.close()
        self.other.close()

    def tick(self, now: datetime, *, twice: bool = False) -> int:
        """A paper arrives every few hours, some with an old date; then what is due is opened; the issues so far."""
        if len(self.moments) % 3 == 0:
            number = len(self.told) + 1
            late = 10 * DAY if number % 5 == 0 else HOUR
            add(
                self.store,
                paper(number, published=now - late, title=f"Paper {'abcdefghij'[number % 10] * number}"),
                now=now,
            )
            self.told.append(f"arxiv:2611.{number:05}")
        else:
            add(self.store, now=now)
        self.moments.append(now)
        for store in (self.store, self.other) if twice else (self.store,):
            pipeline.digest(store, WordEmbedder(), Plain(), [self.profile], ["arxiv"], now=now)
        return len(self.store.issues("me"))

    def expected(self) -> int:
        """How many issues there are to be: one whenever the newest time that was reached is a new one."""
        zone, schedule = self.profile.timezone, self.profile.schedule
        first = min(self.moments).astimezone(ZoneInfo(zone)).date()
        last = max(self.moments).astimezone(ZoneInfo(zone)).date()
        times = crossings(schedule, zone, first - 8 * DAY, last + 2 * DAY)
        reached: set[datetime] = set()
        latest = self.moments[0]
        for now in self.moments:
            latest = max(latest, now)
            reached.add(max(moment for moment in times if moment <= latest))
        return len(reached)

    def check(self) -> None:
        issues = self.store.issues("me")[::-1]
        assert len(issues) == self.expected()
        assert len({issue.period for issue in issues}) == len(issues)
        for before, after in pairwise(issues):
            assert before.until == after.since
        for issue in issues:
            sent = [row.recipient for row in self.store.outbox() if row.period == issue.period]
            assert len(sent) == len(set(sent)) <= 2
        # One more issue at the end: nothing that was ever told is in no window, and nothing is in two.
        end = max(self.moments) + 12 * DAY
        pipeline.digest(self.store, WordEmbedder(), Plain(), [self.profile], ["arxiv"], now=end)
        assert sum(issue.picks for issue in self.store.issues("me")) == len(self.told)


@pytest.fixture
def live(tmp_path: Path, empty: Path) -> Iterator[Callable[[str, str], Life]]:
    lives: list[Life] = []

    def begin(schedule: str, zone: str) -> Life:
        lives.append(Life(tmp_path, empty, schedule, zone))
        return lives[-1]

    yield begin
    for life in lives:
        life.close()


def hours(start: datetime, count: int, step: float = 1.0) -> list[datetime]:
    return [start + n * step * HOUR for n in range(count)]


@pytest.mark.parametrize("schedule", EVERY)
@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_one_issue_a_period_over_the_change_with_restarts(
    zone: str, day: date, schedule: str, live: Callable[[str, str], Life]
) -> None:
    life = live(schedule, zone)
    for number, now in enumerate(hours(utc(day - 2 * DAY, zone), 36, 2)):
        life.tick(now)
        if number % 7 == 0:
            life.restart()
    life.check()


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_an_outage_of_three_days_is_one_issue_that_covers_it(
    zone: str, day: date, live: Callable[[str, str], Life]
) -> None:
    life = live("daily 02:10", zone)
    start = utc(day - 3 * DAY, zone)
    for now in [*hours(start, 12, 2), *hours(start + 5 * DAY, 6, 2)]:
        life.tick(now)
    before, after = life.store.issues("me")[:2][::-1]
    assert after.since == before.until
    assert after.until - after.since > 3 * DAY
    life.check()


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_two_processes_that_tick_at_once_open_one(zone: str, day: date, live: Callable[[str, str], Life]) -> None:
    life = live("daily 01:45, 18:00", zone)
    for now in hours(utc(day - DAY, zone), 24, 2):
        life.tick(now, twice=True)
    life.check()


@pytest.mark.parametrize("schedule", ["daily 02:10", "daily 01:45, 18:00", "weekly sun 02:10"])
@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_a_clock_that_is_set_back_repeats_and_loses_nothing(
    zone: str, day: date, schedule: str, live: Callable[[str, str], Life]
) -> None:
    life = live(schedule, zone)
    issues = 1
    for now in hours(utc(day - 2 * DAY, zone), 60, 1.3):
        before, issues = issues, life.tick(now)
        if issues > before:  # one was opened: an hour back, for five ticks
            for back in hours(now - HOUR, 5, 0.2):
                life.tick(back)
    life.check()


events = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.integers(1, 400)),
        st.tuples(st.just("both"), st.integers(1, 400)),
        st.tuples(st.just("outage"), st.integers(3 * 1440, 9 * 1440)),
        st.tuples(st.just("back"), st.integers(-90, -1)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    min_size=20,
    max_size=40,
)


@given(st.sampled_from(sorted(EVERY)), st.sampled_from(DAYS), st.integers(-1440, 1440), events)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_in_whatever_order(
    tmp_path: Path, empty: Path, schedule: str, at: tuple[str, date], offset: int, happens: list[tuple[str, int]]
) -> None:
    for leftover in tmp_path.glob("a.db*"):
        leftover.unlink()
    life = Life(tmp_path, empty, schedule, at[0])
    now = utc(at[1] - DAY, at[0]) + offset * MINUTE
    life.tick(now)
    for what, minutes in happens:
        now += minutes * MINUTE
        if what == "restart":
            life.restart()
        else:
            life.tick(now, twice=what == "both")
    life.check()
    life.close()


def test_a_pause_opens_no_issue_and_the_first_one_after_it_covers_all_of_it(live: Callable[[str, str], Life]) -> None:
    life = live("daily 02:10", "Europe/Berlin")
    start = utc(date(2026, 3, 20), "Europe/Berlin")
    life.tick(start)
    life.store.pause("me", "", "holidays", now=start)
    paused = hours(start + HOUR, 60, 12)
    for now in paused:
        life.tick(now)
    assert len(life.store.issues("me")) == 1
    forced = pipeline.digest(life.store, WordEmbedder(), Plain(), [life.profile], ["arxiv"], now=paused[-1], force=True)
    assert (forced.counts, forced.troubles) == ({"issues": 0, "messages": 0}, [])
    life.store.resume("me")
    life.tick(paused[-1] + HOUR)
    after, before = life.store.issues("me")
    assert (after.since, after.until) == (before.until, paused[-1] + HOUR)
    assert before.picks + after.picks == len(life.told)
    assert len(life.store.outbox()) == 4


def test_a_paused_address_gets_nothing_while_the_others_do(live: Callable[[str, str], Life]) -> None:
    life = live("daily 02:10", "Europe/Berlin")
    start = utc(date(2026, 3, 20), "Europe/Berlin")
    life.store.pause("me", "a@example.org", "5.1.1", now=start)
    for number in range(3):
        life.tick(start + number * DAY)
    assert {row.recipient for row in life.store.outbox()} == {"b@example.org"}
    life.store.pause("me", "b@example.org", "5.1.1", now=start)
    issues = len(life.store.issues("me"))
    life.tick(start + 4 * DAY)
    assert len(life.store.issues("me")) == issues == 3
    life.store.resume("me")
    life.tick(start + 5 * DAY)
    assert [row.recipient for row in life.store.outbox()][-2:] == ["a@example.org", "b@example.org"]


def test_a_change_of_address_and_of_name_keeps_the_history(live: Callable[[str, str], Life]) -> None:
    life = live("daily 02:10", "Europe/Berlin")
    start = utc(date(2026, 3, 20), "Europe/Berlin")
    life.tick(start)
    life.profile = replace(life.profile, email=("new@example.org",))
    life.tick(start + HOUR)
    assert len(life.store.issues("me")) == 1
    life.profile = replace(life.profile, name="renamed", was=("me",))
    life.store.rename(life.profile.was, life.profile.name)
    for number in range(1, 4):
        life.tick(start + number * DAY)
    issues = life.store.issues("renamed")[::-1]
    assert [issue.period for issue in issues] == ["2026-03-20", "2026-03-21", "2026-03-22", "2026-03-23"]
    assert all(before.until == after.since for before, after in pairwise(issues))
    assert sum(issue.picks for issue in issues) == len(life.told)
    assert life.store.outbox()[-1].recipient == "new@example.org"


def test_a_clock_that_was_a_year_ahead_is_told_and_nothing_is_lost(live: Callable[[str, str], Life]) -> None:
    life = live("weekly sun 02:10", "Europe/Berlin")
    start = utc(date(2026, 6, 3), "Europe/Berlin")
    for now in (start, start + DAY, start + 365 * DAY):
        life.tick(now)
    wrong = life.store.issues("me")[0]
    outcome = pipeline.digest(life.store, WordEmbedder(), Plain(), [life.profile], ["arxiv"], now=start + 2 * DAY)
    assert outcome.notes == [
        f"profile me: issue {wrong.period} was opened while the clock was ahead; the next begins before it"
    ]
    for now in hours(start + 2 * DAY, 24, 12):
        life.tick(now)
    periods = [issue.period for issue in life.store.issues("me")]
    assert len(set(periods)) == len(periods) == 4  # the first, the wrong one, and two Sundays
    end = start + 24 * DAY
    pipeline.digest(life.store, WordEmbedder(), Plain(), [life.profile], ["arxiv"], now=end)
    assert sum(issue.picks for issue in life.store.issues("me")) == len(life.told)


RACE = """
import sys
from datetime import datetime
from aggregator import pipeline
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.test_promise_schedule import Plain, reader
store, me = Store(sys.argv[1]), reader("daily 02:10", "Europe/Berlin")
print("ready", flush=True)
for line in sys.stdin:
    now = datetime.fromisoformat(line.strip())
    done = pipeline.digest(store, WordEmbedder(), Plain(), [me], ["arxiv"], now=now)
    print(done.counts["issues"], len(done.troubles), flush=True)
"""


def test_two_real_processes_race_for_every_period(tmp_path: Path, empty: Path) -> None:
    """Both begin each digest at the same moment, without the lock that the command line holds; one of them opens it."""
    life = Life(tmp_path, empty, "daily 02:10", "Europe/Berlin")
    command = [sys.executable, "-c", RACE, f"sqlite:///{life.path}"]
    root = Path(__file__).parent.parent
    workers = [
        subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]

    def answers() -> list[str]:
        return [worker.stdout.readline().strip() for worker in workers if worker.stdout]

    try:
        assert answers() == ["ready", "ready"]
        opened = []
        for number in range(15):
            now = utc(date(2026, 3, 25) + number * DAY, "Europe/Berlin")
            add(life.store, *(paper(100 * number + n, published=now - HOUR) for n in range(5)), now=now)
            for worker in workers:
                assert worker.stdin
                worker.stdin.write(f"{now.isoformat()}\n")
                worker.stdin.flush()
            opened.append(sorted(answers()))
        assert opened == [["0 0", "1 0"]] * 15
    finally:
        for worker in workers:
            worker.communicate()
    issues = life.store.issues("me")
    assert len({issue.period for issue in issues}) == len(issues) == 15
    assert len(life.store.outbox()) == 30
    life.close()


@pytest.mark.parametrize(
    ("first", "second", "start", "days", "expected"),
    [
        (
            "weekly mon 08:00",
            "weekly fri 08:00",
            datetime(2026, 11, 8, 8, tzinfo=UTC),
            21,
            ["2026-W45", "2026-W46", "2026-W47", "2026-W47-2026-11-20", "2026-W48"],
        ),
        (
            "monthly 1 08:00",
            "monthly last 08:00",
            datetime(2026, 10, 31, 8, tzinfo=UTC),
            34,
            ["2026-10", "2026-11", "2026-11-2026-11-30"],
        ),
        (
            "daily 08:00",
            "daily 20:00",
            datetime(2026, 11, 8, 8, tzinfo=UTC),
            4,
            ["2026-11-08", "2026-11-09", "2026-11-10", "2026-11-10-2026-11-10", "2026-11-11"],
        ),
    ],
)
def test_another_schedule_skips_nothing(
    first: str, second: str, start: datetime, days: int, expected: list[str], live: Callable[[str, str], Life]
) -> None:
    life = live(first, "UTC")
    for number, now in enumerate(hours(start, days * 4, 6)):
        if number == min(10, days // 2) * 4 + 1:
            life.profile = replace(life.profile, schedule=second)
        life.tick(now)
    issues = life.store.issues("me")[::-1]
    assert [issue.period for issue in issues] == expected
    assert all(before.until == after.since for before, after in pairwise(issues))


def test_an_extra_issue_just_before_the_scheduled_one_does_not_stand_for_it(live: Callable[[str, str], Life]) -> None:
    life = live("weekly mon 08:00", "UTC")
    monday = datetime(2026, 11, 16, 8, tzinfo=UTC)
    life.tick(monday - 7 * DAY)
    pipeline.digest(life.store, WordEmbedder(), Plain(), [life.profile], ["arxiv"], now=monday + 2 * MINUTE, force=True)
    life.tick(monday + 7 * MINUTE)
    life.tick(monday + DAY)
    assert [issue.period for issue in life.store.issues("me")] == ["2026-W47", "manual-20261116T080200Z", "2026-W46"]


def test_an_extra_issue_is_a_beginning(live: Callable[[str, str], Life]) -> None:
    """Of a new reader: nothing is due before the schedule's next moment."""
    life = live("weekly mon 08:00", "UTC")
    saturday = datetime(2026, 11, 21, 8, tzinfo=UTC)
    pipeline.digest(life.store, WordEmbedder(), Plain(), [life.profile], ["arxiv"], now=saturday, force=True)
    assert life.tick(saturday + HOUR) == 1
    assert life.tick(saturday + 2 * DAY) == 2


def test_a_period_that_came_too_early_by_the_clock_comes_when_it_is_there(live: Callable[[str, str], Life]) -> None:
    life = live("weekly mon 08:00", "UTC")
    start = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for number, now in enumerate(hours(start, 60, 6)):
        life.tick(now + 10 * DAY if number == 4 else now)
    issues = {issue.period: issue for issue in life.store.issues("me")}
    assert list(issues) == ["2026-W47", "2026-W46-2026-11-09", "2026-W46", "2026-W45"]
    assert issues["2026-W46-2026-11-09"].opened_at == datetime(2026, 11, 9, 12, tzinfo=UTC)
    assert issues["2026-W47"].since == issues["2026-W46-2026-11-09"].until
    assert issues["2026-W46"].since <= issues["2026-W46"].until


def test_a_clock_that_was_days_behind_brings_no_issue_again(live: Callable[[str, str], Life]) -> None:
    life = live("daily 08:00", "UTC")
    start = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for number, now in enumerate(hours(start, 16, 12)):
        life.tick(now - 5 * DAY if number == 9 else now)
    assert sorted(issue.period for issue in life.store.issues("me")) == [f"2026-11-{day:02}" for day in range(2, 10)]


def test_a_clock_a_day_ahead_at_one_digest_loses_nothing(live: Callable[[str, str], Life]) -> None:
    """Sources are visited every hour, digests composed once a day, and once by a clock that is 30 hours ahead."""
    start, told = datetime(2026, 11, 2, 8, tzinfo=UTC), 0
    life = live("daily 08:00", "UTC")

    def compose(now: datetime) -> None:
        pipeline.digest(life.store, WordEmbedder(), Plain(), [life.profile], ["arxiv"], now=now)

    for number, now in enumerate(hours(start, 144)):
        told += 1
        add(life.store, paper(told, published=now - HOUR, title=f"Paper {'abcdefghij'[told % 10] * told}"), now=now)
        if number % 24 == 0:
            compose(now)
        if number == 66:
            compose(now + 30 * HOUR)
    compose(start + 20 * DAY)
    assert sum(issue.picks for issue in life.store.issues("me")) == told


def test_an_old_name_that_a_service_still_has_gets_nothing_again(live: Callable[[str, str], Life]) -> None:
    life = live("weekly mon 08:00", "UTC")
    start = datetime(2026, 11, 17, 8, tzinfo=UTC)
    life.tick(start)
    life.store.rename(["me"], "anna")
    outcome = pipeline.digest(
        life.store, WordEmbedder(), Plain(), [replace(life.profile, name="anna"), life.profile], ["arxiv"], now=start
    )
    assert outcome.counts == {"issues": 0, "messages": 0}
    assert len(life.store.outbox()) == 2
