"""page: whether an answer of arXiv is the Atom feed it should be, and not one of the things it sends instead."""

import html
import re
from datetime import datetime
from xml.etree import ElementTree

from aggregator import text
from aggregator.errors import ParseError

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


class RefusalError(ParseError):
    """arXiv said in so many words that it does not answer this question: asking again changes nothing."""


def atom(body: bytes) -> ElementTree.Element:
    """The root of an Atom feed; raises ParseError saying what came instead: a text, a web page, half a feed."""
    head = body[:2000].decode("utf-8", "replace").strip().lstrip("\ufeff")
    if not head:
        raise ParseError("arXiv answered 200 with nothing instead of a feed")
    if not head.startswith("<"):
        raise ParseError(f"arXiv answered 200 with the text {text.cut(text.fold(head), 80)!r} instead of a feed")
    if re.match(r"<(?:!doctype\s+html|html)\b", head, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.{0,200}?)</title>", head, re.IGNORECASE | re.DOTALL)
        named = f" ({text.cut(text.fold(html.unescape(title[1])), 80)!r})" if title else ""
        raise ParseError(f"arXiv answered 200 with a web page{named} instead of a feed")
    if b"<!DOCTYPE" in body:  # no feed of arXiv has one, and entity bombs need one
        raise ParseError("arXiv answered 200 with a document type declaration, which its feeds do not have")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a DTD there are no entities
    except ElementTree.ParseError as error:
        raise ParseError(f"the feed of arXiv breaks off or is damaged ({error})") from error
    if root.tag != f"{ATOM}feed":
        raise ParseError(f"arXiv answered 200 with a <{root.tag.rpartition('}')[2]}> instead of a feed")
    name = text.fold(root.findtext(f"{ATOM}title") or "")
    if name.lower().startswith("feed error"):
        raise RefusalError(f"arXiv refuses the question: {text.cut(name, 200)}")
    return root


def total(feed: ElementTree.Element) -> int | None:
    """How many results arXiv counts for a question to its API; None if the feed does not say."""
    value = (feed.findtext(f"{_OPENSEARCH}totalResults") or "").strip()
    return int(value) if re.fullmatch(r"\d{1,9}", value) else None


def believe(body: bytes, start: int, *, never_empty: bool) -> int:
    """The number of results behind an API page that begins at result `start`; raises ParseError if it is no true page.

    `never_empty`: that arXiv counts nothing at all is not believed either.
    """
    feed = atom(body)
    entries = feed.findall(f"{ATOM}entry")
    for entry in entries:
        name = entry.findtext(f"{ATOM}id") or ""
        title = text.fold(entry.findtext(f"{ATOM}title") or "")
        if "/api/errors" in name or title == "Error":
            reason = text.fold(entry.findtext(f"{ATOM}summary") or title)
            raise RefusalError(f"arXiv refuses the question: {text.cut(reason, 200)}")
    number = total(feed)
    if number is None:
        raise ParseError("arXiv answered with a feed that does not say how many results there are")
    if not entries and start < number:
        raise ParseError(f"arXiv answered with an empty page where it counts {number} results")
    if not number and never_empty:
        raise ParseError("arXiv counts no paper at all in these categories, which cannot be true")
    for entry in entries:
        _check(entry)
    return number


def _check(entry: ElementTree.Element) -> None:
    """The `arxiv` package leaves out an entry without these and says so only in its log."""
    name = text.fold(entry.findtext(f"{ATOM}id") or "")
    if text.arxiv_id(name) is None:
        raise ParseError(f"arXiv answered with an entry whose id {text.cut(name, 80)!r} is none of arXiv")
    for field in ("published", "updated"):
        value = (entry.findtext(f"{ATOM}{field}") or "").strip()
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            raise ParseError(f"arXiv answered with an entry {name} whose {field} date is {value[:40]!r}") from error
