"""opml: lists of feeds as other readers write and read them (OPML 2.0, http://opml.org/spec2.opml), and as TOML."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from aggregator import text
from aggregator.errors import InputError

MAX_BYTES = 8 * 2**20
_MAX_NAME = 60
_MAX_DEPTH = 100
_FEED = re.compile(r"^feed:(//)?", re.IGNORECASE)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed: its title, "" if it has none, its address, its page, and the line it stands in (0: nowhere)."""

    title: str
    url: str
    page: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class BadRow:
    """An outline that is no feed although it should be one: its line, and why."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Outlines:
    """What a file holds, in its order."""

    feeds: tuple[Feed, ...]
    bad: tuple[BadRow, ...]


def read(body: bytes, name: str) -> Outlines:
    """The feeds of a file called `name`, whatever folders they stand in. Raises InputError with the line.

    The letter case of elements and attributes does not matter. Without a document type there are no entities, so one
    is refused; so is a file of more than 8 MiB.
    """
    if len(body) > MAX_BYTES:
        raise InputError(f"{name} has more than {MAX_BYTES >> 20} MiB; that is no list of feeds")
    reader = _Reader(name)
    try:
        reader.parser.Parse(body, True)  # noqa: FBT003 - expat takes no keyword
    except expat.ExpatError as error:
        raise InputError(f"{name}:{error.lineno}: this is not XML: {expat.ErrorString(error.code)}") from None
    except (LookupError, ValueError) as error:  # a declared encoding that Python does not know, or cannot use here
        raise InputError(f"{name}:1: this cannot be read: {error}; save it as UTF-8") from None
    return Outlines(tuple(reader.feeds), tuple(reader.bad))


def write(feeds: Iterable[Feed], now: datetime) -> bytes:
    """An OPML 2.0 document, in UTF-8, of feeds in their order."""
    rows = [
        f'    <outline type="rss" text={_attribute(feed.title)} title={_attribute(feed.title)}'
        f" xmlUrl={_attribute(feed.url)}{f' htmlUrl={_attribute(feed.page)}' if feed.page else ''}/>\n"
        for feed in feeds
    ]
    head = f"    <title>Paper Aggregator</title>\n    <dateCreated>{format_datetime(now)}</dateCreated>\n"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n'
        f"  <head>\n{head}  </head>\n  <body>\n{''.join(rows)}  </body>\n</opml>\n"
    ).encode()


def name_for(feed: Feed, taken: Collection[str]) -> str:
    """A name for a source, in small plain letters: from the title, or the host if that has none; not one of `taken`."""
    base = _slug(feed.title) or _slug((urlsplit(feed.url).hostname or "").removeprefix("www.")) or "feed"
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def source_table(values: Mapping[str, Any]) -> str:
    """A [[source]] table in TOML of texts, numbers, and lists of these."""
    return "[[source]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


class _Reader:
    """The handlers of one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.feeds: list[Feed] = []
        self.bad: list[BadRow] = []
        self.depth = 0
        self.open: list[tuple[int, str, bool]] = []  # outlines that are no feed: line, title, whether others are in it
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype

    def doctype(self, *_: object) -> None:
        raise InputError(f"{self._here}: a document type is not read, since it can hold what blows up the reader")

    def start(self, element: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise InputError(f"{self._here}: more than {_MAX_DEPTH} elements stand in one another")
        if self.depth == 1 and element.casefold() != "opml":
            raise InputError(f"{self._here}: this is no OPML: it begins with <{text.cut(element, 40)}>")
        if element.casefold() != "outline":
            return
        if self.open:
            self.open[-1] = (*self.open[-1][:2], True)
        self.outline({name.casefold(): value.strip() for name, value in attributes.items()})

    def outline(self, said: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        title = text.fold(said.get("title") or said.get("text") or "")
        url = _FEED.sub(_unfed, said.get("xmlurl", ""))
        self.open.append((line, title, bool(url)))
        link = text.safe_link(url)
        if link:
            self.feeds.append(Feed(title, link, text.safe_link(said.get("htmlurl", "")), line))
        elif url:
            told = text.cut(re.split(r"[?#]", url)[0].rpartition("@")[2], 80)  # no login, no key
            self.bad.append(BadRow(line, f"{_shown(title)}{told!r} is no http or https address"))

    def end(self, element: str) -> None:
        self.depth -= 1
        if element.casefold() != "outline":
            return
        line, title, fine = self.open.pop()
        if not fine:
            self.bad.append(BadRow(line, f"{_shown(title)}there is no xmlUrl, and so no feed"))

    @property
    def _here(self) -> str:
        return f"{self.name}:{self.parser.CurrentLineNumber}"


def _unfed(match: re.Match[str]) -> str:
    """feed://host is http://host, and feed:https://host what follows, as browsers once understood it."""
    return "http://" if match[1] else ""


def _shown(title: str) -> str:
    return f"{text.cut(title, 60)}: " if title else ""


def _attribute(value: str) -> str:
    return quoteattr(_NOT_XML.sub("", value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", ""))[:_MAX_NAME].strip("-")


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's way to write texts and numbers is TOML's as well, but for DEL and half surrogates, which TOML has not
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
