"""revisit: when a source is asked again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Batch
from aggregator.revisit import SOON, after_answer, after_failure

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # a Friday
HOUR = timedelta(hours=1)


def batch(**fields: object) -> Batch:
    return Batch(entries=(), cursor={}, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({}, 4),
        ({"fresh_for": 9 * HOUR}, 9),
        ({"fresh_for": 2 * HOUR}, 4),
        ({"missing": "half"}, 1),
        ({"missing": "half", "fresh_for": 2 * HOUR}, 2),
        ({"skip_hours": frozenset({13, 14})}, 5.5),
        ({"skip_days": frozenset({4, 5})}, 38.5),
        ({"skip_days": frozenset({5}), "fresh_for": 15 * HOUR}, 38.5),
        ({"skip_hours": frozenset(range(24))}, 4),
    ],
)
def test_after_an_answer(fields: dict[str, object], hours: float) -> None:
    assert after_answer(4 * HOUR, batch(**fields), NOW) == NOW + hours * HOUR


@given(
    st.frozensets(st.integers(0, 23)),
    st.frozensets(st.integers(0, 6)),
    st.integers(1, 200),
    st.integers(0, 168),
)
def test_it_is_never_early_and_never_in_what_is_skipped(
    hours: frozenset[int], days: frozenset[int], every: int, fresh: int
) -> None:
    told = batch(skip_hours=hours, skip_days=days, fresh_for=fresh * HOUR)
    visit = after_answer(every * HOUR, told, NOW)
    assert visit >= NOW + max(every, fresh) * HOUR
    if len(hours) < 24 and len(days) < 7:
        assert visit.hour not in hours
        assert visit.weekday() not in days


@given(st.text(max_size=20), st.integers(0, 2000))
def test_a_failure_waits_twice_as_long_each_time(name: str, failures: int) -> None:
    wait = after_failure(name, failures)
    nominal = min(2 ** min(failures, 10), 24) * HOUR
    assert 0.9 * nominal <= wait <= 1.1 * nominal
    assert wait == after_failure(name, failures)
    assert after_failure(name, 0) >= 0.9 * SOON
