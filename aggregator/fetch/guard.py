"""guard: which addresses may be dialled.

Only public ones, unless a network is allowed by name. The list is our own, after the IANA registries of special
addresses (RFC 6890 and its successors): Python's `is_global` calls multicast, NAT64 of the loopback and others public.
An address that carries another one inside is judged by that one.
"""

import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias
from urllib.parse import unquote

from aggregator.errors import InputError

Address: TypeAlias = IPv4Address | IPv6Address

_CLOSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, reached from inside only
        "169.254.0.0/16",  # link-local: metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments: DS-Lite, NAT64 discovery, Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, retired
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_OPEN_V6 = IPv6Network("2000::/3")  # the only global unicast there is; loopback, ULA, link-local, multicast lie outside
_CLOSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "3ffe::/16",  # 6bone, returned
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_NAMES = {
    "localhost": "127.0.0.1",
    "localhost.localdomain": "127.0.0.1",
    "localhost4": "127.0.0.1",
    "localhost6": "::1",
    "localhost6.localdomain6": "::1",
    "ip6-localhost": "::1",
    "ip6-loopback": "::1",
    "metadata.google.internal": "169.254.169.254",
}
"""Names that stand for an address wherever they are resolved, so also at a proxy."""
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


class RefusedError(Exception):
    """An address is not dialled; the text says which and why."""


class Guard:
    """Judges addresses; `allow` names networks ("192.168.1.0/24") or single addresses that are meant."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        try:
            self._allow = tuple(ip_network(name.strip(), strict=False) for name in allow)
        except ValueError as error:
            raise InputError(f"[fetch] allow: {error}; write a network like 192.168.1.0/24 or an address") from None

    def check_host(self, host: str) -> None:
        """Raise RefusedError if the host is written as an address, in any spelling, that is not public.

        This is all that can be checked of a request whose name a proxy resolves. A public address in a spelling other
        than the usual one is refused too: what one program reads as octal another reads as decimal.
        """
        name = unquote(host).strip("[]").rstrip(".").lower()
        name = "localhost" if name.endswith(".localhost") else name
        address = literal(_NAMES.get(name, name))
        if address is None:
            return
        self.check(address)
        if isinstance(address, IPv4Address) and name not in {*_NAMES, str(address)}:
            raise RefusedError(f"{host} is an unusual spelling; write {address}")

    def check(self, address: Address) -> None:
        """Raise RefusedError if the address is neither public nor allowed."""
        carried = _carried(address)
        judged = address if carried is None else carried
        if any(one in network for one in (address, judged) for network in self._allow):
            return
        if not _public(judged):
            raise RefusedError(f"{address} is not a public address; name the network in [fetch] allow if it is meant")


def literal(host: str) -> Address | None:
    """The address that a host is written as, None if it is a name.

    As inet_aton reads it: one to four numbers, decimal, octal (0177) or hexadecimal (0x7f), the last of which fills
    the rest ("127.1", "2130706433"). Raises RefusedError for what ends in a number and is no address: no name does.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    parts = host.split(".")
    if ":" not in host and not _NUMBER.fullmatch(parts[-1]):
        return None
    if len(parts) <= 4 and all(_NUMBER.fullmatch(part) for part in parts):
        with suppress(OSError):
            return IPv4Address(socket.inet_aton(".".join("0" if part == "0x" else part for part in parts)))
    raise RefusedError(f"{host} is no address")


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped, compatible, NAT64 or 6to4 one, else None. Teredo is closed as a whole."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
