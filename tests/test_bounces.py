"""Mail that came back is believed only where it proves itself, counts once, and pauses what it must; nothing else."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import app, pipeline
from aggregator.bounces import read_bounces
from aggregator.bounces.report import Report, is_report, read_report, sent_to
from aggregator.config import load
from aggregator.deliver import SmtpMailer
from aggregator.errors import ParseError
from aggregator.model import Message
from aggregator.outcome import Outcome
from aggregator.sources.mailbox import unread as module
from aggregator.sources.mailbox.connection import Mailserver
from aggregator.store import Store
from aggregator.tokens import keyring, message_marks, return_path
from tests.stores import DATABASES, DAY, NOW, fresh_store, rows
from tests.test_sources_mailbox import SECRET, Imap

DATA = Path(__file__).parent / "data" / "bounces"
KEYS = keyring("k" * 40)
KIM = "kim@example.net"
WEEKS = [f"2026-W{number}" for number in range(40, 48)]


def mark(week: str, number: int = 0) -> str:
    return f"{int(week[-2:]):08x}{number:08x}"


def ident(week: str, number: int = 0) -> str:
    return f"{week}.{mark(week, number)}@digest.example.org"


def path(week: str, number: int = 0) -> str:
    return return_path(KEYS, "bounces@digest.example.org", mark(week, number))


def sample(name: str, week: str = "2026-W47", **changes: str) -> bytes:
    """A sample as it comes back for Kim's digest of a week; its own Message-ID is another for every week."""
    text = (DATA / f"{name}.eml").read_text()
    values = {"TO": KIM, "ID": ident(week), "PATH": path(week)} | changes
    text = re.sub(r"(?im)^(message-id: <)(?!@@)", rf"\g<1>{week}-", text)
    for key, value in values.items():
        text = text.replace(f"@@{key}@@", value)
    return text.encode()


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        fill(opened)
        yield opened


def fill(store: Store) -> None:
    """Eight weeks of digests to Kim and to Lee, all sent but the last to Lee."""
    for week in WEEKS:
        messages = [
            Message(f"me/{week}/{to}", path(week, number), to, f"<{ident(week, number)}>", "x", b"x")
            for number, to in enumerate((KIM, "lee@example.net"))
        ]
        store.queue("me", week, NOW - DAY, NOW, now=NOW, digest=None, messages=messages)
    for one in store.claim(NOW, "w", timedelta(minutes=15), 2 * len(WEEKS) - 1):
        store.settle_sent(one.id, "ok", now=NOW)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


def put(box: Path, *bodies: bytes) -> None:
    for body in bodies:
        number = sum(1 for part in ("new", "cur") for _ in (box / part).iterdir())
        (box / "new" / f"17954208{number:02}.M{number}.host").write_bytes(body)


def came_back(store: Store, box: Any, *bodies: bytes, keys: Any = KEYS, by_id: bool = False) -> Outcome:
    """What a visit to the box tells, once these mails are in it."""
    if bodies:
        put(box, *bodies)
    outcome = Outcome("collect")
    read_bounces(store, box, keys, outcome, by_id=by_id, now=NOW)
    return outcome


def paused(store: Store) -> list[tuple[str, str]]:
    return [(pause.profile, pause.address) for pause in store.pauses()]


def left(box: Path) -> int:
    return sum(1 for _ in (box / "new").iterdir())


# --- what a report says


