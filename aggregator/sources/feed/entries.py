"""entries: the items of a feed as entries: what each is called, what kind it is, what of it is kept."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from aggregator import text
from aggregator.model import Entry, Kind
from aggregator.sources._sane import moment, title_of
from aggregator.sources.feed.document import Document, Item

_MAX_SUMMARY = 4000
_MAX_GUID = 200
_MAX_NAMES = 50
_TOPIC = re.compile(r"/t/[^/]+/\d+(?:/\d+)?/?")  # Discourse
_REDDITS = re.compile(
    r"\s*submitted by(?:\s+/u/\S+(?:\s+to\s+\S+)?|\s*\S+(?:\s+to\s+\S+)?(?=\s*\[link\]))"
    r"(?:\s*\[(?:link|[\d ]*comments?)\])*\s*$"
)
_FORUMS = re.compile(r"(?:^|\n)\d+ posts?(?: - \d+ participants?)?(?:\s*Read full topic)?$")
"""What Reddit and Discourse write below each text."""
_REDDIT = re.compile(r"\Ahttps?://[a-z]+\.reddit\.com/", re.IGNORECASE)
_AT_GITHUB = re.compile(r"https://github\.com/[^/]+/([^/]+)/")
_VIDEO_HOSTS = frozenset({"youtube.com", "m.youtube.com", "youtu.be"})


def entries_of(document: Document, now: datetime, *, name: str, url: str, kind: Kind | None, limit: int) -> list[Entry]:
    """The first `limit` entries, each key once. `url` is the feed's, `kind` what its entries are, None to guess.

    An entry without a link is kept if it has a name of its own (guid), or words to make one from. Guid and title
    together are a further name of each: links change, and a guid alone is not always one entry's.
    """
    items = document.items[:limit]
    shared = _shared(items) | ({text.canonical(document.home)} if document.home else set())
    found: dict[str, Entry] = {}
    for item in items:
        entry = _entry(item, now, name=name, feed=url, kind=kind, shared=shared)
        if entry:
            found.setdefault(entry.key, entry)
    return list(found.values())


def _shared(items: Iterable[Item]) -> set[str]:
    """The links and guids that several items of a feed have, other than one item that is listed twice."""
    meant: dict[str, set[str]] = {}
    for item in items:
        for name in (text.canonical(item.link), item.guid):
            meant.setdefault(name, set()).add(item.title or item.summary)
    return {name for name, titles in meant.items() if len(titles) > 1}


def _entry(item: Item, now: datetime, *, name: str, feed: str, kind: Kind | None, shared: set[str]) -> Entry | None:
    link = _REDDIT.sub("https://www.reddit.com/", text.safe_link(item.link))
    summary = text.cut(_own_words(text.plain(item.summary), link), _MAX_SUMMARY)
    title = title_of(text.plain(item.title), summary)
    key = _key(item, link, name, shared=text.canonical(item.link) in shared, words=title + summary)
    if not key or not (title or link):
        return None
    kind = kind or _kind(item, link, feed, key)
    return Entry(
        key=key,
        kind=kind,
        title=(_released(title, link) if kind == "release" else title) or link,
        url=_shown(link, key),
        published=moment(item.published, now),
        summary=summary,
        authors=_names(item.authors),
        categories=_names(item.tags),
        signals=_signals(item),
        # Whether a link is an entry's alone is known of this answer only; this name stays when the others have gone.
        aliases=(f"id:{name}:{_hash(f'{item.guid or link} {title}')}",) if item.guid or link else (),
        mentions=tuple(name for name in text.papers_in(f"{item.title} {item.link} {item.summary}") if name != key),
    )


def _own_words(summary: str, link: str) -> str:
    """The text without what the site adds to every one."""
    if _host(link) == "reddit.com":
        return _REDDITS.sub("", summary)
    return _FORUMS.sub("", summary) if _TOPIC.fullmatch(urlsplit(link).path) else summary


def _released(title: str, link: str) -> str:
    """The title of a release with the name of what was released: "v1.0.0" alone says nothing."""
    repository = _AT_GITHUB.match(link)
    named = not repository or repository[1].lower() in title.lower()
    return title if named or not repository else f"{repository[1]} {title}"


def _shown(link: str, key: str) -> str:
    """The link; for one to arXiv's PDF or HTML the abstract's page, as arXiv asks for."""
    at_arxiv = key.startswith("arxiv:") and _host(link).endswith("arxiv.org")
    return f"https://arxiv.org/abs/{key.removeprefix('arxiv:')}" if at_arxiv else link


def _key(item: Item, link: str, name: str, *, shared: bool, words: str) -> str:
    """The strongest name: arXiv id or DOI, the link if it is this entry's alone, the guid, a hash of the words."""
    key = text.key_of(link) if link else ""
    if key and (not shared or not key.startswith("url:")):
        return key
    if guid := text.fold(item.guid):
        if paper := text.arxiv_id(guid):
            return f"arxiv:{paper}"
        return f"id:{name}:{guid if len(guid) <= _MAX_GUID else _hash(guid)}"
    return f"id:{name}:{_hash(words)}" if words else ""


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _kind(item: Item, link: str, feed: str, key: str) -> Kind:
    """What an entry is, from where it comes and what hangs on it."""
    home, host, path = _host(feed), _host(link), urlsplit(link).path
    kind: Kind = "post"
    if key.startswith("arxiv:"):
        kind = "paper"
    elif _VIDEO_HOSTS & {home, host}:
        kind = "video"
    elif item.audio:
        kind = "episode"
    elif home == "github.com" and urlsplit(feed).path.endswith(("/releases.atom", "/tags.atom")):
        kind = "release"
    elif "reddit.com" in {home, host} or (host == home and _TOPIC.fullmatch(path)):
        kind = "thread"
    return kind


def _host(url: str) -> str:
    host = urlsplit(text.canonical(url)).hostname or ""
    return "reddit.com" if host.endswith(".reddit.com") else host


def _names(names: Iterable[str]) -> tuple[str, ...]:
    folded = (text.cut(text.fold(text.plain(name, 400)), 100) for name in names)
    return tuple(dict.fromkeys(name for name in folded if name))[:_MAX_NAMES]


def _signals(item: Item) -> dict[str, int | str]:
    links = {"image": text.safe_link(item.image), "audio": text.safe_link(item.audio)}
    signals: dict[str, int | str] = {key: link for key, link in links.items() if link}
    if item.seconds:
        signals["seconds"] = item.seconds
    return signals
