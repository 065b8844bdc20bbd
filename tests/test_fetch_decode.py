"""Bodies are bounded, whatever they unfold to."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aggregator.errors import FetchError
from aggregator.fetch import Page
from aggregator.fetch.decode import BodyError, body
from tests.fakes import fetcher_over, pages

MIB = 2**20
URL = "https://e.org/x"
TEXT = b"<feed>" + b"abc " * 5000 + b"</feed>"


def zipped(data: bytes) -> bytes:
    """gzip without the time of day: these bytes are names of tests, which must be the same in all processes."""
    return gzip.compress(data, mtime=0)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes, encoding: str = "gzip", *, size: int = 1000, wire: int = 4 * MIB, limit: int = 16 * MIB) -> bytes:
    return body(pieces(data, size), encoding, max_wire=wire, max_body=limit)


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
@pytest.mark.parametrize(
    "data",
    [
        zipped(TEXT),
        zipped(TEXT[:100]) + zipped(b"") + zipped(TEXT[100:]),
        zipped(TEXT) + b"\0" * 5000,
        zipped(TEXT) + b"\x1f",
        zipped(TEXT) + b"\r\n",
    ],
)
def test_gzip_in_pieces_of_any_size(data: bytes, size: int) -> None:
    assert read(data, size=size) == TEXT


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_plain(encoding: str) -> None:
    assert read(TEXT, encoding) == TEXT
    assert read(b"", encoding) == b""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(TEXT)[:-1], "breaks off"),
        (zipped(TEXT)[:50], "breaks off"),
        (zipped(TEXT) + zipped(TEXT)[:20], "breaks off"),
        (b"", "breaks off"),
        (TEXT, "broken"),
        (zlib.compress(TEXT), "broken"),
        (zipped(TEXT)[:-6] + b"\0\0\0\0\0\0", "broken"),
        (zipped(b"") * 1100, "members"),
    ],
)
def test_gzip_that_is_not_whole(data: bytes, words: str) -> None:
    with pytest.raises(BodyError, match=words):
        read(data)


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 1000])
def test_other_encodings(encoding: str) -> None:
    with pytest.raises(BodyError, match="not asked for"):
        read(TEXT, encoding)


def test_limits_are_exact() -> None:
    size = len(TEXT)
    packed = gzip.compress(TEXT)
    assert read(TEXT, "", wire=size, limit=size) == read(packed, wire=len(packed), limit=size) == TEXT
    for data, encoding, wire, limit in (
        (TEXT, "", size - 1, size),
        (TEXT, "", size, size - 1),
        (packed, "gzip", len(packed) - 1, size),
        (packed, "gzip", len(packed), size - 1),
    ):
        with pytest.raises(BodyError, match="larger than"):
            read(data, encoding, wire=wire, limit=limit)


def test_a_bomb_never_fills_the_memory() -> None:
    bomb = gzip.compress(bytes(200 * MIB), 9)
    nested = gzip.compress(bytes(20 * MIB), 9) * 10
    assert len(bomb) < MIB / 4
    for data in (bomb, nested):
        tracemalloc.start()
        try:
            with pytest.raises(BodyError, match="larger than 4 MiB"):
                read(data, size=65536, limit=4 * MIB)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 16 * MIB


def get(response: httpx.Response, folder: Path, max_body: int | None = None) -> Page:
    with fetcher_over(pages({URL: lambda _: response}), folder) as fetcher:
        return fetcher.get(URL, max_body=max_body)


def test_the_fetcher_decodes(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT)
    assert get(httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed), tmp_path).body == TEXT
    with pytest.raises(FetchError, match=r"e\.org: the gzip breaks off"):
        get(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed[:-9])), tmp_path)
    with pytest.raises(FetchError, match="'br', which was not asked for"):
        get(httpx.Response(200, headers={"Content-Encoding": "br"}, stream=httpx.ByteStream(b"x")), tmp_path)


def test_the_limit_of_one_call(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"larger than 0\.00191 MiB"):
        get(httpx.Response(200, content=TEXT), tmp_path, max_body=2000)
    large = bytes(5 * MIB)
    with pytest.raises(FetchError, match="larger than 4 MiB"):
        get(httpx.Response(200, content=large), tmp_path)
    assert get(httpx.Response(200, content=large), tmp_path, max_body=6 * MIB).body == large
