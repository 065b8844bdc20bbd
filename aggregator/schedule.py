"""schedule: "weekly mon 08:00" to the periods of a reader's zone, each with exactly one moment.

schedule = parse("weekly mon 08:00")
schedule.latest(now, "Europe/Berlin")   # Period("2026-W47", 2026-11-16 07:00 UTC)
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from aggregator.errors import InputError

Unit: TypeAlias = Literal["daily", "weekdays", "weekly", "every second week", "monthly"]

_FORMS = (
    '"daily 07:30", "weekdays 07:00", "weekly mon, thu 08:00", "every second week mon 08:00", "monthly 1 08:00" or '
    '"monthly last 08:00"; several times go together: "daily 07:00, 18:00"'
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {name: number for number, day in enumerate(_WEEKDAYS) for name in (day[:3], day)}
_MONTH_DAYS = {str(number): number for number in range(1, 29)} | {"last": 0}
_UNITS: tuple[Unit, ...] = ("daily", "weekdays", "weekly", "every second week", "monthly")
_KNOWN = {"weekly": _DAYS, "every second week": _DAYS, "monthly": _MONTH_DAYS}
_TOO_LATE = ("29", "30", "31")
_DAY = timedelta(days=1)
_FIRST_WEEK = date(2024, 1, 1)
"""A Monday: every second week is counted from it, as ISO years have 52 or 53 weeks and odd ones would follow odd."""


@dataclass(frozen=True, slots=True)
class Period:
    """One turn of a schedule: its key ("2026-W47", "2026-11-21", "2026-11T…") and its moment, in UTC."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One time of a schedule: `day` is a weekday (0 is Monday) or day of the month (0 is the last), `at` a wall time.

    `start` is a day in the first of every second week.
    """

    unit: Unit
    day: int
    at: time
    start: date = _FIRST_WEEK

    def latest(self, now: datetime, zone: ZoneInfo) -> date:
        """The newest of its days whose moment is not after `now`."""
        day = now.astimezone(zone).date() + 2 * _DAY
        while not self.falls_on(day) or moment(day, self.at, zone) > now:
            day -= _DAY
        return day

    def next(self, now: datetime, zone: ZoneInfo) -> date:
        """The first of its days whose moment is after `now`."""
        day = self.latest(now, zone) + _DAY
        while not self.falls_on(day):
            day += _DAY
        return day

    def falls_on(self, day: date) -> bool:
        """Whether the day is one of its days."""
        match self.unit:
            case "daily":
                return True
            case "weekdays":
                return day.weekday() < 5
            case "weekly":
                return day.weekday() == self.day
            case "every second week":
                weeks = (day - self.start + self.start.weekday() * _DAY).days // 7
                return day.weekday() == self.day and weeks % 2 == 0
            case "monthly":
                return day.day == (self.day or monthrange(day.year, day.month)[1])

    def key(self, day: date) -> str:
        """The period of a day; weeks are those of ISO 8601."""
        year, week, _ = day.isocalendar()
        if self.unit == "monthly":
            return f"{day:%Y-%m}"
        return f"{year:04}-W{week:02}" if self.unit in ("weekly", "every second week") else day.isoformat()


@dataclass(frozen=True, slots=True)
class Schedule:
    """When digests are due: at each of its turns.

    The key of a period is that of its day, week or month; of several turns it is the day, and of several times of day
    "2026-11-21T0730". So it is the key of one moment only.
    """

    turns: tuple[Turn, ...]

    def latest(self, now: datetime, timezone: str) -> Period:
        """The newest period whose moment is not after `now`, in the zone of that name. Raises InputError."""
        zone = zone_of(timezone)
        return max((self._period(turn, turn.latest(now, zone), zone) for turn in self.turns), key=_order)

    def next(self, now: datetime, timezone: str) -> Period:
        """The first period whose moment is after `now`. Raises InputError."""
        zone = zone_of(timezone)
        return min((self._period(turn, turn.next(now, zone), zone) for turn in self.turns), key=_order)

    def _period(self, turn: Turn, day: date, zone: ZoneInfo) -> Period:
        at = moment(day, turn.at, zone)
        if len(self.turns) == 1:
            return Period(turn.key(day), at)
        times = {one.at for one in self.turns}
        return Period(day.isoformat() if len(times) == 1 else f"{day}T{turn.at:%H%M}", at)


def parse(text: str) -> Schedule:
    """The schedule that is written in one of the forms, in any case. Raises InputError with a suggestion."""
    words = _words(text)
    try:
        turns = [turn for unit, rest in _parts(words) for turn in _turns(unit, rest)]
    except ValueError:
        turns = []
    if turns:
        return Schedule(tuple(dict.fromkeys(turns)))
    meant = _meant(words)
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


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The one instant of a wall time on a day, in UTC.

    What the clocks skip in spring becomes the first instant after the gap; of what they repeat in autumn, the first.
    """
    wall = datetime.combine(day, at, zone)
    found = wall.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return found
    before, after = wall.replace(fold=1).astimezone(UTC), found  # PEP 495: these lie on either side of the change
    new = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + ((after - before) // 2 // timedelta(seconds=1)) * timedelta(seconds=1)
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after


# --- reading -------------------------------------------------------------------------------------------------------


def _order(period: Period) -> tuple[datetime, str]:
    return period.at, period.key


def _words(text: str) -> list[str]:
    """The words; what is joined by a comma, a semicolon or "and" stands side by side."""
    folded = re.sub(r"\b(and|at|on|from)\b", lambda word: "from" if word[0] == "from" else " ", text.casefold())
    return re.sub(r"[\s,;]+", " ", folded).replace("every second week", "every-second-week").split()


def _parts(words: Sequence[str]) -> Iterator[tuple[Unit, list[str]]]:
    """The units, each with the words behind it. Raises ValueError if the first word is none."""
    units = {unit.replace(" ", "-"): unit for unit in _UNITS}
    starts = [place for place, word in enumerate(words) if word in units]
    if not starts or starts[0] != 0:
        raise ValueError
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        yield units[words[start]], list(words[start + 1 : end])


def _turns(unit: Unit, words: Sequence[str]) -> Iterator[Turn]:
    """The turns of "mon thu 08:00 18:00 from 2026-11-23". Raises ValueError if it is not that."""
    start = _FIRST_WEEK
    if unit == "every second week" and "from" in words[:-1]:
        start, words = date.fromisoformat(words[-1]), words[:-2]
    known = _KNOWN.get(unit, {})
    groups = re.findall(r"((?:[^\s:]+ )*)((?:[\d:]+ )+)", "".join(f"{word} " for word in words))
    if not groups or "".join(days + clocks for days, clocks in groups).split() != list(words):
        raise ValueError
    for days, clocks in groups:
        times = [_time(word) for word in clocks.split()]
        if bool(days) != bool(known) or {*days.split()} - {*known} or None in times:
            raise ValueError
        yield from (
            Turn(unit, known.get(day, 0), at, start) for day in days.split() or [""] for at in times if at is not None
        )


def _time(text: str) -> time | None:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    return time(int(match[1]), int(match[2])) if match else None


def _meant(words: Sequence[str]) -> str:
    """The nearest schedule that can be read out of what was written, or ""."""
    unit = _unit_meant(words)
    if not unit:
        return ""
    said = words[3:] if words[0] == "every" and unit == "every second week" else words
    times = [found for word in said if (found := _time(word) or (unit != "monthly" and _time(f"{word}:00")))]
    days: list[str] = []
    if unit == "monthly":
        days = ["last" if word in _TOO_LATE else word for word in said if word in _MONTH_DAYS or word in _TOO_LATE]
    elif unit in _KNOWN:
        days = [day[0] for word in said if word != unit and (day := get_close_matches(word, _DAYS, n=1))] or ["mon"]
    elif not times:
        return f"{unit} 08:00"
    some = ", ".join(dict.fromkeys(days)) or ("1" if unit == "monthly" else "")
    return " ".join(filter(None, (unit, some, ", ".join(f"{at:%H:%M}" for at in times) or "08:00")))


def _unit_meant(words: Sequence[str]) -> Unit | None:
    first = words[0] if words else ""
    fortnight = first in {"biweekly", "bi-weekly", "fortnightly", "every-second-week"}
    if fortnight or (first == "every" and {*words[1:2]} & {"second", "other", "2", "two"}):
        return "every second week"
    known = {unit: unit for unit in _UNITS} | dict.fromkeys(_DAYS, _UNITS[2])
    known |= {"day": "daily", "week": "weekly", "month": "monthly"}
    near = get_close_matches(first, [unit for unit in _UNITS if " " not in unit], n=1)
    return next((known[word] for word in (*words[:1], *near, *words[1:2]) if word in known), None)
