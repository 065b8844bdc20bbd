"""mailing: the two sides of the crash test of mail, each a process of its own.

    python -m tests.mailing peer LOG                         a mail server; prints its port
    python -m tests.mailing send URL PORT POLICY [POINT N]   the deliver step; prints "ready", then what came of it

The peer writes a line to LOG for each message it takes responsibility for, before it says so. It refuses an address
that begins "greylisted" once, with 450, "full" once, with 452 after the final dot, and "gone" always, with 550 5.1.1.

The sender kills itself (SIGKILL) at the N-th time it comes by POINT, "before" or "after" one of POINTS. The program
knows nothing of this: its methods are wrapped from outside.
"""

import asyncio
import hashlib
import json
import os
import re
import signal
import smtplib
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from aggregator import pipeline
from aggregator.deliver import SmtpMailer, smtp
from aggregator.store import Store
from tests.stores import NOW

_CALLS: dict[str, tuple[Any, str]] = {
    "reclaim": (Store, "reclaim"),
    "claim": (Store, "claim"),
    "send": (SmtpMailer, "send"),
    "connect": (SmtpMailer, "_opened"),
    "body": (smtp, "_body"),
    "mark": (Store, "mark_data_sent"),
    "settle": (Store, "settle_sent"),
    "quit": (SmtpMailer, "close"),
}
_VERBS = ("RSET", "MAIL", "RCPT", "DATA")
POINTS = (*_CALLS, *_VERBS, "dot", "reply")


class Point:
    """Where the sender kills itself."""

    def __init__(self, name: str, number: int) -> None:
        self._name, self._left = name, number

    def passed(self, name: str) -> None:
        """Die, if this was the moment."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, label: Callable[..., str]) -> None:
        """Come by before and after each call of a function."""
        real = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            called = label(*arguments)
            self.passed(f"before {called}")
            result = real(*arguments, **options)
            self.passed(f"after {called}")
            return result

        setattr(owner, name, wrapped)


def send(url: str, port: int, policy: Any, point: str = "", number: int = 0) -> None:
    """The deliver step."""
    place = Point(point, number)
    for label, (owner, name) in _CALLS.items():
        place.around(owner, name, lambda *_, label=label: label)
    place.around(smtp, "_ask", lambda _, verb, *__: verb)
    state = {"dot": False}

    def said(_: object, data: bytes) -> str:
        state["dot"] = data == b".\r\n"
        return "dot" if state["dot"] else "something"

    place.around(smtplib.SMTP, "send", said)
    place.around(smtplib.SMTP, "getreply", lambda _: "reply" if state["dot"] else "another reply")
    with Store(url) as store, closing(SmtpMailer("127.0.0.1", port, security="none", per_connection=50)) as mailer:
        store.outbox_counts()
        print("ready", flush=True)
        outcome = pipeline.deliver(store, mailer, now=NOW, worker=str(os.getpid()), in_doubt=policy)
        print(json.dumps(outcome.counts), flush=True)


class Peer(asyncio.Protocol):
    """One conversation."""

    connections = 0
    once: set[str] = set()  # noqa: RUF012 - of the whole process
    log: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        Peer.connections += 1
        self._number, self._transport, self._rest, self._to, self._in_data = Peer.connections, transport, b"", "", False
        transport.write(b"220 peer\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer all that is whole."""
        self._rest += data
        while True:
            whole, found, rest = self._rest.partition(b"\r\n.\r\n" if self._in_data else b"\r\n")
            if not found:
                return
            self._rest = rest
            answer = self._taken(whole + b"\r\n") if self._in_data else self._said(whole.decode())
            self._transport.write(f"{answer}\r\n".encode())

    def _said(self, line: str) -> str:
        verb = line[:4].upper()
        self._in_data = verb == "DATA"
        if verb == "RCPT":
            self._to = line.partition("<")[2].rstrip(">")
            if self._to.startswith("gone"):
                return "550 5.1.1 no such user"
            if self._to.startswith("greylisted") and self._first():
                return "450 4.2.0 greylisted"
        return {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")

    def _taken(self, data: bytes) -> str:
        self._in_data = False
        if self._to.startswith("full") and self._first():
            return "452 4.2.2 full"
        raw = re.sub(rb"(?m)^\.\.", b".", data)
        named = re.search(rb"(?mi)^Message-ID: *(\S+)", raw)
        line = {
            "to": self._to,
            "sha256": hashlib.sha256(raw).hexdigest(),
            "message_id": named[1].decode() if named else "",
            "connection": self._number,
        }
        Peer.log.write(json.dumps(line) + "\n")
        Peer.log.flush()
        return "250 2.0.0 Ok: queued"

    def _first(self) -> bool:
        first = self._to not in Peer.once
        Peer.once.add(self._to)
        return first


async def peer(log: Path) -> None:
    """Serve until killed."""
    Peer.log = log.open("a")
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "peer":
        asyncio.run(peer(Path(sys.argv[2])))
    else:
        url, port, policy, *point = sys.argv[2:]
        send(url, int(port), policy, *(point and (point[0], int(point[1]))))
