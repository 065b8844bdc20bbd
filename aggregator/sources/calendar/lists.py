"""lists: the community's lists of deadlines in YAML: ccfddl and Hugging Face's ai-deadlines.

ccfddl: https://github.com/ccfddl/ccf-deadlines; ai-deadlines: https://github.com/huggingface/ai-deadlines.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, TypeAlias

import yaml

from aggregator import text
from aggregator.errors import ParseError
from aggregator.sources.calendar.days import days_in
from aggregator.sources.calendar.event import PAST, Event, Reading, in_utc, slug
from aggregator.sources.calendar.zones import AOE, label, zone_of

ListFormat: TypeAlias = Literal["ccfddl", "ai-deadlines"]

_MAX_NODES = 200_000
_MAX_DEPTH = 12
_Loader: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_OPEN = frozenset({"", "tbd", "tba", "null", "none", "~", "n/a", "rolling"})
_TYPES = {"paper": "submission", "full_paper": "submission", "commitment_deadline": "commitment"}
_WORDS = {
    "submission": "paper submission deadline",
    "abstract": "abstract deadline",
    "notification": "notification of acceptance",
    "camera_ready": "camera-ready deadline",
}
_FIRST = frozenset({"abstract", "submission"})
"""What must lie before the conference; lists copied from last year's sometimes say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Date:
    """One date of a conference, as the list writes it."""

    type: str
    written: str
    zone: str
    label: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conference:
    """One year of a conference, as the list writes it; `start` and `end` are ISO days, `held` the days in words."""

    title: str
    full_name: str
    year: str
    ident: str
    link: str
    place: str
    held: str
    start: str
    end: str
    dates: tuple[_Date, ...]

    @property
    def name(self) -> str:
        """What the year's conference is called, such as "Interspeech 2026"."""
        return self.title if self.year in self.title else f"{self.title} {self.year}"


def read_list(body: bytes, form: ListFormat | None, now: datetime) -> Reading:
    """The events of a list; its format is seen from it unless it is given. Raises ParseError."""
    rows = _rows(body)
    form = form or _form(rows)
    conferences = list(_ccfddl(rows) if form == "ccfddl" else _ai_deadlines(rows))
    usable = [conference for conference in conferences if conference.title and conference.year]
    if not usable:
        raise ParseError(f"the list of deadlines names no conference in the format {form}")
    events: list[Event] = []
    troubles = ["a conference without title or year"] * (len(conferences) - len(usable))
    for conference in usable:
        _tell(conference, now, events, troubles)
    return Reading(events=tuple(events), troubles=tuple(troubles))


def _rows(body: bytes) -> list[Mapping[object, object]]:
    """The rows of the list."""
    try:
        data = _read(body)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ParseError(f"the list of deadlines is no YAML: {text.cut(text.fold(str(error)), 150)}") from error
    if not isinstance(data, list):
        raise ParseError("the answer is no list of deadlines: its outermost value is no list")
    return [row for row in data if isinstance(row, dict)]


def _read(body: bytes) -> object:
    """The YAML's document in lists, dicts and texts, read in one pass and only as far as a list may go.

    Every scalar is a text: no dates that do not exist, no numbers without end, no objects. Aliases are refused: nine
    lines of them can stand for more than a memory holds.
    """
    whole: list[object] = []
    open_: list[list[object]] = [whole]
    for count, event in enumerate(yaml.parse(body, Loader=_Loader)):
        if isinstance(event, yaml.ScalarEvent):
            open_[-1].append(event.value)
        elif isinstance(event, yaml.AliasEvent):
            raise ParseError("the list of deadlines uses YAML aliases, which are refused")
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append([])
        elif isinstance(event, yaml.CollectionEndEvent):
            parts = open_.pop()
            open_[-1].append(parts if isinstance(event, yaml.SequenceEndEvent) else _mapping(parts))
        if len(open_) > _MAX_DEPTH + 1 or count > _MAX_NODES:
            raise ParseError("the list of deadlines is nested too deep or too long to be one")
    if len(whole) != 1:
        raise ParseError(f"the list of deadlines has {len(whole)} YAML documents, and one was expected")
    return whole[0]


def _mapping(parts: Sequence[object]) -> dict[str, object]:
    """Keys and values in turn, as a dict. Raises ParseError where a key is no text."""
    found: dict[str, object] = {}
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        if not isinstance(key, str):
            raise ParseError("the list of deadlines has a list or a mapping as a key")
        found[key] = value
    return found


def _form(rows: Sequence[Mapping[object, object]]) -> ListFormat:
    if any("confs" in row for row in rows):
        return "ccfddl"
    if any("deadlines" in row or "deadline" in row for row in rows):
        return "ai-deadlines"
    raise ParseError("the answer is no list of deadlines: it is neither in ccfddl's nor in ai-deadlines' format")


def _said(row: Mapping[object, object], name: str) -> str:
    value = row.get(name, "")
    return text.fold(value) if isinstance(value, str) and value not in ("null", "~") else ""


def _parts(row: Mapping[object, object], name: str) -> list[Mapping[object, object]]:
    value = row.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _ccfddl(rows: Sequence[Mapping[object, object]]) -> Iterator[_Conference]:
    for series, year in ((row, year) for row in rows for year in _parts(row, "confs")):
        zone = _said(year, "timezone")
        dates = tuple(
            _Date(type=sort, written=_said(line, name), zone=zone, comment=_said(line, "comment"))
            for line in _parts(year, "timeline")
            for name, sort in (("abstract_deadline", "abstract"), ("deadline", "submission"))
            if name in line
        )
        yield _Conference(
            title=_said(series, "title"),
            full_name=_said(series, "description"),
            year=_said(year, "year"),
            ident=_said(year, "id"),
            link=_said(year, "link"),
            place=_said(year, "place"),
            held=_said(year, "date"),
            start="",
            end="",
            dates=dates,
        )


