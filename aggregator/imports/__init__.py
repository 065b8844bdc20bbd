"""imports: files and libraries of references to seeds: what came in, and a line for each record that is broken.

    found = read(path.read_bytes(), "refs.bib")

record.py   what comes of a file; the fields of a record as a seed, under its strongest name
bibtex.py   BibTeX and BibLaTeX
ris.py      RIS
csl.py      CSL-JSON, and what kept.py wrote
members.py  the objects of a JSON list, each with its line
zotero.py   a library or a collection of Zotero, by its web API
kept.py     seeds as they are kept beside config.toml
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from aggregator.errors import InputError
from aggregator.imports import bibtex, csl, ris
from aggregator.imports.record import BadRecord, References, gathered
from aggregator.model import Seed

__all__ = ["BadRecord", "References", "gathered", "read", "read_file", "seeds_of"]

MAX_BYTES = 64 * 2**20
_BIBTEX = re.compile(r"^\s*@\s*\w+\s*[{(]", re.MULTILINE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read(body: bytes, name: str) -> References:
    """The references in a file called `name`: BibTeX, RIS or CSL-JSON, told apart by what stands in it.

    A line that is not UTF-8 is taken for Windows-1252. Raises InputError if it is none of these, or beyond 64 MiB.
    """
    if len(body) > MAX_BYTES:
        raise InputError(f"{name} has more than {MAX_BYTES >> 20} MiB; export a part of the library")
    content = _decoded(body)
    if content.lstrip().startswith(("[", "{")):
        return csl.read(content)
    first = [(match.start(), reader) for form, reader in _FORMS if (match := form.search(content))]
    if not first:
        raise InputError(f"{name} holds no references: it is neither BibTeX, nor RIS, nor CSL-JSON")
    return min(first, key=lambda one: one[0])[1](content)


def read_file(path: Path) -> References:
    """The references in a file. Raises InputError."""
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return read(body, path.name)


def seeds_of(named: Iterable[str]) -> References:
    """What the seeds of a profile stand for: those of its files, and a Seed without text for each key of a work.

    Works named twice are there once. What is broken in a file is told as "refs.bib:12: …" in line 0. Raises InputError.
    """
    seeds: list[Seed] = []
    bad: list[BadRecord] = []
    for name in named:
        if name.startswith(("arxiv:", "doi:", "url:")):
            seeds.append(Seed(key=name, title=""))
            continue
        path = Path(name)
        found = read_file(path)
        seeds += found.seeds
        bad += [replace(one, line=0, text=f"{path.name}:{one.line}: {one.text}") for one in found.bad]
    return gathered(seeds, bad)


def _decoded(body: bytes) -> str:
    """The text, its lines ended by line feeds."""
    if body.startswith(_UTF16):
        content = body.decode("utf-16", errors="replace")
    else:
        content = "\n".join(map(_line, body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")))
    return content.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").replace("\0", "")


def _line(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


_FORMS = ((ris.START, ris.read), (_BIBTEX, bibtex.read))
