"""outbox, the command: what people see of the messages, and what they can do with them; deliver told to stop."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.peers import peer
from tests.stores import NOW, mail, queue
from tests.test_cli_errors import CONFIG, aggregator, one_line

MINUTE = timedelta(minutes=1)
KEY = mail(1).key


def letter(number: int) -> bytes:
    made = EmailMessage()
    made["Subject"] = f"Überblick {number}"
    made["To"] = mail(number).to
    made.set_content("Hello\n.\n")
    return made.as_bytes().replace(b"\n", b"\r\n")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An outbox: 1 queued, 2 sent, 3 deferred, 4 failed, 5 held and in doubt."""
    (tmp_path / "config.toml").write_text(CONFIG)
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as store:
        store.migrate()
        queue(store, *(mail(number, raw=letter(number)) for number in range(1, 6)))
        store.claim(NOW, "w", MINUTE, 5)
        store.settle_sent(2, "2.0.0 Ok: queued as 4BxY", now=NOW + MINUTE)
        store.settle(3, "deferred", "450 greylisted", not_before=NOW + 5 * MINUTE, worker="w")
        store.settle(4, "failed", "550 5.1.1 no such user", worker="w")
        store.mark_data_sent(5, NOW, worker="w", lease=MINUTE)
        store.settle(5, "held", "no answer", in_doubt=True, worker="w")
        store.release([1], worker="w")
        yield store


def states(store: Store) -> list[str]:
    return [row.state for row in store.outbox()]


def words(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return re.sub(r" +", " ", done.stdout)


# --- looking


@pytest.mark.parametrize("arguments", [["outbox"], ["outbox", "list"]])
def test_the_list(store: Store, tmp_path: Path, arguments: list[str]) -> None:
    store.pause("me", mail(1).to, "unsubscribed", now=NOW)
    said = [line.strip() for line in words(aggregator(tmp_path, *arguments)).splitlines()]
    assert said[0] == "id key state tries when"
    assert said[1] == f"1 {KEY} queued 0 queued 2026-11-21 08:00:00 UTC paused"
    assert said[2] == f"2 {mail(2).key} sent 1 sent 2026-11-21 08:01:00 UTC 2.0.0 Ok: queued as 4BxY"
    assert said[3] == f"3 {mail(3).key} deferred 1 next try 2026-11-21 08:05:00 UTC 450 greylisted"
    assert said[4] == f"4 {mail(4).key} failed 1 queued 2026-11-21 08:00:00 UTC 550 5.1.1 no such user"
    assert said[5].endswith("held 1 queued 2026-11-21 08:00:00 UTC may have been accepted; no answer")


def test_some_states_only_and_json(store: Store, tmp_path: Path) -> None:
    done = aggregator(tmp_path, "outbox", "--state", "failed", "--state", "held", "--json")
    rows = json.loads(done.stdout)
    assert [(row["id"], row["state"]) for row in rows] == [(4, "failed"), (5, "held")]
    assert rows[1]["data_sent_at"] == "2026-11-21T08:00:00+00:00"
    assert aggregator(tmp_path, "outbox", "list", "--state", "dropped").stdout == "no message is dropped\n"


def test_an_empty_outbox(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    aggregator(tmp_path, "migrate")
    assert aggregator(tmp_path, "outbox").stdout == "the outbox is empty\n"


def test_one_message(store: Store, tmp_path: Path) -> None:
    said = words(aggregator(tmp_path, "outbox", "show", "2"))
    assert "Subject: Überblick 2\nTo: r2@example.org\n" in said
    assert f"key: {mail(2).key}\nprofile: me\nfrom, to: from@example.org → r2@example.org\n" in said
    assert "state: sent\nqueued: 2026-11-21 08:00:00 UTC\ntried: 1 time\nsent: 2026-11-21 08:01:00 UTC\n" in said
    assert "the server said: 2.0.0 Ok: queued as 4BxY\n" in said
    facts = json.loads(aggregator(tmp_path, "outbox", "show", mail(2).key, "--json").stdout)
    assert (facts["id"], facts["bytes"], facts["came_back"]) == (2, len(letter(2)), [])
    assert ["Subject", "Überblick 2"] in facts["headers"]


def test_what_came_back_is_told(store: Store, tmp_path: Path) -> None:
    mailed = store.mailed(message_id=mail(2).message_id)
    assert mailed is not None
    store.add_bounce("<r@x>", mailed, now=NOW, hard=True, counted=True, status="5.1.1", text="user unknown")
    said = words(aggregator(tmp_path, "outbox", "show", "2"))
    assert said.endswith("came back: 2026-11-21 08:00:00 UTC: 5.1.1 user unknown\n")


def test_the_very_bytes(store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aggregator", "outbox", "show", "--raw"]
    assert subprocess.run([*command, KEY], cwd=tmp_path, capture_output=True, check=True).stdout == letter(1)
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET raw = x'' WHERE id = 2")
    one_line(aggregator(tmp_path, "outbox", "show", "2", "--raw"), 2, r"the bytes of message 2 .* are forgotten")
    assert "size: forgotten" in words(aggregator(tmp_path, "outbox", "show", "2"))


# --- doing


def test_retry_by_name_and_by_state(store: Store, tmp_path: Path) -> None:
    said = words(aggregator(tmp_path, "outbox", "retry", "3", mail(4).key, "3"))
    assert said == "2 messages queued; `aggregator deliver` sends what is due\n"
    assert states(store) == ["queued", "sent", "queued", "queued", "held"]
    assert words(aggregator(tmp_path, "outbox", "retry", "--held", "--failed")).startswith("1 message queued")
    assert store.outbox()[4].data_sent_at is None
    assert words(aggregator(tmp_path, "outbox", "retry", "--failed")).startswith("0 messages queued")


def test_retry_of_what_is_paused_says_so(store: Store, tmp_path: Path) -> None:
    store.pause("me", mail(4).to, "550", now=NOW)
    said = words(aggregator(tmp_path, "outbox", "retry", "4"))
    assert said.startswith("message 4 waits: r4@example.org is paused; see `aggregator profile resume --help`\n")


def test_hold_and_drop(store: Store, tmp_path: Path) -> None:
    assert words(aggregator(tmp_path, "outbox", "hold", "1", "3")) == "2 messages held\n"
    assert words(aggregator(tmp_path, "outbox", "drop", KEY, "4", "5")) == "3 messages dropped\n"
    assert states(store) == ["dropped", "sent", "held", "dropped", "dropped"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "9"], r"there is no message '9'; `aggregator outbox` lists them"),
        (["show", "me/2026-W47/r1@example.com"], r"did you mean me/2026-W47/r1@example.org\?"),
        (["retry"], r"say which messages: .* --failed or --held"),
        (["retry", "2"], r"message 2 \(.*\) is sent and cannot be sent again"),
        (["hold", "2"], r"message 2 \(.*\) is sent and cannot be held"),
        (["drop", "1", "2"], r"message 2 \(.*\) is sent and cannot be dropped"),
        (["drop", "1", "nobody"], r"there is no message 'nobody'"),
        (["--state", "held", "list"], r"write the option behind the command: aggregator outbox list --state held"),
        (["--json", "show", "1"], r"write the option behind the command: aggregator outbox show --json"),
        (["show", "1", "--raw", "--json"], r"--raw and --json do not go together"),
    ],
)
def test_wrong_words_change_nothing(store: Store, tmp_path: Path, arguments: list[str], text: str) -> None:
    before = states(store)
    one_line(aggregator(tmp_path, "outbox", *arguments), 2, text)
    assert states(store) == before


