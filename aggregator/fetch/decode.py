"""decode: bodies of bounded size, plain or gzip.

httpx's own decoders turn a small chunk into hundreds of megabytes at once, before anybody can count. Here zlib is given
the room that is left, so that memory never grows beyond the limit.
"""

import zlib
from collections.abc import Iterable

_MEMBERS = 1000
_MAGIC = b"\x1f\x8b"
_PIECE = 2**16
"""Bytes decoded at a time: zlib reserves about twice of what it is allowed to return."""


class BodyError(Exception):
    """A body is too large, or not what its headers say."""


def body(chunks: Iterable[bytes], encoding: str, *, max_wire: int, max_body: int) -> bytes:
    """The decoded body. `max_wire` bounds the bytes received, `max_body` the bytes returned.

    `encoding` is the Content-Encoding; only gzip is asked for, so only gzip is understood. Raises BodyError.
    """
    name = encoding.strip().lower()
    if name not in {"", "identity", "gzip", "x-gzip"}:
        raise BodyError(f"the answer is encoded as {name[:40]!r}, which was not asked for")
    received = bounded(chunks, max_wire)
    if name in {"", "identity"}:
        whole = bytearray()  # not a list: a server may send 4 MiB in chunks of two bytes
        for chunk in bounded(received, max_body):
            whole += chunk
        return bytes(whole)
    gunzip = _Gunzip(max_body)
    for chunk in received:
        gunzip.feed(chunk)
    return gunzip.finish()


def bounded(chunks: Iterable[bytes], limit: int) -> Iterable[bytes]:
    """The chunks as they come, up to `limit` bytes in all. Raises BodyError for more."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


def too_large(limit: int) -> BodyError:
    """The error for a body of more than `limit` bytes."""
    return BodyError(f"the answer is larger than {limit / 2**20:.3g} MiB and was not read")


class _Gunzip:
    """Decodes gzip of one or several members (RFC 1952 section 2.2); what follows that is no gzip is ignored."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._out = bytearray()
        self._member = zlib.decompressobj(wbits=31)
        self._members = 1
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        data = self._tail + chunk
        self._tail = b""
        while data:
            if self._member.eof and not self._next(data):
                return
            data = self._some(data)

    def finish(self) -> bytes:
        if not self._member.eof:
            raise BodyError("the gzip breaks off in the middle")
        return bytes(self._out)

    def _next(self, data: bytes) -> bool:
        """Begin another member if the data begin with one; keep what is too short to say."""
        if not data.startswith(_MAGIC):
            self._tail = data if data == _MAGIC[:1] else b""
            return False
        self._members += 1
        if self._members > _MEMBERS:
            raise BodyError(f"the gzip has more than {_MEMBERS} members")
        self._member = zlib.decompressobj(wbits=31)
        return True

    def _some(self, data: bytes) -> bytes:
        """Decode as much as there is room for; return what is left of the data."""
        try:
            self._out += self._member.decompress(data, min(self._limit + 1 - len(self._out), _PIECE))
        except zlib.error as error:
            raise BodyError(f"the gzip is broken ({error})") from None
        if len(self._out) > self._limit:
            raise too_large(self._limit)
        return self._member.unused_data if self._member.eof else self._member.unconsumed_tail
