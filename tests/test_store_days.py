"""days, deadlines, mentions, what an audit finds: the parts of the store that completeness rests on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from aggregator.model import Batch, Entry
from aggregator.store import Store
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, paper

TODAY = NOW.date()


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def answer(store: Store, *entries: Entry, **fields: object) -> None:
    batch = Batch(entries=entries, cursor={}, **fields)  # type: ignore[arg-type]
    store.add("arxiv", "arxiv", batch, now=NOW, next_visit=NOW + DAY)


def days(store: Store) -> list[tuple[date, bool, int, bool, str]]:
    found = store.days(["arxiv"], TODAY - 9 * DAY, TODAY)
    return [(day.day, day.answered is not None, day.entries, day.complete, day.text) for day in found]


def test_an_answer_accounts_for_the_days_it_lists(store: Store) -> None:
    answer(store, paper(1), days={TODAY - DAY: 41, TODAY: 0})
    assert days(store) == [(TODAY - DAY, True, 41, True, ""), (TODAY, True, 0, True, "")]


def test_an_answer_that_lists_no_days_accounts_for_its_own(store: Store) -> None:
    answer(store, paper(1), paper(2))
    answer(store, paper(2), paper(3))
    assert days(store) == [(TODAY, True, 3, True, "")]


def test_half_an_answer_and_silence_are_not_complete(store: Store) -> None:
    store.record_failure("arxiv", "arxiv", "no answer", now=NOW, next_visit=NOW + DAY)
    assert days(store) == [(TODAY, False, 0, False, "no answer")]
    answer(store, paper(1), missing="the daily feed")
    assert days(store) == [(TODAY, True, 1, False, "the daily feed")]
    answer(store, paper(1))
    assert days(store) == [(TODAY, True, 1, True, "")]
    store.record_failure("arxiv", "arxiv", "no answer", now=NOW, next_visit=NOW + DAY)
    assert days(store) == [(TODAY, True, 1, True, "")]


def event(number: int, in_days: float, **fields: object) -> Entry:
    told: dict[str, object] = {
        "key": f"id:calendar:{number}", "kind": "event", "title": f"Deadline {number}", "news": False, "aliases": (),
        "due": NOW + timedelta(days=in_days), "signals": {"zone": "AoE"},
    }  # fmt: skip
    return replace(paper(number), **{**told, **fields})  # type: ignore[arg-type]


def test_deadlines_are_those_ahead_of_the_sources_that_are_meant_nearest_first(store: Store) -> None:
    events = (event(1, 30), event(2, 3), event(3, -1), event(4, 61))
    batch = Batch(entries=events, cursor={})
    store.add("calendar", "calendar", batch, now=NOW, next_visit=NOW + DAY)
    found = store.deadlines(["calendar", "x"], NOW, NOW + 60 * DAY)
    assert [entry.title for entry in found] == ["Deadline 2", "Deadline 1"]
    assert found[0].due == NOW + 3 * DAY
    assert found[0].signals == {"zone": "AoE"}
    assert store.deadlines(["x"], NOW, NOW + 60 * DAY) == ()
    moved = Batch(entries=(event(2, 20), event(1, 10)), cursor={})
    store.add("calendar", "calendar", moved, now=NOW + DAY, next_visit=NOW + 2 * DAY)
    assert [entry.title for entry in store.deadlines(["calendar"], NOW, NOW + 60 * DAY)] == ["Deadline 1", "Deadline 2"]
    embed(store)
    assert candidates(store) == []


def post(number: int, *mentions: str, **fields: object) -> Entry:
    told: dict[str, object] = {
        "key": f"url:https://blog.example.org/{number}", "kind": "post", "title": f"Post {number}", "aliases": (),
        "url": f"https://blog.example.org/{number}", "mentions": mentions, "signals": {},
    }  # fmt: skip
    return replace(paper(number), **{**told, **fields})  # type: ignore[arg-type]


def links(store: Store) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    """For each candidate what it links to, and what links to it."""
    embed(store)
    return {one.entry.key: (one.entry.mentions, [place.url for place in one.mentions]) for one in candidates(store)}


def test_a_mention_finds_its_paper_whichever_comes_first_and_by_any_name(store: Store) -> None:
    known = replace(paper(1), aliases=("doi:10.1000/x",))
    add(store, post(7, "doi:10.1000/x", "arxiv:2611.99999"), source="blog", kind="feed")
    add(store, known)
    add(store, post(8, known.key), post(9, known.key, known.key), source="reddit", kind="feed")
    found = links(store)
    assert found[known.key] == ((), [f"https://blog.example.org/{number}" for number in (7, 8, 9)])
    assert found[post(7).key][0] == ("arxiv:2611.99999", "doi:10.1000/x")
    add(store, post(8, "arxiv:2611.99999"), source="reddit", kind="feed")  # what was once linked stays
    assert links(store)[post(8).key][0] == (known.key, "arxiv:2611.99999")


def test_an_entry_does_not_mention_itself(store: Store) -> None:
    add(store, replace(paper(1), mentions=(paper(1).key,)))
    assert links(store)[paper(1).key] == ((), [])
    one, two = post(1, "doi:10.1000/x"), replace(paper(2), key="doi:10.1000/x", aliases=())
    add(store, one, two, source="blog", kind="feed")
    add(store, replace(one, aliases=("doi:10.1000/x",)), source="blog", kind="feed")  # they turn out to be one work
    assert links(store)["doi:10.1000/x"] == ((), [])


def test_what_is_about_a_paper_that_was_shown_is_no_candidate(store: Store) -> None:
    add(store, paper(1), paper(2))
    add(store, post(7, paper(1).key), post(8, paper(1).key, paper(2).key), source="blog", kind="feed")
    add(store, post(9, paper(1).key, kind="release"), source="code", kind="feed")
    assert set(links(store)) == {paper(1).key, paper(2).key, post(7).key, post(8).key, post(9).key}
    picked = [one for one in candidates(store) if one.entry.key == paper(1).key]
    store.queue("me", "2026-W47", NOW - 7 * DAY, NOW, now=NOW, digest=digest(*picked), messages=())
    assert set(links(store)) == {paper(2).key, post(8).key, post(9).key}


def test_what_an_audit_finds(store: Store) -> None:
    add(store, replace(paper(1), aliases=("doi:10.1000/x",)))
    other_name = replace(paper(5), key="doi:10.1000/x", aliases=())
    assert store.lacking([paper(1), other_name, paper(2)]) == [paper(2)]
    assert store.add_found("arxiv", "arxiv", [paper(2)], now=NOW).new == 1
    assert store.lacking([paper(2)]) == []
