"""csl: CSL-JSON to seeds, as Zotero, Mendeley and Pandoc write it (https://citeproc-js.readthedocs.io/en/latest/csl-json/)."""

from json import JSONDecodeError
from typing import Any

from aggregator import text
from aggregator.imports import kept
from aggregator.imports.members import members
from aggregator.imports.record import BadRecord, References, gathered, seed_of
from aggregator.model import Seed

_NAMES = ("DOI", "URL", "number", "archive_location", "archive-location")
_WORDS = ("id", "number", "archive_location", "archive-location", "note", "container-title", "publisher", "volume")


def read(body: str) -> References:
    """The seeds of a JSON list, also of one that kept.py wrote, and a line for each record that is broken."""
    seeds: list[Seed] = []
    bad: list[BadRecord] = []
    for line, member in members(body):
        found = kept.seed(member) if kept.is_kept(member) else _seed(member)
        if isinstance(found, Seed):
            seeds.append(found)
        else:
            bad.append(BadRecord(line, found))
    return gathered(seeds, bad)


def _seed(item: Any) -> Seed | str:
    if isinstance(item, JSONDecodeError):
        return f"the record cannot be read: {item.msg[:1].lower()}{item.msg[1:]} (line {item.lineno})"
    if not isinstance(item, dict):
        return f"this is no record, but {text.cut(repr(item), 40)}"
    title = _text(item, "title")
    if not title.strip():
        return f"the record {text.cut(_text(item, 'id'), 60)!r} has no title"
    authors = item.get("author")
    return seed_of(
        text.plain(title),
        map(_person, authors if isinstance(authors, list) else ()),
        text.plain(_text(item, "abstract")),
        [_text(item, name) for name in _NAMES],
        [_text(item, name) for name in _WORDS],
    )


def _text(item: dict[str, Any], name: str) -> str:
    """A field as text; a list of one, as Crossref writes it, as its member."""
    value = item.get(name)
    if isinstance(value, list) and value:
        value = value[0]
    return str(value) if isinstance(value, str | int) else ""


def _person(name: Any) -> str:
    if not isinstance(name, dict):
        return ""
    parts = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return _text(name, "literal") or " ".join(filter(None, (_text(name, part) for part in parts)))
