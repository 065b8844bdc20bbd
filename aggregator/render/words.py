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
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:T\d{4})?")

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
    return line[:1].upper() + line[1:] if line.partition(" ")[0].islower() else line  # but "eBay", "iOS apps"


@lru_cache(maxsize=64)
def locale(tag: str) -> Locale:
    """The language of a tag (RFC 5646), of those that the Unicode CLDR knows; any other is English.

    English that names no country is the world's, which puts the day before the month.
    """
    try:
        return Locale.parse("en_001" if tag == "en" else tag, sep="-" if "-" in tag else "_")
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
    return written.replace(",", "", 1) if tongue.language == "en" else written


def label(period: str, tongue: Locale) -> str:
    """A period's key as a label for the masthead: "week 47", "November 2026", "Saturday", "extra issue", "preview".

    Keys are "2026-W47", "2026-11", "2026-11-21", with "T0730" behind it or not, "manual-…" and "preview-…"; of any
    other it is "".
    """
    if match := _WEEK.fullmatch(period):
        return f"week {int(match[1])}"
    if _MONTH.fullmatch(period):
        return format_skeleton("yMMMM", date.fromisoformat(f"{period}-01"), locale=tongue)
    try:
        return format_date(date.fromisoformat(period.partition("T")[0]), "EEEE", locale=tongue)
    except ValueError:
        return {"manual": "extra issue", "preview": "preview"}.get(period.partition("-")[0], "")


def span(period: str, window: timedelta) -> str:
    """A period's key as a phrase for the subject: "today", "this week"; "in 4 days" where the window is longer."""
    usual = {"week": timedelta(days=8), "month": timedelta(days=32), "day": timedelta(hours=36)}
    kind = "week" if _WEEK.fullmatch(period) else "month" if _MONTH.fullmatch(period) else "day"
    if kind == "day" and not _DAY.fullmatch(period):
        return ""
    if window > usual[kind]:
        return f"in {counted(round(window / timedelta(days=1)), 'day')}"
    return "today" if kind == "day" else f"this {kind}"
