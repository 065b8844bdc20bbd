"""service: the four steps on a clock.

APScheduler only wakes up; what is due is a question to the database, so a restart, an outage or a clock that was set
back neither skips nor repeats anything.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from aggregator.app import Steps, reread
from aggregator.config import stamp
from aggregator.errors import AggregatorError, InputError

log = logging.getLogger(__name__)

_LOOK = 10.0
_JUMP = 1.0
"""Seconds between two looks at the clock, and by how much it is set between them: NTP slews it, and by far less."""


class Following:
    """The steps on the configuration as it is by now; `steps` are those on the one that was read at the start."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._stamp = stamp(steps.config.path)

    def latest(self) -> tuple[Steps, str]:
        """The steps, and, once after a bad edit, what is wrong with it in one line: then those of before go on.

        Raises StoreError if a profile has another name now and a step is at work for long; the next call tries again.
        """
        written, trouble = stamp(self._steps.config.path), ""
        if written != self._stamp:
            try:
                self._steps = reread(self._steps)
                log.info("serve took up the changes in %s", self._steps.config.path)
            except InputError as error:
                trouble = f"{'; '.join(str(error).splitlines())}; until that is mended all goes on as before"
            self._stamp = written
        return self._steps, trouble


def serve(tick: Callable[[], None], minutes: float, stopping: threading.Event) -> None:
    """Call `tick` now and every so many minutes until SIGTERM or SIGINT; returns when the running tick has ended.

    `stopping` is set by the signal, for the tick to look at between two units of work. A tick that raises an
    AggregatorError is logged in one line and the next one comes as usual; anything else ends the service.
    """
    bugs: list[BaseException] = []

    def guarded() -> None:
        try:
            tick()
        except AggregatorError as error:
            log.error("serve %s", error)  # noqa: TRY400 - one line for people, no traceback
        except BaseException as error:  # noqa: BLE001 - raised again below, in the main thread
            bugs.append(error)
            stopping.set()

    def end(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a signal handler
        log.info("serve stopping on %s", signal.Signals(signum).name)
        stopping.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, end)
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone="UTC")
    job = scheduler.add_job(
        guarded, "interval", minutes=minutes, next_run_time=datetime.now(UTC), coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    log.info("serve started; looking every %g minutes for what is due", minutes)
    _watch(job, min(_LOOK, minutes * 60), stopping)
    scheduler.shutdown(wait=True)
    if bugs:
        raise bugs[0]
    log.info("serve stopped")


def _watch(job: Job, seconds: float, stopping: threading.Event) -> None:
    """Until `stopping`: make the job due whenever the clock was set, as its next time was reckoned by the one before.

    So a clock that is set back by a year, or was ahead by one, does not keep it waiting that long.
    """
    before = _offset()
    while not stopping.wait(seconds):
        after = _offset()
        if abs(after - before) > _JUMP:
            log.info("serve the clock was set by %+.0f s; looking now", after - before)
            job.modify(next_run_time=datetime.now(UTC))
        before = after


def _offset() -> float:
    """Seconds from the steady clock to the one on the wall; another number only once that one was set."""
    return datetime.now(UTC).timestamp() - time.monotonic()
