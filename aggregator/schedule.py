"""schedule: "weekly mon 08:00" to the periods of a reader's zone, each with exactly one moment.

schedule = parse("weekly mon 08:00")
schedule.latest(now, "Europe/Berlin")   # Period("2026-W47", 2026-11-16 07:00 UTC)
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from aggregator.errors import InputError

_FORMS = '"daily 07:30", "weekdays 07:00", "weekly mon 08:00", "monthly 1 08:00" or "monthly last 08:00"'
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {name: number for number, day in enumerate(_WEEKDAYS) for name in (day[:3], day)}
_MONTH_DAYS = {str(number): number for number in range(1, 29)} | {"last": 0}
_UNITS = ("daily", "weekdays", "weekly", "monthly")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """One turn of a schedule: its key ("2026-W47", "2026-11-21", "2026-11") and its moment, in UTC."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """When digests are due: `day` is a weekday (0 is Monday) or day of the month (0 is the last), `at` a wall time."""

    unit: Literal["daily", "weekdays", "weekly", "monthly"]
    day: int
    at: time

    def latest(self, now: datetime, timezone: str) -> Period:
        """The newest period whose moment is not after `now`, in the zone of that name. Raises InputError."""
        zone = zone_of(timezone)
        return self._period(self._latest_day(now, zone), zone)

    def next(self, now: datetime, timezone: str) -> Period:
        """The first period whose moment is after `now`. Raises InputError."""
        zone = zone_of(timezone)
        day = self._latest_day(now, zone) + _DAY
        while not self._has(day):
            day += _DAY
        return self._period(day, zone)

    def _latest_day(self, now: datetime, zone: ZoneInfo) -> date:
        day = now.astimezone(zone).date() + 2 * _DAY
        while not self._has(day) or _moment(day, self.at, zone) > now:
            day -= _DAY
        return day

    def _has(self, day: date) -> bool:
        match self.unit:
            case "daily":
                return True
            case "weekdays":
                return day.weekday() < 5
            case "weekly":
                return day.weekday() == self.day
            case "monthly":
                return day.day == (self.day or monthrange(day.year, day.month)[1])

    def _period(self, day: date, zone: ZoneInfo) -> Period:
        """The period of a day; weeks are those of ISO 8601."""
        year, week, _ = day.isocalendar()
        keys = {"weekly": f"{year:04}-W{week:02}", "monthly": f"{day:%Y-%m}"}
        return Period(keys.get(self.unit, day.isoformat()), _moment(day, self.at, zone))


def parse(text: str) -> Schedule:
    """The schedule that is written in one of the forms, in any case. Raises InputError with a suggestion."""
    unit, _, rest = text.casefold().strip().partition(" ")
    *days, clock = rest.split() or [""]
    at = _time(clock)
    if unit in ("daily", "weekdays") and not days and at:
        return Schedule("daily" if unit == "daily" else "weekdays", 0, at)
    if unit == "weekly" and len(days) == 1 and days[0] in _DAYS and at:
        return Schedule("weekly", _DAYS[days[0]], at)
    if unit == "monthly" and len(days) == 1 and days[0] in _MONTH_DAYS and at:
        return Schedule("monthly", _MONTH_DAYS[days[0]], at)
    meant = _meant(unit, days, clock)
    hint = f" (did you mean `{meant}`?)" if meant else ""
    raise InputError(f"{text!r} is no schedule{hint}; write it like {_FORMS}")


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name, as in "Europe/Berlin". Raises InputError with a suggestion."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # unknown; a path that leads out; a folder of zones
        pass
    names = sorted(available_timezones())
    known = {zone.casefold(): zone for zone in names}
    known |= {zone.rpartition("/")[2].casefold(): zone for zone in names if "/" in zone}
    near = get_close_matches(name.strip().replace(" ", "_").casefold(), known, n=1)
    hint = f" (did you mean `{known[near[0]]}`?)" if near else ""
    raise InputError(f"{name!r} is no time zone{hint}; write it like Europe/Berlin, America/New_York or UTC")


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The one instant of a wall time on a day, in UTC.

    What the clocks skip in spring becomes the first instant after the gap; of what they repeat in autumn, the first.
    """
    wall = datetime.combine(day, at, zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    before, after = wall.replace(fold=1).astimezone(UTC), moment  # PEP 495: these lie on either side of the change
    new = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + ((after - before) // 2 // timedelta(seconds=1)) * timedelta(seconds=1)
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after


def _time(text: str) -> time | None:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    return time(int(match[1]), int(match[2])) if match else None


def _meant(unit: str, days: list[str], clock: str) -> str:
    """The nearest schedule that can be read out of what was written, or ""."""
    near = get_close_matches(unit, _UNITS, n=1)
    wanted = near[0] if near else "weekly" if unit in _DAYS else ""
    if not wanted:
        return ""
    said = [*days, clock, unit]
    at = next((f"{found:%H:%M}" for word in said if (found := _time(word) or _time(f"{word}:00"))), "08:00")
    if wanted == "weekly":
        near = [name for word in said for name in get_close_matches(word, _DAYS, n=1)] or ["mon"]
        return f"weekly {near[0]} {at}"
    if wanted == "monthly":
        day = "last" if {"29", "30", "31", "last"} & set(days) else next((d for d in days if d in _MONTH_DAYS), "1")
        return f"monthly {day} {at}"
    return f"{wanted} {at}"
