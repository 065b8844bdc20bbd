"""report: what a mail that came back says: which message, which addresses, and whose fault it is. Pure, and bounded.

Read are delivery status notifications (RFC 3464, and RFC 6533 for other scripts), and, in a mail to an envelope address
of our own, what qmail and older Exims write in plain words.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from itertools import islice
from typing import Literal, TypeAlias

from aggregator import text
from aggregator.sources.mailbox.letter import content, header, message_in, understood

Verdict: TypeAlias = Literal["hard", "soft", "ours", "delayed", ""]
"""There is no such address; not delivered this time; refused for what we sent or who we are; late; nothing is wrong."""

_OURS = (("1", "7"), ("1", "8"), ("1", "90"), ("2", "3"), ("3", "4"), ("4", "5"))
"""The sender, how much was sent, the size of the message."""
_GONE = ("0", "1", "2", "3", "6", "10")

_STATUS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = (
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers",
)  # fmt: skip
_MOST_PARTS = 20
_MOST_BLOCKS = 50
_MOST_WORDS = 20_000
_TO = re.compile(
    rb"^(?:to|delivered-to|x-original-to|envelope-to|x-envelope-to)[ \t]*:(.{1,2000})", re.IGNORECASE | re.MULTILINE
)
_ADDRESS = re.compile(r"[^@\s<>\",;:()]{1,128}@[^@\s<>\",;:()]{1,255}")
_REPORT = re.compile(rb"^content-type[ \t]*:[ \t]*multipart/report\b(.{0,1000})", re.IGNORECASE | re.MULTILINE)
_OTHER_REPORT = re.compile(rb"report-type[ \t]*=[ \t]*\"?(?!(?:global-)?delivery-status)[a-z]", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_SAID_CODE = re.compile(r"(?:^\s*|#|\b[45]\d\d[- ])\(?#?([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_COPY = re.compile(
    r"^.*(?:copy of (?:the|your) message|original message|below this line).*$", re.IGNORECASE | re.MULTILINE
)
_DAEMON = re.compile(r"\b(?:mailer-daemon|postmaster)@", re.IGNORECASE)
_OPENING = re.compile(
    r"\s*(?:Hi\. This is the\b.{0,100}\bqmail"
    r"|This message was created automatically by mail delivery software\.\s+"
    r"A message that you (?:have )?sent (?:could not|has not)\b)"
)
"""How qmail begins, and Exim."""
_LATE = re.compile(r"\b(?:delayed|warning)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What became of one address. `names`: how the report calls it, in lower case; `status` by RFC 3463, or ""."""

    names: tuple[str, ...]
    action: str
    status: str
    said: str

    @property
    def verdict(self) -> Verdict:
        """Whose fault it is; see docs/mail.md.

        Only 5.1.x, but what is about the sender in it, and 5.2.1 say that there is no such address. 5.7.x and the like
        are about policy, our signature, how much was sent, or the size of the message.
        """
        if self.action == "delayed":
            return "delayed"
        code = _CODE.fullmatch(self.status)
        if self.action != "failed" or (code and code[1] == "2"):
            return ""
        if code is None:
            return "soft"
        subject, detail = code[2], code[3]
        if subject in ("5", "6", "7") or (subject, detail) in _OURS:
            return "ours"
        gone = (subject == "1" and detail in _GONE) or (subject, detail) == ("2", "1")
        return "hard" if gone and code[1] == "5" else "soft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A mail that came back. `ident` is its Message-ID, or a hash; `original` that of the message that it returns."""

    ident: str
    original: str
    failures: tuple[Failure, ...]


def is_report(head: bytes) -> bool:
    """Whether a header is that of a delivery status notification."""
    return _reports(head) == "delivery"


def _reports(head: bytes) -> Literal["delivery", "other", ""]:
    """What a header says the mail reports: of delivery, of something else (read, spam), or nothing."""
    found = _REPORT.search(_unfolded(head))
    return "" if found is None else "other" if _OTHER_REPORT.search(found[1]) else "delivery"


def sent_to(head: bytes) -> list[str]:
    """The addresses to which a mail came, as its header tells; a few of them."""
    lines = (found[1].decode("latin-1") for found in islice(_TO.finditer(_unfolded(head)), 10))
    return [address for line in lines for address in _ADDRESS.findall(line)][:20]


