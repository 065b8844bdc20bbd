"""deadlines: what is due soon, in the reader's zone and in the words of a letter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

from aggregator.model import Entry
from aggregator.render.words import clean, counted, short_day
from aggregator.text import cut, safe_link

MOST = 12
"""How many deadlines a letter has room for, usually."""

_LONGEST_LINK = 300
_TYPES = {
    "paper": "paper deadline", "submission": "paper deadline", "deadline": "paper deadline",
    "abstract": "abstract deadline", "event": "begins", "conference": "begins",
}  # fmt: skip
"""What a calendar's short words mean; any other is shown as it is."""

_OFFSET = re.compile(r"(?:UTC|GMT)\s?([+\-\u2212])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_ANYWHERE = timezone(timedelta(hours=-12), "AoE")
"""Anywhere on Earth: a day ends when it has ended everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One deadline, ready to be shown: "Thu 26 Nov", "in 5 days", "12:59 (Wed 25 Nov, 23:59 AoE)"; what and where."""

    day: str
    when: str
    time: str
    title: str
    url: str
    about: str


def deadlines(
    events: Sequence[Entry], now: datetime, zone: tzinfo, tongue: Locale, *, most: int = MOST, links: bool = True
) -> tuple[Due, ...]:
    """The first `most` events that name a moment, the nearest first, as seen at `now` in the reader's zone."""
    dated = sorted(((event.due, event) for event in events if event.due), key=lambda pair: (pair[0], pair[1].title))
    view = _View(now, zone, tongue, links)
    return tuple(_due(event, due, view) for due, event in dated[:most])


def left_out(events: Sequence[Entry], most: int = MOST) -> int:
    """How many there was no place for."""
    return max(sum(event.due is not None for event in events) - most, 0)


@dataclass(frozen=True, slots=True)
class _View:
    """From when and where deadlines are seen, and in which language their days are told."""

    now: datetime
    zone: tzinfo
    tongue: Locale
    links: bool


def _due(event: Entry, due: datetime, view: _View) -> Due:
    """A date without an hour is the same date for every reader."""
    whole = _day(event)
    local = due.astimezone(view.zone)
    shown = whole or local.date()
    url = safe_link(event.url) if view.links and len(event.url) <= _LONGEST_LINK else ""
    return Due(
        day=short_day(shown, view.tongue),
        when=_when((shown - view.now.astimezone(view.zone).date()).days, passed=not whole and due <= view.now),
        time="" if whole else _time(due, local, clean(str(event.signals.get("zone", "")), 40), view.tongue),
        title=cut(clean(event.title, 400), 120) or "Untitled",
        url=url,
        about=" · ".join(filter(None, (_type(event), _place(event)))),
    )


def _day(event: Entry) -> date | None:
    """The day of an event whose calendar names no hour."""
    try:
        return date.fromisoformat(str(event.signals.get("day", "")))
    except ValueError:
        return None


def _when(days: int, *, passed: bool) -> str:
    if days < 2:
        return "passed" if passed or days < 0 else ("today", "tomorrow")[days]
    return f"in {days} days" if days < 14 else f"in {counted(round(days / 7), 'week')}"


def _type(event: Entry) -> str:
    """Such as "paper deadline", unless the title says what it is: "ICASSP 2027: notification of acceptance"."""
    name = clean(str(event.signals.get("type", "")).replace("_", " "), 40)
    said = name.lower() in event.title.lower() or ": " in event.title
    return "" if said else _TYPES.get(name.lower(), name)


def _place(event: Entry) -> str:
    """The place alone where the calendar says it, else how its words begin, which hold the place."""
    return cut(clean(str(event.signals.get("place", "")) or event.summary.partition("\n")[0], 400), 130)


def _time(due: datetime, local: datetime, stated: str, tongue: Locale) -> str:
    """Such as "12:59 (Wed 25 Nov, 23:59 AoE)": the reader's time, and what the source states where that is another."""
    stated = stated.partition(" (")[0]  # "AoE (not said)"
    zone = _zone(stated)
    hour = f"{local:%H:%M}"
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():  # the hour that comes twice in autumn
        hour += f" {local:%Z}"
    if zone is None:
        return hour + (f" (stated in {stated})" if stated else "")
    there = due.astimezone(zone)
    if zone is not _ANYWHERE and there.utcoffset() == local.utcoffset():
        return hour
    day = "" if there.date() == local.date() else f"{short_day(there, tongue)}, "
    name = "AoE" if zone is _ANYWHERE else stated.rpartition("/")[2].replace("_", " ")
    return f"{hour} ({day}{there:%H:%M} {name})"


def _zone(stated: str) -> tzinfo | None:
    """The zone that a calendar names: AoE, an offset such as UTC+8, or a name of the time zone database."""
    if stated.lower() in ("aoe", "utc-12"):
        return _ANYWHERE
    if (match := _OFFSET.fullmatch(stated)) and int(match[2]) <= 14:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(offset if match[1] == "+" else -offset)
    try:
        return ZoneInfo(stated)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
