"""words: numbers, dates, lists and untrusted text in the words of a letter."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

from aggregator.text import cut, fold

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_MOST_MARKS = 4
"""Marks on one letter that any living script needs; stacks of hundreds paint over the lines around them."""


def clean(text: str, limit: int) -> str:
    """Untrusted text as one harmless line of at most `limit` characters.

    Controls, line separators, direction overrides, lone surrogates and stacks of marks are gone, and "=?" is broken,
    so that no mail program takes it for an encoded word (RFC 2047).
    """
    line = fold(text[: 4 * limit + 1000])
    kept: list[str] = []
    marks = 0
    for char in line:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category != "Cs" and marks <= _MOST_MARKS:
            kept.append(char)
    return cut("".join(kept).replace("=?", "= ?").strip(), limit)


def counted(number: int, noun: str) -> str:
    """Such as "1 paper", "12 papers", "1,200 upvotes"; the noun in its singular."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def joined(parts: Sequence[str]) -> str:
    """Such as "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def several(names: Sequence[str], most: int) -> str:
    """The names, or from `most` + 2 names on the first `most` "and 3 more"."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def days(since: datetime, until: datetime, zone: tzinfo) -> str:
    """The days of a window in the reader's zone: "14 to 20 November", "28 November to 4 December"."""
    first = since.astimezone(zone).date()
    last = max(first, (until.astimezone(zone) - timedelta(microseconds=1)).date())
    end = f"{last.day} {_MONTHS[last.month - 1]}"
    if first == last:
        return end
    if first.year != last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} {first.year} to {end} {last.year}"
    return f"{first.day} to {end}" if first.month == last.month else f"{day(first)} to {end}"


def day(moment: date) -> str:
    """Such as "21 November"."""
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def short_day(moment: date) -> str:
    """Such as "Sat 21 Nov"."""
    return f"{_DAYS[moment.weekday()][:3]} {moment.day} {_MONTHS[moment.month - 1][:3]}"


def moment(at: datetime, zone: tzinfo) -> str:
    """Such as "Saturday 21 November 2026, 08:00" in the reader's zone."""
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {day(local)} {local.year}, {local:%H:%M}"


def issue(period: str) -> tuple[str, str]:
    """A period's key as a label for the masthead and a phrase for the subject: ("week 47", "this week").

    Keys are "2026-W47", "2026-11-21", "2026-11", "manual-…" and "preview-…"; of any other both are "".
    """
    if match := re.fullmatch(r"\d{4}-W(\d\d)", period):
        return f"week {int(match[1])}", "this week"
    if match := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", period):
        return f"{_MONTHS[int(match[2]) - 1]} {match[1]}", "this month"
    try:
        return _DAYS[date.fromisoformat(period).weekday()], "today"
    except ValueError:
        labels = {"manual": "extra issue", "preview": "preview"}
        return labels.get(period.partition("-")[0], ""), ""
