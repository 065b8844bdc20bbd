"""post: what a mailbox brings at one visit, and whose letters are wanted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ADDRESS = re.compile(r"[^@\s<>\",;]{1,64}@[^@\s<>\",;]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message as it lies in the mailbox, or why it could not be had. `name` is the mailbox's own name for it."""

    name: str
    body: bytes = b""
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """The messages that came, the earliest first, what to remember, and how many are left for the next visit."""

    arrivals: tuple[Arrival, ...]
    cursor: Mapping[str, Any]
    left: int = 0
    note: str = ""


def wants(sender: str, senders: Sequence[str]) -> bool:
    """Whether a From names one of the senders, addresses or domains ("@example.org"); any does, if there is none.

    Nobody proves a From: what forgers send is for the mail server's filter to keep out.
    """
    found = [address.lower() for address in _ADDRESS.findall(sender[:5000])]
    return not senders or any(
        one == want or (want[0] == "@" and one.endswith(want)) for one in found for want in senders
    )
