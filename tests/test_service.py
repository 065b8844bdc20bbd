"""service: ticks at once and then on schedule, ends cleanly on SIGTERM, survives what can be expected."""

import os
import signal
import threading
import time

import pytest

from aggregator.errors import StoreError
from aggregator.service import serve


def test_ticks_at_once_and_again_until_sigterm_and_finishes_the_running_tick() -> None:
    stopping = threading.Event()
    begun: list[float] = []
    ended: list[float] = []

    def tick() -> None:
        begun.append(time.monotonic())
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopping.wait(5)
            time.sleep(0.1)
        ended.append(time.monotonic())

    serve(tick, 0.05 / 60, stopping)
    assert len(begun) == len(ended) == 3


def test_an_expected_error_is_logged_and_the_next_tick_comes(caplog: pytest.LogCaptureFixture) -> None:
    stopping = threading.Event()
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 1:
            raise StoreError("the database is locked")
        stopping.set()

    serve(tick, 0.05 / 60, stopping)
    assert len(ticks) == 2
    assert "the database is locked" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_bug_ends_the_service_with_its_traceback() -> None:
    def tick() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        serve(tick, 1, threading.Event())


@pytest.fixture(autouse=True)
def _keep_signal_handlers() -> object:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
