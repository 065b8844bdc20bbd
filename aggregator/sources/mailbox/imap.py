"""imap: the messages that came into a folder of a mail server since the last look (RFC 3501); nothing is changed there.

The folder is opened by EXAMINE and messages are read by BODY.PEEK, so that no flag is set.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from aggregator.errors import SourceError
from aggregator.sources.mailbox.connection import Mailserver, Session, connected, quoted
from aggregator.sources.mailbox.letter import MAX_BYTES
from aggregator.sources.mailbox.post import Arrival, Post, wants

_FIRST_LOOK = timedelta(days=90)
_MAX_LISTED = 5000
_MAX_BODIES = 32 * 2**20
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,15})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def arrived_at(
    server: Mailserver, cursor: Mapping[str, Any], senders: Sequence[str], limit: int, *, now: datetime
) -> Post:
    """The messages after those of the cursor, the earliest first, `limit` at most; without one those of 90 days.

    With `senders`, only messages whose From names one of them are read. When the server has numbered its folder anew
    (UIDVALIDITY), it is read as if for the first time: a message is known by its Message-ID, so none is told twice.
    Raises SourceError.
    """
    with connected(server) as session:
        validity, following = opened(session, server)
        known = cursor.get("validity") == validity and isinstance(cursor.get("uid"), int)
        first = cursor["uid"] + 1 if known else 1
        since = now - _FIRST_LOOK
        wanted = f"UID {first}:*" if known else f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        uids = sorted(uid for uid in found_by(session, wanted) if uid >= first)  # "9:*" names the last, even if it is 8
        arrivals, last, left = _read(session, uids, senders, limit)
    if not left:
        last = max(last, first - 1, following - 1)
    note = "" if known or not cursor else f"{server} numbered the folder {server.folder} anew; it was read again"
    return Post(arrivals=arrivals, cursor={"validity": validity, "uid": last}, left=left, note=note)


def opened(session: Session, server: Mailserver, *, readonly: bool = True) -> tuple[int, int]:
    """UIDVALIDITY of the folder, now open, and the UID that its next message will have. Raises SourceError."""
    answer, _ = session.select(quoted(_encoded(server.folder)), readonly=readonly)
    if answer != "OK":
        raise SourceError(f"{server} has no folder {server.folder!r} for {server.user}; check folder")
    validity = _number(session, "UIDVALIDITY")
    if validity is None:
        raise SourceError(f"{server} gives its messages no lasting numbers (UIDVALIDITY), so that none could be kept")
    following = _number(session, "UIDNEXT")
    return validity, max(found_by(session, "ALL"), default=0) + 1 if following is None else following


def _number(session: Session, name: str) -> int | None:
    _, said = session.response(name)
    value = said[0] if said else None
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) < 12 else None


def found_by(session: Session, wanted: str) -> set[int]:
    """The UIDs of the messages that a search finds."""
    answer = asked(session, "SEARCH", wanted)
    words = b" ".join(line for line in answer if isinstance(line, bytes)).split()
    return {int(word) for word in words if word.isdigit() and len(word) < 12}


def asked(session: Session, command: str, *arguments: str) -> list[Any]:
    """What the server answers to a command about UIDs."""
    answer, said = session.uid(command, *arguments)
    if answer != "OK":
        raise session.error(f"{command} was refused")
    return list(said)


def _read(
    session: Session, uids: Sequence[int], senders: Sequence[str], limit: int
) -> tuple[tuple[Arrival, ...], int, int]:
    """The messages, the UID up to which all is dealt with, and how many are left."""
    listed = uids[:_MAX_LISTED]
    sizes = _listed(session, listed, senders)
    arrivals: list[Arrival] = []
    last = spent = 0
    for number, uid in enumerate(listed):
        if uid in sizes:
            spent += min(sizes[uid], MAX_BYTES)
            if len(arrivals) == limit or spent > _MAX_BODIES:
                left = sum(1 for one in listed[number:] if one in sizes)
                return tuple(arrivals), last, left + len(uids) - len(listed)
            arrivals.append(_message(session, uid, sizes[uid]))
        last = uid
    return tuple(arrivals), last, len(uids) - len(listed)


def _listed(session: Session, uids: Sequence[int], senders: Sequence[str]) -> dict[int, int]:
    """The size of each message that is from one of the senders, by its UID."""
    found: dict[int, int] = {}
    for start in range(0, len(uids), 200):
        piece = ",".join(map(str, uids[start : start + 200]))
        answer = asked(session, "FETCH", piece, "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM)])")
        for head, header in pairs(answer):
            uid, size = _UID.search(head), _SIZE.search(head)
            if uid and size and wants(header.decode("utf-8", "replace"), senders):
                found[int(uid[1])] = int(size[1])
    return found


def _message(session: Session, uid: int, size: int) -> Arrival:
    if size > MAX_BYTES:
        return Arrival(name=f"UID {uid}", trouble=f"it has {size // 2**20} MB")
    for head, body in pairs(asked(session, "FETCH", str(uid), "(UID BODY.PEEK[])")):
        if body and uid_of(head) == uid:
            return Arrival(name=f"UID {uid}", body=body)
    return Arrival(name=f"UID {uid}", trouble="the server did not give it")


def uid_of(head: bytes) -> int | None:
    """The UID in what stands around a literal."""
    found = _UID.search(head)
    return int(found[1]) if found else None


def pairs(answer: Sequence[Any]) -> Iterator[tuple[bytes, bytes]]:
    """What imaplib makes of an answer to FETCH, by message: all that stands around the literal, and the literal."""
    head, body = b"", b""
    closed = True
    for part in answer:
        if isinstance(part, tuple):
            if not closed:
                yield head, body
            head, body, closed = part[0], part[1], False
        elif isinstance(part, bytes):
            yield (part, b"") if closed else (head + part, body)
            closed = True
    if not closed:
        yield head, body


def _encoded(folder: str) -> str:
    """A folder's name in the protocol's own UTF-7 (RFC 3501 section 5.1.3): "Entwürfe" is "Entw&APw-rfe"."""
    pieces = ("".join(letters) for _, letters in groupby(folder, key=lambda letter: letter.isascii()))
    return "".join(piece.replace("&", "&-") if piece.isascii() else _packed(piece) for piece in pieces)


def _packed(letters: str) -> str:
    packed = base64.b64encode(letters.encode("utf-16-be")).decode("ascii")
    return f"&{packed.rstrip('=').replace('/', ',')}-"
