"""_arxiv: what the fields of arXiv mean, whichever door they come through: authors, categories, DOIs, comments."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from aggregator import text
from aggregator.sources._venue import venue

CATEGORY = re.compile(r"^[a-z]+(-[a-z]+)?(\.([A-Z]{2}|[a-z]+(-[a-z]+)?))?$")
_NAME_END = re.compile(r",\s*(?![^()]*\))")
_RAW_END = re.compile(r"\s*[,;]\s*(?:and\s+)?|\s+(?:and|&)\s+")
_PARENTHESES = re.compile(r"\s*\([^()]*\)")
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_LONGEST = 300


def names(creators: str) -> Iterator[str]:
    """The authors of one comma-joined string; affiliations in parentheses are left out, "Jr." stays with its name."""
    return _people(_NAME_END.split(text.fold(creators)))


def raw_names(authors: str) -> Iterator[str]:
    """The authors as they were typed: "A. One (1), B. Two, Jr. and C. Three ((1) Here, (2) There)"."""
    folded = text.fold(authors)
    while (bare := _PARENTHESES.sub("", folded)) != folded:
        folded = bare
    return _people(_RAW_END.split(folded))


def dois(field: str) -> tuple[str, ...]:
    """The keys of the DOIs in a field, which may hold several; arXiv's own is no other name."""
    keys = (text.key_of(part if "://" in part else f"doi:{part}") for part in field.split())
    return tuple(dict.fromkeys(key for key in keys if key.startswith("doi:")))


def categories(terms: Iterable[str]) -> tuple[str, ...]:
    """The terms that are categories of arXiv; classes of ACM and MSC, which some of its doors mix in, are left out."""
    return tuple(dict.fromkeys(term for term in terms if CATEGORY.fullmatch(term)))


def month_of(paper: str, known: datetime) -> datetime:
    """When a paper came out, as well as its id tells, if all that is `known` is when it was announced or changed.

    The id begins with year and month. A paper of that month or the one before is taken to be as old as that.
    """
    digits = paper.rpartition("/")[2][:4]
    year, month = int(digits[:2]), int(digits[2:])
    first = datetime(year + (1900 if year > 90 else 2000), month, 1, tzinfo=UTC)
    months = (known.year - first.year) * 12 + known.month - first.month
    return first if months > 1 else known


def signals(paper: str, version: int | None, comment: str, journal: str) -> dict[str, int | str]:
    """What the card of a paper says beside its text: pdf, version, comment, journal reference, and the venue."""
    found: dict[str, int | str] = {"pdf": f"https://arxiv.org/pdf/{paper}"}
    if version is not None:
        found["version"] = version
    comment, journal = text.fold(comment), text.fold(journal)
    told = {
        "comment": text.cut(comment, _LONGEST),
        "journal": text.cut(journal, _LONGEST),
        "venue": venue(comment) or venue(journal, cited=True),
    }
    return found | {name: value for name, value in told.items() if value}


def _people(parts: list[str]) -> Iterator[str]:
    name = ""
    for part in parts:
        if part.lower() in _SUFFIXES and name:
            name = f"{name}, {part}"
            continue
        if name:
            yield name
        name = _PARENTHESES.sub("", part).strip()
    if name:
        yield name