def _ai_deadlines(rows: Sequence[Mapping[object, object]]) -> Iterator[_Conference]:
    """Both the older form, with `deadline` and `abstract_deadline`, and the newer one, with a list of `deadlines`."""
    for row in rows:
        zone, note = _said(row, "timezone"), text.plain(_said(row, "note"))
        older = (("abstract_deadline", "abstract"), ("deadline", "submission"))
        dates = [_Date(type=sort, written=_said(row, name), zone=zone, comment=note) for name, sort in older]
        for line in _parts(row, "deadlines"):
            sort = slug(_said(line, "type")).replace("-", "_")
            date_ = _said(line, "date")
            zone_ = _said(line, "timezone") or zone
            kind = _TYPES.get(sort, sort) or "deadline"
            dates.append(_Date(type=kind, written=date_, zone=zone_, label=_said(line, "label"), comment=note))
        yield _Conference(
            title=_said(row, "title"),
            full_name=_said(row, "full_name"),
            year=_said(row, "year"),
            ident=_said(row, "id"),
            link=_said(row, "link"),
            place=_said(row, "place") or ", ".join(filter(None, (_said(row, "city"), _said(row, "country")))),
            held=_said(row, "date"),
            start=_said(row, "start")[:10],
            end=_said(row, "end")[:10],
            dates=tuple(dates),
        )


def _tell(conference: _Conference, now: datetime, events: list[Event], troubles: list[str]) -> None:
    """Add the conference's events, and what cannot be used of it; nothing of one that is long past."""
    days = _days(conference)
    if days and days[1] < (now - PAST).date():
        return
    dates = [date_ for date_ in conference.dates if date_.written.casefold() not in _OPEN]
    often = Counter(date_.type for date_ in dates)
    told: Counter[str] = Counter()
    for date_ in dates:
        told[date_.type] += 1
        due, trouble = _due(date_)
        if due and days and date_.type in _FIRST and due.date() > days[1]:
            due, trouble = None, f"{date_.written} lies after the conference"
        if due is None:
            troubles.append(f"{conference.name}: {trouble}")
            continue
        events.append(_event(conference, date_, due, told[date_.type], often[date_.type]))
    if days:
        events.append(_day(conference, "start", "conference begins", days[0]))
    if days and days[1] > days[0]:
        events.append(_day(conference, "end", "conference ends", days[1]))


def _event(conference: _Conference, date_: _Date, due: datetime, number: int, often: int) -> Event:
    """The first date of a type is named by the type, further ones by their label or their number too."""
    further = slug(date_.label) or str(number)
    zone = zone_of(date_.zone) or AOE
    return Event(
        ident=_ident(conference, date_.type if number == 1 else f"{date_.type}-{further}"),
        type=date_.type,
        title=f"{conference.name}: {_words(date_, number, often)}",
        due=due,
        zone=label(zone) if date_.zone else "AoE (not said)",
        url=conference.link,
        summary=_about(conference, date_.comment),
    )


def _words(date_: _Date, number: int, often: int) -> str:
    if often == 1 and date_.type in _WORDS:
        return _WORDS[date_.type]
    if date_.label:
        return " ".join(word.lower() if word.istitle() else word for word in date_.label.split())
    words = _WORDS.get(date_.type, date_.type.replace("_", " "))
    return f"{words} {number} of {often}" if often > 1 else words


def _day(conference: _Conference, sort: str, words: str, day: date) -> Event:
    """The first or last day of the conference; the lists do not say in which zone, so it begins in UTC."""
    return Event(
        ident=_ident(conference, sort),
        type=sort,
        title=f"{conference.name}: {words}",
        due=datetime.combine(day, time(), UTC),
        zone="UTC",
        url=conference.link,
        summary=_about(conference, ""),
        day=day.isoformat(),
    )


def _ident(conference: _Conference, what: str) -> str:
    return f"{slug(conference.ident) or slug(conference.title)}:{slug(conference.year)}:{what}"


def _about(conference: _Conference, comment: str) -> str:
    place = ", ".join(filter(None, (conference.place, conference.held)))
    full_name = conference.full_name if conference.full_name != conference.title else ""
    sentences = (part.rstrip(".") for part in (full_name, place, comment))
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _due(date_: _Date) -> tuple[datetime | None, str]:
    """The moment in UTC, or why there is none. A day without an hour lasts to its end, as calls for papers mean it."""
    zone = zone_of(date_.zone) if date_.zone else AOE
    if zone is None:
        return None, f"{date_.zone!r} is no time zone that is known"
    try:
        moment = datetime.fromisoformat(date_.written.replace("/", "-"))
    except ValueError:
        return None, f"{date_.written!r} is no date"
    if len(date_.written) <= 10:
        moment = moment.replace(hour=23, minute=59, second=59)
    due = in_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    return due, "" if due else f"{date_.written!r} is no date"


def _days(conference: _Conference) -> tuple[date, date] | None:
    """The first and the last day, as dates or in words; of two that differ, the one in the conference's year."""
    said = [days_in(conference.held)]
    try:
        first, last = date.fromisoformat(conference.start), date.fromisoformat(conference.end or conference.start)
        said.insert(0, (first, last) if first <= last else None)
    except ValueError:
        said.insert(0, None)
    known = [days for days in said if days]
    return next((days for days in known if str(days[0].year) == conference.year), known[0] if known else None)
