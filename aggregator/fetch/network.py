"""network: sockets for httpcore that dial only what was checked, and end at the deadline.

A name is resolved once, each answer is judged, and the very address that was judged is dialled: a name server that
answers differently the second time is never asked a second time.
"""

import queue
import selectors
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, TypeAlias

import httpcore

from aggregator.fetch.deadline import remaining
from aggregator.fetch.guard import Guard, RefusedError

_Found: TypeAlias = list[tuple[Any, ...]]

_PATIENCE = 10.0
"""Seconds for an address that does not answer, at most, as long as there is another one to try."""


class ProxyDownError(Exception):
    """The environment's proxy cannot be reached; carries why, since httpcore drops what an error came from."""

    def __init__(self, proxy: str, why: Exception) -> None:
        super().__init__(proxy)
        self.why = why


class Backend(httpcore.NetworkBackend):
    """Opens connections to what `guard` lets pass; without one, to anything: that is for the operator's own proxy."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline says
        local_address: str | None = None,  # noqa: ARG002 - the pools give none
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> "Stream":
        """A connection. Raises RefusedError, ProxyDownError, socket.gaierror and httpcore's errors."""
        try:
            with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
                return Stream(_dial(self._judged(_resolve(host, port))))
        except (socket.gaierror, httpcore.ConnectTimeout, httpcore.ConnectError) as error:
            if self._guard is None:
                raise ProxyDownError(f"{host}:{port}", error) from error
            raise

    def _judged(self, found: _Found) -> _Found:
        """The addresses that may be dialled, if any; else the refusal of the first."""
        if self._guard is None:
            return found
        good, refusals = [], []
        for one in found:
            try:
                self._guard.check(ip_address(one[4][0]))
                good.append(one)
            except RefusedError as refusal:
                refusals.append(refusal)
        if not good:
            raise refusals[0]
        return good


class Stream(httpcore.NetworkStream):
    """A connected socket, plain or TLS. The deadline takes the place of the timeouts that are passed."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Up to max_bytes; b"" at the end."""
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            self._sock.settimeout(remaining())
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Send all of it."""
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            while buffer:
                self._sock.settimeout(remaining())
                buffer = buffer[self._sock.send(buffer) :]

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> "Stream":
        """The same connection under TLS, with the peer's certificate verified as the context says."""
        try:
            with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._sock.settimeout(remaining())
                return Stream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname))
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> object:
        """What httpcore wants to know of a connection: its TLS, and whether it was closed while idle."""
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        if info == "is_readable":
            return _readable(self._sock)
        return self._sock if info == "socket" else None


@contextmanager
def _as(timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
    """Socket errors as httpcore's, with the original as the argument; name errors as they are."""
    try:
        yield
    except socket.gaierror:
        raise
    except TimeoutError as error:
        raise timeout(error) from error
    except OSError as error:
        raise failure(error) from error


def _resolve(host: str, port: int) -> _Found:
    """The addresses of a name. The system's resolver knows no deadline, so it is left behind when ours has come."""
    answers: queue.SimpleQueue[_Found | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=remaining())
    except queue.Empty:
        raise TimeoutError("the name server does not answer") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _dial(found: _Found) -> socket.socket:
    """A socket connected to the first address that answers."""
    for number, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        last = number == len(found) - 1
        try:
            sock.settimeout(remaining() if last else min(remaining() / (len(found) - number), _PATIENCE))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
            if last:
                raise
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise socket.gaierror(socket.EAI_NONAME, "the name has no address")


def _readable(sock: socket.socket) -> bool:
    """Whether an idle connection has something to say, which can only be that it is closed."""
    if sock.fileno() < 0:
        return True
    with getattr(selectors, "PollSelector", selectors.SelectSelector)() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))
