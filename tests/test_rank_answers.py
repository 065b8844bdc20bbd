"""What is learnt from answers: near works with few, words with many; nothing from noise, little from what is old."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pytest

from aggregator.model import Answer, Candidate, Vectors
from aggregator.rank import Pool
from aggregator.rank.answers import HALF_LIFE, Said, in_words, learnt
from aggregator.rank.taste import Learnt
from tests.fakes import WordEmbedder
from tests.stores import DAY, NOW, paper

TOPICS = {
    "diarization": "speaker diarization meeting overlap clustering segmentation turn",
    "music": "melody harmony chord piano symbolic score rhythm",
    "birds": "bird whale acoustic forest species recording wildlife",
    "robots": "robot grasp arm navigation policy torque camera",
}
FILLER = [f"filler{number}" for number in range(80)]


@dataclass(frozen=True)
class Work:
    title: str
    text: str
    answer: Answer | None
    at: datetime


def text(topic: str, number: int) -> str:
    """Three words of the topic among others, always the same."""
    random = np.random.default_rng((number, len(topic)))
    own = random.choice(TOPICS[topic].split(), 3, replace=False)
    return f"{topic} {number} {' '.join(own)} {' '.join(random.choice(FILLER, 8))}"


def work(topic: str, number: int, answer: Answer | None, days: float = 1) -> Work:
    return Work(f"{topic} {number}", text(topic, number), answer, NOW - days * DAY)


def pool(each: int = 10) -> Pool:
    told = [(topic, number) for topic in TOPICS for number in range(100, 100 + each)]
    papers = [paper(place, title=text(*one), summary="") for place, one in enumerate(told, 1)]
    vectors = WordEmbedder().embed([one.title for one in papers])
    return Pool([Candidate(entry=one, sightings=()) for one in papers], vectors)


def taught(said: list[Work], of: Pool | None = None) -> Learnt:
    vectors: Vectors = WordEmbedder().embed([one.text for one in said])
    works: list[Said] = list(said)
    return learnt(pool() if of is None else of, works, vectors, now=NOW)


def by_topic(found: Learnt, each: int = 10) -> dict[str, float]:
    return {topic: float(found.scores[place * each :][:each].mean()) for place, topic in enumerate(TOPICS)}


def week(wrong: int = 0) -> list[Work]:
    """Ten likes of diarization, ten dislikes of the rest, the first `wrong` of each the other way round."""
    turned: dict[Answer, Answer] = {"like": "dislike", "dislike": "like"}
    likes = [work("diarization", number, "like") for number in range(10)]
    others = [work(topic, number, "dislike") for number in range(4) for topic in ("music", "birds", "robots")][:10]
    return [
        replace(one, answer=turned[one.answer]) if number < wrong and one.answer in turned else one
        for group in (likes, others)
        for number, one in enumerate(group)
    ]


@pytest.mark.parametrize(
    "said", [[], [work("music", 1, "hide")], [work("music", 1, None)]], ids=["nothing", "hidden", "passed over"]
)
def test_what_says_nothing_teaches_nothing(said: list[Work]) -> None:
    found = taught(said)
    assert found.scores.tolist() == [0.0] * 40
    assert found.scores.dtype == np.float32
    assert found.like == {}


def test_one_like_brings_what_is_near_to_it_and_names_it() -> None:
    found = taught([work("music", 100, "like")])
    means = by_topic(found)
    assert max(means, key=means.__getitem__) == "music"
    assert 0 < means["music"] < 0.3, "one answer does not carry far"
    best = int(found.scores.argmax())
    assert found.like.get(best) == "music 100"


def test_one_dislike_only_takes_away() -> None:
    found = taught([work("music", 1, "dislike")])
    means = by_topic(found)
    assert min(means, key=means.__getitem__) == "music"
    assert found.scores.max() <= 0


def test_scores_stay_within_their_bounds_and_grow_with_the_answers() -> None:
    few, many = taught(week()[::5]), taught(week())
    assert by_topic(many)["diarization"] > by_topic(few)["diarization"] > 0
    assert many.scores.min() >= -1
    assert many.scores.max() <= 1
    assert np.isfinite(many.scores).all()


def test_saving_counts_more_than_liking() -> None:
    both = [work("music", 1, "like"), work("birds", 1, "save"), *(work("robots", n, None) for n in range(5))]
    other = [replace(both[0], answer="save"), replace(both[1], answer="like"), *both[2:]]
    assert by_topic(taught(both))["birds"] > by_topic(taught(other))["birds"]


def test_old_answers_fade() -> None:
    said = week()
    old = [replace(one, at=NOW - 4 * HALF_LIFE) for one in said]
    new = by_topic(taught(said))["diarization"]
    assert 0 < by_topic(taught(old))["diarization"] < 0.7 * new
    changed = [
        *(replace(one, at=NOW - 4 * HALF_LIFE) for one in said),
        *(work("music", n, "like") for n in range(20, 30)),
    ]
    means = by_topic(taught(changed))
    assert means["music"] > means["diarization"]


def test_a_third_of_wrong_answers_does_not_turn_it_round() -> None:
    means = by_topic(taught(week(wrong=3)))
    assert max(means, key=means.__getitem__) == "diarization"


def test_the_more_answers_at_random_the_less_they_move() -> None:
    def moved(many: int, seed: int) -> float:
        random = np.random.default_rng(seed)
        said = [work(topic, number, "dislike") for number in range(many) for topic in TOPICS]
        noise = [replace(one, answer="like") if random.random() < 0.5 else one for one in said]
        plain = [replace(one, answer="like") if one.title.startswith("music") else one for one in said]
        return float(taught(noise).scores.std() / taught(plain).scores.std())

    few, many = (np.mean([moved(each, seed) for seed in range(4)]) for each in (15, 60))
    assert few < 1
    assert many < 0.4


def test_what_was_shown_and_passed_over_speaks_a_little_against_itself() -> None:
    likes = [work("music", number, "like") for number in range(4)]
    passed = [work("birds", number, None) for number in range(6)]
    told = [replace(one, answer="dislike") for one in passed]
    alone, beside, against = (by_topic(taught([*likes, *more])) for more in ([], passed, told))
    assert alone["birds"] > beside["birds"] > against["birds"]


def test_likes_alone_find_more_of_the_same_by_words() -> None:
    """Nothing was disliked: the candidates themselves stand for what is not wanted."""
    likes = [work("birds", number, "like") for number in range(8)]
    found = taught(likes)
    assert sorted(found.scores.argsort()[::-1][:10].tolist()) == list(range(20, 30))


def test_the_order_of_answers_plays_no_part() -> None:
    forth, back = taught(week()), taught(week()[::-1])
    np.testing.assert_allclose(forth.scores, back.scores, atol=1e-5)


def test_an_empty_pool_and_one_candidate() -> None:
    assert taught(week(), pool(0)).scores.shape == (0,)
    lone = pool()
    one = Pool(lone.candidates[:1], lone.vectors[:1])
    assert taught(week(), one).scores.tolist() == [0.0]


def test_more_answers_than_are_looked_at() -> None:
    said = [work(topic, number, "like" if topic == "birds" else "dislike") for number in range(200) for topic in TOPICS]
    means = by_topic(taught(said))
    assert max(means, key=means.__getitem__) == "birds"


def test_in_words() -> None:
    told = in_words(list[Said](week()), now=NOW)
    assert set(" ".join(told.more).split()) & {"diarization", *TOPICS["diarization"].split()}
    assert "diarization" not in " ".join(told.less)
    assert all(title.startswith("diarization") for title in told.liked)
    assert not any(title.startswith("diarization") for title in told.disliked)
    assert len(told.more) <= 8
    assert 0.5 < told.trust <= 1
    assert in_words([], now=NOW).more == ()
    assert in_words([work("music", 1, "hide")], now=NOW).liked == ()
    assert in_words([work("music", 1, "like")], now=NOW).liked == ("music 1",)
    assert in_words([Work("!", "!", "like", NOW)], now=NOW).more == ()
