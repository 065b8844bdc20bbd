"""series: the occurrences of a recurring event, by dateutil, within what a calendar may cost."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from dateutil.rrule import rrulestr

_AHEAD = timedelta(days=548)
_MAX_OCCURRENCES = 100
_MAX_DAYS = 500_000
_MAX_SERIES = 500
_PARTS = {
    "DAILY": frozenset({"BYDAY"}),
    "WEEKLY": frozenset({"BYDAY"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY", "BYSETPOS"}),
    "YEARLY": frozenset({"BYDAY", "BYMONTHDAY", "BYMONTH"}),
}
"""The parts of rules that are followed, beside FREQ, INTERVAL, WKST, COUNT and UNTIL: what people use, and what comes
true again and again. dateutil looks for the next day of a rule that never does (30 February) until the year 9999."""
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class SeriesError(ValueError):
    """Why the dates of an event are not known, in words to show."""


class Budget:
    """What the recurring events of one calendar may still cost: how many there are, and the days they run over."""

    def __init__(self) -> None:
        self._days, self._series = _MAX_DAYS, _MAX_SERIES

    def spend(self, days: int) -> None:
        """Count one more; raises SeriesError when it is too much."""
        self._days, self._series = self._days - days, self._series - 1
        if min(self._days, self._series) < 0:
            raise SeriesError("the calendar has too many recurring events")


def starts(
    rule: Any, start: datetime, zone: tzinfo, more: Iterable[datetime], *, since: datetime, budget: Budget
) -> list[datetime]:
    """The wall times, in the event's own zone, from `since` to 18 months after it, the first 100, each once.

    `rule` is icalendar's RRULE or None, `more` the RDATEs. Raises SeriesError for a rule that is not followed.
    """
    first, last = (_wall(moment, zone) for moment in (since, since + _AHEAD))
    found = {wall for wall in (start, *more) if first <= wall <= last}
    if rule is not None:
        found.update(_by_rule(rule, start, zone, (first, last), budget))
    return sorted(found)[:_MAX_OCCURRENCES]


def _by_rule(
    rule: Any, start: datetime, zone: tzinfo, window: tuple[datetime, datetime], budget: Budget
) -> Iterable[datetime]:
    parts = {} if isinstance(rule, list) else {str(name).upper(): list(value) for name, value in rule.items()}
    if not _followed(parts) or start.year < 1970:
        raise SeriesError("it recurs in a way that is not followed")
    first, last = window
    if "UNTIL" in parts:
        last = min(last, _wall(parts["UNTIL"][0], zone))
    if last < start:
        return ()
    budget.spend((last - start).days)
    kept = (part for part in rule.to_ical().decode().split(";") if not re.match("UNTIL=|COUNT=", part.upper()))
    walls = iter(rrulestr(f"{';'.join(kept)};UNTIL={last:%Y%m%dT%H%M%S}", dtstart=start))
    if "COUNT" in parts:
        walls = islice(walls, max(int(parts["COUNT"][0]), 0))
    return islice((wall for wall in walls if wall >= first), _MAX_OCCURRENCES)


def _followed(parts: Mapping[str, list[Any]]) -> bool:
    """Whether the rule is one of those that are sure to come true again."""
    often = str(parts.get("FREQ", [""])[0]).upper()
    interval = int(parts.get("INTERVAL", [1])[0])
    extra = parts.keys() - {"FREQ", "INTERVAL", "WKST", "COUNT", "UNTIL"}
    if often not in _PARTS or not extra <= _PARTS[often] or not 1 <= interval <= 1000:
        return False
    days, month_days = [str(day) for day in parts.get("BYDAY", [])], [int(day) for day in parts.get("BYMONTHDAY", [])]
    if any(not re.fullmatch(r"(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)", day, re.IGNORECASE) for day in days):
        return False
    if (days and month_days) or (often == "DAILY" and days and interval % 7 == 0):
        return False
    if "BYSETPOS" in parts and not all(days and day.isalpha() for day in days):
        return False
    months = [int(month) for month in parts.get("BYMONTH", range(1, 13))]
    longest = max((_LONGEST_MONTH[month - 1] for month in months if 1 <= month <= 12), default=0)
    return all(1 <= abs(day) <= longest for day in month_days) and all(
        1 <= abs(int(place)) <= 4 for place in parts.get("BYSETPOS", [])
    )


def _wall(moment: Any, zone: tzinfo) -> datetime:
    """A moment as a wall time in the zone; what names no zone is one already, and a day lasts to its end."""
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, 23, 59, 59)  # noqa: DTZ001 - a wall time
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
