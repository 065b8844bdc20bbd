"""schedule: every period has one moment, over the years, the zones and the clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import InputError
from aggregator.schedule import Schedule, Turn, parse, zone_of

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "America/Nuuk", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Auckland", "Asia/Kathmandu", "Africa/Casablanca",
    "Asia/Tehran", "Antarctica/Troll",
)  # fmt: skip
TEXTS = (
    "daily {}",
    "weekdays {}",
    "weekly mon {}",
    "weekly sunday {}",
    "monthly 1 {}",
    "monthly 28 {}",
    "monthly last {}",
    "every second week wed {}",
)
SEVERAL = (
    "daily 07:00, 18:00",
    "daily 02:00, 02:15, 02:30, 03:00",
    "weekly mon, thu 08:00",
    "weekly mon 08:00; weekly thu 18:30",
    "weekdays 07:00; weekly sat 10:00",
    "monthly 1, 15 08:00",
    "daily 06:00; monthly last 06:00; every second week sun 23:30",
)

schedules = st.builds(lambda text, at: parse(text.format(at.strftime("%H:%M"))), st.sampled_from(TEXTS), st.times())
all_schedules = schedules | st.sampled_from(SEVERAL).map(parse)
moments = st.integers(0, 85 * 365 * 86400).map(lambda seconds: datetime(1975, 1, 1, tzinfo=UTC) + timedelta(0, seconds))
zones = st.sampled_from(ZONES)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("daily 07:30", [Turn("daily", 0, time(7, 30))]),
        ("  DAILY   7:05 ", [Turn("daily", 0, time(7, 5))]),
        ("weekdays 23:59", [Turn("weekdays", 0, time(23, 59))]),
        ("Weekly Mon 08:00", [Turn("weekly", 0, time(8))]),
        ("weekly sunday 00:00", [Turn("weekly", 6, time(0))]),
        ("monthly 28 08:00", [Turn("monthly", 28, time(8))]),
        ("monthly LAST 08:00", [Turn("monthly", 0, time(8))]),
        ("every second week mon 08:00", [Turn("every second week", 0, time(8))]),
        ("every second  week fri 8:00 from 2026-11-27", [Turn("every second week", 4, time(8), date(2026, 11, 27))]),
        ("daily 07:00, 18:00", [Turn("daily", 0, time(7)), Turn("daily", 0, time(18))]),
        ("daily at 07:00 and 18:00", [Turn("daily", 0, time(7)), Turn("daily", 0, time(18))]),
        ("weekly mon,thu 08:00", [Turn("weekly", 0, time(8)), Turn("weekly", 3, time(8))]),
        ("weekly mon 08:00, thu 18:00", [Turn("weekly", 0, time(8)), Turn("weekly", 3, time(18))]),
        ("weekly mon 08:00; weekly thu 18:00", [Turn("weekly", 0, time(8)), Turn("weekly", 3, time(18))]),
        ("monthly 1, 15 08:00", [Turn("monthly", 1, time(8)), Turn("monthly", 15, time(8))]),
        ("daily 07:00; weekly sun 20:00", [Turn("daily", 0, time(7)), Turn("weekly", 6, time(20))]),
        ("daily 07:00, 07:00", [Turn("daily", 0, time(7))]),
    ],
)
def test_the_forms(text: str, expected: list[Turn]) -> None:
    assert parse(text) == Schedule(tuple(expected))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("weekly mno 08:00", "`weekly mon 08:00`"),
        ("wekly tue 9:15", "`weekly tue 09:15`"),
        ("weekly 08:00", "`weekly mon 08:00`"),
        ("weekly 08:00 fri", "`weekly fri 08:00`"),
        ("friday 7", "`weekly friday 07:00`"),
        ("dayly 07:00", "`daily 07:00`"),
        ("daily", "`daily 08:00`"),
        ("daily 7", "`daily 07:00`"),
        ("daily mon 07:00", "`daily 07:00`"),
        ("monthly 31 08:00", "`monthly last 08:00`"),
        ("monthly 08:00", "`monthly 1 08:00`"),
        ("biweekly mon 08:00", "`every second week mon 08:00`"),
        ("fortnightly fri 9", "`every second week fri 09:00`"),
        ("every 2 weeks tue 08:00", "`every second week tue 08:00`"),
        ("every other week 08:00", "`every second week mon 08:00`"),
        ("every second week mon 08:00 from 2026-02-30", "`every second week mon 08:00`"),
        ("every monday 08:00", "`weekly monday 08:00`"),
        ("every day 6:30", "`daily 06:30`"),
        ("mon, thu 08:00", "`weekly mon, thu 08:00`"),
        ("daily 7, 18", "`daily 07:00, 18:00`"),
        ("weekdays mon 08:00", "`weekdays 08:00`"),
        ("weekly mon, thru 08:00", "`weekly mon, thu 08:00`"),
    ],
)
def test_a_mistake_comes_with_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text)
    assert meant in str(error.value)
    assert '"weekdays 07:00"' in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "0 8 * * 1", "daily 24:00", "daily 07:60", "weekly mon \u0660\u0668:\u0660\u0660", "daily 07:30:00"],
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(InputError, match="is no schedule"):
        parse(text)


@given(st.text(max_size=30))
def test_any_other_text_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse(f"?{text}")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/BERLIN", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Europe", "Europe/"),
        ("../etc/passwd", "UTC"),
        ("/etc/localtime", "UTC"),
        ("", "UTC"),
        ("x\0y", "UTC"),
    ],
)
def test_a_zone_that_is_none(name: str, meant: str) -> None:
    with pytest.raises(InputError, match="is no time zone") as error:
        zone_of(name)
    assert meant in str(error.value)


@pytest.mark.parametrize(
    ("text", "zone", "now", "key", "at"),
    [
        ("weekly mon 08:00", "Europe/Berlin", "2026-11-16 06:59:59", "2026-W46", "2026-11-09 07:00"),
        ("weekly mon 08:00", "Europe/Berlin", "2026-11-16 07:00", "2026-W47", "2026-11-16 07:00"),
        ("weekly sun 20:00", "UTC", "2027-01-03 20:00", "2026-W53", "2027-01-03 20:00"),  # the ISO year
        ("daily 07:00", "Asia/Tokyo", "2026-11-20 22:00", "2026-11-21", "2026-11-20 22:00"),  # the reader's date
        ("weekdays 07:00", "UTC", "2026-11-22 12:00", "2026-11-20", "2026-11-20 07:00"),  # on a Sunday
        ("monthly last 08:00", "UTC", "2028-03-01 00:00", "2028-02", "2028-02-29 08:00"),
        ("monthly 1 08:00", "UTC", "2026-11-01 07:59", "2026-10", "2026-10-01 08:00"),
        # 02:00 to 03:00 is skipped: the first instant after it. 02:00 to 03:00 is repeated: the first time.
        ("daily 02:30", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29", "2026-03-29 01:00"),
        ("daily 02:30", "Europe/Berlin", "2026-10-25 12:00", "2026-10-25", "2026-10-25 00:30"),
        # Half an hour is skipped; the last hour of a day is skipped; a whole day is skipped.
        ("daily 02:15", "Australia/Lord_Howe", "2026-10-04 00:00", "2026-10-04", "2026-10-03 15:30"),
        ("daily 23:30", "America/Nuuk", "2025-03-30 12:00", "2025-03-29", "2025-03-30 01:00"),
        # Every second week over a year of 53: odd follows even. The other half: from a day in it.
        ("every second week mon 08:00", "UTC", "2026-12-28 07:59", "2026-W51", "2026-12-14 08:00"),
        ("every second week mon 08:00", "UTC", "2027-01-04 08:00", "2026-W53", "2026-12-28 08:00"),
        ("every second week mon 08:00", "UTC", "2027-01-11 08:00", "2027-W02", "2027-01-11 08:00"),
        ("every second week mon 08:00 from 2026-11-29", "UTC", "2026-12-10 00:00", "2026-W50", "2026-12-07 08:00"),
        # Several: the day, and with several times of day the time too.
        ("weekly mon, thu 08:00", "UTC", "2026-11-20 00:00", "2026-11-19", "2026-11-19 08:00"),
        ("daily 07:00, 18:00", "UTC", "2026-11-20 17:59", "2026-11-20T0700", "2026-11-20 07:00"),
        ("daily 07:00, 18:00", "UTC", "2026-11-20 18:00", "2026-11-20T1800", "2026-11-20 18:00"),
        ("daily 02:30, 03:00", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29T0300", "2026-03-29 01:00"),
        ("daily 08:00", "Pacific/Apia", "2011-12-30 12:00", "2011-12-30", "2011-12-30 10:00"),
    ],
)
def test_the_latest_period(text: str, zone: str, now: str, key: str, at: str) -> None:
    period = parse(text).latest(utc(now), zone)
    assert (period.key, period.at) == (key, utc(at))


@given(all_schedules, moments, zones)
@settings(max_examples=400, deadline=None)
def test_now_lies_between_the_latest_and_the_next(schedule: Schedule, now: datetime, zone: str) -> None:
    latest, following = schedule.latest(now, zone), schedule.next(now, zone)
    assert latest.at <= now < following.at
    assert latest.key < following.key
    assert schedule.latest(following.at, zone).key >= following.key
    assert schedule.latest(latest.at, zone) == latest
    assert latest.at.tzinfo is UTC


@given(schedules, moments, zones)
@settings(max_examples=60, deadline=None)
def test_following_the_periods_meets_each_day_week_or_month_once(schedule: Schedule, now: datetime, zone: str) -> None:
    period, keys = schedule.latest(now, zone), []
    for _ in range(40):
        keys.append(period.key)
        period = schedule.next(period.at, zone)
    skipped = zone == "Pacific/Apia" and keys[-1] >= "2011-12-29" and keys[0] <= "2012"  # no 30 December, or at once
    (turn,) = schedule.turns
    weeks = turn.unit in ("weekly", "every second week")
    first = date.fromisoformat(f"{keys[0]}-1" if weeks else (keys[0] + "-01")[:10])
    expected: list[str] = []
    day = first
    while len(expected) < len(keys):
        year, week, number = day.isocalendar()
        if weeks and number == 1 and (turn.unit == "weekly" or (day - date(2024, 1, 1)).days % 14 == 0):
            expected.append(f"{year}-W{week:02}")
        elif turn.unit == "monthly" and day.day == 1:
            expected.append(f"{day:%Y-%m}")
        elif turn.unit == "daily" or (turn.unit == "weekdays" and number < 6):
            expected.append(day.isoformat())
        day += timedelta(days=1)
    assert keys == expected or skipped


@given(schedules, moments, zones)
@settings(max_examples=100, deadline=None)
def test_the_moment_is_the_wall_time_or_the_end_of_a_gap(schedule: Schedule, now: datetime, zone: str) -> None:
    at = schedule.latest(now, zone).at
    here = at.astimezone(ZoneInfo(zone))
    if here.time() != schedule.turns[0].at:
        just_before = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        assert just_before.utcoffset() != here.utcoffset()
        assert just_before.replace(tzinfo=None) < here.replace(tzinfo=None) - timedelta(seconds=1)
    else:
        assert here.fold == 0


@given(st.sampled_from(SEVERAL).map(parse), moments, zones)
@settings(max_examples=100, deadline=None)
def test_every_turn_of_several_is_met_once_and_in_order(schedule: Schedule, now: datetime, zone: str) -> None:
    period, met = schedule.latest(now, zone), []
    for _ in range(25):
        met.append(period)
        period = schedule.next(period.at, zone)
    assert len({one.key for one in met}) == len({one.at for one in met}) == len(met)
    assert [one.at for one in met] == sorted(one.at for one in met)
    single = {
        parse_one.latest(moment, zone).at
        for parse_one in (Schedule((turn,)) for turn in schedule.turns)
        for moment in (one.at for one in met)
    }
    assert {one.at for one in met} <= single
    assert {at for at in single if met[0].at <= at <= met[-1].at} <= {one.at for one in met}
