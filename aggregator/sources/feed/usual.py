"""usual: well-formed RSS 2.0 of the usual elements, as feedparser reads it, in a small part of the time.

Whatever is not quite usual is left to feedparser; tests/test_feed_usual.py compares the two on thousands of feeds.
"""

import re
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import feedparser.datetimes

from aggregator import text

_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_KNOWN = frozenset({"title", "link", "guid", "description", "pubDate", "author", "category", _CONTENT, _CREATOR})
_IDLE = ("comments", "{http://purl.org/rss/1.0/modules/slash/}", "{http://wellformedweb.org/CommentAPI/}")
"""Elements of which nothing is kept."""

_ODD = re.compile(rb"<!DOCTYPE|<!ENTITY|xml:base|<\?xml-|\xc2[\x80-\x9f]|<channel[^>]*\s\w", re.IGNORECASE)
"""What makes feedparser do more than read: document types, bases, characters of Windows, attributes."""

_UTF8 = re.compile(rb"<\?xml\s[^>]*encoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_PERSON = re.compile(r"\S+@\S+\.\w+ \(([^()@]{1,100})\)")
_MENDED = re.compile("[\x80-\x9f]|[\xc2-\xf4][\x80-\xbf]")
"""Characters of Windows, and UTF-8 that was read as Latin-1: feedparser mends both."""

_FLAGS = {"guid": {"isPermaLink"}}
_ONCE = ("link", "ttl")
_MOST = 1_000_000
_MOST_TAGS = 100

Read = tuple[list[dict[str, Any]], dict[str, str]]
"""Entries and the feed's own fields, under feedparser's names."""


def usual(body: bytes, content_type: str) -> Read | None:
    """The entries of a usual feed, or None. UTF-8, at most 1 MB, no attribute or element that feedparser looks into."""
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", content_type, re.IGNORECASE)
    is_plain = not charset or charset[1].lower() == "utf-8"
    if not is_plain or len(body) > _MOST or not body.startswith(b"<") or _ODD.search(body) or _UTF8.match(body):
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a document type there are no entities
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    channel = root.find("channel")
    if root.tag != "rss" or root.get("version") != "2.0" or channel is None or len(root) != 1:
        return None
    entries = [_entry(item) for item in channel.iterfind("item")]
    whole = [entry for entry in entries if entry is not None]
    if not entries or len(whole) < len(entries) or any(len(channel.findall(name)) > 1 for name in _ONCE):
        return None
    return whole, {name: _said(channel.find(name)) for name in _ONCE}


def _entry(item: Element) -> dict[str, Any] | None:
    """The fields of one item; None if there is anything unusual in it."""
    said: dict[str, list[str]] = {}
    for part in item:
        if part.tag.startswith(_IDLE) and not len(part):
            continue
        if part.tag not in _KNOWN or len(part) or part.attrib.keys() - _FLAGS.get(part.tag, set()):
            return None
        said.setdefault(part.tag, []).append(_said(part))
    guid, told = item.find("guid"), "".join(words for texts in said.values() for words in texts)
    is_link = guid is not None and guid.get("isPermaLink", "true") != "false" and "link" not in said
    if item.attrib or is_link or _MENDED.search(told):
        return None
    if any(len(texts) > (_MOST_TAGS if tag == "category" else 1) for tag, texts in said.items()):
        return None
    return _fields({tag: texts[0] for tag, texts in said.items()}, said.get("category", []))


def _fields(said: dict[str, str], tags: list[str]) -> dict[str, Any] | None:
    names = [said[tag] for tag in ("author", _CREATOR) if said.get(tag)]
    if len(names) > 1 or (names and not (name := _person(names[0]))):
        return None
    when = feedparser.datetimes._parse_date(said["pubDate"]) if said.get("pubDate") else None  # noqa: SLF001
    entry: dict[str, Any] = {
        "id": said.get("guid", ""),
        "link": said.get("link", ""),
        "title": said.get("title", ""),
        "summary": said.get("description", ""),
        "published_parsed": when,
        "authors": [{"name": name}] if names else [],
        "tags": [{"term": tag} for tag in dict.fromkeys(tags) if tag],
    }
    if _CONTENT in said:
        entry["content"] = [{"value": said[_CONTENT]}]
    return entry


def _person(author: str) -> str:
    """The name of an author, where it is plain to see; "" if not."""
    if match := _PERSON.fullmatch(author):
        return match[1].strip()
    return "" if re.search(r"[@()<>&/,;]", author) else text.fold(author)


def _said(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""
