"""card: one pick in words: what is said of it, where it was seen, why it is here, where it leads."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from babel import Locale

from aggregator.model import Candidate, Kind, Ranked, Reason, Sighting
from aggregator.render.room import Room
from aggregator.render.said import Passage, said, told
from aggregator.render.words import begun, clean, counted, day, several
from aggregator.text import cut, safe_link

_NAMES = {"arxiv": "arXiv", "huggingface": "Hugging Face", "hub": "Hugging Face Hub", "openalex": "OpenAlex"}
"""What kinds of source are called where the source's own name would say less; of others the name is shown."""

_OPEN: dict[Kind, str] = {
    "post": "Read on", "release": "Read on", "video": "Watch on", "episode": "Listen on",
    "thread": "Read on", "model": "Open on", "event": "Open on",
}  # fmt: skip

_REASONS = {
    "interest": "{}", "keyword": "mentions “{}”", "author": "by {}", "venue": "at {}", "like": "like “{}”",
    "seed": "like “{}”", "popular": "popular: {}", "surprise": "beyond your interests: {}",
}  # fmt: skip

_COUNTS = {
    "upvotes": "upvote", "points": "point", "likes": "like", "stars": "GitHub star", "comments": "comment",
    "downloads": "download", "views": "view", "citations": "citation",
}  # fmt: skip
"""The signals that are worth a word, most telling first; two are shown."""

_LINKS = {"pdf": "PDF", "code": "Code", "page": "Hugging Face", "project": "Project page"}

_REDDIT = re.compile(r"https?://(?:[a-z]+\.)?reddit\.com/r/(\w{2,30})(?:[/?#]|$)", re.IGNORECASE)
_LONGEST_LINK = 1000
_MOST_AUTHORS = 4
_MOST_PLACES = 5
_MOST_MENTIONS = 4


@dataclass(frozen=True, slots=True)
class Link:
    """A word to click on and where it leads."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A pick, ready to be shown, in plain text; `score` is 0 to 100, "" and () mean nothing to say.

    `key` names the work, for the links that vote on it; `number` counts the picks, 0 where they are not counted.
    `passages` are the parts of `text`, of which one may be the telling sentence; it is `matched` where it stands in
    none. `summary` is what the model that `summary_by` names made of the text.
    """

    key: str
    number: int
    title: str
    url: str
    authors: str
    seen: str
    score: int
    reason: str
    also: str
    text: str
    passages: tuple[Passage, ...]
    summary: str
    summary_by: str
    matched: str
    links: tuple[Link, ...]
    mentions: tuple[Link, ...]
    more_mentions: str


def card(
    pick: Ranked, number: int, room: Room, limit: int, tongue: Locale, *, known: str = "", short: bool = False
) -> Card:
    """The card of a pick, with `limit` characters of its text (0: left out); see `said` for which, and for `short`.

    `known` is the interest that the reader sees already, above the card: it is not told as a reason again. The reason
    begins a line, unless the card is one of those that are not counted and have one line in all.
    """
    entry = pick.entry
    is_paper = entry.kind == "paper"
    mentions = _mentions(pick.candidate, links=room.links)
    words = said(pick, limit, short=short)
    first, *rest = [_reason(reason) for reason in pick.reasons] or [""]
    return Card(
        key=entry.key,
        number=number,
        title=cut(told(entry.title, is_paper), room.title) or "Untitled",
        url=_link(entry.url),
        authors=several([name for author in entry.authors if (name := clean(author, 60))], _MOST_AUTHORS),
        seen=_seen(pick.candidate, tongue),
        score=round(100 * min(max(pick.score, 0.0), 1.0)),
        reason=""
        if known and pick.reasons[:1] and pick.reasons[0].text == known
        else begun(first)
        if number
        else first,
        also=rest[0] if rest else "",
        text="".join(passage.text for passage in words.passages),
        passages=words.passages,
        summary=words.summary,
        summary_by=words.by,
        matched=words.matched,
        links=(_paper_links(pick.candidate) if is_paper else _other_links(entry.kind, entry.url)) if room.links else (),
        mentions=mentions[:_MOST_MENTIONS],
        more_mentions=f"and {len(mentions) - _MOST_MENTIONS:,} more" if len(mentions) > _MOST_MENTIONS else "",
    )


def _reason(reason: Reason) -> str:
    return _REASONS[reason.kind].format(clean(reason.text, 90))


def _seen(candidate: Candidate, tongue: Locale) -> str:
    """Where it was seen: "arXiv cs.SD · Hugging Face 41 upvotes"; of anything but papers also the day."""
    entry = candidate.entry
    places = list(dict.fromkeys(_place(sighting, entry.categories) for sighting in candidate.sightings))
    if venue := clean(str(entry.signals.get("venue", "")), 60):
        places.append(venue)
    shown = [places[0], day(entry.published, tongue), *places[1:]] if places and entry.kind != "paper" else places
    return " · ".join(shown[:_MOST_PLACES])


def _place(sighting: Sighting, categories: tuple[str, ...]) -> str:
    name = _name(sighting)
    if sighting.kind == "arxiv" and categories:
        name = f"{name} {clean(categories[0], 20)}"
    return f"{name} {', '.join(_numbers(sighting)[:2])}".strip()


def _name(sighting: Sighting) -> str:
    """Such as "Hugging Face", "r/MachineLearning", or what the owner calls the source."""
    if name := _NAMES.get(sighting.kind):
        return name
    room = _REDDIT.match(sighting.url)
    return f"r/{room[1]}" if room else clean(sighting.source, 50)


def _numbers(sighting: Sighting) -> list[str]:
    found = ((sighting.signals.get(word), noun) for word, noun in _COUNTS.items())
    return [counted(value, noun) for value, noun in found if isinstance(value, int) and value > 0]


def _mentions(candidate: Candidate, *, links: bool) -> tuple[Link, ...]:
    """The posts that link to it, each once: "r/MachineLearning (12 points)"; none of where it was seen itself."""
    seen = {sighting.url for sighting in candidate.sightings}
    told: dict[tuple[str, str], Link] = {}
    for mention in candidate.mentions:
        if mention.url not in seen:
            label = " ".join([_name(mention), *(f"({number})" for number in _numbers(mention)[:1])])
            told.setdefault((label, mention.url), Link(label, _link(mention.url) if links else ""))
    return tuple(link for link in told.values() if link.label)


@lru_cache(maxsize=4096)
def _link(url: str) -> str:
    return safe_link(url) if len(url) <= _LONGEST_LINK else ""


def _paper_links(candidate: Candidate) -> tuple[Link, ...]:
    """Abstract, PDF, code and pages: those that exist and are safe, each address once."""
    entry = candidate.entry
    found = [("Abstract", entry.url), *((label, str(entry.signals.get(word, ""))) for word, label in _LINKS.items())]
    links: dict[str, str] = {}
    for label, url in found:
        if _link(url):
            links.setdefault(_link(url), label)
    return tuple(Link(label, url) for url, label in links.items())


def _other_links(kind: Kind, url: str) -> tuple[Link, ...]:
    link = _link(url)
    host = clean((urlsplit(link).hostname or "").removeprefix("www."), 60)
    return (Link(f"{_OPEN[kind]} {host}", link),) if host and kind in _OPEN else ()
