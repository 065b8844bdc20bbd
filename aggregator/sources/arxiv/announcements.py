"""announcements: arXiv's daily Atom feed: which papers were announced, and as what.

The Atom form is read because its abstracts are plain text; in the RSS form they would be taken for HTML and damaged.
https://info.arxiv.org/help/rss_specifications.html
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from xml.etree.ElementTree import Element

from aggregator import text
from aggregator.model import Entry
from aggregator.sources._arxiv import month_of, names
from aggregator.sources._sane import moment, parsed, title_of
from aggregator.sources.arxiv.page import ARXIV, ATOM, DC, atom

_TYPES = frozenset({"new", "cross", "replace", "replace-cross"})
_HEAD = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*(\S+)\s+(?:Abstract:\s*)?")
_VERSION = re.compile(r"v(\d{1,3})$")
_EASTERN = timezone(timedelta(hours=-4))
"""Where the day begins at which the feed is made; in winter it begins an hour later."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The daily feed: its entries, and the day that it is the list of; None if it does not say."""

    day: date | None
    entries: tuple[Entry, ...]

    @property
    def fresh(self) -> int:
        """How many papers are new in these categories, listed there first or crossed over."""
        return sum(entry.news for entry in self.entries)


def listing(body: bytes, now: datetime) -> Listing:
    """The daily feed, with the type of each entry in signals["announce"]; empty at weekends and on holidays.

    A replacement is not news; a paper first met as a cross-listing is. Raises ParseError.
    """
    feed = atom(body)
    elements = feed.findall(f"{ATOM}entry")
    entries = (_entry(element, now) for element in elements)
    told = (parsed(element.findtext(f"{ATOM}published")) for element in elements)
    days = [moment.date() for moment in told if moment]  # as written: midnight, whatever the offset
    made = parsed(feed.findtext(f"{ATOM}updated"))
    if not days and made and made.tzinfo:
        days = [made.astimezone(_EASTERN).date()]
    days = [day for day in days if day <= now.date() + timedelta(days=1)]
    return Listing(max(days, default=None), tuple({entry.key: entry for entry in entries if entry}.values()))


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
        published=min(announced, month_of(paper, announced)),
        announced=announced,
        news=announce in {"new", "cross"},
        summary=summary,
        authors=tuple(names(element.findtext(f"{DC}creator") or "")),
        categories=tuple(dict.fromkeys(c.get("term", "") for c in element.iterfind(f"{ATOM}category"))),
        signals={
            "pdf": f"https://arxiv.org/pdf/{paper}",
            "version": int(version[1]) if version else 1,
            "announce": announce,
        },
        aliases=(doi,) if doi.startswith("doi:10.") else (),
    )
