"""compose: threshold, places, order, counts, and when there is no digest."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.compose import ALSO, TOP, compose
from aggregator.model import KINDS, PARTS, Digest, Part, Ranked, Reason, SourceHealth
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
    """How many picks of a kind have a place of their own."""
    assert digest is not None
    kinds = [item.entry.kind for section in digest.sections if section.part != "also" for item in section.picks]
    return {f"{kind.capitalize()}s": kinds.count(kind) for kind in KINDS if kind in kinds}


def told(digest: Digest | None) -> list[tuple[Part, str, list[str], int]]:
    assert digest is not None
    return [
        (section.part, section.title, [item.entry.title for item in section.picks], section.matched)
        for section in digest.sections
    ]


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
    assert sum(shape(digest).values() if digest else []) == min(most, n_papers + n_posts)
    picks = digest.picks if digest else ()
    assert len(picks) == min(most + ALSO, n_papers + n_posts) == len({item.entry.key for item in picks})
    for section in digest.sections if digest else ():
        assert list(section.picks) == sorted(section.picks, key=lambda item: -item.score)


@given(st.permutations(PARTS), st.integers(0, len(PARTS)), st.integers(1, 30))
def test_sections_stand_in_the_readers_order_and_no_other_work_is_picked(
    parts: list[Part], number: int, most: int
) -> None:
    chosen = tuple(parts[:number])
    found = papers(25) + posts(12) + [
        pick(kind, kind=kind, source="s", url=f"https://example.org/{kind}") for kind in KINDS[2:]
    ]  # fmt: skip
    digest = made(found, most, sections=chosen, send_empty=True)
    assert digest is not None
    places = [chosen.index(section.part) for section in digest.sections]
    assert places == sorted(places)
    assert all(section.picks and section.matched >= len(section.picks) for section in digest.sections)
    shown = [item.entry.key for item in digest.picks]
    assert len(shown) == len(set(shown)) <= most + ALSO
    if not {"top", "interests"} & set(chosen):
        assert "paper" not in {item.entry.kind for item in digest.picks}
    if "posts" not in chosen:
        assert not {"post", "thread"} & {item.entry.kind for item in digest.picks}


def test_the_parts_of_a_letter() -> None:
    found = [
        *(pick(f"stream {n}", number=f"2611.1{n:04}", score=0.9 - n / 100) for n in range(5)),
        *(pick(f"codec {n}", number=f"2611.2{n:04}", score=0.84 - n / 100, reason=CODECS) for n in range(3)),
        pick("by name", number="2611.3", score=0.7, reason="of nobody's"),
        pick("a thread", kind="thread", source="s", url="https://example.org/t"),
        pick("a post", kind="post", source="s", url="https://example.org/p", score=0.6),
        pick("an episode", kind="episode", source="s", url="https://example.org/e"),
        pick("weak", score=0.1, number="2611.4"),
    ]
    assert told(made(found, 11)) == [
        ("top", "Top picks", ["stream 0", "stream 1", "stream 2"], 9),
        ("interests", STREAMING, ["stream 3", "stream 4"], 5),
        ("interests", CODECS, ["codec 0", "codec 1", "codec 2"], 3),
        ("posts", "Posts and threads", ["a thread", "a post"], 2),
        ("videos", "Episodes", ["an episode"], 1),
        ("also", "Also seen", ["by name"], 1),
    ]
    assert told(made(found, 12))[3] == ("interests", "Further papers", ["by name"], 1)
    assert [one[0] for one in told(made(found, 12, sections=("also", "interests")))] == ["interests"] * 3


def test_without_interests_only_the_top_is_left() -> None:
    digest = made(papers(30) + posts(30), 20, sections=("top", "posts"))
    assert shape(digest) == {"Papers": TOP, "Posts": 20 - TOP}
    assert shape(made(papers(30), 20, sections=("interests",))) == {"Papers": 20}
    assert shape(made(papers(30), 2)) == {"Papers": 2}
    assert made(papers(9) + posts(9), sections=("glance", "releases", "also", "deadlines")) is None
    assert [part for part, *_ in told(made(papers(9), 4, sections=("top", "also", "top")))] == ["top", "also"]


def test_also_seen_is_the_best_of_what_had_no_place() -> None:
    digest = made(papers(40), 20)
    assert told(digest)[-1] == ("also", "Also seen", [f"Paper {n}" for n in range(20, 30)], 20)
    assert len(digest.picks if digest else ()) == 30
    assert made(papers(20), 20) == made(papers(20), 20, sections=PARTS)
    assert "also" not in [part for part, *_ in told(made(papers(20), 20))]


def test_kinds_have_plain_titles() -> None:
    found = [pick(kind, kind=kind, source="s", url=f"https://example.org/{kind}") for kind in reversed(KINDS)]
    assert [(part, title) for part, title, *_ in told(made(found))] == [
        ("top", "Top picks"), ("posts", "Posts and threads"), ("releases", "Releases"),
        ("videos", "Videos and episodes"), ("models", "Models"), ("deadlines", "Events"),
    ]  # fmt: skip


def test_threshold_is_inclusive_and_arrivals_count_everything() -> None:
    digest = made([pick("at", score=0.3), pick("below", score=0.2999), *posts(3, score=0.1)])
    assert digest is not None
    assert [item.entry.title for item in digest.picks] == ["at"]
    assert digest.arrived == 5
    assert digest.sections[0].matched == 1


def test_interests_are_counted_in_their_order_by_first_reason() -> None:
    other = replace(pick("by an author", score=0.9), reasons=(Reason("author", STREAMING, 0.9),))
    found = [
        *(pick(f"codec {n}", reason=CODECS, also=STREAMING, score=0.5 - n / 100) for n in range(4)),
        pick("weak", reason=CODECS, score=0.1),
        pick("stream", score=0.8),
        other,
        replace(other, reasons=()),
    ]
    digest = made(found, most=3, sections=("top", "interests"))
    assert digest is not None
    assert [count.interest for count in digest.interests] == list(PROFILE.interests)
    assert [(count.shown, count.matched) for count in digest.interests] == [(1, 1), (0, 4), (0, 0), (0, 0)]


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
    threads = [about(known[0], number, kind="thread", score=0.9) for number in range(4)]
    assert len(titles(made([*known, *threads], most=6))) == 6
    shown = made([*known, *threads, *posts(1)], most=6, sections=("top", "interests", "posts"))
    assert titles(shown) == {f"Paper {n}" for n in range(5)} | {"Post 0"}


def test_deadlines_pass_through() -> None:
    due = pick("Deadline", kind="event", source="calendar", url="https://example.org/").entry
    digest = compose(
        PROFILE, papers(1), period="2026-W47", since=NOW - timedelta(7), until=NOW, sources=OK, deadlines=[due]
    )
    assert digest is not None
    assert digest.deadlines == (due,)


def test_what_is_told_on_a_card_is_not_counted_as_left_out() -> None:
    known = papers(1)
    threads = [about(known[0], number, kind="thread") for number in range(3)]
    digest = made([*known, *threads])
    assert digest is not None
    assert [(count.shown, count.matched) for count in digest.interests if count.matched] == [(1, 1)]
