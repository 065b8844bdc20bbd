"""searching: what a reader looks for, in all that is stored, by words and by meaning at once.

    search(store, embedder, query, …)   -> Found: hits, the best first, each with why it is there
    asked_of(query)                     -> Asked: words, "phrases in quotes" and prefixes*

A query that names works comes first: an arXiv id, a DOI or a link, then a whole title, then an author. All else is in
the order of the cosine to the query plus a share of BM25; bench/search.py holds this against reciprocal rank fusion
(Cormack et al., 2009), which it beats.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Literal, TypeAlias

import numpy as np

from aggregator.embed import Embedder
from aggregator.errors import EmbedError, InputError
from aggregator.model import Entry, Kind
from aggregator.rank import WEIGHTS
from aggregator.rank.widen import Numbers, widened
from aggregator.store import Alike, Asked, Shown, Store
from aggregator.store.wordindex import CLOSE, OPEN, names_in
from aggregator.text import arxiv_id, cut, key_of, safe_link

Why: TypeAlias = Literal["name", "title", "author", "both", "words", "meaning"]
"""The query names the entry, is its title, or names an author; or words of it, its meaning, or both are there."""

WORDS = 0.3
"""What the best score by words adds to a cosine. Anything from 0.1 to 0.4 is as good on CSFCube."""

_LEAST = 0.3
"""What is less alike than this has to have a word of the query: nonsense is as like to something. See widen.py for the
scale, which is that of the default model."""

_NEAR = 1000
"""So many of the nearest are held against the widened query, and so many are taken by their words."""

_MOST_TERMS, _MOST_PREFIXES = 64, 8
_LONGEST_TITLE, _LONGEST_NAME = 100, 5
"""Words: nothing longer is looked for as a title, or as a person."""

_SNIPPET = 280
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_QUOTED = re.compile(r"""["“”„«»]([^"“”„«»]*)["“”„«»](\*?)""")
_TITLE = re.compile(r"""\btitle:\s*(?:["“”„«»]([^"“”„«»]*)["“”„«»]|([^\s"“”„«»]+))""", re.IGNORECASE)
_COMMON = frozenset(
    names_in(
        "a an and are as at be by can do for from has have how in into is it its not of on or our than that the their "
        "these this to using via was we what when where which who why will with without"
    )
)
"""Words that say nothing where there are others."""

_Worded: TypeAlias = list[tuple[int, float]]
_Scored: TypeAlias = dict[int, tuple[float, Why]]
"""Entries by their ids, the best first: the score, and what gave it."""

