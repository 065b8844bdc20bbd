"""service: ticks at once and then on schedule, ends cleanly on SIGTERM, survives what can be expected."""

import os
import signal
import threading
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from aggregator import app, service
from aggregator.errors import StoreError
from aggregator.service import Following, serve
from aggregator.store import Store
from tests.stores import NOW
from tests.test_config import GOOD


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


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(days=-365), timedelta(hours=3)])
def test_a_clock_that_is_set_while_it_runs_stops_nothing(jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    shift = timedelta(0)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + shift

    for name in ("executors.base", "schedulers.base", "triggers.interval"):
        monkeypatch.setattr(f"apscheduler.{name}.datetime", Clock)
    monkeypatch.setattr(service, "datetime", Clock)
    stopping = threading.Event()
    ticks: list[float] = []

    def tick() -> None:
        nonlocal shift
        ticks.append(time.monotonic())
        if len(ticks) == 2:
            shift = jump
        if len(ticks) == 5:
            stopping.set()

    guard = threading.Timer(5, stopping.set)
    guard.start()
    serve(tick, 0.05 / 60, stopping)
    guard.cancel()
    assert len(ticks) == 5


# --- the configuration of a service


@pytest.fixture
def following(tmp_path: Path) -> Following:
    (tmp_path / "config.toml").write_text(GOOD)
    config = app.read_config(tmp_path / "config.toml")
    with Store(config.database.url) as store:
        store.migrate()
    return Following(app.Steps(config, Store(config.database.url), lambda: NOW))


def test_an_edit_is_taken_up_and_a_new_name_keeps_its_history(following: Following, tmp_path: Path) -> None:
    steps, trouble = following.latest()
    assert following.latest() == (steps, "")
    steps.store.queue("me", "2026-W47", NOW, NOW, now=NOW, digest=None, messages=[])
    (tmp_path / "config.toml").write_text(GOOD.replace('name = "me"', 'name = "anna"\nwas = ["me"]'))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "bert.toml").write_text('email = "bert@example.org"\ninterests = ["speech"]\n')
    fresh, trouble = following.latest()
    assert trouble == ""
    assert [one.name for one in fresh.config.profiles] == ["anna", "bert"]
    assert fresh.store.has_issue("anna", "2026-W47")
    (tmp_path / "profiles" / "bert.toml").unlink()
    assert len(following.latest()[0].config.profiles) == 1


def test_a_bad_edit_is_one_line_once_and_the_old_configuration_goes_on(following: Following, tmp_path: Path) -> None:
    old, _ = following.latest()
    (tmp_path / "config.toml").write_text(GOOD.replace("interests", "intrests").replace("me@", "me@@"))
    steps, trouble = following.latest()
    assert steps is old
    assert "did you mean `interests`?" in trouble
    assert trouble.endswith("until that is mended all goes on as before")
    assert "\n" not in trouble
    assert following.latest() == (old, "")
    (tmp_path / "config.toml").write_text(f'{GOOD}\n[database]\nurl = "sqlite:///other.db"\n')
    assert "[database] url is another now, which takes a new start" in following.latest()[1]
    (tmp_path / "config.toml").write_text(GOOD)
    assert following.latest() == (following.latest()[0], "")


def test_a_name_that_waits_for_a_step_is_tried_again(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, _ = following.latest()
    steps.store.queue("me", "2026-W47", NOW, NOW, now=NOW, digest=None, messages=[])
    (tmp_path / "config.toml").write_text(GOOD.replace('name = "me"', 'name = "anna"\nwas = ["me"]'))
    moments = iter(range(0, 10_000, 50))
    with monkeypatch.context() as patched, Store(steps.config.database.url).lock("work"):
        patched.setattr("aggregator.store.engine.time.monotonic", lambda: next(moments))
        with pytest.raises(StoreError, match="is at work"):
            following.latest()
    assert steps.store.has_issue("me", "2026-W47")
    assert following.latest()[0].config.profiles[0].name == "anna"
    assert steps.store.has_issue("anna", "2026-W47")


@pytest.fixture(autouse=True)
def _keep_signal_handlers() -> object:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
