"""ical: the events of an iCalendar file (RFC 5545), its recurring ones expanded.

Each event is parsed alone, so that a broken one spoils no other, and definitions of time zones are never run: they may
hold rules without end. A zone is known by its IANA or Windows name, or by its only offset.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import icalendar

from aggregator import text
from aggregator.errors import ParseError
from aggregator.sources.calendar.event import Event, Reading, in_utc, slug
from aggregator.sources.calendar.series import Budget, SeriesError, starts
from aggregator.sources.calendar.zones import label, zone_of

_MAX_BLOCKS = 5000
_MAX_BLOCK = 100_000
_RECENT = timedelta(days=31)
_BLOCK = re.compile(rb"^BEGIN:(VEVENT|VTIMEZONE)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_ENDS = {
    name: re.compile(rb"^END:" + name + rb"[ \t]*$", re.MULTILINE | re.IGNORECASE) for name in (b"VEVENT", b"VTIMEZONE")
}
_OWN_ZONE = re.compile(rb"^(?:X-WR-TIMEZONE|TIMEZONE-ID)(?:;[^:\n]*)?:(.*)$", re.MULTILINE | re.IGNORECASE)
_TZID = re.compile(rb"^TZID(?:;[^:\n]*)?:(.*)$", re.MULTILINE | re.IGNORECASE)
_OFFSET_TO = re.compile(rb"^TZOFFSETTO(?:;[^:\n]*)?:[ \t]*([+-]\d{4})", re.MULTILINE | re.IGNORECASE)
_PLACE_OF_ZONE = re.compile(rb"^X-LIC-LOCATION(?:;[^:\n]*)?:(.*)$", re.MULTILINE | re.IGNORECASE)
_TYPES = (
    ("abstract", re.compile(r"\babstracts?\b", re.IGNORECASE)),
    ("camera_ready", re.compile(r"\bcamera[- ]?ready\b", re.IGNORECASE)),
    ("rebuttal", re.compile(r"\b(rebuttal|author response|discussion)\b", re.IGNORECASE)),
    ("notification", re.compile(r"\b(notifications?|decisions?|acceptance)\b", re.IGNORECASE)),
    ("submission", re.compile(r"\b(submissions?|deadline|papers? due|cfp)\b", re.IGNORECASE)),
)
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What icalendar raises for what it cannot read."""


@dataclass(frozen=True, slots=True)
class _Zones:
    """The zone of the calendar itself (None if it names none), and those that it defines by one offset."""

    own: tzinfo | None
    defined: Mapping[str, tzinfo] = field(default_factory=dict)

    def of(self, name: str) -> tzinfo | None:
        return zone_of(name) or self.defined.get(name)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A moment with the wall time it was written as, its zone, and whether it is a whole day or names no zone."""

    wall: datetime
    zone: tzinfo
    whole_day: bool = False
    floating: bool = False

    @property
    def utc(self) -> datetime | None:
        return in_utc(self.wall.replace(tzinfo=self.zone))

    def at(self, wall: datetime) -> "_Moment":
        return _Moment(wall, self.zone, self.whole_day, self.floating)


def read_ical(body: bytes, now: datetime) -> Reading:
    """The events of a calendar: recurring ones from 31 days ago to 18 months ahead, the others all. Raises ParseError.

    A day without an hour begins at midnight in the calendar's own zone, or in UTC; a time without a zone is UTC.
    """
    lines = re.sub(rb"\r\n?", b"\n", body)
    lines = re.sub(rb"\n[ \t]", b"", lines).replace(b"\x00", b"").strip()
    if not re.match(rb"(?:\xef\xbb\xbf)?BEGIN:VCALENDAR[ \t]*\n", lines, re.IGNORECASE):
        raise ParseError("the answer is no iCalendar file: it does not begin with BEGIN:VCALENDAR")
    cut = re.search(rb"^END:VCALENDAR[ \t]*\Z", lines, re.MULTILINE | re.IGNORECASE) is None
    blocks = list(_blocks(lines))
    zones = _zones(lines, [block for name, block in blocks if name == b"VTIMEZONE"])
    troubles: list[str] = []
    found: list[icalendar.Event] = []
    for block in (block for name, block in blocks if name == b"VEVENT"):
        try:
            found.append(icalendar.Event.from_ical(block))  # type: ignore[arg-type]  # bytes are read too
        except _BROKEN:
            troubles.append("an event that cannot be read")
    return Reading(events=tuple(_events(found, zones, now, troubles)), troubles=tuple(troubles), cut=cut)


def _blocks(lines: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each whole VEVENT and VTIMEZONE with its name, the first 5000."""
    at = 0
    for _ in range(_MAX_BLOCKS):
        begin = _BLOCK.search(lines, at)
        if begin is None:
            return
        name = begin[1].upper()
        end = _ENDS[name].search(lines, begin.end())
        if end is None:
            return
        at = end.end()
        if at - begin.start() <= _MAX_BLOCK:
            yield name, lines[begin.start() : at]
    raise ParseError(f"the calendar has more than {_MAX_BLOCKS} events")


def _zones(lines: bytes, blocks: list[bytes]) -> _Zones:
    defined: dict[str, tzinfo] = {}
    for block in blocks:
        offsets = set(_OFFSET_TO.findall(block))
        place = _word(_PLACE_OF_ZONE.search(block))
        zone = zone_of(place) or (zone_of(offsets.pop().decode()) if len(offsets) == 1 else None)
        if zone is not None:
            defined[_word(_TZID.search(block))] = zone
    return _Zones(zone_of(_word(_OWN_ZONE.search(lines))), defined)


