"""words: numbers, dates, lists and untrusted text in the words of a letter."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton

from aggregator.text import cut, fold

_MOST_MARKS = 4
"""Marks on one letter that any living script needs; stacks of hundreds paint over the lines around them."""

_WEEK = re.compile(r"\d{4}-W(\d\d)")
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
"""Of a period that was changed in its midst the day stands behind its key: "2026-11-2026-11-30"."""

_USUAL = {"week": timedelta(days=8), "month": timedelta(days=32), "day": timedelta(hours=36)}

_JOINT = re.compile(r",\s|\s(?:with|for|in|from|on|by|under|using|without)\s")
"""Where a phrase may end and still be one."""


@lru_cache(maxsize=8192)  # the same names and words stand in many letters
def clean(text: str, limit: int) -> str:
    """Untrusted text as one harmless line of at most `limit` characters.

    Controls, line separators, direction overrides, lone surrogates and stacks of marks are gone, and "=?" is broken,
    so that no mail program takes it for an encoded word (RFC 2047).
    """
    line = fold(text[: 4 * limit + 1000])
    return cut((line if line.isascii() else _unstacked(line)).replace("=?", "= ?").strip(), limit)


def _unstacked(line: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in line:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category != "Cs" and marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


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


def shortened(phrase: str, limit: int) -> str:
    """A phrase of one's own as a title: what stands before its "for", "with" or comma where all of it is too long."""
    line = clean(phrase, 400)
    if len(line) > limit:
        ends = [match.start() for match in _JOINT.finditer(line) if limit / 3 <= match.start() <= limit]
        line = line[: ends[-1]] if ends else cut(line, limit)
    return begun(line)


def begun(line: str) -> str:
    """The line with a capital at its beginning; "eBay" and "iOS apps" stay as they are."""
    return line[:1].upper() + line[1:] if line.partition(" ")[0].islower() else line


@lru_cache(maxsize=64)
def locale(tag: str) -> Locale:
    """The language of a tag (RFC 5646), of those that the Unicode CLDR knows; any other is English.

    English that names no country is the world's, which puts the day before the month.
    """
    try:
        return Locale.parse("en_001" if tag.lower() == "en" else tag, sep="-" if "-" in tag else "_")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_001")


@lru_cache(maxsize=64)
def days(since: datetime, until: datetime, zone: tzinfo, tongue: Locale) -> str:
    """The days of a window in the reader's zone: "14–20 Nov", "28 Nov – 4 Dec", "21 November"."""
    first = since.astimezone(zone).date()
    last = max(first, (until.astimezone(zone) - timedelta(microseconds=1)).date())
    if first == last:
        return day(first, tongue)
    skeleton = "MMMMd" if first.year == last.year else "yMMMMd"
    return " ".join(format_interval(first, last, skeleton, locale=tongue).split())


@lru_cache(maxsize=1024)
def day(moment: date, tongue: Locale) -> str:
    """Such as "21 November"."""
    return format_skeleton("MMMMd", moment, locale=tongue)


@lru_cache(maxsize=1024)
def short_day(moment: date, tongue: Locale) -> str:
    """Such as "Sat 21 Nov"."""
    return _without_comma(format_skeleton("MMMEd", moment, locale=tongue), tongue)


@lru_cache(maxsize=64)
def moment(at: datetime, zone: tzinfo, tongue: Locale) -> str:
    """Such as "Saturday 21 November 2026, 08:00" in the reader's zone."""
    local = at.astimezone(zone)
    return f"{_without_comma(format_date(local, 'full', locale=tongue), tongue)}, {local:%H:%M}"


def _without_comma(written: str, tongue: Locale) -> str:
    """English that puts the day first needs none behind the weekday."""
    return re.sub(r"^(\w+), (?=\d)", r"\1 ", written) if tongue.language == "en" else written


def label(period: str, since: datetime, until: datetime, zone: tzinfo, tongue: Locale) -> str:
    """A period as a label for the masthead: "week 47", "October 2026", "Saturday", "extra issue", "preview".

    Keys are "2026-W47", "2026-11", "2026-11-21", with "T0730" behind it or not, "manual-…" and "preview-…"; of any
    other it is "". A week or month is that of most of its days, as a letter of the first tells of the month before; a
    longer window has no label.
    """
    most = _middle(since, until, zone)
    if _kind(period) in ("week", "month"):
        if until - since > _USUAL[_kind(period)]:
            return ""
        week = _WEEK.match(period)
        return f"week {most.isocalendar().week}" if week else format_skeleton("yMMMM", most, locale=tongue)
    try:
        return format_date(date.fromisoformat(period.partition("T")[0]), "EEEE", locale=tongue)
    except ValueError:
        return {"manual": "extra issue", "preview": "preview"}.get(period.partition("-")[0], "")


def span(period: str, since: datetime, until: datetime, zone: tzinfo) -> str:
    """A period as a phrase for the subject: "today", "this week", "in October"; "in 4 days" where it is longer."""
    kind = _kind(period)
    if not kind:
        return ""
    if until - since > _USUAL[kind]:
        return f"in {counted(round((until - since) / timedelta(days=1)), 'day')}"
    most = _middle(since, until, zone)
    if kind == "month" and most.month != until.astimezone(zone).month:
        return f"in {format_date(most, 'LLLL', locale=locale('en'))}"
    return "today" if kind == "day" else f"this {kind}"


def _kind(period: str) -> str:
    """What a period is by its key: "week", "month", "day", or "" for any other."""
    if _DAY.match(period):
        return "day"
    return "week" if _WEEK.match(period) else "month" if _MONTH.match(period) else ""


def _middle(since: datetime, until: datetime, zone: tzinfo) -> date:
    return (since + (until - since) / 2).astimezone(zone).date()
