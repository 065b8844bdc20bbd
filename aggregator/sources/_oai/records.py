"""records: a record of an archive as an entry, in the formats arXiv, arXivRaw and oai_dc.

What a record is in is seen by its own element, not by what was asked for.
https://info.arxiv.org/help/oa/index.html, https://www.openarchives.org/OAI/2.0/oai_dc.xsd
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element

from aggregator import text
from aggregator.model import Entry
from aggregator.sources._arxiv import categories, dois, month_of, raw_names, signals
from aggregator.sources._oai.answer import Record
from aggregator.sources._sane import moment, title_of

_ARXIV = "{http://arxiv.org/OAI/arXiv/}"
_RAW = "{http://arxiv.org/OAI/arXivRaw/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_DC_ROOT = "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc"
_DATE = re.compile(r"\s*(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?!\d)")
_BARE_DOI = re.compile(r"(?:doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_COMMENT = re.compile(r"comments?:\s+", re.IGNORECASE)
_MAX_SUBJECTS = 30
_MAX_AUTHORS = 5000


@dataclass(frozen=True, slots=True)
class _Told:
    """What every format says of a work."""

    key: str
    url: str
    title: str
    published: datetime | None
    summary: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    signals: dict[str, int | str]
    aliases: tuple[str, ...]


def entries(records: Iterable[Record], name: str, now: datetime, since: datetime) -> tuple[list[Entry], list[str]]:
    """The records as entries, one a work, and the identifiers of those that cannot be read.

    Deleted records are in neither. News is what came out on the day of `since` or later, whenever the record was
    changed. `name` is the source's, for works that have no name but the archive's own.
    """
    found: dict[str, Entry] = {}
    unread: list[str] = []
    for record in records:
        if record.deleted:
            continue
        entry = _entry(record, name, now, since)
        if entry is None:
            unread.append(record.identifier)
        else:
            found[entry.key] = entry
    return list(found.values()), unread


def _entry(record: Record, name: str, now: datetime, since: datetime) -> Entry | None:
    reader = None if record.metadata is None else _READERS.get(record.metadata.tag)
    told = reader(record, f"id:{name}:{record.identifier}") if reader and record.metadata is not None else None
    title = title_of(told.title, told.summary) if told else ""
    if told is None or not title:
        return None
    changed = _midnight(record.datestamp) if record.datestamp else None
    published = moment(told.published or changed, now)
    return Entry(
        key=told.key,
        kind="paper",
        title=title,
        url=told.url,
        published=published,
        news=published.date() >= since.date(),
        summary=told.summary,
        authors=told.authors,
        categories=told.categories,
        signals=told.signals,
        aliases=tuple(alias for alias in told.aliases if alias != told.key),
    )


def _arxiv(record: Record, _: str) -> _Told | None:
    """The format arXiv. Its server writes the date of the newest version as <created>, and so does this."""
    fields = _Fields(record.metadata, _ARXIV)
    people = (
        " ".join(
            part for part in (_field(author, "forenames"), _field(author, "keyname"), _field(author, "suffix")) if part
        )
        for author in fields.element.iterfind(f"{_ARXIV}authors/{_ARXIV}author")
    )
    return _paper(record, fields, _day(fields["created"]), people, None)


def _raw(record: Record, _: str) -> _Told | None:
    """The format arXivRaw: every version with its moment, and the authors as they were typed."""
    fields = _Fields(record.metadata, _RAW)
    versions = {
        int(number): _moment(version.findtext(f"{_RAW}date") or "")
        for version in fields.element.iterfind(f"{_RAW}version")
        if (number := (version.get("version") or "").removeprefix("v")).isdecimal()
    }
    first = versions.get(min(versions, default=0))
    return _paper(record, fields, first, raw_names(fields["authors"]), max(versions, default=None))


def _paper(
    record: Record, fields: "_Fields", published: datetime | None, people: Iterable[str], version: int | None
) -> _Told | None:
    paper = text.arxiv_id(fields["id"])
    if paper is None:
        return None
    if published is None and record.datestamp:
        published = month_of(paper, _midnight(record.datestamp))
    return _Told(
        key=f"arxiv:{paper}",
        url=f"https://arxiv.org/abs/{paper}",
        title=fields["title"],
        published=published,
        summary=text.fold(fields["abstract"]),
        authors=_folded(text.unicode(name) if "\\" in name or "{" in name else name for name in people),
        categories=categories(fields["categories"].split()),
        signals=signals(paper, version, fields["comments"], fields["journal-ref"]),
        aliases=dois(fields["doi"]),
    )


def _dublin_core(record: Record, own: str) -> _Told | None:
    """The format oai_dc, which says little of what a field holds: every identifier is taken for what it looks like."""
    fields = _Fields(record.metadata, _DC)
    names = [name for value in fields.all("identifier") if (name := _name(value))]
    papers = [name for name in names if name.startswith("arxiv:")]
    numbers = [name for name in names if name.startswith("doi:")]
    links = [link for value in fields.all("identifier") if _is_link(value) and (link := text.safe_link(value.strip()))]
    paper = papers[0].removeprefix("arxiv:") if papers else ""
    url = f"https://arxiv.org/abs/{paper}" if paper else next(iter(links), "")
    if not url and numbers:
        url = f"https://doi.org/{numbers[0].removeprefix('doi:')}"
    described = fields.all("description")
    comment = next((_COMMENT.sub("", value, count=1) for value in described if _COMMENT.match(value.strip())), "")
    told = [value for value in described if not _COMMENT.match(value.strip())]
    if paper and not comment and len(told) > 1:
        comment = told[1]
    summary = next(iter(told), "")
    return _Told(
        key=next(iter([*papers, *numbers, *(text.key_of(link) for link in links)]), own),
        url=url,
        title=fields["title"],
        published=_earliest(fields.all("date"), record.datestamp),
        summary=text.fold(summary) if paper else text.plain(summary),
        authors=_folded(_turned(name) for name in fields.all("creator")),
        categories=_folded(fields.all("subject"))[:_MAX_SUBJECTS],
        signals=signals(paper, None, comment, "") if paper else {},
        aliases=tuple(dict.fromkeys([*papers, *numbers])),
    )


class _Fields:
    """The children of a metadata element: the text of the first of a name by [], of all by all()."""

    def __init__(self, element: Element | None, space: str) -> None:
        self.element = Element("nothing") if element is None else element
        self._space = space

    def __getitem__(self, name: str) -> str:
        return text.fold(self.element.findtext(f"{self._space}{name}") or "")

    def all(self, name: str) -> list[str]:
        return [child.text for child in self.element.iterfind(f"{self._space}{name}") if child.text]


def _field(element: Element, name: str) -> str:
    return text.fold(element.findtext(f"{_ARXIV}{name}") or "")


def _folded(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(folded for value in values if (folded := text.fold(value)))[:_MAX_AUTHORS]


def _turned(name: str) -> str:
    """The name with the surname last: "Watanabe, Shinji" turned; what has more or fewer commas stays."""
    last, comma, first = name.partition(",")
    return f"{first} {last}" if comma and "," not in first and len(first.split()) <= 4 else name


def _is_link(value: str) -> bool:
    return value.strip().lower().startswith(("https://", "http://"))


def _name(value: str) -> str:
    """The arXiv id or DOI that an identifier is; "" for all else."""
    value = value.strip()
    bare = _BARE_DOI.fullmatch(value)
    key = text.key_of(f"doi:{bare[1]}" if bare else value)
    return "" if key.startswith("url:") else key


def _moment(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _day(value: str) -> datetime | None:
    try:
        return _midnight(date.fromisoformat(value[:10]))
    except ValueError:
        return None


def _earliest(values: Iterable[str], changed: date | None) -> datetime | None:
    """The first of the dates. A year or month alone that the record was changed in says no more than the change."""
    found = sorted(_midnight(day) for day in _days(values, changed))
    return next(iter(found), None)


def _days(values: Iterable[str], changed: date | None) -> Iterator[date]:
    for value in values:
        match = _DATE.match(value)
        if not match:
            continue
        year, month, day = (int(part) if part else 0 for part in match.groups())
        vague = not day and changed and (year, month or changed.month) == (changed.year, changed.month)
        try:
            yield changed if vague and changed else date(year, month or 1, day or 1)
        except ValueError:
            continue


_READERS: dict[str, Callable[[Record, str], _Told | None]] = {
    f"{_ARXIV}arXiv": _arxiv,
    f"{_RAW}arXivRaw": _raw,
    _DC_ROOT: _dublin_core,
}