_WHYS: tuple[Why, ...] = ("meaning", "meaning", "words", "both")
"""By whether an entry is near, 1, and whether it has words, 2."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found, where it was seen, and why; `score` orders those found by words and by meaning.

    `snippet` is a piece of its abstract, `marks` where words of the query stand in it: first character, one past the
    last.
    """

    entry: Entry
    sources: tuple[str, ...]
    why: Why
    score: float
    snippet: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; `trouble` says what could not be looked at, "" if all was."""

    hits: tuple[Hit, ...]
    trouble: str = ""


def search(
    store: Store,
    embedder: Embedder,
    query: str,
    *,
    since: date | None = None,
    until: date | None = None,
    kind: Kind | None = None,
    source: str | None = None,
    limit: int = 20,
) -> Found:
    """The entries that answer a query best, at most `limit`.

    `since` and `until` are days in UTC, both included, and bound when an entry was published. If the model cannot be
    loaded, words alone are searched, and `trouble` says so. Raises InputError if the query says nothing.
    """
    query = _plain(query)
    asked = replace(
        asked_of(query),
        since=datetime.combine(since, time.min, UTC) if since else None,
        until=datetime.combine(until, time.max, UTC) if until else None,
        kind=kind,
        source=source,
    )
    whys, is_name = _called(store, asked, query)
    if is_name:
        asked = replace(asked, words=(), phrases=(query,), prefixes=())
    meant = "" if is_name else _TITLE.sub(r" \1\2 ", query)
    scored, trouble = _scored(store, embedder, asked, meant, limit + len(whys))
    order = [*whys, *(entry_id for entry_id in scored if entry_id not in whys)][:limit]
    shown = store.shown(asked, order)
    hits = [
        _hit(shown[entry_id], *scored.get(entry_id, (1.0, "words")), whys.get(entry_id))
        for entry_id in order
        if entry_id in shown  # one may have become part of another meanwhile
    ]
    return Found(tuple(hits), trouble)


def _plain(query: str) -> str:
    query = unicodedata.normalize("NFKC", query)
    if plain := " ".join("".join(char if char.isprintable() else " " for char in query).split()):
        return plain
    raise InputError("there is nothing to search for: write words, an author, a title, an arXiv id, a DOI or a link")


def asked_of(query: str) -> Asked:
    """A query taken apart: what stands in quotes is a phrase, what ends with * a prefix, all else words.

    A word or phrase behind "title:" has to be in the title. Nothing else in a query is special. Words that are in every
    text are left out where there are others.
    """
    titles = [found for pair in _TITLE.findall(query) if names_in(found := "".join(pair))]
    query = _TITLE.sub(" ", query)
    quoted = [(text.strip(), star) for text, star in _QUOTED.findall(query) if names_in(text)]
    rest = dict.fromkeys(word for word in _QUOTED.sub(" ", query).split() if names_in(word))
    starred = [text for text, star in quoted if star] + [word.rstrip("*") for word in rest if word.endswith("*")]
    words = [word for word in rest if not word.endswith("*")]
    telling = [word for word in words if " ".join(names_in(word)) not in _COMMON]
    return Asked(
        words=tuple((telling or ([] if titles or quoted or starred else words))[:_MOST_TERMS]),
        phrases=tuple(text for text, star in quoted if not star)[:_MOST_TERMS],
        titles=tuple(titles[:_MOST_TERMS]),
        prefixes=tuple(starred[:_MOST_PREFIXES]),
    )


def _called(store: Store, asked: Asked, query: str) -> tuple[dict[int, Why], bool]:
    """The entries that the query names, and whether it is nothing but a name, which has no meaning to be searched."""
    doi, link = _DOI.fullmatch(query), safe_link(query)
    names = [query, key_of(f"doi:{query}" if doi else query)]
    whys: dict[int, Why] = dict.fromkeys(store.named(asked, names, [link] if link else []), "name")
    if doi or link or arxiv_id(query):
        return whys, True
    wanted = names_in(query)
    if not 0 < len(wanted) <= _LONGEST_TITLE:
        return whys, False
    titled = [one for one, title in store.titled(asked, query) if names_in(title) == wanted]
    written: list[int] = []
    if 2 <= len(wanted) <= _LONGEST_NAME and not any(name.isdigit() for name in wanted):
        written = [one for one, authors in store.written(asked, wanted) if any(_is(name, wanted) for name in authors)]
    found: list[tuple[Why, list[int]]] = [("title", titled), ("author", written)]
    for why, ids in found:
        whys.update({entry_id: why for entry_id in ids if entry_id not in whys})
    return whys, bool(written and not titled)


def _is(author: str, wanted: Sequence[str]) -> bool:
    """Whether an author has all of these names, in any order, some of them perhaps as initials."""
    names = names_in(author)
    return all(any(name == one or (len(one) == 1 and name.startswith(one)) for name in names) for one in wanted)


def _scored(store: Store, embedder: Embedder, asked: Asked, meant: str, most: int) -> tuple[_Scored, str]:
    """The best entries by words and, unless it is "", by what is meant; and what could not be looked at."""
    worded = store.worded(asked, _NEAR)
    if not meant:
        return _by_words(worded, most), ""
    try:
        vector = embedder.embed([meant])[0]
        model, revision = embedder.model, embedder.revision
    except EmbedError as error:
        return _by_words(worded, most), f"searched by words only: {error}"
    alike = store.alike(asked, model, revision, vector, _NEAR)
    if not len(alike.ids):
        lacking = store.count_without_vector(model, revision)
        why = f"searched by words only: {lacking} entries have no vector yet; run `aggregator embed`" if lacking else ""
        return _by_words(worded, most), why
    return _fused(worded, alike, _widened(alike, vector), most), ""


def _by_words(worded: _Worded, most: int) -> _Scored:
    return {entry_id: (WORDS * score / worded[0][1], "words") for entry_id, score in worded[:most]}


def _widened(alike: Alike, vector: Numbers) -> Numbers:
    """The cosines, of the nearest those with the query widened by the nearest of all; see rank.widen."""
    wide = widened(vector[None], alike.vectors, np.array([True]), WEIGHTS.nearest, WEIGHTS.widening)
    cosines = alike.cosines.copy()
    cosines[alike.nearest] = wide.scale[0] * (alike.vectors @ wide.vectors[0]) + wide.level[0]
    return cosines


def _fused(worded: _Worded, alike: Alike, cosines: Numbers, most: int) -> _Scored:
    """Cosine plus WORDS times the score by words, of which the best is 1.

    An entry that has no vector yet is taken to be as alike as the others that have the words.
    """
    ids = np.array([entry_id for entry_id, _ in worded], np.int64)
    words = np.array([score for _, score in worded], np.float32) / (worded[0][1] if worded else 1.0) * WORDS
    places = np.minimum(np.searchsorted(alike.ids, ids), len(alike.ids) - 1)
    known = alike.ids[places] == ids
    has_words = np.zeros(len(alike.ids), np.bool_)
    has_words[places[known]] = True
    near = alike.cosines >= _LEAST
    total = cosines.copy()
    total[places[known]] += words[known]
    usual = float(cosines[places[known]].mean()) if known.any() else _LEAST
    kept = np.flatnonzero(near | has_words)
    scores = np.concatenate([total[kept], words[~known] + usual])
    every = np.concatenate([alike.ids[kept], ids[~known]])
    kinds = np.concatenate([near[kept] + 2 * has_words[kept], np.full(int((~known).sum()), 2)])
    best = np.lexsort((-every, -scores))[:most]
    return {int(every[n]): (float(scores[n]), _WHYS[int(kinds[n])]) for n in best}


def _hit(shown: Shown, score: float, why: Why, called: Why | None) -> Hit:
    snippet, marks = _unmarked(shown.piece) if OPEN in shown.piece else (cut(shown.entry.summary, _SNIPPET), ())
    return Hit(shown.entry, shown.sources, called or why, score, snippet, marks)


def _unmarked(piece: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A piece without the characters around the words that were found, and where those stand in it."""
    text, marks = "", []
    for number, part in enumerate(re.split(f"[{OPEN}{CLOSE}]", piece)):
        if number % 2:
            marks.append((len(text), len(text) + len(part)))
        text += part
    return text, tuple(marks)
