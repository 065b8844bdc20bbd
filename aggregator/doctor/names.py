"""names: the door to the DNS, by dnspython: short questions, and one that cannot be asked ends the asking."""

from collections.abc import Callable
from typing import TypeAlias

import dns.exception
import dns.rdatatype
import dns.resolver

Lookup: TypeAlias = Callable[[str, str], list[str]]
"""What the DNS holds under a name and a type ("TXT", "MX", "A", "AAAA"), as text; [] if nothing.

Raises UnreachableError.
"""


class UnreachableError(Exception):
    """The DNS cannot be asked from here; says why."""


def resolver(timeout: float = 3.0) -> Lookup:
    """A Lookup by the resolvers of this machine; `timeout` is in seconds, for one question with all its repetitions."""
    unreachable: list[str] = []

    def lookup(name: str, kind: str) -> list[str]:
        if unreachable:
            raise UnreachableError(unreachable[0])
        try:
            answer = dns.resolver.Resolver().resolve(name, kind, lifetime=timeout, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            unreachable.append(" ".join((str(error) or type(error).__name__).split())[:120])
            raise UnreachableError(unreachable[0]) from error
        return [_text(one) for one in answer]

    return lookup


def _text(data: object) -> str:
    """A record as text; the strings of a TXT are one (RFC 7208 section 3.3)."""
    strings = getattr(data, "strings", None)
    return b"".join(strings).decode("utf-8", "replace") if strings is not None else str(data)
