"""rank.variety: no interest, series or fashion takes all the places, and nothing is lost."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from aggregator.model import Candidate, Entry, Kind, Profile, Ranked, Reason, Share, Sighting, Vectors
from aggregator.rank import varied

PROFILE = Profile(
    name="me", email=(), schedule="daily 07:00", timezone="UTC", interests=("codecs", "birds"), max_entries=4
)


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
    found = [*(item(f"c{n}", 0.9 - n / 100) for n in range(8)), item("b0", 0.4, "birds"), item("b1", 0.35, "birds")]
    chosen = keys(varied(found, apart(10), PROFILE))
    assert chosen[:2] == ["c0", "c1"]
    assert "b0" in chosen[:4]
    assert sorted(chosen) == sorted(keys(found))


def test_a_share_is_not_given_to_what_is_below_the_threshold() -> None:
    found = [*(item(f"c{n}", 0.9 - n / 100) for n in range(8)), item("b0", 0.2, "birds")]
    assert keys(varied(found, apart(9), PROFILE))[:4] == ["c0", "c1", "c2", "c3"]


def test_what_says_the_same_comes_last() -> None:
    found = [item("a", 0.9), item("again", 0.89), item("b", 0.5), item("c", 0.4)]
    vectors = apart(4)
    vectors[1] = vectors[0]
    assert keys(varied(found, vectors, PROFILE)) == ["a", "b", "c", "again"]


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


def test_a_quarter_is_of_the_written_profile() -> None:
    learnt = (Share("meaning", 0.2), Share("answers", 0.5))
    found = [*(item(f"l{n}", 0.7, shares=learnt) for n in range(8)), item("w", 0.31, shares=(Share("meaning", 0.31),))]
    assert "w" in keys(varied(found, apart(9), PROFILE))[:4]


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
