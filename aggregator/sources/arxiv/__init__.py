"""arxiv: papers of arXiv: the API for what was submitted or revised, the daily feed for what was announced.

The look-back is for papers held by moderation: they show up days later under the date of their submission.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any

from arxiv import SortCriterion, SortOrder
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Account, Batch, Cursor, Entry, Window
from aggregator.sources import Source
from aggregator.sources._arxiv import CATEGORY
from aggregator.sources.arxiv.announcements import listing
from aggregator.sources.arxiv.api import Api, results
from aggregator.sources.arxiv.daily import Daily, ask
from aggregator.sources.arxiv.page import atom, total
from aggregator.sources.arxiv.paper import Paper
from aggregator.sources.arxiv.question import checked_author, checked_query, question
from aggregator.sources.arxiv.witnesses import by_archive, by_daily_feed

log = logging.getLogger(__name__)

_FIRST_WINDOW = timedelta(days=7)
_OPENED = date(1991, 1, 1)
_YEAR = timedelta(days=365)
_USUAL = ("cs.SD", "eess.AS")

Category = Annotated[str, StringConstraints(pattern=CATEGORY)]
Author = Annotated[str, AfterValidator(checked_author)]
Query = Annotated[str, AfterValidator(checked_query)]


class Arxiv(Source):
    """New papers and new versions in the given categories, listed there first or crossed over.

    `authors` and `query` (arXiv's search language: 'ti:"speech recognition" AND NOT…') narrow this down to the papers
    by one of the authors or that match the query. Without `categories` they are looked for in all of arXiv; then, and
    whenever there are authors or a query, only the API is asked, as the daily feed knows categories alone. With none
    of the three, the categories are cs.SD and eess.AS.
    """

    categories: tuple[Category, ...] = Field(default=_USUAL, max_length=100)
    authors: tuple[Author, ...] = Field(default=(), max_length=50)
    query: Query = ""
    lookback_days: int = Field(default=7, ge=0, le=60)
    page_size: int = Field(default=500, ge=1, le=2000)

    @model_validator(mode="before")
    @classmethod
    def _look_everywhere(cls, options: Any) -> Any:
        """Who names an author means all of that author's papers."""
        if isinstance(options, dict) and (options.get("authors") or options.get("query")):
            return {"categories": (), **options}
        return options

    @model_validator(mode="after")
    def _ask_something(self) -> "Arxiv":
        if not (self.categories or self.authors or self.query):
            raise ValueError("one of categories, authors and query must be given")
        return self

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. The API and the daily feed may fail on their own; each is then asked again from there."""
        past = cursor if cursor and {"authors": [], "query": "", **cursor}.items() >= self._asks.items() else {}
        until = min(datetime.fromisoformat(past["until"]), now) if "until" in past else now - _FIRST_WINDOW
        since = until - timedelta(days=self.lookback_days)
        found, api_error, note = self._changed(fetcher, since, now)
        after: Cursor = dict(self._asks)
        if not api_error or "until" in past:
            after["until"] = past["until"] if api_error else now.isoformat()
        missing = [f"the API: {api_error}"] if api_error else []
        if not self._listed:
            if api_error and not found:
                raise api_error
            return Batch(entries=tuple(found.values()), cursor=after, missing="; ".join(missing), note=note)
        daily = ask(fetcher, self.categories, past, now, whole=api_error is None)
        if api_error and daily.error and not found:
            log.info("arxiv: the daily feed failed too: %s", daily.error)
            raise api_error
        missing += [f"the daily feed: {daily.error}"] if daily.error else filter(None, [daily.verdict.missing])
        return Batch(
            entries=_merged(found, daily),
            cursor={**after, **daily.kept},
            missing="; ".join(missing),
            days=daily.verdict.days,
            note=daily.verdict.note,
        )

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The entries of an API page or of a daily feed."""
        if total(atom(body)) is None:
            return list(listing(body, now).entries)
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

    def witnesses(self, fetcher: Fetcher, window: Window, now: datetime) -> Iterator[Account]:
        """See Source.witnesses. One that fails says so, and the others are heard."""
        for piece in _weeks(window):
            try:
                batch = self.backfill(fetcher, piece, window, now)
            except SourceError as error:
                yield Account(witness="API", window=Window(piece.first, window.last), entries=(), missing=str(error))
                break
            yield Account(witness="API", window=piece, entries=batch.entries, missing=batch.missing)
        if self._listed:
            yield from by_archive(fetcher, self.categories, window, now)
            yield from by_daily_feed(fetcher, self.categories, window, now)

    @property
    def _asks(self) -> Cursor:
        """What a cursor is good for."""
        return {"categories": list(self.categories), "authors": list(self.authors), "query": self.query}

    @property
    def _query(self) -> str:
        return question(self.categories, self.authors, self.query)

    @property
    def _listed(self) -> bool:
        """Whether the daily feed and the archive can be asked for this: they know categories alone."""
        return not (self.authors or self.query)

    def _changed(
        self, fetcher: Fetcher, since: datetime, now: datetime
    ) -> tuple[dict[str, Entry], SourceError | None, str]:
        """The papers submitted or revised from `since` on by key, as far as the API gave them; and a note."""
        found: dict[str, Entry] = {}
        api = Api(fetcher, self.page_size, never_empty=self._listed)
        try:
            for paper in _until(api.ask(self._query, SortCriterion.LastUpdatedDate), since):
                entry = paper.entry(now, since)
                found.setdefault(entry.key, entry)
        except SourceError as error:
            return found, error, ""
        return found, None, "" if api.total else "arXiv has no paper at all that matches; check authors and query"


def _until(papers: Iterator[Paper], since: datetime) -> Iterator[Paper]:
    """Papers in the order of their last change, newest first, as long as that is not before `since`.

    Pages are asked for one by one as this is read, so none is asked for that is not needed.
    """
    for paper in papers:
        if paper.updated < since:
            return
        yield paper


def _merged(found: dict[str, Entry], daily: Daily) -> tuple[Entry, ...]:
    """One entry a paper: the API's text, the feed's announcement. What the feed calls new or crossed over is news."""
    whole = dict(found)
    for entry in daily.entries:
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
