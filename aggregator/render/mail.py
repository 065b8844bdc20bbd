"""mail: subject, text and HTML → the finished bytes of a message (RFC 5322, RFC 2046).

The headers are written here and not by email.message: in the Python versions in use that folds List-* and Message-ID
into encoded words (CPython #85725) and writes the line breaks of an encoded word in a subject as real ones
(CVE-2024-6923). What was written is parsed again and must have the headers that were meant.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.errors import HeaderParseError, MultipartInvariantViolationDefect
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.parser import BytesHeaderParser
from email.utils import format_datetime

from aggregator.errors import RenderError
from aggregator.render.links import Links
from aggregator.render.words import clean

_PRINTABLE = bytes({*range(32, 127), *b"\t\r\n"} - {*b"="})

_ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?P<domain>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
)
"""A dot-atom and a host name: our own strict grammar, because email.utils reads some addresses as others."""


def address(text: str) -> Address:
    """The address in "Name <addr@host>" or "addr@host". Raises RenderError; other scripts are fine in the name only."""
    match = re.fullmatch(r"\s*(?P<name>[^<>]*?)\s*<(?P<spec>[^<>]*)>\s*", text)
    name, spec = (match["name"], match["spec"]) if match else ("", text.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1]
    parts = _ADDRESS.fullmatch(spec)
    if parts is None or len(spec) > 254 or len(name) > 200 or any(map(_is_control, name)):
        raise RenderError(f"{text!r} is not a mail address; write it like someone@example.org")
    return Address(" ".join(name.replace("=?", "= ?").split()), parts["local"], parts["domain"])


def _is_control(char: str) -> bool:
    return unicodedata.category(char)[0] == "C" and char not in "\u200c\u200d"  # joiners, which many scripts need


def headers(
    *, sender: Address, to: Address, subject: str, now: datetime, profile: str, period: str, links: Links
) -> list[tuple[str, str]]:
    """The headers of a digest, in order, ready to be written; `now` has the zone to be shown in Date.

    RFC 5322; List-* by RFC 2919, 2369 and 8058, raw and never folded inside <>; Auto-Submitted by RFC 3834.
    Raises RenderError if the subject, or a name, does not survive being written.
    """
    mark = links.mark
    slug = _slug(profile)
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", period).strip("-") or "issue"
    mailto = f"<{links.mailto}>"
    stream = hashlib.sha256(sender.domain.lower().encode()).hexdigest()[:12]
    return [
        ("From", _named("From", sender.display_name, sender.addr_spec)),
        ("To", to.addr_spec),
        ("Subject", _words(subject, "Subject")),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{stem}.{mark}@{sender.domain}>"),
        ("List-Id", _named("List-Id", clean(profile, 100), f"{slug}.digest.{sender.domain}")),
        *([("List-Archive", f"<{links.archive}>")] if links.archive else []),
        ("List-Unsubscribe", f"<{links.one_click}>,\r\n {mailto}" if links.one_click else mailto),
        *([("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")] if links.one_click else []),
        ("Feedback-ID", f"{stem}:{slug[:20].strip('-')}:digest:{stream}"),
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="=_{mark}"'),
    ]


def assembled(head: Sequence[tuple[str, str]], text: str, html: str) -> bytes:
    """The message: text first, HTML second, 7-bit clean, CRLF line ends; equal input gives equal bytes.

    Raises RenderError if the written headers, read again, are not the ones that were meant.
    """
    block = "".join(f"{name}: {value}\r\n" for name, value in head)
    read = BytesHeaderParser(policy=policy.compat32).parsebytes(block.encode("ascii", "replace") + b"\r\n")
    broken = any(len(line) > 998 or re.fullmatch(r"[ \t]*", line) for line in block.split("\r\n")[:-1])
    # Before 3.11.4, Python takes it for a defect that a multipart message of headers only has no parts.
    defects = [one for one in read.defects if not isinstance(one, MultipartInvariantViolationDefect)]
    if broken or not block.isascii() or read.keys() != [name for name, _ in head] or defects:
        raise RenderError("a header of the message came out broken; nothing was queued; please report this subject")
    edge = f"--{dict(head)['Content-Type'].partition('boundary=')[2].strip(chr(34))}"  # no encoded body can hold "=_"
    parts = "".join(f"{edge}\r\n{_part(kind, body)}\r\n" for kind, body in (("plain", text), ("html", html)))
    return f"{block}\r\n{parts}{edge}--\r\n".encode("ascii")


def _part(kind: str, body: str) -> str:
    data = body.replace("\r\n", "\n").rstrip("\n").replace("\n", "\r\n").encode() + b"\r\n"
    dense = 2 * len(data.translate(None, _PRINTABLE)) > len(data) // 3  # "=C3" for a byte against 4 for 3
    name = "base64" if dense else "quoted-printable"
    written = base64.encodebytes(data).replace(b"\n", b"\r\n") if dense else binascii.b2a_qp(data, istext=True)
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {name}\r\n\r\n'
        f"{written.decode('ascii')}"
    )


def _slug(profile: str) -> str:
    """A label of a host name, at most 40 characters; names that differ in more than capitals and blanks differ here."""
    plain = unicodedata.normalize("NFKD", profile).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if profile.lower().replace(" ", "-") == slug and len(slug) <= 40:
        return slug
    return f"{slug[:31].strip('-')}-{hashlib.sha256(profile.encode()).hexdigest()[:8]}".lstrip("-")


def _named(header: str, name: str, spec: str) -> str:
    """A name and <spec>, which stays whole; a line each where one line would be longer than 78."""
    if not name:
        return f"<{spec}>" if header == "List-Id" else spec
    if not _is_plain(name) or re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", name):
        phrase = _words(name, header)
    else:
        phrase = _folded(header, '"{}"'.format(re.sub(r'(["\\\\])', r"\\\1", name)))
    last = phrase.rpartition("\r\n")[2]
    room = 78 - len(last) - (len(header) + 2 if last == phrase else 0)
    return f"{phrase} <{spec}>" if len(spec) + 3 <= room else f"{phrase}\r\n <{spec}>"


def _is_plain(text: str) -> bool:
    return text.isascii() and all(len(word) <= 60 for word in text.split(" "))


def _folded(header: str, text: str) -> str:
    """ASCII text folded before blanks; nothing but the line ends is added (RFC 5322 section 2.2.3)."""
    lines = [""]
    for word in text.split(" "):
        room = 78 - (len(header) + 2 if len(lines) == 1 else 1)
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _words(text: str, name: str) -> str:
    """The text as a header value: ASCII folded at blanks, else encoded words of 75 characters at most (RFC 2047).

    What was written is read again: releases of Python differ in how they fold encoded words, and some do it wrongly.
    """
    if _is_plain(text):
        return _folded(name, text)
    try:
        written = Header(text, "utf-8", header_name=name, maxlinelen=76).encode(linesep="\r\n")
        same = str(make_header(decode_header(written))) == text
    except (HeaderParseError, UnicodeError) as error:
        raise RenderError(f"{name} cannot be written as a header ({error}); nothing was queued") from error
    if not same:
        raise RenderError(f"{name} does not read as it was written; nothing was queued; please report it: {text!r}")
    return written
