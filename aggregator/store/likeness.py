"""likeness: whether two entries without a common name are one work, and the traits by which such pairs are found.

Papers are one by title and authors, or by title and text; everything else by title and text. The limits are chosen on
data: `python -m bench likeness`, docs/decisions.md.
"""

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import urlsplit

from aggregator.model import Entry, Kind
from aggregator.text import unicode

Shingles: TypeAlias = frozenset[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on two entries are one work; shares from 0 to 1, text in words.

    `title` is enough for papers that share authors, `reworded` where as much as `text` of the text agrees; of equal
    titles `titled` of the text is enough. `people` is how many of the shorter list of authors must be in the other.
    Below `other_text` a nearly equal title is another work's. Texts of fewer than `words` words are no witness.
    """

    title: float = 0.9
    reworded: float = 0.6
    people: float = 0.5
    text: float = 0.6
    titled: float = 0.3
    other_text: float = 0.1
    words: int = 40


LIMITS = Limits()

_PAPER_AGE = timedelta(days=3 * 366)
_OTHER_AGE = timedelta(days=30)
_SAME_HOST_AGE = timedelta(days=3)
_TITLE_LETTERS = 12
"""A shorter title is anybody's: "Introduction", "v1.2.3", "Whisper"."""

_HEAD_LETTERS = 4
_TEXT_WORDS = 400
_FIRST_WORDS = 60
"""The traits look at no more than a feed's excerpt still has."""

_ORDERS = (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35)
"""Odd numbers: multiplying by one of them puts 32-bit hashes in another order (Knuth 6.4)."""

_TEX = re.compile(r"[\\$~{]")
_TAGS = re.compile(r"^(?:\s*\[[A-Za-z ]{1,12}\])+\s*")
_HEAD = re.compile(r"^(.+?)(?::\s|\s[-–—]\s)")
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})  # noqa: RUF001
_PART = re.compile(
    r"\b(?:part|vol|volume|chapter|episode|season|phase)\s+([ivx]|one|two|three|four|five|six|seven|eight|nine|ten)\b"
)
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_DATES = frozenset(
    re.findall(
        r"\w+",
        """monday tuesday wednesday thursday friday saturday sunday january february march april june july august
        september october november december spring summer autumn winter""",
    )
)
_ARTICLES = frozenset({"a", "an", "the"})
_NOBODY = frozenset({"et", "al", "others", "jr", "sr", "team"})
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """a an the of for in on to with from by via and or as at is using towards toward based through large language
        models model learning speech audio recognition multimodal generation video reasoning neural benchmark deep
        network networks systems system data analysis detection training efficient diffusion llms llm text music image
        visual vision understanding evaluation reinforcement multi self high robust end automatic sound enhancement
        approach report technical natural processing machine translation this that these which our we it its are be have
        has been can not such paper study work propose proposed present introduce new novel method methods task tasks
        recent advances performance however challenge challenges significant""",
    )
)
"""Words of so many titles that two of them say nothing; from titles of cs.SD, eess.AS and Hugging Face."""


def traits(entry: Entry) -> frozenset[str]:
    """At most eight short strings; entries that may be one work share one, and few others do.

    The title and min-hashes (Broder 1997) of its pairs of words; of papers, whose titles are reworded, also the part
    before the colon and min-hashes of the first words of the text. Empty for what `same` can never join.
    """
    title = _readable(entry.title)
    words = _words(title)
    is_paper = entry.kind == "paper"
    parts = (_compact(words), _compact(_words(_head(title))) if is_paper else "")
    marks = {part for part in parts if len(part) >= _HEAD_LETTERS}
    found = [f"={hashlib.blake2b(mark.encode('utf-8', 'replace'), digest_size=6).hexdigest()}" for mark in marks]
    found += _minima("t", pairwise(words))
    if is_paper:
        found += _minima("x", _shingles(entry.summary, _FIRST_WORDS, LIMITS.words))
    return frozenset(f"{entry.kind}:{mark}" for mark in found)


