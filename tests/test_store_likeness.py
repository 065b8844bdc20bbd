"""likeness: what is one work without a common id, what never is, and that the traits find such pairs quickly."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import KINDS, Entry, Kind
from aggregator.store.likeness import same, traits
from tests.test_architecture import ROOT

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)
TEXT = (
    "We look at what happens when a recogniser may see only a short part of the future. The idea is to move the "
    "attention in time so that every frame finds its context in the chunk it belongs to. On two public corpora the "
    "error falls by a tenth at the same delay, and most of the gain comes from masking the right context at random."
)
OTHER = (
    "Three months of calls are counted here, and the delay is followed from the microphone to the last word. It was "
    "seldom the model and mostly the queue in front of it, which a second process on the same card made shorter. All "
    "figures are from machines that anyone may rent, and the scripts that made them come with this letter as well."
)
PAPER = Entry(
    key="arxiv:2502.15158",
    kind="paper",
    title="ChunkFormer: Masked Chunking Conformer for Long-Form Speech Transcription",
    url="https://arxiv.org/abs/2502.15158",
    published=NOW - timedelta(days=200),
    summary=TEXT,
    authors=("Khanh Le", "Tuan Vu Ho", "Dung Tran", "Duc Thanh Chau"),
)
THERE = replace(PAPER, key="doi:10.1109/icassp.2025.1", url="https://doi.org/10.1109/icassp.2025.1", summary="")


def piece(title: str, kind: Kind = "post", *, url: str = "https://a.example.org/1", days: float = 0, text: str = TEXT,
          key: str = "") -> Entry:  # fmt: skip
    return Entry(key=key or f"url:{url}", kind=kind, title=title, url=url, published=NOW + timedelta(days=days),
                 summary=text)  # fmt: skip


def judged(a: Entry, b: Entry) -> bool:
    """What `same` says, the same both ways; and what is one is found by a trait."""
    said = same(a, b)
    assert same(b, a) is said
    if said:
        assert traits(a) & traits(b)
    return said


# --- papers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "CHUNKFORMER: MASKED CHUNKING CONFORMER FOR LONG-FORM SPEECH TRANSCRIPTION",
        "Chunkformer - Masked chunking conformer for long form speech transcription.",
        "{ChunkFormer}: Masked Chunking {Conformer} for Longform Speech Transcription",
        "[R] ChunkFormer: A Masked Chunking Conformer for Long-Form Speech Transcription",
        "ChunkFormer: Masked Chunking Conformer with Long-Form Speech Transcription",
        "ChunkFormer",
    ],
)
def test_a_title_told_otherwise_is_the_same_paper(title: str) -> None:
    assert judged(PAPER, replace(THERE, title=title))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"Schr\"odinger Bridges for $\alpha$-Stable Speech", "Schrödinger bridges for \u03b1-stable speech"),
        ("Kodály's Łódź étude: hearing structure", "Kodaly's Lodz etude: hearing structure"),
        (r"Codecs at CO$_2$ Cost, a Survey", "Codecs at CO\u2082 cost: a survey"),
    ],
)
def test_tex_and_accents_do_not_matter(one: str, other: str) -> None:
    assert judged(replace(PAPER, title=one), replace(THERE, title=other))


@pytest.mark.parametrize(
    "authors",
    [
        ("K. Le", "T. V. Ho", "D. Tran", "D. T. Chau"),
        ("Le, Khanh", "Ho, Tuan Vu", "Tran, Dung", "Chau, Duc Thanh"),
        ("Le Khanh", "Ho Tuan Vu", "Tran Dung", "Chau Duc Thanh"),
        ("Le K", "Ho TV", "Tran D", "Chau DT"),
        ("Duc Thanh Chau", "Dung Tran", "Tuan Vu Ho", "Khanh Le"),
        ("Khanh Le", "Tuan Vu Ho", "et al."),
        ("Khanh Lê", "Tuấn Vũ Hồ", "Dũng Trần", "Đức Thành Châu"),
    ],
)
def test_names_in_any_order_and_length(authors: tuple[str, ...]) -> None:
    assert judged(PAPER, replace(THERE, authors=authors))


def test_the_same_title_by_others_is_another_paper() -> None:
    assert not judged(PAPER, replace(THERE, authors=("Ada Lovelace", "Charles Babbage")))
    assert not judged(PAPER, replace(THERE, authors=("Khanh Le", "Ada Lovelace", "Ann Onym", "Bo Weng")))


def test_without_authors_the_text_must_agree() -> None:
    nobody = replace(THERE, authors=())
    assert not judged(PAPER, nobody)
    assert judged(PAPER, replace(nobody, summary=TEXT[:280] + "…"))
    assert not judged(PAPER, replace(nobody, summary=OTHER))


def test_a_reworded_title_needs_the_text() -> None:
    reworded = replace(THERE, title="Masked Chunking Conformers for the Transcription of Long-Form Speech")
    assert not judged(PAPER, reworded)
    assert judged(PAPER, replace(reworded, summary=TEXT))


def test_nearly_the_same_title_with_another_text_is_another_paper() -> None:
    sequel = replace(THERE, title=PAPER.title + "s")
    assert judged(PAPER, sequel)
    assert not judged(PAPER, replace(sequel, summary=OTHER))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen2.5 Technical Report of the Team", "Qwen3 Technical Report of the Team"),
        ("Hearing in Noise, Part I", "Hearing in Noise, Part II"),
        ("Hearing in Noise, Part One", "Hearing in Noise, Part Two"),
        ("The CoNLL 2007 Shared Task on Dependency Parsing", "The CoNLL 2008 Shared Task on Dependency Parsing"),
        ("JEN-1: Universal Music", "JEN-2: Universal Music"),
        ("Editorial", "Editorial"),
    ],
)
def test_numbers_agree_and_short_titles_say_nothing(one: str, other: str) -> None:
    assert not judged(replace(PAPER, title=one), replace(THERE, title=other))


def test_names_of_works_come_first() -> None:
    assert not judged(PAPER, replace(PAPER, key="arxiv:2502.15159"))
    assert not judged(THERE, replace(THERE, key="doi:10.1109/icassp.2025.2"))
    assert not judged(PAPER, replace(THERE, aliases=("arxiv:2502.15159",)))
    assert judged(replace(PAPER, aliases=("doi:10.1109/icassp.2025.1",)), THERE)


def test_a_conference_may_come_later_but_not_much() -> None:
    assert judged(PAPER, replace(THERE, published=PAPER.published + timedelta(days=500)))
    assert not judged(PAPER, replace(THERE, published=PAPER.published + timedelta(days=1200)))


def test_kinds_are_apart() -> None:
    for kind in KINDS:
        if kind != "paper":
            assert not judged(PAPER, replace(PAPER, key="url:https://b.example.org", kind=kind))
            assert not traits(PAPER) & traits(replace(PAPER, kind=kind))


# --- the rest ------------------------------------------------------------------------------------------------------

THERE_TOO = "https://b.example.org/1"


@pytest.mark.parametrize("kind", ["post", "thread", "video", "episode"])
def test_a_syndicated_piece_is_one(kind: Kind) -> None:
    title = "What we learnt from serving speech models"
    assert judged(piece(title, kind), piece(title.upper(), kind, url=THERE_TOO, days=12))
    assert judged(piece(title, kind), piece(title, kind, url=THERE_TOO, text=TEXT[:270] + "… read more"))
    assert not judged(piece(title, kind), piece(title, kind, url=THERE_TOO, days=45))
    assert not judged(piece(title, kind), piece(title, kind, url=THERE_TOO, text=OTHER))
    assert not judged(piece(title, kind), piece(title, kind, url=THERE_TOO, text=""))
    assert not judged(piece("What a week", kind), piece("What a week", kind, url=THERE_TOO))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("This week in AI #41", "This week in AI #42"),
        ("Release of toolkit v1.2.3", "Release of toolkit v1.2.4"),
        ("Building a recogniser, Part 1", "Building a recogniser, Part 2"),
        ("Building a recogniser, part one", "Building a recogniser, part two"),
        ("Speech news for the month of May", "Speech news for the month of June"),
        ("Speech news, Monday edition", "Speech news, Tuesday edition"),
        ("Building a recogniser at home", "Cooking for many people at home"),
    ],
)
@pytest.mark.parametrize("kind", ["post", "episode", "release", "video", "model"])
def test_a_series_stays_a_series(kind: Kind, one: str, other: str) -> None:
    assert not judged(piece(one, kind), piece(other, kind, url=THERE_TOO, days=7))


def test_a_weekly_thread_on_one_site_is_not_a_crosspost() -> None:
    title = "[D] Simple questions for everyone"
    room = "https://www.reddit.com/r/{}/comments/{}/"
    first = piece(title, "thread", url=room.format("MachineLearning", "a1"))
    assert judged(first, piece(title, "thread", url=room.format("speechtech", "a2"), days=0.2))
    assert not judged(first, piece(title, "thread", url=room.format("MachineLearning", "a3"), days=7))


def test_two_numbers_of_one_source_are_two() -> None:
    title = "What we learnt from serving speech models"
    one = piece(title, key="id:blog:1")
    assert not judged(one, piece(title, key="id:blog:2", url=THERE_TOO))
    assert judged(one, piece(title, key="id:mirror:1", url=THERE_TOO))


def test_releases_and_models_have_one_page_on_a_site() -> None:
    for kind in ("release", "model", "video", "episode"):
        one = piece("wav2vec-speech-encoder", kind)
        assert not judged(one, replace(one, key="url:x", url="https://a.example.org/2"))
        assert judged(one, replace(one, key="url:x", url=THERE_TOO))
    large = piece("wav2vec-speech-encoder-for-everyone-large", "model")
    assert not judged(large, replace(large, key="url:x", url=THERE_TOO, title=large.title.replace("large", "larger")))


def test_events_are_one_by_name_sort_and_day() -> None:
    one = replace(piece("Interspeech 2027", "event", text=""), due=NOW, signals={"type": "paper"})
    other = replace(one, key="url:x", due=NOW + timedelta(hours=12))
    assert judged(one, other)
    assert not judged(one, replace(other, signals={"type": "abstract"}))
    assert not judged(one, replace(other, due=NOW + timedelta(days=1)))
    assert not judged(replace(one, key="id:ours:1"), replace(other, key="id:ours:2"))
    assert not judged(one, replace(other, title="Interspeech 2028"))
    assert not judged(one, replace(other, due=None))


# --- the traits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["", "x", "\ud800\x00", "语音识别" * 80, "a: b: c", "- - -", "&" * 5000])
@pytest.mark.parametrize("text", ["", "\ud800 " * 90, "x" * 100_000, "one two " * 5000])
def test_odd_texts_do_no_harm(title: str, text: str) -> None:
    odd = replace(PAPER, title=title, summary=text, authors=("", ",", "\ud800", "J", "et al."))
    assert len(traits(odd)) <= 8
    assert traits(odd) == traits(replace(odd, key="url:x"))
    assert all(len(trait) < 32 and trait.isascii() for trait in traits(odd))
    assert same(odd, replace(odd, key="url:x")) in (True, False)


def test_other_works_seldom_share_a_trait() -> None:
    other = replace(PAPER, title="How neural codecs hear the world", summary=OTHER)
    assert not traits(PAPER) & traits(other)
    assert len(traits(PAPER)) == 8


def test_traits_are_quick() -> None:
    many = [replace(PAPER, title=f"{PAPER.title} {n}", summary=TEXT * 5) for n in range(200)]
    begun = time.process_time()
    for entry in many:
        traits(entry)
    assert time.process_time() - begun < 0.2  # 10 000 in less than 10 s on a slow machine; the bench says how many


def test_on_real_papers() -> None:
    if not (ROOT.parent / "shared" / "internet" / "data" / "arxiv.jsonl.gz").is_file():
        pytest.skip("the shared data is not on this machine")
    from bench.likeness import load, near, sample, variants  # after the check: it reads that data

    papers = load("internet/data/arxiv.jsonl.gz")
    assert not [(a.title, b.title) for a, b in near(papers, 0.6) if same(a, b)]
    told = [(paper, again) for paper in sample(papers)[:40] for again in variants(paper)]
    joined = [(a, b) for a, b in told if judged(a, b)]
    assert len(joined) > 0.99 * len(told)
