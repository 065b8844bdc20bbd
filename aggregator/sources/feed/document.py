"""document: the bytes of a feed, in whatever format, to one plain shape. Text is still raw: it may be HTML."""

import calendar
import html
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import feedparser

from aggregator import text
from aggregator.errors import ParseError
from aggregator.sources._sane import parsed
from aggregator.sources.feed.fast import thinned
from aggregator.sources.feed.usual import usual

_ROOT_END = re.compile(rb"</(?:[\w-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_ENTRY_END = re.compile(rb"</(?:item|entry)\s*>")
_TITLE_END = re.compile(rb"</title\s*>")
_NAME_END = re.compile(rb"</(?:guid|id|link)\s*>|<link\s[^<>]{0,2000}/>")
_HALF_NAME = re.compile(rb"<(?:guid|id|link)(?:\s[^<>]*)?>[^<]*(?:<[^>]*)?$")
_SKIP = re.compile(rb"<skip(?:Hours|Days)>((?:[^<]*+</?(?:hour|day)>){1,100})", re.IGNORECASE)
_HOUR = re.compile(rb"<hour>\s*(\d{1,2})\s*</", re.IGNORECASE)
_DAY = re.compile(rb"<day>\s*([a-z]{6,9})\s*</", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ABSOLUTE = re.compile(r"\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MAX_TTL = timedelta(days=7)
_AUDIO = re.compile(r"\.(?:mp3|m4a|ogg|opus|aac|flac)$", re.IGNORECASE)
_IMAGE = re.compile(r"\.(?:jpe?g|png|webp|gif)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a feed as it stands there. `seconds` is how long its sound or film lasts."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    published: datetime | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: str = ""
    audio: str = ""
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A feed. `cut` says that it breaks off; an entry at the break that has no title or no name yet is left out.

    `skip_hours` (GMT, 0 to 23) and `skip_days` (Monday is 0) are when an RSS feed says that it does not change.
    """

    home: str
    items: tuple[Item, ...]
    cut: bool = False
    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


def read(body: bytes, *, content_type: str, url: str) -> Document:
    """The feed in these bytes; what an ill-formed one still gives is taken. Raises ParseError if it is no feed.

    RSS 0.9 to 2.0, RDF, Atom 0.3 and 1.0 by feedparser; JSON Feed 1.x (https://www.jsonfeed.org/version/1.1/).
    """
    body = body.lstrip()
    if body[:1] == b"{" or body[:4] == b"\xef\xbb\xbf{":
        return _json(body, url)
    if found := usual(body, content_type):
        entries, channel = found
        return _document(body, url, entries, channel.get("link", ""), channel.get("ttl", ""))
    headers = {"content-type": content_type} if content_type else {}
    if b"xml:base" in body:
        headers["content-location"] = url  # otherwise links are resolved below: feedparser would do it at every element
    try:
        feed = feedparser.parse(
            thinned(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except MemoryError:
        raise
    except Exception as error:  # on hostile input it raises nearly anything
        raise ParseError(f"the feed cannot be read ({type(error).__name__}: {error!s:.100})") from error
    if not feed.entries and not feed.get("version"):
        raise ParseError(f"the answer is no feed but {_seen(body)}")
    cut = bool(feed.bozo) and not _ROOT_END.search(_last_entry(body.replace(b"\0", b"")))
    entries = feed.entries[:-1] if cut and _is_nameless(body) else feed.entries
    inherited = _authors(feed.feed) if str(feed.version).startswith("atom") else ()
    home, ttl = str(feed.feed.get("link") or ""), str(feed.feed.get("ttl") or "")
    return _document(body, url, entries, home, ttl, inherited=inherited, cut=cut)


def _document(
    body: bytes,
    url: str,
    entries: Sequence[Mapping[str, Any]],
    home: str,
    ttl: str,
    *,
    inherited: tuple[str, ...] = (),
    cut: bool = False,
) -> Document:
    """The feed of these entries, under feedparser's names."""
    return Document(
        home=_absolute(home, url),
        items=tuple(_item(dict(entry), inherited, url) for entry in entries),
        cut=cut,
        ttl=min(timedelta(minutes=int(ttl)), _MAX_TTL) if re.fullmatch(r"[0-9]{1,6}", ttl) else None,
        skip_hours=frozenset(int(hour) % 24 for hour in _skipped(body, _HOUR) if int(hour) <= 24),
        skip_days=frozenset(_DAYS.index(day) for day in _skipped(body, _DAY) if day in _DAYS),
    )


def _is_nameless(body: bytes) -> bool:
    """Whether a feed that breaks off does so in an entry whose title, or whose link or id, is not whole."""
    entry = _last_entry(body.lower())
    named = _TITLE_END.search(entry) and _NAME_END.search(entry) and not _HALF_NAME.search(entry)
    return not _ENTRY_END.search(entry) and not named


def _last_entry(body: bytes) -> bytes:
    """From the beginning of the last entry on; the whole if there is none."""
    return body[max(body.rfind(b"<item"), body.rfind(b"<entry"), 0) :]


def _skipped(body: bytes, what: re.Pattern[bytes]) -> Iterator[str]:
    """The hours or days in <skipHours> or <skipDays>, which feedparser runs together."""
    for block in _SKIP.findall(body):
        yield from (word.decode().lower() for word in what.findall(block))


def _seen(body: bytes) -> str:
    """What an answer is that is no feed, in words."""
    if not body:
        return "empty"
    head = body[:2000].decode("utf-8", "replace")
    if re.match(r"<(?:!doctype\s+html|html)", head, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.{0,200}?)</title>", head, re.IGNORECASE | re.DOTALL)
        return f"a web page{f' ({text.cut(text.plain(title[1]), 80)!r})' if title else ''}"
    return f"this: {text.cut(text.fold(head), 80)!r}"


def _absolute(link: str, base: str) -> str:
    """The link, resolved against the address of the feed if it is relative (RFC 3986 section 5).

    Without the query of that address, which a link of its own never needs: it may hold a key.
    """
    if not link or _ABSOLUTE.match(link):
        return link
    try:
        return urljoin(base.partition("?")[0], link)
    except ValueError:
        return link


def _parts(entry: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """What feedparser has under a key; nothing if the feed has an element of that name, whose text it puts there."""
    found = entry.get(key)
    listed = found if isinstance(found, list) else [found]
    return [part for part in listed if isinstance(part, Mapping)]


def _item(entry: Mapping[str, Any], inherited: tuple[str, ...], base: str) -> Item:
    """`inherited`: the authors of the feed, for entries that name none (RFC 4287, 4.2.1)."""
    enclosures = [link for link in _parts(entry, "links") if link.get("rel") == "enclosure"]
    files = [*enclosures, *_parts(entry, "media_content")]
    pictures = [*_parts(entry, "media_thumbnail"), *_parts(entry, "image")]
    lengths = [entry.get("itunes_duration"), *(part.get("duration") for part in files)]
    return Item(
        guid=str(entry.get("id") or ""),
        link=_absolute(str(entry.get("link") or ""), base),
        title=str(entry.get("title") or ""),
        summary=_longest(entry),
        published=_date(entry),
        authors=_authors(entry) or inherited,
        tags=tuple(str(tag.get("term") or "") for tag in _parts(entry, "tags")),
        image=_absolute(_first(map(_url, pictures)) or _first(_of(files, "image", _IMAGE)), base),
        audio=_absolute(_first(_of(files, "audio", _AUDIO)), base),
        seconds=next(filter(None, (_seconds(str(length or "")) for length in lengths)), None),
    )


def _longest(entry: Mapping[str, Any]) -> str:
    contents = [str(part.get("value") or "") for part in _parts(entry, "content")]
    return max([*contents, str(entry.get("summary") or "")], key=len)


def _date(entry: Mapping[str, Any]) -> datetime | None:
    """When the entry came out; the date of its last change if that is all there is, as with releases on GitHub."""
    for key in ("published_parsed", "updated_parsed", "created_parsed"):
        value = entry.get(key)
        if isinstance(value, time.struct_time):
            try:
                return datetime.fromtimestamp(calendar.timegm(value), UTC)
            except (ValueError, OverflowError, OSError):
                continue
    return None


def _authors(entry: Mapping[str, Any]) -> tuple[str, ...]:
    names = [text.fold(str(author.get("name") or "")) for author in _parts(entry, "authors")]
    return tuple(filter(None, names if any(names) else [text.fold(str(entry.get("author") or ""))]))


def _url(part: Mapping[str, Any]) -> str:
    return str(part.get("href") or part.get("url") or "")


def _of(files: Iterable[Mapping[str, Any]], medium: str, ending: re.Pattern[str]) -> Iterable[str]:
    for part in files:
        url = _url(part)
        said = str(part.get("type") or part.get("medium") or "")
        if said.startswith(medium) or (not said and ending.search(url.partition("?")[0])):
            yield url


def _first(links: Iterable[str]) -> str:
    return next((link for link in links if link), "")


def _seconds(duration: str) -> int | None:
    """The seconds in "3725", "62:05" or "1:02:05"."""
    if not re.fullmatch(r"\d{1,6}(?:\.\d+)?|(?:\d{1,3}:)?\d{1,3}:\d{1,2}", duration.strip()):
        return None
    total = 0
    for part in duration.strip().split(":"):
        total = total * 60 + int(float(part))
    return total or None


def _json(body: bytes, url: str) -> Document:
    try:
        feed = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the answer looks like JSON and is damaged ({error!s:.100})") from error
    items = feed.get("items")
    if "jsonfeed.org" not in str(feed.get("version")) or not isinstance(items, list):
        raise ParseError("the answer is JSON, but no JSON Feed")
    inherited = _json_authors(feed)
    items = [_json_item(item, inherited, url) for item in items if isinstance(item, dict)]
    return Document(home=_absolute(_str(feed, "home_page_url"), url), items=tuple(items))


def _json_authors(fields: dict[str, Any]) -> tuple[str, ...]:
    authors = _list(fields, "authors") or [fields.get("author")]
    return tuple(name for author in authors if isinstance(author, dict) and (name := _str(author, "name")))


def _json_item(item: dict[str, Any], inherited: tuple[str, ...], base: str) -> Item:
    files = [part for part in _list(item, "attachments") if isinstance(part, dict)]
    files = [{"url": part.get("url"), "type": part.get("mime_type"), **part} for part in files]
    audio = _first(_of(files, "audio", _AUDIO))
    lengths = [part.get("duration_in_seconds") for part in files]
    return Item(
        guid=_sound(str(item.get("id") or "")),
        link=_absolute(_str(item, "url") or _str(item, "external_url"), base),
        title=_str(item, "title"),
        summary=max(
            _str(item, "content_html"), html.escape(_str(item, "content_text")), _str(item, "summary"), key=len
        ),
        published=parsed(item.get("date_published")) or parsed(item.get("date_modified")),
        authors=_json_authors(item) or inherited,
        tags=tuple(_sound(tag) for tag in _list(item, "tags") if isinstance(tag, str)),
        image=_absolute(_str(item, "image") or _str(item, "banner_image"), base),
        audio=_absolute(audio, base),
        seconds=next((int(n) for n in lengths if isinstance(n, int | float) and 0 < n < 10**6), None),
    )


def _str(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return _sound(value) if isinstance(value, str) else ""


def _sound(value: str) -> str:
    """The text without halves of characters (lone surrogates), which JSON can name and no encoding can write."""
    return value.encode("utf-8", "replace").decode()


def _list(fields: dict[str, Any], key: str) -> list[Any]:
    value = fields.get(key)
    return value if isinstance(value, list) else []
