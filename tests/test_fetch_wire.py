"""What hostile or broken servers can do over a real socket: drips, bombs, junk, echoes of secrets; kill -9."""

import gzip
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from aggregator.fetch.decode import body
from tests.fakes import fetcher_over, pages
from tests.wires import Handler, always, answer, serve

MIB = 2**20
OK = b"HTTP/1.1 200 OK\r\n"
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def local(folder: Path, deadline: float = 5.0) -> Fetcher:
    return Fetcher(contact="", allow=["127.0.0.0/8"], slot_dir=folder, pause=0, deadline=deadline)


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    with local(tmp_path) as one:
        yield one


def failure(fetcher: Fetcher, url: str, **options: object) -> str:
    with pytest.raises(FetchError) as caught:
        fetcher.get(url, **options)  # type: ignore[arg-type]
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 400
    assert SECRET not in text
    return text


def drip(before: bytes) -> Handler:
    def handler(connection: socket.socket, head: str) -> None:
        connection.sendall(before)
        for _ in range(6):
            time.sleep(0.3)
            connection.sendall(b"x")

    return handler


@pytest.mark.parametrize("before", [OK + b"X: ", OK + b"Content-Length: 100\r\n\r\n"], ids=["headers", "body"])
def test_a_byte_now_and_then_does_not_move_the_deadline(before: bytes, tmp_path: Path) -> None:
    with serve(drip(before)) as wire, local(tmp_path, deadline=1.0) as fetcher:
        start = time.monotonic()
        assert failure(fetcher, wire.url) == "127.0.0.1: no answer within 1 s"
        assert 0.9 < time.monotonic() - start < 1.25


@pytest.mark.parametrize("length", ["", "Content-Length: 10737418240\r\n", "Transfer-Encoding: chunked\r\n"])
def test_a_bomb_on_the_wire_leaves_the_memory_flat(length: str, fetcher: Fetcher) -> None:
    bomb = gzip.compress(bytes(200 * MIB), 9)
    if "chunked" in length:
        bomb = f"{len(bomb):x}\r\n".encode() + bomb + b"\r\n0\r\n\r\n"

    def handler(connection: socket.socket, head: str) -> None:
        connection.sendall(OK + f"Content-Encoding: gzip\r\n{length}\r\n".encode() + bomb)
        connection.shutdown(socket.SHUT_RDWR)

    with serve(handler) as wire:
        tracemalloc.start()
        try:
            assert "is larger than" in failure(fetcher, wire.url)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 20 * 10**6


