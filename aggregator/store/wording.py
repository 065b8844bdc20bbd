"""wording: which source's words an entry shows, under which of its names, and since when it is news. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import add

from aggregator import tables
from aggregator.model import Entry

LOOKBACK = timedelta(days=14)
"""How late a work may turn up and still be news: moderation holds papers for days, feeds date posts before they
publish them. What is older than that at a source that was visited before is history that was found."""

Signals = dict[str, int | str]

_NAMES = ("arxiv:", "doi:", "url:")
_SAYS = {"arxiv": 2, "oai": 2, "huggingface": 1}


def strongest(names: Iterable[str]) -> str:
    """The name that says most surely which work is meant: arXiv id, DOI, link, anything else; of equals the first."""
    return min(names, key=lambda name: next((i for i, start in enumerate(_NAMES) if name.startswith(start)), 3))


def text_hash(title: str, summary: str) -> str:
    """What tells one text from another: SHA-256 of title and summary, as hexadecimal digits."""
    return hashlib.sha256(f"{title}\n{summary}".encode()).hexdigest()


def news_at(entries: Sequence[Entry], visited: datetime | None, now: datetime) -> datetime | None:
    """When a work that is met for the first time became news; None if it is none.

    `visited` is the source's last successful visit before this one. At a source that is visited regularly a work is
    news when it turns up, if it is not older than LOOKBACK before that visit. In all other cases, a first visit or
    history being fetched, it was news on its own day.
    """
    days = [min(entry.announced or entry.published, now) for entry in entries if entry.news]
    if not days:
        return None
    return now if visited and max(days) >= visited - LOOKBACK else max(days)


def tell(row: tables.Entry, entry: Entry, source: str, kind: str) -> None:
    """Let a source tell an entry anew.

    arXiv knows its papers best, Hugging Face next; of two that know equally well, the one that came first goes on
    telling, and the other fills what is empty. What a source leaves empty stays as it was. The day only moves back: one
    that moves on with every visit is that of the visit.
    """
    ours, theirs = _says(row.key, row.origin), _says(row.key, kind)
    leads = theirs > ours or (theirs == ours and (theirs > 0 or source == row.origin_source))
    first, second = (_words(entry), _words(row)) if leads else (_words(row), _words(entry))
    words = {name: value or second[name] for name, value in first.items()}
    if leads:
        published = entry.published if theirs > ours else min(row.published, entry.published)
        words |= {"origin": kind, "origin_source": source, "kind": entry.kind, "published": published}
    changed = {name: value for name, value in words.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed.keys() & {"title", "summary"}:
        row.text_hash = text_hash(row.title, row.summary)


def told(row: tables.Entry) -> Entry:
    """An entry of the database as its origin told it."""
    return Entry(
        key=row.key,
        kind=row.kind,  # type: ignore[arg-type]  # only values of model.KINDS are stored
        title=row.title,
        url=row.url,
        published=row.published,
        announced=row.announced,
        news=row.news_at is not None,
        summary=row.summary,
        authors=tuple(row.authors),
        categories=tuple(row.categories),
        due=row.due,
    )


def join_signals(first: Mapping[str, int | str], second: Mapping[str, int | str]) -> Signals:
    """Two accounts of the same numbers and links: the greater number, the first link."""
    return _combined(first, second, max)


def sum_signals(sightings: Iterable[tuple[str, Mapping[str, int | str]]]) -> Signals:
    """The signals of all sightings, each with its kind: numbers are added, of links the first is kept.

    Several sources of one kind report the same number, such as arXiv lists of two subjects, so of these the greatest
    is taken.
    """
    by_kind: dict[str, Signals] = {}
    for kind, signals in sightings:
        by_kind[kind] = join_signals(by_kind.get(kind, {}), signals)
    total: Signals = {}
    for signals in by_kind.values():
        total = _combined(total, signals, add)
    return total


_LONGEST_NAME = 1000
"""Bytes: PostgreSQL keeps no more than 2704 in an index."""


def storable(entry: Entry) -> Entry:
    """The entry without what a database cannot hold: NUL characters, halves of surrogate pairs, names without end."""
    names = (entry.key, *entry.aliases, *entry.mentions)
    texts = (entry.title, entry.url, entry.summary, *entry.authors, *entry.categories, *names)
    if all(map(_is_storable, texts)) and max(map(len, names)) * 4 <= _LONGEST_NAME:
        return entry
    return replace(
        entry,
        key=_name(entry.key),
        title=cleaned(entry.title),
        url=cleaned(entry.url),
        summary=cleaned(entry.summary),
        aliases=tuple(map(_name, entry.aliases)),
        authors=tuple(map(cleaned, entry.authors)),
        categories=tuple(map(cleaned, entry.categories)),
        mentions=tuple(map(_name, entry.mentions)),
    )


def cleaned(text: str) -> str:
    """The text without NUL characters, with "?" for halves of surrogate pairs."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _name(text: str) -> str:
    """A name as it is stored: of one that is too long its beginning, which tells its sort, and a hash."""
    name = cleaned(text)
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    return f"{name[:100]}…{hashlib.sha256(name.encode()).hexdigest()}"


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _combined(
    first: Mapping[str, int | str], second: Mapping[str, int | str], numbers: Callable[[int, int], int]
) -> Signals:
    joined = dict(first)
    for name, value in second.items():
        held = joined.get(name, "")
        if isinstance(held, int) and isinstance(value, int):
            joined[name] = numbers(held, value)
        elif held == "":
            joined[name] = value
    return joined


def _says(key: str, kind: str) -> int:
    """How well a kind knows a work; a newsletter calls it what it likes."""
    if kind == "mailbox":
        return -1
    return _SAYS.get(kind, 0) if key.startswith("arxiv:") else 0


def _words(entry: Entry | tables.Entry) -> dict[str, object]:
    return {
        "title": entry.title,
        "url": entry.url,
        "summary": entry.summary,
        "authors": list(entry.authors),
        "categories": list(entry.categories),
        "announced": entry.announced,
        "due": entry.due,
    }
