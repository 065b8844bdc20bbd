"""acronyms: short names and what they stand for, so that "ASR" finds "automatic speech recognition" and the reverse."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

Spoken: TypeAlias = Mapping[str, Sequence[tuple[tuple[str, ...], str]]]
"""By their first word: runs of words, and the one word that they count as too."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "aec": ("acoustic echo cancellation", "echo cancellation"),
    "asr": ("automatic speech recognition", "speech recognition", "speech-to-text"),
    "asv": ("automatic speaker verification", "speaker verification"),
    "gan": ("generative adversarial network", "generative adversarial networks"),
    "gnn": ("graph neural network", "graph neural networks"),
    "kws": ("keyword spotting", "wake word detection"),
    "llm": ("large language model", "large language models", "llms"),
    "lm": ("language model", "language models", "lms"),
    "mir": ("music information retrieval",),
    "mos": ("mean opinion score", "mean opinion scores"),
    "mt": ("machine translation",),
    "ner": ("named entity recognition",),
    "nlp": ("natural language processing",),
    "rag": ("retrieval augmented generation", "retrieval-augmented generation"),
    "rl": ("reinforcement learning",),
    "rlhf": ("reinforcement learning from human feedback",),
    "rnnt": ("rnn-t", "rnn transducer", "neural transducer"),
    "sed": ("sound event detection",),
    "ser": ("speech emotion recognition",),
    "slu": ("spoken language understanding",),
    "ssl": ("self-supervised learning", "self supervised learning"),
    "st": ("speech translation",),
    "svs": ("singing voice synthesis",),
    "tts": ("text-to-speech", "text to speech", "speech synthesis"),
    "vad": ("voice activity detection", "speech activity detection"),
    "vc": ("voice conversion",),
    "vlm": ("vision-language model", "vision-language models", "vlms"),
    "wer": ("word error rate", "word error rates"),
}
"""Those of the field, with the shorter ways in which the same is said."""

_INTRODUCED = re.compile(r"(?<=\w )\(([A-Z][A-Za-z]{1,6})\)")
_BEFORE = re.compile(r"[\w -]*$")
_REACH = 90
"""A long form stands within so many characters before its acronym."""
_WORD = re.compile(r"\w[\w-]+")
_SEEN = 2


def introduced(texts: Iterable[str]) -> dict[str, str]:
    """What the texts themselves say: "voice activity detection (VAD)", in at least two of them; acronym → long form.

    A long form is the run of words whose initials are the acronym (a plain case of Schwartz and Hearst, PSB 2003); of
    several the commonest.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for match in _INTRODUCED.finditer(text):
            short = (match[1][:-1] if match[1][-1] == "s" else match[1]).lower()
            before = _BEFORE.search(text[max(0, match.start() - _REACH) : match.start()].lower())
            if before and (form := _form(before[0].split(), short)):
                found[short][form] += 1
    best = {short: forms.most_common(1)[0] for short, forms in found.items()}
    return {short: form for short, (form, count) in best.items() if count >= _SEEN}


def _form(words: Sequence[str], short: str) -> str:
    """The last words whose initials are `short`; "" if there are none. A hyphen parts words."""
    for first in range(len(words)):
        run = words[first:]
        if len(short) > 1 and "".join(part[:1] for word in run for part in word.split("-")) == short:
            return " ".join(run)
    return ""


def spoken(learnt: Mapping[str, str], phrases: Sequence[str] = ()) -> Spoken:
    """What runs of words count as: the long forms as their acronym, the pairs of words of `phrases` as themselves."""
    runs: dict[tuple[str, ...], str] = {}
    for short, form in learnt.items():
        runs.setdefault(tuple(_WORD.findall(form)), short)
    for short, forms in KNOWN.items():
        runs |= {tuple(_WORD.findall(form)): short for form in forms}
    for phrase in phrases:
        words = _WORD.findall(phrase.lower())
        for pair in pairwise(words):
            runs.setdefault(pair, " ".join(pair))
    table: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for run, name in runs.items():
        if run:
            table[run[0]].append((run, name))
    return dict(table)


def counted_as(words: Sequence[str], table: Spoken) -> list[str]:
    """What the runs of words in a text count as, as often as they stand there."""
    return [
        name
        for place, word in enumerate(words)
        if word in table
        for run, name in table[word]
        if tuple(words[place : place + len(run)]) == run
    ]
