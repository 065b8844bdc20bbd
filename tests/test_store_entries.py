"""What sources bring is stored whole, once for each work, and told by who knows it best."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.model import Added, Batch, Entry, Window
from aggregator.store import Store
from aggregator.store.wording import LOOKBACK, join_signals, strongest, sum_signals, text_hash
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, paper, rows


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def test_an_entry_comes_back_as_it_was_told(store: Store) -> None:
    told = paper(
        authors=("Jürgen Müller", "山田 太郎"),
        categories=("cs.SD", "eess.AS"),
        signals={"pdf": "https://arxiv.org/pdf/2611.00001", "upvotes": 4},
        announced=NOW - timedelta(hours=3),
    )
    assert add(store, told) == Added(1, 1)
    embed(store)
    (candidate,) = candidates(store)
    assert candidate.entry == told
    assert [(s.source, s.kind, s.url) for s in candidate.sightings] == [("arxiv", "arxiv", told.url)]
    assert dict(candidate.sightings[0].signals) == told.signals


def test_a_second_visit_with_the_same_answer_changes_nothing(store: Store) -> None:
    add(store, *(paper(n) for n in range(3)))
    before = rows(store, "SELECT key, text_hash, news_at, added FROM entry ORDER BY id")
    assert add(store, *(paper(n) for n in range(3)), now=NOW + DAY) == Added(3, 0)
    assert rows(store, "SELECT key, text_hash, news_at, added FROM entry ORDER BY id") == before
    assert rows(store, "SELECT count(*), count(DISTINCT last_seen) FROM sighting") == [(3, 1)]


def test_a_day_that_moves_on_with_every_visit_is_the_first(store: Store) -> None:
    for day in range(3):
        add(store, paper(published=NOW + day * DAY, announced=None), now=NOW + day * DAY)
    embed(store)
    (candidate,) = candidates(store)
    assert candidate.entry.published == NOW


def test_two_sources_one_work(store: Store) -> None:
    add(store, paper(signals={"pdf": "a", "comments": 1}))
    add(store, paper(signals={"page": "b", "upvotes": 41, "comments": 2}), source="hf", kind="huggingface")
    embed(store)
    (candidate,) = candidates(store)
    assert [s.source for s in candidate.sightings] == ["arxiv", "hf"]
    assert candidate.entry.signals == {"pdf": "a", "page": "b", "upvotes": 41, "comments": 3}


def test_signals_are_the_latest_of_each_source(store: Store) -> None:
    add(store, paper(signals={"upvotes": 41, "code": "a"}))
    add(store, paper(signals={"upvotes": 40}), now=NOW + DAY)
    embed(store)
    assert candidates(store)[0].entry.signals == {"upvotes": 40}


def test_the_same_number_from_two_sources_of_a_kind_counts_once() -> None:
    told: list[tuple[str, dict[str, int | str]]] = [
        ("feed", {"upvotes": 5, "page": "a"}),
        ("feed", {"upvotes": 7, "page": "b"}),
        ("huggingface", {"upvotes": 2, "page": "c"}),
    ]
    assert sum_signals(told) == {"upvotes": 9, "page": "a"}
    assert all(sum_signals(order)["upvotes"] == 9 for order in permutations(told))
    assert join_signals({"a": 1, "b": "x"}, {"a": 0, "b": "y", "c": 2}) == {"a": 1, "b": "x", "c": 2}


def test_within_one_batch_a_work_is_one_entry(store: Store) -> None:
    batch = (
        paper(1, signals={"upvotes": 1}),
        paper(2),
        paper(1, signals={"upvotes": 3, "code": "c"}),
        paper("9", key="doi:10.1/x", aliases=("arxiv:2611.00002",)),
    )
    assert add(store, *batch) == Added(4, 2)
    assert rows(store, "SELECT key FROM entry ORDER BY key") == [("arxiv:2611.00001",), ("arxiv:2611.00002",)]
    embed(store)
    assert candidates(store)[0].entry.signals == {"upvotes": 3, "code": "c"}


def test_a_work_known_by_an_alias_takes_its_strongest_name(store: Store) -> None:
    add(store, paper(key="url:https://a.org/p"), source="blog", kind="feed")
    add(store, paper(7, aliases=("url:https://a.org/p",)))
    assert rows(store, "SELECT key FROM entry") == [("arxiv:2611.00007",)]
    assert rows(store, "SELECT name FROM alias ORDER BY name") == [("arxiv:2611.00007",), ("url:https://a.org/p",)]
    add(store, paper(key="url:https://a.org/p"), source="blog", kind="feed", now=NOW + DAY)
    assert rows(store, "SELECT key FROM entry") == [("arxiv:2611.00007",)]
    names = ["id:s:1", "url:https://a", "doi:10.1/x", "arxiv:1"]
    assert all(strongest(order) == "arxiv:1" for order in permutations(names))


def test_two_entries_that_turn_out_to_be_one_are_merged(store: Store) -> None:
    add(store, paper(1, signals={"upvotes": 1}), source="hf", kind="huggingface")
    add(store, paper(2, key="doi:10.1/x", signals={"comments": 2}), paper(3), source="blog", kind="feed")
    embed(store)
    one, three, two = candidates(store)
    assert two.entry.key == "doi:10.1/x"
    store.queue("me", "p1", NOW, NOW, now=NOW, digest=digest(one, three), messages=[])
    store.queue("me", "p2", NOW, NOW, now=NOW, digest=digest(two), messages=[])
    store.queue("you", "p2", NOW, NOW, now=NOW, digest=digest(two), messages=[])
    assert add(store, paper(1, aliases=("doi:10.1/x",)), now=NOW + DAY) == Added(1, 0)
    assert rows(store, "SELECT id, key, origin FROM entry ORDER BY id")[0] == (1, "arxiv:2611.00001", "arxiv")
    assert rows(store, "SELECT count(*) FROM entry") == [(2,)]
    assert rows(store, "SELECT source FROM sighting WHERE entry_id = 1 ORDER BY id") == [("hf",), ("blog",), ("arxiv",)]
    shown = rows(store, "SELECT profile, entry_id FROM pick ORDER BY profile, entry_id")
    assert [(profile, entry) for profile, entry in shown if entry == 1] == [("me", 1), ("you", 1)]
    assert rows(store, "SELECT name FROM alias WHERE entry_id = 1 ORDER BY name") == [
        ("arxiv:2611.00001",),
        ("doi:10.1/x",),
    ]
    assert rows(store, "SELECT count(*) FROM vector WHERE entry_id = 1") == [(1,)]
    assert store.integrity() == []


def test_a_merge_joins_what_one_source_saw_under_two_names(store: Store) -> None:
    add(store, paper(key="url:https://a", signals={"upvotes": 5, "code": "c"}), source="blog", kind="feed")
    later = paper(key="url:https://b", signals={"upvotes": 3})
    add(store, later, source="blog", kind="feed", now=NOW + DAY)
    embed(store)
    add(store, paper(9, aliases=("url:https://a", "url:https://b")), now=NOW + 2 * DAY)
    first, last = rows(store, "SELECT first_seen, last_seen FROM sighting WHERE source = 'blog'")[0]
    assert str(first)[:10] == "2026-11-21"
    assert str(last)[:10] == "2026-11-22"
    embed(store)
    (candidate,) = candidates(store, until=NOW + 2 * DAY)
    assert candidate.entry.signals == {"upvotes": 5, "code": "c"}


SAID = {"blog": "feed", "hf": "huggingface", "arxiv": "arxiv"}


@pytest.mark.parametrize("order", list(permutations(SAID)))
def test_of_an_arxiv_paper_arxiv_tells_best(order: tuple[str, ...], tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        for place, source in enumerate(order):
            told = paper(title=f"by {source}", summary=f"{source} says", authors=(source,))
            add(store, told, source=source, kind=SAID[source], now=NOW + place * DAY)
        said = ("by arxiv", "arxiv says", "arxiv", "arxiv", text_hash("by arxiv", "arxiv says"))
        columns = "title, summary, origin, origin_source, text_hash"
        assert rows(store, f"SELECT {columns} FROM entry") == [said]


def test_who_knows_equally_well_only_fills_gaps(store: Store) -> None:
    post = paper(key="url:https://a.org/p", kind="post", title="First", summary="")
    columns = "SELECT title, summary, authors, origin_source FROM entry"
    add(store, post, source="blog", kind="feed")
    add(store, paper(key=post.key, title="Second", summary="Filled.", authors=("A",)), source="planet", kind="feed")
    assert [row[:2] + row[3:] for row in rows(store, columns)] == [("First", "Filled.", "blog")]
    add(store, paper(key=post.key, title="Edited", summary=""), source="blog", kind="feed", now=NOW + DAY)
    assert [row[:2] + row[3:] for row in rows(store, columns)] == [("Edited", "Filled.", "blog")]


def test_a_new_text_needs_a_new_vector(store: Store) -> None:
    add(store, paper())
    embed(store)
    assert store.without_vector("m", "1") == []
    add(store, paper(title="Version 2"), now=NOW + DAY)
    assert [entry.text for entry in store.without_vector("m", "1")] == ["Version 2\nWhat it says."]
    assert candidates(store) == []


def _news_at(store: Store, number: int) -> datetime | None:
    (value,) = rows(store, "SELECT news_at FROM entry WHERE key = :key", key=f"arxiv:2611.{number:05}")[0]
    return datetime.fromisoformat(value + "+00:00") if isinstance(value, str) else value


def test_at_a_first_visit_a_work_was_news_on_its_own_day(store: Store) -> None:
    add(
        store,
        paper(1, published=NOW - 200 * DAY),
        paper(2, published=NOW - 200 * DAY, announced=NOW - DAY),
        paper(3, published=NOW + DAY),
        paper(4, news=False),
    )
    expected = [NOW - 200 * DAY, NOW - DAY, NOW, None]
    assert [_news_at(store, number) for number in (1, 2, 3, 4)] == expected


def test_at_a_later_visit_a_work_is_news_when_it_turns_up_unless_it_is_old(store: Store) -> None:
    add(store)
    late, old = NOW - LOOKBACK, NOW - LOOKBACK - timedelta(seconds=1)
    now = NOW + DAY
    add(store, paper(1), paper(2, published=late), paper(3, published=old), paper(4, news=False), now=now)
    assert [_news_at(store, number) for number in (1, 2, 3, 4)] == [now, now, old, None]
    add(store, paper(9), source="hf", kind="huggingface", now=now)
    assert _news_at(store, 9) == NOW - DAY, "the first visit of that source"


def test_a_known_work_is_never_news_again(store: Store) -> None:
    add(store, paper(1, published=NOW - 90 * DAY), paper(2, news=False))
    before = [_news_at(store, 1), _news_at(store, 2)]
    add(store, paper(1, announced=NOW + DAY), paper(2), now=NOW + DAY)
    add(store, source="hf", kind="huggingface")
    add(store, paper(1), paper(2), source="hf", kind="huggingface", now=NOW + 2 * DAY)
    assert [_news_at(store, 1), _news_at(store, 2)] == before


def test_in_one_batch_a_cross_listing_is_news_whatever_stands_beside_it(store: Store) -> None:
    cross = paper(1, announced=NOW - DAY, published=NOW - 300 * DAY)
    for number, batch in enumerate(permutations([cross, paper(1, news=False)]), 1):
        named = [paper(number, news=e.news, announced=e.announced, published=e.published) for e in batch]
        add(store, *named, source=f"s{number}")
    assert _news_at(store, 1) == _news_at(store, 2) == NOW - DAY


def test_a_slice_of_history_is_stored_with_its_mark_and_nothing_else(store: Store) -> None:
    year = Window(date(2026, 1, 1), date(2026, 12, 31))
    june = Window(date(2026, 6, 1), date(2026, 6, 30))
    add(store, cursor={"since": 1})
    before = store.sources()
    batch = Batch(entries=(paper(1, published=NOW - 150 * DAY), paper(2)), cursor={"never": "kept"}, missing="day 3")
    assert store.add_slice("arxiv", "arxiv", june, year, batch, now=NOW) == Added(2, 2)
    assert [(s.visited, s.next_visit, s.partial) for s in store.sources()] == [
        (s.visited, s.next_visit, s.partial) for s in before
    ]
    assert store.cursor("arxiv") == {"since": 1}
    assert store.slices_done("arxiv", year) == {june: (NOW, 2, 2, "day 3")}
    assert store.slices_done("arxiv", june) == store.slices_done("hf", year) == {}
    assert [_news_at(store, 1), _news_at(store, 2)] == [NOW - 150 * DAY, NOW]
    again = Batch(entries=(paper(1), paper(2)), cursor={})
    assert store.add_slice("arxiv", "arxiv", june, year, again, now=NOW + DAY) == Added(2, 0)
    assert store.slices_done("arxiv", year)[june].missing == ""


def test_history_before_a_first_visit_is_no_news_of_today(store: Store) -> None:
    window = Window(date(2026, 11, 1), date(2026, 11, 30))
    batch = Batch(entries=(paper(1),), cursor={})
    assert store.add_slice("arxiv", "arxiv", window, window, batch, now=NOW) == Added(1, 1)
    assert _news_at(store, 1) == NOW - DAY
    assert store.visited("arxiv") is None


def test_what_no_database_can_hold_is_replaced(store: Store) -> None:
    odd = paper(title="a\0b \ud83d", authors=("\udc00 A",), summary="fine 🎧", aliases=("url:\0x",))
    assert add(store, odd, missing="\0 day \ud83d") == Added(1, 1)
    add(store, odd)
    embed(store)
    (candidate,) = candidates(store)
    assert (candidate.entry.title, candidate.entry.authors) == ("ab ?", ("? A",))
    assert candidate.entry.summary == "fine 🎧"
    store.record_failure("arxiv", "arxiv", "\0\ud83d", now=NOW, next_visit=NOW)
    assert store.sources()[0].failure == "?"


def test_two_thousand_entries_take_less_than_two_seconds(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        batch = [paper(number, summary="word " * 250, aliases=(f"doi:10.1/{number}",)) for number in range(2000)]
        started = time.process_time()
        assert add(store, *batch) == Added(2000, 2000)
        assert time.process_time() - started < 2
        started = time.process_time()
        assert add(store, *batch, now=NOW + DAY) == Added(2000, 0)
        assert time.process_time() - started < 2


def test_a_killed_add_leaves_all_or_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    code = f"""
from tests.stores import *
with Store({url!r}) as store:
    print("ready", flush=True)
    for turn in range(1000):
        add(store, *(paper(1000 * turn + n) for n in range(500)), cursor={{"turn": turn}})
