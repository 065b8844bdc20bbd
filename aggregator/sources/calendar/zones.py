"""zones: the names that calendars give to time zones."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

AOE = timezone(timedelta(hours=-12), "AoE")
"""Anywhere on Earth: a day is over when it is over everywhere (IEEE 802.16, and the custom of calls for papers)."""

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+\-−–])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)  # noqa: RUF001
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_REGIONS = {
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
    "MST": "America/Denver", "MDT": "America/Denver", "MT": "America/Denver",
    "CST": "America/Chicago", "CDT": "America/Chicago", "CT": "America/Chicago",
    "EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York",
    "CET": "Europe/Brussels", "CEST": "Europe/Brussels", "EET": "Europe/Athens", "EEST": "Europe/Athens",
    "WET": "Europe/Lisbon", "WEST": "Europe/Lisbon", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland",
    "NZDT": "Pacific/Auckland",
}  # fmt: skip
"""People write "PST" in July too and mean the time of the place. IST and BST, which name several, are not here."""


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo | None:
    """The zone named "AoE", "UTC+5:30", "GMT-02", "PST" or "Europe/Paris"; None for a name that is not known.

    "UTC-12" and "Etc/GMT+12" are AoE. A name may have a path before it, as in iCalendar files
    ("/example.org/20260101/Europe/Paris").
    """
    name = name.strip()[:100]
    if name.upper() in {"AOE", "ANYWHERE ON EARTH", "ETC/GMT+12"}:
        return AOE
    if name.upper() in {"UTC", "GMT", "Z", "ETC/UTC"}:
        return UTC
    if match := _OFFSET.fullmatch(name):
        return _fixed(match)
    name = _REGIONS.get(name.upper(), name)
    parts = name.strip("/").split("/")
    return next((zone for start in range(len(parts)) if (zone := _region("/".join(parts[start:])))), None)


def label(zone: tzinfo) -> str:
    """What a reader is told the zone is: "AoE", "UTC", "UTC+05:30", "Europe/Paris"."""
    return str(zone)


def _fixed(match: re.Match[str]) -> tzinfo | None:
    sign, hours, minutes = match.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes or 0))
    offset = size if sign == "+" else -size
    if not timedelta(hours=-12) <= offset <= timedelta(hours=14):
        return None
    return AOE if offset == AOE.utcoffset(None) else timezone(offset) if offset else UTC


def _region(name: str) -> tzinfo | None:
    if not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not there; a folder of zones; a file that is no zone
        return None
