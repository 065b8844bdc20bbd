"""question: what a GET asks for, and which of its hops may be told what."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx

from aggregator.errors import FetchError
from aggregator.fetch.page import Validators
from aggregator.fetch.trouble import line


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked for. No address in it, or derived from it, holds a user, a fragment or a private parameter.

    `headers` and `query` are private: they go to the host of `url` only. `validators` go to the address
    `validators_of` only, wherever on the way it is met; None is an address that is never met.
    """

    url: httpx.URL
    accept: str
    validators: Validators
    validators_of: httpx.URL | None
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(repr=False)
    max_wire: int
    max_body: int

    def conditional(self, url: httpx.URL) -> bool:
        """Whether this hop is asked on a condition, so that it may answer 304."""
        return url == self.validators_of and self.validators != Validators()

    def request(self, url: httpx.URL, agent: str) -> httpx.Request:
        """The request for one hop."""
        headers = [(b"User-Agent", agent.encode()), (b"Accept-Encoding", b"gzip")]
        if "accept" not in {name.lower() for name in self.headers}:
            headers.append((b"Accept", self.accept.encode("ascii")))
        if self.conditional(url):
            headers += self.validators.questions()
        if _same_host(self.url, url):
            headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in self.headers.items()]
            url = url.copy_merge_params(self.query) if self.query else url
        return httpx.Request("GET", url, headers=headers)

    def public(self, url: httpx.URL) -> httpx.URL:
        """An address that a server gave, without what is private: it may repeat our query."""
        return bare(url, self.query)


def ask(
    url: str,
    *,
    accept: str,
    validators: Validators | None,
    validators_of: str,
    headers: Mapping[str, str] | None,
    query: Mapping[str, str] | None,
    max_wire: int,
    max_body: int,
) -> Question:
    """The question that the arguments of Fetcher.get make. Raises FetchError if the address is none."""
    target, private = _target(url, headers or {})
    target = bare(target, query or {})
    return Question(
        url=target,
        accept=accept,
        validators=validators or Validators(),
        validators_of=_address(validators_of) if validators_of else target,
        headers=private,
        query=query or {},
        max_wire=max_wire,
        max_body=max_body,
    )


def bare(url: httpx.URL, query: Mapping[str, str]) -> httpx.URL:
    """The address without user, fragment, and the parameters that `query` names."""
    url = url.copy_with(userinfo=b"", fragment=None)
    if query and any(name in query for name, _ in parse_qsl(url.query.decode("ascii"), keep_blank_values=True)):
        for name in query:
            url = url.copy_remove_param(name)
    return url


def fetchable(url: httpx.URL) -> bool:
    """Whether it can be asked for at all. The system's resolver folds a port beyond 65535 into another one."""
    return url.scheme in {"http", "https"} and bool(url.host) and (url.port is None or 0 < url.port < 2**16)


def _target(url: str, headers: Mapping[str, str]) -> tuple[httpx.URL, Mapping[str, str]]:
    """The address, and the headers with its user made one. Raises FetchError."""
    try:
        parsed = httpx.URL(url)
        cause = "" if fetchable(parsed) else "only http and https with a host, and a port of at most 65535, are"
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        parsed, cause = httpx.URL(), line(error).partition(":")[0]
    if cause:
        raise FetchError(f"{_shown(str(url))!r} cannot be fetched: {cause}")
    if not parsed.userinfo:
        return parsed, headers
    user = base64.b64encode(f"{parsed.username}:{parsed.password}".encode()).decode("ascii")
    return parsed, {"Authorization": f"Basic {user}", **headers}


def _address(url: str) -> httpx.URL | None:
    """An address out of a cursor."""
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        return None


def _shown(text: str) -> str:
    """As much of what is no address as holds neither a query nor, wherever its "@" stands, a password."""
    head = re.split(r"[?#]", text)[0]
    safe = "@" in head or "@" not in text
    return head.rpartition("@")[2][:200] if safe else f"{head.partition('//')[0]}//…"


def _same_host(asked: httpx.URL, url: httpx.URL) -> bool:
    """Whether what was meant for `asked` may be told to `url`: the same server, or the same host under TLS."""
    same = (asked.host, asked.scheme, asked.port) == (url.host, url.scheme, url.port)
    return same or (asked.host == url.host and url.scheme == "https" and asked.port is url.port is None)
