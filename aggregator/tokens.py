"""tokens: signed, opaque words for links and return paths, made by the letter and read by the pages and the bounces.

A token is the payload of a Grant, encrypted, behind a tag that proves it: HMAC-SHA256 in the order of RFC 5297 (the tag
over the payload is also the start of the key stream), so that equal grants give equal tokens, nothing can be read or
guessed from one, and nothing changed in one is believed. Keys differ by purpose: a token of one is noise to another.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from aggregator.errors import InputError

SHORTEST = 32
"""Characters of a secret, at least."""

HOW = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
"""The command that prints a good secret."""

Purpose: TypeAlias = Literal["unsubscribe", "preferences", "browser", "archive", "feedback", "bounce"]
Vote: TypeAlias = Literal["more", "less", "save"]

_FIELDS: Mapping[Purpose, tuple[str, ...]] = {
    "unsubscribe": ("reader",),
    "preferences": ("reader",),
    "browser": ("message",),
    "archive": ("reader",),
    "feedback": ("message", "entry", "vote"),
    "bounce": ("message",),
}
_VOTES: tuple[Vote, ...] = get_args(Vote)
_MARK = re.compile(r"[0-9a-f]{16}")
_TAG = 12
_RETURN_PATH = re.compile(r"<?[^\s<>]+\+(?P<mark>[0-9a-f]{16})(?P<tag>[0-9a-f]{16})@[^\s<>@]+>?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token allows, and to whom; what a purpose does not need is "". Marks are 16 hexadecimal digits.

    "unsubscribe": no more letters of this profile to this address (`reader`); never expires, works twice.
    "preferences": see and change what this reader gets. "archive": see the letters that this reader got.
    "browser": see the letter `message`. "feedback": `vote` on the `entry` of the letter `message`.
    "bounce": the letter `message` could not be delivered.
    `reader` is reader_mark of a profile and an address, `message` the digits before the @ in a Message-ID, `entry` is
    entry_mark of an entry's key, to be looked for among the entries of that letter.
    """

    purpose: Purpose
    reader: str = ""
    message: str = ""
    entry: str = ""
    vote: Vote | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of every purpose, drawn from the secrets in their order: the first signs, each of them verifies."""

    keys: Mapping[Purpose, tuple[tuple[bytes, bytes], ...]] = field(repr=False)
    """For each secret a key that proves and a key that hides, 32 bytes each."""


def keyring(text: str) -> Keyring:
    """The keys from AGGREGATOR_SECRET: a secret, or several with blanks or line ends between them, the newest first.

    Raises InputError, never showing a secret, if there is none or one is shorter than SHORTEST characters.
    """
    secrets = text.split()
    if not secrets or any(len(secret) < SHORTEST for secret in secrets):
        what = "holds no secret" if not secrets else f"holds a secret of fewer than {SHORTEST} characters"
        raise InputError(f"AGGREGATOR_SECRET {what}; make one with: {HOW}")
    roots = [secret.encode(errors="surrogateescape") for secret in secrets]
    keys = {purpose: tuple(_pair(root, purpose) for root in roots) for purpose in _FIELDS}
    return Keyring(keys)


def reader_mark(profile: str, address: str) -> str:
    """A reader by the name of a profile and an address, in whatever capitals the address is written."""
    return hashlib.sha256(f"reader\0{profile}\0{address.casefold()}".encode()).hexdigest()[:16]


def message_marks(keys: Keyring | None, profile: str, period: str, to: str) -> tuple[str, ...]:
    """The digits before the @ in a Message-ID, the same for the same profile, period and recipient: one a secret.

    The first is for the letter to be; the others are of letters that were made with an older secret. Nobody who lacks
    the secret can tell them. Without keys there is one, which everybody can tell.
    """
    text = f"message\0{profile}\0{period}\0{to}".encode()
    if keys is None:
        return (hashlib.sha256(text).hexdigest()[:16],)
    return tuple(_mac(proving, text).hex()[:16] for proving, _ in keys.keys["bounce"])


def entry_mark(key: str) -> str:
    """An entry by its key."""
    return hashlib.sha256(f"entry\0{key}".encode(errors="surrogatepass")).hexdigest()[:16]


def sign(keys: Keyring, grant: Grant) -> str:
    """The token of a grant: URL-safe, 27 characters, 39 with a vote; equal input gives an equal token.

    Raises ValueError if the grant lacks what its purpose needs.
    """
    payload = _payload(grant)
    (proving, hiding), *_ = keys.keys[grant.purpose]
    tag = _mac(proving, payload)[:_TAG]
    return base64.urlsafe_b64encode(tag + _masked(hiding, tag, payload)).rstrip(b"=").decode()


def read(keys: Keyring, purpose: Purpose, token: str) -> Grant | None:
    """What a token of this purpose says; None for anything that `sign` did not make for it with one of the secrets."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != token:
        return None
    tag, hidden = sealed[:_TAG], sealed[_TAG:]
    if len(hidden) != _length(purpose):
        return None
    for proving, hiding in keys.keys[purpose]:
        payload = _masked(hiding, tag, hidden)
        if hmac.compare_digest(_mac(proving, payload)[:_TAG], tag):
            return _grant(purpose, payload)
    return None


