"""words: what went wrong with a request, in a line that a reader understands, without the query, which may be secret."""

import ssl
from http import HTTPStatus

import httpcore
import httpx

from aggregator.errors import FetchError
from aggregator.fetch.guard import ForbiddenError

_NEXT = {
    401: "it asks for a login",
    403: "it does not want us there",
    404: "check the address",
    410: "it is gone for good; take the source out of config.toml",
    429: "too many requests",
}


def place(url: httpx.URL) -> str:
    """Host and path of an address."""
    return f"{url.host}{url.path}"


def refused(url: httpx.URL, status: int) -> str:
    """The text for an answer that is neither 200 nor 304."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    hint = f"; {_NEXT[status]}" if status in _NEXT else ""
    return f"{place(url)} answered HTTP {status} {phrase}{hint}"


def failed(url: httpx.URL, error: Exception, deadline: float) -> FetchError:
    """The FetchError for what the network layers raised."""
    host = url.host
    return FetchError(f"{host}: {_reason(error, deadline)}", host=host)


def _reason(error: Exception, deadline: float) -> str:
    text = str(error) or type(error).__name__
    if certificate := _certificate_error(error):
        return f"its certificate is not trusted ({certificate.verify_message})"
    for kinds, words in (
        ((ForbiddenError, FetchError), text),
        ((httpcore.ProxyError,), f"the proxy refused the connection ({text})"),
        ((httpcore.TimeoutException, httpx.TimeoutException), f"no whole answer within {deadline:g} s"),
        ((httpcore.ConnectError, httpx.ConnectError), f"cannot be reached ({text})"),
        ((httpcore.RemoteProtocolError, httpx.RemoteProtocolError), f"broke off the connection ({text})"),
    ):
        if isinstance(error, kinds):
            return words
    return f"the connection failed ({text})"


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """What OpenSSL said of a certificate, if that is at the bottom of the error."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
