"""service: the four steps on a clock.

APScheduler only wakes up; what is due is a question to the database, so a restart, an outage or a clock that was set
back neither skips nor repeats anything.
"""

import logging
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from aggregator.errors import AggregatorError

log = logging.getLogger(__name__)


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
    scheduler.add_job(
        guarded, "interval", minutes=minutes, next_run_time=datetime.now(UTC), coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    log.info("serve started; looking every %g minutes for what is due", minutes)
    stopping.wait()
    scheduler.shutdown(wait=True)
    if bugs:
        raise bugs[0]
    log.info("serve stopped")
