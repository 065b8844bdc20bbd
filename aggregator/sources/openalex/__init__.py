"""openalex: proceedings and journals by venue and year, and the works of authors to follow, from OpenAlex.

What was added since a day can only be asked with a paid plan, so each list is asked from a publication date on, and
how many works it has tells whether there is anything new: if not, its first page was all that was asked.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor, Entry, Window
from aggregator.sources import Source
from aggregator.sources.openalex import names
from aggregator.sources.openalex.api import Api
from aggregator.sources.openalex.reading import Question, Reading
from aggregator.sources.openalex.works import answer_of, entries_of

_DAY = timedelta(days=1)
_KNOWN_FOR = timedelta(days=30)
_OPENED = date(1990, 1, 1)
_MAX_HISTORY = 300

Venue = Annotated[str, AfterValidator(names.venue)]
Author = Annotated[str, AfterValidator(names.author)]
Year = Annotated[int, Field(ge=1990, le=2100)]


class OpenAlex(Source):
    """The works of `venues`, of the last `lookback_days` or of whole `years`, and of `authors` in those last days.

    `query` narrows the venues to works with these words in title or abstract. A visit asks one page of every list,
    and `max_pages` more where there is more; the next one goes on from there.
    """

    every_hours: float = Field(default=24, gt=0, le=8760)
    venues: tuple[Venue, ...] = Field(default=(), max_length=40)
    years: tuple[Year, ...] = Field(default=(), max_length=40)
    authors: tuple[Author, ...] = Field(default=(), max_length=500)
    query: str = Field(default="", max_length=300)
    lookback_days: int = Field(default=90, ge=7, le=730)
    max_pages: int = Field(default=40, ge=0, le=500)

    @field_validator("query")
    @classmethod
    def _no_signs(cls, query: str) -> str:
        if set(query) & set(",|"):
            raise ValueError("a comma or bar means something else to OpenAlex; write OR between alternatives")
        return " ".join(query.split())

    @model_validator(mode="after")
    def _something(self) -> "OpenAlex":
        if not self.venues and not self.authors:
            raise ValueError("needs venues, authors, or both")
        if self.query and not self.venues:
            raise ValueError("has a query, which narrows venues, but no venues")
        return self

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. Lists fail on their own; a visit fails only if no list answered."""
        api, past = Api(fetcher), cursor or {}
        today = now.astimezone(UTC).date()
        found = Reading(now, dict(past.get("lists", {})))
        known = self._known(api, past.get("sources", {}), today, found)
        questions = self._questions({name: kept["ids"] for name, kept in known.items()}, today)
        left = self.max_pages
        for question in questions:
            if found.hopeless:
                found.states |= {question.asked: found.past[question.asked]} if question.asked in found.past else {}
            else:
                left -= found.read(api, question, left)
        if found.errors and not found.answers:
            raise found.errors[0]
        unknown = [name for name, kept in known.items() if not kept["ids"]]
        return Batch(
            entries=tuple(found.entries.values()),
            cursor={"lists": found.states, "sources": known},
            missing="; ".join(found.missing),
            note=f"OpenAlex has no source that is called {' or '.join(unknown)}" if unknown else "",
        )

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The papers of one page of works."""
        return entries_of(answer_of(body), now)

    def slices(self, window: Window) -> tuple[Window, ...]:
        """Calendar months by date of publication, clipped to the window; of `years` only, if these are given."""
        months = []
        first = max(window.first, _OPENED)
        while first <= window.last:
            following = (first.replace(day=1) + 31 * _DAY).replace(day=1)
            if not self.years or first.year in self.years:
                months.append(Window(first, min(following - _DAY, window.last)))
            first = following
        return tuple(months)

    def backfill(self, fetcher: Fetcher, piece: Window, window: Window, now: datetime) -> Batch:  # noqa: ARG002
        """See Source.backfill. The sources of venues are looked up anew: history has no cursor to keep them in."""
        api, found = Api(fetcher), Reading(now, {})
        ids = {name: api.sources(name) for name in self._looked_up}
        dates = f"from_publication_date:{piece.first},to_publication_date:{piece.last}"
        for question in self._asked(ids, [piece.first.year], dates, dates):
            found.read(api, question, _MAX_HISTORY)
            if found.errors:
                raise found.errors[0]
        return Batch(entries=tuple(found.entries.values()), cursor={}, missing="; ".join(found.missing))

    @property
    def _looked_up(self) -> list[str]:
        return [name for name in dict.fromkeys(self.venues) if name in names.VENUES and names.VENUES[name].search]

    def _known(self, api: Api, kept: Mapping[str, Any], today: date, found: Reading) -> dict[str, dict[str, Any]]:
        """The sources of the venues that are looked up by name: from the cursor for 30 days, else from OpenAlex."""
        known = {}
        for name in self._looked_up:
            old = kept.get(name)
            if old and today - date.fromisoformat(old["on"]) < _KNOWN_FOR:
                known[name] = old
                continue
            try:
                known[name] = {"ids": api.sources(name), "on": today.isoformat()}
            except SourceError as error:
                found.fail(f"the sources of {name}", error)
                known |= {name: old} if old else {}
                if found.hopeless:
                    raise
        return known

    def _questions(self, ids: Mapping[str, list[str]], today: date) -> list[Question]:
        """What a visit asks: whole months, so that it is the same question for a month and the answers compare."""
        first = (today - self.lookback_days * _DAY).replace(day=1)
        latest = f"from_publication_date:{first}"
        if not self.years:
            return self._asked(ids, list(range(first.year, today.year + 2)), latest, latest)
        years = sorted(set(self.years))
        return self._asked(ids, years, f"publication_year:{'|'.join(map(str, years))}", latest)

    def _asked(self, ids: Mapping[str, list[str]], years: list[int], dates: str, latest: str) -> list[Question]:
        """One question per list: the venues in these years and dates, the authors since the latest."""
        narrow = f",title_and_abstract.search:{self.query}" if self.query else ""
        asked = [
            Question(name, f"{one},{dates}{narrow}", name if name in names.VENUES else "")
            for name in dict.fromkeys(self.venues)
            for one in names.venue_filters(name, ids, years)
        ]
        return asked + [Question("the authors", f"{one},{latest}") for one in names.author_filters(self.authors)]
