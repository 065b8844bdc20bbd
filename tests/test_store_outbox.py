"""Every message is handed to one worker at a time, and is lost by none."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.store import Claimed, Store
from tests.stores import DATABASES, DAY, NOW, fresh_store, mail, queue, rows, server

LEASE = timedelta(minutes=15)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def _claim(store: Store, after: timedelta = timedelta(0)) -> Claimed | None:
    return store.claim(NOW + after, "w", LEASE)


def _taken(store: Store, after: timedelta = timedelta(0)) -> Claimed:
    claimed = _claim(store, after)
    assert claimed
    return claimed


def test_messages_go_out_oldest_first_byte_for_byte(store: Store) -> None:
    sent = mail(2, raw=bytes(range(256)) * 9)
    queue(store, mail(1), sent)
    first, second = _taken(store), _taken(store)
    assert (first.message, first.attempts, first.in_doubt, first.queued_at) == (mail(1), 1, False, NOW)
    assert second.message == sent
    assert _claim(store) is None


def test_a_sent_message_is_never_handed_out_again(store: Store) -> None:
    queue(store, mail())
    claimed = _taken(store)
    store.mark_data_sent(claimed.id, NOW)
    store.settle(claimed.id, "sent", now=NOW)
    assert store.reclaim(NOW + DAY, everything=True) == 0
    assert _claim(store, DAY) is None
    (row,) = store.outbox()
    assert (row.state, row.sent_at, row.attempts, row.error) == ("sent", NOW, 1, "")
    assert (row.key, row.profile, row.period, row.subject) == (mail().key, "me", "2026-W47", "Subject 1")
    assert store.outbox_counts() == {"sent": 1}


def test_a_deferred_message_waits_for_its_time(store: Store) -> None:
    queue(store, mail())
    store.settle(_taken(store).id, "deferred", now=NOW, error="450 busy", not_before=NOW + LEASE)
    assert _claim(store, LEASE - timedelta(seconds=1)) is None
    assert store.outbox()[0].error == "450 busy"
    assert _taken(store, LEASE).attempts == 2


def test_a_deferred_message_without_a_time_may_go_at_once(store: Store) -> None:
    queue(store, mail())
    store.settle(_taken(store).id, "deferred", now=NOW)
    assert _taken(store).attempts == 2


def test_a_message_put_back_goes_at_once(store: Store) -> None:
    queue(store, mail())
    store.settle(_taken(store).id, "queued", now=NOW, error="535 login")
    assert store.outbox_counts() == {"queued": 1}
    assert _taken(store).attempts == 2


def test_a_failed_message_stays_until_a_person_puts_it_back(store: Store) -> None:
    queue(store, mail(1), mail(2))
    for claimed in (_taken(store), _taken(store)):
        store.settle(claimed.id, "failed", now=NOW, error="550 no such user")
    assert _claim(store, DAY) is None
    assert store.outbox_counts() == {"failed": 2}
    assert store.requeue(NOW + DAY, [mail(2).key]) == 1
    again = _taken(store, DAY)
    assert (again.message, again.queued_at) == (mail(2), NOW + DAY)
    assert store.requeue(NOW + DAY) == 1
    assert [row.error for row in store.outbox()] == ["", ""]


def test_a_crash_before_the_final_dot_is_not_in_doubt(store: Store) -> None:
    queue(store, mail())
    _taken(store)
    assert _claim(store, LEASE - timedelta(seconds=1)) is None
    again = _taken(store, LEASE)
    assert (again.attempts, again.in_doubt, again.message) == (2, False, mail())


def test_a_crash_after_it_is(store: Store) -> None:
    queue(store, mail())
    store.mark_data_sent(_taken(store).id, NOW)
    assert store.reclaim(NOW) == 0
    assert store.reclaim(NOW, everything=True) == 1
    again = _taken(store)
    assert (again.attempts, again.in_doubt) == (2, True)
    store.settle(again.id, "deferred", now=NOW, in_doubt=True)
    assert _taken(store).in_doubt
    store.settle(again.id, "deferred", now=NOW)
    assert not _taken(store).in_doubt, "the server refused it, so the doubt is over"


def test_reclaim_takes_what_ran_out(store: Store) -> None:
    queue(store, mail(1), mail(2))
    _taken(store)
    _taken(store, LEASE / 2)
    assert store.reclaim(NOW + LEASE) == 1
    assert store.outbox_counts() == {"queued": 1, "sending": 1}


def test_damaged_bytes_are_not_sent(store: Store) -> None:
    queue(store, mail())
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET sha256 = 'x'")
    with pytest.raises(StoreError, match="is damaged and was not sent"):
        _claim(store)


def test_a_message_that_is_not_there(store: Store) -> None:
    with pytest.raises(StoreError, match="has no message 9"):
        store.mark_data_sent(9, NOW)
    with pytest.raises(StoreError, match="has no message 9"):
        store.settle(9, "sent", now=NOW)


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
    while claimed := store.claim(NOW, "w", LEASE):
        print(claimed.id)
        store.settle(claimed.id, "sent", now=NOW)
"""
        running = [
            subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        claimed = [process.communicate("go\n", timeout=100)[0].split() for process in running]
        assert sorted(int(number) for part in claimed for number in part) == list(range(1, 201))
        assert store.outbox_counts() == {"sent": 200}
        assert rows(store, "SELECT max(attempts) FROM message") == [(1,)]
