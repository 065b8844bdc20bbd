"""transport: httpx's transport over httpcore's pools, so that the guard and the deadline sit at the socket."""

import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from aggregator.fetch.guard import Deadline, Guard, GuardedBackend

MOST_UNDER_WAY = 32
"""Requests at a time: httpx's pool degrades badly with many more."""

_IDLE = 30.0


class GuardedTransport(httpx.BaseTransport):
    """Sends requests directly, or through the proxy that the environment configures for their host (NO_PROXY holds).

    Directly, only addresses that the guard permits are dialled. Behind a proxy, which resolves names itself, addresses
    written as such are checked before anything is sent. Certificates are verified; SSL_CERT_FILE is honoured.
    """

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard, self._deadline = guard, deadline
        self._tls = ssl.create_default_context()
        self._direct = httpcore.ConnectionPool(
            ssl_context=self._tls,
            max_connections=4 * MOST_UNDER_WAY,
            max_keepalive_connections=MOST_UNDER_WAY,
            keepalive_expiry=_IDLE,
            network_backend=GuardedBackend(guard, deadline),
        )
        self._proxies: dict[str, httpcore.ConnectionPool] = {
            scheme: self._proxied(url)
            for scheme, url in urllib.request.getproxies_environment().items()
            if scheme in ("http", "https", "all")
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.BaseTransport. Raises httpcore's exceptions as they are; the Fetcher puts them into words."""
        host, scheme = request.url.host, request.url.scheme
        pool = self._direct
        if not _proxy_bypass(f"{host}:{request.url.port or ''}".rstrip(":")):
            pool = self._proxies.get(scheme) or self._proxies.get("all") or pool
        if pool is not self._direct:
            self._guard.check_literal(host)
        answer = pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    def close(self) -> None:
        """Close all connections."""
        for pool in (self._direct, *self._proxies.values()):
            pool.close()

    def _proxied(self, url: str) -> httpcore.ConnectionPool:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return httpcore.HTTPProxy(
            proxy_url=f"{parts.scheme}://{parts.hostname}:{parts.port or 80}",
            proxy_auth=auth,
            ssl_context=self._tls,
            max_connections=4 * MOST_UNDER_WAY,
            max_keepalive_connections=MOST_UNDER_WAY,
            keepalive_expiry=_IDLE,
            network_backend=GuardedBackend(None, self._deadline),
        )


def _proxy_bypass(host: str) -> bool:
    """Whether NO_PROXY names the host."""
    return bool(urllib.request.proxy_bypass_environment(host))  # type: ignore[attr-defined] # typeshed omits it


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        with suppress(httpcore.NetworkError):
            self._answer.close()


class AnswerTransport(httpx.BaseTransport):
    """A network inside the process: `answer(url, headers)` gives status, headers and body. For the demo."""

    def __init__(self, answer: Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.BaseTransport."""
        status, headers, body = self._answer(str(request.url), dict(request.headers))
        return httpx.Response(status, headers=dict(headers), content=body)
