"""kill -9 while mail goes out: nobody is missed, and at most the one message that was under way arrives twice.

The peer's own log is the oracle, never our database. `make crash`; AGGREGATOR_CRASH_SEED repeats a series,
AGGREGATOR_CRASH_KILLS says how many there are at random moments.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from aggregator.model import Message
from aggregator.store import Store
from tests.mailing import POINTS
from tests.stores import NOW, queue, rows

READERS = 300
KILLS = int(os.environ.get("AGGREGATOR_CRASH_KILLS", "200"))
SEED = os.environ.get("AGGREGATOR_CRASH_SEED", "1")
MOODS = ("greylisted", "full", "gone")
CONFIG = """
[[profile]]
name = "me"
email = ["me@example.org"]
interests = ["speech"]

[mail]
transport = "smtp"
sender = "digest@example.org"
host = "127.0.0.1"
security = "none"
port = {port}

[[source]]
kind = "feed"
name = "none"
url = "https://example.org/feed"
"""

UNDER_WAY = ("after dot", "before reply", "after reply", "after body", "after send", "before settle")
"""Between the final dot and the commit: here, and nowhere else, a crash makes a duplicate."""

Line: TypeAlias = dict[str, Any]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def letter(number: int, to: str) -> Message:
    """A message with all that is awkward on the wire; its lines begin with dots."""
    head = f"Message-ID: <{number}@example.org>\r\nTo: {to}\r\nSubject: {number}\r\n\r\n"
    body = "".join(f"{'.' * (line % 4)}line {line} for {to}\r\n" for line in range(40))
    raw = (head + body + ".\r\n").encode()
    return Message(f"me/2026-W47/{to}", "digest@example.org", to, f"<{number}@example.org>", f"{number}", raw)


class Mailing:
    """An outbox for all readers, a peer, and what the peer took."""

    def __init__(self, folder: Path, names: Sequence[str] = ()) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.letters = [letter(n, f"{names[n] if n < len(names) else 'reader'}{n}@example.org") for n in range(READERS)]
        self.url = f"sqlite:///{folder / 'aggregator.db'}"
        self.log = folder / "peer.log"
        self.crashes = 0
        with Store(self.url) as store:
            store.migrate()
            queue(store, *self.letters)

    @contextmanager
    def peer(self) -> Iterator[int]:
        command = [sys.executable, "-m", "tests.mailing", "peer", str(self.log)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.kill()
            process.communicate()

    def begin(self, port: int, policy: str, *point: object) -> subprocess.Popen[str]:
        """A sender that has read the database and begins to send."""
        command = [sys.executable, "-m", "tests.mailing", "send", self.url, str(port), policy, *map(str, point)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    def end(self, process: subprocess.Popen[str]) -> bool:
        """Wait for a sender; whether it was killed, and then the peer may have at most one message again."""
        before = set(self.doubtful)
        process.communicate(timeout=300)
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0
        self.crashes += killed
        assert len(set(self.doubtful) - before) <= killed
        with Store(self.url) as store:
            assert rows(store, "PRAGMA integrity_check") == [("ok",)]
            assert rows(store, "PRAGMA foreign_key_check") == []
        return killed

    @property
    def doubtful(self) -> list[str]:
        """To whom the peer took a message that our database does not call sent."""
        with Store(self.url) as store:
            sent = {row.recipient for row in store.outbox() if row.state == "sent"}
        return sorted({line["to"] for line in self.taken} - sent)

    @property
    def taken(self) -> list[Line]:
        """What the peer took responsibility for."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def copies(self) -> Counter[str]:
        """How often each reader has the message, after a look that it is the right one."""
        whole = {one.to: (hashlib.sha256(one.raw).hexdigest(), one.message_id) for one in self.letters}
        for line in self.taken:
            assert (line["sha256"], line["message_id"]) == whole[line["to"]]
        return Counter(line["to"] for line in self.taken)

    def states(self) -> dict[str, int]:
        with Store(self.url) as store:
            return store.outbox_counts()


