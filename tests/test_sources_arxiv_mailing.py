"""The days on which arXiv lists papers, and a weekday without any: broken until confirmed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.model import Batch
from aggregator.sources.arxiv import Arxiv
from aggregator.sources.arxiv.announcements import listing
from aggregator.sources.arxiv.mailing import holidays, lists_on, verdict
from tests.fakes import Answer, fetcher_over, pages
from tests.test_sources_arxiv import API, ATOM, EMPTY_DAY, announced, api, feed, paper

TUESDAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 6, tzinfo=UTC)
TOLD = "the daily feed lists no paper on Tuesday 2026-11-24, which is no holiday of arXiv; it is asked again"


def test_days_with_a_list() -> None:
    quiet = [date(2026, 11, day) for day in range(1, 31) if not lists_on(date(2026, 11, day))]
    weekend = [date(2026, 11, day) for day in (1, 7, 8, 14, 15, 21, 22, 28, 29)]
    assert sorted({*quiet} - {*weekend}) == [date(2026, 11, 26), date(2026, 11, 27)]  # Thanksgiving, and its list
    assert [day for day in range(21, 32) if not lists_on(date(2026, 12, day))] == [25, 26, 27, 28, 29, 30, 31]
    assert not lists_on(date(2026, 7, 6))  # the Monday after a holiday on Friday
    assert not lists_on(date(2027, 1, 1))
    assert [day for day in range(20, 30) if not lists_on(date(2027, 11, day))] == [20, 21, 25, 26, 27, 28]
    assert not lists_on(date(2028, 12, 25))


def test_the_feeds_own_day() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert listing(announced(("2611.00001", 1, "new")).encode(), now).day == date(2026, 11, 20)
    assert listing(EMPTY_DAY.encode(), now).day is None
    assert listing(announced(("2611.00001", 1, "new")).replace("2026-11-20T", "9999-11-20T").encode(), now).day is None
    for made, day in (
        ("2026-11-24T05:00:19.866337+00:00", 24),
        ("2026-11-24T04:00:19+00:00", 24),
        ("2026-11-24T03:00:00+00:00", 23),
        ("2026-11-24T00:00:10-05:00", 24),
    ):
        empty = EMPTY_DAY.replace("<title>", f"<updated>{made}</updated><title>")
        assert listing(empty.encode(), now).day == date(2026, 11, day)


def test_verdicts() -> None:
    def hours(count: float) -> datetime:
        return MORNING + timedelta(hours=count)

    assert verdict({}, TUESDAY, 41, MORNING, whole=True).days == {TUESDAY: 41}
    assert verdict({}, date(2026, 11, 21), 0, MORNING, whole=True).days == {date(2026, 11, 21): 0}
    assert verdict({}, None, 0, MORNING, whole=True).days == {}
    first = verdict({}, TUESDAY, 0, MORNING, whole=True)
    assert (first.days, first.missing, first.note) == ({}, TOLD, "")
    second = verdict(first.kept, TUESDAY, 0, hours(1), whole=True)
    third = verdict(second.kept, TUESDAY, 0, hours(2), whole=True)
    assert (third.days, third.missing) == ({}, TOLD)  # three times, but in two hours
    assert verdict(third.kept, TUESDAY, 0, hours(7), whole=False).missing == TOLD  # the API does not answer
    fourth = verdict(third.kept, TUESDAY, 0, hours(6), whole=True)
    assert (fourth.days, fourth.missing) == ({TUESDAY: 0}, "")
    assert "no paper on Tuesday 2026-11-24, and says so for 6 hours" in fourth.note
    assert verdict(fourth.kept, TUESDAY, 0, hours(9), whole=True).missing == ""
    assert verdict(third.kept, TUESDAY, 12, hours(6), whole=True).days == {TUESDAY: 12}
    again = verdict(fourth.kept, date(2026, 11, 25), 0, hours(24), whole=True)
    assert again.kept["answers"] == 1
    half = verdict(first.kept, TUESDAY, 0, hours(8), whole=True)
    assert half.missing == TOLD  # eight hours, but twice


def empty(day: date) -> str:
    return EMPTY_DAY.replace("<title>", f"<updated>{day}T05:00:19+00:00</updated><title>")


def at(moment: datetime, answer: Answer, folder: Path, cursor: Any = None, said: Answer = b"") -> Batch:
    network = pages({API: said or feed([paper(1, 4)], 1), ATOM: answer})
    with fetcher_over(network, folder) as fetcher:
        return Arxiv(name="arxiv").visit(fetcher, cursor, moment)


def test_a_weekday_without_papers_is_broken_until_confirmed(tmp_path: Path) -> None:
    tagged = httpx.Response(200, content=empty(TUESDAY), headers={"ETag": '"x"'})
    batch = at(MORNING, tagged, tmp_path)
    assert (batch.days, batch.missing) == ({}, TOLD)
    for hour in (1, 2):
        batch = at(MORNING + timedelta(hours=hour), httpx.Response(304), tmp_path, batch.cursor)
        assert (batch.days, batch.missing) == ({}, TOLD)
    failed = at(MORNING + timedelta(hours=7), httpx.Response(304), tmp_path, batch.cursor, said=404)
    assert TOLD in failed.missing
    assert failed.cursor["listed"]["answers"] == 3
    batch = at(MORNING + timedelta(hours=8), httpx.Response(304), tmp_path, failed.cursor)
    assert (batch.days, batch.missing) == ({TUESDAY: 0}, "")
    assert "believed" in batch.note


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 26)])
def test_weekends_and_holidays_are_quiet(day: date, tmp_path: Path) -> None:
    batch = at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC), empty(day), tmp_path)
    assert (batch.days, batch.missing, batch.note) == ({day: 0}, "", "")


def test_the_day_and_its_papers_are_told_again_by_an_unchanged_feed(tmp_path: Path) -> None:
    day = announced(("2611.00001", 1, "new"), ("2611.00007", 1, "cross"), ("2006.11477", 3, "replace"))
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    batch = at(moment, httpx.Response(200, content=day, headers={"ETag": '"x"'}), tmp_path)
    assert (batch.days, batch.missing) == ({date(2026, 11, 20): 2}, "")
    again = at(moment + timedelta(hours=8), httpx.Response(304), tmp_path, batch.cursor)
    assert (again.days, again.missing) == (batch.days, "")
    broken = at(moment + timedelta(hours=9), 500, tmp_path, again.cursor)
    assert (broken.days, broken.cursor["listed"]) == ({}, again.cursor["listed"])


def test_a_cursor_of_before_is_good(tmp_path: Path) -> None:
    old = {"categories": ["cs.SD", "eess.AS"], "until": "2026-11-23T06:00:00+00:00", "atom": {"etag": '"x"'}}
    network = pages({API: api([paper(1, 4), paper(2, 12)]), ATOM: httpx.Response(304)})
    with fetcher_over(network, tmp_path) as fetcher:
        batch = Arxiv(name="arxiv").visit(fetcher, old, MORNING)
    assert (len(batch.entries), batch.missing, batch.days) == (1, "", {})
    assert network.requests[-1].headers["if-none-match"] == '"x"'


PUBLISHED = {
    # arXiv's own lists: deferred mailings of 2019/20 (news of the site), holidays of 2023 and 2026 (help/availability)
    2019: ((11, 28), (12, 25), (12, 26), (12, 30)),
    2020: ((1, 1), (1, 20)),
    2023: ((1, 16), (6, 14), (6, 19), (7, 4), (9, 4), (11, 23), (12, 25), (12, 27)),
    2026: ((1, 1), (1, 19), (6, 19), (7, 3), (9, 7), (11, 26), (12, 25), (12, 29), (12, 31)),
}


@pytest.mark.parametrize(("year", "days"), PUBLISHED.items())
def test_what_arxiv_published_is_a_holiday(year: int, days: tuple[tuple[int, int], ...]) -> None:
    assert {date(year, month, day) for month, day in days} <= holidays(year)


def test_the_rule_finds_what_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.sources.arxiv.mailing._PUBLISHED", {})
    for year, days in PUBLISHED.items():
        assert {date(year, month, day) for month, day in days} - holidays(year) <= {date(2023, 6, 14)}  # ad hoc


def test_movable_holidays_of_years_to_come() -> None:
    assert {date(2027, 1, 18), date(2027, 6, 18), date(2027, 7, 5), date(2027, 9, 6), date(2027, 11, 25)} <= holidays(
        2027
    )
    assert {date(2028, 1, 17), date(2028, 6, 19), date(2028, 7, 4), date(2028, 9, 4), date(2028, 11, 23)} <= holidays(
        2028
    )
    assert date(2027, 12, 31) in holidays(2027)  # 1 January 2028 is a Saturday
    for year in range(2024, 2100):
        days = holidays(year)
        assert all(day.year == year for day in days)
        assert len([day for day in days if date(year, 1, 3) < day < date(year, 12, 24)]) <= 7
        assert date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday()) not in days  # Memorial Day is announced


@pytest.mark.parametrize("day", [date(2027, 1, 18), date(2027, 1, 19), date(2027, 9, 7), date(2027, 11, 26)])
def test_on_and_after_a_movable_holiday_the_source_is_quiet(day: date, tmp_path: Path) -> None:
    batch = at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC), empty(day), tmp_path)
    assert (batch.days, batch.missing, batch.note) == ({day: 0}, "", "")
