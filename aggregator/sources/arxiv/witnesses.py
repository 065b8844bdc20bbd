"""witnesses: what arXiv's archive (OAI-PMH) and its daily feed say of a window of days, for an audit."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Account, Window
from aggregator.sources._oai import Harvest, Question, pages
from aggregator.sources.arxiv.daily import today

_ARCHIVE = "https://oaipmh.arxiv.org/oai"
_FORMAT = "arXivRaw"
_BEGAN = date(2005, 9, 16)
"""The archive refuses a question for days before its first datestamp."""

_HELD = timedelta(days=14)
_PHYSICS = frozenset({
    "astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex", "nucl-th",
    "physics", "quant-ph",
})  # fmt: skip


def set_of(category: str) -> str:
    """The set of a category, "group:archive:CATEGORY": "cs.SD" is "cs:cs:SD", "hep-th" is "physics:hep-th"."""
    archive = category.partition(".")[0]
    group = "physics" if archive in _PHYSICS else archive
    return f"{group}:{category.replace('.', ':')}"


def by_archive(fetcher: Fetcher, categories: Sequence[str], window: Window, now: datetime) -> Iterator[Account]:
    """What the archive changed in the window, category by category.

    Papers that came out more than two weeks before it are left out: of these only the record changed.
    """
    first, last = max(window.first, _BEGAN), min(window.last, now.date())
    since = datetime.combine(window.first, datetime.min.time(), UTC)
    for category in categories if first <= last else ():
        harvest = Harvest("arxiv")
        try:
            harvest.take(pages(fetcher, Question(_ARCHIVE, _FORMAT, set_of(category), first, last)), now, since)
        except SourceError as error:
            harvest.missing.append(str(error))
        found = [one for one in harvest.found.values() if one.published >= since - _HELD]
        yield Account(witness="OAI", window=window, entries=tuple(found), missing="; ".join(harvest.missing))


def by_daily_feed(fetcher: Fetcher, categories: Sequence[str], window: Window, now: datetime) -> Iterator[Account]:
    """Today's list, if it is one of a day of the window; no account at all if today is not in it."""
    if not window.first <= now.date() <= window.last:
        return
    try:
        listed = today(fetcher, categories, now)
    except SourceError as error:
        yield Account(witness="daily feed", window=window, entries=(), missing=str(error))
        return
    if listed.day and window.first <= listed.day <= window.last:
        yield Account(witness="daily feed", window=Window(listed.day, listed.day), entries=listed.entries)
