"""_csfcube: the CSFCube collection (Mysore et al., 2021) and its measures, and what the baselines make of it."""

import gzip
import importlib.util
import json
import math
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.embed import Embedder, SentenceEmbedder
from aggregator.model import Vectors

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data" / "ranking"

Numbers: TypeAlias = NDArray[np.float64]
Figures: TypeAlias = tuple[float, float]
"""nDCG at a fifth of the pool, and average precision, both in percent."""

_BATCH = 64
_PROFILES = 50
"""So many mixed profiles are drawn in each fold."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be ranked: the papers that it asks by, the rows of its pool, their grades, and its fold."""

    asks: tuple[int, ...]
    rows: NDArray[np.intp]
    grades: tuple[int, ...]
    fold: int

    def figures(self, scores: Numbers) -> Figures:
        """How good an order by these scores of the pool is; ties keep the pool's order, as in score.py."""
        scorer = _scorer()
        order = np.argsort(-scores, kind="stable")
        grades = [self.grades[place] for place in order]
        cut = int(0.2 * len(grades))
        best = scorer.dcg(sorted(grades, reverse=True)[:cut])
        found = scorer.dcg(grades[:cut]) / best if best else 0.0
        return 100 * found, 100 * scorer.average_precision([grade >= 2 for grade in grades])


class Collection:
    """The papers, their vectors by an embedder, and the questions. The vectors are kept in the temporary folder."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        with gzip.open(FOLDER / "csfcube.jsonl.gz", "rt", encoding="utf-8") as lines:
            self.papers: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self.row = {paper["id"]: number for number, paper in enumerate(self.papers)}
        self.embedder = embedder or SentenceEmbedder()

    @cached_property
    def texts(self) -> Vectors:
        """A vector per paper, of its title and abstract as the product embeds an entry."""
        return self._embedded("texts", [f"{paper['title']}\n{paper['abstract']}" for paper in self.papers])

    @cached_property
    def titles(self) -> Vectors:
        """A vector per paper, of its title alone, as the product embeds an interest."""
        return self._embedded("titles", [paper["title"] for paper in self.papers])

    @cached_property
    def questions(self) -> list[Question]:
        """The fifty pairs of a paper and a facet."""
        folds = json.loads((FOLDER / "csfcube-folds.json").read_text())["all"]
        first = {name.replace("_", ":") for name in folds["fold1_dev"]}
        return [
            Question((self.row[query.split(":")[0]],), self._rows(pool), tuple(pool.values()), int(query not in first))
            for query, pool in _scorer().QRELS.items()
        ]

    @cached_property
    def mixed(self) -> list[Question]:
        """Profiles of three papers: of a candidate the highest grade counts, and no paper is its own candidate."""
        draw = random.Random(5)
        return [self._together(draw, fold) for fold in (0, 1) for _ in range(_PROFILES)]

    def specter(self) -> list[Figures]:
        """What the published ranking by SPECTER (Cohan et al., 2020) scores on the questions."""
        published = json.loads((FOLDER / "csfcube-specter-ranking.json").read_text())
        found = []
        for query, question in zip(_scorer().QRELS, self.questions, strict=True):
            place = {self.row[paper]: -float(number) for number, paper in enumerate(published[query])}
            found.append(question.figures(np.array([place.get(row, -math.inf) for row in question.rows.tolist()])))
        return found

    def _together(self, draw: random.Random, fold: int) -> Question:
        by_paper = {question.asks: question for question in self.questions if question.fold == fold}
        three = draw.sample(sorted(by_paper), 3)
        asks = tuple(ask for one in three for ask in one)
        grades: dict[int, int] = {}
        for one in three:
            for row, grade in zip(by_paper[one].rows.tolist(), by_paper[one].grades, strict=True):
                grades[row] = max(grade, grades.get(row, 0))
        kept = {row: grade for row, grade in grades.items() if row not in asks}
        return Question(asks, np.array(list(kept)), tuple(kept.values()), fold)

    def _rows(self, pool: Iterable[str]) -> NDArray[np.intp]:
        return np.array([self.row[paper] for paper in pool])

    def _embedded(self, name: str, texts: Sequence[str]) -> Vectors:
        model = f"{self.embedder.model}-{self.embedder.revision}".replace("/", "-")
        kept = Path(tempfile.gettempdir()) / f"bench-csfcube-{model}-{name}.npy"
        if kept.is_file():
            return np.asarray(np.load(kept))
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        parts = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        vectors = np.concatenate([self.embedder.embed([texts[number] for number in part]) for part in parts])
        np.save(kept, vectors[np.argsort(order)])
        return np.asarray(np.load(kept))


def averaged(collection: Collection, query: Vectors, questions: Sequence[Question], *, timed: bool) -> list[Figures]:
    """One averaged profile, as zotero-arxiv-daily has it; `timed` weighs the nth newest with 1 / (1 + log10 n)."""
    found = []
    for question in questions:
        weights = 1 / (1 + np.log10(np.arange(1, len(question.asks) + 1))) if timed else np.ones(len(question.asks))
        cosines = collection.texts[question.rows] @ query[list(question.asks)].T
        found.append(question.figures((cosines @ (weights / weights.sum())).astype(float)))
    return found


def support_vectors(
    collection: Collection, asked: Callable[[int], str], questions: Sequence[Question]
) -> list[Figures]:
    """TF-IDF and a linear SVM, one positive per paper asked by, all else negative, as arxiv-sanity-lite has it."""
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    model = TfidfVectorizer(
        strip_accents="unicode", stop_words="english", token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
        ngram_range=(1, 2), max_features=20_000, sublinear_tf=True,
    )  # fmt: skip
    words = model.fit_transform([f"{paper['title']} {paper['abstract']}" for paper in collection.papers])
    kept: dict[tuple[int, ...], Numbers] = {}
    for asks in {question.asks for question in questions}:
        rest = np.setdiff1d(np.arange(len(collection.papers)), asks)
        positive = model.transform([asked(ask) for ask in asks])
        judge = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
        judge.fit(vstack([positive, words[rest]]), np.r_[np.ones(len(asks)), np.zeros(len(rest))])
        kept[asks] = judge.decision_function(words)
    return [question.figures(kept[question.asks][question.rows]) for question in questions]


def _scorer() -> ModuleType:
    if not _LOADED:
        spec = importlib.util.spec_from_file_location("csfcube_score", FOLDER / "score.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(FOLDER / "score.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _LOADED.append(module)
    return _LOADED[0]


_LOADED: list[ModuleType] = []
