"""answer: one answer of an archive: whether it is OAI-PMH, what it refuses, and the records it lists."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from xml.etree import ElementTree

from aggregator import text
from aggregator.errors import ParseError

OAI = "{http://www.openarchives.org/OAI/2.0/}"
_MAX_TAGS = 2_000_000
_WORDS = {
    "badArgument": "check sets and prefix",
    "badResumptionToken": "the place in its list that was handed out is no longer known",
    "badVerb": "is this the address of an OAI-PMH archive?",
    "cannotDisseminateFormat": "it does not have this prefix; every archive has oai_dc",
    "noRecordsMatch": "there is nothing that matches",
    "noSetHierarchy": "it has no sets; leave them out",
}


class RefusalError(ParseError):
    """The archive said in so many words that it does not answer this question. `code` is OAI-PMH's word for why."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the list: its name in the archive, the day of its last change, and its metadata.

    `metadata` is None for a record that is deleted, and for one that came without any.
    """

    identifier: str
    datestamp: date | None
    deleted: bool
    metadata: ElementTree.Element | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a list. `token` leads to the next, "" means that this is the last.

    `answered` is the archive's own clock when it answered, `size` the records that it counts in the whole list.
    """

    records: tuple[Record, ...]
    token: str = ""
    answered: datetime | None = None
    size: int | None = None


def answer(body: bytes) -> Answer:
    """A page of ListRecords; raises RefusalError if the archive refuses, ParseError for what is no such page."""
    root = document(body)
    listed = root.find(f"{OAI}ListRecords")
    if listed is None:
        raise ParseError("the archive answered without a list of records")
    token = listed.find(f"{OAI}resumptionToken")
    size = (token.get("completeListSize") or "").strip() if token is not None else ""
    return Answer(
        records=tuple(_record(element) for element in listed.iterfind(f"{OAI}record")),
        token=(token.text or "").strip() if token is not None else "",
        answered=_clock(root),
        size=int(size) if re.fullmatch(r"\d{1,12}", size) else None,
    )


def document(body: bytes) -> ElementTree.Element:
    """The root of an answer; raises ParseError saying what came instead, RefusalError for an error that it states."""
    head = body[:2000].decode("utf-8", "replace").strip().lstrip("\ufeff")
    if not head:
        raise ParseError("the archive answered 200 with nothing")
    if "\0" in head or not head.startswith("<"):
        raise ParseError(f"the archive answered 200 with the text {text.cut(text.fold(head), 80)!r} instead of records")
    if re.match(r"<(?:!doctype\s+html|html)\b", head, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.{0,200}?)</title>", head, re.IGNORECASE | re.DOTALL)
        named = f" ({text.cut(text.fold(html.unescape(title[1])), 80)!r})" if title else ""
        raise ParseError(f"the archive answered 200 with a web page{named} instead of records")
    if b"<!DOCTYPE" in body:  # OAI-PMH has none, and entity bombs need one
        raise ParseError("the archive answered with a document type declaration, which OAI-PMH does not have")
    if body.count(b"<") > _MAX_TAGS:
        raise ParseError(f"the archive answered with more than {_MAX_TAGS} tags on a page")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a DTD there are no entities
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ParseError(f"the answer of the archive breaks off or is damaged ({error})") from error
    if root.tag != f"{OAI}OAI-PMH":
        raise ParseError(f"the archive answered 200 with a <{root.tag.rpartition('}')[2]:.80}> instead of OAI-PMH")
    _refusal(root)
    return root


def day(value: str) -> date | None:
    """The day of a date or moment, as a datestamp has it; None if it is neither."""
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None


def _refusal(root: ElementTree.Element) -> None:
    """Raises RefusalError with what the archive says, and what that means. Of several errors, the first but empty."""
    errors = [(error.get("code", ""), text.fold(error.text or "")) for error in root.iterfind(f"{OAI}error")]
    if not errors:
        return
    code, said = next((error for error in errors if error[0] != "noRecordsMatch"), errors[0])
    meant = _WORDS.get(code, "that is no error of OAI-PMH")
    told = f" ({text.cut(said, 160)!r})" if said else ""
    raise RefusalError(f"the archive refuses the question: {text.cut(code, 40)}{told}: {meant}", code)


def _record(element: ElementTree.Element) -> Record:
    header = element.find(f"{OAI}header")
    deleted = header is not None and header.get("status") == "deleted"
    metadata = element.find(f"{OAI}metadata")
    return Record(
        identifier=text.cut(text.fold(element.findtext(f"{OAI}header/{OAI}identifier") or ""), 500),
        datestamp=day(element.findtext(f"{OAI}header/{OAI}datestamp") or ""),
        deleted=deleted,
        metadata=None if deleted or metadata is None else next(iter(metadata), None),
    )


def _clock(root: ElementTree.Element) -> datetime | None:
    try:
        moment = datetime.fromisoformat((root.findtext(f"{OAI}responseDate") or "").strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
