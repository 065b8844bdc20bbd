"""Simulated readers of the papers of the small internet: what they wrote, and what they want.

What a reader wants is hidden, and is no figure that the ranking is made of: some want what names certain things, as
patterns say; the others want two topics that go together, of those that a factorisation of word counts (Lee and Seung,
1999) finds in all papers, and wrote three words of the first. What is written is vague, or a part of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Entry

Grades: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader: the interest that they wrote, and how much they want each paper, 0 to 2, shape (n,)."""

    interest: str
    wants: Grades


@dataclass(frozen=True, slots=True)
class Group:
    """Readers of one kind: what is written, and the patterns of what is wanted; and how the topics are found.

    What a pattern finds in a title is wanted very much, what it finds in an abstract too.
    """

    words: Mapping[str, tuple[str, str]]
    topics: int
    start: str
    seed: int


CHOSEN_ON = Group(
    words={
        "keyword spotting": (
            r"wake.?word|keyword spotting|voice command",
            r"on-device|edge device|microcontroller|quantiz",
        ),
        "speech translation": (r"speech(-to-speech|-to-text)? translation|simultaneous", r"code-?switch|low-resource"),
        "voices": (r"speaker verif|speaker recog|speaker embed", r"anonymi[sz]|voice privacy"),
        "singing": (r"singing|vocal", r"lyric|cover song"),
        "spatial sound": (r"spatial audio|binaural|ambisonic|hrtf", r"localization|direction of arrival|beamform"),
        "feelings in speech": (r"emotion", r"sarcas|laughter|empath|paralinguistic"),
        "pronunciation": (r"pronunciation|phoneme|l2 speech|accent", r"child(ren)?'?s? speech|language learn"),
        "sound effects": (
            r"text-to-audio|sound effect|foley|audio generation",
            r"audio edit|inpaint|super-?resolution",
        ),
        "images from text": (r"text-to-image|image generation", r"image edit|personali[sz]"),
        "long context": (r"long[- ]context|kv cache|context window", r"speculative|inference (speed|accel|effic)"),
        "robots": (r"robot|vision-language-action|embodied", r"navigation|manipulation"),
        "benchmarks": (r"benchmark for|benchmarking|evaluation suite", r"hallucinat|factual"),
    },
    topics=80,
    start="nndsvda",
    seed=0,
)
"""Those that the figures in rank/answers.py were chosen on."""

OTHERS = Group(
    words={
        "music transcription": (r"transcription|beat track|chord|melody extract", r"score|symbolic music|midi"),
        "hearing": (r"speech enhancement|hearing aid|dereverb|noise suppress", r"separation|cocktail"),
        "fake voices": (r"deepfake|spoof|anti-spoof", r"watermark|synthetic speech"),
        "voice conversion": (r"voice conversion|voice cloning|zero-shot tts", r"prosod|style"),
        "animal sounds": (r"bioacoust|bird|animal|whale", r"few-shot|environmental sound"),
        "audio questions": (r"audio question|audio reasoning|audio-language|large audio", r"caption"),
        "video": (r"video generation|text-to-video", r"talking head|lip"),
        "agents": (r"agent", r"tool use|web|gui"),
        "mathematics": (r"math|theorem|proof", r"reward|verifier"),
        "diarization": (r"diari[sz]ation|meeting", r"overlap|multi-talker|speaker count"),
    },
    topics=56,
    start="nndsvdar",
    seed=11,
)
"""Readers that no figure was chosen on."""


def by_words(papers: Sequence[Entry], group: Group) -> list[Reader]:
    """Readers who want what names certain things."""
    readers = []
    for interest, wanted in group.words.items():
        pattern = re.compile("|".join(wanted), re.IGNORECASE)
        grades = [2 if pattern.search(one.title) else 1 if pattern.search(one.summary) else 0 for one in papers]
        readers.append(Reader(interest, np.array(grades)))
    return readers


def by_topics(papers: Sequence[Entry], group: Group) -> list[Reader]:
    """Readers who want two topics that go together, and wrote three words of the first."""
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import CountVectorizer

    counted = CountVectorizer(stop_words="english", min_df=8, max_df=0.15, token_pattern=r"[^\W\d_][\w-]+")
    texts = [f"{paper.title}\n{paper.title}\n{paper.summary}" for paper in papers]
    counts = counted.fit_transform(texts).astype(np.float32)
    model = NMF(
        group.topics,
        init=group.start,
        beta_loss="kullback-leibler",
        solver="mu",
        max_iter=60,
        tol=0,
        random_state=group.seed,
    )
    with catch_warnings():
        simplefilter("ignore")  # it says that sixty rounds are few
        amounts = model.fit_transform(counts) * model.components_.sum(axis=1)
    shares = amounts / amounts.sum(axis=1, keepdims=True)
    words = counted.get_feature_names_out()[np.argsort(-model.components_, axis=1)[:, :3]]
    at_all = shares > 0.1
    common = at_all.sum(axis=0)
    together = (at_all.T.astype(float) @ at_all) / np.outer(common, common)
    together[:, common <= 60] = 0
    np.fill_diagonal(together, 0)
    distinct = ((shares > 0.3).sum(axis=0) >= 38) & ((shares > 0.5).sum(axis=0) >= 9)
    readers = []
    for topic in np.flatnonzero(distinct):
        both = shares[:, topic] + shares[:, together[topic].argmax()]
        readers.append(Reader(" ".join(words[topic]), (both >= 0.25).astype(int) + (both >= 0.4)))
    return readers
