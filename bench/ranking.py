"""ranking: the product's score against those of its peers, on the expert grades of CSFCube.

Three tasks: a paper as a seed, its title as an interest, and profiles of three papers. The figures that stand before
the kinds of evidence are chosen on one fold and reported on the other, both ways ("cross-validated"); "tuned on all" is
what they would be if chosen on what they are reported on, "as shipped" those of `aggregator.rank.weights`. Without the
data in ../shared there is nothing to measure.
"""

import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np

from aggregator.model import Candidate, Entry, Profile, Seed
from aggregator.rank import WEIGHTS, Pool, Taste, Weights, scores
from bench import Row
from bench._csfcube import FOLDER, Collection, Figures, Question, averaged, support_vectors

_NOW = datetime(2025, 7, 10, tzinfo=UTC)
_OURS = "aggregator"

_SEED_GRID = [replace(WEIGHTS, seed_words=words) for words in (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)]
_INTEREST_GRID = [
    replace(WEIGHTS, interest_words=words, nearest=nearest, widening=widening)
    for words, nearest, widening in product((0.0, 0.1, 0.2, 0.3, 0.4), (10, 20, 30), (0.0, 0.6, 1.0, 1.5))
]


def run() -> list[Row]:
    """The three tasks, every system in each."""
    if not FOLDER.is_dir():
        print(f"bench ranking: nothing measured, there is no {FOLDER}", file=sys.stderr)
        return []
    return measured(Collection())


def measured(collection: Collection) -> list[Row]:
    """The same for a collection whose vectors may be of another embedder."""
    pool = _pool(collection)
    texts, titles = collection.texts, collection.titles
    rows: list[Row] = []
    single, mixed = collection.questions, collection.mixed
    whole, title = _text(collection), _title(collection)
    by_seed, by_interest = _seeds(collection, pool), _interests(collection, pool)
    for task, questions, query, said, grid, ours in (
        ("paper as a seed", single, texts, whole, _SEED_GRID, by_seed),
        ("title as an interest", single, titles, title, _INTEREST_GRID, by_interest),
        ("three papers as seeds", mixed, texts, whole, _SEED_GRID, by_seed),
        ("three titles as interests", mixed, titles, title, _INTEREST_GRID, by_interest),
    ):
        rows += _rows(task, "TF-IDF with linear SVM", support_vectors(collection, said, questions))
        name = "plain cosine" if questions is single else "averaged profile"
        rows += _rows(task, name, averaged(collection, query, questions, timed=False))
        if questions is mixed:
            rows += _rows(task, "time-weighted profile", averaged(collection, query, questions, timed=True))
        if task == "paper as a seed":
            rows += _rows(task, "SPECTER", collection.specter())
        rows += _ours(task, questions, grid, ours)
    return rows


def _pool(collection: Collection) -> Pool:
    entries = [
        Entry(
            key=f"id:csfcube:{paper['id']}", kind="paper", title=paper["title"], summary=paper["abstract"], url="",
            published=_NOW,
        )
        for paper in collection.papers
    ]  # fmt: skip
    asked = [collection.papers[ask]["title"] for question in collection.questions for ask in question.asks]
    candidates = [Candidate(entry=entry, sightings=()) for entry in entries]
    return Pool(candidates, collection.texts, store=collection.texts, phrases=asked)


def _text(collection: Collection) -> Callable[[int], str]:
    return lambda row: f"{collection.papers[row]['title']} {collection.papers[row]['abstract']}"


def _title(collection: Collection) -> Callable[[int], str]:
    return lambda row: str(collection.papers[row]["title"])


_Scored = Callable[[Sequence[Question], Weights], list[Figures]]


def _seeds(collection: Collection, pool: Pool) -> _Scored:
    """The papers of each question as seeds of a profile that has nothing else."""

    def scored(questions: Sequence[Question], weights: Weights) -> list[Figures]:
        return _figures(pool, [_of_seeds(collection, question) for question in questions], questions, weights)

    return scored


def _of_seeds(collection: Collection, question: Question) -> Taste:
    papers = [collection.papers[ask] for ask in question.asks]
    return Taste(
        profile=_profile(()),
        interests=collection.texts[:0],
        seeds=[Seed(key=paper["id"], title=paper["title"], summary=paper["abstract"]) for paper in papers],
        seed_vectors=collection.texts[list(question.asks)],
    )


def _interests(collection: Collection, pool: Pool) -> _Scored:
    """The titles of each question as interests; the store by which they are widened holds no paper asked by."""
    without = copy.copy(pool)
    without.store = np.delete(collection.texts, [ask for one in collection.questions for ask in one.asks], axis=0)

    def scored(questions: Sequence[Question], weights: Weights) -> list[Figures]:
        tastes = [
            Taste(
                profile=_profile(tuple(collection.papers[ask]["title"] for ask in question.asks)),
                interests=collection.titles[list(question.asks)],
            )
            for question in questions
        ]
        return _figures(without, tastes, questions, weights)

    return scored


def _figures(pool: Pool, tastes: Sequence[Taste], questions: Sequence[Question], weights: Weights) -> list[Figures]:
    found = scores(pool, tastes, weights)
    return [question.figures(row[question.rows].astype(float)) for question, row in zip(questions, found, strict=True)]


def _profile(interests: tuple[str, ...]) -> Profile:
    return Profile(name="bench", email=(), schedule="weekly mon 08:00", timezone="UTC", interests=interests)


def _ours(task: str, questions: Sequence[Question], grid: Sequence[Weights], scored: _Scored) -> list[Row]:
    table = np.array([scored(questions, weights) for weights in grid])
    folds = np.array([question.fold for question in questions])
    chosen = [int(table[:, folds == fold, 0].mean(axis=1).argmax()) for fold in (0, 1)]
    pooled = table[[chosen[1 - fold] for fold in folds], np.arange(len(questions))]
    best = int(table[:, :, 0].mean(axis=1).argmax())
    shipped = scored(questions, WEIGHTS)
    for name, one in (("fold 1", chosen[0]), ("fold 2", chosen[1]), ("all", best)):
        print(f"bench ranking: {task}: chosen on {name}: {_told(grid[one])}", file=sys.stderr)
    rows = _rows(task, f"{_OURS}, cross-validated", pooled.tolist())
    rows += _rows(task, f"{_OURS}, tuned on all", table[best].tolist())
    return rows + _rows(task, f"{_OURS}, as shipped", shipped)


def _told(weights: Weights) -> str:
    names = ("seed_words", "interest_words", "nearest", "widening")
    return ", ".join(f"{name} {getattr(weights, name)}" for name in names)


def _rows(task: str, system: str, figures: Sequence[Figures]) -> list[Row]:
    ndcg, precision = np.mean(figures, axis=0)
    return [
        Row(bench="ranking", task=task, system=system, metric="nDCG@20%", value=float(ndcg)),
        Row(bench="ranking", task=task, system=system, metric="MAP", value=float(precision)),
    ]
