"""No connection to what is not public, in any spelling, on any way."""

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from aggregator.fetch.guard import Guard, RefusedError, literal
from tests.wires import always, answer, serve

_CLOSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1
192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:53aa:64c::1 2001:2::1
2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::1 3ffe::1 3fff::1 4000::1 5f00::1
fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
"""
_OPEN = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255 2a00:1450:4001::1
2606:4700::1111 2001:4860:4860::8888 2620:fe::fe ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
"""
_SPELLINGS = """
127.0.0.1 127.1 127.0.1 127.000.000.001 2130706433 017700000001 0x7f000001 0x7f.1 0x7F.0.0.0x1 0177.0.0.1
0177.0.1 0177.1 127.0.0.1. 127.1. %31%32%37.0.0.1 %31%32%37%2e1 0x7f%2e1 0 0.0.0.0 0x0 0x 127.0.0.0x1 127.0x1
\uff11\uff12\uff17.\uff10.\uff10.\uff11 127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1
\u2460\u2461\u2466.\u24ea.\u24ea.\u2460 1\u00b27.0.0.1 LOCALHOST localhost localhost. a.localhost foo.LocalHost.
localhost.localdomain ip6-localhost ip6-loopback localhost6 \u24dbocalhost metadata.google.internal [::1]
[0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1]
[::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::1] [fe80::1%25eth0] [fe80::1%eth0] [fc00::1]
[::1%25lo] 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.16689662 [::ffff:a9fe:a9fe]
[fd00:ec2::254] 10.0.0.1 012.1 192.168.257 3232235777 6425673729 4294967295 256.256.256.256 1.2.3.4.5
127.0.0.1.5 0x100000000 08.0.0.1 1.0x user:pw@127.0.0.1 x.org@127.1 127.0.0.1:99999 127.0.0.1\\@127.1 010.8.8.8
8.8.2056
"""


CLOSED, OPEN, SPELLINGS = (text.split() for text in (_CLOSED, _OPEN, _SPELLINGS))


class Calls(list[Any]):
    """The connections that were tried."""


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()

    def connect(_: socket.socket, address: object) -> None:
        calls.append(address)
        raise ConnectionRefusedError(111, "not in this test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return calls


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Makes every name resolve to the addresses given, one answer after another; returns the names asked."""

    def install(*answers: list[str]) -> list[str]:
        asked: list[str] = []
        rest: Iterator[list[str]] = iter(answers)

        def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
            asked.append(host)
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
                if ":" in one
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in next(rest)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return install


def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    no_proxy(monkeypatch)


def real(folder: Path, *allow: str, deadline: float = 5) -> Fetcher:
    return Fetcher(contact="", allow=allow, slot_dir=folder, pause=0, deadline=deadline)


@pytest.mark.parametrize("address", CLOSED)
def test_closed_addresses(address: str) -> None:
    with pytest.raises(RefusedError, match="not a public address"):
        Guard().check(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_open_addresses(address: str) -> None:
    Guard().check(ip_address(address))


def test_networks_that_are_meant() -> None:
    guard = Guard(["192.168.1.0/24", "fd00::7", " 127.0.0.1 "])
    for address in ("192.168.1.9", "::ffff:192.168.1.9", "fd00::7", "127.0.0.1"):
        guard.check(ip_address(address))
    for address in ("192.168.2.9", "fd00::8", "127.0.0.2", "10.0.0.1"):
        with pytest.raises(RefusedError):
            guard.check(ip_address(address))
    guard.check_host("localhost")
    with pytest.raises(RefusedError, match="unusual spelling"):
        guard.check_host("0x7f.1")


@pytest.mark.parametrize(
    "name", ["example.org", "1e100.net", "a.0x.org", "3.example", "deadbeef", "xn--bcher-kva.example"]
)
def test_names_are_no_addresses(name: str) -> None:
    assert literal(name) is None


def test_there_are_enough_spellings() -> None:
    assert len(set(SPELLINGS)) >= 45


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_connects(host: str, connects: Calls, tmp_path: Path) -> None:
    with real(tmp_path) as fetcher, pytest.raises(FetchError):
        fetcher.get(f"http://{host}/x")
    assert connects == []


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_redirect_connects(host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dialled: list[object] = []
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo
    outside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))]

    def resolve(name: str, *rest: Any, **more: Any) -> Any:
        return outside if name == "e.org" else getaddrinfo(name, *rest, **more)

    def dial(sock: socket.socket, address: Any) -> None:
        dialled.append(address)
        connect(sock, ("127.0.0.1", server.port))

    reply = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://" + host.encode() + b"/\r\n\r\n"
    with serve(always(reply)) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket.socket, "connect", dial)
        with real(tmp_path) as fetcher, pytest.raises(FetchError):
            fetcher.get("http://e.org/")
    assert (dialled, len(server.heads)) == ([("8.8.8.8", 80)], 1)


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_is_sent_to_a_proxy(
    host: str, connects: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "127.0.0.1:9")
    with real(tmp_path) as fetcher:
        for scheme in ("http", "https"):
            with pytest.raises(FetchError):
                fetcher.get(f"{scheme}://{host}/x")
    assert connects == []


@pytest.mark.parametrize("address", [one for one in CLOSED if "%" not in one])
def test_no_name_leads_inside(
    address: str, connects: Calls, resolver: Callable[..., list[str]], tmp_path: Path
) -> None:
    resolver([address])
    with real(tmp_path) as fetcher, pytest.raises(FetchError, match=r"e\.org: .* is not a public address"):
        fetcher.get("https://e.org/")
    assert connects == []


def test_only_the_public_ones_of_several_are_dialled(
    connects: Calls, resolver: Callable[..., list[str]], tmp_path: Path
) -> None:
    resolver(["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111"])
    with real(tmp_path) as fetcher, pytest.raises(FetchError, match="connection refused"):
        fetcher.get("https://e.org/")
    assert [address[0] for address in connects] == ["8.8.8.8", "2606:4700::1111"]


def test_a_name_that_changes_its_mind_is_not_asked_twice(
    connects: Calls, resolver: Callable[..., list[str]], tmp_path: Path
) -> None:
    asked = resolver(["8.8.8.8"], ["127.0.0.1"])
    with real(tmp_path) as fetcher:
        with pytest.raises(FetchError, match="connection refused"):
            fetcher.get("http://e.org/")
        with pytest.raises(FetchError, match=r"127\.0\.0\.1 is not a public address"):
            fetcher.get("http://e.org/")
    assert asked == ["e.org", "e.org"]
    assert connects == [("8.8.8.8", 80)]


def test_a_server_may_not_send_us_to_ourselves(tmp_path: Path) -> None:
    with serve(always(answer(b"secret"))) as inside:
        to = f"Location: http://127.0.0.2:{inside.port}/\r\n"
        with serve(always(answer(status="302 Found", headers=to))) as outside:
            with real(tmp_path, "127.0.0.1") as fetcher, pytest.raises(FetchError, match=r"127\.0\.0\.2 is not"):
                fetcher.get(outside.url)
            assert (outside.connections, inside.connections) == (1, 0)
            with real(tmp_path, "127.0.0.0/8") as fetcher, pytest.raises(FetchError):  # nobody listens at 127.0.0.2
                fetcher.get(outside.url)
