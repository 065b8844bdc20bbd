"""calendar: conference deadlines and events, from iCalendar or the community's lists in YAML."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from aggregator import text
from aggregator.errors import ParseError
from aggregator.fetch import Fetcher, Validators
from aggregator.model import Batch, Cursor, Entry
from aggregator.sources import Source
from aggregator.sources._sane import parsed
from aggregator.sources.calendar.event import Reading, entries_of, named
from aggregator.sources.calendar.ical import read_ical
from aggregator.sources.calendar.lists import read_list

_ACCEPT = "text/calendar, application/yaml;q=0.9, text/yaml;q=0.9, text/plain;q=0.8, */*;q=0.7"
_MAX_BODY = 4 * 2**20
_AGAIN = timedelta(days=90)
"""A calendar that never changes is read again after this: meanwhile more of its dates came near enough."""


def _link(url: str) -> str:
    if not text.safe_link(url):
        raise ValueError(f"{url!r} is no http or https address")
    return url


def _name(name: str) -> str:
    if not name.strip():
        raise ValueError("an empty name would match nothing; leave it out")
    return name.strip()


def _type(name: str) -> str:
    return _name(name).casefold().replace("-", "_")


class Calendar(Source):
    """One calendar by its address; its format is seen from its content unless `format` says it.

    `conferences` keeps those whose title holds one of the names; `types` keeps the dates of these types: abstract,
    submission, rebuttal_start, rebuttal_end, notification, camera_ready, start, end, and what else the list names.
    """

    url: Annotated[str, AfterValidator(_link)]
    format: Literal["ical", "ccfddl", "ai-deadlines"] | None = None
    conferences: tuple[Annotated[str, AfterValidator(_name)], ...] = ()
    types: tuple[Annotated[str, AfterValidator(_type)], ...] = ()
    every_hours: float = Field(default=24, gt=0, le=8760)

    @property
    def server(self) -> str:
        """See Source.server."""
        return urlsplit(self.url).netloc.lower()

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. `note` says which names match nothing, and what could not be used."""
        kept = cursor if cursor and cursor.get("url") == self.url else {}
        read_at = parsed(kept.get("read"))
        fresh = read_at is not None and read_at.tzinfo is not None and now - read_at < _AGAIN
        validators = Validators.from_dict(kept) if fresh else None
        page = fetcher.get(self.url, accept=_ACCEPT, validators=validators, max_body=_MAX_BODY)
        after: Cursor = {"url": self.url, **page.validators.as_dict()}
        if page.unchanged:
            note = str(kept.get("note", ""))
            after |= {"read": kept.get("read"), "note": note}
            return Batch(entries=(), cursor=after, fresh_for=page.fresh_for, unchanged=True, note=note)
        reading = self._read(page.body, now)
        wanted, lost = named(reading, self.conferences, self.types)
        entries = entries_of(wanted.events, now, self.name)
        note = "; ".join(filter(None, (lost, _left_out(wanted.troubles))))
        if reading.cut:
            return Batch(entries=entries, cursor={"url": self.url}, missing="the calendar breaks off", note=note)
        after |= {"read": now.isoformat(), "note": note}
        return Batch(entries=entries, cursor=after, fresh_for=page.fresh_for, note=note)

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The dates that a calendar names; of one that breaks off, those before the break."""
        wanted, _ = named(self._read(body, now), self.conferences, self.types)
        return list(entries_of(wanted.events, now, self.name))

    def _read(self, body: bytes, now: datetime) -> Reading:
        head = body[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
        if head.startswith(b"<"):
            raise ParseError("the answer is no calendar but a page of HTML or XML")
        form = self.format or ("ical" if head[:15].upper() == b"BEGIN:VCALENDAR" else None)
        return read_ical(body, now) if form == "ical" else read_list(body, form, now)


def _left_out(troubles: tuple[str, ...]) -> str:
    if not troubles:
        return ""
    shown = "; ".join(text.cut(trouble, 160) for trouble in troubles[:3])
    return f"{len(troubles)} left out: {shown}{'; …' if len(troubles) > 3 else ''}"
