"""pipeline: the four steps, each a function that reads the database and writes it. Read this file first.

    collect    sources → fetch → parse → store               a visit per source, in parallel; stored in their order
    embed      store → embed → store                         what has no vector yet, batch by batch
    digest     store → rank → compose → render → store       per profile whose period has no issue; fills the outbox
    deliver    store → deliver → store                       claim → send → mark, one message at a time

The steps meet only in the database, so each may be repeated, killed, or run alone. A source, a profile or a message
that fails becomes a line in `Outcome.troubles`, and the others go on. `now` is always an argument: the moment the
step stands for. `stop` is asked between two units of work; what was begun is finished.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from aggregator.compose import compose
from aggregator.deliver import Mailer
from aggregator.embed import Embedder
from aggregator.errors import DeliveryError, RenderError
from aggregator.fetch import Fetcher
from aggregator.model import Cursor, Digest, Profile
from aggregator.outcome import Outcome, Progress, Stop, never, silent
from aggregator.rank import rank
from aggregator.render import Renderer
from aggregator.revisit import SOON
from aggregator.schedule import parse
from aggregator.sources import Source
from aggregator.store import Claimed, Store
from aggregator.visiting import Visit, ask, heeding, keep
from aggregator.waiting import in_groups

log = logging.getLogger(__name__)

FIRST_WINDOW = timedelta(days=7)
"""How far back the first digest of a profile reaches."""

_EMBED_BATCH = 64
_RETRY = timedelta(minutes=5)
_RETRY_CAP = timedelta(hours=4)
_RETRY_FOR = timedelta(hours=48)
_LEASE = timedelta(minutes=15)


# --- collect -------------------------------------------------------------------------------------------------------


def collect(
    store: Store,
    fetcher: Fetcher,
    sources: Sequence[Source],
    *,
    now: datetime,
    everything: bool = False,
    extra: Sequence[str] = (),
    workers: int = 16,
    progress: Progress = silent,
    stop: Stop = never,
) -> Outcome:
    """Visit the sources whose next visit has come, or all, and the `extra` ones that were not visited in the last hour.

    They are visited in parallel but stored in the order given, those that are done in one transaction: an interrupted
    run that is taken up again leaves the same database as one that was not.
    """
    outcome = Outcome("collect", {"sources": 0, "entries": 0, "new": 0})
    chosen = sources if everything else _due(store, sources, extra, now)
    store.trim(now)
    begun = fetcher.elapsed()
    visit = partial(ask, fetcher=fetcher, now=now, begun=begun, stop=stop)
    bugs = []
    with (
        heeding(store, fetcher, lambda: now + fetcher.elapsed() - begun),
        ThreadPoolExecutor(workers, "visit") as pool,
        progress("visiting sources", len(chosen)) as step,
    ):
        try:
            for done in _visited(store, pool, visit, chosen):
                with store.together():
                    bugs.append(keep(store, [one for one in done if one], now, outcome))
                step(len(done))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if bug := next(filter(None, bugs), None):
        raise bug
    return outcome


def _visited(
    store: Store, pool: Executor, visit: Callable[[Source, Cursor | None], Visit | None], chosen: Sequence[Source]
) -> Iterator[list[Visit | None]]:
    """The visits in the order of the sources, those that are done at a time.

    Who has waited longest is asked first: where a host lets only some of its sources in at a time, they take turns.
    One source of each host comes before the second of any, so that those of a slow host are not in the way.
    """
    cursors, visited = store.cursors(), store.visited_all()
    never = datetime.min.replace(tzinfo=UTC)
    order = sorted(range(len(chosen)), key=lambda place: visited.get(chosen[place].name) or never)
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


def _due(store: Store, sources: Sequence[Source], extra: Sequence[str], now: datetime) -> list[Source]:
    """Those to be asked: an extra one only if it is well; none that is gone."""
    due = set(store.due_sources([source.name for source in sources], now))
    due |= {name for name in extra if store.failures(name) == 0 and now - (store.visited(name) or now) >= SOON}
    due -= store.gone({source.name: source.fingerprint for source in sources})
    return [source for source in sources if source.name in due]


# --- embed ---------------------------------------------------------------------------------------------------------


def embed(store: Store, embedder: Embedder, *, progress: Progress = silent, stop: Stop = never) -> Outcome:
    """Give every entry whose text has no vector of this model one.

    Batches are cut from one fixed order, longest text first, and stored one by one: the rest after an interruption is
    the end of the same order, so its batches, and with them the last bits of the vectors, are the same.
    """
    outcome = Outcome("embed", {"vectors": 0})
    waiting = store.without_vector(embedder.model, embedder.revision)
    with progress("embedding", len(waiting)) as step:
        for start in range(0, len(waiting), _EMBED_BATCH):
            if stop():
                break
            part = waiting[start : start + _EMBED_BATCH]
            vectors = embedder.embed([entry.text for entry in part])
            rows = [(entry.entry_id, entry.text_hash) for entry in part]
            store.add_vectors(embedder.model, embedder.revision, rows, vectors)
            outcome.count("vectors", len(part))
            step(len(part))
    log.info("embed vectors=%d model=%s", outcome.counts["vectors"], embedder.model)
    return outcome


# --- digest --------------------------------------------------------------------------------------------------------


def digest(
    store: Store,
    embedder: Embedder,
    renderer: Renderer,
    profiles: Sequence[Profile],
    sources: Sequence[str],
    *,
    now: datetime,
    force: bool = False,
) -> Outcome:
    """Open an issue for each profile whose period has none yet, and put its messages into the outbox.

    An issue covers what became news after the last one of that profile, of whatever kind, up to `now`: no gap and no
    overlap. `force` opens an extra issue, under a period key of its own. `sources` are the names of all sources, for
    the foot of the mail.
    """
    outcome = Outcome("digest", {"issues": 0, "messages": 0})
    for profile in profiles:
        period = f"manual-{now:%Y%m%dT%H%M%SZ}" if force else due_period(store, profile, now)
        if period is None or store.has_issue(profile.name, period):
            continue
        last = store.last_issue(profile.name)
        since = last.until if last else now - FIRST_WINDOW
        letter = draft(store, embedder, profile, sources, period=period, since=since, until=now)
        try:
            messages = [renderer.render(letter, to, now) for to in profile.email] if letter else []
        except RenderError as error:
            outcome.trouble(f"profile {profile.name}: {error}; no issue was opened")
            continue
        if store.queue(profile.name, period, since, now, now=now, digest=letter, messages=messages):
            outcome.count("issues")
            outcome.count("messages", len(messages))
            picks = len(letter.picks) if letter else 0
            log.info("digest profile=%s period=%s picks=%d messages=%d", profile.name, period, picks, len(messages))
    return outcome


def due_period(store: Store, profile: Profile, now: datetime) -> str | None:
    """The key of the newest period of the profile's schedule, or None if it has an issue or one that came after it."""
    period = parse(profile.schedule).latest(now, profile.timezone)
    last = store.last_issue(profile.name)
    if store.has_issue(profile.name, period.key) or (last and last.until >= period.at):
        return None
    return period.key


