"""weights: how much each kind of evidence may add to a score; the figures that bench/ranking.py chose or confirmed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What is near is `stretch` × (cosine of a phrase and a paper's text - `zero`).

    So a score is on a scale of its own (bench/study.py): of the works at 0.3 one in twelve is of the topic, at 0.5
    every second, from 0.7 on nearly all; and no order is changed by it.

    `interest_words` and `seed_words` stand before the TF-IDF cosine. `seed_level` is taken off the cosine with a seed:
    two papers of one field are nearer to each other than a phrase is to either (on CSFCube by 0.07 to 0.08 at every
    quantile from the median to the highest 1 in 200), and `min_score` must mean the same of both. `nearest` entries
    widen an interest of at most `short` words, `widening` times as heavy as itself. `muted_topic` is the sum of the
    cosines of meaning and words from which on an entry is of a muted topic (bench/muting.py: of ten topics over six
    months of audio papers it takes away seven tenths of what bears the topic in its title, and of ten works that it
    takes away nine say the topic themselves). The others are the most that one kind of evidence adds.
    """

    zero: float = 0.25
    stretch: float = 2.0
    interest_words: float = 0.2
    seed_words: float = 0.6
    seed_level: float = 0.08
    nearest: int = 20
    widening: float = 1.0
    short: int = 24
    muted_topic: float = 0.6
    keyword: float = 0.2
    keyword_in_title: float = 0.3
    author: float = 0.4
    venue: float = 0.1
    popular: float = 0.15
    fresh: float = 0.02
    answers: float = 1.5


WEIGHTS = Weights()
