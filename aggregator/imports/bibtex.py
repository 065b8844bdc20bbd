"""bibtex: BibTeX and BibLaTeX to seeds, by bibtexparser; what it cannot read is named with its line."""

import logging
import re
from collections.abc import Iterable, Iterator

from bibtexparser.entrypoint import parse_string
from bibtexparser.exceptions import BlockAbortedException
from bibtexparser.middlewares.names import (
    InvalidNameError,
    parse_single_name_into_parts,
    split_multiple_persons_names,
)
from bibtexparser.model import Block, Entry, ImplicitComment, ParsingFailedBlock

from aggregator import text
from aggregator.imports.record import BadRecord, References, gathered, seed_of
from aggregator.model import Seed

_NAMES = ("eprint", "arxiv", "arxivid", "doi", "url", "howpublished", "link", "ee")
_WORDS = ("journal", "journaltitle", "volume", "number", "note", "annote", "howpublished", "archiveprefix", "bibsource")
_TITLES = ("title", "booktitle", "maintitle")
_LONGEST = 120
_HEADLESS = re.compile(r"\s*(@(?!comment)[A-Za-z]+)\b\s*(?:[^\s{(].*)?$", re.IGNORECASE)

logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what is broken is told here, once, with its file


def read(body: str) -> References:
    """The seeds of a BibTeX file, TeX in Unicode and strings filled in, and a line for each record that is broken."""
    seeds: list[Seed] = []
    bad: list[BadRecord] = []
    for block in parse_string(body).blocks:
        if isinstance(block, ImplicitComment):
            bad += _headless(block)
            continue
        found = _seed(block)
        if isinstance(found, Seed):
            seeds.append(found)
        elif found:
            bad.append(found)
    return gathered(seeds, bad)


def _seed(block: Block) -> Seed | BadRecord | None:
    """The block as a seed, or what is wrong with it; None for comments, strings and preambles."""
    line = (block.start_line or 0) + 1
    whole = block.ignore_error_block if isinstance(block, ParsingFailedBlock) else None
    entry = whole or block  # with a field or a key that is there twice it can be read all the same
    if isinstance(entry, ParsingFailedBlock):
        return BadRecord(line, f"{_head(entry)} cannot be read: {_cause(entry)}")
    if not isinstance(entry, Entry):
        return None
    fields = {field.key.lower(): str(field.value) for field in reversed(entry.fields)}
    title = next((text.unicode(fields[name]) for name in _TITLES if fields.get(name, "").strip(" {}")), "")
    if not title:
        return BadRecord(line, f"@{entry.entry_type} {entry.key!r} has no title")
    return seed_of(
        title,
        _people(fields.get("author") or fields.get("editor", "")),
        text.unicode(fields.get("abstract", "")),
        [fields[name].strip("{} ").replace(r"\_", "_") for name in _NAMES if name in fields],
        [text.unicode(fields[name]) for name in _WORDS if name in fields],
    )


def _headless(block: ImplicitComment) -> Iterator[BadRecord]:
    """The records that lie in a comment because they have no bracket behind their kind."""
    for number, line in enumerate((block.raw or "").splitlines()):
        if match := _HEADLESS.match(line):
            yield BadRecord((block.start_line or 0) + number + 1, f"there is no {{ behind {match[1]}")


def _people(names: str) -> Iterator[str]:
    """The names as "First Last", in Unicode."""
    for name in _split(names):
        try:
            parts = parse_single_name_into_parts(name, strict=False)
            shown = " ".join((*parts.first, *parts.von, *parts.last, *parts.jr))
        except InvalidNameError:
            shown = name
        if name != "others":
            yield text.unicode(shown)


def _split(names: str) -> Iterable[str]:
    return [name for name in split_multiple_persons_names(names) if name.strip()]


def _head(block: ParsingFailedBlock) -> str:
    """How a record begins, such as "@article{smith2024,"."""
    lines = (block.raw or "").strip().splitlines()
    return text.cut(lines[0].strip(), 60) if lines else "a record"


def _cause(block: ParsingFailedBlock) -> str:
    why = block.error.abort_reason if isinstance(block.error, BlockAbortedException) else block.error
    words = text.fold(str(why)).replace("`", "").rstrip(". ")
    return text.cut(f"{words[:1].lower()}{words[1:]}", _LONGEST)