def read_report(body: bytes, *, loose: bool) -> Report | None:
    """The report; None for a mail that is none. `loose`: plain words will do. Raises ParseError for hostile mail."""
    message = message_in(body)
    with understood():
        parts = _parts(message)
        loose = loose and _reports(re.split(rb"\r?\n\r?\n", body, maxsplit=1)[0]) != "other"
        failures = tuple(_failures(parts)) or (_in_words(message, parts) if loose else ())
        if not failures:
            return None
        found = _MESSAGE_ID.search(header(message, "Message-ID"))
        ident = found[0] if found else hashlib.sha256(body).hexdigest()
        return Report(ident=ident, original=_original(parts), failures=failures)


def _unfolded(head: bytes) -> bytes:
    return re.sub(rb"\r?\n[ \t]+", b" ", head[: 64 * 2**10])


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    found = payload[:_MOST_PARTS] if isinstance(payload, list) else []
    return [part for part in found if isinstance(part, Message)]


def _failures(parts: Sequence[Message]) -> Iterator[Failure]:
    for part in parts:
        if part.get_content_type() in _STATUS:
            for block in islice(_blocks(part), _MOST_BLOCKS):
                if failure := _failure(block):
                    yield failure
            return


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a report, as the email package gives them or in what it leaves as text."""
    for block in _parts(part):
        yield block
        rest = block.get_payload(decode=True)
        if isinstance(rest, bytes):
            pieces = re.split(r"\n[ \t\r]*\n", rest[:_MOST_WORDS].decode("utf-8", "replace"))
            yield from (HeaderParser().parsestr(piece.lstrip()) for piece in pieces if piece.strip())


def _failure(block: Message) -> Failure | None:
    """What a group of fields says of an address; None for the group that is about the message."""
    fields = [header(block, name) for name in ("Final-Recipient", "Original-Recipient")]
    names = tuple(
        dict.fromkeys(
            found[0].lower() for field in fields if (found := _ADDRESS.search(field.partition(";")[2] or field))
        )
    )
    if not any(fields):
        return None
    said = text.fold(header(block, "Diagnostic-Code"))
    said = text.fold(said.partition(";")[2]) or said
    status = _status(header(block, "Status"), said)
    action = header(block, "Action").split(";")[0].strip().lower()
    if action not in ("failed", "delayed", "delivered", "relayed", "expanded"):
        action = "failed" if status.startswith("5") else "delayed" if status.startswith("4") else ""
    return Failure(names=names, action=action, status=status, said=said[:200])


def _status(field: str, said: str) -> str:
    """The code of RFC 3463; where the field says nothing (x.0.0, as Exim writes), the one that the server said."""
    code = _CODE.search(field[:100])
    if code and (code[2], code[3]) != ("0", "0"):
        return code[0]
    told = _SAID_CODE.search(said)
    if told and (code is None or told[1][0] == code[1]):
        return told[1]
    return code[0] if code else ""


def _original(parts: Sequence[Message]) -> str:
    """The Message-ID in what was returned of the message."""
    for part in parts:
        if part.get_content_type() in _RETURNED:
            inner = _parts(part)
            returned = inner[0] if inner else HeaderParser().parsestr(content(part)[:_MOST_WORDS].lstrip())
            found = _MESSAGE_ID.search(header(returned, "Message-ID"))
            if found:
                return found[0]
    return ""


def _in_words(message: Message, parts: Sequence[Message]) -> tuple[Failure, ...]:
    """What a mail daemon says without a form; nothing if it is none: a person, or somebody's machine, who answers.

    A daemon also sends receipts and warnings about spam: what names neither an address nor a code counts only if it
    begins as those do that say that mail could not be delivered.
    """
    told = next((part for part in parts if part.get_content_type() == "text/plain"), None if parts else message)
    words = content(told)[:_MOST_WORDS] if told is not None else ""
    failed = header(message, "X-Failed-Recipients")
    opening = _OPENING.match(words)
    daemon = _DAEMON.search(header(message, "From")) or opening
    words = _COPY.split(words, maxsplit=1)[0]
    found = _SAID_CODE.search(words)
    if not (failed or (daemon and (found or opening))):
        return ()
    line = next((line for line in words.splitlines() if found and found[0] in line), words[:1000])
    late = _LATE.search(header(message, "Subject"))
    return (
        Failure(
            names=tuple(name.lower() for name in _ADDRESS.findall(failed)[:_MOST_BLOCKS]),
            action="delayed" if late else "failed",
            status=found[1] if found else "5.0.0",
            said=text.fold(line)[:200],
        ),
    )
