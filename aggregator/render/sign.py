"""sign: the DKIM signature of a message (RFC 6376, RFC 8301), made once, when its bytes are.

The only importer of dkimpy, which is loaded with this module: import it where a key is configured.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import dkim
from dkim import crypto

from aggregator.errors import InputError, RenderError

Sign: TypeAlias = Callable[[bytes, datetime], bytes]
"""A message without a signature and its moment → the message with one."""

SIGNED = (
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Id", "List-Archive",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence",
)  # fmt: skip
OVERSIGNED = ("From", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post")
"""Named once more than they occur, so that one more of them breaks the signature (RFC 6376 section 8.15, RFC 8058)."""

_BITS = 2048
_TRIAL = datetime(2026, 1, 1, tzinfo=UTC)


def signer(domain: str, selector: str, key: str) -> Sign:
    """What signs messages from `domain` with an RSA key in PEM, PKCS #1 or PKCS #8; relaxed/relaxed, rsa-sha256.

    The time of the signature is the moment given, so equal input gives equal bytes. Raises InputError, never showing
    the key, if it is not such a key, is damaged or has fewer than 2048 bits, or if the domain is too long: dkimpy then
    breaks the line within it, and the signature is worth nothing.
    """
    pem = "\n".join(line.strip() for line in key.strip().splitlines()).encode("ascii", "replace")
    _check(pem)

    def sign(raw: bytes, now: datetime) -> bytes:
        try:
            message = _Timed(raw, now)
            there = {name.lower().decode() for name, _ in message.headers}
            names = [*(name for name in SIGNED if name.lower() in there), *OVERSIGNED]
            header: bytes = message.sign(
                selector.encode(),
                domain.encode(),
                pem,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=[name.encode() for name in names],
            )
        except dkim.DKIMException as error:
            raise RenderError(f"a message cannot be signed ({error}); nothing was queued") from error
        return header + raw

    made = sign(f"From: a@{domain}\r\n\r\n".encode("ascii", "replace"), _TRIAL)
    for tag, value in (("d=", domain), ("i=@", domain), ("s=", selector)):
        if f" {tag}{value};".encode() not in made:
            text = f"{value} is too long to be in a DKIM signature made here"
            raise InputError(f"{text}; let your mail server sign, and leave [mail] dkim_selector empty")
    return sign


def verifies(raw: bytes, record: str) -> bool:
    """Whether the signature of a message holds, if this is the key record that the DNS has for it."""
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout: record))  # noqa: ARG005 - the shape of a resolver


class _Timed(dkim.DKIM):  # type: ignore[misc]
    """A signature whose t= is a given moment: dkimpy asks the clock."""

    def __init__(self, raw: bytes, now: datetime) -> None:
        super().__init__(raw)
        self._now = str(int(now.timestamp())).encode()

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: Any) -> bytes:
        timed = [(name, self._now if name == b"t" else value) for name, value in fields]
        written: bytes = super().gen_header(timed, *rest)
        return written


def _check(pem: bytes) -> None:
    trial = hashlib.sha256(b"")
    try:
        key = crypto.parse_pem_private_key(pem)
        bits = key["modulus"].bit_length()
        sound = crypto.RSASSA_PKCS1_v1_5_verify(trial, crypto.RSASSA_PKCS1_v1_5_sign(trial, key), key)
    except (crypto.UnparsableKeyError, crypto.DigestTooLargeError, ValueError, LookupError, TypeError, AssertionError):
        bits, sound = 0, False
    if not sound:
        what = "is no RSA private key in PEM without a passphrase, or it is damaged"
    elif bits < _BITS:
        what = f"is a key of {bits} bits, which mail providers no longer trust"
    else:
        return
    raise InputError(f"AGGREGATOR_DKIM_KEY {what}; make one with: openssl genrsa -out dkim.pem {_BITS}")
