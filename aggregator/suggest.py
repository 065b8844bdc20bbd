"""suggest: interests that a reader's own works speak of: clusters of vectors, named by their most telling phrases.

Clusters are made by agglomeration with average linkage on cosine distance; a phrase tells of a cluster as its words
stand in the works of that cluster and not in the others (TF-IDF over clusters, as in BERTopic, arXiv:2203.05794).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from aggregator.model import Seed, Vectors

_APART = 0.45
"""Cosine distance from which on two groups are two subjects, for the default model's vectors of title and abstract."""

_MOST_WORKS = 2000
_LONGEST = 3
_WORTH = (0.0, 0.35, 1.0, 1.1)
"""What a phrase of one, two and three words is worth: a single word hardly tells a subject."""

_SHARE = 0.25
_RARE = 0.3
"""A phrase that fewer than a quarter of the works have is worth so much of another."""

_LOOKED_AT = 40
_COVERED = 0.6
"""Cosine of a cluster's centre to an interest from which on the interest speaks of it already."""

_PIECES = re.compile(r"[^\w\s'’/+-]+|\s[-–—]\s|\n")
_WORD = re.compile(r"\w[\w+/-]*\w|\w")
_SENTENCES_SAY = frozenset(
    re.findall(
        r"\S+",
        """ability able accuracy achieve achieved achieves achieving across additional additionally address addresses
        addressing advanced aim aims allow allows analysis apply applied approach approaches article available based
        baseline baselines benchmark benchmarks better best bridge build building capability capabilities capture case
        challenge challenges challenging code combine combined compare compared comparable comparison complex
        comprehensive conduct consider contribution contributions current data dataset datasets demonstrate
        demonstrated demonstrates demonstrating design designed despite develop developed different difficult diverse
        domain due effect effective effectively effectiveness efficient efficiently employ enable enables enabling
        enhance enhanced ensure especially essential et al evaluate evaluated evaluation evaluations evidence existing
        experiment experimental experiments explore explored extensive extract features feature field findings focus
        framework frameworks furthermore future general generate generated generates goal good handle help high higher
        highly however identify impact implement important improve improved improvement improvements improves improving
        include includes including increase incorporate indicate information input insights integrate introduce
        introduced introduces introducing investigate issue issues key known lack large larger latest learn learned
        leading leverage leverages leveraging limited limitation limitations low lower main make making maintain
        measure method methods methodology model modeling models moreover multiple need needs new notably novel number
        numerous observe obtain obtained offer offers often open outperform outperforms outperforming output overall
        paper papers particular particularly perform performance performs performing popular possible potential
        practical present presented presents previous previously prior problem problems process produce promising
        propose proposed proposes proposing provide provided provides providing public publicly purpose quality range
        rate recent recently reduce reduced reduces reducing related release rely remain remains remarkable report
        require required requires research researchers respectively result resulting results reveal robust set several
        show showed showing shown shows significant significantly similar simple simultaneously single small solution
        solutions solve specific specifically state-of-the-art strategy strong study studies suggest superior
        support system systems task tasks technique techniques test thereby thorough thus time tool total traditional
        train trained training typically understand understanding unique use used useful user users uses using utilize
        utilized utilizing validate value various various version via way well wide widely work works world years yet
        yield yields""",
    )
)
_EVERYWHERE = frozenset({
    "artificial intelligence", "computational complexity", "computational cost", "computer interaction",
    "deep learning", "deep neural network", "human-computer interaction", "machine learning", "neural network",
    "real-world scenario",
})  # fmt: skip
"""Names of things that tell no subject, as stems."""

_STOP = frozenset(ENGLISH_STOP_WORDS) | _SENTENCES_SAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An interest to take up: its words, the works it is made of, the nearest to its middle first, and their number.

    `covered` is an interest of the reader that speaks of it already, or "".
    """

    text: str
    works: tuple[Seed, ...]
    covered: str = ""


def suggest(
    works: Sequence[Seed], vectors: Vectors, interests: Sequence[str] = (), held: Vectors | None = None, most: int = 8
) -> list[Suggestion]:
    """At most `most` interests, those that no interest covers first, then by the number of works.

    `vectors` has a row per work, shape (n, dim), `held` one per interest of the reader, shape (m, dim). A work that is
    like no other makes no interest, unless there are fewer than four; of more than 2000 works the last 2000 are taken.
    """
    works, vectors = works[-_MOST_WORKS:], vectors[-_MOST_WORKS:]
    if not works:
        return []
    labels = _clusters(vectors)
    least = 1 if len(works) < 4 else 2
    groups = [rows for label in range(int(labels.max()) + 1) if len(rows := np.flatnonzero(labels == label)) >= least]
    found = []
    for rows, text in zip(groups, _names(works, groups), strict=True):
        centre = vectors[rows].mean(axis=0)
        centre /= np.linalg.norm(centre) or 1
        nearest = rows[np.argsort(-(vectors[rows] @ centre), kind="stable")]
        if text:
            members = tuple(works[row] for row in nearest)
            found.append(Suggestion(text=text, works=members, covered=_covered(centre, interests, held)))
    return sorted(found, key=lambda one: (bool(one.covered), -len(one.works), one.text))[:most]


def _clusters(vectors: Vectors) -> NDArray[np.int64]:
    """The number of the cluster of each row."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    machine = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=_APART)
    labels: NDArray[np.int64] = machine.fit_predict(vectors.astype(np.float64))
    return labels