def same(a: Entry, b: Entry, limits: Limits = LIMITS) -> bool:
    """Whether two entries tell one work. Symmetrical. Never true for two arXiv ids, or for two DOIs."""
    if a.kind != b.kind or _named_apart(a, b):
        return False
    one, two = _title(a.title), _title(b.title)
    if a.kind == "event":
        return one.compact == two.compact and _same_event(a, b)
    if a.kind == "paper":
        return _same_paper(a, b, one, two, limits)
    return _same_piece(a, b, one, two, limits)


@dataclass(frozen=True, slots=True)
class _Title:
    """A title for comparing: its letters in one piece, the same of what is before a colon, its numbers."""

    compact: str
    head: str
    numbers: tuple[str, ...]
    head_numbers: tuple[str, ...]


@lru_cache(maxsize=4096)
def _title(title: str) -> _Title:
    text = _readable(title)
    head = _head(text)
    return _Title(_compact(_words(text)), _compact(_words(head)), _numbers(text), _numbers(head))


def _readable(title: str) -> str:
    """The title without tags such as "[R]", and without TeX."""
    text = _TAGS.sub("", title[:500])
    return unicode(text) if _TEX.search(text) else text


def _head(title: str) -> str:
    """What stands before a colon or a dash."""
    match = _HEAD.match(title)
    return match[1] if match else ""


def _compact(words: Iterable[str]) -> str:
    return "".join(word for word in words if word not in _ARTICLES)


