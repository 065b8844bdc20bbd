"""oai: papers of any archive that answers OAI-PMH, such as arXiv, in sets; for large back-fills above all.

An archive tells what changed in its records, not what came out: so a record is news only if the work itself is new.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from aggregator import text
from aggregator.errors import ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor, Entry, Window
from aggregator.sources import Source
from aggregator.sources._oai import Harvest, Question, RefusalError, Repository, answer, entries, identify, pages

ARXIV = "https://oaipmh.arxiv.org/oai"
_SETS = ("cs:cs:SD", "eess:eess:AS")
_FIRST_WINDOW = timedelta(days=7)
_DAY = timedelta(days=1)


class Oai(Source):
    """The records of an archive that changed since the last visit; of arXiv, unless `url` names another.

    `sets` are those of the archive (verb ListSets); arXiv's are "cs:cs:SD" and "eess:eess:AS" unless said otherwise,
    of another archive everything. `prefix` is the format: arXivRaw tells when each version of a paper came out, arXiv
    has the authors apart, but as the date of a revised paper that of its newest version; every archive has oai_dc.
    """

    every_hours: float = Field(default=24, gt=0, le=8760)
    url: str = ARXIV
    sets: tuple[str, ...] = Field(default=(), max_length=100)
    prefix: Literal["arXiv", "arXivRaw", "oai_dc"] = "oai_dc"
    lookback_days: int = Field(default=7, ge=0, le=60)
    _archive: Repository | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, options: Any) -> Any:
        """What is left out is as arXiv needs it, if this is arXiv."""
        if isinstance(options, dict) and options.get("url", ARXIV) == ARXIV:
            return {"sets": _SETS, "prefix": "arXivRaw", **options}
        return options

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if not url or text.safe_link(url) != url or "#" in url:
            raise ValueError("must be the base address of an OAI-PMH archive, beginning with https:// or http://")
        if "verb=" in url:
            raise ValueError("must be the base address alone, without verb= and what follows")
        return url

    @field_validator("sets")
    @classmethod
    def _check_sets(cls, sets: tuple[str, ...]) -> tuple[str, ...]:
        for one in sets:
            if not one or not one.isprintable() or " " in one or len(one) > 200:
                raise ValueError(f'{one!r} is no set; the archive lists them under "?verb=ListSets", as "cs:cs:SD"')
        return tuple(dict.fromkeys(sets))

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. Each set goes on from the day of its own last answer, by the archive's clock."""
        past = cursor if cursor and cursor.get("of") == self._place else {}
        timed = bool(past["timed"]) if "timed" in past else self._identified(fetcher).timed
        begun: dict[str, str] = dict(past.get("from", {}))
        harvest, missing, errors = Harvest(self.name), list[str](), list[SourceError]()
        for one in self._lists:
            first = (now - _FIRST_WINDOW).date() if one not in begun else date.fromisoformat(begun[one])
            question = Question(self.url, self.prefix, one, min(first, now.date()), timed=timed)
            since = _midnight(first - self.lookback_days * _DAY)
            try:
                answered = harvest.take(pages(fetcher, question), now, since)
            except SourceError as error:
                errors.append(error)
                missing.append(f"set {one}: {error}" if one else str(error))
            else:
                begun[one] = min(answered or now, now).astimezone(UTC).date().isoformat()
        if len(errors) == len(self._lists) and not harvest.found:
            raise errors[0]
        return Batch(
            entries=tuple(harvest.found.values()),
            cursor={"of": self._place, "from": begun, "timed": timed},
            missing="; ".join([*missing, *harvest.missing]),
            note=harvest.note,
        )

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The records of one page of the list, but for deleted ones; those that cannot be read are left out."""
        try:
            records = answer(body).records
        except RefusalError as error:
            if error.code == "noRecordsMatch":
                return []
            raise
        since = now - _FIRST_WINDOW - timedelta(days=self.lookback_days)
        found, unread = entries(records, self.name, now, since)
        if unread and not found:
            raise ParseError(f"the archive answered with {len(unread)} records, and none of them can be read")
        return found

    def slices(self, window: Window) -> tuple[Window, ...]:
        """Months of change; after them one stretch without end, for works of the window whose record changed since."""
        return (*_months(window), Window(window.last + _DAY, date.max))

    def backfill(self, fetcher: Fetcher, piece: Window, window: Window, now: datetime) -> Batch:
        """See Source.backfill. A piece after the window brings only the works that came out in it."""
        if piece.first > now.date():
            return Batch(entries=(), cursor={})
        archive = self._identified(fetcher)
        first = max(piece.first, archive.earliest or piece.first)
        last = min(piece.last, now.date())
        harvest = Harvest(self.name)
        for one in self._lists if first <= last else ():
            question = Question(self.url, self.prefix, one, first, last, timed=archive.timed)
            harvest.take(pages(fetcher, question), now, _midnight(window.first))
        found: Iterable[Entry] = harvest.found.values()
        if piece.first > window.last:
            found = [entry for entry in found if window.first <= entry.published.date() <= window.last]
        return Batch(entries=tuple(found), cursor={}, missing="; ".join(harvest.missing), note=harvest.note)

    @property
    def _lists(self) -> tuple[str, ...]:
        """The sets to ask for; "" is the whole archive."""
        return self.sets or ("",)

    @property
    def _place(self) -> list[str]:
        """What a cursor is good for. Sets may come and go, each has its own place in it."""
        return [self.url, self.prefix]

    def _identified(self, fetcher: Fetcher) -> Repository:
        """What the archive says of itself, asked for once."""
        if self._archive is None:
            self._archive = identify(fetcher, self.url)
        return self._archive


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _months(window: Window) -> Iterator[Window]:
    """Calendar months, clipped to the window."""
    first = window.first
    while first <= window.last:
        last = min(first.replace(day=monthrange(first.year, first.month)[1]), window.last)
        yield Window(first, last)
        first = last + _DAY
