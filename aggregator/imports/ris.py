"""ris: RIS to seeds, as Zotero, Mendeley, EndNote and publishers write it; broken records are named with their line.

A record goes from TY to ER, a line is a tag of two characters, two blanks, a dash, a blank and a value; what has no tag
goes on with the line before it (https://en.wikipedia.org/wiki/RIS_(file_format)).
"""

import re
from collections.abc import Iterator

from aggregator import text
from aggregator.imports.record import BadRecord, References, gathered, seed_of
from aggregator.model import Seed

START = re.compile(r"^TY {1,2}- ?\S", re.MULTILINE)
"""How a record begins."""

_TAG = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*))?")
_TITLES = ("TI", "T1", "CT", "BT")
_NAMES = ("DO", "UR", "L1", "L2", "L3", "L4", "LK", "AN", "C7", "M1", "M3")
_WORDS = ("M1", "M3", "AN", "N1", "JO", "JF", "J2", "JA", "T2", "PB", "VL", "SP", "C1")
_AUTHORS = ("AU", "A1")


def read(body: str) -> References:
    """The seeds of a RIS file, and a line for each record that is broken."""
    seeds: list[Seed] = []
    bad: list[BadRecord] = []
    for line, found in _records(body):
        seed = found if isinstance(found, str) else _seed(found)
        if isinstance(seed, Seed):
            seeds.append(seed)
        else:
            bad.append(BadRecord(line, seed))
    return gathered(seeds, bad)


def _records(body: str) -> Iterator[tuple[int, dict[str, list[str]] | str]]:
    """Each record with the line it begins in: its values by tag, or what is wrong with it."""
    record: dict[str, list[str]] = {}
    begun, tag, told = 0, "", False
    for number, line in enumerate(body.split("\n"), 1):
        match = _TAG.fullmatch(line.strip())
        if match and match[1] == "TY":
            if record:
                yield begun, "the record has no end: no line ER before the next TY"
            record, begun, tag, told = {"TY": [match[2] or ""]}, number, "TY", False
        elif match and match[1] == "ER" and record:
            yield begun, record
            record, tag = {}, ""
        elif record and match:
            tag = match[1]
            record.setdefault(tag, []).append(match[2] or "")
        elif record and line.strip() and tag != "TY":
            record[tag][-1] += f" {line.strip()}"
        elif not record and match and not told:
            told = True  # once for all lines up to the next record
            yield number, f"{match[1]} stands in no record: there is no line TY before it"
    if record:
        yield begun, "the record has no end: the file ends before its line ER"


def _seed(record: dict[str, list[str]]) -> Seed | str:
    title = next((value for tag in _TITLES for value in record.get(tag, ()) if value.strip()), "")
    if not title:
        return "the record has no title: no line TI or T1"
    return seed_of(
        text.plain(title),
        (_person(name) for tag in _AUTHORS for name in record.get(tag, ())),
        text.plain(" ".join(record.get("AB") or record.get("N2") or ())),
        [value for tag in _NAMES for value in record.get(tag, ())],
        [value for tag in _WORDS for value in record.get(tag, ())],
    )


def _person(name: str) -> str:
    """A name written "Last, First, Suffix" as "First Last Suffix"."""
    last, *rest = [part.strip() for part in name.split(",")]
    return " ".join((*rest[:1], last, *rest[1:])).strip()
