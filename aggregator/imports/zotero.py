"""zotero: a library or a collection of Zotero to seeds, by its web API (https://www.zotero.org/support/dev/web_api/v3).

Asked page by page as the server says how it goes on (Link, Total-Results), and left alone when it says so (Backoff,
Retry-After). The key goes as a header, to Zotero's host only.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aggregator import text
from aggregator.errors import FetchError, InputError, ParseError
from aggregator.fetch import Fetcher, Page
from aggregator.imports.record import BadRecord, References, gathered, seed_of
from aggregator.model import Seed
from aggregator.outcome import Progress, silent

HOME = "https://www.zotero.org/settings/keys"
_API = "https://api.zotero.org"
_HOST = "api.zotero.org"
_LIMIT = 100
_TRIES = 3
_MOST = 100_000
_NEXT = re.compile(r"<([^>]+)>\s*;[^,]*\brel=\"?next\"?")
_BESIDE = frozenset({"attachment", "note", "annotation"})
"""Items that belong to others, or are none that one reads."""

_NAMES = ("archiveID", "DOI", "url", "reportNumber")
_WORDS = ("extra", "publicationTitle", "seriesTitle", "volume")
_TITLES = ("title", "caseName", "nameOfAct", "subject")
_AUTHORS = frozenset({"author", "artist", "programmer", "presenter", "contributor", "podcaster", "inventor"})


class Zotero:
    """Zotero's API with a key of its owner's making."""

    def __init__(self, fetcher: Fetcher, key: str) -> None:
        """Raises InputError if the key cannot be one."""
        if not (key.isascii() and key.isalnum()):
            raise InputError(f"ZOTERO_API_KEY holds what no key has; copy it again from {HOME}")
        self._fetcher = fetcher
        self._key = key

    def own(self) -> str:
        """The library of the key's owner, such as "users/475425". Raises FetchError, ParseError."""
        known = _json(self._page("keys/current", {}))
        number = known.get("userID") if isinstance(known, dict) else None
        if not isinstance(number, int):
            raise ParseError(f"{_HOST} does not say whose key this is; name the library with --group")
        return f"users/{number}"

    def collection(self, library: str, name: str) -> str:
        """The key of the collection of that name or key. Raises InputError with the names that there are."""
        known: dict[str, str] = {}
        for row in self._rows(f"{library}/collections", {"sort": "title"}, silent):
            data = row.get("data")
            if isinstance(data, dict) and isinstance(row.get("key"), str):
                known.setdefault(str(data.get("name", "")), row["key"])
        if name in known.values():
            return name
        folded = {one.casefold(): key for one, key in known.items()}
        if name.casefold() not in folded:
            raise InputError(f"there is no collection {name!r} in {library}; there are: {', '.join(known) or 'none'}")
        return folded[name.casefold()]

    def items(self, library: str, collection: str = "", progress: Progress = silent) -> References:
        """The works of a library, or of one of its collections by key, oldest addition first; notes and files are left.

        Raises FetchError, or ParseError if the answer is not whole.
        """
        place = f"{library}/collections/{collection}" if collection else library
        seeds: list[Seed] = []
        bad: list[BadRecord] = []
        for row in self._rows(f"{place}/items/top", {"sort": "dateAdded", "direction": "asc"}, progress):
            found = _seed(row)
            if isinstance(found, Seed):
                seeds.append(found)
            elif found:
                bad.append(BadRecord(0, found))
        return gathered(seeds, bad)

    def _rows(self, what: str, query: Mapping[str, str], progress: Progress) -> Iterator[dict[str, Any]]:
        """All objects of a list. What is none is passed on as an empty one."""
        start = count = 0
        page = self._page(what, {**query, "start": "0"})
        total = _number(page.told.get("total-results", ""))
        with progress("reading Zotero", total or 0) as step:
            while True:
                rows = _json(page)
                if not isinstance(rows, list):
                    raise ParseError(f"{_HOST}/{what}: the answer is no list; try again later")
                yield from (row if isinstance(row, dict) else {} for row in rows)
                count += len(rows)
                step(len(rows))
                following = _start(page)
                if following is None:
                    break
                if not rows or following <= start or count > _MOST:
                    raise ParseError(f"{_HOST}/{what}: its pages do not end; try again later")
                start = following
                page = self._page(what, {**query, "start": str(start)})
        if total is not None and count < total:
            raise ParseError(f"{_HOST}/{what}: it says that there are {total}, but gave {count}; try again later")

    def _page(self, what: str, query: Mapping[str, str], tries: int = _TRIES) -> Page:
        """One answer. Where the server asks to be left alone for a while, it is asked again after that."""
        address = f"{_API}/{what}" + (f"?{urlencode({'format': 'json', 'limit': _LIMIT, **query})}" if query else "")
        headers = {"Zotero-API-Version": "3", "Zotero-API-Key": self._key}
        try:
            page = self._fetcher.get(address, accept="application/json", headers=headers)
        except FetchError as error:
            if tries <= 1 or error.own or error.retry_after is None:
                raise _told(error) from None
            return self._page(what, query, tries - 1)
        if pause := _number(page.told.get("backoff", "")):
            self._fetcher.hold(_HOST, pause)
        return page


def _seed(row: dict[str, Any]) -> Seed | str | None:
    """The item as a seed, or what is wrong with it; None for notes and files."""
    data, key = row.get("data"), row.get("key")
    if not isinstance(data, dict) or not isinstance(key, str):
        return "one of its items is no item, but something else"
    if data.get("itemType") in _BESIDE:
        return None
    title = next((title for name in _TITLES if (title := _text(data, name)).strip()), "")
    if not title:
        return f"item {text.cut(key, 20)} has no title"
    creators = data.get("creators")
    people = [one for one in creators if isinstance(one, dict)] if isinstance(creators, list) else []
    authors = [one for one in people if one.get("creatorType") in _AUTHORS] or people
    return seed_of(
        text.plain(title),
        (_text(one, "name") or f"{_text(one, 'firstName')} {_text(one, 'lastName')}" for one in authors),
        text.plain(_text(data, "abstractNote")),
        [_text(data, name) for name in _NAMES],
        [_text(data, name) for name in _WORDS],
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _start(page: Page) -> int | None:
    """Where the next page begins. Only that is taken from the link, so that it cannot lead to another host."""
    link = _NEXT.search(page.told.get("link", ""))
    return _number(parse_qs(urlsplit(link[1]).query).get("start", [""])[0]) if link else None


def _number(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 9 else None


def _json(page: Page) -> Any:
    try:
        return json.loads(page.body)
    except (ValueError, RecursionError):
        raise ParseError(f"{_HOST}: the answer is not JSON; try again later") from None


def _told(error: FetchError) -> FetchError:
    """The error with what to do about a key that is refused, or a library that is not there."""
    words = {
        401: f"the key in ZOTERO_API_KEY is not known; make one at {HOME}",
        403: f"the key in ZOTERO_API_KEY may not read this library; allow it at {HOME}",
        404: "there is no such library or collection",
    }.get(error.status or 0)
    return FetchError(f"{error}; {words}" if words else str(error), host=error.host, status=error.status)
