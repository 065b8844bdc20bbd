"""trouble: every failure in one line of words. Nothing of what was sent but host and path: it may hold a secret."""

import socket
import ssl
from datetime import timedelta
from typing import Literal

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

_TIMEOUTS = (httpx.TimeoutException, httpcore.TimeoutException, TimeoutError)
_UNREACHED = (
    httpx.ConnectError,
    httpx.ProxyError,
    httpcore.ConnectError,
    httpcore.ProxyError,
    socket.gaierror,
    ProxyDownError,
    RefusedError,
)
_LONGEST = 160
_WORDS = {
    400: "the server does not understand the request; check the address",
    401: "a login is needed; check the credentials",
    403: "refused; the server does not serve programs, or not from here",
    404: "not found; check the address",
    410: "gone for good; remove the source or find its new address",
    429: "too many requests",
    503: "the server is not available at the moment",
}


def place(url: httpx.URL) -> str:
    """Where a request went, as it may be shown: host and path, as they were sent."""
    path = url.raw_path.partition(b"?")[0].decode("ascii")
    return line(f"{url.host}{path}")


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
    match error:
        case ProxyDownError():
            why = _connection(_root(error.why), deadline)
            text = f"the proxy {error} cannot be used: {why}; check HTTP_PROXY and HTTPS_PROXY"
        case httpcore.ProxyError() | httpx.ProxyError():
            text = f"the proxy refuses: {line(error)}"
        case httpx.UnsupportedProtocol() | httpcore.UnsupportedProtocol():
            text = "only http and https are fetched"
        case httpx.RemoteProtocolError() | httpcore.RemoteProtocolError():
            text = f"the answer breaks off or is not HTTP ({_kind(error)})"
        case httpx.LocalProtocolError() | httpcore.LocalProtocolError():
            text = f"the request cannot be sent ({_kind(error)}); check its headers and credentials"
        case httpx.InvalidURL():
            text = f"redirects to what is no address ({_kind(error)})"
        case _:
            text = _connection(_root(error), deadline)
    return text


def cause_kind(error: Exception) -> Literal["", "unreached", "timeout"]:
    """Whether no connection came about, or no answer in time; see FetchError."""
    if isinstance(error, _TIMEOUTS):
        return "timeout"
    return "unreached" if isinstance(error, _UNREACHED) else ""


def _connection(root: BaseException, deadline: float) -> str:
    text = line(root)
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


def line(what: object) -> str:
    """Anything in one line that can be printed, of 160 characters at most."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(what)).split())
    return (text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…") or type(what).__name__


def _kind(error: Exception) -> str:
    """What kind of error it is, without the words at fault behind the colon or "value": an echo may hold a secret."""
    return line(error).partition(":")[0].partition(" value b'")[0]