def _names(works: Sequence[Seed], groups: Sequence[NDArray[np.int64]]) -> list[str]:
    """The most telling phrases of each group, "" where there is none."""
    written: dict[str, Counter[str]] = {}
    texts = [_phrases(work, written) for work in works]
    if not groups or not any(texts):
        return [""] * len(groups)
    reader = DictVectorizer()
    counts = reader.fit_transform(texts)
    phrases = [written[name].most_common(1)[0][0] for name in reader.get_feature_names_out()]
    held = np.vstack([np.asarray(counts[rows].sum(axis=0)).ravel() for rows in groups])
    works_with = np.vstack([np.diff(counts[rows].tocsc().indptr) for rows in groups])
    sizes = np.array([len(rows) for rows in groups], dtype=float)[:, None]
    elsewhere = (np.asarray(counts.sum(axis=0)).ravel() - held + 0.5) / (len(works) - sizes + 1)
    longer = np.array([_WORTH[min(_parts(phrase), _LONGEST)] for phrase in phrases])
    scores = held / sizes * np.log1p(held / sizes / elsewhere) * longer
    scores[works_with < np.minimum(2, sizes)] = 0
    scores[works_with < _SHARE * sizes] *= _RARE
    best = np.argsort(-scores, axis=1, kind="stable")[:, :_LOOKED_AT]
    return [
        _joined([phrases[place] for place in places if row[place] > 0])
        for row, places in zip(scores, best, strict=True)
    ]


def _joined(phrases: Sequence[str]) -> str:
    """The first phrase, and the next of two words that are all its own, with a comma between."""
    told = list(phrases[:1])
    for phrase in phrases[1:]:
        said = {_stem(word) for one in told for word in re.split(r"[ -]", one)}
        if " " in phrase and not said & {_stem(word) for word in re.split(r"[ -]", phrase)}:
            told.append(phrase)
            break
    return ", ".join(told)


def _phrases(work: Seed, written: dict[str, Counter[str]]) -> dict[str, float]:
    """The runs of up to three words that may be names of things, one in the title counts twice.

    `written` is told how each is spelt; it stands for all spellings, with and without a plural's end.
    """
    found: dict[str, float] = {}
    for text, weight in ((work.summary, 1.0), (work.title, 2.0)):
        for phrase in _runs(text):
            name = _stem(phrase)
            found[name] = weight
            written.setdefault(name, Counter())[phrase] += 1
    return found


def _runs(text: str) -> Iterator[str]:
    for piece in _PIECES.split(text):
        words = [word if _is_acronym(word) else word.casefold() for word in _WORD.findall(piece)]
        for start in range(len(words)):
            for end in range(start + 1, min(start + _LONGEST, len(words)) + 1):
                if not _is_name(words[end - 1]):
                    break
                phrase = " ".join(words[start:end])
                if _stem(phrase) not in _EVERYWHERE:
                    yield phrase


def _is_acronym(word: str) -> bool:
    return any(sum(letter.isupper() for letter in part) > 1 for part in re.split("[-/]", word))


def _parts(phrase: str) -> int:
    return len(re.split(r"[ -]", phrase))


def _is_name(word: str) -> bool:
    """Whether a word may stand in the name of a thing."""
    folded = word.casefold()
    return (
        len(word) > 1
        and folded not in _STOP
        and not folded.replace("-", "").isdigit()
        and not (folded.endswith("ly") and len(folded) > 4)
    )


def _stem(word: str) -> str:
    return re.sub(r"(?<=[a-rt-z])s$", "", word.casefold())


def _covered(centre: NDArray[np.float32], interests: Sequence[str], held: Vectors | None) -> str:
    if held is None or not interests:
        return ""
    cosines = held @ centre
    best = int(np.argmax(cosines))
    return interests[best] if cosines[best] >= _COVERED else ""
