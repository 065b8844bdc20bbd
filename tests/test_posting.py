"""posting: what each answer of a mail server at each verb makes of a message, of the run, and of the next ones.

The peer is a real one on this machine: what it accepted is what counts, never what our database says.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator import pipeline
from aggregator.deliver import FolderMailer, MaildirMailer, smtp
from aggregator.errors import DeliveryError, StoreError
from aggregator.model import Message
from aggregator.outcome import Outcome
from aggregator.posting import Pace
from aggregator.store import Outgoing, Store
from tests.fakes import Clock, ListMailer
from tests.peers import Certificate, Peer, certificate, peer
from tests.stores import NOW, fresh_store, mail, queue

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TEMPORARY = ("421 4.3.2 closing", "450 4.2.0 greylisted", "451 4.3.0 later", "452 4.2.2 full", "454 4.7.0 throttled")
CONNECTION, SENDER, RECIPIENT, MESSAGE = ("", "EHLO", "AUTH"), ("MAIL",), ("RCPT",), ("DATA", ".")

LETTERS = [mail(number, raw=f"Subject: {number}\r\n\r\n.\r\n..\r\n".encode()) for number in (1, 2, 3)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An outbox with three messages."""
    with fresh_store("sqlite", tmp_path) as opened:
        queue(opened, *LETTERS)
        yield opened


def deliver(store: Store, server: Peer, after: timedelta = timedelta(0), **options: Any) -> Outcome:
    with closing(server.mailer(user="me", password="x")) as mailer:
        return pipeline.deliver(store, mailer, now=NOW + after, **options)


def first(store: Store) -> Outgoing:
    return store.outbox()[0]


def states(store: Store) -> list[str]:
    return [row.state for row in store.outbox()]


# --- the retry table, line by line


@pytest.mark.parametrize("reply", TEMPORARY)
@pytest.mark.parametrize("verb", CONNECTION + SENDER + RECIPIENT + MESSAGE)
def test_4xx_is_tried_again_after_5_minutes_twice_as_long_each_time_up_to_4_hours_for_48_hours(
    store: Store, verb: str, reply: str
) -> None:
    store.drop_messages([2, 3])
    with peer({verb: reply}) as server:
        after, waits = timedelta(0), []
        while states(store)[0] != "failed":
            outcome = deliver(store, server, after)
            assert len(outcome.troubles) == 1
            assert reply in outcome.troubles[0]
            due = first(store).not_before
            if due:
                waits.append((due - NOW - after) / MINUTE)
                assert deliver(store, server, due - NOW - MINUTE).counts == {"sent": 0}
                after = due - NOW
        assert waits[:7] == [5, 10, 20, 40, 80, 160, 240]
        assert set(waits[7:]) == {240}
        assert 43 * HOUR < after <= 48 * HOUR
        assert server.accepted == []
        assert not first(store).data_sent_at


def test_what_waited_in_a_computer_that_was_off_is_not_given_up_at_once(store: Store) -> None:
    after = timedelta(days=5)
    mailer = ListMailer(*[DeliveryError("450 greylisted")] * 6, DeliveryError("450 greylisted"))
    store.drop_messages([2, 3])
    for wait in (5, 10, 20, 40, 80):
        pipeline.deliver(store, mailer, now=NOW + after)
        assert first(store).not_before == NOW + after + wait * MINUTE
        after += wait * MINUTE
    outcome = pipeline.deliver(store, mailer, now=NOW + after)
    assert "given up after two days; it is not tried again" in outcome.troubles[0]


@pytest.mark.parametrize("reply", TEMPORARY)
@pytest.mark.parametrize("verb", CONNECTION + SENDER + RECIPIENT + MESSAGE)
def test_after_4xx_the_same_bytes_are_sent_once_and_the_others_are_not_kept(
    store: Store, verb: str, reply: str
) -> None:
    with peer() as server:
        server.once = {verb: reply}
        deliver(store, server)
        assert first(store).state == "deferred"
        deliver(store, server, 5 * MINUTE)
        assert states(store) == ["sent"] * 3
        assert Counter(server.accepted) == Counter(letter.raw for letter in LETTERS)


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "550 5.1.2 no such host", "554 5.1.6 moved"])
def test_5xx_about_the_address_fails_the_message_and_pauses_the_address(store: Store, reply: str) -> None:
    with peer() as server:
        server.once = {"RCPT": reply}
        outcome = deliver(store, server)
        assert outcome.counts == {"sent": 2, "refused": 1}
        assert f"message to {mail(1).to} (me/2026-W47/{mail(1).to}): 127.0.0.1 refused the recipient" in str(outcome)
        assert "the address is paused until `aggregator profile resume`" in outcome.troubles[0]
        assert states(store) == ["failed", "sent", "sent"]
        (pause,) = store.pauses()
        assert (pause.profile, pause.address, pause.since) == ("me", mail(1).to, NOW)
        assert reply in pause.reason
        store.retry_messages([1], now=NOW)
        assert deliver(store, server).counts == {"sent": 0}, "as long as it is paused"
        store.resume("me", mail(1).to)
        assert deliver(store, server).counts == {"sent": 1}


