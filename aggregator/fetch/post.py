"""post: one bounded POST to a server that the owner named by its address.

Such a server may stand on this machine or in its own network, so those addresses are dialled, but for this request
only; what belongs to neither, such as a cloud's metadata at 169.254.169.254, stays closed. No redirect is followed, and
no proxy of the environment is asked: the owner named a server, and the request may hold a key.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing

import httpcore
import httpx

from aggregator.errors import FetchError
from aggregator.fetch.deadline import Deadline, remaining
from aggregator.fetch.decode import body
from aggregator.fetch.guard import Guard, RefusedError
from aggregator.fetch.network import Backend
from aggregator.fetch.question import fetchable
from aggregator.fetch.transport import trust
from aggregator.fetch.trouble import EXPECTED, cause_kind, line, place, reason, refusal

_OWN = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
"""This machine, and networks of one's own (RFC 1918, RFC 6598, RFC 4193)."""


def post(url: str, content: bytes, *, headers: Mapping[str, str], deadline: float, max_body: int = 2**20) -> bytes:
    """The body of the answer to a POST: of status 200, and of at most `max_body` bytes. Raises FetchError for all else.

    `deadline` are the seconds for all of it, from the name to the last byte.
    """
    target = httpx.URL(url)
    where = place(target)
    if not fetchable(target):
        raise FetchError(f"{where} cannot be asked; write it like http://localhost:11434/v1")
    guard = Guard(_OWN)
    try:
        guard.check_host(target.raw_host.decode("ascii"))
        with Deadline(deadline).running():
            return _exchange(target, content, headers, guard, max_body)
    except RefusedError as error:
        text = f"{where}: {line(error).partition(';')[0]}"
        raise FetchError(text, host=target.host, cause_kind="unreached") from error
    except EXPECTED as error:
        text = f"{where}: {reason(error, deadline)}"
        raise FetchError(text, host=target.host, cause_kind=cause_kind(error)) from error


def _exchange(target: httpx.URL, content: bytes, headers: Mapping[str, str], guard: Guard, max_body: int) -> bytes:
    question = httpcore.Request(
        "POST",
        httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path),
        headers=[
            ("Host", target.netloc.decode("ascii")),
            ("Content-Length", str(len(content))),
            ("Accept-Encoding", "identity"),
            *headers.items(),
        ],
        content=content,
    )
    tls = trust() if target.scheme == "https" else None
    with httpcore.ConnectionPool(ssl_context=tls, network_backend=Backend(guard)) as pool:
        answer = pool.handle_request(question)
        with closing(answer):
            return _body(answer, place(target), target.host, max_body)


def _body(answer: httpcore.Response, where: str, host: str, max_body: int) -> bytes:
    if answer.status != 200:
        what = "a redirect, which is not followed" if 300 <= answer.status < 400 else refusal(answer.status, None)
        raise FetchError(f"{where}: {what}", host=host, status=answer.status)
    encoding = httpx.Headers(answer.headers).get("content-encoding", "")
    return body(_chunks(answer), encoding, max_wire=max_body, max_body=max_body)


def _chunks(answer: httpcore.Response) -> Iterator[bytes]:
    for chunk in answer.iter_stream():
        remaining()  # what comes in many small pieces from a full buffer waits for no socket
        yield chunk