@pytest.mark.parametrize(
    ("name", "verdict", "status", "said"),
    [
        ("postfix-unknown-user", "hard", "5.1.1", "550 5.1.1 <kim@example.net>: Recipient address rejected"),
        ("postfix-delayed", "delayed", "4.4.1", "connect to mx.example.net"),
        ("postfix-expired", "soft", "4.4.1", "connect to mx.example.net"),
        ("exim-unknown-user", "hard", "5.1.1", "550-5.1.1 no mailbox of this name 550 5.1.1 here"),
        ("exim-in-words", "hard", "5.1.1", "host mx.example.net [192.0.2.25]: 550 5.1.1"),
        ("exim-warning-in-words", "delayed", "4.7.1", "host mx.example.net [192.0.2.25]: 451 4.7.1"),
        ("qmail", "hard", "5.1.1", "Sorry, there is no box of that name here. (#5.1.1)"),
        ("gmail-over-quota", "soft", "5.2.2", "552-5.2.2 The box of the reader is full"),
        ("gmail-policy", "ours", "5.7.26", "550-5.7.26 The sender is not authenticated"),
        ("outlook-unknown-user", "hard", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
        ("other-script", "hard", "5.1.1", "550 5.1.1 宛先がありません"),
    ],
)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_what_the_samples_say(name: str, verdict: str, status: str, said: str, ends: bytes) -> None:
    report = read_report(sample(name).replace(b"\n", ends), loose=True)
    assert report is not None
    (failure,) = report.failures
    assert (failure.verdict, failure.status) == (verdict, status)
    assert failure.said.startswith(said)
    in_words = name in ("exim-in-words", "exim-warning-in-words", "qmail")
    assert report.original == ("" if in_words else f"<{ident('2026-W47')}>")
    assert is_report(sample(name).partition(b"\n\n")[0]) is not in_words
    assert path("2026-W47") in sent_to(sample(name).partition(b"\n\n")[0])
    assert (read_report(sample(name), loose=False) is None) is in_words


def test_what_is_no_report_is_none() -> None:
    receipt = sample("postfix-unknown-user").replace(
        b"report-type=delivery-status", b"report-type=disposition-notification"
    )
    assert not is_report(receipt.partition(b"\n\n")[0])
    assert read_report(sample("vacation"), loose=True) is None
    assert read_report(b"", loose=True) is None
    assert read_report(b"From: MAILER-DAEMON@x.org\n\nhello", loose=False) is None


def daemon(words: str, *, kind: str = "text/plain") -> bytes:
    return (
        f"From: postmaster@corp.example\nTo: {path('2026-W47')}\nMessage-ID: <1@x>\nContent-Type: {kind}\n\n{words}\n"
    ).encode()


@pytest.mark.parametrize(
    "body",
    [
        daemon("The message was placed in quarantine and then released to the recipient."),
        daemon(f"Your message was successfully delivered to {KIM}."),
        daemon(
            "--b\nContent-Type: text/plain\n\nA complaint. 550 5.1.1\n--b--",
            kind="multipart/report; report-type=feedback-report; boundary=b",
        ),
    ],
)
def test_what_a_daemon_says_besides_is_no_report(body: bytes) -> None:
    assert read_report(body, loose=True) is None


@pytest.mark.parametrize(
    "words",
    [
        "Hi. This is the qmail-send program at x.org.\nIt did not work.",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not go.",
    ],
)
def test_a_daemon_that_gives_no_code_is_known_by_how_it_begins(words: str) -> None:
    report = read_report(daemon(words), loose=True)
    assert report
    assert [(failure.verdict, failure.status) for failure in report.failures] == [("soft", "5.0.0")]


@pytest.mark.parametrize(
    ("action", "status", "said", "verdict"),
    [
        ("failed", "5.1.1", "", "hard"),
        ("failed", "5.1.2 (bad host)", "", "hard"),
        ("failed", "5.1.7", "", "ours"),
        ("failed", "5.1.8", "", "ours"),
        ("failed", "5.1.90", "", "ours"),
        ("failed", "5.1.9", "", "soft"),
        ("failed", "5.4.5", "", "ours"),
        ("failed", "5.2.1", "", "hard"),
        ("failed", "5.2.2", "", "soft"),
        ("failed", "5.2.3", "", "ours"),
        ("failed", "5.3.4", "", "ours"),
        ("failed", "5.4.4", "", "soft"),
        ("failed", "5.5.0", "", "ours"),
        ("failed", "5.6.1", "", "ours"),
        ("failed", "5.7.1", "", "ours"),
        ("failed", "4.7.0", "", "ours"),
        ("failed", "4.1.1", "", "soft"),
        ("failed", "5.0.0", "550 5.1.1 no", "hard"),
        ("failed", "5.0.0", "#5.2.1 no", "hard"),
        ("failed", "5.0.0", "5.1.1 no", "hard"),
        ("failed", "5.0.0", "550 no such user at 5.1.1.7", "soft"),
        ("failed", "5.0.0", "451 4.1.1", "soft"),
        ("failed", "", "550 5.1.1 no", "hard"),
        ("failed", "", "no", "soft"),
        ("failed", "2.1.1", "", ""),
        ("failed", "51.1", "", "soft"),
        ("FAILED; x", "5.1.1", "", "hard"),
        ("delayed", "4.4.7", "", "delayed"),
        ("delayed", "5.1.1", "", "delayed"),
        ("delivered", "2.0.0", "", ""),
        ("relayed", "5.1.1", "", ""),
        ("expanded", "5.1.1", "", ""),
        ("", "5.1.1", "", "hard"),
        ("", "4.2.2", "", "delayed"),
        ("exploded", "", "", ""),
    ],
)
def test_whose_fault_it_is(action: str, status: str, said: str, verdict: str) -> None:
    body = sample("postfix-unknown-user").decode()
    body = re.sub(r"Diagnostic-Code: .*\n .*\n", f"Diagnostic-Code: smtp; {said}\n", body)
    body = body.replace("Action: failed", f"Action: {action}").replace("Status: 5.1.1", f"Status: {status}")
    report = read_report(body.encode(), loose=False)
    assert report is not None
    assert report.failures[0].verdict == verdict


# --- what follows


HARD = ["postfix-unknown-user", "exim-unknown-user", "exim-in-words", "qmail", "outlook-unknown-user", "other-script"]


@pytest.mark.parametrize("name", HARD)
def test_an_address_that_does_not_exist_is_paused(store: Store, box: Path, name: str) -> None:
    outcome = came_back(store, box, sample(name))
    assert paused(store) == [("me", KIM)]
    assert store.pauses()[0].reason.startswith("mail came back: 5.1.")
    (trouble,) = outcome.troubles
    assert trouble.startswith(f"digest 2026-W47 of me to {KIM} came back (5.1.")
    assert trouble.endswith("the address is paused until `aggregator profile resume`")
    assert outcome.counts == {"bounces": 1}
    ((profile, address, message, hard),) = rows(store, "SELECT profile, address, message, hard FROM bounce")
    assert (profile, address, message, bool(hard)) == ("me", KIM, f"<{ident('2026-W47')}>", True)


@pytest.mark.parametrize("again", ["same", "copied", "unread"])
def test_a_report_counts_once(store: Store, box: Path, again: str) -> None:
    came_back(store, box, sample("postfix-unknown-user"))
    assert [file.name for file in (box / "cur").iterdir()] == ["1795420800.M0.host:2,S"]
    assert left(box) == 0
    store.resume("me")
    if again == "copied":
        put(box, sample("postfix-unknown-user"))
    elif again == "unread":
        (box / "cur" / "1795420800.M0.host:2,S").rename(box / "new" / "1795420800.M0.host")
    outcome = came_back(store, box)
    assert (outcome.troubles, outcome.counts, paused(store), left(box)) == ([], {}, [], 0)


def test_one_that_is_paused_already_is_no_trouble(store: Store, box: Path) -> None:
    outcome = came_back(store, box, sample("qmail"), sample("postfix-unknown-user", "2026-W46"))
    assert len(outcome.troubles) == 1
    assert len(outcome.notes) == 1
    assert outcome.counts == {"bounces": 2}


def test_three_issues_in_a_row_pause_an_address_too(store: Store, box: Path) -> None:
    weeks = ["2026-W42", "2026-W43", "2026-W45", "2026-W46"]
    outcome = came_back(store, box, *(sample("gmail-over-quota", week) for week in weeks))
    assert (paused(store), outcome.troubles, len(outcome.notes)) == ([], [], 4)
    again = sample("postfix-expired", "2026-W43").replace(b"Message-Id: <", b"Message-Id: <x")
    assert came_back(store, box, again).troubles == []
    assert paused(store) == [], "two reports of one issue are one"
    (trouble,) = came_back(store, box, sample("postfix-expired", "2026-W44")).troubles
    assert "the last 5 issues did; the address is paused" in trouble
    assert paused(store) == [("me", KIM)]


@pytest.mark.parametrize("name", ["postfix-delayed", "gmail-policy", "exim-warning-in-words"])
def test_what_is_late_or_our_own_fault_pauses_nobody(store: Store, box: Path, name: str) -> None:
    outcome = came_back(store, box, *(sample(name, week) for week in WEEKS))
    assert paused(store) == []
    assert left(box) == 0
    assert outcome.counts == {"bounces": len(WEEKS)}
    if name == "gmail-policy":
        assert "was refused for what it is or who sent it (5.7.26" in outcome.troubles[0]
    else:
        assert outcome.troubles == []
    assert {bool(hard) for (hard,) in rows(store, "SELECT hard FROM bounce")} == {False}


def test_what_arrived_is_no_bounce(store: Store, box: Path) -> None:
    arrived = sample("postfix-unknown-user").replace(b"Action: failed", b"Action: delivered")
    outcome = came_back(store, box, arrived, sample("vacation"))
    assert (outcome.counts, outcome.troubles, outcome.notes, paused(store)) == ({}, [], [], [])
    assert left(box) == 0, "but it came to an address of ours, and is done with"


def test_behind_a_forwarder_it_is_our_address_that_counts(store: Store, box: Path) -> None:
    body = sample("postfix-unknown-user").replace(b"rfc822; kim@example.net", b"rfc822; k.new@example.com")
    came_back(store, box, body)
    assert paused(store) == [("me", KIM)]


def test_of_several_addresses_only_ours_matters(store: Store, box: Path) -> None:
    group = b"Final-Recipient: rfc822; lee@example.net\nAction: failed\nStatus: 5.1.1\n\n"
    body = sample("gmail-over-quota").replace(b"Final-Recipient", group + b"Final-Recipient", 1)
    came_back(store, box, body)
    assert paused(store) == []
    assert rows(store, "SELECT address, status FROM bounce") == [(KIM, "5.2.2")]


# --- what is believed


def without_path(name: str, **changes: str) -> bytes:
    return sample(name, PATH="digest@digest.example.org", **changes)


def secret_id(week: str, keys: Any = KEYS) -> str:
    """The Message-ID as it is made for Kim's digest of a week."""
    return f"{week}.{message_marks(keys, 'me', week, KIM)[0]}@digest.example.org"


def rename(store: Store, week: str, name: str) -> None:
    with store._writer.begin() as connection:
        connection.exec_driver_sql(f"UPDATE message SET message_id = '<{name}>' WHERE message_id = '<{ident(week)}>'")


def test_a_message_id_of_ours_sent_to_that_very_address_is_believed(store: Store, box: Path) -> None:
    rename(store, "2026-W47", secret_id("2026-W47"))
    came_back(store, box, without_path("outlook-unknown-user", ID=secret_id("2026-W47")), by_id=True)
    assert paused(store) == [("me", KIM)]
    assert left(box) == 0


def test_a_message_id_of_an_older_secret_is_believed(store: Store, box: Path) -> None:
    rename(store, "2026-W47", secret_id("2026-W47"))
    newer = keyring(f"{'n' * 40} {'k' * 40}")
    came_back(store, box, without_path("outlook-unknown-user", ID=secret_id("2026-W47")), by_id=True, keys=newer)
    assert paused(store) == [("me", KIM)]


@pytest.mark.parametrize("by_id", [True, False])
@pytest.mark.parametrize("keys", [KEYS, None])
def test_a_message_id_that_others_can_tell_is_not_believed(store: Store, box: Path, keys: Any, by_id: bool) -> None:
    """It was sent before there was a secret, or there is a return path, which is what is believed then."""
    name = secret_id("2026-W47", None if by_id else KEYS)
    rename(store, "2026-W47", name)
    outcome = came_back(store, box, without_path("outlook-unknown-user", ID=name), by_id=by_id, keys=keys)
    assert paused(store) == []
    assert "nothing proves" in outcome.notes[0]


def test_no_reader_can_tell_the_message_id_of_another() -> None:
    ours = [message_marks(keyring(secret * 40), "me", "2026-W47", KIM) for secret in "kl"]
    assert len({*ours, message_marks(None, "me", "2026-W47", KIM)}) == 3
    assert message_marks(KEYS, "me", "2026-W47", KIM) == ours[0], "and it is the same whenever it is made"
    assert message_marks(KEYS, "me", "2026-W47", "lee@example.net") != ours[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"ID": "made-up@digest.example.org"},
        {"ID": f"2026-W47.{'0' * 16}@digest.example.org"},
        {"ID": ident("2026-W47", 1)},
        {"TO": "nobody@example.net"},
        {"TO": "kim@example.net.evil.example"},
        {"ID": "%.%", "TO": "%"},
        {"TO": "lee@example.net", "ID": ident("2026-W47", 1)},
        {"PATH": path("2026-W47").replace("bounces+0", "bounces+1")},
        {"PATH": f"bounces+{mark('2026-W47')}{'0' * 16}@digest.example.org", "ID": "x@y"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["postfix-unknown-user", "outlook-unknown-user"])
def test_a_forged_report_pauses_nobody(store: Store, box: Path, name: str, changes: dict[str, str]) -> None:
    given = {"PATH": "digest@digest.example.org", "ID": "other@digest.example.org"} | changes
    for _ in range(2):
        outcome = came_back(store, box, sample(name, **given), by_id=True)
    assert paused(store) == []
    assert outcome.troubles == []
    assert left(box) == 2, "what is not proven to be ours is left for people to see"
    assert rows(store, "SELECT count(*) FROM bounce")[0][0] <= 1
    assert {(bool(hard), bool(counted)) for hard, counted in rows(store, "SELECT hard, counted FROM bounce")} <= {
        (False, False)
    }


def test_forged_reports_in_any_number_do_not_hide_a_true_one(store: Store, box: Path) -> None:
    put(box, sample("postfix-unknown-user"))
    for number in range(300):
        (box / "new" / f"1999999999.F{number}.host").write_bytes(without_path("outlook-unknown-user", ID=f"{number}@x"))
    came_back(store, box)
    assert paused(store) == [("me", KIM)]
    assert left(box) == 300


def test_words_are_believed_only_at_an_address_of_ours(store: Store, box: Path) -> None:
    for name in ("qmail", "exim-in-words"):
        came_back(store, box, without_path(name))
    assert (paused(store), left(box)) == ([], 2)
    assert rows(store, "SELECT count(*) FROM bounce") == [(0,)]


# --- what is hostile


def hostile() -> dict[str, bytes]:
    good = sample("postfix-unknown-user")
    head, _, rest = good.partition(b"\n\n")
    nested = b"".join(b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    parts = b"".join(b"--E\nContent-Type: message/delivery-status\n\n\n" for _ in range(20_000))
    loop = good
    for _ in range(12):
        loop = head + b"\n\n" + rest.replace(b"The letter.", loop)
    return {
        "nothing": b"",
        "no header": b"\n\n\n",
        "nul": good.replace(b"said:", b"\0said\0:").replace(b"User unknown", b"\0\0"),
        "charset": good.replace(b"utf-8", b"x-\xff\xfe-none").replace(b"User", "Üser".encode("cp1252")),
        "huge": good.replace(b"The letter.", b"x" * 10_000_000),
        "huge words": good.replace(b"could not hand over", b"y " * 5_000_000),
        "huge line": b"Content-Type: multipart/report; " + b"a=b; " * 200_000 + b"\n\n",
        "huge field": good.replace(b"smtp; 550", b"smtp; " + b"5" * 3_000_000),
        "nested": b"To: " + path("2026-W47").encode() + b"\n" + nested,
        "parts": re.sub(rb"boundary=.*", b"boundary=E", head) + b"\n\n" + parts,
        "loop": loop,
        "cut": good[: len(good) // 2],
        "no boundary": good.replace(b"boundary=", b"bundary="),
        "base64": good.replace(b"Content-Type: message/delivery-status", b"Content-Type: message/delivery-status\n"
                               b"Content-Transfer-Encoding: base64"),
        "fields": good.replace(b"Final-Recipient", b"Final-Recipient: a@b\n\n" * 50_000 + b"Final-Recipient", 1),
        "ids": good.replace(b"Message-Id: <", b"Message-Id: <" + b"<" * 100_000),
        "addresses": good.replace(b"To: ", b"To: " + b"a@b, " * 100_000, 1),
        "surrogates": good.replace(b"User", b"=?utf-16?b?2AA=?= \xed\xa0\x80"),
    }  # fmt: skip


@pytest.mark.parametrize("name", hostile())
def test_hostile_mail_is_bounded_and_harmless(tmp_path: Path, box: Path, name: str) -> None:
    with fresh_store("sqlite", tmp_path) as opened:
        fill(opened)
        put(box, hostile()[name], sample("qmail", TO="lee@example.net", PATH=path("2026-W41", 1)))
        begun = time.process_time()
        came_back(opened, box)
        assert time.process_time() - begun < 3
        assert ("me", "lee@example.net") in paused(opened), "the next one is read all the same"
        assert set(paused(opened)) <= {("me", KIM), ("me", "lee@example.net")}
        for (text,) in rows(opened, "SELECT text FROM bounce"):
            assert len(text) < 250
            assert text.isprintable()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(DATA.glob("*.eml"))), st.data())
def test_whatever_is_torn_is_read_or_refused(file: Path, data: st.DataObject) -> None:
    body = bytearray(sample(file.stem))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    try:
        report = read_report(bytes(body), loose=True)
    except ParseError:
        return
    assert report is None or isinstance(report, Report)
    sent_to(bytes(body))


# --- where it lies


def test_what_is_not_ours_is_left_as_it_is(store: Store, box: Path) -> None:
    put(box, b"From: a@example.org\nSubject: hello\n\nhi", sample("postfix-unknown-user"))
    (box / "new" / ".hidden").write_bytes(sample("qmail"))
    (box / "new" / "link").symlink_to("/etc/passwd")
    os.mkfifo(box / "new" / "fifo")
    came_back(store, box)
    assert sorted(file.name for file in (box / "new").iterdir()) == [".hidden", "1795420800.M0.host", "fifo", "link"]


def test_a_maildir_that_is_none_is_a_trouble(store: Store, tmp_path: Path, box: Path) -> None:
    outcome = came_back(store, tmp_path / "none")
    (trouble,) = outcome.troubles
    assert trouble.startswith("reports of undelivered mail were not read: ")
    assert trouble.endswith("cannot be used as a Maildir: new/: No such file or directory; see [bounces]")
    put(box, sample("qmail"))
    shutil.rmtree(box / "cur")
    outcome = came_back(store, box)
    assert any("cur/: No such file or directory" in trouble for trouble in outcome.troubles)
    assert paused(store) == [("me", KIM)], "what was read was kept"


def test_it_stops_between_two_reports(store: Store, box: Path) -> None:
    put(box, *(sample("gmail-over-quota", week) for week in WEEKS[:3]))
    answers = iter([False, True])
    read_bounces(store, box, KEYS, Outcome("collect"), now=NOW, stop=lambda: next(answers))
    assert left(box) == 2


class Flagged(Imap):
    """The small server of the newsletters, where messages can be marked as read."""

    def __init__(self, messages: dict[int, bytes]) -> None:
        self.seen: set[int] = set()
        super().__init__(messages)

    def _answer(self, tag: str, rest: str, line: socket.socket, stream: Any) -> bytes:
        if rest.startswith("UID STORE"):
            self.seen.add(int(rest.split()[2]))
            return f"{tag} OK done\r\n".encode()
        return super()._answer(tag, rest.replace("SELECT", "EXAMINE"), line, stream)

    def _search(self, rest: str) -> str:
        return " ".join(str(uid) for uid in self.messages if uid not in self.seen)

    def _fetched(self, rest: str) -> bytes:
        whole = re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", rest)
        answer = b""
        for number, uid in enumerate(map(int, rest.split()[2].split(",")), 1):
            body = self.messages[uid]
            part = body[: int(whole[1])] if whole else body.partition(b"\n\n")[0][:4096] + b"\n\n"
            name = b"BODY[]<0>" if whole else b"BODY[HEADER.FIELDS (CONTENT-TYPE TO)]<0>"
            answer += b"* %d FETCH (UID %d %s {%d}\r\n%s)\r\n" % (number, uid, name, len(part), part)
        return answer


def test_a_folder_by_imap_is_read_and_marked(store: Store) -> None:
    large = sample("postfix-expired", "2026-W45").replace(b"--E1--", b"x" * 10_000_000)
    server = Flagged({
        3: b"From: a@example.org\n\nhello", 5: sample("postfix-unknown-user"), 8: large, 9: without_path("qmail"),
    })  # fmt: skip
    place = Mailserver(
        host="127.0.0.1", port=server.port, security="none", user="me", password=SECRET, folder="INBOX", seconds=10
    )
    try:
        outcome = came_back(store, place)
        assert came_back(store, place).counts == {}
    finally:
        server.close()
    assert outcome.counts == {"bounces": 2}
    assert paused(store) == [("me", KIM)]
    assert server.seen == {5, 8}
    asked = [line for line in server.asked if line.startswith(("SELECT", "UID"))]
    assert asked[:3] == [
        'SELECT "INBOX"',
        "UID SEARCH UNSEEN",
        f"UID FETCH 9,8,5,3 (UID BODY.PEEK[HEADER.FIELDS ({module._FIELDS})]<0.4096>)",
    ]  # fmt: skip
    assert "UID STORE 5 +FLAGS.SILENT (\\Seen)" in asked
    assert all("PEEK" in line for line in asked if "FETCH" in line)
    assert not any(word in line for line in server.asked for word in ("EXPUNGE", "Deleted", "MOVE"))


def test_a_server_that_breaks_off_is_a_trouble(store: Store) -> None:
    server = Flagged({5: sample("postfix-unknown-user")})
    server.script = lambda command, line: command.startswith("UID STORE")
    place = Mailserver(
        host="127.0.0.1", port=server.port, security="none", user="me", password=SECRET, folder="INBOX", seconds=10
    )
    try:
        (first, trouble) = came_back(store, place).troubles
        assert "came back" in first
        assert "the connection broke off" in trouble
        server.script = lambda command, line: False
        assert came_back(store, place).troubles == []
        assert server.seen == {5}
    finally:
        server.close()


# --- as config.toml names it


CONFIG = """
[[profile]]
name = "me"
email = "kim@example.net"
interests = ["x"]
[[source]]
kind = "mailbox"
name = "news"
maildir = "{folder}/Maildir"
[mail]
return_path = "bounces@digest.example.org"
[bounces]
{bounces}
"""


def steps(folder: Path, store: Store, bounces: str) -> app.Steps:
    (folder / "config.toml").write_text(CONFIG.format(folder=folder, bounces=bounces))
    return app.Steps(load(folder / "config.toml"), store, lambda: NOW)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_SECRET", "k" * 40)


@pytest.mark.usefixtures("secret")
def test_collect_reads_what_came_back(tmp_path: Path, box: Path) -> None:
    with fresh_store("sqlite", tmp_path) as opened:
        fill(opened)
        put(box, sample("qmail"))
        run = steps(tmp_path, opened, 'maildir = "Maildir"')
        assert run.collect(only="news").counts.get("bounces") is None
        outcome = run.collect()
        assert outcome.counts["bounces"] == 1
        assert paused(opened) == [("me", KIM)]
        assert run.collect().counts.get("bounces") is None


def test_what_is_missing_is_a_trouble_and_no_more(tmp_path: Path, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGGREGATOR_SECRET", "AGGREGATOR_BOUNCES_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    with fresh_store("sqlite", tmp_path) as opened:
        put(box, sample("qmail"))
        (trouble,) = steps(tmp_path, opened, 'maildir = "Maildir"').collect().troubles
        assert trouble.startswith("mail that came back was not read: for [mail] return_path, a secret")
        (trouble,) = steps(tmp_path, opened, 'host = "imap.example.org"\nuser = "b"').collect().troubles
        assert trouble.startswith("mail that came back was not read: the password of b at imap.example.org is needed")
        assert steps(tmp_path, opened, "").collect().troubles == []


# --- a true mail path: Postfix makes the report, Dovecot keeps it

TOOLS = Path(__file__).parents[2] / "shared" / "tools" / "mailpath"
FOLDER = Path("/srv/aggregator-bounces")
PROGRAMS = ("postfix", "dovecot", "opendkim", "openssl")


def _why_not() -> str:
    if not (TOOLS / "up.sh").exists():
        return "../shared/tools/mailpath is not here"
    if os.geteuid() != 0:
        return "the mail path needs root"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=f"/usr/sbin:{os.environ['PATH']}")]
    return f"not installed: {', '.join(missing)}" if missing else ""


