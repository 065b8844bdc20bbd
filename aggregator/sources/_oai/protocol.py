"""protocol: a list of an archive, page by page: what is asked, and what becomes of refusals and breaks.

A resumption token stands alone beside the verb, and its pages may be asked for again; one that has expired means that
the list is begun anew. All waiting is the Fetcher's, so that the pause of arXiv's hosts is kept.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from aggregator import text
from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.sources._oai.answer import OAI, Answer, RefusalError, answer, day, document

Read = TypeVar("Read")

log = logging.getLogger(__name__)

RETRIES = 3
_FIRST_WAIT = 5.0
_MAX_PAGE = 32 * 2**20  # 3500 records, as arXiv gives them
_MAX_PAGES = 10_000
_PASSING = frozenset({408, 429})
_ACCEPT = "text/xml, application/xml"


@dataclass(frozen=True, slots=True)
class Repository:
    """What an archive says of itself: its name, its first day, and whether its datestamps have a time of day."""

    name: str
    earliest: date | None
    timed: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Which records of an archive: in one format, of one set ("" is all), last changed in these days, ends included.

    None for `since` or `until` leaves that end open. `timed` writes the days with the time of day, for archives whose
    datestamps have one: some of them take a bare day for its first second.
    """

    url: str
    prefix: str
    set: str = ""
    since: date | None = None
    until: date | None = None
    timed: bool = False

    def arguments(self) -> dict[str, str]:
        """The arguments of the request that begins the list."""
        first, last = ("T00:00:00Z", "T23:59:59Z") if self.timed else ("", "")
        told = {
            "set": self.set,
            "from": f"{self.since}{first}" if self.since else "",
            "until": f"{self.until}{last}" if self.until else "",
        }
        return {"metadataPrefix": self.prefix, **{name: value for name, value in told.items() if value}}


def identify(fetcher: Fetcher, url: str) -> Repository:
    """What the archive says of itself. Raises SourceError."""
    said = _ask(fetcher, url, {"verb": "Identify"}, document).find(f"{OAI}Identify")
    if said is None:
        raise ParseError(
            f"{_host(url)}: the archive does not say who it is; is this the address of an OAI-PMH archive?"
        )
    return Repository(
        name=text.cut(text.fold(said.findtext(f"{OAI}repositoryName") or ""), 200),
        earliest=day(said.findtext(f"{OAI}earliestDatestamp") or ""),
        timed="hh" in (said.findtext(f"{OAI}granularity") or ""),
    )


def pages(fetcher: Fetcher, question: Question) -> Iterator[Answer]:
    """The pages of the list, as they are read; none if nothing matches. Raises SourceError.

    A list that breaks because its token expired is begun anew, once: records may come twice, and are known by their
    identifiers.
    """
    try:
        yield from _list(fetcher, question)
    except RefusalError as error:
        if error.code != "badResumptionToken":
            raise
        log.info("%s: %s; the list is begun anew", _host(question.url), error)
        yield from _list(fetcher, question)


def _list(fetcher: Fetcher, question: Question) -> Iterator[Answer]:
    arguments = {"verb": "ListRecords", **question.arguments()}
    seen: set[str] = set()
    while len(seen) < _MAX_PAGES:
        try:
            page = _ask(fetcher, question.url, arguments, answer)
        except RefusalError as error:
            if error.code != "noRecordsMatch":
                raise
            if seen:  # the rest of the list is not where it was: it changed meanwhile
                raise RefusalError(f"{_host(question.url)}: the list broke off", "badResumptionToken") from error
            return
        yield page
        if not page.token:
            return
        if page.token in seen:
            raise ParseError(f"{_host(question.url)}: the archive's list goes in a circle after {len(seen) + 1} pages")
        seen.add(page.token)
        arguments = {"verb": "ListRecords", "resumptionToken": page.token}
    raise ParseError(f"{_host(question.url)}: the archive's list has more than {_MAX_PAGES} pages")


def _ask(fetcher: Fetcher, url: str, arguments: Mapping[str, str], read: Callable[[bytes], Read]) -> Read:
    """An answer, if it can be read; asked for again a few times if that may help. Raises SourceError."""
    address = f"{url}{'&' if '?' in url else '?'}{urlencode(arguments)}"
    failures: list[SourceError] = []
    while True:
        try:
            return read(fetcher.get(address, accept=_ACCEPT, max_body=_MAX_PAGE).body)
        except RefusalError as error:
            raise RefusalError(f"{_host(url)}: {error}", error.code) from error
        except ParseError as error:
            failures.append(ParseError(f"{_host(url)}: {error}"))
            failures[-1].__cause__ = error
        except FetchError as error:
            if error.own and failures:  # held longer than we wait: the answer that asked for it says more
                raise failures[-1] from error
            failures.append(error)
        _wait(fetcher, _host(url), failures)


def _wait(fetcher: Fetcher, host: str, failures: Sequence[SourceError]) -> None:
    """Have the next request wait as long as the server asked, or longer each time; raises the last failure for good."""
    error = failures[-1]
    if len(failures) > RETRIES or not _may_pass(failures):
        raise error
    if isinstance(error, FetchError) and error.retry_after:
        after = f"{error.retry_after.total_seconds():.0f} s, as it says"
    else:
        wait = _FIRST_WAIT * 2 ** (len(failures) - 1)
        fetcher.hold(host, wait)
        after = f"{wait:.0f} s"
    log.warning("%s; asking again after %s (%d of %d)", error, after, len(failures), RETRIES)


def _may_pass(failures: Sequence[SourceError]) -> bool:
    """Whether the same question may well be answered in a minute; two timeouts are enough."""
    error = failures[-1]
    if not isinstance(error, FetchError):
        return True
    if error.status is not None:
        return error.status in _PASSING or error.status >= 500
    slow = sum(isinstance(one, FetchError) and one.cause_kind == "timeout" for one in failures)
    return not (error.own or error.cause_kind == "unreached" or slow > 1)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
