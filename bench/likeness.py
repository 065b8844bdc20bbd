"""likeness: what merging without a common id gets right, for each threshold, on real papers with their ids hidden.

Right are the same papers told otherwise (case, TeX, hyphens, subtitle, names); wrong is any two of them with different
ids. CSFCube has no authors, but 4 205 papers of which some are there twice: a natural test of title and text. Without
the data in ../shared there is nothing to measure.
"""

import gzip
import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from aggregator.model import Entry
from aggregator.store.likeness import LIMITS, Limits, same, traits
from bench import Row

SHARED = Path(__file__).parent.parent.parent / "shared"
_SAMPLE = 400
_NOW = datetime(2025, 7, 10, tzinfo=UTC)


def run() -> list[Row]:
    """Recall and false merges by threshold, what the traits find, and how long they take."""
    if not SHARED.is_dir():
        print(f"bench likeness: nothing measured, there is no {SHARED}", file=sys.stderr)
        return []
    papers = load("internet/data/arxiv.jsonl.gz", "internet/data/hf.jsonl.gz")
    pairs = near(papers, 0.5)
    told = [(paper, again) for paper in sample(papers) for again in variants(paper)]
    bare = [(replace(a, summary=""), replace(b, summary="")) for a, b in told]
    rows: list[Row] = []
    for share in (0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        limits = replace(LIMITS, title=share)
        rows += _judged(f"title {share:.2f}, with abstracts", limits, told, pairs)
        rows += _judged(f"title {share:.2f}, no abstracts", limits, bare, [(_bare(a), _bare(b)) for a, b in pairs])
    return rows + _recall_by_change(papers) + _twice() + _blocking(papers, told + bare) + _speed(papers)


def load(*names: str) -> list[Entry]:
    """The papers of the files, each once, with their ids hidden: the key says nothing that `same` looks at."""
    found: dict[str, Entry] = {}
    for name in names:
        with gzip.open(SHARED / name, "rt", encoding="utf-8") as lines:
            for paper in map(json.loads, lines):
                found.setdefault(paper["id"], _entry(paper))
    return list(found.values())


def _entry(paper: dict[str, Any]) -> Entry:
    day = paper.get("listed") or paper.get("day")
    return Entry(
        key=f"url:https://example.org/{paper['id']}",
        kind="paper",
        title=paper["title"],
        url=f"https://example.org/{paper['id']}",
        published=datetime.fromisoformat(day).replace(tzinfo=UTC) if day else _NOW,
        summary=paper["abstract"],
        authors=tuple(paper.get("authors", ())),
    )


def _bare(paper: Entry) -> Entry:
    return replace(paper, summary="")


def sample(papers: Sequence[Entry]) -> list[Entry]:
    """Four hundred of the papers, always the same."""
    return random.Random(7).sample(list(papers), min(_SAMPLE, len(papers)))


def near(papers: Sequence[Entry], least: float) -> list[tuple[Entry, Entry]]:
    """All pairs whose titles share that part of their triples of letters, and all where one begins with the other."""
    titles = [re.sub(r"\W", "", paper.title.lower()) for paper in papers]
    triples = [{title[n : n + 3] for n in range(len(title) - 2)} for title in titles]
    places: dict[str, list[int]] = defaultdict(list)
    found: list[tuple[Entry, Entry]] = []
    for n, mine in enumerate(triples):
        common = Counter(other for triple in mine for other in places[triple])
        for other, count in common.items():
            begins = titles[n].startswith(titles[other]) or titles[other].startswith(titles[n])
            if begins or 2 * count >= least * (len(mine) + len(triples[other])):
                found.append((papers[other], papers[n]))
        for triple in mine:
            places[triple].append(n)
    return found


_TEX = {"é": r"{\'e}", "ö": r"{\"o}", "ü": r"{\"u}", "α": r"$\alpha$", "β": r"$\beta$", "&": r"\&", "–": "--"}  # noqa: RUF001
_PLAIN = str.maketrans("áàâäãåéèêëíìîïóòôöõúùûüñçšžćčý", "aaaaaaeeeeiiiiooooouuuuncszccy")


def _named(change: Callable[[str], str]) -> Callable[[Entry], Entry]:
    return lambda paper: replace(paper, authors=tuple(map(change, paper.authors)))


def _titled(change: Callable[[str], str]) -> Callable[[Entry], Entry]:
    return lambda paper: replace(paper, title=change(paper.title))


def _initials(name: str) -> str:
    *given, last = name.split()
    return " ".join([*(f"{part[0]}." for part in given), last])


def _surname_first(name: str) -> str:
    *given, last = name.split()
    return f"{last}, {' '.join(given)}" if given else last


def _tex(title: str) -> str:
    return re.sub(r"\b([A-Z]{2,})\b", r"{\1}", "".join(_TEX.get(char, char) for char in title))


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "capitals": _titled(str.upper),
    "sentence case": _titled(str.capitalize),
    "TeX": _titled(_tex),
    "hyphens gone": _titled(lambda title: title.replace("-", " ")),
    "hyphens joined": _titled(lambda title: title.replace("-", "")),
    "article": _titled(lambda title: title[2:] if title.startswith("A ") else f"The {title}"),
    "tag and full stop": _titled(lambda title: f"[R] {title}."),
    "subtitle dropped": _titled(lambda title: title.partition(": ")[0]),
    "a word dropped": _titled(lambda title: re.sub(r" (?:for|with|using|based|towards?|via|in)\b", "", title, count=1)),
    "a letter wrong": _titled(lambda title: title[: len(title) // 2] + "q" + title[len(title) // 2 + 1 :]),
    "accents lost": lambda paper: _named(lambda name: name.translate(_PLAIN))(
        replace(paper, title=paper.title.translate(_PLAIN))
    ),
    "initials": _named(_initials),
    "surname first": _named(_surname_first),
    "surname first, no comma": _named(lambda name: _surname_first(name).replace(",", "")),
    "authors turned round": lambda paper: replace(paper, authors=paper.authors[::-1]),
    "three authors et al.": lambda paper: replace(paper, authors=(*paper.authors[:3], "et al.")),
    "a year later": lambda paper: replace(paper, published=paper.published.replace(year=paper.published.year + 1)),
    "excerpt": lambda paper: replace(paper, summary=paper.summary[:350] + "…"),
}


def variants(paper: Entry) -> Iterable[Entry]:
    """The paper told otherwise, once for each change that changes it, and once with several at a time."""
    hidden = replace(paper, key=f"{paper.key}/again", url=f"{paper.url}/again")
    several = CHANGES["initials"](CHANGES["hyphens gone"](CHANGES["capitals"](CHANGES["excerpt"](hidden))))
    return (again for again in (*(change(hidden) for change in CHANGES.values()), several) if again != hidden)


def _judged(
    task: str, limits: Limits, told: Sequence[tuple[Entry, Entry]], pairs: Sequence[tuple[Entry, Entry]]
) -> list[Row]:
    right = sum(same(a, b, limits) for a, b in told)
    wrong = sum(same(a, b, limits) for a, b in pairs)
    figures = {"recall": right / len(told), "false merges": wrong, "precision": right / max(right + wrong, 1)}
    return [Row(bench="likeness", task=task, system="aggregator", metric=m, value=v) for m, v in figures.items()]


def _recall_by_change(papers: Sequence[Entry]) -> list[Row]:
    rows = []
    for name, change in CHANGES.items():
        told = [(_bare(paper), _bare(change(paper))) for paper in sample(papers) if change(paper) != paper]
        recall = sum(same(a, replace(b, key=f"{b.key}/again")) for a, b in told) / max(len(told), 1)
        rows.append(_row(f"{name}, no abstracts", "recall", recall))
    return rows


def _twice() -> list[Row]:
    """CSFCube: how many pairs of papers without authors are merged, by how much the texts must agree."""
    pairs = near(load("data/ranking/csfcube.jsonl.gz"), 0.4)
    return [
        _row(f"CSFCube, text {text:.2f}, title {title:.2f}", "merged pairs", sum(same(a, b, limits) for a, b in pairs))
        for text, title in ((0.4, 0.6), (0.5, 0.6), (0.6, 0.6), (0.7, 0.6), (0.6, 0.4), (0.6, 0.5), (0.6, 0.7))
        for limits in (replace(LIMITS, text=text, reworded=title),)
    ]


def _blocking(papers: Sequence[Entry], told: Sequence[tuple[Entry, Entry]]) -> list[Row]:
    merged = [(a, b) for a, b in told if same(a, b)]
    missed = sum(not traits(a) & traits(b) for a, b in merged)
    holders: dict[str, list[int]] = defaultdict(list)
    for n, paper in enumerate(papers):
        for trait in traits(paper):
            holders[trait].append(n)
    pairs = {pair for found in holders.values() for pair in combinations(found, 2)}
    return [
        _row("traits", "recall of what same joins", 1 - missed / len(merged)),
        _row("traits", f"candidates an entry, of {len(papers):,}", 2 * len(pairs) / len(papers)),
        _row("traits", "entries with the commonest trait", max(map(len, holders.values()))),
        _row("traits", "traits an entry", sum(map(len, holders.values())) / len(papers)),
    ]


def _speed(papers: Sequence[Entry]) -> list[Row]:
    many = [papers[n % len(papers)] for n in range(10_000)]
    begun = time.process_time()
    for paper in many:
        traits(paper)
    return [_row("traits of 10 000 papers", "CPU s", time.process_time() - begun)]


def _row(task: str, metric: str, value: float) -> Row:
    return Row(bench="likeness", task=task, system="aggregator", metric=metric, value=value)
