"""trouble: every failure in one line of words. No query strings: they may hold a secret."""

import socket
import ssl
from datetime import timedelta

import httpcore
import httpx

from aggregator.fetch.decode import BodyError
from aggregator.fetch.guard import RefusedError
from aggregator.fetch.network import ProxyDownError

EXPECTED = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    BodyError,
    ProxyDownError,
    RefusedError,
    OSError,
    ValueError,
)
"""What may go wrong between here and a server. Anything else is a bug."""

_WORDS = {
    400: "the server does not understand the request; check the address",
    401: "a login is needed; check the source's credentials",
    403: "refused; the server does not serve programs, or not from here",
    404: "not found; check the address",
    410: "gone for good; remove the source or find its new address",
    429: "too many requests",
    503: "the server is not available at the moment",
}


def place(url: httpx.URL) -> str:
    """Where a request went, as it may be shown: host and path."""
    return f"{url.host}{url.path}"


def refusal(status: int, wait: timedelta | None) -> str:
    """What a status other than 200 and 304 means, and what next."""
    words = _WORDS.get(status)
    if words is None and 300 <= status < 400:
        words = "a redirect that leads nowhere"
    elif words is None:
        words = "the server has trouble of its own" if status >= 500 else "the server refuses"
    if wait is not None:
        return f"{status}, {words}; it asks to be left alone for {span(wait)}"
    return f"{status}, {words}" + ("; it will be asked again later" if status == 429 or status >= 500 else "")


def reason(error: Exception, deadline: float) -> str:
    """Why a request failed, in words for the reader of a log."""
    if isinstance(error, ProxyDownError):
        why = _connection(_root(error.why), deadline)
        return f"the proxy {error} cannot be used: {why}; check HTTP_PROXY and HTTPS_PROXY"
    if isinstance(error, httpcore.ProxyError | httpx.ProxyError):
        return f"the proxy refuses: {_line(error)}"
    if isinstance(error, httpx.UnsupportedProtocol | httpcore.UnsupportedProtocol):
        return "only http and https are fetched"
    if isinstance(error, httpx.RemoteProtocolError | httpcore.RemoteProtocolError):
        return f"the answer breaks off or is not HTTP ({_line(error)})"
    return _connection(_root(error), deadline)


def _connection(root: BaseException, deadline: float) -> str:
    text = _line(root)
    match root:
        case httpx.TimeoutException() | httpcore.TimeoutException() | TimeoutError():
            text = f"no answer within {deadline:g} s"
        case socket.gaierror(errno=socket.EAI_AGAIN):
            text = "name not found; no name server answers, is there a network?"
        case socket.gaierror():
            text = "name not found; check the address"
        case ssl.SSLCertVerificationError():
            why = getattr(root, "verify_message", text)
            text = f"certificate not trusted ({why}); SSL_CERT_FILE can name others"
        case ssl.SSLError():
            text = f"no secure connection ({getattr(root, 'reason', '') or text})"
        case ConnectionRefusedError():
            text = "connection refused"
        case ConnectionError() | httpcore.ReadError() | httpcore.WriteError() | httpx.ReadError() | httpx.WriteError():
            text = "the connection broke off"
        case httpx.ConnectError() | httpcore.ConnectError():
            text = f"cannot be reached ({text})"
        case OSError():
            text = f"cannot be reached ({root.strerror or text})"
    return text


def span(time: timedelta) -> str:
    """A length of time in words: 90 s, 5 min, 3 h, 2 days."""
    seconds = time.total_seconds()
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _root(error: BaseException) -> BaseException:
    """The first cause: httpcore hands an error on as the argument of its own, and drops __cause__."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error.__cause__
    return error if inner is None else _root(inner)


def _line(error: BaseException) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return text[:160] or type(error).__name__
