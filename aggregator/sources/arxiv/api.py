"""api: arXiv's API through the `arxiv` package, with its requests sent through the Fetcher and its pages checked.

The package keeps its Search, Client and Result. Its own session has no timeout, and it takes "Rate exceeded.", a web
page or an empty page for the end of the list; so the session gets an adapter that asks the Fetcher and hands on only
pages that can be believed. The package asks again for what looks like a lost connection: that is how a failure is
passed to it. The waiting is the Fetcher's, which keeps arXiv's three seconds over all its hosts and all processes.
"""

import logging
from collections.abc import Iterator, Mapping
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import arxiv
import requests
from requests.adapters import BaseAdapter

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.sources.arxiv.page import RefusalError, believe
from aggregator.sources.arxiv.paper import Paper

log = logging.getLogger(__name__)

RETRIES = 3
_FIRST_WAIT = 5.0
_MAX_PAGE = 24 * 2**20  # 2000 entries with long author lists
_PASSING = frozenset({403, 406, 408, 429})
"""Refusals that arXiv gives when it is busy and takes back later, beside those from 500 on."""


class Api:
    """One conversation with the API. `total` is how many results arXiv counted for the last question."""

    def __init__(self, fetcher: Fetcher, page_size: int, *, never_empty: bool = False) -> None:
        self._door = _Door(fetcher, never_empty=never_empty)
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", self._door)
        self._client = arxiv.Client(page_size=page_size, delay_seconds=0, num_retries=RETRIES)
        self._client._session = session  # noqa: SLF001 - the only way in, and the one the package's tests use

    @property
    def total(self) -> int:
        """How many results arXiv counted for the last question."""
        return self._door.total

    def ask(
        self, query: str, sort: arxiv.SortCriterion, order: arxiv.SortOrder = arxiv.SortOrder.Descending
    ) -> Iterator[Paper]:
        """All papers that match, page by page as they are read. Raises SourceError, with a failed page in its place."""
        search = arxiv.Search(query=query, max_results=None, sort_by=sort, sort_order=order)
        try:
            for result in self._client.results(search):
                yield Paper.of(result)
        except _Again as again:
            raise again.error from again
        except (arxiv.ArxivError, requests.RequestException, ValueError, TypeError, LookupError) as error:
            raise ParseError(f"the answer of arXiv cannot be read ({error})") from error


def results(body: bytes) -> list[Paper]:
    """The papers of one API page. Raises ParseError."""
    believe(body, 0, never_empty=False)
    return [Paper.of(result) for result in arxiv._feed.parse(body).results]  # noqa: SLF001 - the package's own reader


class _Again(requests.ConnectionError):
    """What makes the package ask again; carries the failure in our words."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


class _Door(BaseAdapter):
    """The transport adapter between the package's session and the Fetcher."""

    def __init__(self, fetcher: Fetcher, *, never_empty: bool) -> None:
        super().__init__()
        self.total = 0
        self._fetcher = fetcher
        self._never_empty = never_empty
        self._failures = 0
        self._timeouts = 0
        self._last: SourceError | None = None

    def send(  # noqa: PLR0917
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - the signature is given
        timeout: object = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002, FBT001, FBT002
        cert: object = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """The page, if it is one. Raises _Again for what may pass, SourceError for what will not."""
        url = str(request.url)
        start = int(parse_qs(urlsplit(url).query).get("start", ["0"])[0])
        try:
            page = self._fetcher.get(url, accept="application/atom+xml", max_body=_MAX_PAGE)
            self.total = believe(page.body, start, never_empty=self._never_empty)
        except SourceError as error:
            raise self._verdict(error, urlsplit(url).hostname or "") from error
        self._failures, self._timeouts, self._last = 0, 0, None
        response = requests.Response()
        response.status_code, response.url, response.request = 200, page.url, request
        response.raw = BytesIO(page.body)
        return response

    def close(self) -> None:
        """Nothing to close: the Fetcher is not ours."""

    def _verdict(self, error: SourceError, host: str) -> SourceError | _Again:
        """What to raise for a failed try: whether to ask again, and after how long. Writes the one line about it."""
        if isinstance(error, FetchError) and error.status is None and error.retry_after and self._last:
            return self._last  # held longer than we wait: the answer that asked for it says more
        self._failures += 1
        self._last = error
        if self._failures > RETRIES or not self._may_pass(error):
            log.info("arxiv: %s; not asked again in this visit", error)  # whoever catches it says it aloud
            return error
        if isinstance(error, FetchError) and error.retry_after:
            after = f"{error.retry_after.total_seconds():.0f} s, as it says"
        else:
            wait = _FIRST_WAIT * 2 ** (self._failures - 1)
            self._fetcher.hold(host, wait)
            after = f"{wait:.0f} s"
        log.warning("arxiv: %s; asking again after %s (%d of %d)", error, after, self._failures, RETRIES)
        return _Again(error)

    def _may_pass(self, error: SourceError) -> bool:
        """Whether the same question may well be answered in a minute."""
        if isinstance(error, RefusalError):
            return False
        if not isinstance(error, FetchError):
            return True
        if error.status is not None:
            return error.status in _PASSING or error.status >= 500
        if error.cause_kind == "timeout":
            self._timeouts += 1
        return not (error.retry_after or error.cause_kind == "unreached" or self._timeouts > 1)