@pytest.mark.parametrize(
    ("verb", "reply"),
    [(verb, reply) for verb in CONNECTION for reply in ("530 5.7.0 no", "534 5.7.9 no", "535 5.7.8 no", "554 no")],
)
def test_5xx_before_any_message_stops_the_run_and_all_wait(store: Store, verb: str, reply: str) -> None:
    replies = {verb: reply} | ({"HELO": reply} if verb == "EHLO" else {})
    with peer(replies) as server:
        for days in range(10):
            outcome = deliver(store, server, timedelta(days=days))
            assert outcome.counts == {"sent": 0}
            (line,) = outcome.troubles
            assert line.endswith("; the messages wait")
            assert reply in line
            assert server.connections == days + 1
        assert states(store) == ["queued"] * 3
        assert {row.attempts for row in store.outbox()} == {0}
        server.mend()
        assert deliver(store, server, timedelta(days=10)).counts == {"sent": 3}


@pytest.mark.parametrize(
    "reply", ["550 {to}: user unknown (in reply 7f3)", "550 no such user {local}", "551 user not found"]
)
def test_words_alone_pause_one_address_at_the_end_of_the_run(store: Store, reply: str) -> None:
    with peer() as server:
        server.once = {"RCPT": reply.format(to=mail(1).to, local=mail(1).to.partition("@")[0])}
        outcome = deliver(store, server)
        assert outcome.counts == {"sent": 2, "refused": 1}
        assert states(store) == ["failed", "sent", "sent"]
        assert [(pause.profile, pause.address) for pause in store.pauses()] == [("me", mail(1).to)]
        assert outcome.troubles[1].startswith(f"{mail(1).to} of me is paused until `aggregator profile resume`: 127.")


def test_the_same_words_about_several_addresses_pause_nobody(store: Store) -> None:
    gone = [DeliveryError("550", permanent=True, gone=True, hearsay=words) for words in ("no", "no", "nobody")]
    outcome = pipeline.deliver(store, ListMailer(*gone), now=NOW)
    assert outcome.counts == {"sent": 0, "refused": 3}
    assert [pause.address for pause in store.pauses()] == [mail(3).to]


@pytest.mark.parametrize(
    "reply", ["550 no", "551 no", "553 no", "550 relay not permitted", "550 user unknown", "550 {to} is spam"]
)
def test_a_server_that_refuses_everybody_in_words_pauses_nobody(store: Store, reply: str) -> None:
    with peer({"RCPT": reply}) as server:
        deliver(store, server)
    assert store.pauses() == []
    spoken = any(word in reply for word in ("relay", "spam"))
    assert states(store) == (["deferred", "deferred", "queued"] if spoken else ["failed"] * 3)


@pytest.mark.parametrize(
    ("verb", "reply"),
    [("MAIL", "550 5.1.8 sender"), ("MAIL", "553 sender"), *((verb, "530 no") for verb in (*RECIPIENT, *MESSAGE))],
)
def test_5xx_about_login_or_sender_stops_the_run_and_keeps_no_message_from_its_turn(
    store: Store, verb: str, reply: str
) -> None:
    with peer({verb: reply}) as server:
        outcome = deliver(store, server)
        assert outcome.counts == {"sent": 0, "deferred": 1}
        assert reply in outcome.troubles[0]
        assert states(store) == ["deferred", "queued", "queued"]
        for days in range(1, 30):
            deliver(store, server, timedelta(days=days))
        assert "failed" not in states(store), "it waits for its owner, however long"
        assert server.accepted == []
        server.mend()
        assert deliver(store, server, timedelta(days=31)).counts == {"sent": 3}


