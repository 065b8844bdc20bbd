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
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from urllib.parse import quote

from aggregator.errors import RenderError

_ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?P<domain>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
)
"""A dot-atom and a host name: our own strict grammar, because email.utils reads some addresses as others."""


def address(text: str) -> Address:
    """The address in "Name <addr@host>" or "addr@host". Raises RenderError; other scripts are fine in the name only."""
    match = re.fullmatch(r"\s*(?P<name>[^<>]*?)\s*<(?P<spec>[^<>]*)>\s*", text)
    name, spec = (match["name"].strip('"'), match["spec"]) if match else ("", text.strip())
    parts = _ADDRESS.fullmatch(spec)
    if parts is None or len(spec) > 254 or any(unicodedata.category(char)[0] == "C" for char in name):
        raise RenderError(f"{text!r} is not a mail address; write it like someone@example.org")
    return Address(name.replace("=?", "= ?"), parts["local"], parts["domain"])


def fingerprint(profile: str, period: str, to: str) -> str:
    """Sixteen hexadecimal digits that are the same for the same profile, period and recipient."""
    return hashlib.sha256(f"{profile}\0{period}\0{to}".encode()).hexdigest()[:16]


def unsubscribe_link(sender: Address, profile: str) -> str:
    """A mailto: link that asks the sender to stop (RFC 6068); short enough for one line of a header."""
    return f"mailto:{quote(sender.addr_spec, safe='@')}?subject={quote(f'unsubscribe {profile[:60]}', safe='')}"


def headers(
    *, sender: Address, to: Address, subject: str, now: datetime, profile: str, period: str
) -> list[tuple[str, str]]:
    """The headers of a digest, in order, ready to be written; `now` has the zone to be shown in Date."""
    mark = fingerprint(profile, period, to.addr_spec)
    slug = re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKD", profile).encode("ascii", "ignore").decode().lower())
    slug = slug.strip("-")[:60] or f"p{hashlib.sha256(profile.encode()).hexdigest()[:8]}"
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", period).strip("-") or "issue"
    return [
        ("From", _mailbox(sender)),
        ("To", to.addr_spec),
        ("Subject", _words(subject, "Subject")),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{stem}.{mark}@{sender.domain}>"),
        ("List-Id", f"<{slug}.digest.{sender.domain}>"),
        ("List-Unsubscribe", f"<{unsubscribe_link(sender, profile)}>"),
        ("Auto-Submitted", "auto-generated"),
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
    if broken or not block.isascii() or read.keys() != [name for name, _ in head] or read.defects:
        raise RenderError("a header of the message came out broken; nothing was queued; please report this subject")
    edge = f"--{dict(head)['Content-Type'].partition('boundary=')[2].strip(chr(34))}"  # no encoded body can hold "=_"
    parts = "".join(f"{edge}\r\n{_part(kind, body)}\r\n" for kind, body in (("plain", text), ("html", html)))
    return f"{block}\r\n{parts}{edge}--\r\n".encode("ascii")


def _part(kind: str, body: str) -> str:
    data = body.replace("\r\n", "\n").rstrip("\n").replace("\n", "\r\n").encode() + b"\r\n"
    printable = binascii.b2a_qp(data, istext=True)
    packed = base64.encodebytes(data).replace(b"\n", b"\r\n")
    name, written = min(("quoted-printable", printable), ("base64", packed), key=lambda pair: len(pair[1]))
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {name}\r\n\r\n'
        f"{written.decode('ascii')}"
    )


def _mailbox(who: Address) -> str:
    if who.display_name.isascii():
        return str(who)
    return f"{_words(who.display_name, 'From')}\r\n <{who.addr_spec}>"


def _words(text: str, name: str) -> str:
    """The text as a header value: ASCII folded at blanks, anything else in encoded words of 75 at most (RFC 2047)."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    try:
        return Header(text, charset, header_name=name, maxlinelen=76).encode(linesep="\r\n")
    except (HeaderParseError, UnicodeError) as error:
        raise RenderError(f"{name} cannot be written as a header ({error}); nothing was queued") from error
