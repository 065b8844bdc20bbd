"""pipeline: the four steps, each a function that reads the database and writes it. Read this file first.

    collect    sources → fetch → parse → store                    a visit per source, in parallel; stored in their order
    embed      store → embed → store                              what has no vector yet, batch by batch
    digest     store → rank → compose → telling → render → store  per profile that is due an issue; fills the outbox
    deliver    store → deliver → store                            claim → send → mark, one message at a time

The steps meet only in the database, so each may be repeated, killed, or run alone. A source, a profile or a message
that fails becomes a line in `Outcome.troubles`, and the others go on. `now` is always an argument: the moment the
step stands for. `stop` is asked between two units of work; what was begun is finished.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from aggregator.compose import compose
from aggregator.deliver import Mailer
from aggregator.embed import Embedder
from aggregator.errors import InputError, RenderError
from aggregator.fetch import Fetcher
from aggregator.model import Digest, Profile
from aggregator.outcome import Outcome, Progress, Stop, never, silent
from aggregator.posting import LEASE, InDoubt, Pace, Posting
from aggregator.render import Renderer
from aggregator.schedule import parse, zone_of
from aggregator.sources import Source
from aggregator.store import EXTRA, Store
from aggregator.summarize import Summarizer
from aggregator.tasting import Known, next_window, tasted
from aggregator.telling import told
from aggregator.visiting import ask, due, heeding, keep, visited

log = logging.getLogger(__name__)

_EMBED_BATCH = 64
_RESTORED = (
    "nothing is mailed: the database was restored, and what was mailed after the backup is not known; say "
    "`aggregator restore --settle sent` if all was, `aggregator restore --settle send` if it may be mailed again"
)


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
    keep_bodies: timedelta | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> Outcome:
    """Visit the sources whose next visit has come, or all, and the `extra` ones that were not visited in the last hour.

    They are visited in parallel but stored in the order given, those that are done in one transaction: an interrupted
    run that is taken up again leaves the same database as one that was not. The bytes of messages that were sent longer
    than `keep_bodies` ago are forgotten.
    """
    outcome = Outcome("collect", {"sources": 0, "entries": 0, "new": 0})
    chosen = sources if everything else due(store, sources, extra, now)
    _tidy(store, now, keep_bodies, outcome)
    begun = fetcher.elapsed()
    visit = partial(ask, fetcher=fetcher, now=now, begun=begun, stop=stop)
    bugs = []
    with (
        heeding(store, fetcher, lambda: now + fetcher.elapsed() - begun),
        ThreadPoolExecutor(workers, "visit") as pool,
        progress("visiting sources", len(chosen)) as step,
    ):
        try:
            for done in visited(store, pool, visit, chosen):
                with store.together():
                    bugs.append(keep(store, [one for one in done if one], now, outcome))
                step(len(done))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if bug := next(filter(None, bugs), None):
        raise bug
    return outcome


def _tidy(store: Store, now: datetime, keep_bodies: timedelta | None, outcome: Outcome) -> None:
    _doubt(store, now, outcome)
    store.trim(now)
    if keep_bodies:
        store.forget_bodies(now - keep_bodies)


# --- embed ---------------------------------------------------------------------------------------------------------


def embed(store: Store, embedder: Embedder, *, progress: Progress = silent, stop: Stop = never) -> Outcome:
    """Give every entry whose text has no vector of this model one.

    Batches are cut from one fixed order, longest text first, and stored one by one: the rest after an interruption is
    the end of the same order, so its batches, and with them the last bits of the vectors, are the same.
    """
    outcome = Outcome("embed", {"vectors": 0})
    waiting = store.without_vector(embedder.model, embedder.revision)
    if waiting and (anew := store.count_of_another_model(embedder.model, embedder.revision)):
        outcome.note(f"embedded anew: {anew}, whose vectors are of another model or backend")
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
    summing: Summarizer | None = None,
) -> Outcome:
    """Open an issue for each profile whose period has none yet, and put its messages into the outbox.

    An issue covers what became news after the last one of that profile, of whatever kind, up to `now`: no gap and no
    overlap. `force` opens an extra issue, under a period key of its own. `sources` are the names of all sources, for
    the foot of the mail. A paused address gets no message; a profile that has no other gets no issue, so that the first
    one after the pause covers all of it, however long, with `max_entries` picks. While nobody has said what to do about
    mail in a restored database, none is opened.
    """
    outcome = Outcome("digest", {"issues": 0, "messages": 0})
    if store.unsettled():
        outcome.trouble(_RESTORED)
        return outcome
    _doubt(store, now, outcome)
    receivers, known = store.receivers(profiles), Known(store, embedder, profiles)
    open_issue = partial(_open_issue, store, embedder, renderer, known=known, summing=summing, sources=sources)
    for profile in profiles:
        to = receivers[profile.name]
        period = f"{EXTRA}{now:%Y%m%dT%H%M%SZ}" if force else due_period(store, profile, now)
        if not to or period is None or store.has_issue(profile.name, period):
            continue
        open_issue(profile, to=to, period=period, now=now, outcome=outcome)
    return outcome


def _open_issue(
    store: Store,
    embedder: Embedder,
    renderer: Renderer,
    profile: Profile,
    *,
    known: Known,
    summing: Summarizer | None,
    to: Sequence[str],
    sources: Sequence[str],
    period: str,
    now: datetime,
    outcome: Outcome,
) -> None:
    """Compose and render the issue of a period, and put its messages, one for each address, into the outbox."""
    since, until = next_window(store, profile, now)
    try:
        letter = draft(store, embedder, profile, sources, period=period, since=since, until=until, known=known)
        letter = summing.summed(letter, outcome, now=now) if summing and letter else letter
        messages = [renderer.render(letter, address, now) for address in to] if letter else []
    except (InputError, RenderError) as error:
        outcome.trouble(f"profile {profile.name}: {error}; no issue was opened")
        return
    with store.together():
        if opened := store.queue(profile.name, period, since, until, now=now, digest=letter, messages=messages):
            store.note_written(profile, now=now)
    if opened:
        outcome.count("issues")
        outcome.count("messages", len(messages))
        picks = len(letter.picks) if letter else 0
        log.info("digest profile=%s period=%s picks=%d messages=%d", profile.name, period, picks, len(messages))


def _doubt(store: Store, now: datetime, outcome: Outcome) -> None:
    """Pass over the issues of days to come, and say so."""
    for name, early in store.disbelieve(now):
        outcome.note(f"profile {name}: issue {early} was opened while the clock was ahead; the next begins before it")


def due_period(store: Store, profile: Profile, now: datetime) -> str | None:
    """The key of the newest period of the profile's schedule; None if an issue of the schedule reaches its moment.

    An extra issue leaves it due. Where the key is taken, by an issue of another schedule in the same week or month, or
    of a clock that was ahead, the day in the reader's zone stands behind it, and else the moment.
    """
    period = parse(profile.schedule).latest(now, profile.timezone)
    if store.served(profile.name, period.at, now):
        return None
    day = period.at.astimezone(zone_of(profile.timezone)).date()
    keys = (period.key, f"{period.key}-{day}", f"{period.key}-{period.at:%Y%m%dT%H%M%SZ}")
    return next((key for key in keys if not store.has_issue(profile.name, key)), None)


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
    known: Known | None = None,
) -> Digest | None:
    """What the profile's digest over (since, until] says; None when there is nothing to say.

    `shown` takes in what the profile has been shown already, for a preview of days that were mailed. `known` is what
    the digests of one step share.
    """
    embed(store, embedder)  # an entry without a vector would be passed over, and its window never comes again
    candidates, vectors = store.candidates(profile.name, embedder.model, embedder.revision, since, until, shown=shown)
    letter = compose(
        profile,
        tasted(store, embedder, profile, candidates, vectors, now=until, known=known),
        period=period,
        since=since,
        until=until,
        sources=store.health(sources, since, until),
        deadlines=store.deadlines(sources, until, until + timedelta(days=profile.deadline_days)),
    )
    return told(letter, embedder)


# --- deliver -------------------------------------------------------------------------------------------------------


def deliver(
    store: Store,
    mailer: Mailer,
    *,
    now: datetime,
    worker: str = "local",
    in_doubt: InDoubt = "resend",
    per_day: int = 0,
    pace: Pace | None = None,
    stop: Stop = never,
) -> Outcome:
    """Send what is in the outbox: claim → send → mark. See `posting` for what an answer means.

    The caller holds the lock of the deliver step, so what is still claimed was left by a crash and is taken up at once
    (in PostgreSQL, where that lock is lost with a connection, when its lease is over): freely, if the final dot was not
    sent, else as `in_doubt` says. At most `per_day` messages (0: no limit) are accepted within 24 hours. `pace` tells
    how long the run takes, for a clock that stands still none at all.
    """
    outcome = Outcome("deliver", {"sent": 0})
    if store.unsettled():
        outcome.trouble(_RESTORED)
        return outcome
    store.reclaim(now, everything=True)
    run = Posting(
        store=store,
        mailer=mailer,
        worker=worker,
        now=now,
        pace=pace or Pace(clock=lambda: 0),
        in_doubt=in_doubt,
        stop=stop,
        outcome=outcome,
    )
    while not stop() and (room := run.room(per_day)):
        claimed = store.claim(run.moment(), worker, LEASE, room)
        if not (claimed and run.post(claimed)):
            break
    run.finish()
    return outcome
