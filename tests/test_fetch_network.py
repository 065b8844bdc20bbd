"""Real sockets: deadlines, broken answers, kept connections, proxies, certificates."""

import gzip
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from aggregator import __version__
from aggregator.errors import FetchError, InputError
from aggregator.fetch import Fetcher
from tests.wires import Handler, always, answer, pump, read_head, serve

ALLOW = ["127.0.0.0/8"]
FILES = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    with Fetcher(contact="", allow=ALLOW, slot_dir=tmp_path, pause=0, deadline=0.6) as one:
        yield one


def failure(fetcher: Fetcher, handler: Handler) -> str:
    with serve(handler) as wire:
        start = time.monotonic()
        with pytest.raises(FetchError) as caught:
            fetcher.get(f"{wire.url}x?token=s3cret")
        assert time.monotonic() - start < 0.9
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).startswith("127.0.0.1: ")
    return str(caught.value)


def drip(text: bytes) -> Handler:
    def handler(connection: socket.socket, head: str) -> None:
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return handler


def test_a_whole_answer(fetcher: Fetcher) -> None:
    with serve(always(answer(b"hello", headers="ETag: x\r\n"))) as wire:
        page = fetcher.get(f"{wire.url}a%20b?c=d&e=f#g")
    assert (page.status, page.body, page.validators.etag) == (200, b"hello", "x")
    assert wire.heads[0].split("\r\n") == [
        "GET /a%20b?c=d&e=f HTTP/1.1",
        f"Host: 127.0.0.1:{wire.port}",
        f"User-Agent: paper-aggregator/{__version__}",
        "Accept-Encoding: gzip",
        "Accept: */*",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "handler",
    [
        lambda connection, head: time.sleep(0.8),
        drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100),
        drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10),
        lambda connection, head: (connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), drip(b"z" * 100)(connection, head)),
        lambda connection, head: (
            connection.sendall(answer(b"", length=1000)),
            drip(b"z" * 100)(connection, head),
        ),
    ],
    ids=["silence", "headers", "hints", "body", "sized body"],
)
def test_the_deadline_ends_what_drips(fetcher: Fetcher, handler: Handler) -> None:
    assert "no answer within 0.6 s" in failure(fetcher, handler)


def test_the_deadline_counts_all_redirects_together(fetcher: Fetcher) -> None:
    def handler(connection: socket.socket, head: str) -> None:
        time.sleep(0.25)
        number = int(head.split(" ")[1].strip("/").partition("?")[0] or 0)
        connection.sendall(answer(status="302 Found", headers=f"Location: /{number + 1}\r\n"))

    with serve(handler) as wire:
        start = time.monotonic()
        with pytest.raises(FetchError, match=r"no answer within 0\.6 s"):
            fetcher.get(wire.url)
        assert 0.5 < time.monotonic() - start < 0.9
    assert 2 <= len(wire.heads) <= 3


def test_a_handshake_that_never_comes(fetcher: Fetcher) -> None:
    with serve(always(b"")) as wire:
        start = time.monotonic()
        with pytest.raises(FetchError, match=r"no answer within 0\.6 s"):
            fetcher.get(f"https://127.0.0.1:{wire.port}/")
        assert time.monotonic() - start < 0.9


def test_a_name_server_that_never_answers(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[object]:
        time.sleep(1.2)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"e\.org: no answer within 0\.6 s"):
        fetcher.get("http://e.org/")
    assert time.monotonic() - start < 0.9


