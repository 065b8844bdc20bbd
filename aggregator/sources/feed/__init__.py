"""feed: anything that RSS, Atom, RDF or JSON Feed can say: blogs, releases, podcasts, videos, forums."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from aggregator import text
from aggregator.fetch import Fetcher, Validators
from aggregator.model import Batch, Cursor, Entry, Kind
from aggregator.sources import Source
from aggregator.sources.feed.document import Document, read
from aggregator.sources.feed.entries import entries_of

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, application/feed+json, */*;q=0.8"
)
_MAX_BODY = 4 * 2**20  # feedparser needs time that grows with the square of the size of hostile input
_MAX_ENTRIES = 1000


def _link(url: str) -> str:
    if not text.safe_link(url):
        raise ValueError(f"{url!r} is no http or https address")
    return url


class Feed(Source):
    """One feed by its address. `post_kind` says what its entries are, if that cannot be seen from them."""

    url: Annotated[str, AfterValidator(_link)]
    every_hours: float = Field(default=4, gt=0, le=8760)
    post_kind: Kind | None = None

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. A feed that breaks off is kept as far as it came, and asked for whole the next time."""
        validators = Validators.from_dict(cursor) if cursor and cursor.get("url") == self.url else None
        page = fetcher.get(self.url, accept=_ACCEPT, validators=validators, max_body=_MAX_BODY)
        after: Cursor = {"url": self.url, **page.validators.as_dict()}
        if page.unchanged:
            return Batch(entries=(), cursor=after, fresh_for=page.fresh_for, unchanged=True)
        document = read(page.body, content_type=page.content_type, url=page.url)
        entries = tuple(self._entries(document, now))
        if document.cut:
            return Batch(entries=entries, cursor={"url": self.url}, missing="the feed breaks off")
        fresh = max((span for span in (page.fresh_for, document.ttl) if span), default=None)
        return Batch(entries=entries, cursor=after, fresh_for=fresh)

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The entries of a feed; of one that breaks off, those before the break."""
        return self._entries(read(body, content_type="", url=self.url), now)

    def _entries(self, document: Document, now: datetime) -> list[Entry]:
        return entries_of(document, now, name=self.name, url=self.url, kind=self.post_kind, limit=_MAX_ENTRIES)
