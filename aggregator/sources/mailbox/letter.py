"""letter: what is read of one message: its headers, its text and its HTML (RFC 5322, RFC 2045 to 2047).

Bounded before the email package sees it: that reads a header in time that grows with its square, and goes one level
down the stack for every part within a part. Its older policy is used, whose headers are plain text: the newer one
parses every address by a recursive grammar that hostile mail can exhaust.
"""

import binascii
import email.utils
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from functools import partial

from aggregator import text
from aggregator.errors import ParseError

MAX_BYTES = 5 * 2**20
_MAX_LINES = 200_000
_MAX_NESTED = 20
_MAX_PARTS = 200
_MAX_TEXT = 1_000_000
_MAX_HEADER = 2000
_NESTED = re.compile(rb"^content-type:[ \t]*(?:\r?\n[ \t]+)?(?:multipart|message)/", re.MULTILINE | re.IGNORECASE)
_LONG = re.compile(rb"^content-type:(?:[^\n]|\n[ \t]){1500}", re.MULTILINE | re.IGNORECASE)
_BETWEEN = "raw-unicode-escape"
"""How email.header gives the plain words between encoded ones."""
_parsed = partial(parseaddr, strict=False) if getattr(email.utils, "supports_strict_parsing", False) else parseaddr
"""Newer Pythons give up on a broken list of senders; here its name is shown and its address is checked anyhow."""

_ADDRESS = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message. `ident` is its Message-ID without brackets, or a hash of what it says; `sender` is in lower case.

    `plain` and `html` are its first parts of these types that are no attachments; `archived` is its own link to a copy
    in the web (Archived-At, RFC 5064).
    """

    ident: str
    subject: str
    sender: str
    sender_name: str
    sent: datetime | None
    plain: str
    html: str
    archived: str


def read_letter(body: bytes) -> Letter:
    """The message. Raises ParseError for what is none, or is built to be expensive."""
    message = message_in(body)
    with understood():
        plain, html = _texts(message)
    if not any(message.get(name) for name in ("From", "Subject", "Message-ID", "Date")):
        raise ParseError("this is no e-mail message: it has neither From nor Subject nor Date")
    name, address = _from(message)
    subject = _words(header(message, "Subject"))
    sent = _date(header(message, "Date")) or _date(header(message, "Received").rpartition(";")[2])
    return Letter(
        ident=_message_id(message) or _hash(subject, address, str(sent), plain, html),
        subject=subject,
        sender=address,
        sender_name=name,
        sent=sent,
        plain=plain,
        html=html,
        archived=text.safe_link(header(message, "Archived-At").strip().strip("<>")),
    )


def message_in(body: bytes) -> Message:
    """The message taken apart. Raises ParseError for one that is built to be expensive."""
    if len(body) > MAX_BYTES:
        raise ParseError(f"the message has more than {MAX_BYTES // 2**20} MB")
    nested = sum(1 for _ in _NESTED.finditer(body))
    if body.count(b"\n") > _MAX_LINES or nested > _MAX_NESTED or _LONG.search(body):
        raise ParseError("the message has too many lines, parts within parts or too long headers to be read")
    with understood():
        return message_from_bytes(body, policy=policy.compat32)


@contextmanager
def understood() -> Iterator[None]:
    """What the email package raises over hostile mail, as ParseError."""
    try:
        yield
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ParseError("the message cannot be taken apart") from error


def header(message: Message, name: str) -> str:
    """The header's text, its folding undone, at most 2000 characters; bytes that are no ASCII are UTF-8 or Latin."""
    written = next((str(value) for known, value in message.raw_items() if known.lower() == name.lower()), "")
    return _text(written[:_MAX_HEADER].encode("utf-8", "surrogateescape"), "utf-8").replace("\r", "").replace("\n", "")


def _message_id(message: Message) -> str:
    ident = text.fold(header(message, "Message-ID")).strip("<> ")
    return ident if len(ident) <= 250 and not re.search(r"\s", ident) else ""


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _from(message: Message) -> tuple[str, str]:
    """Name and address of the sender; the name is cut out before it is decoded, for it may decode to an address."""
    written = header(message, "From")
    try:
        name, address = _parsed(written)
    except (ValueError, IndexError, RecursionError):
        name, address = "", ""
    if not _ADDRESS.fullmatch(address):
        found = _ADDRESS.search(written)
        address = found[0] if found else ""
    return text.cut(_words(name), 100), address.lower()


def _words(header: str) -> str:
    """The words of a header (RFC 2047) on one line; what cannot be decoded stays as it is."""
    try:
        pieces = decode_header(header)
    except (HeaderParseError, binascii.Error, ValueError):
        return text.fold(header)
    return text.fold(
        "".join(one if isinstance(one, str) else _text(one, charset or "utf-8") for one, charset in pieces)
    )


def _text(raw: bytes, charset: str) -> str:
    """Bytes in the charset said, else as UTF-8, else as Windows' Latin: never an error, and never surrogates."""
    for name in (charset, "utf-8"):
        try:
            return raw.decode(name)
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def _date(written: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written[:200])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _texts(message: Message) -> tuple[str, str]:
    """The first plain text and the first HTML that are no attachments."""
    found = {"text/plain": "", "text/html": ""}
    for count, part in enumerate(message.walk()):
        if count >= _MAX_PARTS:
            break
        sort = part.get_content_type()
        if sort in found and not found[sort] and not _attached(part):
            found[sort] = content(part)
    return found["text/plain"], found["text/html"]


def _attached(part: Message) -> bool:
    return str(part.get("Content-Disposition", ""))[:50].strip().lower().startswith("attachment")


def content(part: Message) -> str:
    """The text of a part in whatever charset, at most a million bytes of it."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    if str(part.get("Content-Transfer-Encoding", ""))[:50].strip().lower() == "base64":
        raw = _unpacked(str(part.get_payload()))
    charset = part.get_param("charset", "utf-8")
    name = str(charset[2] if isinstance(charset, tuple) else charset)
    return _text(raw[:_MAX_TEXT], name.strip()).replace("\x00", "")


def _unpacked(packed: str) -> bytes:
    """Base64 as far as it goes: the email package gives up on a message that breaks off."""
    sound = "".join(re.split(r"[^A-Za-z0-9+/\s]", packed, maxsplit=1)[0].split())
    short = len(sound) % 4
    return binascii.a2b_base64(sound[:-1] if short == 1 else sound + "=" * (-short % 4))