def _word(match: re.Match[bytes] | None) -> str:
    return match[1].decode("utf-8", "replace").strip().strip('"') if match else ""


def _events(found: list[icalendar.Event], zones: _Zones, now: datetime, troubles: list[str]) -> Iterator[Event]:
    """Of each event its latest revision; the occurrences that were moved take the place of those of the series."""
    budget = Budget()
    newest: dict[tuple[str, datetime | None], Any] = {}
    for event in found:
        try:
            again = _moment(event.get("RECURRENCE-ID"), zones)
            key = (_uid(event), again.utc if again else None)
            if key not in newest or _sequence(event) >= _sequence(newest[key]):
                newest[key] = event
        except _BROKEN as error:
            troubles.append(_trouble(event, error))
    for (uid, again_at), event in newest.items():
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        try:
            start = _moment(event.get("DTSTART"), zones)
            if start is None:
                raise SeriesError("it has no date")
            if again_at is None and (event.get("RRULE") is not None or event.get("RDATE") is not None):
                moved = {at for other, at in newest if other == uid and at}
                yield from _series(event, start, moved, zones, since=now - _RECENT, budget=budget)
            else:
                yield _event(event, f"{uid}:{again_at:%Y%m%dT%H%M%SZ}" if again_at else uid, start)
        except _BROKEN as error:
            troubles.append(_trouble(event, error))


def _series(
    event: Any, start: _Moment, moved: set[datetime], zones: _Zones, *, since: datetime, budget: Budget
) -> Iterator[Event]:
    """The occurrences, each named by the UID and its moment, but those that the calendar takes out or tells apart."""
    out = {moment.utc for moment in _moments(event.get("EXDATE"), start, zones)} | moved
    more = [moment.wall for moment in _moments(event.get("RDATE"), start, zones)]
    for wall in starts(event.get("RRULE"), start.wall, start.zone, more, since=since, budget=budget):
        moment = start.at(wall)
        if moment.utc is not None and moment.utc not in out:
            yield _event(event, f"{_uid(event)}:{moment.utc:%Y%m%dT%H%M%SZ}", moment)


def _event(event: Any, ident: str, moment: _Moment) -> Event:
    title = text.fold(str(event.get("SUMMARY", "")))
    place = text.fold(str(event.get("LOCATION", "")))
    about = str(event.get("DESCRIPTION", ""))
    due = moment.utc
    if due is None:
        raise SeriesError("its date cannot be written")
    return Event(
        ident=ident,
        type=next((sort for sort, pattern in _TYPES if pattern.search(title)), "event"),
        title=title,
        due=due,
        zone="UTC (floating)" if moment.floating else label(moment.zone),
        url=str(event.get("URL", "")),
        summary="\n".join(filter(None, (place, about))),
        day=moment.wall.date().isoformat() if moment.whole_day else "",
    )


def _moment(value: Any, zones: _Zones) -> _Moment | None:
    """A date or date-time with its zone. Raises ValueError for a zone that nobody knows."""
    if value is None:
        return None
    if isinstance(value, list):
        raise SeriesError("it has two dates where one is meant")
    params = getattr(value, "params", {})
    return _placed(value.dt, str(params.get("TZID", "")), zones)


def _moments(value: Any, start: _Moment, zones: _Zones) -> Iterator[_Moment]:
    """The moments of EXDATE and RDATE; of periods, their beginnings; in the zone of the event's start."""
    for group in value if isinstance(value, list) else [value] if value is not None else []:
        name = str(getattr(group, "params", {}).get("TZID", ""))
        for one in group.dts[:1000]:
            at = one.dt[0] if isinstance(one.dt, tuple) else one.dt
            moment = _placed(at, name, zones)
            if start.whole_day or moment.whole_day:
                yield start.at(datetime.combine(moment.wall.date(), start.wall.time()))
            else:
                yield start.at(moment.wall.replace(tzinfo=moment.zone).astimezone(start.zone).replace(tzinfo=None))


def _placed(value: date | datetime, name: str, zones: _Zones) -> _Moment:
    if not isinstance(value, datetime):
        return _Moment(datetime.combine(value, time()), zones.own or UTC, whole_day=True)
    wall = value.replace(tzinfo=None)
    if name:
        zone = zones.of(name) or value.tzinfo
        if zone is None:
            raise SeriesError(f"{name!r} is no time zone that is known")
        return _Moment(wall, zone)
    return _Moment(wall, UTC, floating=value.tzinfo is None)


def _uid(event: Any) -> str:
    """The event's UID; without one, or with one that is no name, what it is called and when it is."""
    uid = text.fold(str(event.get("UID", "")))
    if uid and len(uid) <= 200:
        return uid
    start = event.get("DTSTART")
    return f"{slug(str(event.get('SUMMARY', '')))}:{slug(start.to_ical().decode()) if start is not None else ''}"


def _sequence(event: Any) -> int:
    return int(event.get("SEQUENCE", 0))


def _trouble(event: Any, error: Exception) -> str:
    title = text.cut(text.fold(str(event.get("SUMMARY", ""))), 60) or "an event"
    reason = str(error) if isinstance(error, SeriesError) else "its dates cannot be read"
    return f"{title}: {reason}"
