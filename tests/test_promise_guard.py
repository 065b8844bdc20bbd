"""Promise: no connection to an address that is not public: any spelling, any way, seen where sockets are dialled.

The spellings and addresses are those of test_fetch_guard; here each goes every way that leads to a socket. Public
addresses are dialled for the eye only: a server of the test answers.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aggregator import app
from aggregator.config import load
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from tests.test_fetch_guard import CLOSED, SPELLINGS, no_proxy
from tests.wires import Wire, answer, serve

PUBLIC = "8.8.8.8"
HOSTS = [*SPELLINGS, *(f"[{one.replace('%', '%25')}]" if ":" in one else one for one in CLOSED)]
"""Everything that stands for an address inside, as it may stand in a link."""

NUMERIC = [one for one in CLOSED if "%" not in one]


@dataclass
class Net:
    """What was dialled, and what names resolve to: the answers of each in turn, of which the last one stays."""

    server: Wire
    dialled: list[tuple[str, int]] = field(default_factory=list)
    names: dict[str, list[list[str]]] = field(default_factory=lambda: {"out.test": [[PUBLIC]], "more.test": [[PUBLIC]]})

    @property
    def hosts(self) -> set[str]:
        """The addresses dialled, but for the server as the operator's proxy."""
        return {host for host, port in self.dialled if (host, port) != ("127.0.0.1", self.server.port)}


def _talk(connection: socket.socket, head: str) -> None:
    """A server, or a proxy, whose /to/3 leads to the third host, and whose /by/3 leads there by another host."""
    path = head.split(" ")[1].rpartition(".test")[2]
    _, way, number, *_ = (*path.split("/"), "", "")
    if way == "to":
        target = f"http://{HOSTS[int(number)]}/secret".encode("utf-8", "replace")
    elif way == "by":
        target = f"http://more.test/to/{number}".encode()
    else:
        connection.sendall(answer(b"hello", headers="Connection: close\r\n"))
        connection.close()
        return
    connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with serve(_talk) as wire:
        yield wire


@pytest.fixture
def net(server: Wire, monkeypatch: pytest.MonkeyPatch) -> Net:
    no_proxy(monkeypatch)
    found = Net(server)
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def dial(sock: socket.socket, address: Any) -> None:
        host, port = address[:2]
        found.dialled.append((host, port))
        if host != PUBLIC and (host, port) != ("127.0.0.1", server.port):
            raise ConnectionRefusedError(111, "not in this test")
        connect(sock, ("127.0.0.1", server.port))

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> Any:
        answers = found.names.get(host)
        if answers is None:
            return getaddrinfo(host, port, *rest, **{**more, "flags": socket.AI_NUMERICHOST})
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        six, four = ((socket.AF_INET6, socket.SOCK_STREAM, 6, ""), (socket.AF_INET, socket.SOCK_STREAM, 6, ""))
        return [(*six, (one, port, 0, 0)) if ":" in one else (*four, (one, port)) for one in addresses]

    def other(*_: object) -> None:
        found.dialled.append(("by another way", 0))
        raise OSError

    server.heads.clear()
    monkeypatch.setattr(socket.socket, "connect", dial)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in ("connect_ex", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, other)
    return found


@pytest.fixture
def fetcher(net: Net, tmp_path: Path) -> Iterator[Callable[..., Fetcher]]:
    opened: list[Fetcher] = []

    def new(*allow: str) -> Fetcher:
        opened.append(Fetcher(contact="", allow=allow, slot_dir=tmp_path, pause=0, deadline=5))
        return opened[-1]

    yield new
    for one in opened:
        one.close()


Way = Callable[[int], str]
WAYS: dict[str, Way] = {
    "direct": lambda number: f"http://{HOSTS[number]}/secret",
    "direct with TLS": lambda number: f"https://{HOSTS[number]}:8443/secret",
    "redirect": lambda number: f"http://out.test/to/{number}",
    "second redirect": lambda number: f"http://out.test/by/{number}",
}


