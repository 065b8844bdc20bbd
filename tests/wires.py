"""wires: real servers on 127.0.0.1 for tests that need a socket: what they say is written byte by byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[[socket.socket, str], None]
"""Answers one request, given the connection and the request's head; it may close the connection."""


@dataclass
class Wire:
    """A running server: its port, the heads of the requests that came, and how many connections."""

    port: int
    heads: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serve(handler: Handler) -> Iterator[Wire]:
    """A server whose every request is answered by `handler`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    wire = Wire(listener.getsockname()[1])
    threads: list[threading.Thread] = []
    open_ones: set[socket.socket] = set()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while head := read_head(connection):
                wire.heads.append(head)
                handler(connection, head)
        open_ones.discard(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                wire.connections += 1
                open_ones.add(connection)
                thread = threading.Thread(target=talk, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield wire
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(2)
        for connection in list(open_ones):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(2)


def read_head(connection: socket.socket) -> str:
    """A request's head; "" at the end of the connection."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        if not more:
            return ""
        data += more
    return data.decode("latin-1")


def answer(body: bytes = b"", *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """A whole HTTP answer; `headers` are lines that end in CRLF, `length` may lie."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {size}\r\n\r\n".encode() + body


def always(reply: bytes) -> Handler:
    """A handler that says one thing."""
    return lambda connection, _: connection.sendall(reply)


def pump(one: socket.socket, other: socket.socket) -> None:
    """Copy both ways until one side closes."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join(2)
