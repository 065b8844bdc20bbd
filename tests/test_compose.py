"""compose: threshold, places, order, counts, and when there is no digest."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.compose import compose
from aggregator.model import KINDS, Digest, Ranked, Reason, SourceHealth
from tests.letters import CODECS, NOW, PROFILE, STREAMING, pick

OK = (SourceHealth("arxiv", "ok"),)


def papers(number: int, score: float = 0.6) -> list[Ranked]:
    return [pick(f"Paper {n}", number=f"2611.0{n:04}", score=score - n / 1000) for n in range(number)]


def posts(number: int, score: float = 0.5) -> list[Ranked]:
    return [
        pick(f"Post {n}", kind="post", source="blog", url=f"https://example.org/{n}", score=score - n / 1000)
        for n in range(number)
    ]


def made(
    found: list[Ranked], most: int = 20, sources: tuple[SourceHealth, ...] = OK, **changes: object
) -> Digest | None:
    profile = replace(PROFILE, max_entries=most, **changes)  # type: ignore[arg-type]
    ranked = sorted(found, key=lambda item: -item.score)
    return compose(profile, ranked, period="2026-W47", since=NOW - timedelta(7), until=NOW, sources=sources)


def shape(digest: Digest | None) -> dict[str, int]:
    assert digest is not None
    return {section.title: len(section.picks) for section in digest.sections}


@pytest.mark.parametrize(
    ("found", "most", "expected"),
    [
        (papers(50) + posts(50), 20, {"Papers": 15, "Posts": 5}),
        (papers(50) + posts(50, score=0.99), 20, {"Papers": 15, "Posts": 5}),
        (papers(50) + posts(2), 20, {"Papers": 18, "Posts": 2}),
        (papers(4) + posts(50), 20, {"Papers": 4, "Posts": 16}),
        (papers(4) + posts(4), 20, {"Papers": 4, "Posts": 4}),
        (papers(50) + posts(50), 6, {"Papers": 3, "Posts": 3}),
        (papers(50) + posts(50), 5, {"Papers": 4, "Posts": 1}),
        (papers(50) + posts(50), 3, {"Papers": 3}),
        (papers(50) + posts(50), 1, {"Papers": 1}),
        (papers(50), 20, {"Papers": 20}),
        (posts(50), 20, {"Posts": 20}),
        (posts(1), 1, {"Posts": 1}),
    ],
)
def test_places(found: list[Ranked], most: int, expected: dict[str, int]) -> None:
    assert shape(made(found, most)) == expected


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30))
def test_places_are_used_up_and_never_exceeded(n_papers: int, n_posts: int, most: int) -> None:
    digest = made(papers(n_papers) + posts(n_posts), most)
    assert (len(digest.picks) if digest else 0) == min(most, n_papers + n_posts)
    for section in digest.sections if digest else ():
        best_first = sorted(section.picks, key=lambda item: -item.score)
        assert list(section.picks) == best_first
        assert best_first[0].entry.title.endswith(" 0")


def test_sections_come_in_the_order_of_kinds_with_plain_titles() -> None:
    found = [pick(kind, kind=kind, source="s", url=f"https://example.org/{kind}") for kind in reversed(KINDS)]
    digest = made(found)
    assert digest is not None
    assert [section.title for section in digest.sections] == [
        "Papers", "Posts", "Releases", "Videos", "Episodes", "Threads", "Models", "Events",
    ]  # fmt: skip
    assert [item.entry.kind for item in digest.picks] == list(KINDS)


def test_threshold_is_inclusive_and_arrivals_count_everything() -> None:
    digest = made([pick("at", score=0.3), pick("below", score=0.2999), *posts(3, score=0.1)])
    assert digest is not None
    assert [item.entry.title for item in digest.picks] == ["at"]
    assert digest.arrived == 5
    assert digest.sections[0].arrived == 2


def test_interests_are_counted_in_their_order_by_first_reason() -> None:
    other = replace(pick("by an author", score=0.9), reasons=(Reason("author", STREAMING, 0.9),))
    found = [
        *(pick(f"codec {n}", reason=CODECS, also=STREAMING, score=0.5 - n / 100) for n in range(4)),
        pick("weak", reason=CODECS, score=0.1),
        pick("stream", score=0.8),
        other,
        replace(other, reasons=()),
    ]
    digest = made(found, most=5)
    assert digest is not None
    assert [count.interest for count in digest.interests] == list(PROFILE.interests)
    assert [(count.shown, count.matched) for count in digest.interests] == [(1, 1), (2, 4), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("states", "send_empty", "is_sent"),
    [
        (("ok", "quiet", "waiting"), False, False),
        (("ok", "quiet"), True, True),
        (("ok", "failed"), False, True),
        (("partial",), False, True),
        ((), False, False),
    ],
)
def test_without_picks_only_a_broken_week_or_a_wish_makes_a_digest(
    states: tuple[str, ...], send_empty: bool, is_sent: bool
) -> None:
    sources = tuple(SourceHealth(state, state) for state in states)  # type: ignore[arg-type]
    digest = made(papers(3, score=0.1), sources=sources, send_empty=send_empty)
    assert (digest is not None) is is_sent
    if digest:
        assert digest.sections == ()
        assert digest.picks == ()
        assert digest.sources == sources
        assert digest.arrived == 3


def test_the_same_input_gives_the_same_digest() -> None:
    found = papers(9) + posts(9)
    assert made(found) == made(found)


# --- what is about a paper


def about(paper: Ranked, number: int, *more: str, kind: str = "post", score: float = 0.55) -> Ranked:
    item = pick(f"About {number}", kind=kind, source="blog", url=f"https://example.org/{number}", score=score)  # type: ignore[arg-type]
    entry = replace(item.entry, mentions=(paper.entry.key, *more))
    return replace(item, candidate=replace(item.candidate, entry=entry))


def titles(digest: Digest | None) -> set[str]:
    assert digest is not None
    return {item.entry.title for item in digest.picks}


def test_what_is_about_a_picked_paper_is_told_on_its_card() -> None:
    known = papers(3)
    thread, video = about(known[0], 1, kind="thread"), about(known[1], 2, kind="video", score=0.9)
    roundup = about(known[0], 3, known[1].entry.key)
    release = about(known[0], 4, kind="release")
    shown = titles(made([*known, thread, video, roundup, release]))
    assert shown == {"Paper 0", "Paper 1", "Paper 2", "About 3", "About 4"}


def test_it_stands_alone_where_the_paper_is_not_picked_or_not_there() -> None:
    known = papers(3)
    low = replace(known[0], score=0.1)
    stranger = about(pick("Nowhere", number="2611.09999"), 5)
    assert titles(made([low, *known[1:], about(low, 1), stranger])) == {"Paper 1", "Paper 2", "About 1", "About 5"}


def test_the_place_that_it_leaves_goes_to_the_next() -> None:
    known = papers(6)
    told = [about(known[0], number, kind="thread", score=0.9) for number in range(4)]
    assert len(titles(made([*known, *told], most=6))) == 6
    assert titles(made([*known, *told, *posts(1)], most=6)) == {f"Paper {n}" for n in range(5)} | {"Post 0"}


def test_deadlines_pass_through() -> None:
    due = pick("Deadline", kind="event", source="calendar", url="https://example.org/").entry
    digest = compose(
        PROFILE, papers(1), period="2026-W47", since=NOW - timedelta(7), until=NOW, sources=OK, deadlines=[due]
    )
    assert digest is not None
    assert digest.deadlines == (due,)