def test_a_name_that_is_not_there(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(FetchError, match=r"^www\.example\.org: name not found; check the address$"):
        fetcher.get("https://www.example.org/")


def cut(reply: bytes) -> Handler:
    def handler(connection: socket.socket, head: str) -> None:
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_RDWR)

    return handler


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (cut(b""), "breaks off"),
        (cut(b"HTTP/1.1 200 OK\r\nX: y"), "breaks off"),
        (cut(answer(b"half", length=8)), "breaks off"),
        (cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"), "breaks off"),
        (cut(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP"),
        (cut(answer(b"x", headers="X: " + "y" * 200_000 + "\r\n")), "not HTTP"),
        (always(answer(gzip.compress(b"x" * 9999)[:-9], headers="Content-Encoding: gzip\r\n")), "gzip breaks off"),
        (always(answer(gzip.compress(bytes(2**25)), headers="Content-Encoding: gzip\r\n")), "larger than 16 MiB"),
        (always(answer(b"x", length=2**30)), "larger than 4 MiB"),
    ],
)
def test_broken_answers(fetcher: Fetcher, handler: Handler, words: str) -> None:
    assert words in failure(fetcher, handler)


def test_a_reset(fetcher: Fetcher) -> None:
    def handler(connection: socket.socket, head: str) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    assert "broke off" in failure(fetcher, handler)


def test_nobody_listens(fetcher: Fetcher) -> None:
    with serve(always(b"")) as wire:
        pass
    with pytest.raises(FetchError, match=r"^127\.0\.0\.1: connection refused$"):
        fetcher.get(wire.url)


def test_one_connection_is_kept_per_host(fetcher: Fetcher) -> None:
    with serve(always(answer(b"x"))) as wire:
        with ThreadPoolExecutor(8) as pool:
            assert [page.body for page in pool.map(fetcher.get, [wire.url] * 40)] == [b"x"] * 40
        assert (wire.connections, len(wire.heads)) == (1, 40)


def test_the_connection_outlives_redirects_and_304(fetcher: Fetcher) -> None:
    def handler(connection: socket.socket, head: str) -> None:
        if head.startswith("GET /a "):
            connection.sendall(answer(status="302 Found", headers="Location: /b\r\n"))
        elif "If-None-Match: x\r\n" in head:
            connection.sendall(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99999999\r\nContent-Encoding: br\r\n\r\n")
        else:
            connection.sendall(answer(b"x", headers="ETag: x\r\n"))

    with serve(handler) as wire:
        page = fetcher.get(f"{wire.url}a")
        assert fetcher.get(page.url, validators=page.validators).unchanged
        assert fetcher.get(page.url, validators=page.validators).unchanged
        assert (wire.connections, len(wire.heads)) == (1, 4)


def test_many_threads_and_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(lambda connection, head: connection.sendall(answer(head.split(" ")[1].encode()))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        urls = [f"http://h{number % 100}.test/{number}" for number in range(300)]
        with Fetcher(contact="", slot_dir=tmp_path, pause=0) as one, ThreadPoolExecutor(32) as pool:
            assert [page.body.decode() for page in pool.map(one.get, urls)] == urls
    assert len(proxy.heads) == 300


@pytest.mark.skipif(not FILES.exists(), reason="open files are counted in /proc")
def test_idle_connections_are_few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(always(answer(b"x"))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        before = len(list(FILES.iterdir()))
        with Fetcher(contact="", slot_dir=tmp_path, pause=0) as one:
            for number in range(100):
                one.get(f"http://h{number}.test/")
            one.get("http://h99.test/")
            assert proxy.connections == 100
            one.get("http://h0.test/")
            assert proxy.connections == 101
            time.sleep(0.05)
            assert len(list(FILES.iterdir())) - before == 2 * 64


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=feed.test"
    command += " -addext subjectAltName=DNS:feed.test,IP:127.0.0.1"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder


def tls(handler: Handler, certificate: Path) -> Handler:
    """A CONNECT proxy that is its own target."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    def proxy(connection: socket.socket, head: str) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as inner:
            while inside := read_head(inner):
                handler(inner, inside)

    return proxy


def test_https_through_a_proxy(certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heads: list[str] = []

    def handler(connection: socket.socket, head: str) -> None:
        heads.append(head)
        connection.sendall(answer(b"inside"))

    with serve(tls(handler, certificate)) as wire:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@127.0.0.1:{wire.port}")
        with Fetcher(contact="", slot_dir=tmp_path, pause=0) as fetcher, pytest.raises(FetchError) as caught:
            fetcher.get("https://feed.test/")
        assert str(caught.value).startswith("feed.test: certificate not trusted (self-signed certificate)")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        with Fetcher(contact="", slot_dir=tmp_path, pause=0) as fetcher:
            pages = [fetcher.get("https://feed.test/x", headers={"Authorization": "Bearer s3cret"}) for _ in range(2)]
            with pytest.raises(FetchError, match=r"^other\.test: certificate not trusted \(Hostname mismatch"):
                fetcher.get("https://other.test/")
    assert [page.body for page in pages] == [b"inside"] * 2
    assert [head.split(" HTTP")[0] for head in wire.heads] == ["CONNECT feed.test:443"] * 2 + ["CONNECT other.test:443"]
    assert all("Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in head for head in wire.heads)
    assert not any("s3cret" in head for head in wire.heads)
    assert not any("Proxy-Authorization" in head for head in heads)


def test_http_through_a_proxy_except_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(always(answer(b"proxy"))) as proxy, serve(always(answer(b"direct"))) as server:
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,.intern.test")
        with Fetcher(contact="", allow=ALLOW, slot_dir=tmp_path, pause=0) as fetcher:
            assert fetcher.get("http://feed.test/a?b").body == b"proxy"
            assert fetcher.get(server.url).body == b"direct"
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 80))])
            with pytest.raises(FetchError, match="not a public address"):
                fetcher.get("http://wiki.intern.test/")
    assert proxy.heads[0].startswith("GET http://feed.test/a?b HTTP/1.1\r\nHost: feed.test\r\n")
    assert (len(proxy.heads), len(server.heads)) == (1, 1)


def test_a_redirect_behind_a_proxy_is_checked_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    away = answer(status="301 Moved", headers="Location: http://0xa9fea9fe/latest\r\n")
    with serve(always(away)) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        with Fetcher(contact="", slot_dir=tmp_path, pause=0) as fetcher, pytest.raises(FetchError) as caught:
            fetcher.get("http://feed.test/")
    assert str(caught.value).startswith("feed.test: 169.254.169.254 is not a public address")
    assert len(proxy.heads) == 1


def test_a_proxy_that_is_dead_or_unwilling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(always(answer(status="403 Not from here"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        refusal = pytest.raises(FetchError, match=r"^feed\.test: the proxy refuses: 403 Not from here$")
        with Fetcher(contact="", slot_dir=tmp_path, pause=0) as fetcher, refusal:
            fetcher.get("https://feed.test/")
    with Fetcher(contact="", slot_dir=tmp_path, pause=0) as fetcher, pytest.raises(FetchError) as caught:
        fetcher.get("https://feed.test/")
    assert str(caught.value) == (
        f"feed.test: the proxy 127.0.0.1:{proxy.port} cannot be used: connection refused; "
        "check HTTP_PROXY and HTTPS_PROXY"
    )


@pytest.mark.parametrize("proxy", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "http://", "http://h:x"])
def test_proxies_of_another_kind(proxy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(InputError, match="proxy"):
        Fetcher(contact="", slot_dir=tmp_path)
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:1")
    Fetcher(contact="", slot_dir=tmp_path).close()


def test_a_stalled_proxy_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher, tmp_path: Path
) -> None:
    stall: Callable[[socket.socket, str], None] = lambda connection, head: time.sleep(0.8)  # noqa: E731
    with serve(stall) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with Fetcher(contact="", slot_dir=tmp_path, pause=0, deadline=0.4) as one:
            start = time.monotonic()
            with pytest.raises(FetchError, match=r"no answer within 0\.4 s"):
                one.get("https://feed.test/")
            assert time.monotonic() - start < 0.7


def test_a_tunnel_to_a_plain_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(always(answer(b"no TLS here"))) as server:

        def connect(connection: socket.socket, head: str) -> None:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", server.port)) as target:
                pump(connection, target)

        with serve(connect) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with (
                Fetcher(contact="", slot_dir=tmp_path, pause=0, deadline=1) as fetcher,
                pytest.raises(FetchError) as caught,
            ):
                fetcher.get("https://feed.test/")
    assert str(caught.value).startswith("feed.test: ")
