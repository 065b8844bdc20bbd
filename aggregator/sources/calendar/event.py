"""event: a date in a calendar as all formats tell it, and the entry it becomes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aggregator import text
from aggregator.model import Entry
from aggregator.sources._sane import title_of

PAST = timedelta(days=400)
"""What is due longer ago is left out."""
AHEAD = timedelta(days=730)
"""What is due later than this is left out, and what is within it was "published" as long before."""
_MAX_EVENTS = 2000
_MAX_SUMMARY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One date. `ident` names it at every visit, whatever its date; `type` is in words like "submission".

    `due` is in UTC, read in `zone`. `day` ("2026-09-27") is set if the calendar names a day and no hour: `due` is then
    the day's beginning in that zone.
    """

    ident: str
    type: str
    title: str
    due: datetime
    zone: str
    url: str = ""
    summary: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a calendar says: its events, in words what of it could not be used, and whether it breaks off."""

    events: tuple[Event, ...]
    troubles: tuple[str, ...] = ()
    cut: bool = False


def entries_of(events: Iterable[Event], now: datetime, name: str) -> tuple[Entry, ...]:
    """The entries of the events that are due neither too long ago nor too far ahead, the earliest first.

    If there are more than 2000, the 2000 nearest to now. An ident that comes twice counts once, the last time.

    No list says when a date was announced, and what `published` says must be the same at every visit: it is two years
    before `due`. Events are no news: they are told in the box of deadlines.
    """
    found = {event.ident: event for event in events if -PAST <= event.due - now <= AHEAD}
    nearest = sorted(found.values(), key=lambda event: (abs(event.due - now), event.ident))[:_MAX_EVENTS]
    entries = (_entry(event, name) for event in sorted(nearest, key=lambda event: (event.due, event.ident)))
    return tuple(entry for entry in entries if entry.title)


def _entry(event: Event, name: str) -> Entry:
    signals: dict[str, int | str] = {"type": event.type, "zone": event.zone}
    if event.day:
        signals["day"] = event.day
    summary = text.cut(text.plain(event.summary), _MAX_SUMMARY)
    return Entry(
        key=f"id:{name}:{event.ident}",
        kind="event",
        title=title_of(event.title, summary),
        url=text.safe_link(event.url),
        published=event.due - AHEAD,
        news=False,
        summary=summary,
        signals=signals,
        due=event.due,
    )


def named(reading: Reading, conferences: Sequence[str], types: Sequence[str]) -> tuple[Reading, str]:
    """Of a calendar what holds one of the names in its title and is of one of the types; all without name or type.

    A name is found as whole words, capitals or not: "ACL" is not in "NAACL 2027". The text says which names and types
    are nowhere.
    """
    names = {name: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in conferences}
    found = {name: any(names[name].search(event.title) for event in reading.events) for name in names}
    lost = [f"no event is named {name!r}" for name in names if not found[name]]
    lost += [f"no event is of the type {sort!r}" for sort in types if all(e.type != sort for e in reading.events)]

    def wanted(title: str) -> bool:
        return not names or any(pattern.search(title) for pattern in names.values())

    events = (event for event in reading.events if wanted(event.title) and (not types or event.type in types))
    troubles = tuple(trouble for trouble in reading.troubles if wanted(trouble))
    return Reading(events=tuple(events), troubles=troubles, cut=reading.cut), "; ".join(lost)


def slug(words: str) -> str:
    """Words as part of an ident: letters and digits in lower case, with "-" between them, at most 60 characters."""
    return re.sub(r"[^\w]+", "-", text.fold(words).casefold()).strip("-")[:60].strip("-")


def in_utc(moment: datetime) -> datetime | None:
    """The moment in UTC; None if there the year would be none that can be written."""
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
