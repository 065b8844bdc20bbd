"""feed: anything that RSS, Atom, RDF or JSON Feed can say: blogs, releases, podcasts, videos, forums."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from aggregator.errors import FetchError, InputError, ParseError, SourceError
from aggregator.fetch import Fetcher, Page, Validators
from aggregator.model import Batch, Cursor, Entry, Kind
from aggregator.secret import secret
from aggregator.sources import Source
from aggregator.sources._sane import count
from aggregator.sources.feed import address
from aggregator.sources.feed.moves import Place, lost
from aggregator.sources.feed.worker import Job, Told, feed_readers, tell, workers

__all__ = ["Feed", "feed_readers"]

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, application/feed+json, */*;q=0.8"
)
_MAX_BODY = 4 * 2**20  # feedparser needs time that grows with the square of the size of hostile input
_MAX_ENTRIES = 50_000
_MAX_FRESH = timedelta(days=7)
_UNBEARABLE = frozenset({400, 412})
_TOKEN, _USER = "REDDIT_FEED_TOKEN", "REDDIT_FEED_USER"
_CUT = "the feed breaks off"


def _written(form: Callable[[str], str]) -> AfterValidator:
    """The text as it was written, if the form can make an address of it."""

    def check(given: str) -> str:
        form(given)
        return given

    return AfterValidator(check)


class Feed(Source):
    """One feed, by its address or by the short form of a service: exactly one of these.

    `post_kind` says what its entries are, if that cannot be seen from them; `github_feed` which of a repository's
    feeds is meant. A feed is asked every 4 hours, a channel on YouTube every 6, Reddit once a day, unless said.
    """

    url: Annotated[str, AfterValidator(address.plain)] | None = None
    youtube: Annotated[str, _written(address.youtube)] | None = None
    reddit: Annotated[str, _written(address.reddit)] | None = None
    github: Annotated[str, _written(address.github)] | None = None
    github_feed: Literal["releases", "tags", "commits"] = "releases"
    discourse: Annotated[str, _written(address.discourse)] | None = None
    substack: Annotated[str, _written(address.substack)] | None = None
    mastodon: Annotated[str, _written(address.mastodon)] | None = None
    bluesky: Annotated[str, _written(address.bluesky)] | None = None
    every_hours: float = Field(default=4, gt=0, le=8760)
    post_kind: Kind | None = None

    @model_validator(mode="before")
    @classmethod
    def _hours(cls, given: Any) -> Any:
        """Let the form say how often to ask, where nobody else does."""
        if not isinstance(given, Mapping):
            return given
        hours = next((form.every_hours for name, form in address.FORMS.items() if given.get(name)), 4)
        return {"every_hours": hours, **given}

    @model_validator(mode="after")
    def _one(self) -> "Feed":
        given = [name for name in ("url", *address.FORMS) if getattr(self, name) is not None]
        if len(given) != 1:
            names = f"url, {', '.join(address.FORMS)}"
            raise ValueError(
                f"has both {' and '.join(given)}; keep one of them" if given else f"needs an address: one of {names}"
            )
        if "github_feed" in self.model_fields_set and self.github is None:
            raise ValueError("has a github_feed, which goes with github only")
        return self

    @property
    def address(self) -> str:
        """The address that is asked, unless the feed has moved."""
        if self.github is not None:
            return f"{address.github(self.github)}/{self.github_feed}.atom"
        given = ((form, getattr(self, name)) for name, form in address.FORMS.items())
        return next((form.address(name) for form, name in given if name is not None), self.url or "")

    @property
    def server(self) -> str:
        """See Source.server."""
        return urlsplit(self.address).netloc.lower()

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. A feed that breaks off is kept as far as it came, and asked for whole the next time.

        One that moved for good is asked where it is; if it is not there any more, where it was, in the same visit.
        """
        place = Place.from_dict(self.address, cursor or {})
        known = cursor if cursor and place.knows(cursor) else {}
        try:
            return self._ask(fetcher, place, known, now)
        except SourceError as error:
            if not (place.at and lost(error)):
                raise
        return self._ask(fetcher, Place(self.address), {}, now)

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The entries of a feed; of one that breaks off, those before the break."""
        return list(tell(self._job(body, now)).entries)

    def _ask(self, fetcher: Fetcher, place: Place, known: Mapping[str, Any], now: datetime) -> Batch:
        """One visit to a place. `known`: what the cursor remembers of it."""
        query = self._private(place.asked)
        page = self._page(fetcher, place, known, query)
        if page.unchanged:
            place = place.after(page.moved_to, now)
            said = {name: known[name] for name in ("ttl", "skip_hours", "skip_days", "cut") if name in known}
            return self._batch((), place, page, said)
        body = _redacted(page.body, query)
        try:
            told = workers().tell(self._job(body, now, page))
        except ParseError as error:
            raise ParseError(str(error), fresh_for=_longest(page.fresh_for)) from error
        said = {**_said(told), **({"cut": True} if told.cut else {})}
        place = place.after(page.moved_to, now)
        return self._batch(told.entries, place, page, said, half=told.cut and "cut" not in known)

    def _page(self, fetcher: Fetcher, place: Place, known: Mapping[str, Any], query: Mapping[str, str]) -> Page:
        """The answer of a place; of a server that cannot bear its own validators, without them. Raises FetchError."""
        validators = Validators.from_dict(known)
        get = partial(fetcher.get, place.asked, accept=_ACCEPT, query=query, max_body=_MAX_BODY)
        try:
            return get(validators=validators, validators_of=str(known.get("from") or ""))
        except FetchError as error:
            if error.status not in _UNBEARABLE or validators == Validators():
                raise
        return replace(get(), validators=Validators())

    def _batch(
        self, entries: tuple[Entry, ...], place: Place, page: Page, said: dict[str, Any], *, half: bool = False
    ) -> Batch:
        """What a visit brought. `half`: the feed broke off, and may be whole the next time: nothing validates it."""
        kept = {} if half else page.validators.as_dict()
        ttl = count(said.get("ttl"))
        notes = (place.note, f"{_CUT} each time; what stands behind the break is not seen" if "cut" in said else "")
        return Batch(
            entries=entries,
            cursor={**place.as_dict(), **({"from": page.url} if kept else {}), **kept, **said},
            missing=_CUT if half else "",
            fresh_for=_longest(page.fresh_for, timedelta(seconds=ttl) if ttl else None),
            unchanged=page.unchanged,
            skip_hours=_numbers(said.get("skip_hours"), 24),
            skip_days=_numbers(said.get("skip_days"), 7),
            note="" if half else "; ".join(filter(None, notes)),
        )

    def _private(self, asked: str) -> dict[str, str]:
        """The parameters that let Reddit know its reader, if the environment names one. Raises SourceError."""
        given = any(os.environ.get(name) for name in (_TOKEN, f"{_TOKEN}_FILE"))
        if not given or self.reddit is None or not address.at_reddit(asked):
            return {}
        try:
            token = secret(_TOKEN, os.environ, "Reddit's private token")
            return {"feed": token, "user": secret(_USER, os.environ, "the user of Reddit's private token")}
        except InputError as error:
            raise SourceError(str(error)) from error

    def _job(self, body: bytes, now: datetime, page: Page | None = None) -> Job:
        """What there is to read; without a page, as if it came from the feed's own address."""
        forms = (form.kind for name, form in address.FORMS.items() if getattr(self, name) is not None)
        return Job(
            body=body,
            content_type=page.content_type if page else "",
            url=page.url if page else self.address,
            now=now,
            name=self.name,
            feed=self.address,
            kind=self.post_kind or next(forms, None),
            limit=_MAX_ENTRIES,
        )


def _redacted(body: bytes, query: Mapping[str, str]) -> bytes:
    """The body without the private token: the server repeats the address that it was asked for."""
    token = query.get("feed", "").encode()
    return body.replace(token, b"...") if token else body


def _said(told: Told) -> dict[str, Any]:
    """What a feed says about when to ask again, for the cursor: a 304 does not repeat it."""
    seconds = int(told.ttl.total_seconds()) if told.ttl else 0
    said = {"ttl": seconds, "skip_hours": sorted(told.skip_hours), "skip_days": sorted(told.skip_days)}
    return {name: value for name, value in said.items() if value}


def _longest(*spans: timedelta | None) -> timedelta | None:
    """The longest of the times for which the feed says that it is fresh, a week at most; None if it says nothing."""
    return max((min(span, _MAX_FRESH) for span in spans if span), default=None)


def _numbers(kept: object, end: int) -> frozenset[int]:
    """The whole numbers below `end` in a list out of a cursor."""
    numbers = (count(number) for number in kept) if isinstance(kept, list) else ()
    return frozenset(number for number in numbers if number is not None and number < end)