def test_the_table_is_as_long_as_was_promised() -> None:
    assert len(set(HOSTS)) > 100
    assert len(set(NUMERIC)) >= 45


@pytest.mark.parametrize("proxy", [False, True], ids=["no proxy", "proxy"])
@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_inside(
    way: str, proxy: bool, net: Net, fetcher: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    if proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{net.server.port}")
    asking = fetcher()
    for number, host in enumerate(HOSTS):
        net.dialled.clear()
        net.server.heads.clear()
        with pytest.raises(FetchError):
            asking.get(WAYS[way](number))
        hops = {"redirect": 1, "second redirect": 2}.get(way, 0)
        assert net.hosts == ({PUBLIC} if hops and not proxy and net.dialled else set()), host
        assert len(net.server.heads) == hops, host
        assert not any("secret" in head for head in net.server.heads), host


@pytest.mark.parametrize("address", NUMERIC)
def test_a_name_that_turns_inwards(address: str, net: Net, fetcher: Callable[..., Fetcher]) -> None:
    net.names |= {
        "turns.test": [[PUBLIC], [address]],
        "mixed.test": [[address, PUBLIC]],
        "inside.test": [[address]],
    }
    asking = fetcher()
    assert asking.get("http://turns.test/").body == b"hello"
    for url in ("http://turns.test/", "https://turns.test/", "http://inside.test/", "http://inside.test:8080/"):
        with pytest.raises(FetchError, match="is not a public address"):
            asking.get(url)
    assert asking.get("http://mixed.test/").body == b"hello"
    assert net.hosts == {PUBLIC}
    assert len(net.dialled) == 2


@pytest.mark.parametrize("address", NUMERIC)
def test_a_redirect_to_a_name_that_leads_inside(address: str, net: Net, fetcher: Callable[..., Fetcher]) -> None:
    net.names["more.test"] = [[address]]
    with pytest.raises(FetchError, match=r"^out\.test: .* is not a public address"):
        fetcher().get("http://out.test/by/0")
    assert net.hosts == {PUBLIC}


@pytest.mark.parametrize("address", NUMERIC)
def test_no_proxy_is_no_way_round(
    address: str, net: Net, fetcher: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that the environment excepts from the proxy is dialled, and so judged, here."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{net.server.port}")
    monkeypatch.setenv("NO_PROXY", "wiki.test")
    net.names["wiki.test"] = [[address]]
    with pytest.raises(FetchError, match="is not a public address"):
        fetcher().get("http://wiki.test/")
    assert net.dialled == []


def test_a_network_that_is_meant_is_reached(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    me = '[[profile]]\nname = "me"\nemail = "me@example.org"\ninterests = ["speech"]\n'
    feed = '[[source]]\nkind = "feed"\nname = "bridge"\nurl = "http://out.test/"\n'
    path.write_text(f'[fetch]\nallow = ["127.0.0.1", "fd00:5::/32"]\npause_seconds = 0\n\n{me}\n{feed}')
    net.names |= {"bridge.test": [["127.0.0.1"]], "other.test": [["127.0.0.2"]], "six.test": [["fd00:5::7"]]}
    with app.open_fetcher(load(path)) as asking:
        inside = f"127.0.0.1:{net.server.port}"
        for host in (inside, f"bridge.test:{net.server.port}", f"[::ffff:127.0.0.1]:{net.server.port}"):
            with suppress(FetchError):
                asking.get(f"http://{host}/")
        with pytest.raises(FetchError, match="connection refused"):
            asking.get("http://six.test/")
        reached = [host for host, _ in net.dialled]
        for host in ("other.test", "127.0.0.2", "10.0.0.1", "[fd00:6::7]", "2130706433", "169.254.169.254"):
            with pytest.raises(FetchError):
                asking.get(f"http://{host}/")
    assert reached == ["127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1", "fd00:5::7"]
    assert len(net.dialled) == len(reached)