POLICY = [(verb, reply) for verb in (*RECIPIENT, *MESSAGE) for reply in ("550 5.7.1 policy", "554 5.7.26 dmarc")]
POLICY += [
    ("RCPT", "550 5.1.7 sender"),
    (".", "550 5.4.5 Daily user sending limit exceeded"),
    ("RCPT", "550 5.1.90 You have reached your daily limit for message recipients"),
    (".", "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"),
    (".", "552 sending rate exceeded, try tomorrow"),
]


@pytest.mark.parametrize(("verb", "reply"), POLICY)
def test_5xx_about_policy_stops_the_run_when_a_second_address_hears_it(store: Store, verb: str, reply: str) -> None:
    with peer({verb: reply}) as server:
        outcome = deliver(store, server)
        assert outcome.counts == {"sent": 0, "deferred": 2}
        assert all(reply.replace("x", "***") in trouble for trouble in outcome.troubles), "the password is x"
        assert states(store) == ["deferred", "deferred", "queued"]
        assert deliver(store, server, HOUR).counts == {"sent": 0, "deferred": 2}
        assert states(store) == ["deferred"] * 3, "what was never tried comes first"
        assert server.accepted == []
        assert store.pauses() == []
        server.mend()
        assert deliver(store, server, 2 * HOUR).counts == {"sent": 3}


@pytest.mark.parametrize("reply", ["552 5.2.2 mailbox over quota", "550 5.1.4 ambiguous", "552 mailbox is full"])
def test_a_full_or_odd_box_is_that_of_one_reader(store: Store, reply: str) -> None:
    with peer({"RCPT": reply}) as server:
        assert deliver(store, server).counts == {"sent": 0, "refused": 3}
    assert store.pauses() == []


@pytest.mark.parametrize(("verb", "reply"), POLICY)
def test_one_message_refused_for_policy_keeps_nobody_else_waiting_and_is_given_up(
    store: Store, verb: str, reply: str
) -> None:
    with peer() as server:
        server.once = {verb: reply}
        assert deliver(store, server).counts == {"sent": 2, "deferred": 1}
        server.replies |= {verb: reply}
        hours = 0
        while states(store)[0] == "deferred":
            hours += 4
            outcome = deliver(store, server, hours * HOUR)
        assert "given up after two days; it is not tried again" in outcome.troubles[0]
        assert 44 <= hours <= 52
        assert states(store) == ["failed", "sent", "sent"]


@pytest.mark.parametrize("every", [1, 24])
def test_a_reader_whose_server_never_takes_a_letter_delays_nobody(tmp_path: Path, every: int) -> None:
    """Two weeks of daily issues, by an hourly and by a daily cron."""

    class Fussy(ListMailer):
        def send(self, message: Message, on_data: Callable[[], None]) -> str:
            if message.to == mail(1).to:
                raise DeliveryError("550 5.7.1 access denied", permanent=True, policy=True)
            return super().send(message, on_data)

    with fresh_store("sqlite", tmp_path) as store:
        for day in range(14):
            opened = NOW + timedelta(days=day)
            letters = [replace(mail(n), key=f"{day}/{n}", message_id=f"<{day}.{n}@x>") for n in (1, 2, 3)]
            store.queue("me", f"{day}", opened - HOUR, opened, now=opened, digest=None, messages=letters)
            mailer = Fussy()
            for hour in range(0, 24, every):
                pipeline.deliver(store, mailer, now=opened + hour * HOUR)
                assert len(mailer.sent) == 2


def test_deferred_messages_take_turns(store: Store) -> None:
    """Two that are always refused for policy stop each run, and the third, which was deferred once, is not starved."""
    always = DeliveryError("554 5.7.1 no", permanent=True, policy=True)
    pipeline.deliver(store, ListMailer(DeliveryError("450 greylisted"), always, always), now=NOW)
    store.settle(store.claim(NOW + 5 * MINUTE, "w", HOUR)[0].id, "deferred", "450", not_before=NOW, worker="w")
    mailer = ListMailer()
    pipeline.deliver(store, mailer, now=NOW + HOUR)
    assert mailer.tried[0].to == mail(1).to


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        *[("RCPT", reply) for reply in ("550 5.2.1 disabled", "552 5.2.2 full", "554 refused", "501 5.5.4 what?")],
        *[
            (verb, reply)
            for verb in MESSAGE
            for reply in ("550 5.6.0 no", "552 5.3.4 too big", "554 5.5.1 no", "500 ?")
        ],
    ],
)
def test_5xx_else_fails_that_message_only(store: Store, verb: str, reply: str) -> None:
    with peer() as server:
        server.once = {verb: reply}
        outcome = deliver(store, server)
        assert outcome.counts == {"sent": 2, "refused": 1}
        assert outcome.troubles[0].endswith("; it is not tried again")
        assert states(store) == ["failed", "sent", "sent"]
        assert store.pauses() == []
        assert deliver(store, server, timedelta(days=1)).counts == {"sent": 0}


