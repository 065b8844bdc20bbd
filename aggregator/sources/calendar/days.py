"""days: the days of a conference out of words such as "September 27 - October 1, 2026"."""

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = re.compile(
    r"jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)
_FILLING = frozenset({"to", "and", "until", "of", "th", "st", "nd", "rd"})
_SHAPES = {
    "MDY": "MDYMDY", "MDDY": "MDYMdY", "MDMDY": "MDYmdY", "MDYMDY": "MDYmdy",
    "DMY": "MDYMDY", "DDMY": "MDYMdY", "DMDMY": "MDYmdY", "DMYDMY": "MDYmdy",
}  # fmt: skip
"""What may stand in the words, and which of it is month, day and year of the first and of the last day: M, D and Y are
the first month, day and year found, m, d and y the last."""


def days_in(words: str) -> tuple[date, date] | None:
    """The first and the last day that the words name, both in English and with a year; None if they do not."""
    found: dict[str, list[int]] = {"M": [], "D": [], "Y": []}
    shape = ""
    for token in re.findall(r"[a-z]+|\d+", words[:200].lower()):
        if token in _FILLING:
            continue
        sort, value = _sort(token)
        if not sort:
            return None
        shape += sort
        found[sort].append(value)
    if shape not in _SHAPES:
        return None
    chosen = [found[letter.upper()][0 if letter.isupper() else -1] for letter in _SHAPES[shape]]
    month, day, year, last_month, last_day, last_year = chosen
    if (last_year, last_month) < (year, month):
        year -= 1  # "December 30 - January 2, 2027"
    try:
        first, last = date(year, month, day), date(last_year, last_month, last_day)
    except ValueError:
        return None
    return (first, last) if first <= last else None


def _sort(token: str) -> tuple[str, int]:
    if token.isascii() and token.isdigit():
        return ("Y", int(token)) if len(token) == 4 else ("D", int(token)) if len(token) <= 2 else ("", 0)
    return ("M", _MONTHS.index(token[:3]) + 1) if _NAMES.fullmatch(token) else ("", 0)
