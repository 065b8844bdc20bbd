"""transport: httpx over httpcore, directly or through the environment's proxy."""

import os
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from aggregator.errors import InputError
from aggregator.fetch.guard import Guard
from aggregator.fetch.network import Backend

_IDLE = 64
_EXPIRY = 15.0

Answer: TypeAlias = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
"""From an address and request headers (names in lower case) to status, headers and body."""


class NetTransport(httpx.BaseTransport):
    """The real network. Connects only to what `guard` lets pass; certificates are verified.

    Proxies come from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), read once. A proxy resolves the
    names itself, so its own address is not judged: it is the operator's. SSL_CERT_FILE and SSL_CERT_DIR name
    certificates to trust in place of the system's.
    """

    def __init__(self, guard: Guard) -> None:
        self._tls = _trust()
        self._proxies = urllib.request.getproxies_environment()
        self._lock = threading.Lock()
        self._pools: dict[str, httpcore.ConnectionPool] = {
            "": httpcore.ConnectionPool(
                ssl_context=self._tls,
                max_connections=None,
                max_keepalive_connections=_IDLE,
                keepalive_expiry=_EXPIRY,
                network_backend=Backend(guard),
            )
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read. Raises httpcore's errors and those of guard and network."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        answer = self._pool(url).handle_request(
            httpcore.Request(request.method, target, headers=request.headers.raw, extensions=request.extensions)
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all") or ""
        host = url.raw_host.decode("ascii")
        if proxy and urllib.request.proxy_bypass_environment(host, self._proxies):  # type: ignore[attr-defined]
            proxy = ""
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._behind(proxy)
            return self._pools[proxy]

    def _behind(self, proxy: str) -> httpcore.ConnectionPool:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if parts.scheme != "http" or not parts.hostname:
            raise InputError(f"the proxy {parts.scheme}://{parts.hostname or ''} is of no use: only http:// is")
        user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return httpcore.HTTPProxy(
            f"http://{host}:{parts.port or 80}",
            proxy_auth=user,
            ssl_context=self._tls,
            max_connections=None,
            max_keepalive_connections=_IDLE,
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


def _trust() -> ssl.SSLContext:
    """The system's certificates or those of the environment; httpx's own where the system has none."""
    paths = ssl.get_default_verify_paths()
    named = os.environ.get(paths.openssl_cafile_env) or os.environ.get(paths.openssl_capath_env)
    if named or paths.cafile or (paths.capath and any(os.scandir(paths.capath))):
        return ssl.create_default_context()
    return httpx.create_ssl_context()
