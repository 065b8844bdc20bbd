"""visiting: one source is asked, and what came of it is stored: entries, a failure, a put-off, or that it is gone."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Added, Batch, Cursor
from aggregator.outcome import Outcome, Stop
from aggregator.revisit import SOON, after_answer, after_failure
from aggregator.sources import Source
from aggregator.store import Answer, Store
from aggregator.waiting import in_groups

log = logging.getLogger(__name__)

_GONE = 410
_TELL_AFTER = 7
"""Days of failure after which the owner is told for how long."""


@contextmanager
def heeding(store: Store, fetcher: Fetcher, clock: Callable[[], datetime]) -> Iterator[None]:
    """Hosts that asked to be left alone are, across runs, also where the rest of the answer was of use."""
    begun = clock()
    for host, until in store.holds(begun).items():
        fetcher.hold(host, (until - begun).total_seconds())
    try:
        yield
    finally:
        for host, wait in fetcher.holds().items():
            store.hold(host, clock() + wait)


def due(store: Store, sources: Sequence[Source], extra: Sequence[str], now: datetime) -> list[Source]:
    """Those to be asked: an extra one only if it is well; none that is gone."""
    names = set(store.due_sources([source.name for source in sources], now))
    names |= {name for name in extra if store.failures(name) == 0 and now - (store.visited(name) or now) >= SOON}
    names -= store.gone({source.name: source.fingerprint for source in sources})
    return [source for source in sources if source.name in names]


@dataclass(frozen=True, slots=True)
class Visit:
    """What a source answered or why it did not, and when: the step may have begun long before."""

    source: Source
    answer: Batch | Exception
    at: datetime


def ask(
    source: Source, cursor: Cursor | None, *, fetcher: Fetcher, now: datetime, begun: timedelta, stop: Stop
) -> Visit | None:
    """Visit a source; None if the run is to stop. `begun` is what `fetcher.elapsed` said at the moment `now`."""
    if stop():
        return None
    answer: Batch | Exception
    try:
        answer = source.visit(fetcher, cursor, now)
    except Exception as error:  # noqa: BLE001 - a bug is raised when the visits beside it are stored
        answer = error
    return Visit(source, answer, now + fetcher.elapsed() - begun)


def visited(
    store: Store, pool: Executor, visit: Callable[[Source, Cursor | None], Visit | None], chosen: Sequence[Source]
) -> Iterator[list[Visit | None]]:
    """The visits in the order of the sources, those that are done at a time.

    Who has waited longest is asked first: where a host lets only some of its sources in at a time, they take turns.
    One source of each host comes before the second of any, so that those of a slow host are not in the way.
    """
    cursors, answered = store.cursors(), store.visited_all()
    never = datetime.min.replace(tzinfo=UTC)
    order = sorted(range(len(chosen)), key=lambda place: answered.get(chosen[place].name) or never)
    before = Counter[str]()
    turns = {}
    for place in order:
        turns[place] = before[chosen[place].server]
        before[chosen[place].server] += 1
    asked = {
        place: pool.submit(visit, chosen[place], cursors.get(chosen[place].name))
        for place in sorted(order, key=turns.__getitem__)
    }
    visits = [asked[place] for place in range(len(chosen))]
    for ready in in_groups(visits):
        yield [visits[place].result() for place in ready]


def keep(store: Store, visits: Sequence[Visit], now: datetime, outcome: Outcome) -> Exception | None:
    """Store visits, each with the moment of the next one; the first bug if there was one, which counts as a failure."""
    answers = []
    for visit in visits:
        if isinstance(visit.answer, Batch):
            next_visit = after_answer(timedelta(hours=visit.source.every_hours), visit.answer, visit.at)
            answers.append(Answer(visit.source.name, visit.source.kind, visit.answer, next_visit))
    for answer, added in zip(answers, store.add_all(answers, now=now), strict=True):
        _tell(answer.source, answer.batch, added, outcome)
    bug = None
    for visit in visits:
        if isinstance(visit.answer, SourceError):
            _keep_failure(store, visit, visit.answer, now, outcome)
        elif isinstance(visit.answer, Exception):
            _keep_failure(store, visit, SourceError(f"a bug of this program: {visit.answer!r:.200}"), now, outcome)
            bug = bug or visit.answer
    return bug


def _tell(name: str, batch: Batch, added: Added, outcome: Outcome) -> None:
    outcome.count("sources")
    outcome.count("entries", added.seen)
    outcome.count("new", added.new)
    log.info("collect source=%s seen=%d new=%d unchanged=%s", name, added.seen, added.new, batch.unchanged)
    if batch.missing:
        outcome.trouble(f"source {name}: answered only in part: {batch.missing}")
        outcome.count("partial")
    if batch.note:
        outcome.note(f"source {name}: {batch.note}")


def _keep_failure(store: Store, visit: Visit, error: SourceError, now: datetime, outcome: Outcome) -> None:
    """Store that a source did not answer, and tell: that it is gone (410), since when it fails, when it is asked."""
    source = visit.source
    if isinstance(error, FetchError) and error.own:
        next_visit = visit.at + (error.retry_after or SOON)
        store.put_off(source.name, source.kind, next_visit)
        outcome.note(f"source {source.name}: {error}; next visit {next_visit:%Y-%m-%d %H:%M} UTC")
        outcome.count("put off")
        return
    outcome.count("failed")
    if isinstance(error, FetchError) and error.status == _GONE and error.for_good:
        store.mute(source.name, source.kind, source.fingerprint, str(error), now=now)
        outcome.trouble(f"source {source.name}: {error}; it is not asked again until its options change")
        return
    next_visit = visit.at + _wait(store, visit, error)
    store.record_failure(source.name, source.kind, str(error), now=now, next_visit=next_visit)
    days = (now - (store.failing_since(source.name) or now)).days
    since = f"; failing for {days} days" if days >= _TELL_AFTER else ""
    outcome.trouble(f"source {source.name}: {error}{since}; next visit {next_visit:%Y-%m-%d %H:%M} UTC")


def _wait(store: Store, visit: Visit, error: SourceError) -> timedelta:
    """How long to leave a source alone; a host that wants to be left alone is noted, for all that is there."""
    wait = after_failure(visit.source.name, store.failures(visit.source.name))
    if isinstance(error, FetchError) and error.retry_after:
        wait = max(wait, error.retry_after)
        store.hold(error.host, visit.at + error.retry_after)
    if isinstance(error, ParseError) and error.fresh_for:
        wait = max(wait, error.fresh_for)
    return wait