def draft(
    store: Store,
    embedder: Embedder,
    profile: Profile,
    sources: Sequence[str],
    *,
    period: str,
    since: datetime,
    until: datetime,
    shown: bool = False,
) -> Digest | None:
    """What the profile's digest over (since, until] says; None when there is nothing to say.

    `shown` takes in what the profile has been shown already, for a preview of days that were mailed.
    """
    embed(store, embedder)  # an entry without a vector would be passed over, and its window never comes again
    candidates, vectors = store.candidates(profile.name, embedder.model, embedder.revision, since, until, shown=shown)
    interests = embedder.embed(profile.interests) if candidates else vectors
    ranked = rank(candidates, vectors, profile, interests)
    return compose(
        profile,
        ranked,
        period=period,
        since=since,
        until=until,
        sources=store.health(sources, since, until),
        deadlines=store.deadlines(sources, until, until + timedelta(days=profile.deadline_days)),
    )


# --- deliver -------------------------------------------------------------------------------------------------------


def deliver(store: Store, mailer: Mailer, *, now: datetime, worker: str = "local", stop: Stop = never) -> Outcome:
    """Send what is in the outbox: claim → send → mark.

    The caller holds the lock of the deliver step, so what is still claimed was left by a crash and is taken up at once;
    the same bytes under the same Message-ID are sent again. A temporary refusal is tried again after 5 minutes, then
    twice as long each time up to 4 hours, for 48 hours; a permanent one is reported and not repeated.
    """
    outcome = Outcome("deliver", {"sent": 0})
    store.reclaim(now, everything=True)
    while not stop() and (claimed := store.claim(now, worker, _LEASE)):
        try:
            mailer.send(claimed.message, partial(store.mark_data_sent, claimed.id, now))
        except DeliveryError as error:
            _put_back(store, claimed, error, now, outcome)
            if error.stop:
                break
        else:
            store.settle(claimed.id, "sent", now=now)
            outcome.count("sent")
            log.info("deliver message=%s to=%s", claimed.message.key, claimed.message.to)
    return outcome


def _put_back(store: Store, claimed: Claimed, error: DeliveryError, now: datetime, outcome: Outcome) -> None:
    """Settle a message that was not accepted, and say what comes next."""
    wait: timedelta = min(_RETRY * 2 ** min(claimed.attempts - 1, 10), _RETRY_CAP)
    in_doubt = error.in_doubt or claimed.in_doubt
    final = error.permanent or now + wait > claimed.queued_at + _RETRY_FOR
    text = f"message to {claimed.message.to} ({claimed.message.key}): {error}"
    if final:
        store.settle(claimed.id, "failed", now=now, error=str(error), in_doubt=in_doubt)
        outcome.trouble(f"{text}; it is not tried again")
        outcome.count("refused")
    else:
        store.settle(claimed.id, "deferred", now=now, error=str(error), not_before=now + wait, in_doubt=in_doubt)
        outcome.trouble(f"{text}; next try {now + wait:%Y-%m-%d %H:%M} UTC")
        outcome.count("deferred")
