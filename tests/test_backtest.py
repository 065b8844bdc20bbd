"""Past weeks, ranked again: cut by the reader's own clock, without what came later, and held against the answers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator import pipeline
from aggregator.backtest import Judged, Week, backtest, mean, windows
from aggregator.errors import InputError
from aggregator.model import Profile
from aggregator.render import Renderer
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import DATABASES, DAY, add, digest, fresh_store, paper

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = 7 * DAY
ME = Profile(
    name="me",
    email=("me@example.org",),
    schedule="weekly mon 08:00",
    timezone="UTC",
    interests=("speech",),
    min_score=0.2,
    max_entries=4,
)
GOOD, OTHER = "speech codec tokens", "speech rooms echo"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        yield opened


def fill(store: Store, weeks: int = 4) -> None:
    """Each week six papers on speech, the even ones of what the reader likes: 101 to 106 in the last week, 201 …"""
    add(
        store,
        *(
            paper(
                100 * week + number,
                title=f"{GOOD if number % 2 == 0 else OTHER} {number}",
                summary=" ".join(["and", "further", "words", "here"][: number // 2]),
                published=NOW - week * WEEK + DAY,
            )
            for week in range(1, weeks + 1)
            for number in range(1, 7)
        ),
        now=NOW,
    )


def replayed(store: Store) -> list[Week]:
    embedder = WordEmbedder()
    pipeline.embed(store, embedder)
    return backtest(store, embedder, ME, weeks=4, now=NOW)


def shown(week: Week) -> list[str]:
    return [pick.entry.key for pick in week.picks]


# --- weeks


def test_weeks_end_with_the_schedule_in_the_readers_zone() -> None:
    berlin = replace(ME, timezone="Europe/Berlin")
    found = windows(berlin, 5, NOW)
    assert len(found) == 5
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert found[-1] == (datetime(2026, 11, 16, 7, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC))
    assert found[0] == (datetime(2026, 10, 19, 6, tzinfo=UTC), datetime(2026, 10, 26, 7, tzinfo=UTC))


def test_a_daily_digest_has_weeks_too() -> None:
    since, until = windows(replace(ME, schedule="daily 07:00, 18:00"), 1, NOW)[0]
    assert (since, until) == (datetime(2026, 11, 16, 7, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC))


# --- what is picked


def test_a_week_has_only_what_was_news_in_it_and_a_week_of_nothing_is_shown(store: Store) -> None:
    fill(store, weeks=2)
    add(store, paper(999, title="speech speech", published=NOW))  # after the end of the last week
    found = replayed(store)
    assert [week.candidates for week in found] == [0, 0, 6, 6]
    assert found[0].picks == ()
    assert {key[-3] for key in shown(found[3])} == {"1"}
    assert {key[-3] for key in shown(found[2])} == {"2"}
    assert [pick.score for pick in found[3].picks] == sorted((pick.score for pick in found[3].picks), reverse=True)
    assert all(week.learnt is None and week.liked == 0 for week in found)


def test_what_was_shown_or_hidden_is_ranked_all_the_same(store: Store) -> None:
    fill(store, weeks=1)
    before = shown(replayed(store)[3])
    pipeline.digest(store, WordEmbedder(), Renderer("d@example.org"), [ME], (), now=NOW)
    store.answer("me", before[0], "hide", now=NOW)
    assert shown(replayed(store)[3]) == before


def test_a_store_without_anything_is_told(store: Store) -> None:
    with pytest.raises(InputError, match=r"has no entries yet; run `aggregator collect`"):
        replayed(store)


# --- what is learnt, and what is not known yet


def test_the_answers_of_weeks_before_help_and_are_measured(store: Store) -> None:
    fill(store)
    for week in (4, 3, 2, 1):
        for number in (2, 4, 6):
            store.answer("me", paper(100 * week + number).key, "like", now=NOW - week * WEEK + 8 * DAY)
        store.answer("me", paper(100 * week + 1).key, "dislike", now=NOW - week * WEEK + 8 * DAY)
    first, *later = replayed(store)
    assert first.learnt == first.written
    assert [one.liked for one in (first, *later)] == [3, 3, 3, 3]
    for one in later:
        assert one.learnt
        assert one.written
        assert one.learnt.ndcg > one.written.ndcg
        assert one.learnt.hit_rate >= one.written.hit_rate
    last = later[-1].learnt
    assert last
    assert last.hit_rate == 1
    assert {key[-2:] for key in shown(later[-1])} > {"02", "04", "06"}


def test_what_is_answered_later_changes_no_earlier_week(store: Store) -> None:
    fill(store)
    before = [shown(week) for week in replayed(store)]
    for number in (2, 4, 6):
        store.answer("me", paper(200 + number).key, "like", now=NOW - DAY / 2)
    found = replayed(store)
    assert [shown(week) for week in found[:3]] == before[:3]
    assert shown(found[3]) != before[3]


def test_the_answers_to_works_of_a_week_are_not_used_for_it(store: Store) -> None:
    fill(store)
    before = shown(replayed(store)[3])
    for number in (2, 4, 6):
        store.answer("me", paper(100 + number).key, "save", now=NOW - DAY)
    found = replayed(store)[3]
    assert shown(found) == before
    assert found.liked == 3
    assert found.learnt == found.written


@pytest.mark.parametrize("database", DATABASES)
def test_lessons_as_of_a_moment(database: str, tmp_path: Path) -> None:
    with fresh_store(database, tmp_path) as store:
        fill(store, weeks=1)
        pipeline.embed(store, WordEmbedder())
        known = {one.entry.key: one for one in store.candidates("me", "words", "1", NOW - WEEK, NOW)[0]}
        told = digest(*(known[paper(number).key] for number in (101, 102, 103)))
        store.queue("me", "2026-W47", NOW - WEEK, NOW, now=NOW, digest=told, messages=[])
        store.answer("me", paper(101).key, "like", now=NOW + DAY)
        store.answer("me", paper(102).key, "dislike", now=NOW + 3 * DAY)

        def lessons(until: datetime | None) -> dict[str, str | None]:
            said, vectors = store.lessons("me", "words", "1", until=until)
            assert len(said) == len(vectors)
            return {one.key[-3:]: one.answer for one in said}

        assert lessons(NOW) == {}
        assert lessons(NOW + 2 * DAY) == {"101": "like", "102": None, "103": None}
        assert lessons(None) == lessons(NOW + 3 * DAY) == {"101": "like", "102": "dislike", "103": None}


def test_the_mean_is_over_the_weeks_that_can_be_judged() -> None:
    assert mean([None, Judged(0.5, 1.0), Judged(1.0, 0.0)]) == Judged(0.75, 0.5)
    assert mean([None]) is None
