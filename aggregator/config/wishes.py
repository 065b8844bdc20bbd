"""wishes: what the words of a profile must be: keywords, names of works, files of references, ORCIDs."""

import re
from pathlib import Path
from typing import Any

from aggregator import text
from aggregator.config.explain import hint, nearest
from aggregator.config.values import phrase

REFERENCES = (".bib", ".ris", ".json")
"""The files that seeds may come from: BibTeX, RIS, and CSL-JSON or what `aggregator profile import-…` wrote."""

_FIELD = re.compile(r"([A-Za-z]+):(?![:/])\s*(.*)")
_ORCID = re.compile(r"(?:https?://orcid\.org/)?((?:\d{4}-){3}\d{3}[\dX])")
_BARE_DOI = re.compile(r"10\.\d{4,9}/\S+")


def keyword(written: str) -> str:
    """A word or phrase, "title:" before it or "*" behind it. Raises ValueError."""
    word = phrase(written)
    field = _FIELD.fullmatch(word)
    if field and field[1].lower() != "title":
        near = hint(f"{field[1]}:", ("title:",)) or "; the only one is title:"
        raise ValueError(f"{word!r} looks in a field that there is not{near}")
    body = phrase(field[2]) if field else word
    stem = body.removesuffix("*")
    if "*" in stem or len(stem) < min(len(body), 2):
        raise ValueError(f"{word!r}: a * stands at the end, behind two letters or more")
    return f"title:{body}" if field else body


def seed(written: str) -> str:
    """The key of a work, "arxiv:…" or "doi:…", or the path of a file of references. Raises ValueError."""
    name = phrase(written)
    key = text.key_of(f"doi:{name}" if _BARE_DOI.fullmatch(name) else name)
    if not key.startswith("url:"):
        return key
    if not is_file(name):
        endings = ", ".join(REFERENCES)
        near = hint(Path(name).suffix, REFERENCES) if Path(name).suffix else ""
        raise ValueError(f"{name!r} is neither an arXiv id, nor a DOI, nor a file ({endings}){near}")
    return name


def is_file(seed: str) -> bool:
    """Whether a seed is a file of references; else it is the key of a work."""
    return Path(seed).suffix.lower() in REFERENCES and not seed.startswith(("arxiv:", "doi:"))


def under(folder: Path, name: str) -> Path:
    """The path of a file; a relative one is taken from `folder`."""
    return folder / Path(name).expanduser()


def lost(folder: Path, name: str) -> str:
    """That there is no such file, with the nearest one that is there."""
    path = under(folder, name)
    there = [one.name for one in path.parent.glob("*") if one.suffix.lower() in REFERENCES]
    near = nearest(path.name, there)
    meant = f" (did you mean `{Path(name).with_name(near)}`?)" if near else f"; looked for {path}"
    return f"there is no file {name!r}{meant}"


def orcid(written: str) -> str:
    """An ORCID without its address, or "" (https://support.orcid.org: ISO 7064 mod 11-2). Raises ValueError."""
    if not written.strip():
        return ""
    match = _ORCID.fullmatch(written.strip())
    if not match:
        raise ValueError(f"{written!r} is no ORCID; write it like 0000-0002-1825-0097")
    total = 0
    for digit in match[1].replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    if "0123456789X"[(12 - total % 11) % 11] != match[1][-1]:
        raise ValueError(f"{written!r} is no ORCID: its last digit does not fit the others; copy it again")
    return match[1]


def table_or(value: Any, what: str, form: str) -> Any:
    """The value if it is a table. Raises ValueError with what may stand there: a text, or the form of the table."""
    if not isinstance(value, dict):
        shown = f", not {str(value).lower()}" if isinstance(value, bool | int | float) else ""
        raise ValueError(f"must be {what} in quotes{shown}, or a table such as {form}")  # noqa: TRY004 - for pydantic
    return value
