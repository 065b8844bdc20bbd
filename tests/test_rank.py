"""rank: the best interest counts, muted words exclude, and the order is total."""

from datetime import UTC, datetime

import numpy as np
import pytest

from aggregator.model import Candidate, Entry, Profile, Vectors
from aggregator.rank import WEIGHTS, muted, rank

PROFILE = Profile(
    name="me", email=("me@example.org",), schedule="daily 07:00", timezone="UTC", interests=("codecs", "diarization")
)
INTERESTS: Vectors = np.eye(2, 3, dtype=np.float32)


def candidate(key: str, title: str = "A title", summary: str = "", day: int = 1) -> Candidate:
    published = datetime(2026, 11, day, tzinfo=UTC)
    entry = Entry(key=key, kind="paper", title=title, summary=summary, url="https://example.org/", published=published)
    return Candidate(entry=entry, sightings=())


def unit(*numbers: float) -> list[float]:
    vector = np.array(numbers) / np.linalg.norm(numbers)
    return [float(x) for x in vector]


def vectors(*rows: list[float]) -> Vectors:
    return np.array(rows, dtype=np.float32)


def test_score_is_the_best_interest_not_the_mean() -> None:
    middling, pure = candidate("a"), candidate("b")
    ranked = rank([middling, pure], vectors(unit(1, 1, 1), unit(0, 1, 0)), PROFILE, INTERESTS)
    assert [r.entry.key for r in ranked] == ["b", "a"]
    assert ranked[0].score == 1.0
    assert ranked[0].reasons[0].text == "diarization"
    assert ranked[1].score == pytest.approx(WEIGHTS.stretch * (3**-0.5 - WEIGHTS.zero), abs=1e-4)


def test_further_reasons_are_those_that_reach_the_threshold() -> None:
    (both,) = rank([candidate("a")], vectors(unit(2, 1, 0)), PROFILE, INTERESTS)
    assert [r.text for r in both.reasons] == ["codecs", "diarization"]
    (one,) = rank([candidate("a")], vectors(unit(5, 1, 0)), PROFILE, INTERESTS)
    assert [r.text for r in one.reasons] == ["codecs"]


def test_opposite_meaning_is_zero() -> None:
    (ranked,) = rank([candidate("a")], vectors(unit(-1, -1, 0)), PROFILE, INTERESTS)
    assert ranked.score == 0.0


def test_equal_scores_come_newest_first_then_by_key() -> None:
    found = [candidate("b", day=2), candidate("a", day=2), candidate("c", day=3)]
    ranked = rank(found, vectors(*[unit(1, 0, 0)] * 3), PROFILE, INTERESTS)
    assert [r.entry.key for r in ranked] == ["c", "a", "b"]


def test_noise_in_the_last_bits_does_not_change_the_order() -> None:
    found = [candidate("a"), candidate("b")]
    noisy = vectors(unit(1, 0.5, 0), unit(1, 0.5000001, 0))
    assert [r.entry.key for r in rank(found, noisy, PROFILE, INTERESTS)] == ["a", "b"]


def test_nothing_to_rank() -> None:
    assert rank([], np.zeros((0, 3), dtype=np.float32), PROFILE, INTERESTS) == []


@pytest.mark.parametrize(
    ("word", "title", "hit"),
    [
        ("music", "Music generation", True),
        ("music", "Musicology of birds", False),
        ("voice  cloning", "Zero-shot voice\ncloning", True),
        ("C++", "Faster C++ decoders", True),
        ("cs.CL", "About something else", True),
        ("", "Anything", False),
    ],
)
def test_muted_words_are_whole_words_in_any_case(word: str, title: str, hit: bool) -> None:
    entry = Entry(
        key="a", kind="paper", title=title, url="", published=datetime(2026, 1, 1, tzinfo=UTC), categories=("cs.CL",)
    )
    assert muted((word,))(Candidate(entry=entry, sightings=())) is hit


def test_muted_entries_are_left_out() -> None:
    found = [candidate("a", summary="on singing voices"), candidate("b", summary="on speech")]
    profile = Profile(
        name="me", email=(), schedule="daily 07:00", timezone="UTC", interests=("x", "y"), muted=("singing",)
    )
    ranked = rank(found, vectors(unit(1, 0, 0), unit(1, 0, 0)), profile, INTERESTS)
    assert [r.entry.key for r in ranked] == ["b"]
