"""record: what comes of a file of references, and the fields of a record as a seed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from aggregator import text
from aggregator.model import Seed

_DBLP = re.compile(r"(?<![\w/])abs/(?=\d{4}\.\d{4,5}\b|[a-z-]+/\d{7}\b)")
"""arXiv ids as DBLP names them: "CoRR abs/1706.03762"."""

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_RANKS = ("arxiv:", "doi:", "url:", "")
_DOI_RANK = 1
_MAX_WORDS = 300
_MAX_TITLE = 1000
_MAX_SUMMARY = 20_000
_MAX_AUTHORS = 200
_TELLING = 12
"""Letters and digits that a title needs to name a work that has a key as well: there are many called "Editorial"."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was left out: its line, counted from 1 (0: it stands in no line), and why."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class References:
    """What a file or a library holds, in its order: the records as seeds, each work once, and those that are broken.

    `repeated` is how many records spoke of a work that was there already.
    """

    seeds: tuple[Seed, ...]
    bad: tuple[BadRecord, ...] = ()
    repeated: int = 0


def seed_of(title: str, authors: Iterable[str], summary: str, names: Iterable[str], words: Iterable[str]) -> Seed:
    """A record as a seed. `names` are its eprint, DOI and links, `words` texts that may hold an arXiv id or a DOI.

    The key is the strongest name, as the store's are: arXiv before DOI before link; "" if there is none. Title, authors
    and summary are plain text.
    """
    keys = [key for name in names if (key := _key(name))]
    if _rank(strongest(keys)) > _DOI_RANK:  # else notes may tell of other works
        keys += text.papers_in(" ".join(_DBLP.sub("arXiv:", one[:_MAX_WORDS]) for one in words))
    people = [name for one in authors if (name := text.cut(text.fold(one), 200))]
    return Seed(
        key=strongest(keys),
        title=text.cut(text.fold(title), _MAX_TITLE),
        summary=text.cut(text.fold(summary), _MAX_SUMMARY),
        authors=tuple(people[:_MAX_AUTHORS]),
    )


def strongest(keys: Iterable[str]) -> str:
    """The first of the strongest keys; "" if there is none."""
    return min(keys, key=_rank, default="")


def gathered(seeds: Sequence[Seed], bad: Sequence[BadRecord]) -> References:
    """The seeds, each work once: records with one key are one, or with one title and not two arXiv ids or DOIs.

    It has the strongest of their keys and the longest of their summaries.
    """
    kept: list[Seed] = []
    places: dict[str, int] = {}
    for seed in seeds:
        marks = _marks(seed)
        found = [places[mark] for mark in marks if mark in places]
        place = next((one for one in found if not _differ(kept[one], seed)), len(kept))
        if place == len(kept):
            kept.append(seed)
        else:
            kept[place] = _one_of(kept[place], seed)
        places |= {mark: place for mark in (*marks, *_marks(kept[place])) if mark not in places}
    return References(tuple(kept), tuple(bad), len(seeds) - len(kept))


def _differ(first: Seed, second: Seed) -> bool:
    """Whether two works of one title are two: each has an arXiv id of its own, or a DOI."""
    rank = _rank(first.key)
    return first.key != second.key and rank == _rank(second.key) <= _DOI_RANK


def _one_of(first: Seed, second: Seed) -> Seed:
    return replace(
        first,
        key=strongest([first.key, second.key]),
        summary=max(first.summary, second.summary, key=len),
        authors=first.authors or second.authors,
        title=first.title or second.title,
    )


def _marks(seed: Seed) -> list[str]:
    words = re.sub(r"[\W_]+", "", seed.title.casefold())
    by_title = words and (not seed.key or len(words) > _TELLING)
    return [*filter(None, [seed.key]), *([f"title {words}"] if by_title else [])]


def _rank(key: str) -> int:
    return next(rank for rank, start in enumerate(_RANKS) if key.startswith(start))


def _key(name: str) -> str:
    name = name.strip()
    if match := _DOI.match(name):
        name = f"doi:{match[0]}"
    for form in (name, name.partition(" ")[0]):  # an eprint may have its category behind it
        if not (key := text.key_of(form)).startswith("url:"):
            return key
    return text.key_of(name) if text.safe_link(name) else ""
