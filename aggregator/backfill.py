"""backfill: the history of a window of days, slice by slice; it can be interrupted anywhere and taken up again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Window
from aggregator.outcome import Outcome, Progress, Stop, never, silent
from aggregator.sources import Source
from aggregator.store import Store
from aggregator.visiting import heeding

_STALE_SLICE = timedelta(days=1)
_LATE = timedelta(days=14)
"""Papers held by moderation show up this much later, so a slice that young is asked again on another day."""


@dataclass(frozen=True)
class SliceResult:
    """What one slice of a back-fill brought; `state` is "done", "before" (an earlier run had it) or "failed"."""

    source: str
    window: Window
    seen: int
    new: int
    state: str
    text: str = ""


def backfill(
    store: Store,
    fetcher: Fetcher,
    sources: Sequence[Source],
    window: Window,
    *,
    clock: Callable[[], datetime],
    progress: Progress = silent,
    stop: Stop = never,
) -> tuple[Outcome, list[SliceResult]]:
    """Fetch history in slices; each is stored with the mark that it is done, so a second call asks only for the rest.

    Entries keep their own dates and so are no news, except those young enough to be late: see Store.add. A source
    whose slice fails is left for the next call. `clock` gives the moment of each slice.
    """
    outcome = Outcome("backfill", {"slices": 0, "entries": 0, "new": 0})
    plan = {source.name: source.slices(window) for source in sources}
    results: list[SliceResult] = []
    with heeding(store, fetcher, clock), progress("fetching history", sum(map(len, plan.values()))) as step:
        for source in sources:
            done = store.slices_done(source.name, window)
            for piece in plan[source.name]:
                if stop():
                    return outcome, results
                before = done.get(piece)
                if before and not before.missing and not _may_have_grown(piece, before.done_at, clock()):
                    results.append(SliceResult(source.name, piece, before.seen, before.new, "before"))
                else:
                    results.append(_fill(store, fetcher, source, piece, window=window, clock=clock, outcome=outcome))
                step(1)
                if results[-1].state == "failed":
                    break
    return outcome, results


def _may_have_grown(piece: Window, done_at: datetime, now: datetime) -> bool:
    return piece.last >= (done_at - _LATE).date() and now - done_at >= _STALE_SLICE


def _fill(
    store: Store,
    fetcher: Fetcher,
    source: Source,
    piece: Window,
    *,
    window: Window,
    clock: Callable[[], datetime],
    outcome: Outcome,
) -> SliceResult:
    try:
        with store.lock("work", wait=60):
            now = clock()
            batch = source.backfill(fetcher, piece, window, now)
            added = store.add_slice(source.name, source.kind, piece, window, batch, now=now)
    except SourceError as error:
        outcome.trouble(f"source {source.name}: {piece}: {error}; the same command goes on from here")
        return SliceResult(source.name, piece, 0, 0, "failed", str(error))
    outcome.count("slices")
    outcome.count("entries", added.seen)
    outcome.count("new", added.new)
    if batch.missing:
        outcome.trouble(f"source {source.name}: {piece}: answered only in part: {batch.missing}")
    return SliceResult(source.name, piece, added.seen, added.new, "done", batch.missing)
