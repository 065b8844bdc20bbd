"""worth: which sentences of an abstract say most of what was done and what came out. Pure.

A sentence is worth its centrality, the mean cosine to the other sentences of its text (the degree centrality of
LexRank, Erkan and Radev 2004, https://doi.org/10.1613/jair.1523, on embeddings in the place of TF-IDF; TextRank,
Mihalcea and Tarau 2004, iterates the same graph, which on a dozen sentences changes next to nothing), and its cues: the
words by which authors claim what they did and what came of it (Edmundson 1969, https://doi.org/10.1145/321510.321519;
Teufel and Moens 2002, https://doi.org/10.1162/089120102762671936). The second sentence is chosen for what the first
does not say (maximal marginal relevance, Carbonell and Goldstein 1998, https://doi.org/10.1145/290941.291025).
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Vectors

_MOST = 4
"""Sentences that are chosen: two are shown, the further ones stand in for one that is too long."""

_VERBS = (
    r"(?:propos|introduc|present|develop|design|describ|investigat|stud(?:y|ies|ied)|explor|examin|analy[sz]|evaluat|"
    r"buil[dt]|releas|collect|train|address|argu|formulat|adapt|extend|appl(?:y|ies|ied)|compar|revisit|benchmark|"
    r"report|conduct|creat|construct|us(?:e|es|ed|ing)\b|leverag|tackl|unif(?:y|ies)|offer|fine-tun|survey|review)"
)
_OURS = r"(?:method|approach|framework|model|system|work|paper|contribution|algorithm)"
_DID = re.compile(
    rf"\b(?:we|our {_OURS}|this (?:paper|work|article|study|report|letter|survey)|the (?:paper|authors?))\b.{{0,50}}?\b"
    rf"{_VERBS}|\b(?:is|are) (?:proposed|introduced|presented)\b|\b(?:a|an) (?:novel|new)\b",
    re.IGNORECASE,
)
_CLAIM = re.compile(r"\b(?:propos|introduc|present)(?:e|es|ing|s)?\b", re.IGNORECASE)
_DETAIL = re.compile(
    r"^(?:first|second|third|then|next|additional|further|moreover|specifically|in particular|finally|also|to further)",
    re.IGNORECASE,
)
"""How a sentence begins that goes on with what another one began."""

_CAME_OUT = re.compile(
    r"\b(?:outperform|surpass|exceed|achiev|attain|results?\b(?! from)|experiments?\b|improv|reduc|gains?\b|superior|"
    r"state-of-the-art|competitive|findings?\b|we (?:also )?(?:find|found|show|observe)\b|reveal|demonstrat|yield|"
    r"lowers?\b|comparable|effective|indicat|suggest)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d(?:[\d,]*\.\d+|\d+)?\s?(?:%|×|x\b|dB|points?\b|times\b|fold\b|ms\b)|\b\d+\.\d+\b")
_BACKGROUND = re.compile(
    r"^(?:however|recent|in recent|despite|although|while|tradition|existing|previous|prior|most|many|current|with the"
    r"|the (?:rapid|growing|increasing)|as (?:the|a)|unfortunately|nevertheless)|\b(?:remains?|challenging|widely|"
    r"crucial|ha(?:s|ve) (?:been|become|emerged|shown|recently)|essential|often|typically|suffer|struggle|rely)\b",
    re.IGNORECASE,
)
_WARES = r"\b(?:code|data ?sets?|data|models?|demos?|samples?|pages?|checkpoints?|weights)\b"
_AFTERWORD = re.compile(
    rf"{_WARES}.*\b(?:available|releas|public|open-sourc|https?:|github)|\breleas\w* .{{0,40}}{_WARES}|https?://|"
    r"^(?:project|demo|code)\b|\b(?:accepted|submitted) (?:to|at|by|for)\b",
    re.IGNORECASE,
)

_DETAIL_TAKES = 0.12
_DID_ADDS, _CLAIM_ADDS, _CAME_OUT_ADDS, _NUMBER_ADDS = 0.25, 0.12, 0.22, 0.12
_BACKGROUND_TAKES, _AFTERWORD_TAKES, _LONG_TAKES = 0.15, 0.5, 0.15
_LONG, _TELLING_ADDS, _SAME_TAKES, _LATER_ADDS = 220, 0.15, 0.35, 0.1


def gist(sentences: Sequence[str], vectors: Vectors, telling: int | None = None) -> tuple[int, ...]:
    """The places of the sentences that say most, best first: what was done, what came out, and two to stand in.

    `vectors` has a row per sentence, shape (n, dim). `telling` is the place of the sentence that the reader cares for
    most, which counts a little more. Of equals the earlier one.
    """
    if not sentences:
        return ()
    near = vectors @ vectors.T
    worth = _centrality(near) + _common(sentences)
    did, came_out = _did(sentences), _came_out(sentences)
    if telling is not None:
        (did if did[telling] > came_out[telling] else came_out)[telling] += _TELLING_ADDS
    first = int(np.argmax(worth + did))
    others = worth + came_out - _SAME_TAKES * near[first]
    others[first + 1 :] += _LATER_ADDS  # what came out stands behind what was done
    order = [place for place in np.argsort(-others, kind="stable").tolist() if place != first]
    return (first, *order[: _MOST - 1])


def _centrality(near: Vectors) -> NDArray[np.float64]:
    number = len(near)
    return np.asarray((near.sum(axis=1, dtype=np.float64) - 1) / max(number - 1, 1))


def _common(sentences: Sequence[str]) -> NDArray[np.float64]:
    """What a sentence gains or loses whatever it is wanted for."""
    takes = [
        _BACKGROUND_TAKES * bool(_BACKGROUND.search(one))
        + _AFTERWORD_TAKES * bool(_AFTERWORD.search(one))
        + _LONG_TAKES * min(max(len(one) / _LONG - 1, 0.0), 1.0)
        for one in sentences
    ]
    return -np.array(takes, dtype=np.float64)


def _did(sentences: Sequence[str]) -> NDArray[np.float64]:
    adds = [
        (_DID_ADDS + _CLAIM_ADDS * bool(_CLAIM.search(one))) * bool(_DID.search(one))
        - _DETAIL_TAKES * bool(_DETAIL.search(one))
        for one in sentences
    ]
    return np.array(adds, dtype=np.float64)


def _came_out(sentences: Sequence[str]) -> NDArray[np.float64]:
    adds = [
        _CAME_OUT_ADDS * min(len(set(map(str.lower, _CAME_OUT.findall(one)))), 2) / 1.5
        + _NUMBER_ADDS * bool(_NUMBER.search(one))
        for one in sentences
    ]
    return np.array(adds, dtype=np.float64)