"""
    with Store(url) as store:
        store.migrate()
        for wait in (0.05, 0.15, 0.3):
            process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            cursor = store.cursor("arxiv")
            (entries,), (sightings,), (names,) = (
                rows(store, f"SELECT count(*) FROM {table}")[0] for table in ("entry", "sighting", "alias")
            )
            assert entries == sightings == names
            assert entries % 500 == 0
            assert entries >= 500 * (cursor["turn"] + 1 if cursor else 0)
            assert store.integrity() == []


KINDS = {"arxiv": "arxiv", "hf": "huggingface", "blog": "feed", "forum": "feed"}
NAMES = [[f"arxiv:{n}", f"doi:10.1/{n}", f"url:https://a.org/{n}"] for n in range(4)]


def sightings() -> st.SearchStrategy[list[tuple[str, Entry]]]:
    """At most one sighting of each of four works by each of four sources, under some of the work's names."""

    def entry(work: int, names: list[str], upvotes: int) -> Entry:
        return paper(key=names[0], aliases=tuple(names[1:]), title=f"Work {work}", signals={"upvotes": upvotes})

    def named(work: int) -> st.SearchStrategy[list[str]]:
        # arXiv's own name is always among them, so that all sightings of a work are known to be of one
        others = st.lists(st.sampled_from(NAMES[work][1:]), unique=True)
        return others.flatmap(lambda names: st.permutations([NAMES[work][0], *names]))

    def told(work: int) -> st.SearchStrategy[Entry]:
        return st.builds(entry, st.just(work), named(work), st.integers(0, 50))

    pairs = st.sampled_from([(source, work) for source in KINDS for work in range(4)])
    return st.lists(pairs, unique=True, min_size=1).flatmap(
        lambda chosen: st.tuples(*(st.tuples(st.just(source), told(work)) for source, work in chosen)).map(list)
    )


