"""What readers say: the latest answer stands, goes with its work and its profile, and hides what it hides."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.model import Answer
from aggregator.store import History, Store
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, paper, rows


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def said(store: Store, profile: str = "me") -> list[tuple[str, Answer | None]]:
    return [(one.key, one.answer) for one in store.answers(profile)]


def issue(store: Store, *numbers: int, period: str = "2026-W47", profile: str = "me") -> None:
    """An issue that shows these papers, in this order."""
    known = {one.entry.key: one for one in candidates(store, profile)}
    picked = [known[paper(number).key] for number in numbers]
    told = digest(*picked, period=period, profile=profile)
    week = (int(period[-2:]) - 47) * 7 * DAY
    since, until = NOW + week - 7 * DAY, NOW + week
    assert store.queue(profile, period, since, until, now=until, digest=told, messages=[])


def test_the_latest_answer_stands(store: Store) -> None:
    add(store, paper(1), paper(2))
    assert store.answer("me", "arxiv:2611.00001", "like", now=NOW) is None
    assert store.answer("me", "arxiv:2611.00002", "dislike", now=NOW + DAY) is None
    assert store.answer("you", "arxiv:2611.00001", "hide", now=NOW) is None
    assert store.answer("me", "arxiv:2611.00001", "save", now=NOW + 2 * DAY) == "like"
    assert said(store) == [("arxiv:2611.00001", "save"), ("arxiv:2611.00002", "dislike")]
    first = store.answers("me")[0]
    assert (first.title, first.text, first.at) == (
        "Paper 2611.00001",
        "Paper 2611.00001\nWhat it says.",
        NOW + 2 * DAY,
    )
    assert said(store, "nobody") == []


def test_only_what_is_stored_can_be_answered_and_only_with_an_answer(store: Store) -> None:
    add(store, paper(1))
    with pytest.raises(KeyError):
        store.answer("me", "arxiv:2611.00009", "like", now=NOW)
    with pytest.raises(ValueError, match="'love' is not an answer"):
        store.answer("me", "arxiv:2611.00001", "love", now=NOW)  # type: ignore[arg-type]
    assert said(store) == []


def test_answers_are_taken_back(store: Store) -> None:
    add(store, *(paper(number) for number in (1, 2, 3)))
    for number in (1, 2, 3):
        store.answer("me", paper(number).key, "like", now=NOW)
    store.answer("you", paper(1).key, "like", now=NOW)
    assert store.unanswer("me", [paper(1).key]) == 1
    assert store.unanswer("me", [paper(1).key]) == 0
    with pytest.raises(KeyError):
        store.unanswer("me", ["arxiv:2611.00009"])
    assert store.unanswer("me") == 2
    assert said(store) == []
    assert said(store, "you") == [("arxiv:2611.00001", "like")]


def test_what_is_hidden_is_no_candidate_of_that_profile(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store)
    store.answer("me", paper(1).key, "hide", now=NOW)
    store.answer("me", paper(2).key, "dislike", now=NOW)
    for shown in (False, True):
        assert [one.entry.key for one in candidates(store, shown=shown)] == [paper(2).key]
    assert len(candidates(store, "you")) == 2
    store.answer("me", paper(1).key, "like", now=NOW)
    assert len(candidates(store)) == 2


def test_an_entry_is_found_by_any_name_and_by_where_it_was_seen(store: Store) -> None:
    add(store, paper(1, aliases=("doi:10.1/x",), url="https://arxiv.org/abs/2611.00001"), paper(2))
    add(store, paper(2, url="https://blog.example.org/two?x=1"), source="blog", kind="feed")
    for names in (("arxiv:2611.00001",), ("nothing", "doi:10.1/x"), ("arxiv:2611.00001", "arxiv:2611.00002")):
        one = store.found(names)
        assert one
        assert one.key == "arxiv:2611.00001"
    for url, key in {"https://blog.example.org/two?x=1": 2, "https://arxiv.org/abs/2611.00002": 2}.items():
        one = store.found(["nothing"], [url])
        assert one
        assert one.key == paper(key).key
    assert store.found(["nothing"], ["https://example.org"]) is None
    assert store.found(["nothing"]) is None


def test_picks_are_counted_in_the_last_issue_that_had_any(store: Store) -> None:
    assert store.pick("me", 1) is None
    add(store, *(paper(number) for number in range(1, 5)))
    embed(store)
    issue(store, 4, 1, period="2026-W46")
    issue(store, 3, 2, period="2026-W47")
    issue(store, period="2026-W48")
    found = [store.pick("me", number) for number in (1, 2, 3)]
    assert [one.key if one else None for one in found] == [paper(3).key, paper(2).key, None]
    assert store.pick("you", 1) is None


def test_lessons_are_what_was_said_and_what_was_passed_over_where_something_was_said(store: Store) -> None:
    add(store, *(paper(number) for number in range(1, 10)))
    embed(store)
    issue(store, 1, 2, 3, period="2026-W46")
    issue(store, 4, 5, period="2026-W47")
    assert store.lessons("me", "m", "1")[0] == []
    store.answer("me", paper(2).key, "like", now=NOW)
    store.answer("me", paper(3).key, "hide", now=NOW)
    store.answer("me", paper(9).key, "dislike", now=NOW + DAY)
    found, vectors = store.lessons("me", "m", "1")
    assert [(one.key, one.answer) for one in found] == [
        (paper(9).key, "dislike"),
        (paper(2).key, "like"),
        (paper(1).key, None),
    ]
    assert found[2].at == NOW - 7 * DAY
    ids = [rows(store, "SELECT id FROM entry WHERE key = :key", key=one.key)[0][0] for one in found]
    assert vectors[:, 0].tolist() == ids
    store.answer("me", paper(4).key, "hide", now=NOW)
    assert [one.key for one in store.lessons("me", "m", "1")[0][2:]] == [paper(5).key, paper(1).key]
    assert [one.key for one in store.lessons("me", "m", "1", unanswered=1)[0][2:]] == [paper(5).key]
    assert store.lessons("me", "m", "2")[0] == []
    assert store.lessons("me", "m", "2")[1].shape == (0, 0)


def test_two_entries_that_turn_out_to_be_one_keep_the_later_answer(store: Store) -> None:
    add(store, paper(1), paper("x", key="doi:10.1/x"))
    store.answer("me", "arxiv:2611.00001", "like", now=NOW)
    store.answer("me", "doi:10.1/x", "dislike", now=NOW + DAY)
    store.answer("you", "arxiv:2611.00001", "save", now=NOW + DAY)
    store.answer("you", "doi:10.1/x", "hide", now=NOW)
    store.answer("they", "doi:10.1/x", "save", now=NOW)
    add(store, paper(1, aliases=("doi:10.1/x",)), now=NOW + DAY)
    assert [said(store, who) for who in ("me", "you", "they")] == [
        [("arxiv:2611.00001", answer)] for answer in ("dislike", "save", "save")
    ]


def test_a_new_name_of_a_profile_keeps_the_answers(store: Store) -> None:
    add(store, paper(1), paper(2))
    store.answer("old", paper(1).key, "like", now=NOW)
    store.answer("new", paper(1).key, "dislike", now=NOW + DAY)
    store.answer("old", paper(2).key, "save", now=NOW)
    assert store.histories() == {"old": History(0, 0, "", None), "new": History(0, 0, "", None)}
    assert store.rename(["old"], "new") == 1
    assert said(store, "old") == []
    assert said(store, "new") == [(paper(1).key, "dislike"), (paper(2).key, "save")]


def test_a_forgotten_profile_leaves_no_answer(store: Store) -> None:
    add(store, paper(1))
    store.answer("me", paper(1).key, "like", now=NOW)
    store.answer("you", paper(1).key, "like", now=NOW)
    assert store.traces(["me"]) == {"answer": 1}
    assert store.forget("me").rows["answer"] == 1
    assert store.traces(["me"]) == {}
    assert said(store, "you") == [(paper(1).key, "like")]
