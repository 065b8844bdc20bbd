"""Every message is handed to one worker at a time, and is lost by none; its owner's word counts until the final dot."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.store import Claimed, Store
from tests.stores import DATABASES, DAY, NOW, fresh_store, mail, queue, rows, server

LEASE = timedelta(minutes=15)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def _claim(store: Store, after: timedelta = timedelta(0), limit: int = 1) -> list[Claimed]:
    return store.claim(NOW + after, "w", LEASE, limit)


def _taken(store: Store, after: timedelta = timedelta(0)) -> Claimed:
    (claimed,) = _claim(store, after)
    return claimed


def _mark(store: Store, claimed: Claimed, worker: str = "w") -> bool:
    return store.mark_data_sent(claimed.id, NOW, worker=worker, lease=LEASE)


# --- for workers


def test_messages_go_out_oldest_first_byte_for_byte(store: Store) -> None:
    sent = mail(2, raw=bytes(range(256)) * 9)
    queue(store, mail(1), sent, mail(3), mail(4))
    first = _taken(store)
    assert (first.message, first.attempts, first.in_doubt, first.queued_at) == (mail(1), 1, False, NOW)
    assert (first.profile, first.whole) == ("me", True)
    second, third = _claim(store, limit=2)
    assert (second.message, third.message) == (sent, mail(3))
    assert [one.message for one in _claim(store, limit=9)] == [mail(4)]
    assert _claim(store) == []


def test_a_sent_message_is_never_handed_out_again(store: Store) -> None:
    queue(store, mail())
    claimed = _taken(store)
    assert _mark(store, claimed)
    store.settle_sent(claimed.id, "2.0.0 queued as 4B", now=NOW)
    assert store.reclaim(NOW + DAY, everything=True) == 0
    assert _claim(store, DAY) == []
    (row,) = store.outbox()
    assert (row.state, row.sent_at, row.attempts, row.error, row.reply) == ("sent", NOW, 1, "", "2.0.0 queued as 4B")
    assert (row.key, row.profile, row.period, row.subject) == (mail().key, "me", "2026-W47", "Subject 1")
    assert store.outbox_counts() == {"sent": 1}
    assert [store.sent_within(DAY, NOW + after) for after in (-DAY, 0 * DAY, DAY)] == [0, 1, 0]


def test_a_deferred_message_waits_for_its_time(store: Store) -> None:
    queue(store, mail())
    store.settle(_taken(store).id, "deferred", "450 busy", not_before=NOW + LEASE, worker="w")
    assert _claim(store, LEASE - timedelta(seconds=1)) == []
    assert (store.waiting(NOW), store.waiting(NOW + LEASE)) == (0, 1)
    assert store.outbox()[0].error == "450 busy"
    assert _taken(store, LEASE).attempts == 2


def test_what_was_deferred_while_the_clock_was_ahead_goes_at_once(store: Store) -> None:
    queue(store, mail())
    store.settle(_taken(store).id, "deferred", "450 busy", not_before=NOW + 400 * DAY, worker="w")
    assert store.waiting(NOW) == 1
    assert _taken(store).attempts == 2


def test_what_was_claimed_and_not_tried_is_given_back_as_if_it_had_not_been(store: Store) -> None:
    queue(store, mail(1), mail(2), mail(3))
    first, second, _ = _claim(store, limit=3)
    store.settle_sent(first.id, "", now=NOW)
    assert store.release([first.id, second.id], worker="another") == 0
    assert store.release([first.id, second.id], worker="w") == 1
    assert store.outbox_counts() == {"queued": 1, "sending": 1, "sent": 1}
    assert _taken(store).attempts == 1


def test_a_crash_before_the_final_dot_is_not_in_doubt(store: Store) -> None:
    queue(store, mail())
    _taken(store)
    assert _claim(store, LEASE - timedelta(seconds=1)) == []
    again = _taken(store, LEASE)
    assert (again.attempts, again.in_doubt, again.message) == (2, False, mail())


def test_a_crash_after_it_is(store: Store) -> None:
    queue(store, mail())
    assert _mark(store, _taken(store))
    assert store.reclaim(NOW) == 0
    assert store.reclaim(NOW + LEASE, everything=True) == 1
    again = _taken(store)
    assert (again.attempts, again.in_doubt) == (2, True)
    store.settle(again.id, "deferred", "451", in_doubt=True, worker="w")
    assert _taken(store).in_doubt
    store.settle(again.id, "deferred", "451", worker="w")
    assert not _taken(store).in_doubt, "the server refused it, so the doubt is over"


def test_only_where_a_process_cannot_lose_its_lock_and_live_is_everything_reclaimed(store: Store) -> None:
    queue(store, mail())
    _taken(store)
    assert store.reclaim(NOW, everything=True) == (1 if store.file else 0)


def test_a_mark_renews_the_lease_for_the_reply(store: Store) -> None:
    queue(store, mail())
    claimed = _taken(store)
    assert store.mark_data_sent(claimed.id, NOW + LEASE / 2, worker="w", lease=LEASE)
    assert store.reclaim(NOW + LEASE) == 0
    assert store.reclaim(NOW + LEASE * 1.5) == 1


def test_the_late_word_of_a_worker_that_lost_its_lease_changes_nothing(store: Store) -> None:
    queue(store, mail())
    slept = _taken(store)
    (claimed,) = store.claim(NOW + LEASE, "another", LEASE)
    assert _mark(store, claimed, "another")
    store.settle(slept.id, "deferred", "451 late", worker="w")
    (row,) = store.outbox()
    assert (row.state, row.error, row.data_sent_at) == ("sending", "", NOW)


def test_what_was_never_tried_goes_before_what_was_deferred(store: Store) -> None:
    queue(store, *(mail(number) for number in range(1, 6)))
    for one, minutes in zip(_claim(store, limit=3), (3, 1, 2), strict=True):
        store.settle(one.id, "deferred", "450", not_before=NOW + timedelta(minutes=minutes), worker="w")
    order = [4, 5, 2, 3, 1]
    for _ in range(2):
        claimed = _claim(store, timedelta(hours=1), limit=9)
        assert [one.id for one in claimed] == order
        assert [one.message for one in claimed] == [mail(number) for number in order]
        store.release(order, worker="w")
    assert store.outbox_counts() == {"deferred": 3, "queued": 2}, "each as it was"


def test_reclaim_takes_what_ran_out(store: Store) -> None:
    queue(store, mail(1), mail(2))
    _taken(store)
    _taken(store, LEASE / 2)
    assert store.reclaim(NOW + LEASE) == 1
    assert store.outbox_counts() == {"queued": 1, "sending": 1}


def test_a_worker_that_slept_past_its_lease_does_not_send_what_another_has(store: Store) -> None:
    queue(store, mail())
    slept = _taken(store)
    (claimed,) = store.claim(NOW + LEASE, "another", LEASE)
    assert not _mark(store, slept)
    assert _mark(store, claimed, "another")


def test_damaged_bytes_are_told(store: Store) -> None:
    queue(store, mail(1), mail(2))
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET sha256 = 'x' WHERE id = 1")
    assert [one.whole for one in _claim(store, limit=2)] == [False, True]


def test_a_message_that_is_not_there(store: Store) -> None:
    assert not store.mark_data_sent(9, NOW, worker="w", lease=LEASE)
    with pytest.raises(StoreError, match="has no message 9"):
        store.settle_sent(9, "", now=NOW)


def test_a_settling_that_does_not_wait_for_the_disk_leaves_the_connection_as_it_was(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        queue(store, mail())
        store.settle_sent(_taken(store).id, "ok", now=NOW, wait=False)
        assert store.outbox_counts() == {"sent": 1}
        with store._writer.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            cursor = driver.cursor()
            assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)


# --- pauses, and a restored database


def test_what_is_paused_is_not_handed_out(store: Store) -> None:
    queue(store, mail(1), mail(2))
    store.pause("me", mail(1).to, "bounced", now=NOW)
    store.pause("you", "", "another profile", now=NOW)
    assert [(row.recipient, row.paused) for row in store.outbox()] == [(mail(1).to, True), (mail(2).to, False)]
    assert store.waiting(NOW) == 1
    assert [one.message for one in _claim(store, limit=9)] == [mail(2)]
    store.resume("me", mail(1).to)
    assert [one.message for one in _claim(store, limit=9)] == [mail(1)]


@pytest.mark.parametrize("address", ["", mail().to])
def test_a_pause_counts_until_the_final_dot(store: Store, address: str) -> None:
    queue(store, mail())
    claimed = _taken(store)
    store.pause("me", address, "unsubscribed", now=NOW)
    assert not _mark(store, claimed)
    assert store.outbox()[0].data_sent_at is None
    store.release([claimed.id], worker="w")
    assert _claim(store) == []
    store.resume("me", address)
    assert _taken(store).attempts == 1


def test_nothing_is_handed_out_of_a_restored_database(store: Store) -> None:
    queue(store, mail())
    with store._writing() as session:
        session.add(tables.Restored(taken=NOW - DAY, at=NOW))
    assert store.unsettled()
    assert _claim(store) == []
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE restored SET settled = '2026-11-21 08:00:00'")
    assert not store.unsettled()
    assert _taken(store).message == mail()


# --- for the owner


def test_a_failed_message_stays_until_a_person_puts_it_back(store: Store) -> None:
    queue(store, mail(1), mail(2))
    for claimed in _claim(store, limit=2):
        store.settle(claimed.id, "failed", "550 no such user", worker="w")
    assert _claim(store, DAY) == []
    assert store.outbox_counts() == {"failed": 2}
    assert store.retry_messages([2], now=NOW + DAY) == 1
    again = _taken(store, DAY)
    assert (again.message, again.queued_at, again.attempts) == (mail(2), NOW + DAY, 1)
    assert [row.error for row in store.outbox()] == ["550 no such user", ""]


def test_a_held_message_waits_and_a_dropped_one_is_never_sent(store: Store) -> None:
    queue(store, mail(1), mail(2), mail(3))
    assert store.hold_messages([1, 2]) == 2
    assert store.drop_messages([2, 3]) == 2
    assert _claim(store, DAY) == []
    assert store.retry_messages([1, 2, 3], now=NOW) == 1
    assert [one.message for one in _claim(store, limit=9)] == [mail(1)]
    assert store.outbox_counts() == {"dropped": 2, "sending": 1}


def test_retry_ends_the_doubt(store: Store) -> None:
    queue(store, mail())
    claimed = _taken(store)
    _mark(store, claimed)
    store.settle(claimed.id, "held", "no answer", in_doubt=True, worker="w")
    assert store.outbox()[0].data_sent_at == NOW
    assert store.retry_messages([claimed.id], now=NOW) == 1
    assert not _taken(store).in_doubt


def test_a_message_in_hand_can_be_held_or_dropped_until_the_final_dot(store: Store) -> None:
    queue(store, mail(1), mail(2))
    first, second = _claim(store, limit=2)
    store.drop_messages([first.id])
    assert not _mark(store, first)
    store.settle(first.id, "deferred", "451 later", worker="w")
    assert store.outbox()[0].state == "dropped", "the owner's word stands"
    assert _mark(store, second)
    store.hold_messages([second.id])
    store.settle_sent(second.id, "ok", now=NOW)
    assert store.outbox()[1].state == "sent", "and so does what happened"


def test_what_was_sent_or_forgotten_is_not_sent_again(store: Store) -> None:
    queue(store, mail(1), mail(2))
    first, second = _claim(store, limit=2)
    store.settle_sent(first.id, "ok", now=NOW)
    store.settle(second.id, "failed", "550", worker="w")
    assert store.raw(second.id) == mail(2).raw
    with store._writer.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE message SET raw = ''" if store.file else "UPDATE message SET raw = ''::bytea"
        )
    assert store.retry_messages([1, 2], now=NOW) == 0
    assert store.drop_messages([1]) == store.hold_messages([1]) == 0
    assert (store.raw(second.id), store.raw(9)) == (b"", b"")


@pytest.mark.parametrize("database", DATABASES)
def test_four_processes_claim_each_message_once(database: str, tmp_path: Path) -> None:
    if database == "postgresql":
        server()
    with fresh_store(database, tmp_path) as store:
        queue(store, *(mail(number) for number in range(200)))
        url = f"sqlite:///{store.file}" if store.file else store._url.render_as_string(hide_password=False)
        code = f"""
from tests.test_store_outbox import *
with Store({url!r}) as store:
    input()
    while claimed := store.claim(NOW, "w", LEASE, 3):
        for one in claimed:
            print(one.id)
            store.settle_sent(one.id, "", now=NOW, wait=False)
"""
        running = [
            subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        claimed = [process.communicate("go\n", timeout=100)[0].split() for process in running]
        assert sorted(int(number) for part in claimed for number in part) == list(range(1, 201))
        assert store.outbox_counts() == {"sent": 200}
        assert rows(store, "SELECT max(attempts) FROM message") == [(1,)]
