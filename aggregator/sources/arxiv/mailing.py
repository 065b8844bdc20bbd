"""mailing: the days on which arXiv lists papers, and what to make of one on which its feed is empty. Pure.

arXiv announces from Sunday to Thursday, at 20:00 in New York; the feed of the next day, Monday to Friday, is that list.
On a holiday nothing is announced, so that the list of the day after it is empty.
https://info.arxiv.org/help/availability.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

_PUBLISHED = {
    2023: ((1, 16), (6, 14), (6, 19), (7, 4), (9, 4), (11, 23), (12, 25), (12, 27)),
    2026: ((1, 1), (1, 19), (6, 19), (7, 3), (9, 7), (11, 26), (12, 25), (12, 29), (12, 31)),
}
"""Month and day, as arXiv published them for the year; those of other years follow from the rule in `holidays`."""

_DAY = timedelta(days=1)
_MONDAY, _THURSDAY = 0, 3
_ANSWERS = 3
_LONG_ENOUGH = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the daily feed accounts for: the days and their papers; or what is missing, as in Batch.

    `kept` is what the next verdict wants to know of this one; JSON.
    """

    kept: Mapping[str, Any]
    days: Mapping[date, int] = field(default_factory=dict)
    missing: str = ""
    note: str = ""


def lists_on(day: date) -> bool:
    """Whether papers are listed on a day: from Monday to Friday, not on a holiday, and not on the weekday after one."""
    if day.weekday() > 4:
        return False
    before = day - (3 * _DAY if day.weekday() == 0 else _DAY)
    return not (_is_holiday(day) or _is_holiday(before))


def verdict(kept: Mapping[str, Any], day: date | None, papers: int, now: datetime, *, whole: bool) -> Verdict:
    """What to make of `papers` new ones in the feed of `day`. `kept` comes from the verdict before, {} if none.

    None at all on a day on which papers are listed is not believed until the feed has said so three times over six
    hours, each time with the API answering (`whole`).
    """
    if day is None:
        return Verdict({})
    told: dict[str, Any] = {"day": day.isoformat(), "papers": papers}
    if papers or not lists_on(day):
        return Verdict(told, {day: papers})
    same = kept.get("day") == day.isoformat() and not kept.get("papers")
    since = datetime.fromisoformat(kept["since"]) if same and "since" in kept else now
    answers = (int(kept.get("answers", 0)) if same else 0) + whole
    told |= {"answers": answers, "since": since.isoformat()}
    name = f"{day:%A} {day}"
    if whole and answers >= _ANSWERS and now - since >= _LONG_ENOUGH:
        hours = (now - since).total_seconds() / 3600
        note = f"arXiv listed no paper on {name}, and says so for {hours:.0f} hours: that is believed now"
        return Verdict(told, {day: 0}, note=note)
    missing = f"the daily feed lists no paper on {name}, which is no holiday of arXiv; it is asked again"
    return Verdict(told, missing=missing)


def holidays(year: int) -> frozenset[date]:
    """The days of a year on which arXiv announces nothing, as published, or else as they have been by rule.

    New Year, the days of Martin Luther King, Juneteenth, Independence and Labor, Thanksgiving and Christmas; one on a
    Saturday is kept on Friday, one on a Sunday on Monday. Between Christmas and New Year arXiv chooses two or three
    days anew each year, so any of them may be one. Memorial Day is none.
    """
    if year in _PUBLISHED:
        return frozenset(date(year, month, day) for month, day in _PUBLISHED[year])
    fixed = [date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (12, 25))]
    kept = [day + {5: -1, 6: 1}.get(day.weekday(), 0) * _DAY for day in (*fixed, date(year + 1, 1, 1))]
    chosen = [date(year, 12, day) for day in range(26, 32)] + [date(year, 1, 2)]
    movable = [_nth(year, 1, _MONDAY, 3), _nth(year, 9, _MONDAY, 1), _nth(year, 11, _THURSDAY, 4)]
    return frozenset(day for day in (*fixed, *kept, *chosen, *movable) if day.year == year)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (number - 1)) * _DAY


def _is_holiday(day: date) -> bool:
    return day in holidays(day.year)
