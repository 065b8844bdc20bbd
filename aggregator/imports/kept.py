"""kept: the seeds that an import leaves beside config.toml, so that they need no network and no other program again."""

import json
from collections.abc import Sequence
from typing import Any

from aggregator.model import Seed

_KEYS = {"key", "title", "authors", "summary"}


def written(seeds: Sequence[Seed]) -> bytes:
    """A JSON list of objects with key, title, authors and summary, in UTF-8."""
    rows = [{"key": one.key, "title": one.title, "authors": list(one.authors), "summary": one.summary} for one in seeds]
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def is_kept(member: Any) -> bool:
    """Whether a member of a list was written here."""
    return isinstance(member, dict) and set(member) == _KEYS


def seed(member: Any) -> Seed | str:
    """The seed, or what is wrong with it."""
    key, title, authors, summary = (member[name] for name in ("key", "title", "authors", "summary"))
    texts = [key, title, summary, *(authors if isinstance(authors, list) else [None])]
    if not all(isinstance(one, str) for one in texts) or not title.strip():
        return "this is no seed: key, title and summary are texts, authors a list of them, and a title there must be"
    return Seed(key=key, title=title, summary=summary, authors=tuple(authors))