@pytest.mark.parametrize("verb", [*CONNECTION, *SENDER])
def test_a_disconnect_before_the_message_stops_the_run_and_all_wait(store: Store, verb: str) -> None:
    with peer({verb: ""}) as server:
        assert deliver(store, server).counts == {"sent": 0}
        assert states(store) == ["queued"] * 3
        server.mend()
        assert deliver(store, server).counts == {"sent": 3}
        assert len(server.accepted) == 3


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "body"])
def test_a_disconnect_before_the_final_dot_is_tried_again_freely(store: Store, verb: str) -> None:
    long = replace(mail(4), raw=b"Subject: x\r\n\r\n" + b"x" * 76 * 200_000 + b"\r\n")
    queue(store, long, period="2026-W48")
    store.drop_messages([1, 2, 3])
    with peer({verb: ""}) as server:
        assert deliver(store, server, in_doubt="hold").counts == {"sent": 0, "deferred": 1}
        row = store.outbox()[3]
        assert (row.state, row.data_sent_at) == ("deferred", None)
        server.mend()
        assert deliver(store, server, 5 * MINUTE, in_doubt="hold").counts == {"sent": 1}
        assert server.accepted == [long.raw]


@pytest.mark.parametrize("answer", ["", "stall", "what"])
@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_no_reply_to_the_final_dot_is_in_doubt(
    store: Store, answer: str, policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_FINAL_PATIENCE", 0.2)
    with peer() as server:
        server.once = {".": answer}
        outcome = deliver(store, server, in_doubt=policy)
        assert outcome.counts == {"sent": 2, "deferred" if policy == "resend" else "held": 1}
        assert len(outcome.troubles) == 1
        assert "it may have accepted the message" in outcome.troubles[0]
        assert first(store).data_sent_at == NOW
        later = deliver(store, server, 5 * MINUTE, in_doubt=policy)
        if policy == "resend":
            assert later.counts == {"sent": 1}
            assert first(store).state == "sent"
            assert server.accepted.count(LETTERS[0].raw) == 2, "the peer has it twice, as RFC 1047 foresees"
            assert len(server.accepted) == 4
        else:
            assert "`aggregator outbox retry 1` or `outbox drop 1`" in outcome.troubles[0]
            assert later.counts == {"sent": 0}
            assert first(store).state == "held"
            store.retry_messages([1], now=NOW)
            assert deliver(store, server, in_doubt=policy).counts == {"sent": 1}


@pytest.mark.parametrize("verb", ["RSET", "MAIL", "RCPT", "DATA", "."])
def test_421_in_the_midst_opens_another_connection_and_loses_nothing(store: Store, verb: str) -> None:
    with peer() as server, closing(server.mailer()) as mailer:
        mailer.send(mail(9), lambda: None)
        server.once = {verb: "421 4.3.0 going down"}
        pipeline.deliver(store, mailer, now=NOW)
        pipeline.deliver(store, mailer, now=NOW + 5 * MINUTE)
        assert server.connections == 2
        assert states(store) == ["sent"] * 3
        assert len(server.accepted) == 4


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_wrong_certificate_stops_the_run_and_nothing_is_said(store: Store, security: Any, tmp_path: Path) -> None:
    wrong: Certificate = certificate(tmp_path, "mail.example.org")
    with peer({"EHLO": "250-hi\r\n250 STARTTLS", "STARTTLS": "220 go"}, wrong.server(), security) as server:
        mailer = smtp.SmtpMailer("localhost", server.port, security=security, context=wrong.client())
        outcome = pipeline.deliver(store, mailer, now=NOW)
        assert "certificate that is not trusted" in outcome.troubles[0]
        assert states(store) == ["queued"] * 3
        assert not any(said.startswith("mail") for said in server.said)


# --- crashes, as the next run finds them


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_what_a_crash_left_behind_its_mark_follows_the_policy(store: Store, policy: Any) -> None:
    marked, _ = store.claim(NOW, "dead", 15 * MINUTE, 2)
    assert store.mark_data_sent(marked.id, NOW, worker="dead", lease=15 * MINUTE)
    mailer = ListMailer()
    outcome = pipeline.deliver(store, mailer, now=NOW, in_doubt=policy)
    if policy == "resend":
        assert outcome.counts == {"sent": 3}
        assert mailer.sent[0] == marked.message
    else:
        assert outcome.counts == {"sent": 2, "held": 1}
        assert states(store) == ["held", "sent", "sent"]
        assert marked.message not in mailer.sent
        assert pipeline.deliver(store, mailer, now=NOW, in_doubt=policy).counts == {"sent": 0}


def test_a_doubt_outlasts_a_refusal(store: Store) -> None:
    (claimed,) = store.claim(NOW, "dead", 15 * MINUTE)
    assert store.mark_data_sent(claimed.id, NOW, worker="dead", lease=15 * MINUTE)
    pipeline.deliver(store, ListMailer(DeliveryError("451 later")), now=NOW)
    assert first(store).data_sent_at == NOW
    pipeline.deliver(store, ListMailer(), now=NOW + 10 * MINUTE, in_doubt="hold")
    assert first(store).state == "held"


def test_damaged_bytes_fail_and_do_not_stand_in_the_way(store: Store) -> None:
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET raw = x'00' WHERE id = 1")
    outcome = pipeline.deliver(store, ListMailer(), now=NOW)
    assert outcome.counts == {"sent": 2, "refused": 1}
    assert "damaged; restore a backup" in outcome.troubles[0]


def test_the_database_failing_at_the_mark_sends_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object, **__: object) -> bool:
        raise StoreError("database is locked")

    with peer() as server, closing(server.mailer()) as mailer:
        with monkeypatch.context() as patch:
            patch.setattr(store, "mark_data_sent", locked)
            with pytest.raises(StoreError):
                pipeline.deliver(store, mailer, now=NOW)
        assert server.accepted == []
        assert pipeline.deliver(store, mailer, now=NOW).counts == {"sent": 3}
        assert len(server.accepted) == 3


