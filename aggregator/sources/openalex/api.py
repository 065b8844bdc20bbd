"""api: OpenAlex's API behind the Fetcher: the key, the pages of a list, the sources that bear a venue's name.

Since February 2026 the API wants a key, free at https://openalex.org/settings/api; it goes into the query
(https://developers.openalex.org/api-reference/authentication), as a private parameter, which no log and no error shows.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from aggregator.errors import FetchError, InputError, SourceError
from aggregator.fetch import Fetcher
from aggregator.secret import secret
from aggregator.sources.openalex.names import VENUES, plain_name
from aggregator.sources.openalex.works import FIELDS, Answer, answer_of

_API = "https://api.openalex.org"
_KEY = "OPENALEX_API_KEY"
_HOME = "https://openalex.org/settings/api"
_PAGE = 100
_MAX_SOURCES = 50
_REFUSALS = frozenset({401, 403})
FINAL = _REFUSALS | {429}
"""Statuses after which every further question would fare the same: the key is wrong, or its day's allowance spent."""


class Api:
    """The API with the key of the environment. Raises SourceError, which says where to get one, if there is none."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        try:
            self._key = secret(_KEY, os.environ, f"an API key of OpenAlex, free at {_HOME},")
        except InputError as error:
            raise SourceError(str(error)) from error
        if not (self._key.isascii() and self._key.isprintable()):
            raise SourceError(f"{_KEY} holds characters that no key has; copy it again from {_HOME}")

    def works(self, asked: str, start: str = "") -> Iterator[Answer]:
        """The pages of the works that match a filter, the latest first, from the page that `start` leads to."""
        at = start or "*"
        while at:
            answer = self._ask(
                "works",
                {
                    "filter": asked,
                    "sort": "publication_date:desc",
                    "per_page": str(_PAGE),
                    "cursor": at,
                    "select": ",".join(FIELDS),
                },
            )
            following = "" if answer.next == at else answer.next  # a circle has no end
            yield replace(answer, next=following)
            at = following

    def sources(self, venue: str) -> list[str]:
        """The ids (S…) of the sources that bear a venue's name, over all its years; the largest 50."""
        wanted = VENUES[venue]
        answer = self._ask(
            "sources", {"search": wanted.search, "per_page": str(_PAGE), "select": "id,display_name,works_count"}
        )
        named = [row for row in answer.rows if plain_name(str(row.get("display_name"))) in wanted.names]
        ids = (str(row["id"]).rpartition("/")[2] for row in named)
        return [name for name in ids if name[:1] == "S" and name[1:].isdigit()][:_MAX_SOURCES]

    def _ask(self, what: str, query: dict[str, str]) -> Answer:
        address = f"{_API}/{what}?{urlencode(query, safe='*:,|')}"
        try:
            page = self._fetcher.get(address, accept="application/json", query={"api_key": self._key})
        except FetchError as error:
            raise self._told(error) from None  # its cause may show the whole address
        return answer_of(page.body.replace(self._key.encode(), b"..."))  # an answer may repeat the question

    def _told(self, error: FetchError) -> FetchError:
        """The error without the key, and with what to do if the key was refused."""
        text = str(error).replace(self._key, "…")
        if error.status in _REFUSALS:
            text = f"{text}; OpenAlex does not accept the key: look at {_KEY} and {_HOME}"
        return FetchError(
            text,
            host=error.host,
            status=error.status,
            retry_after=error.retry_after,
            own=error.own,
            cause_kind=error.cause_kind,
        )
