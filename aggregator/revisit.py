"""revisit: when a source is asked again: after an answer, and after a failure. Pure."""

import random
from datetime import datetime, timedelta

from aggregator.model import Batch

SOON = timedelta(hours=1)
"""The shortest time after which a source that failed, or answered only in part, is asked again."""

_LONGEST = timedelta(hours=24)
_HOURS_A_WEEK = 168


def after_answer(every: timedelta, batch: Batch, now: datetime) -> datetime:
    """When there may be something new: not before the source said so, and not in the hours and days that it skips."""
    fresh = batch.fresh_for or timedelta(0)
    wait = max(min(every, SOON) if batch.missing else every, fresh)
    visit = now + wait
    for _ in range(_HOURS_A_WEEK):
        if visit.hour not in batch.skip_hours and visit.weekday() not in batch.skip_days:
            return visit
        visit = visit.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return now + wait


def after_failure(name: str, failures: int) -> timedelta:
    """How long to leave a source alone that failed so often in a row before: 1 h, twice as long each time, 24 h; ±10 %.

    The jitter comes from the source's name and the count, so that sources spread and a run can be repeated.
    """
    jitter = random.Random(f"{name} {failures}").uniform(0.9, 1.1)  # noqa: S311 - not a secret
    wait: timedelta = min(SOON * 2 ** min(failures, 10), _LONGEST) * jitter
    return wait