@pytest.mark.parametrize("failures", [1, 29])
def test_what_was_accepted_is_settled_when_the_database_can_be_written_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    real, left, clock = store.settle_sent, [failures], Clock()

    def locked(*arguments: Any, **options: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise StoreError("database is locked")
        real(*arguments, **options)

    monkeypatch.setattr(store, "settle_sent", locked)
    mailer, pace = ListMailer(), Pace(clock=clock, sleep=clock.sleep)
    assert pipeline.deliver(store, mailer, now=NOW, pace=pace).counts == {"sent": 3}
    assert len(mailer.sent) == 3
    assert sum(clock.slept) == 2 * failures


def test_a_database_that_stays_away_ends_the_run_after_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object, **__: object) -> None:
        raise StoreError("database is locked")

    clock = Clock()
    monkeypatch.setattr(store, "settle_sent", locked)
    with pytest.raises(StoreError):
        pipeline.deliver(store, ListMailer(), now=NOW, pace=Pace(clock=lambda: 0, sleep=clock.sleep))
    assert 50 < sum(clock.slept) <= 60


# --- until the final dot


class Meddling(ListMailer):
    """Does something just before the mark of the first message, or of `every` one."""

    def __init__(self, meddle: Callable[[], object], *, every: bool = False) -> None:
        super().__init__()
        self._meddle, self._every = meddle, every

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        if self._every or not self.tried:
            self._meddle()
        return super().send(message, on_data)


@pytest.mark.parametrize("what", ["pause", "hold", "drop"])
def test_the_owner_is_heard_until_the_final_dot(store: Store, what: str) -> None:
    meddle = {
        "pause": lambda: store.pause("me", mail(1).to, "unsubscribed", now=NOW),
        "hold": lambda: store.hold_messages([1]),
        "drop": lambda: store.drop_messages([1]),
    }[what]
    mailer = Meddling(meddle)
    outcome = pipeline.deliver(store, mailer, now=NOW)
    assert [message.to for message in mailer.sent] == [mail(2).to, mail(3).to]
    assert outcome.counts == {"sent": 2}
    assert outcome.troubles == []
    assert "paused, held or dropped while it was in hand" in outcome.notes[0]
    assert states(store)[0] == {"pause": "queued", "hold": "held", "drop": "dropped"}[what]


def test_a_restored_database_sends_nothing_and_says_what_to_do(store: Store) -> None:
    from aggregator import tables

    with store._writing() as session:
        session.add(tables.Restored(taken=NOW, at=NOW))
    mailer = ListMailer()
    outcome = pipeline.deliver(store, mailer, now=NOW)
    assert (outcome.counts, mailer.tried) == ({"sent": 0}, [])
    assert "`aggregator restore --settle " in outcome.troubles[0]