class Nobody:
    """A mail server that knows nobody."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        return "550 5.1.1 there is nobody of this name"


@pytest.mark.slow
@pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "-")
@pytest.mark.timeout(180)
def test_postfix_says_that_an_address_does_not_exist(tmp_path: Path) -> None:
    to = "nobody@[127.0.0.2]"
    sender = return_path(KEYS, "bounces@inbox.test", mark("2026-W47"))
    name = f"<{ident('2026-W47')}>"
    raw = f"From: d@digest.test\r\nTo: {to}\r\nMessage-ID: {name}\r\nSubject: x\r\n\r\nhello\r\n".encode()
    message = Message(f"me/2026-W47/{to}", sender, to, name, "x", raw)
    far = Controller(Nobody(), hostname="127.0.0.2", port=25)
    up = subprocess.run(["bash", str(TOOLS / "up.sh"), str(FOLDER)], check=False, stdout=subprocess.PIPE, text=True)
    try:
        assert up.returncode == 0, up.stdout
        far.start()
        trust = ssl.create_default_context(cafile=str(FOLDER / "tls" / "cert.pem"))
        with fresh_store("sqlite", tmp_path) as opened:
            opened.queue("me", "2026-W47", NOW - DAY, NOW, now=NOW, digest=None, messages=[message])
            login: dict[str, Any] = {"user": "d@digest.test", "password": "secret"}
            post = SmtpMailer("localhost", 2587, security="starttls", **login, context=trust)
            with closing(post):
                assert pipeline.deliver(opened, post, now=NOW).counts["sent"] == 1
            where: dict[str, Any] = {"host": "127.0.0.1", "port": 2143, "security": "none", "folder": "INBOX"}
            place = Mailserver(**where, user="bounces@inbox.test", password="secret")
            for _ in range(100):
                outcome = came_back(opened, place)
                if outcome.counts:
                    break
                time.sleep(0.2)
            assert outcome.counts == {"bounces": 1}
            assert "came back (5.1.1 550 5.1.1 there is nobody of this name)" in outcome.troubles[0]
            assert paused(opened) == [("me", to)]
            assert came_back(opened, place).counts == {}
    finally:
        far.stop(no_assert=True)
        subprocess.run(["bash", str(TOOLS / "down.sh"), str(FOLDER)], check=False, timeout=60)
        shutil.rmtree(FOLDER, ignore_errors=True)
