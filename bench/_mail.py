"""_mail: digests for many readers, stage by stage, in a process of its own.

Prints {"stages": {stage: [count, seconds, CPU s]}, "render": {who spends its time: part of it, 0 to 1}}.

The works are those of the shipped sample; each reader gets 20 of them, in an order of their own.
"""

import cProfile
import json
import os
import pstats
import random
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator import app, office, pipeline
from aggregator.compose import compose
from aggregator.deliver import SmtpMailer
from aggregator.model import Digest, Message, Profile, Ranked, Reason
from aggregator.outcome import silent
from aggregator.store import Store

_NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
_SINCE = _NOW - timedelta(days=7)
_BARE = 2000
_SYNCS = 500
_PROFILED = 300

_WHO = {
    "jinja2": ("/jinja2/", "/markupsafe/", "/templates/email/"),
    "css-inline": ("CSSInliner",),
    "encoding": ("binascii", "base64", "/email/"),
    "aggregator": ("/aggregator/",),
}
"""Whose code spends the time of rendering, by what its place or name contains; the rest is Python's own."""


def main(readers: int, folder: Path, port: int) -> None:
    """Run all stages and print their figures."""
    figures: dict[str, tuple[int, float, float]] = {}

    def timed(stage: str, count: int, work: Callable[[], None]) -> None:
        begun, spent = time.perf_counter(), time.process_time()
        work()
        figures[stage] = (count, time.perf_counter() - begun, time.process_time() - spent)

    with app.open_demo(folder, lambda: _NOW, silent) as steps:
        steps.collect()
        steps.embed()
        store, config = steps.store, steps.config
        digests = list(_digests(store, steps.embedder.model, steps.embedder.revision, config.profiles[0], readers))
        renderer = office.renderer(config)
        mails: list[Message] = []
        timed(
            "render", readers, lambda: mails.extend(renderer.render(one, one.profile.email[0], _NOW) for one in digests)
        )
        shares = _shares(lambda: [renderer.render(one, one.profile.email[0], _NOW) for one in digests[:_PROFILED]])
        timed("queue", readers, lambda: _queue(store, digests, mails))
        mailer = SmtpMailer("127.0.0.1", port, security="none")
        timed("deliver", readers, lambda: _deliver(store, mailer))
        bare = mails[:_BARE]
        timed("bare smtplib", len(bare), lambda: _bare(bare, port))
        timed("fsync", _SYNCS, lambda: _syncs(folder))
    print(json.dumps({"stages": figures, "render": shares}))


def _shares(work: Callable[[], object]) -> dict[str, float]:
    """What part of the time of some work each of _WHO spends."""
    profile = cProfile.Profile()
    profile.runcall(work)
    spent = dict.fromkeys([*_WHO, "python"], 0.0)
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[next((who for who, signs in _WHO.items() if any(sign in file + name for sign in signs)), "python")] += own
    return {who: seconds / sum(spent.values()) for who, seconds in spent.items()}


def _digests(store: Store, model: str, revision: str, like: Profile, readers: int) -> Iterator[Digest]:
    found, _ = store.candidates("bench", model, revision, _SINCE, _NOW)
    health = store.health([], _SINCE, _NOW)
    chance = random.Random(4)
    for number in range(readers):
        profile = replace(like, name=f"reader-{number}", email=(f"reader-{number}@example.org",), max_entries=20)
        ranked = [
            Ranked(one, chance.uniform(0.3, 0.9), (Reason("interest", chance.choice(profile.interests), 0.5),))
            for one in chance.sample(found, min(len(found), 40))
        ]
        ranked.sort(key=lambda item: -item.score)
        made = compose(profile, ranked, period="2026-W48", since=_SINCE, until=_NOW, sources=health)
        assert made is not None
        yield made


def _queue(store: Store, digests: list[Digest], mails: list[Message]) -> None:
    for one, mail in zip(digests, mails, strict=True):
        assert store.queue(one.profile.name, one.period, _SINCE, _NOW, now=_NOW, digest=one, messages=[mail])


def _deliver(store: Store, mailer: SmtpMailer) -> None:
    outcome = pipeline.deliver(store, mailer, now=_NOW)
    mailer.close()
    assert not outcome.troubles, outcome.troubles[:3]


def _bare(mails: list[Message], port: int) -> None:
    """The same bytes without a database: what the protocol itself takes."""
    with smtplib.SMTP("127.0.0.1", port, "localhost") as server:
        for mail in mails:
            server.sendmail(mail.sender, mail.to, mail.raw)


def _syncs(folder: Path) -> None:
    """What one wait for the disk takes here."""
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_SYNCS):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())


main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
