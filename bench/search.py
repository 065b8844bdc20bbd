"""search: how well words, meaning and both find what experts graded, and how long a search takes.

Quality: the titles of CSFCube's query papers are searched for in all 4 205 papers, by the product's own search; beside
it stand words alone, the plain cosine, and reciprocal rank fusion (Cormack et al., 2009) of the two with k = 60. It is
left out without the data in ../shared. Time: 100 000 entries made of common words, with vectors that are random;
the model's own time is not in it. Taking in: a thousand entries with the index of words, and without it.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from aggregator.model import Batch, Entry, Vectors
from aggregator.searching import asked_of, search
from aggregator.store import Asked, Store
from aggregator.store.engine import SQLITE
from bench import Row
from bench._csfcube import FOLDER, Collection, Numbers

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_MANY, _DIM, _PART = 100_000, 384, 5_000
_K = 60
_TIMES = 7
_ALL = 10_000


class _Known:
    """An embedder that has nothing to compute."""

    model, revision = "bench", "1"

    def __init__(self, vector: Callable[[str], Vectors]) -> None:
        self._vector = vector

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return np.stack([self._vector(text) for text in texts])


def run() -> list[Row]:
    """All three parts."""
    rows: list[Row] = []
    if FOLDER.is_dir():
        rows += _quality(Collection())
    else:
        print(f"bench search: quality is not measured, there is no {FOLDER}", file=sys.stderr)
    return rows + _time() + _taking_in()


def _quality(collection: Collection) -> list[Row]:
    papers = collection.papers
    entries = [
        Entry(key=f"id:csfcube:{n}", kind="paper", title=one["title"], summary=one["abstract"], url="", published=_NOW)
        for n, one in enumerate(papers)
    ]
    place = {entry.key: number for number, entry in enumerate(entries)}
    titles = {" ".join(paper["title"].split()): collection.titles[n] for n, paper in enumerate(papers)}
    embedder = _Known(titles.__getitem__)
    found: dict[str, dict[int, Numbers]] = {}
    with _store() as store:
        _take_in(store, entries)
        known = store.without_vector("bench", "1")
        ids = [one.entry_id for one in known]
        row = {one: place[it.entry.key] for one, it in zip(ids, store.shown(Asked(), ids).values(), strict=True)}
        rows = [row[item.entry_id] for item in known]
        store.add_vectors("bench", "1", [(one.entry_id, one.text_hash) for one in known], collection.texts[rows])
        for ask in {question.asks[0] for question in collection.questions}:
            title = " ".join(papers[ask]["title"].split())
            words = np.zeros(len(papers))
            for entry_id, score in store.worded(asked_of(title), _ALL):
                words[row[entry_id]] = score
            meaning = (collection.texts @ collection.titles[ask]).astype(float)
            hits = search(store, embedder, title, limit=len(papers)).hits
            ours = np.full(len(papers), -np.inf)
            ours[[place[hit.entry.key] for hit in hits]] = -np.arange(len(hits))
            for name, scores in (
                ("words: FTS5, BM25", words),
                ("meaning: plain cosine", meaning),
                ("both: reciprocal rank fusion", _reciprocal(words) + _reciprocal(meaning)),
                ("both: aggregator, as shipped", ours),
            ):
                found.setdefault(name, {})[ask] = scores
    result = []
    for name, by_ask in found.items():
        figures = [one.figures(by_ask[one.asks[0]][one.rows]) for one in collection.questions]
        for metric, value in zip(("nDCG@20%", "MAP"), np.mean(figures, axis=0).tolist(), strict=True):
            result.append(_row("title among 4 205 papers", name, metric, value))
    return result


def _reciprocal(scores: Numbers) -> Numbers:
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    return np.where(scores == 0, 0.0, 1 / (_K + ranks))


def _time() -> list[Row]:
    vectors = np.random.default_rng(5).standard_normal((_PART, _DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    embedder = _Known(lambda text: vectors[len(text)])
    rows = []
    with _store() as store:
        _fill(store, vectors)
        for task, query, options in (
            ("two rare words", "word900 word950", {}),
            ("two common words", "word1 word2", {}),
            ("a phrase", '"word1 word2" word3', {}),
            ("a month of it", "word1 word2", {"since": (_NOW - timedelta(days=30)).date()}),
        ):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            spent = [_spent(lambda: search(store, embedder, query, **options)) for _ in range(_TIMES)]  # type: ignore[arg-type] # noqa: B023
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            rows.append(_row(f"{_MANY} entries: {task}", "aggregator", "s, median", float(np.median(spent, axis=0)[0])))
            rows.append(
                _row(f"{_MANY} entries: {task}", "aggregator", "CPU s, median", float(np.median(spent, axis=0)[1]))
            )
            rows.append(_row(f"{_MANY} entries: {task}", "aggregator", "more MB at the peak", peak / 1024))
    return rows


def _taking_in() -> list[Row]:
    """A thousand entries beside a thousand that are there, with and without the triggers, in turns."""
    spent: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for turn in range(2 * _TIMES):
        indexed, draw = turn % 2 == 0, random.Random(turn)
        with _store() as store:
            if not indexed:
                for what in ("insert", "update", "delete"):
                    _tell(store, f"DROP TRIGGER entry_words_{what}")
            _take_in(store, [_made(draw, number) for number in range(1000)])
            more = [_made(draw, number) for number in range(1000, 2000)]
            spent[indexed].append(_spent(lambda: _take_in(store, more)))  # noqa: B023
    systems = {True: "with the index of words", False: "without it"}
    return [
        _row("1000 entries stored", system, metric, float(value))
        for indexed, system in systems.items()
        for metric, value in zip(("s, median", "CPU s, median"), np.median(spent[indexed], axis=0), strict=True)
    ]


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def _fill(store: Store, vectors: Vectors) -> None:
    """Many entries and their vectors, past the store, which would take minutes to tell which of them are one work."""
    draw, names = random.Random(5), ("key", "kind", "title", "url", "summary", "published")
    rest = "authors, categories, added, origin, origin_source, text_hash"
    with closing(SQLITE.connect(str(store.file))) as connection, connection:
        made = (_made(draw, number) for number in range(_MANY))
        connection.executemany(
            f"INSERT INTO entry ({', '.join(names)}, {rest}) "
            "VALUES (?, ?, ?, ?, ?, ?, '[\"Ann Other\"]', '[]', '2026-11-21 00:00:00.000000', 'feed', 'bench', 'x')",
            ([*(getattr(one, name) for name in names[:-1]), f"{one.published:%Y-%m-%d %H:%M:%S.%f}"] for one in made),
        )
        connection.executemany(
            "INSERT INTO vector (entry_id, model, revision, text_hash, data, dim) VALUES (?, 'bench', '1', 'x', ?, ?)",
            ((number + 1, vectors[number % _PART].tobytes(), _DIM) for number in range(_MANY)),
        )


def _made(draw: random.Random, number: int) -> Entry:
    """An entry of 8 and 180 words out of 30 000, in the abstract some much more common than others; two authors."""
    rare = [f"word{draw.randrange(30_000)}" for _ in range(8)]
    words = rare + [f"word{int(draw.paretovariate(0.6)) % 30_000}" for _ in range(180)]
    return Entry(
        key=f"id:made:{number}",
        kind="paper",
        title=" ".join(words[:8]),
        url=f"https://example.org/{number}",
        published=_NOW - timedelta(minutes=10 * number),
        summary=" ".join(words[8:]),
        authors=(f"First{number % 997} Last{number % 911}", f"Other{number % 613} Name{number % 401}"),
    )


def _take_in(store: Store, entries: Sequence[Entry]) -> None:
    store.add("bench", "feed", Batch(entries=tuple(entries), cursor={}), now=_NOW, next_visit=_NOW)


def _tell(store: Store, sql: str) -> None:
    with closing(SQLITE.connect(str(store.file))) as connection:
        connection.execute(sql)


def _row(task: str, system: str, metric: str, value: float) -> Row:
    return Row(bench="search", task=task, system=system, metric=metric, value=value)


@contextmanager
def _store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{Path(folder) / 'bench.db'}") as store:
        store.migrate()
        yield store