def test_a_message_whose_bytes_are_forgotten_is_not_sent_again(store: Store, tmp_path: Path) -> None:
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET raw = x'' WHERE id = 4")
    one_line(aggregator(tmp_path, "outbox", "retry", "4"), 2, "cannot be sent: its bytes are forgotten")
    assert words(aggregator(tmp_path, "outbox", "retry", "--failed")).startswith("0 messages")


def test_the_shell_completes_ids(store: Store, tmp_path: Path) -> None:
    env = {"_AGGREGATOR_COMPLETE": "bash_complete", "COMP_WORDS": "aggregator outbox drop ", "COMP_CWORD": "3"}
    command = [str(Path(sys.executable).with_name("aggregator"))]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | env, capture_output=True, text=True, check=False)
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == ["1", "2", "3", "4", "5"]


# --- deliver, told to stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_message_in_hand_and_says_quit(store: Store, tmp_path: Path, number: int) -> None:
    with peer() as server:
        mails = f"""
[mail]
transport = "smtp"
sender = "d@example.org"
host = "127.0.0.1"
port = {server.port}
security = "none"
per_second = 10
"""
        (tmp_path / "config.toml").write_text(CONFIG + mails)
        queue(store, *(mail(number) for number in range(10, 100)), period="2026-W48")
        command = [sys.executable, "-m", "aggregator", "deliver"]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while len(server.accepted) < 3:
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert server.said[-1] == "quit"
        counts = store.outbox_counts()
        assert process.returncode == 143
        assert counts["sent"] == len(server.accepted) + 1, "one was sent before"
        assert counts["sent"] < 90
        assert "sending" not in counts
        assert f"deliver: {len(server.accepted)} sent" in out
        assert err.splitlines() == [
            "aggregator: finishing what is in hand; Ctrl-C breaks off",
            "aggregator: stopped; what was done is stored, and the same command goes on from there",
        ]
