"""guard: which addresses may be dialled, and a socket layer that dials only those, within a deadline.

`ipaddress.is_global` is not enough: it calls multicast, NAT64 and 6to4 forms of private addresses, and a few more,
global. A name is resolved once, every address is checked, and the one that was checked is the one that is dialled, so
a name that changes its answer between check and use (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import httpcore

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_DENIED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
        "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenError(httpcore.ConnectError):
    """An address that may not be dialled."""


def parse_networks(allow: Sequence[str]) -> tuple[Network, ...]:
    """The networks or single addresses that are meant, such as "192.168.1.0/24". Raises ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in allow)


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, whatever it is wrapped in (mapped, NAT64, 6to4, Teredo)."""
    if any(address in network for network in _DENIED if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None:
            return is_public(address.sixtofour)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return True


class Guard:
    """Says which addresses may be dialled: public ones, and those in the networks named in `allow`."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._allow = parse_networks(allow)

    def permits(self, address: Address) -> bool:
        """Whether this address may be dialled."""
        meant = any(address in network for network in self._allow if network.version == address.version)
        return meant or is_public(address)

    def check(self, address: Address) -> None:
        """Raises ForbiddenError if the address may not be dialled."""
        if not self.permits(address):
            raise ForbiddenError(f"{address} is not a public address; name its network in [fetch] allow if it is meant")

    def check_literal(self, host: str) -> None:
        """Check a host that is an address in any spelling ("127.1", "0x7f000001", "2130706433"), without asking DNS.

        For use before a request goes to a proxy, which would resolve the host out of our sight.
        """
        name = host.strip("[]").rstrip(".").casefold()
        if name == "localhost" or name.endswith(".localhost"):
            self.check(ipaddress.IPv4Address("127.0.0.1"))
            return
        try:
            found = socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return  # a name, not an address
        for *_, sockaddr in found:
            self.check(_address(str(sockaddr[0])))

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of them checked. Raises ForbiddenError, or httpcore.ConnectError without any."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"name not found ({error})") from error
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        for address in addresses:
            self.check(_address(address))
        return addresses


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


class Deadline(threading.local):
    """The moment by which the request of this thread must be over, in seconds of the monotonic clock."""

    at: float | None = None

    def bounded(self, timeout: float | None) -> float | None:
        """The timeout, or what is left until the deadline if that is less. Raises httpcore.ReadTimeout after it."""
        if self.at is None:
            return timeout
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline is over")
        return left if timeout is None else min(timeout, left)


class BoundedStream(httpcore.NetworkStream):
    """A connection whose every read, write and handshake ends at the deadline of the request."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See httpcore.NetworkStream."""
        return self._stream.read(max_bytes, self._deadline.bounded(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See httpcore.NetworkStream."""
        self._stream.write(buffer, self._deadline.bounded(timeout))

    def close(self) -> None:
        """See httpcore.NetworkStream."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """See httpcore.NetworkStream."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.bounded(timeout))
        return BoundedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """See httpcore.NetworkStream."""
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Dials the addresses that the guard permits, within the deadline. Without a guard, any: for a configured proxy."""

    def __init__(self, guard: Guard | None, deadline: Deadline) -> None:
        self._guard, self._deadline = guard, deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """See httpcore.NetworkBackend. The addresses of the host are tried one after the other."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._guard.resolve(host, port) if self._guard else [host]:
            try:
                stream = self._backend.connect_tcp(
                    address, port, self._deadline.bounded(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return BoundedStream(stream, self._deadline)
        raise failure