def test_crumbs_cost_no_more_than_their_sum() -> None:
    crumbs = (bytes([number % 251, number % 7]) for number in range(MIB // 2))
    tracemalloc.start()
    try:
        assert len(body(crumbs, "", max_wire=MIB, max_body=MIB)) == MIB
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MIB


EXTRA = [b"\r\n", b"junk", answer(b"evil")]


@pytest.mark.parametrize("extra", EXTRA, ids=["line", "junk", "answer"])
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxy"])
def test_bytes_after_an_answer_do_not_open_the_next(
    extra: bytes, proxied: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serve(lambda connection, head: connection.sendall(answer(head.split()[1].encode()) + extra)) as wire:
        if proxied:
            monkeypatch.setenv("HTTP_PROXY", wire.url)
        start = "http://feed.test/" if proxied else wire.url
        prefix = start if proxied else "/"
        with local(tmp_path) as fetcher:
            bodies = [fetcher.get(f"{start}{number}").body.decode() for number in range(3)]
    assert bodies == [f"{prefix}{number}" for number in range(3)]


@pytest.mark.parametrize("delay", [0.0, 0.002])
def test_a_connection_that_was_closed_while_idle_is_opened_anew(delay: float, fetcher: Fetcher) -> None:
    def handler(connection: socket.socket, head: str) -> None:
        connection.sendall(answer(b"x"))
        time.sleep(delay)
        connection.shutdown(socket.SHUT_RDWR)

    with serve(handler) as wire:
        assert [fetcher.get(wire.url).body for _ in range(20)] == [b"x"] * 20
        assert wire.connections == 20


@pytest.mark.parametrize("last", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n"])
def test_a_kept_connection_that_fails_is_replaced_once_only(last: bytes, fetcher: Fetcher) -> None:
    def handler(connection: socket.socket, head: str) -> None:
        first = len(wire.heads) == 1
        connection.sendall(answer(b"x") if first else last)
        if not first:
            connection.shutdown(socket.SHUT_RDWR)

    with serve(handler) as wire:
        fetcher.get(wire.url)
        assert "breaks off" in failure(fetcher, wire.url)
        assert (wire.connections, len(wire.heads)) == (2, 3)
        failure(fetcher, wire.url)
        assert (wire.connections, len(wire.heads)) == (3, 4)


def echo(before: bytes) -> Handler:
    def handler(connection: socket.socket, head: str) -> None:
        connection.sendall(before + head.encode("latin-1"))
        connection.shutdown(socket.SHUT_RDWR)

    return handler


@pytest.mark.parametrize("before", [b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"])
def test_an_echo_of_the_request_is_not_repeated(before: bytes, fetcher: Fetcher) -> None:
    with serve(echo(before)) as wire:
        text = failure(fetcher, f"{wire.url}?token={SECRET}", headers={"X-Key": SECRET})
    assert text.startswith("127.0.0.1: the answer breaks off or is not HTTP (")


@pytest.mark.parametrize("end", ["\n", "\0", "\r\nX: y"])
def test_a_password_that_cannot_be_sent_is_not_shown(end: str, fetcher: Fetcher) -> None:
    with serve(always(answer())) as wire:
        text = failure(fetcher, wire.url, headers={"Authorization": f"Bearer {SECRET}{end}"})
    assert wire.heads == []
    assert "check its headers and credentials" in text


@pytest.mark.parametrize(
    "url",
    [
        f"http://e.org:x/#{SECRET}",
        f"http://e.org:x/?k={SECRET}",
        f"http://e.org:x/?k=@{SECRET}",
        f"http://me:{SECRET}?@e.org/",
        f"http://me:{SECRET}#@e.org/",
        f"http://me:{SECRET}@e.org:x/",
        f"ftp://me:{SECRET}@e.org/",
    ],
)
def test_an_address_that_is_none_is_shown_without_its_secrets(url: str, fetcher: Fetcher) -> None:
    assert "cannot be fetched: " in failure(fetcher, url)


@pytest.mark.parametrize("path", ["a%0Ab", "%1b%5B31m", "%E2%80%AE", "a" * 5000])
def test_no_path_breaks_the_line(path: str, fetcher: Fetcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(always(answer(status="404 Not Found"))) as wire:
        assert path[:8] in failure(fetcher, f"{wire.url}{path}")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("aggregator")]
    assert any(line.startswith(f"GET 127.0.0.1/{path[:8]}") for line in lines)
    assert all(line.isprintable() and len(line) < 300 for line in lines)


@pytest.mark.parametrize("host", ["x%0ay.1", "x%0a:1", "a" * 2000, "e..org"])
def test_no_host_breaks_the_line(host: str, fetcher: Fetcher) -> None:
    failure(fetcher, f"http://{host}/")


@pytest.mark.parametrize(
    "location", [f"http://e.org:{SECRET}/", "http://[::1", "/" + "a" * 5000, "http://%0a.1/", "//:80"]
)
def test_no_redirect_breaks_the_line(location: str, fetcher: Fetcher) -> None:
    def handler(connection: socket.socket, head: str) -> None:
        first = head.startswith("GET / ")
        to = f"Location: {location}\r\n" if first else ""
        connection.sendall(answer(status="302 Found" if first else "404 Not Found", headers=to))

    with serve(handler) as wire:
        failure(fetcher, wire.url)


PORTS = ["0", "65536", "99999", "4294967376", "9" * 20]


@pytest.mark.parametrize("port", PORTS)
def test_a_port_is_not_folded_into_another(port: str, fetcher: Fetcher) -> None:
    assert "port" in failure(fetcher, f"http://127.0.0.1:{port}/")
    with serve(always(answer(status="302 Found", headers=f"Location: http://127.0.0.1:{port}/\r\n"))) as wire:
        assert failure(fetcher, wire.url) == "127.0.0.1/: redirects to what cannot be fetched"


def test_a_bug_in_the_resolver_is_not_waited_for(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fetcher.get("http://e.org/")


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect = socket.socket.connect

    def dial(sock: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == "127.9.9.9":
            time.sleep(sock.gettimeout() or 9)
            raise TimeoutError
        connect(sock, address)

    with serve(always(answer(b"x"))) as wire, local(tmp_path, deadline=0.9) as fetcher:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, wire.port)) for ip in ("127.9.9.9",) * 2 + ("127.0.0.1",)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(socket.socket, "connect", dial)
        assert fetcher.get("http://e.org/").body == b"x"


def test_no_library_logs_a_secret(fetcher: Fetcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    away = answer(status="302 Found", headers=f"Location: /b?k={SECRET}\r\nSet-Cookie: id={SECRET}\r\n")
    with serve(lambda connection, head: connection.sendall(answer(b"x") if " /b" in head else away)) as wire:
        page = fetcher.get(f"{wire.url}a?token={SECRET}", headers={"X-Key": SECRET})
    assert page.body == b"x"
    assert "GET 127.0.0.1/b: 200, 1 bytes" in caplog.text
    assert SECRET not in caplog.text
    assert not any(name in head.lower() for head in wire.heads for name in ("cookie:", "referer:"))


def test_threads_share_a_fetcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock, under_way, together = threading.Lock(), set[str](), list[str]()

    def handler(connection: socket.socket, head: str) -> None:
        url = head.split()[1]
        host = url.split("/")[2]
        with lock:
            together.extend([host] if host in under_way else [])
            under_way.add(host)
        time.sleep(0.002)
        with lock:
            under_way.discard(host)
        broken = url.endswith("7")
        connection.sendall(answer(url.encode(), length=10**5 if broken else None))
        if broken:
            connection.shutdown(socket.SHUT_RDWR)

    def ask(url: str) -> str:
        try:
            return shared.get(url).body.decode()
        except FetchError:
            return "broken"

    urls = [f"http://h{number % 40}.test/{number}" for number in range(400)]
    with serve(handler) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with local(tmp_path) as shared, ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(ask, urls))
    assert answers == ["broken" if url.endswith("7") else url for url in urls]
    assert together == []


HOLDER = """
import sys, time
from pathlib import Path
import httpx
from aggregator.fetch import Fetcher

def answer(request):
    print("held", flush=True)
    time.sleep(60)

Fetcher(contact="", transport=httpx.MockTransport(answer), slot_dir=Path(sys.argv[1])).get("https://arxiv.org/")
"""


def test_kill_9_gives_the_slot_back(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    transport = pages({"https://export.arxiv.org/": b"x"})
    with (
        Fetcher(contact="", transport=transport, slot_dir=tmp_path, spacing=0.1) as fetcher,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(fetcher.get, "https://export.arxiv.org/")
        time.sleep(0.2)
        assert not waiting.done()
        holder.send_signal(signal.SIGKILL)
        assert waiting.result(timeout=2).body == b"x"
    holder.wait(5)
    holder.stdout.close()


def test_a_slot_whose_folder_was_cleared_away_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with fetcher_over(pages({"https://arxiv.org/": b"x"}), folder) as fetcher:
        shutil.rmtree(folder)
        assert fetcher.get("https://arxiv.org/").body == b"x"
    assert (folder / "arxiv.slot").read_text()


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "open"])
def test_a_full_disk_does_not_stop_arxiv(call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real: Callable[..., object] = getattr(os, call)

    def full(*arguments: object) -> object:
        if call != "open" or str(arguments[0]).endswith("arxiv.slot"):
            raise OSError(28, "No space left on device")
        return real(*arguments)

    with fetcher_over(pages({"https://arxiv.org/": b"x"}), tmp_path) as fetcher:
        monkeypatch.setattr(os, call, full)
        assert fetcher.get("https://arxiv.org/").body == b"x"
