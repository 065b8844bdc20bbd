"""rank.variety: no interest, series or fashion takes all the places, and nothing is lost."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.compose import compose
from aggregator.model import Candidate, Entry, Kind, Profile, Ranked, Reason, Share, Sighting, Vectors
from aggregator.rank import repetitions, varied
from aggregator.store import Store
from aggregator.tasting import gathered
from tests.fakes import WordEmbedder
from tests.stores import DAY, NOW, add, paper

PROFILE = Profile(
    name="me", email=(), schedule="daily 07:00", timezone="UTC", interests=("codecs", "birds"), max_entries=4
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        yield opened


def item(
    key: str,
    score: float,
    interest: str = "codecs",
    *,
    title: str = "",
    kind: Kind = "paper",
    shares: tuple[Share, ...] = (),
) -> Ranked:
    entry = Entry(key=key, kind=kind, title=title or key, url="", published=datetime(2026, 11, 1, tzinfo=UTC))
    found = Candidate(entry=entry, sightings=(Sighting("github", "feed", ""),))
    return Ranked(found, score, (Reason("interest", interest, score),), shares)


def apart(count: int) -> Vectors:
    return np.eye(count, count + 1, dtype=np.float32)


def keys(found: list[Ranked]) -> list[str]:
    return [one.entry.key for one in found]


def test_every_interest_gets_its_share() -> None:
    found = [*(item(f"c{n}", 0.9 - n / 100) for n in range(8)), item("b0", 0.55, "birds"), item("b1", 0.35, "birds")]
    chosen = keys(varied(found, apart(10), PROFILE))
    assert chosen[:2] == ["c0", "c1"]
    assert "b0" in chosen[:4]
    assert sorted(chosen) == sorted(keys(found))


def test_a_share_is_not_given_to_what_is_below_the_threshold() -> None:
    found = [*(item(f"c{n}", 0.9 - n / 100) for n in range(8)), item("b0", 0.2, "birds")]
    assert keys(varied(found, apart(9), PROFILE))[:4] == ["c0", "c1", "c2", "c3"]


def test_a_share_is_no_reason_for_a_pick_that_is_far_below_what_waits() -> None:
    codecs = [item(f"c{n}", 0.9 - n / 100) for n in range(8)]
    assert keys(varied([*codecs, item("b0", 0.45, "birds")], apart(9), PROFILE))[:4] == ["c0", "c1", "c2", "c3"]
    near = [item("b0", 0.82, "birds"), item("b1", 0.81, "birds"), item("b2", 0.3, "birds")]
    assert {"b0", "b1"} <= set(keys(varied([*codecs, *near], apart(11), PROFILE))[:4])


def test_what_says_the_same_comes_last() -> None:
    found = [item("a", 0.9), item("again", 0.89), item("b", 0.5), item("c", 0.4)]
    vectors = apart(4)
    vectors[1] = vectors[0]
    assert keys(varied(found, vectors, PROFILE)) == ["a", "b", "c", "again"]
    assert repetitions(found, vectors, PROFILE) == {"again": "a"}


def test_a_series_has_one_place() -> None:
    titles = [
        "faster-whisper 1.2.0",
        "faster-whisper 1.1.1rc2",
        "Another release",
        "Lectures, part II",
        "Lectures, part III",
    ]
    found = [item(title, 0.9 - n / 10, title=title, kind="release") for n, title in enumerate(titles)]
    assert keys(varied(found, apart(5), PROFILE)) == [titles[0], titles[2], titles[3], titles[1], titles[4]]


def test_names_that_read_like_numbers_are_no_series() -> None:
    titles = ["Speech for Vi", "Speech for Xi", "Part iii of Speech", "Part IV of Speech", "Speech 2", "Speech 3"]
    found = [item(title, 0.9 - n / 10, title=title, kind="release") for n, title in enumerate(titles)]
    assert keys(varied(found, apart(6), PROFILE)) == [*titles[:3], titles[4], titles[3], titles[5]]


def test_a_quarter_is_of_the_written_profile() -> None:
    learnt = (Share("meaning", 0.2), Share("answers", 0.5))
    found = [*(item(f"l{n}", 0.7, shares=learnt) for n in range(8)), item("w", 0.31, shares=(Share("meaning", 0.31),))]
    assert "w" in keys(varied(found, apart(9), PROFILE))[:4]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(-75, 75)), max_size=40), st.integers(1, 12), st.floats(0.1, 0.5)
)
def test_never_fewer_than_a_quarter_of_the_picks_are_of_the_written_profile(
    parts: list[tuple[int, int]], most: int, least: float
) -> None:
    """Of what reaches the threshold now, a quarter would also have without any answer, as far as there is so much."""
    profile = replace(PROFILE, max_entries=most, min_score=least)
    found = []
    for number, (written, answers) in enumerate(parts):
        score = min(max(written + answers, 0), 100) / 100
        shares = (Share("meaning", written / 100), Share("answers", answers / 100), *_bound(written, answers))
        found.append(item(str(number), score, ("codecs", "birds")[number % 2], shares=shares))
    found.sort(key=lambda one: -one.score)
    by_written = {keys([one])[0] for one in found if one.score >= least and one.shares[0].value >= least}
    picks = keys(varied(found, apart(len(found)), profile))[: min(most, sum(one.score >= least for one in found))]
    assert len(by_written & set(picks)) >= min(math.ceil(len(picks) / 4), len(by_written))


def _bound(written: int, answers: int) -> tuple[Share, ...]:
    beyond = min(max(written + answers, 0), 100) - written - answers
    return (Share("bound", beyond / 100),) if beyond else ()


def test_a_quarter_of_a_digest_is_of_the_written_profile_whatever_was_liked(store: Store) -> None:
    wanted, liked = "speaker diarization of meetings", "melody and harmony of piano music"
    texts = [*[f"{wanted} with method{n} and data{n}" for n in range(6)], *[f"{liked} number{n}" for n in range(40)]]
    papers = [paper(n, title=text, summary="") for n, text in enumerate([*texts, *[f"word{n}" for n in range(60)]], 1)]
    add(store, *papers)
    embedder = WordEmbedder()
    waiting = store.without_vector("words", "1")
    store.add_vectors(
        "words", "1", [(one.entry_id, one.text_hash) for one in waiting], embedder.embed([one.text for one in waiting])
    )
    for one in papers[20:46]:
        store.answer("me", one.key, "save", now=NOW)
    profile = replace(PROFILE, interests=(wanted, "music"), max_entries=8)
    seen, vectors = store.candidates("me", "words", "1", NOW - 7 * DAY, NOW)
    found = gathered(store, embedder, profile, seen, vectors, now=NOW)
    assert all("melody" in one.entry.title for one in found.best[:8]), "what was learnt would take all places"
    letter = compose(profile, found.order, period="2026-W47", since=NOW - 7 * DAY, until=NOW, sources=())
    assert letter
    picks = [pick.entry.title for section in letter.sections if section.part != "also" for pick in section.picks]
    assert len(picks) == 8
    assert sum("diarization" in title for title in picks) >= 2

    store.unanswer("me")
    again = gathered(store, embedder, profile, seen, vectors, now=NOW)
    assert again.taste.answers is None, "taken back, the answers are as if they had never been given"
    assert not any(share.name == "answers" for item in again.best for share in item.shares)


def test_surprises_are_labelled_and_from_beyond() -> None:
    popular = (Share("popular", 0.09, "41 upvotes"),)
    found = [
        item("a", 0.9),
        item("b", 0.8),
        item("near", 0.2, shares=popular),
        item("far", 0.1, shares=popular),
        item("x", 0.1),
    ]
    vectors = apart(5)
    vectors[2] = vectors[0]
    chosen = varied(found, vectors, replace(PROFILE, surprises=2))
    assert keys(chosen) == ["a", "b", "far", "near", "x"]
    assert (chosen[2].reasons[0].kind, chosen[2].reasons[0].text) == ("surprise", "41 upvotes")
    assert keys(varied(found, vectors, PROFILE)) == keys(found)


def test_other_kinds_than_papers_have_places_of_their_own() -> None:
    papers = [item(f"p{n}", 0.9 - n / 100) for n in range(9)]
    posts = [item(f"o{n}", 0.5 - n / 100, kind="post") for n in range(3)]
    chosen = keys(varied([*papers, *posts], apart(12), PROFILE))
    assert chosen[:4] == ["p0", "p1", "p2", "o0"]


def test_nothing_to_choose_from() -> None:
    assert varied([], np.zeros((0, 3), dtype=np.float32), PROFILE) == []
