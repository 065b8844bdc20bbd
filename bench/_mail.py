"""_mail: digests for many readers, stage by stage, in a process of its own; prints {stage: [count, seconds, CPU s]}.

The works are those of the shipped sample; each reader gets 20 of them, in an order of their own.
"""

import json
import os
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
        timed("queue", readers, lambda: _queue(store, digests, mails))
        mailer = SmtpMailer("127.0.0.1", port, security="none")
        timed("deliver", readers, lambda: _deliver(store, mailer))
        bare = mails[:_BARE]
        timed("bare smtplib", len(bare), lambda: _bare(bare, port))
        timed("fsync", _SYNCS, lambda: _syncs(folder))
    print(json.dumps(figures))


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
