"""explaining: each fate of an entry is told for what it is, by the digest itself, and advice is true."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator import pipeline
from aggregator.errors import InputError
from aggregator.explaining import Explanation, explain
from aggregator.model import Entry, Profile
from aggregator.rank import total
from aggregator.render import Renderer
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, paper

ME = Profile(
    name="me", email=("me@example.org",), schedule="daily 07:00", timezone="UTC", min_score=0.3, max_entries=2,
    interests=("neural audio codecs", "speech recognition", "bird song"),
)  # fmt: skip
CODECS = paper(1, title="Neural audio codecs", summary="", authors=("Ada Lovelace",))
SPEECH = paper(2, title="Speech recognition", summary="")
BREAD = paper(3, title="Sourdough fermentation", summary="")
LATER = NOW + DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        add(opened, CODECS, SPEECH, BREAD)
        pipeline.embed(opened, WordEmbedder())
        yield opened


def told(
    store: Store, entry: Entry, profile: Profile = ME, *, now: datetime = NOW, days: int | None = None
) -> Explanation:
    return explain(store, WordEmbedder(), profile, entry.key, now=now, days=days)


def more(store: Store, *entries: Entry, source: str = "arxiv", kind: str = "arxiv") -> None:
    add(store, *entries, source=source, kind=kind)
    pipeline.embed(store, WordEmbedder())


def mailed(store: Store, profile: Profile = ME, now: datetime = NOW) -> None:
    renderer = Renderer("Digest <digest@example.org>")
    done = pipeline.digest(store, WordEmbedder(), renderer, [profile], ["arxiv"], now=now, force=True)
    assert done.counts["issues"] == 1


def test_a_pick_with_its_whole_sum_and_what_comes_next(store: Store) -> None:
    found = told(store, CODECS)
    assert (found.fate, found.number, found.place, found.candidates) == ("pick", 1, 1, 3)
    assert found.because == "It is picked, as number 1."
    assert found.advice == ""
    assert found.score is not None
    assert total(found.shares) == found.score
    assert found.shares[0].text == found.reasons[0].text == "neural audio codecs"
    assert [one.text for one in found.others] == ["speech recognition", "bird song"]
    assert (found.since, found.until, found.issue) == (NOW - 7 * DAY, NOW, "")
    assert found.last == told(store, SPEECH).score


def test_it_is_what_the_digest_does(store: Store) -> None:
    letter = pipeline.draft(store, WordEmbedder(), ME, [], period="x", since=NOW - 7 * DAY, until=NOW)
    assert letter is not None
    assert {pick.entry.key: pick.score for pick in letter.picks} == {
        key: found.score
        for key, found in ((one.key, told(store, one)) for one in (CODECS, SPEECH, BREAD))
        if found.fate in ("pick", "also")
    }


def test_below_min_score_with_advice_that_is_true(store: Store) -> None:
    near = paper(4, title="Speech of whales, tides, harbours, boats and moonlit ropes", summary="")
    more(store, near)
    found = told(store, near)
    assert found.fate == "below"
    assert found.score is not None
    assert f"{found.score:.4f} is {0.3 - found.score:.4f} short of 0.3" in found.because
    assert found.place == 3
    interest, lower = found.advice.split("; or ")
    phrase = interest.partition("“")[2].partition("”")[0]
    assert told(store, near, replace(ME, interests=(*ME.interests, phrase))).fate in ("pick", "also")
    least = float(lower.split("min_score = ")[1].split()[0])
    assert least < 0.3
    assert told(store, near, replace(ME, min_score=least)).fate in ("pick", "also")


def crowd(store: Store, count: int = 15) -> list[Entry]:
    """Papers on codecs, each less so than the one before."""
    some = [
        paper(10 + n, title="Neural audio codecs with " + " ".join(f"w{n}x{m}" for m in range(n + 1)), summary="")
        for n in range(count)
    ]
    more(store, *some)
    return some


def test_under_also_seen_and_no_place_at_all(store: Store) -> None:
    some = crowd(store)
    found = told(store, some[5], replace(ME, min_score=0.2))
    assert found.fate == "also"
    assert "“Also seen”" in found.because
    found = told(store, some[-1], replace(ME, min_score=0.2))
    assert found.fate == "full"
    assert "all 2 places of papers are taken" in found.because
    assert "with max_entries = 7 it would be in" in found.advice
    without = replace(ME, min_score=0.2, sections=("top", "interests"))
    assert told(store, some[5], without).fate == "full"


def test_a_place_that_went_to_another_interest(store: Store) -> None:
    some = crowd(store, 4)
    wanted = replace(ME, sections=("interests",), max_entries=2)
    found = told(store, some[0], wanted)
    assert told(store, SPEECH, replace(wanted, weights={"speech recognition": 0.4})).fate == "pick"
    assert found.fate == "full"
    assert found.because.endswith("is 1.0000.")
    found = told(store, some[0], replace(wanted, weights={"speech recognition": 0.4}))
    assert ": 1 with less was chosen so that no interest has all the places" in found.because


def test_its_kind_has_no_part_in_the_letter(store: Store) -> None:
    video = paper("v", key="id:tube:1", kind="video", title="Neural audio codecs", summary="", url="https://v.example/")
    more(store, video, source="tube", kind="feed")
    found = told(store, video, replace(ME, sections=("interests",), max_entries=8))
    assert (found.fate, found.because) == ("no part", "No part of your letter (`sections`) has a place for a video.")
    assert found.advice == "with “videos” among the sections it would be in"


def test_what_repeats_a_better_one(store: Store) -> None:
    again = paper(7, title="Audio codecs, neural", summary="")
    more(store, again)
    found = [told(store, one, replace(ME, max_entries=1, sections=("interests",))) for one in (CODECS, again)]
    assert sorted(one.fate for one in found) == ["pick", "repeats"]
    loser = next(one for one in found if one.fate == "repeats")
    winner = next(one for one in found if one.fate == "pick")
    assert f"It repeats a better one, “{winner.entry.title}”" in loser.because


def test_what_is_told_on_the_card_of_a_pick(store: Store) -> None:
    post = paper(
        "p", key="id:blog:1", kind="post", title="On neural audio codecs", summary="", url="https://b.example/1",
        mentions=(CODECS.key,),
    )  # fmt: skip
    more(store, post, source="blog", kind="feed")
    found = told(store, post)
    assert (found.fate, found.because) == (
        "told", "It is told on the card of “Neural audio codecs”, a pick of the same letter.",
    )  # fmt: skip


def test_what_came_after_the_paper_was_shown_is_told_on_its_card(store: Store) -> None:
    mailed(store)
    add(store, source="blog", kind="feed", now=NOW)
    post = paper(
        "p", key="id:blog:1", kind="post", title="On codecs", url="https://b.example/1", mentions=(CODECS.key,),
        published=LATER,
    )  # fmt: skip
    add(store, post, source="blog", kind="feed", now=LATER)
    pipeline.embed(store, WordEmbedder())
    found = told(store, post, now=LATER)
    assert found.fate == "told"
    assert found.because.startswith("It is told on the card of “Neural audio codecs”, shown in issue manual-")
    assert found.score is None


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"muted": ("codecs",)}, "It is muted, by the word “codecs” (`muted`)."),
        ({"muted": ("Lovelace, Ada",)}, "It is muted, by the author “Lovelace, Ada” (`muted`)."),
        ({"muted_topics": ("codecs of neural audio",)}, "It is muted, by the topic “codecs of neural audio”"),
    ],
)
def test_what_is_muted(store: Store, changes: dict[str, tuple[str, ...]], because: str) -> None:
    wanted = {"interests": ("audio",), "min_score": 0.1} if "muted_topics" in changes else {}
    found = told(store, CODECS, replace(ME, **{**wanted, **changes}))  # type: ignore[arg-type]
    assert found.fate == "muted"
    assert found.because.startswith(because)
    assert (found.score, found.place) == (0.0, None)
    assert total(found.shares) == 0
    assert "without “" in found.advice


def test_what_was_hidden(store: Store) -> None:
    store.answer("me", CODECS.key, "hide", now=NOW)
    found = told(store, CODECS)
    assert (found.fate, found.because, found.score) == ("hidden", "You have hidden it.", None)
    assert found.advice == f"`aggregator feedback reset {CODECS.key} --profile me` takes that back"


def test_what_was_shown_is_explained_as_it_stands_in_its_issue(store: Store) -> None:
    mailed(store)
    found = told(store, CODECS, now=LATER)
    assert found.fate == "shown"
    assert found.because == f"It was shown in issue {found.issue} as number 1."
    assert (found.until, found.place) == (NOW, 1)
    assert total(found.shares) == found.score
    changed = told(store, CODECS, replace(ME, weights={ME.interests[0]: 0.5}))
    assert ", then with 1.0000." in changed.because
    store.answer("me", CODECS.key, "hide", now=LATER)
    assert "; before, it was shown in issue manual-" in told(store, CODECS, now=LATER).because


def test_what_an_issue_passed_over_is_explained_as_it_would_be_now(store: Store) -> None:
    mailed(store)
    found = told(store, BREAD, now=LATER)
    assert found.fate == "below"
    assert found.because.startswith(f"It was not shown in issue {found.issue}. Its score does not reach min_score")
    now_in = told(store, BREAD, replace(ME, interests=(*ME.interests, "sourdough fermentation"), max_entries=3))
    assert now_in.fate == "pick"
    assert now_in.because.startswith(f"It was not shown in issue {now_in.issue}, but as things are now: It is picked")


def test_what_is_no_news(store: Store) -> None:
    old = paper(8, published=NOW - 40 * DAY)
    revised = paper(9, published=NOW - 90 * DAY, news=False)
    add(store, old, revised, source="first", kind="arxiv")
    pipeline.embed(store, WordEmbedder())
    found = told(store, old)
    assert found.fate == "not news"
    assert "It became news on 2026-10-12 08:00, before the days of this digest (2026-11-14 08:00 to" in found.because
    assert found.advice == "`--days 41` looks back so far"
    assert told(store, old, days=41).score is not None
    found = told(store, revised)
    assert "its source says that it is not new in itself (it came out on 2026-08-23 and was first met" in found.because
    assert found.advice == ""
    assert "after the days" in told(store, CODECS, now=NOW - 1.5 * DAY).because


def test_what_has_no_vector_yet(store: Store) -> None:
    new = paper(9)
    add(store, new)
    found = told(store, new)
    assert (found.fate, found.advice) == ("no vector", "`aggregator embed` gives it one")


def test_a_preview_of_days_takes_in_what_was_shown(store: Store) -> None:
    mailed(store)
    found = told(store, CODECS, now=LATER, days=3)
    assert (found.fate, found.issue, found.since) == ("pick", "", LATER - timedelta(days=3))


def test_a_surprise_says_so(store: Store) -> None:
    popular = paper(20, title="Sourdough at scale", summary="", signals={"upvotes": 99})
    add(store, popular, *(paper(30 + n, title=f"Ovens {n}", signals={"upvotes": n}) for n in range(12)))
    pipeline.embed(store, WordEmbedder())
    found = told(store, popular, replace(ME, surprises=1, max_entries=6))
    assert found.fate == "pick"
    assert found.because.endswith("as a surprise from beyond your interests.")


def test_an_entry_that_nobody_knows(store: Store) -> None:
    with pytest.raises(InputError, match="no entry is known as"):
        explain(store, WordEmbedder(), ME, "2611.99999", now=NOW)
    with pytest.raises(KeyError):
        store.standing("me", "arxiv:2611.99999")


@pytest.mark.parametrize("database", DATABASES)
def test_how_an_entry_stands(database: str, tmp_path: Path) -> None:
    with fresh_store(database, tmp_path) as store:
        post = paper("p", key="id:b:1", kind="post", url="https://b.example/1", mentions=(CODECS.key,))
        add(store, CODECS, SPEECH, post)
        embed(store)
        before = store.standing("me", post.key)
        assert (before.news_at, before.hidden, before.shown, before.covered, before.told_on) == (
            NOW - DAY, False, None, None, None,
        )  # fmt: skip
        found = {one.entry.key: one for one in candidates(store)}
        letter = digest(found[SPEECH.key], found[CODECS.key])
        store.queue("me", "2026-W47", NOW - 7 * DAY, NOW, now=NOW, digest=letter, messages=[])
        store.answer("me", CODECS.key, "hide", now=NOW)
        shown = store.standing("me", CODECS.key)
        assert shown.shown is not None
        assert (shown.hidden, shown.shown.number, shown.shown.score) == (True, 2, 0.5)
        told_on = store.standing("me", post.key).told_on
        assert told_on is not None
        assert (told_on.title, told_on.issue.period) == ("Neural audio codecs", "2026-W47")
        assert store.standing("you", CODECS.key).shown is None
