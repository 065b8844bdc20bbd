"""arxiv: papers of arXiv by category: the API for what was submitted or revised, the daily feed for what was announced.

The look-back is for papers held by moderation: they show up days later under the date of their submission.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated

from arxiv import SortCriterion, SortOrder
from pydantic import Field, StringConstraints

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher, Validators
from aggregator.model import Batch, Cursor, Entry, Window
from aggregator.sources import Source
from aggregator.sources.arxiv.announcements import announcements
from aggregator.sources.arxiv.api import Api, results
from aggregator.sources.arxiv.page import atom, total
from aggregator.sources.arxiv.paper import Paper

log = logging.getLogger(__name__)

_FIRST_WINDOW = timedelta(days=7)
_OPENED = date(1991, 1, 1)
_YEAR = timedelta(days=365)
_CATEGORY = re.compile(r"^[a-z]+(-[a-z]+)?(\.([A-Z]{2}|[a-z]+-[a-z]+))?$")
_ATOM = "https://rss.arxiv.org/atom/"

Category = Annotated[str, StringConstraints(pattern=_CATEGORY)]


class Arxiv(Source):
    """New papers and new versions in the given categories, listed there first or crossed over."""

    categories: tuple[Category, ...] = Field(default=("cs.SD", "eess.AS"), min_length=1)
    lookback_days: int = Field(default=7, ge=0, le=60)
    page_size: int = Field(default=500, ge=1, le=2000)

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. The API and the daily feed may fail on their own; each is then asked again from there."""
        past = cursor if cursor and cursor.get("categories") == list(self.categories) else {}
        until = datetime.fromisoformat(past["until"]) if "until" in past else now - _FIRST_WINDOW
        since = until - timedelta(days=self.lookback_days)
        found, api_error = self._changed(fetcher, since, now)
        told, validators, feed_error = self._announced(fetcher, Validators.from_dict(past.get("atom", {})), now)
        if api_error and feed_error and not found:
            log.info("arxiv: the daily feed failed too: %s", feed_error)
            raise api_error
        missing = [f"the API: {api_error}"] if api_error else []
        missing += [f"the daily feed: {feed_error}"] if feed_error else []
        after: Cursor = {"categories": list(self.categories), "atom": validators.as_dict()}
        if not api_error:
            after["until"] = now.isoformat()
        elif "until" in past:
            after["until"] = past["until"]
        return Batch(entries=_merged(found, told), cursor=after, missing="; ".join(missing))

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The entries of an API page or of a daily feed."""
        if total(atom(body)) is None:
            return announcements(body, now)
        return [paper.entry(now, now - _FIRST_WINDOW) for paper in results(body)]

    def slices(self, window: Window) -> tuple[Window, ...]:
        """Calendar weeks; before them three stretches of older papers, for what got a new version in the window."""
        edges = [window.first, window.first - _YEAR, window.first - 3 * _YEAR, _OPENED]
        older = [
            Window(max(start, _OPENED), end - timedelta(days=1)) for end, start in pairwise(edges) if end > _OPENED
        ]
        return (*older, *_weeks(window))

    def backfill(self, fetcher: Fetcher, piece: Window, window: Window, now: datetime) -> Batch:
        """See Source.backfill. A piece before the window brings its papers with a new version since then."""
        dates = f"[{piece.first:%Y%m%d}0000 TO {piece.last + timedelta(days=1):%Y%m%d}0000]"
        query = f"({self._query}) AND submittedDate:{dates}"
        start = datetime.combine(window.first, datetime.min.time(), UTC)
        api = Api(fetcher, self.page_size)
        if piece.last < window.first:
            older = _until(api.ask(query, SortCriterion.LastUpdatedDate), start)
            return Batch(entries=tuple(replace(p.entry(now, start), news=False) for p in older), cursor={})
        papers = list(api.ask(query, SortCriterion.SubmittedDate, SortOrder.Ascending))
        missing = "" if len(papers) == api.total else f"arXiv counts {api.total} papers and gave {len(papers)}"
        return Batch(entries=tuple(paper.entry(now, start) for paper in papers), cursor={}, missing=missing)

    @property
    def _query(self) -> str:
        return " OR ".join(f"cat:{category}" for category in self.categories)

    def _changed(self, fetcher: Fetcher, since: datetime, now: datetime) -> tuple[dict[str, Entry], SourceError | None]:
        """The papers submitted or revised from `since` on by key, as far as the API gave them."""
        found: dict[str, Entry] = {}
        api = Api(fetcher, self.page_size, never_empty=True)
        try:
            for paper in _until(api.ask(self._query, SortCriterion.LastUpdatedDate), since):
                entry = paper.entry(now, since)
                found.setdefault(entry.key, entry)
        except SourceError as error:
            return found, error
        return found, None

    def _announced(
        self, fetcher: Fetcher, validators: Validators, now: datetime
    ) -> tuple[list[Entry], Validators, SourceError | None]:
        """The papers of the daily feed; none at weekends, on holidays, and when it is the one already read."""
        try:
            page = fetcher.get(
                _ATOM + "+".join(self.categories), accept="application/atom+xml, application/xml", validators=validators
            )
            if page.unchanged:
                return [], page.validators, None
            return announcements(page.body, now), page.validators, None
        except SourceError as error:
            return [], validators, error


def _until(papers: Iterator[Paper], since: datetime) -> Iterator[Paper]:
    """Papers in the order of their last change, newest first, as long as that is not before `since`.

    Pages are asked for one by one as this is read, so none is asked for that is not needed.
    """
    for paper in papers:
        if paper.updated < since:
            return
        yield paper


def _merged(found: dict[str, Entry], told: list[Entry]) -> tuple[Entry, ...]:
    """One entry a paper: the API's text, the feed's announcement. What the feed calls new or crossed over is news."""
    whole = dict(found)
    for entry in told:
        known = whole.get(entry.key)
        if known:
            signals = {**known.signals, "announce": entry.signals["announce"]}
            entry = replace(known, announced=entry.announced, news=known.news or entry.news, signals=signals)  # noqa: PLW2901
        whole[entry.key] = entry
    return tuple(whole.values())


def _weeks(window: Window) -> Iterator[Window]:
    """Monday to Sunday, clipped to the window."""
    first = window.first
    while first <= window.last:
        last = min(first + timedelta(days=6 - first.weekday()), window.last)
        yield Window(first, last)
        first = last + timedelta(days=1)