def _outcome(seen: list[tuple[str, Entry]], together: bool, folder: Path) -> dict[str, Any]:
    for file in folder.glob("a.db*"):
        file.unlink()
    with fresh_store("sqlite", folder) as store:
        if together:
            for source in dict.fromkeys(source for source, _ in seen):
                add(store, *(entry for name, entry in seen if name == source), source=source, kind=KINDS[source])
        else:
            for source, entry in seen:
                add(store, entry, source=source, kind=KINDS[source])
        embed(store)
        assert rows(store, "SELECT count(*) FROM entry") == [(len({entry.title for _, entry in seen}),)]
        found = candidates(store)
    return {c.entry.key: (c.entry.title, c.entry.signals, {s.source for s in c.sightings}) for c in found}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_identity_does_not_depend_on_the_order_of_sightings(data: st.DataObject, tmp_path: Path) -> None:
    seen = data.draw(sightings())
    shuffled = data.draw(st.permutations(seen))
    first = _outcome(seen, together=True, folder=tmp_path)
    assert _outcome(shuffled, together=False, folder=tmp_path) == first
    assert set(first) == {f"arxiv:{entry.title.removeprefix('Work ')}" for _, entry in seen}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_names_that_are_joined_late_still_make_one_entry(data: st.DataObject, tmp_path: Path) -> None:
    names = ["arxiv:1", "doi:10.1/1", "url:https://a.org/1", "id:blog:1"]
    links = data.draw(st.permutations([(names[0], names[1]), (names[1], names[2]), (names[2], names[3])]))
    for file in tmp_path.glob("a.db*"):
        file.unlink()
    with fresh_store("sqlite", tmp_path) as store:
        for name in data.draw(st.permutations(names)):
            add(store, paper(key=name), source=name, kind="feed")
        assert rows(store, "SELECT count(*) FROM entry") == [(4,)]
        for key, alias in links:
            add(store, paper(key=key, aliases=(alias,)), source="joins", kind="feed")
        assert rows(store, "SELECT id, key FROM entry") == [(1, "arxiv:1")]
        assert rows(store, "SELECT count(*) FROM alias") == [(4,)]
        assert rows(store, "SELECT count(*) FROM sighting") == [(5,)]
        assert store.integrity() == []


def test_a_name_without_end_is_stored_by_its_hash(store: Store) -> None:
    link = "https://a.example/" + "".join(f"{n * n % 7919:x}" for n in range(1300))
    for day in range(2):
        brought = add(store, paper(key=f"url:{link}", url=link, mentions=(f"url:{link}x",)), now=NOW + day * DAY)
        assert brought == Added(1, 1 - day)
    ((key, url),) = rows(store, "SELECT key, url FROM entry")
    assert (len(key) < 200, url) == (True, link)
