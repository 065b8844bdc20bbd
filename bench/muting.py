"""muting: what muted topics take away by meaning, and what they take away wrongly, on the box's audio papers.

Ten topics, each muted alone by a reader with five interests. What ought to go is what names the topic in its title, by
a pattern of the ways in which it is said; wrongly gone is what names it neither there nor in the abstract. Without the
data in ../shared there is nothing to measure.
"""

import re

import numpy as np

from aggregator.embed import SentenceEmbedder
from aggregator.model import Profile
from aggregator.rank import Pool, Taste, ranked
from bench import Row, _box

TOPICS = {
    "music generation": r"music(al)? (generation|composition|synthesis)|text-to-music|symbolic music gen"
    r"|generat\w+ (of )?music",
    "audio deepfake detection": r"deepfake|spoof",
    "speech emotion recognition": r"emotion",
    "speaker diarization": r"diari[sz]ation",
    "singing voice synthesis": r"singing",
    "text-to-speech synthesis": r"text-to-speech|\btts\b|speech synthesis",
    "bird sound classification": r"\bbird|bioacoustic|animal|whale|wildlife",
    "speech enhancement and noise suppression": r"speech enhancement|denois|noise suppression|dereverb",
    "audio captioning": r"caption",
    "speech translation": r"speech(-to-\w+)? translation|speech-to-speech trans",
}
"""Ten topics, each with a pattern of the ways in which it is said."""

_INTERESTS = (
    "streaming speech recognition", "neural audio codecs and speech tokens", "spoken language models",
    "sound event detection", "keyword spotting",
)  # fmt: skip


def run() -> list[Row]:
    """For each topic and on average: how much of what ought to go is gone, and how much of what is gone ought to be."""
    papers = _box.papers("muting")
    if not papers:
        return []
    embedder = SentenceEmbedder()
    pool = Pool([_box.candidate(paper) for paper in papers], _box.vectors(embedder, papers))
    interests, topics = embedder.embed(_INTERESTS), embedder.embed(list(TOPICS))
    rows, figures = [], []
    for number, (topic, said) in enumerate(TOPICS.items()):
        profile = Profile(
            name="bench", email=(), schedule="daily 07:00", timezone="UTC", interests=_INTERESTS, muted_topics=(topic,)
        )
        taste = Taste(profile=profile, interests=interests, muted_topics=topics[number : number + 1])
        kept = {item.entry.key for item in ranked(pool, taste)}
        gone = [paper for paper in papers if paper["id"] not in kept]
        wanted = [paper for paper in papers if re.search(said, paper["title"], re.IGNORECASE)]
        right = [paper for paper in gone if re.search(said, f"{paper['title']} {paper['abstract']}", re.IGNORECASE)]
        caught = sum(paper["id"] not in kept for paper in wanted) / max(1, len(wanted))
        figures.append((caught, len(right) / max(1, len(gone)), float(len(gone))))
        rows += _rows(topic, *figures[-1])
    return rows + _rows("mean of the ten", *np.mean(figures, axis=0).tolist())


def _rows(topic: str, caught: float, right: float, gone: float) -> list[Row]:
    figures = {"of the topic, gone, %": 100 * caught, "rightly gone, %": 100 * right, "gone": gone}
    return [Row(bench="muting", task=topic, system="aggregator", metric=name, value=n) for name, n in figures.items()]
