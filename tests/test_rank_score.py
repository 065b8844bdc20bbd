"""rank: the parts of a score add up to it, each kind of evidence does what it says, and nothing is beyond 0 and 1."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model import Candidate, Entry, Follow, Profile, Ranked, Seed, Sighting, Vectors
from aggregator.rank import WEIGHTS, Learnt, Pool, Taste, best, explained, nearest, ranked, scores, total
from aggregator.rank.acronyms import introduced
from aggregator.rank.popular import popularity, told
from aggregator.rank.widen import widened
from aggregator.rank.words import Words

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DIM = 6


def candidate(
    key: str,
    title: str = "A title",
    summary: str = "",
    *,
    authors: tuple[str, ...] = (),
    days: float = 1,
    **signals: int | str,
) -> Candidate:
    entry = Entry(
        key=key, kind="paper", title=title, summary=summary, url="https://example.org/", authors=authors,
        published=NOW - timedelta(days=days), signals=signals,
    )  # fmt: skip
    return Candidate(entry=entry, sightings=(Sighting("somewhere", "feed", "https://example.org/", signals),))


def profile(interests: tuple[str, ...] = ("codecs", "diarization"), **values: object) -> Profile:
    return Profile(name="me", email=(), schedule="daily 07:00", timezone="UTC", interests=interests, **values)  # type: ignore[arg-type]


def rows(*vectors: list[float]) -> Vectors:
    found = np.array(vectors, dtype=np.float32)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    return found


AXES = np.eye(2, DIM, dtype=np.float32)


def one(found: Candidate, taste: Taste, vector: list[float] | None = None) -> Ranked:
    pool = Pool([found], rows(vector or [0.3, 0.1, 0.5, 0.6, 0.3, 0.2]))
    return explained(pool, taste, [0])[0]


def share(item: Ranked, name: str) -> float:
    return sum(part.value for part in item.shares if part.name == name)


numbers = st.lists(st.floats(-1, 1, width=32), min_size=DIM, max_size=DIM).filter(
    lambda v: sum(x * x for x in v) > 0.01
)
titles = st.lists(st.sampled_from(["codecs", "speech", "of", "music", "VAD", "detection", "(VAD)"]), min_size=1).map(
    " ".join
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_shares_add_up_to_the_score_and_the_score_is_between_0_and_1(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    found = [
        candidate(
            f"k{n}", data.draw(titles), data.draw(titles), days=data.draw(st.floats(0, 400)),
            authors=("Yuanbo Fang",) if data.draw(st.booleans()) else (), upvotes=data.draw(st.integers(0, 99)),
        )
        for n in range(count)
    ]  # fmt: skip
    texts = ("codecs", "speech detection")
    wanted = profile(
        texts,
        weights={"codecs": data.draw(st.floats(0.1, 5))}, keywords=("title:music", "detect*"), muted=("of music",),
        follows=(Follow(name="Yuanbo Fang"),), muted_topics=("a topic",),
    )  # fmt: skip
    answers = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=count, max_size=count)), dtype=np.float32)
    taste = Taste(
        profile=wanted, interests=rows(data.draw(numbers), data.draw(numbers)),
        seeds=[Seed(key="s", title="speech codecs")], seed_vectors=rows(data.draw(numbers)),
        muted_topics=rows(data.draw(numbers)), answers=Learnt(answers),
    )  # fmt: skip
    pool = Pool(found, rows(*(data.draw(numbers) for _ in found)), now=NOW)
    items = explained(pool, taste, range(count))
    assert len(items) == count
    for item in items:
        assert total(item.shares) == item.score
        assert 0 <= item.score <= 1
        assert round(item.score, 4) == item.score
        assert len({part.name for part in item.shares}) == len(item.shares)
    assert [item.score for item in items] == sorted((item.score for item in items), reverse=True)
    heard = [item for item in items if "muted" not in {part.name for part in item.shares}]
    assert {item.entry.key for item in ranked(pool, taste)} == {item.entry.key for item in heard}
    matrix = scores(pool, [taste])[0]
    unbounded = [sum(part.value for part in item.shares if part.name != "bound") for item in heard]
    assert unbounded == pytest.approx([float(matrix[pool.row(item.entry.key)]) for item in heard], abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_many_profiles_at_once_score_as_each_alone(data: st.DataObject) -> None:
    pool = Pool(
        [candidate(f"k{n}", data.draw(titles), upvotes=n) for n in range(9)],
        rows(*(data.draw(numbers) for _ in range(9))),
    )
    tastes = [
        Taste(profile=profile(("codecs", "music")[:m]), interests=rows(*(data.draw(numbers) for _ in range(m))))
        for m in (1, 2, 2)
    ]
    found = scores(pool, tastes)
    assert found.shape == (3, 9)
    for row, taste in zip(found, tastes, strict=True):
        alone = {item.entry.key: item.score for item in explained(pool, taste, range(9))}
        assert [alone[f"k{n}"] for n in range(9)] == pytest.approx(np.clip(row, 0, 1).tolist(), abs=5e-4)


def test_the_best_are_found_without_sorting_all() -> None:
    assert sorted(best(np.array([0.1, 0.9, 0.5, 0.7], dtype=np.float32), 2).tolist()) == [1, 3]
    assert best(np.array([0.1, 0.9], dtype=np.float32), 5).tolist() == [0, 1]


def test_an_interest_with_more_weight_counts_more() -> None:
    even = one(candidate("a"), Taste(profile=profile(), interests=AXES), [0.5, 0.6, 1, 0, 0, 0])
    heavy = one(candidate("a"), Taste(profile=profile(weights={"codecs": 2.0}), interests=AXES), [0.5, 0.6, 1, 0, 0, 0])
    assert even.reasons[0].text == "diarization"
    assert heavy.reasons[0].text == "codecs"
    assert heavy.score == pytest.approx(2.0 * WEIGHTS.stretch * (0.5 / 1.2689 - WEIGHTS.zero), abs=1e-3)


def test_seeds_are_centres_of_their_own_and_on_the_scale_of_phrases() -> None:
    seeds = [Seed(key="x", title="Alpha"), Seed(key="y", title="Omega")]
    taste = Taste(profile=profile(()), interests=AXES[:0], seeds=seeds, seed_vectors=AXES)
    item = one(candidate("a"), taste, [0, 1, 1, 0, 0, 0])
    assert item.reasons[0].kind == "seed"
    assert item.reasons[0].text == "Omega"
    assert item.score == pytest.approx(WEIGHTS.stretch * (0.5**0.5 - WEIGHTS.zero - WEIGHTS.seed_level), abs=1e-4)


@pytest.mark.parametrize(
    ("keyword", "title", "summary", "much"),
    [
        ("state-space", "A state-space model", "", WEIGHTS.keyword_in_title),
        ("state-space", "A model", "of state-space kind", WEIGHTS.keyword),
        ("title:mamba", "Model", "of mamba", 0),
        ("title:mamba", "Mamba", "", WEIGHTS.keyword_in_title),
        ("diari*", "Diarisation", "", WEIGHTS.keyword_in_title),
        ("*former", "Conformers", "", 0),
        ("*former", "The Conformer", "", WEIGHTS.keyword_in_title),
        ("C++", "Faster C++ decoders", "", WEIGHTS.keyword_in_title),
        ("*", "Anything", "", 0),
    ],
)  # fmt: skip
def test_keywords(keyword: str, title: str, summary: str, much: float) -> None:
    item = one(candidate("a", title, summary), Taste(profile=profile(keywords=(keyword,)), interests=AXES))
    assert share(item, "keyword") == much
    assert (keyword in {reason.text for reason in item.reasons}) == (much > 0)


@pytest.mark.parametrize(
    ("follow", "author", "summary", "found"),
    [
        (Follow(name="Yuanbo Fang"), "Yuanbo Fang", "", True),
        (Follow(name="Yuanbo Fang"), "Fang, Yuan-Bo", "", True),
        (Follow(name="José Pérez"), "Jose Perez", "", True),
        (Follow(name="Yuanbo Fang"), "Y. Fang", "", False),
        (Follow(name="Yuanbo Fang", variants=("Y. Fang",)), "Y Fang", "", True),
        (Follow(name="Yuanbo Fang", affiliation="Tsinghua"), "Y. Fang", "We at Tsinghua show", True),
        (Follow(name="Yuanbo Fang", affiliation="Tsinghua"), "Y. Fang", "We show", False),
        (Follow(name="Yuanbo Fang", affiliation="Tsinghua"), "Yan Fang", "We at Tsinghua show", False),
        (Follow(name="Yuanbo Fang"), "Yuanbo Fangshi", "", False),
        (Follow(name="John Smith", affiliation="MIT"), "John A. Smith", "At MIT", True),
        (Follow(name="John Smith"), "John A. Smith", "At MIT", False),
        (Follow(name="Plato"), "Plato", "", True),
    ],
)
def test_follows(follow: Follow, author: str, summary: str, found: bool) -> None:
    item = one(
        candidate("a", summary=summary, authors=("Some One", author)),
        Taste(profile=profile(follows=(follow,)), interests=AXES),
    )
    assert (share(item, "author") > 0) is found


def test_venues_and_answers_and_their_reasons() -> None:
    taste = Taste(
        profile=profile(venues=("Interspeech",)), interests=AXES,
        answers=Learnt(np.array([0.5], dtype=np.float32), {0: "That paper"}),
    )  # fmt: skip
    item = one(candidate("a", venue="Interspeech 2026"), taste)
    assert share(item, "venue") == WEIGHTS.venue
    assert share(item, "answers") == pytest.approx(0.5 * WEIGHTS.answers)
    assert ("like", "That paper") in {(reason.kind, reason.text) for reason in item.reasons}


def test_what_is_muted_is_left_out_but_explained() -> None:
    found = [candidate("a", "On singing"), candidate("b"), candidate("c")]
    wanted = profile(muted=("singing",), muted_topics=("birds",))
    taste = Taste(profile=wanted, interests=AXES, muted_topics=rows([0, 0, 1, 0, 0, 0]))
    pool = Pool(found, rows([1, 0, 0, 0, 0, 0], [0.2, 0, 1, 0, 0, 0], [0.9, 0, 0.6, 0, 0, 0]))
    assert [item.entry.key for item in ranked(pool, taste)] == ["c"]
    words = {
        item.entry.key: [part.text for part in item.shares if part.name == "muted"]
        for item in explained(pool, taste, [0, 1, 2])
    }
    assert words == {"a": ["singing"], "b": ["birds"], "c": []}


def test_an_author_is_muted_by_name() -> None:
    found = [candidate("a", authors=("Jane Doe", "Fang, Yuan-Bo")), candidate("b", authors=("Yuanbo Fangshi",))]
    taste = Taste(profile=profile(muted=("Yuanbo Fang",)), interests=AXES)
    pool = Pool(found, rows([1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]))
    assert [item.entry.key for item in ranked(pool, taste)] == ["b"]


def test_a_further_interest_is_told_where_it_stands_out_from_the_field() -> None:
    draw = np.random.default_rng(5)
    field = draw.standard_normal((60, DIM)) * [0.1, 0.1, 1, 1, 1, 1] + [1, 1, 0, 0, 0, 0]
    field[30:, :2] = 0
    store = rows(*field.tolist())
    texts = [candidate("usual"), candidate("near"), candidate("said", "On diarization")]
    vectors = rows([1, 0.8, 1, 1, 0, 0], [1, 0.95, 0, 0, 0.1, 0], [1, 0.6, 1, 1, 0, 0])
    pool = Pool(texts, vectors, store=store)
    taste = Taste(profile=profile(), interests=AXES)
    told = {item.entry.key: [one.text for one in item.reasons] for item in ranked(pool, taste)}
    assert told == {"usual": ["codecs"], "near": ["codecs", "diarization"], "said": ["codecs", "diarization"]}
    assert [one.text for one in nearest(pool, taste, 0)] == ["codecs", "diarization"]


def test_what_is_beyond_one_is_one_and_stays_before_it() -> None:
    wanted = profile(keywords=("title:codec",))
    pool = Pool([candidate("a", days=0), candidate("b", "Codec", days=9)], rows([1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]))
    first, second = ranked(pool, Taste(profile=wanted, interests=AXES))
    assert (first.entry.key, first.score, second.score) == ("b", 1.0, 1.0)
    assert share(first, "bound") < 0


def test_acronyms_are_found_by_their_long_form_and_the_reverse() -> None:
    words = Words(["Better ASR for all", "Automatic speech recognition of birds", "Speech of birds", "No VADs here"])
    near = (words.of(["ASR", "automatic speech recognition"]) @ words.matrix.T).toarray()
    assert near[0, 1] > 0
    assert near[0, 2] == 0
    assert near[1, 0] > 0


def test_acronyms_are_learnt_from_the_texts() -> None:
    texts = ["We use zero crossing rate (ZCR) here", "The Zero crossing rate (ZCR)", "a b (ZZ)", "once told tale (OTT)"]
    assert introduced(texts) == {"zcr": "zero crossing rate"}


@pytest.mark.parametrize("texts", [[""], ["of the and"], []])
def test_texts_without_a_word(texts: list[str]) -> None:
    assert Words(texts).matrix.shape[0] == len(texts)
    assert Words(texts).of(["codecs"]).nnz == 0


def test_widening_brings_what_is_near_and_keeps_the_scale() -> None:
    draw = np.random.default_rng(1)
    store = rows(*(draw.standard_normal((400, DIM)) + 2 * np.eye(1, DIM)).tolist())
    interests = rows([0.2, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0])
    wide = widened(interests, store, np.array([True, False]), 20, 1.0)
    assert np.array_equal(wide.vectors[1], interests[1])
    assert (wide.scale[1], wide.level[1]) == (1, 0)
    plain, again = store @ interests[0], wide.scale[0] * (store @ wide.vectors[0]) + wide.level[0]
    assert again.mean() == pytest.approx(plain.mean(), abs=1e-4)
    assert again.std() == pytest.approx(plain.std(), abs=1e-4)
    assert not np.array_equal(wide.vectors[0], interests[0])
    assert np.array_equal(widened(interests, store[:50], np.array([True, True]), 20, 1.0).vectors, interests)


def test_popular_is_for_its_age_and_source() -> None:
    found = [candidate(f"k{n}", days=10, upvotes=n) for n in range(20)] + [candidate("new", days=0.1, upvotes=12)]
    ages = np.array([10.0] * 20 + [0.1])
    values = popularity(found, ages)
    assert values[0] == 0
    assert values[20] == values.max() > values[12]
    assert told(found[1]) == "1 upvote"
    assert told(candidate("a", stars=1200)) == "1,200 GitHub stars"
    assert told(candidate("a")) == ""


def test_nothing_to_rank_and_nobody_to_rank_for() -> None:
    empty = Pool([], np.zeros((0, DIM), dtype=np.float32))
    taste = Taste(profile=profile(), interests=AXES)
    assert scores(empty, [taste]).shape == (1, 0)
    assert ranked(empty, taste) == []
    with pytest.raises(ValueError, match="neither interests nor seeds"):
        one(candidate("a"), Taste(profile=profile(()), interests=AXES[:0]))
