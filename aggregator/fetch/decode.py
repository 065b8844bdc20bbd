"""decode: an answer's body, read with a cap on what comes over the wire and on what it unpacks to."""

import zlib
from collections.abc import Iterable

from aggregator.errors import FetchError

_PIECE = 64 * 1024


def decode(wire: Iterable[bytes], encoding: str, *, max_wire: int, max_body: int) -> bytes:
    """The decoded body. `encoding` is the Content-Encoding: none, identity or gzip, of one or more members.

    Memory stays within max_body whatever a compressed body would grow to. Raises FetchError beyond a cap, for another
    encoding, and for gzip data that is damaged or breaks off.
    """
    coding = encoding.strip().casefold()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise FetchError(f"the answer is encoded as {coding!r}, which was not asked for")
    pieces = _capped(wire, max_wire, "over the wire")
    if coding.endswith("gzip"):
        pieces = _gunzip(pieces)
    return b"".join(_capped(pieces, max_body, "of content"))


def _capped(pieces: Iterable[bytes], cap: int, what: str) -> Iterable[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > cap:
            raise FetchError(f"the answer is larger than {cap / 2**20:.0f} MiB {what}")
        yield piece


def _gunzip(wire: Iterable[bytes]) -> Iterable[bytes]:
    member = zlib.decompressobj(wbits=31)
    begun = False
    try:
        for piece in wire:
            rest = piece
            while rest:
                begun = True
                yield member.decompress(rest, _PIECE)
                rest = member.unconsumed_tail
                if member.eof:
                    rest = member.unused_data
                    member, begun = zlib.decompressobj(wbits=31), bool(rest)
    except zlib.error as error:
        raise FetchError(f"the answer's gzip data is damaged ({error})") from error
    if begun:
        raise FetchError("the answer breaks off in the middle of its gzip data")
