"""app: wiring. The only module that knows all parts: it turns a Config into the parts that a command needs."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from aggregator import pipeline
from aggregator.audit import Finding, audit
from aggregator.backfill import SliceResult, backfill
from aggregator.comparing import Trial, tried
from aggregator.config import Config, find, load
from aggregator.deliver import FolderMailer
from aggregator.embed import SentenceEmbedder
from aggregator.errors import InputError
from aggregator.fetch import AnswerTransport, Fetcher
from aggregator.model import Profile, Window
from aggregator.office import announce, mailer, read_returned, renderer, summarizer
from aggregator.outcome import Outcome, Progress, Stop, never, silent
from aggregator.posting import Pace
from aggregator.sources import Source
from aggregator.sources.feed import feed_readers
from aggregator.store import Store

Clock = Callable[[], datetime]


def clock(now: str | None, environ: Mapping[str, str] = os.environ) -> Clock:
    """The program's only clock: `now` or AGGREGATOR_NOW, an ISO 8601 moment that stands still, or else the real time.

    A moment without a zone is UTC, a date its midnight. Raises InputError.
    """
    text = now or environ.get("AGGREGATOR_NOW")
    if not text:
        return lambda: datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--now {text!r} is not a moment; write it like 2026-11-23T08:00 or 2026-11-23") from None
    if not 1970 <= moment.year < 9000:
        raise InputError(f"--now {text!r} is out of reach; write a year from 1970 to 8999")
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return lambda: moment


def read_config(path: Path | None = None) -> Config:
    """The configuration: `path`, or the first found in the search order."""
    return load(find(path, os.environ, Path.cwd()))


@contextmanager
def open_store(config: Config, *, current: bool = True) -> Iterator[Store]:
    """The database, closed at the end; `current` refuses one that is missing or out of date."""
    with Store(config.database.url) as store:
        if current:
            store.require_current()
            _rename(config, store)
        yield store


def _rename(config: Config, store: Store) -> None:
    for profile in config.profiles:
        store.rename(profile.was, profile.name)


def database_name(config: Config) -> str:
    """The database as errors name it: a file, or a url without its password."""
    with Store(config.database.url) as store:
        return store.name


def open_fetcher(config: Config) -> Fetcher:
    """The door to the network, as configured; to be closed by the caller."""
    fetch = config.fetch
    return Fetcher(
        contact=fetch.contact,
        allow=fetch.allow,
        deadline=fetch.deadline_seconds,
        pause=fetch.pause_seconds,
    )


@dataclass(frozen=True)
class Steps:
    """The four steps wired to one configuration. `fetcher` opens the door to the network.

    Each call holds the database's lock "work", so that two processes never do the same step, waiting a minute for it.
    """

    config: Config
    store: Store
    clock: Clock
    progress: Progress = silent
    stop: Stop = never
    fetcher: Callable[[Config], Fetcher] = open_fetcher

    @cached_property
    def embedder(self) -> SentenceEmbedder:
        """The embedding model, loaded at most once and not before it is used."""
        return SentenceEmbedder(self.config.embed.model, self.config.embed.batch, self.config.embed.backend)

    def collect(self, *, everything: bool = False, only: str | None = None) -> Outcome:
        """Visit what is due, `everything`, or the one source named.

        When a digest is due, sources whose entries go on changing are due as well: the votes in it are fresh. Unless a
        source is named, mail that came back is read too.
        """
        with self._at_work(), self.fetcher(self.config) as fetcher, feed_readers():
            outcome = pipeline.collect(
                self.store,
                fetcher,
                self._sources(only),
                now=self.clock(),
                everything=everything or only is not None,
                extra=[source.name for source in self.config.sources if source.moves] if self._digest_is_due() else (),
                workers=self.config.fetch.workers,
                keep_bodies=timedelta(days=self.config.mail.keep_days),
                progress=self.progress,
                stop=self.stop,
            )
            if only is None and not self.stop():
                read_returned(self.config, self.store, outcome, now=self.clock(), stop=self.stop)
            return outcome

    def embed(self) -> Outcome:
        """Give what has no vector one."""
        with self._at_work():
            return pipeline.embed(self.store, self.embedder, progress=self.progress, stop=self.stop)

    def digest(self, *, force: bool = False) -> Outcome:
        """Open the issues that are due."""
        with self._at_work():
            return pipeline.digest(
                self.store,
                self.embedder,
                renderer(self.config),
                self.config.profiles,
                [source.name for source in self.config.sources],
                now=self.clock(),
                force=force,
                summing=summarizer(self.config, self.store),
            )

    def deliver(self) -> Outcome:
        """Send the outbox, and a notice of the issues that go out for the first time."""
        mail = self.config.mail
        with self._at_work(), closing(mailer(self.config)) as post:
            fresh = self.store.unannounced() if mail.notice else set()
            outcome = pipeline.deliver(
                self.store,
                post,
                now=self.clock(),
                worker=f"{socket.gethostname()}:{os.getpid()}",
                in_doubt=mail.in_doubt,
                per_day=mail.per_day,
                pace=Pace(mail.per_second),
                stop=self.stop,
            )
        if mail.notice:
            announce(self.config, self.store, fresh, outcome)
        return outcome

    def run(self, *, everything: bool = False, force: bool = False) -> Iterator[Outcome]:
        """The four steps one after the other; each outcome as it is there."""
        yield self.collect(everything=everything)
        for step in (self.embed, lambda: self.digest(force=force), self.deliver):
            if self.stop():
                return
            yield step()

    def preview(self, name: str, *, days: int, folder: Path | None = None) -> tuple[Path | None, Trial]:
        """Write the digest of the last `days` days, shown or not, as .html and .eml; the path of the .eml, or None.

        Nothing is queued. `folder` is preview/ beside config.toml unless given. The trial tells what an edit does.
        """
        profile = self._profile(name)
        now = self.clock()
        with self._at_work():
            trial = tried(
                self.store,
                self.embedder,
                profile,
                [source.name for source in self.config.sources],
                period=f"preview-{now:%Y-%m-%d}",
                since=now - timedelta(days=days),
                until=now,
            )
        if trial.letter is None:
            return None, trial
        post = FolderMailer(folder or self.config.path.parent / "preview")
        message = renderer(self.config).render(trial.letter, profile.email[0], now)
        post.send(message, lambda: None)
        return post.path(message.key), trial

    def backfill(self, window: Window, only: str | None = None) -> tuple[Outcome, list[SliceResult]]:
        """Fetch the history of a window of days, from all sources that keep one or from the one named."""
        with self.fetcher(self.config) as fetcher:
            return backfill(
                self.store,
                fetcher,
                self._sources(only),
                window,
                clock=self.clock,
                progress=self.progress,
                stop=self.stop,
            )

    def audit(self, window: Window, only: str | None = None, *, mend: bool = True) -> tuple[Outcome, list[Finding]]:
        """Hold the store against what the sources say of a window of days now, and mend it."""
        self.store.disbelieve(self.clock())
        with self.fetcher(self.config) as fetcher:
            return audit(
                self.store,
                fetcher,
                self._sources(only),
                window,
                clock=self.clock,
                mend=mend,
                progress=self.progress,
                stop=self.stop,
            )

    def latest_mail(self) -> Path | None:
        """The .eml of the newest message, where the transport is a folder and there is one."""
        rows = self.store.outbox()
        if not rows or self.config.mail.transport != "folder":
            return None
        return FolderMailer(self.config.mail.folder).path(rows[-1].key)

    def _digest_is_due(self) -> bool:
        now, to = self.clock(), self.store.receivers(self.config.profiles)
        return any(to[one.name] and pipeline.due_period(self.store, one, now) for one in self.config.profiles)

    def _profile(self, name: str) -> Profile:
        for profile in self.config.profiles:
            if profile.name == name:
                return profile
        names = ", ".join(profile.name for profile in self.config.profiles)
        raise InputError(f"there is no profile {name!r} in {self.config.path}; there are: {names}")

    def _sources(self, only: str | None) -> tuple[Source, ...]:
        chosen = tuple(source for source in self.config.sources if only in (None, source.name))
        if not chosen:
            names = ", ".join(source.name for source in self.config.sources)
            raise InputError(f"there is no source {only!r} in {self.config.path}; there are: {names}")
        return chosen

    def _at_work(self) -> AbstractContextManager[None]:
        return self.store.lock("work", wait=60)


def reread(steps: Steps) -> Steps:
    """The steps on the configuration as it is written by now. Raises InputError, or StoreError if all are at work."""
    config = load(steps.config.path)
    if config.database != steps.config.database:
        raise InputError("[database] url is another now, which takes a new start")
    _rename(config, steps.store)
    fresh = replace(steps, config=config)
    if "embedder" in steps.__dict__ and config.embed == steps.config.embed:
        fresh.__dict__["embedder"] = steps.embedder  # the model takes seconds to load
    return fresh


@contextmanager
def open_demo(folder: Path, clock: Clock, progress: Progress) -> Iterator[Steps]:
    """The steps on the shipped sample: a configuration, database and outbox of their own in `folder`.

    The sample is served to the real Fetcher by an in-process transport, in the real formats and with dates relative
    to now; so there is nobody to be polite to, and nothing waits.
    """
    from aggregator import demo

    def fetcher(config: Config) -> Fetcher:
        transport = AnswerTransport(lambda url, headers: demo.answer(url, clock(), headers))
        return Fetcher(contact=config.fetch.contact, transport=transport, pause=0, slot_dir=None, sleep=lambda _: None)

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.toml"
    if not path.exists():
        path.write_text(demo.CONFIG, encoding="utf-8")
    config = load(path)
    with open_store(config, current=False) as store:
        store.migrate()
        yield Steps(config, store, clock, progress, fetcher=fetcher)
