"""announcements: arXiv's daily Atom feed: which papers were announced, and as what.

The Atom form is read because its abstracts are plain text; in the RSS form they would be taken for HTML and damaged.
https://info.arxiv.org/help/rss_specifications.html
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from aggregator import text
from aggregator.model import Entry
from aggregator.sources._sane import moment, parsed, title_of
from aggregator.sources.arxiv.page import ARXIV, ATOM, DC, atom

_TYPES = frozenset({"new", "cross", "replace", "replace-cross"})
_HEAD = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*(\S+)\s+(?:Abstract:\s*)?")
_VERSION = re.compile(r"v(\d{1,3})$")
_NAME_END = re.compile(r",\s*(?![^()]*\))")
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})


def announcements(body: bytes, now: datetime) -> list[Entry]:
    """The entries of the daily feed, with the type in signals["announce"]; none at weekends and on holidays.

    A replacement is not news; a paper first met as a cross-listing is. Raises ParseError.
    """
    entries = (_entry(element, now) for element in atom(body).iterfind(f"{ATOM}entry"))
    return list({entry.key: entry for entry in entries if entry}.values())


def _entry(element: Element, now: datetime) -> Entry | None:
    name = text.fold(element.findtext(f"{ATOM}id") or "")
    link = element.find(f"{ATOM}link")
    paper = text.arxiv_id(name) or text.arxiv_id(link.get("href", "") if link is not None else "")
    if paper is None:
        return None
    raw = element.findtext(f"{ATOM}summary") or ""
    head = _HEAD.match(raw)
    announce = text.fold(element.findtext(f"{ARXIV}announce_type") or (head[1] if head else ""))
    announce = announce if announce in _TYPES else "new"
    summary = text.fold(raw[head.end() :] if head else raw)
    announced = moment(parsed(element.findtext(f"{ATOM}published")), now)
    version = _VERSION.search(name)
    doi = text.key_of(f"doi:{text.fold(element.findtext(f'{ARXIV}DOI') or '')}")
    return Entry(
        key=f"arxiv:{paper}",
        kind="paper",
        title=title_of(element.findtext(f"{ATOM}title") or "", summary),
        url=f"https://arxiv.org/abs/{paper}",
        published=min(announced, _month_of(paper, announced)),
        announced=announced,
        news=announce in {"new", "cross"},
        summary=summary,
        authors=tuple(_names(element.findtext(f"{DC}creator") or "")),
        categories=tuple(dict.fromkeys(c.get("term", "") for c in element.iterfind(f"{ATOM}category"))),
        signals={
            "pdf": f"https://arxiv.org/pdf/{paper}",
            "version": int(version[1]) if version else 1,
            "announce": announce,
        },
        aliases=(doi,) if doi.startswith("doi:10.") else (),
    )


def _month_of(paper: str, announced: datetime) -> datetime:
    """When a paper came out, as well as its id tells: the feed has no date but that of the announcement.

    The id begins with year and month. A paper of this month or the last is as old as its announcement.
    """
    digits = paper.rpartition("/")[2][:4]
    year, month = int(digits[:2]), int(digits[2:])
    first = datetime(year + (1900 if year > 90 else 2000), month, 1, tzinfo=UTC)
    months = (announced.year - first.year) * 12 + announced.month - first.month
    return first if months > 1 else announced


def _names(creators: str) -> Iterator[str]:
    """The authors of one comma-joined string; affiliations in parentheses are left out, "Jr." stays with its name."""
    name = ""
    for part in _NAME_END.split(text.fold(creators)):
        if part.lower() in _SUFFIXES and name:
            name = f"{name}, {part}"
            continue
        if name:
            yield name
        name = re.sub(r"\s*\([^()]*\)", "", part).strip()
    if name:
        yield name