# --- rates, and stopping


def test_so_many_a_second(store: Store) -> None:
    clock = Clock()
    pace = Pace(0.5, clock=clock, sleep=clock.sleep)
    moments: list[float] = []
    mailer = Meddling(lambda: moments.append(clock()), every=True)
    pipeline.deliver(store, mailer, now=NOW, pace=pace)
    assert moments == [1000.0, 1002.0, 1004.0]
    assert [row.sent_at for row in store.outbox()] == [NOW, NOW + timedelta(seconds=2), NOW + timedelta(seconds=4)]


def test_a_wait_ends_when_the_run_is_to_stop(store: Store) -> None:
    clock, stopping = Clock(), threading.Event()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        stopping.set()

    outcome = pipeline.deliver(
        store, ListMailer(), now=NOW, pace=Pace(0.01, clock=clock, sleep=sleep), stop=stopping.is_set
    )
    assert outcome.counts == {"sent": 1}
    assert clock.slept == [0.5]
    assert states(store) == ["sent", "queued", "queued"]
    assert [row.attempts for row in store.outbox()] == [1, 0, 0]


def test_so_many_a_day_and_the_rest_waits(store: Store) -> None:
    mailer = ListMailer()
    outcome = pipeline.deliver(store, mailer, now=NOW, per_day=2)
    assert outcome.counts == {"sent": 2, "waiting": 1}
    assert outcome.troubles == []
    (note,) = outcome.notes
    assert note == "2 messages were sent within 24 hours, which is all of [mail] per_day; the rest waits"
    assert pipeline.deliver(store, mailer, now=NOW + 24 * HOUR - MINUTE, per_day=2).counts == {"sent": 0, "waiting": 1}
    assert pipeline.deliver(store, mailer, now=NOW + 24 * HOUR, per_day=2).counts == {"sent": 1}


def test_many_groups_are_sent_on_one_connection(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store, peer() as server:
        queue(store, *(mail(number) for number in range(50)))
        assert deliver(store, server).counts == {"sent": 50}
        assert (server.connections, len(server.accepted)) == (1, 50)
        assert server.said[-1] == "quit"
        assert first(store).reply == "ok"


@pytest.mark.parametrize(("mailer", "move"), [(FolderMailer, "replace"), (MaildirMailer, "rename")])
def test_a_file_that_cannot_be_put_in_its_place_was_not_delivered_and_is_not_in_doubt(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mailer: Any, move: str
) -> None:
    store.drop_messages([2, 3])
    real = getattr(Path, move)

    def full(path: Path, target: Path) -> None:
        if Path(target).suffix == ".html":
            real(path, target)
            return
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, move, full)
        outcome = pipeline.deliver(store, mailer(tmp_path / "box"), now=NOW, in_doubt="hold")
        assert "No space left on device" in outcome.troubles[0]
        assert (first(store).state, first(store).data_sent_at) == ("deferred", None)
    later = pipeline.deliver(store, mailer(tmp_path / "box"), now=NOW + 5 * MINUTE, in_doubt="hold")
    assert later.counts == {"sent": 1}


def test_a_worker_that_lost_the_lock_of_a_server_and_lives_sends_nothing_twice(tmp_path: Path) -> None:
    """The connection that holds the lock ends while a message waits for its reply, and a second worker begins."""
    sent: list[tuple[str, str]] = []

    class Noting(ListMailer):
        def __init__(self, name: str, meddle: Callable[[], None]) -> None:
            super().__init__()
            self._name, self._meddle = name, meddle

        def send(self, message: Message, on_data: Callable[[], None]) -> str:
            on_data()
            sent.append((self._name, message.to))
            self._meddle()
            return "ok"

    def cut() -> None:
        if len(sent) > 1:
            return
        with other._writer.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                "WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND datname = current_database()"
            )
        with other.lock("work", wait=5):
            pipeline.deliver(other, Noting("B", lambda: None), now=NOW, worker="B")

    with fresh_store("postgresql", tmp_path) as one, Store(one._url.render_as_string(hide_password=False)) as other:
        queue(one, mail(1), mail(2))
        with one.lock("work", wait=1):
            outcome = pipeline.deliver(one, Noting("A", cut), now=NOW, worker="A")
        assert outcome.counts == {"sent": 2}, "and it tells so"
        assert sent == [("A", mail(1).to), ("A", mail(2).to)]