def _words(text: str) -> list[str]:
    """Case and accents folded, punctuation dropped."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(char for char in text if not unicodedata.combining(char)).translate(_LETTERS)
    return _WORD.findall(text.lower())


def _numbers(text: str) -> tuple[str, ...]:
    """What tells the parts of a series apart: numbers, Roman ones and those in words, days and months."""
    folded = unicodedata.normalize("NFKC", text).lower()
    named = (
        *_PART.findall(folded),
        *(_ROMAN.get(word) or (word if word in _DATES else "") for word in _WORD.findall(folded)),
    )
    return tuple(sorted([*_NUMBER.findall(folded), *filter(None, named)]))


def _named_apart(a: Entry, b: Entry) -> bool:
    """Whether both have a name of a sort that a work has one of, and not the same."""
    for sort in ("arxiv:", "doi:"):
        one, two = ({name for name in (e.key, *e.aliases) if name.startswith(sort)} for e in (a, b))
        if one and two and not one & two:
            return True
    return False


def _same_paper(a: Entry, b: Entry, one: _Title, two: _Title, limits: Limits) -> bool:
    if abs(a.published - b.published) > _PAPER_AGE:
        return False
    known = bool(a.authors and b.authors)
    shared = _people(a.authors, b.authors) if known else 0.0
    if known and shared < limits.people:
        return False
    text = _alike(a.summary, b.summary, limits.words)
    if _is_head(one, two):
        return (text >= limits.text) if text is not None else known and shared >= 0.8 and len(a.authors) > 1
    if one.numbers != two.numbers or min(len(one.compact), len(two.compact)) < _TITLE_LETTERS:
        return False
    title = _overlap(one.compact, two.compact)
    if text is not None and title >= limits.reworded and text >= (limits.titled if title == 1 else limits.text):
        return True
    apart = text is not None and text < limits.other_text and one.compact != two.compact
    return known and title >= limits.title and not apart


def _same_piece(a: Entry, b: Entry, one: _Title, two: _Title, limits: Limits) -> bool:
    """Posts and the like: one text on two sites. On one site two are two, unless posted to two of its rooms."""
    if abs(a.published - b.published) > _age(a, b) or _source(a) & _source(b):
        return False
    if one.numbers != two.numbers or min(len(one.compact), len(two.compact)) < _TITLE_LETTERS:
        return False
    if a.kind in ("release", "model") and one.compact != two.compact:
        return False
    text = _alike(a.summary, b.summary, limits.words)
    return text is not None and text >= limits.text and _overlap(one.compact, two.compact) >= limits.title


def _same_event(a: Entry, b: Entry) -> bool:
    """One date in two calendars; which zone a deadline is in is where they differ, by half a day at most."""
    if a.due is None or b.due is None or a.signals.get("type") != b.signals.get("type") or _source(a) & _source(b):
        return False
    return abs(a.due - b.due) <= timedelta(hours=12)


_CROSSPOSTED: tuple[Kind, ...] = ("post", "thread")


def _age(a: Entry, b: Entry) -> timedelta:
    """How far apart two that are one may be; a weekly thread has the same title and text as the last."""
    hosts = [(urlsplit(entry.url).hostname or "").removeprefix("www.") for entry in (a, b)]
    if hosts[0] != hosts[1]:
        return _OTHER_AGE
    return _SAME_HOST_AGE if a.kind in _CROSSPOSTED else timedelta(-1)


def _source(entry: Entry) -> set[str]:
    """The source that numbers the entry itself ("id:SOURCE:GUID"): two numbers of one source are two works."""
    return {name.split(":", 2)[1] for name in (entry.key, *entry.aliases) if name.startswith("id:")}


def _is_head(one: _Title, two: _Title) -> bool:
    """Whether one title is the other without its subtitle."""
    for short, long in ((one, two), (two, one)):
        if short.compact == long.head and len(long.head) >= _HEAD_LETTERS and short.numbers == long.head_numbers:
            return True
    return False


def _people(one: tuple[str, ...], two: tuple[str, ...]) -> float:
    """How many of the shorter list of authors are in the other, whichever order list and names are in."""
    here, there = ([name for author in names[:200] if (name := _name(author))] for names in (one, two))
    least = min(len({name[0] for name in names}) for names in (here, there))
    return max(_found(here, there), _found(there, here)) / least if least else 0.0


def _found(these: list[list[str]], those: list[list[str]]) -> int:
    """How many surnames of these are in the names of those, and no more than those have surnames."""
    known = {word for name in those for word in name}
    return min(len({name[0] for name in these if name[0] in known}), len({name[0] for name in those}))


def _name(author: str) -> list[str]:
    """The words of a name, the surname first: of "Le, Khanh", "Khanh Le", "K. Le" and "Le K" it is "le"."""
    before, comma, after = author.partition(",")
    words = [word for word in _words(before) if word not in _NOBODY]
    full = [word for word in words if len(word) > 1]
    if not full:
        return []
    initials = not comma and len(words[-1]) == 1
    return [full[-1], *full[:-1], *(word for word in _words(after) if len(word) > 1)] if not initials else full


def _alike(one: str, two: str, least: int) -> float | None:
    """How much of the shorter text is in the other, in triples of words; None if one is too short to say."""
    here, there = (_shingles(text, _TEXT_WORDS, least) for text in (one, two))
    return len(here & there) / min(len(here), len(there)) if here and there else None


def _overlap(one: str, two: str) -> float:
    """How many triples of letters two titles share (Dice)."""
    if one == two:
        return 1.0
    here, there = ({text[n : n + 3] for n in range(len(text) - 2)} for text in (one, two))
    return 2 * len(here & there) / (len(here) + len(there)) if here and there else 0.0


def _shingles(text: str, most: int, least: int) -> Shingles:
    """The triples of words in the first `most` words; none if there are fewer than `least`."""
    words = _words(text[: 12 * most])[:most]
    return frozenset(zip(words, words[1:], words[2:], strict=False)) if len(words) >= least else frozenset()


def _minima(sort: str, shingles: Iterable[Sequence[str]]) -> list[str]:
    """The least of all shingles in each of three orders: sets share one with the odds of what they have in common.

    Shingles of nothing but common words are left out.
    """
    hashes = [_hash("".join(words)) for words in shingles if not _COMMON.issuperset(words)]
    return [f"{sort}{n}{min(h * by & 0xFFFFFFFF for h in hashes):x}" for n, by in enumerate(_ORDERS)] if hashes else []


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))