def return_path(keys: Keyring, base: str, mark: str) -> str:
    """The address that a message's bounces come back to (VERP): "bounces@x.org" → "bounces+MARKTAG@x.org".

    Raises InputError if what stands before the @ gets longer than 64 characters (RFC 5321 section 4.5.3.1.1).
    """
    local, _, domain = base.rpartition("@")
    (proving, _stream), *_ = keys.keys["bounce"]
    signed = f"{local}+{mark}{_mac(proving, mark.encode()).hex()[:16]}"
    if len(signed) > 64:
        raise InputError(f"[mail] return_path {base} is too long; write at most 31 characters before its @")
    return f"{signed}@{domain}"


def read_return_path(keys: Keyring, address: str) -> str | None:
    """The mark of the message whose bounce came to this address: the 16 digits before the @ in its Message-ID.

    None for an address that `return_path` did not make with one of the secrets. Angle brackets and capitals are fine.
    """
    match = _RETURN_PATH.fullmatch(address.strip())
    if match is None:
        return None
    mark, tag = match["mark"].lower(), match["tag"].lower()
    expected = (_mac(proving, mark.encode()).hex()[:16] for proving, _ in keys.keys["bounce"])
    return mark if any(hmac.compare_digest(tag, each) for each in expected) else None


def _pair(root: bytes, purpose: Purpose) -> tuple[bytes, bytes]:
    return _mac(root, f"tag {purpose}".encode()), _mac(root, f"stream {purpose}".encode())


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _masked(key: bytes, tag: bytes, text: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, _mac(key, tag), strict=False))


def _length(purpose: Purpose) -> int:
    return sum(1 if name == "vote" else 8 for name in _FIELDS[purpose])


def _payload(grant: Grant) -> bytes:
    written = b""
    for name in _FIELDS[grant.purpose]:
        value = getattr(grant, name)
        if value not in _VOTES if name == "vote" else not _MARK.fullmatch(value):
            raise ValueError(f"a grant of {grant.purpose} has no {name}")
        written += bytes([_VOTES.index(value)]) if name == "vote" else bytes.fromhex(value)
    return written


def _grant(purpose: Purpose, payload: bytes) -> Grant:
    marks = [payload[start : start + 8].hex() for start in range(0, len(payload) - 7, 8)]
    vote: Vote | Literal[""] = _VOTES[payload[-1]] if "vote" in _FIELDS[purpose] else ""
    said = dict(zip(_FIELDS[purpose], marks, strict=False))
    return Grant(purpose=purpose, vote=vote, **said)