def judge(mailing: Mailing, held: int = 0) -> tuple[int, int]:
    """Missed and duplicates by the peer's log; no reader gets more than one copy too many per crash."""
    copies = mailing.copies()
    duplicates = sum(copies.values()) - len(copies)
    assert duplicates <= mailing.crashes
    return READERS - held - len(copies), duplicates


# --- labelled points


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_point(tmp_path: Path, point: str, moment: str) -> None:
    mailing = Mailing(tmp_path)
    with mailing.peer() as port:
        for number in (1, 2, 7, 21):
            mailing.end(mailing.begin(port, "resend", f"{moment} {point}", number))
        assert mailing.crashes >= 1
        assert not mailing.end(mailing.begin(port, "resend"))
    missed, duplicates = judge(mailing)
    assert missed == 0
    assert mailing.states() == {"sent": READERS}
    assert duplicates == (mailing.crashes if f"{moment} {point}" in UNDER_WAY else 0)


# --- random moments


def bombard(folder: Path, policy: str, kills: int, chance: random.Random) -> list[Mailing]:
    """Kill senders so often while they send, over as many outboxes as it takes; each is finished at the end."""
    done: list[Mailing] = []
    while sum(one.crashes for one in done) < kills:
        mailing = Mailing(folder / str(len(done)))
        done.append(mailing)
        with mailing.peer() as port:
            while mailing.states().get("queued") and sum(one.crashes for one in done) < kills:
                process = mailing.begin(port, policy)
                time.sleep(chance.uniform(0, 0.15))
                process.send_signal(signal.SIGKILL)
                mailing.end(process)
            assert not mailing.end(mailing.begin(port, policy))
    return done


def test_killed_at_random_moments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = bombard(tmp_path, "resend", KILLS, random.Random(f"{SEED} resend"))
    crashes = sum(one.crashes for one in done)
    results = [judge(one) for one in done]
    with capsys.disabled():
        print(f"\n{crashes} kills over {len(done)} mailings to {READERS}: (missed, duplicates) {results}")
    assert crashes == KILLS
    assert [missed for missed, _ in results] == [0] * len(done)
    assert all(one.states() == {"sent": READERS} for one in done)


def test_killed_at_random_moments_where_the_owner_wants_no_duplicates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = bombard(tmp_path, "hold", KILLS // 4, random.Random(f"{SEED} hold"))
    for one in done:
        states = one.states()
        held = states.pop("held", 0)
        copies = one.copies()
        with capsys.disabled():
            print(f"\n{one.crashes} kills: {held} held, {sum(copies.values())} taken")
        assert states == {"sent": READERS - held}
        assert held <= one.crashes
        assert set(copies.values()) == {1}
        assert len(copies) >= READERS - held, "each is sent, or shown to the owner"


# --- what is no crash makes no duplicate


def test_terms_restarts_and_refusals_make_no_duplicate(tmp_path: Path) -> None:
    moods = [MOODS[n % 3] if n % 10 == 0 else "reader" for n in range(READERS)]
    mailing = Mailing(tmp_path, moods)
    chance = random.Random(SEED)
    command = [sys.executable, "-m", "aggregator", "deliver"]
    now, codes = NOW, []
    with mailing.peer() as port:
        (tmp_path / "config.toml").write_text(CONFIG.format(port=port))
        while {"queued", "deferred"} & mailing.states().keys():
            env = {**os.environ, "AGGREGATOR_NOW": now.isoformat()}
            taken = len(mailing.taken)
            process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL)
            while len(mailing.taken) == taken and process.poll() is None:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(60))
            assert "sending" not in mailing.states()
            assert mailing.doubtful == []
            now += timedelta(minutes=5)
    copies = mailing.copies()
    gone = moods.count("gone")
    assert codes.count(143) >= 3
    assert set(copies.values()) == {1}
    assert len(copies) == READERS - gone
    assert mailing.states() == {"failed": gone, "sent": READERS - gone}
    with Store(mailing.url) as store:
        assert len(store.pauses()) == gone
