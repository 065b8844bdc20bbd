"""transport: httpx over httpcore, directly or through the environment's proxy."""

import logging
import os
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from aggregator.errors import InputError
from aggregator.fetch.guard import Guard
from aggregator.fetch.network import Backend

logging.getLogger("httpcore").setLevel(logging.INFO)  # its debug lines hold whole headers, secrets and all

_KEPT = 64
_EXPIRY = 15.0

Answer: TypeAlias = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
"""From an address and request headers (names in lower case) to status, headers and body."""


class NetTransport(httpx.BaseTransport):
    """The real network. Connects only to what `guard` lets pass; certificates are verified.

    Proxies come from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), read once. A proxy resolves the
    names itself, so its own address is not judged: it is the operator's. SSL_CERT_FILE and SSL_CERT_DIR name
    certificates to trust in place of the system's. Raises InputError for a proxy that is of no use.

    Each server has a pool of its own, with one idle connection: the time that httpcore needs to choose grows with the
    square of the connections in a pool. A server must be asked one request at a time. A kept connection may have been
    closed by the server a moment ago; what fails on one is asked once more on a new one (RFC 9112 section 9.3.1).
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._environment = urllib.request.getproxies_environment()
        named = {scheme: self._environment.get(scheme) or self._environment.get("all") for scheme in ("http", "https")}
        self._proxies = {scheme: _proxy(address) for scheme, address in named.items() if address}
        self._lock = threading.Lock()
        self._pools: dict[str, httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read. Raises httpcore's errors and those of guard and network."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        question = httpcore.Request("GET", target, headers=request.headers.raw)
        pool = self._pool(target)
        kept = bool(pool.connections)
        try:
            answer = self._ask(pool, question)
        except (httpcore.RemoteProtocolError, httpcore.NetworkError):
            if not kept:
                raise
            answer = self._ask(self._pool(target), question)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def _ask(self, pool: httpcore.ConnectionPool, question: httpcore.Request) -> httpcore.Response:
        """The answer; the connections to a server that failed are closed: httpcore keeps some that broke early."""
        try:
            return pool.handle_request(question)
        except BaseException:
            with self._lock:
                self._pools.pop(str(question.url.origin), None)
            pool.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return trust()

    def _pool(self, url: httpcore.URL) -> httpcore.ConnectionPool:
        """The server's pool, now the last in the row; the first ones in the row that are idle are closed."""
        name = str(url.origin)
        with self._lock:
            pool = self._pools.pop(name, None)
            if pool and _spoilt(pool):
                pool.close()
                pool = None
            self._pools[name] = pool = pool or self._open(url)
            for old in list(self._pools)[:-_KEPT]:
                if all(connection.is_idle() for connection in self._pools[old].connections):
                    self._pools.pop(old).close()
        return pool

    def _open(self, url: httpcore.URL) -> httpcore.ConnectionPool:
        proxy = self._proxies.get(url.scheme.decode())
        if not proxy or urllib.request.proxy_bypass_environment(url.host.decode(), self._environment):  # type: ignore[attr-defined]
            return httpcore.ConnectionPool(
                ssl_context=self._tls,
                max_connections=None,
                max_keepalive_connections=1,
                keepalive_expiry=_EXPIRY,
                network_backend=Backend(self._guard),
            )
        return httpcore.HTTPProxy(
            proxy[0],
            proxy_auth=proxy[1],
            ssl_context=self._tls,
            max_connections=None,
            max_keepalive_connections=1,
            keepalive_expiry=_EXPIRY,
            network_backend=Backend(None),
        )


class AnswerTransport(httpx.BaseTransport):
    """No network at all: answers come from a function. For samples that are shipped with the program."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What the function says."""
        status, headers, content = self._answer(str(request.url), request.headers)
        return httpx.Response(status, headers=dict(headers), content=content)


class _Body(httpx.SyncByteStream):
    """The body of an answer as it comes; closing it early closes the connection."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _spoilt(pool: httpcore.ConnectionPool) -> bool:
    """Whether a kept connection holds bytes that came after the answer's end: they would open the next answer.

    httpcore shows them nowhere, so this looks below: connections that go through a proxy wrap another one.
    """
    for connection in pool.connections:
        inner: object = connection
        while wrapped := getattr(inner, "_connection", None):
            inner = wrapped
        unread: bytes = getattr(getattr(inner, "_h11_state", None), "trailing_data", (b"",))[0]
        if unread:
            return True
    return False


def _proxy(text: str) -> tuple[str, tuple[str, str] | None]:
    """A proxy's address and its user and password, out of an environment variable. Raises InputError."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or 80
    except ValueError as error:
        raise InputError(f"the proxy of the environment is no address ({error})") from None
    if parts.scheme != "http" or not parts.hostname:
        raise InputError(f"the proxy {parts.scheme}://{parts.hostname or ''} is of no use: only http:// is")
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"http://{host}:{port}", user


def trust() -> ssl.SSLContext:
    """The system's certificates or those of the environment; httpx's own where the system has none."""
    paths = ssl.get_default_verify_paths()
    named = os.environ.get(paths.openssl_cafile_env) or os.environ.get(paths.openssl_capath_env)
    if named or paths.cafile or (paths.capath and any(os.scandir(paths.capath))):
        return ssl.create_default_context()
    return httpx.create_ssl_context()
