"""daily: the daily feed at a visit: asked conditionally, its entries, and what its day comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher, Validators
from aggregator.model import Entry
from aggregator.sources.arxiv.announcements import Listing, listing
from aggregator.sources.arxiv.mailing import Verdict, verdict

_URL = "https://rss.arxiv.org/atom/"
_ACCEPT = "application/atom+xml, application/xml"


@dataclass(frozen=True, slots=True)
class Daily:
    """What the feed said; `error` is why it did not. `kept` is for the next visit; JSON."""

    entries: tuple[Entry, ...]
    kept: Mapping[str, Any]
    verdict: Verdict
    error: SourceError | None = None


def ask(fetcher: Fetcher, categories: Sequence[str], past: Mapping[str, Any], now: datetime, *, whole: bool) -> Daily:
    """The feed since the visit that left `past`; no entries if it is the one already read. `whole`: the API answers."""
    validators = Validators.from_dict(past.get("atom", {}))
    told: Mapping[str, Any] = past.get("listed", {})
    try:
        page = fetcher.get(_URL + "+".join(categories), accept=_ACCEPT, validators=validators)
        entries: tuple[Entry, ...] = ()
        if page.unchanged:
            day = date.fromisoformat(told["day"]) if "day" in told else None
            papers = int(told.get("papers", 0))
        else:
            read = listing(page.body, now)
            entries, day, papers = read.entries, read.day, read.fresh
    except SourceError as error:
        return Daily((), {"atom": validators.as_dict(), "listed": dict(told)}, Verdict({}), error)
    found = verdict(told, day, papers, now, whole=whole)
    return Daily(entries, {"atom": page.validators.as_dict(), "listed": dict(found.kept)}, found)


def today(fetcher: Fetcher, categories: Sequence[str], now: datetime) -> Listing:
    """The feed as it is now. Raises SourceError."""
    return listing(fetcher.get(_URL + "+".join(categories), accept=_ACCEPT).body, now)
