"""_box: the audio papers of the small internet in ../shared, with their vectors."""

import gzip
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from aggregator.embed import Embedder
from aggregator.model import Candidate, Entry, Vectors

_PAPERS = Path(__file__).parent.parent.parent / "shared" / "internet" / "data" / "arxiv.jsonl.gz"
_BATCH = 64


def papers(bench: str) -> list[dict[str, Any]]:
    """Half a year of papers, each with id, title, abstract and the day of its listing; says so if there are none."""
    if not _PAPERS.is_file():
        print(f"bench {bench}: nothing measured, there is no {_PAPERS}", file=sys.stderr)
        return []
    with gzip.open(_PAPERS, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def text(paper: dict[str, Any]) -> str:
    """What is embedded of a paper."""
    return f"{paper['title']}\n{paper['abstract']}"


def candidate(paper: dict[str, Any]) -> Candidate:
    """A paper as the ranking gets it, published on the day of its listing."""
    day = datetime.fromisoformat(paper["listed"]).replace(tzinfo=UTC)
    entry = Entry(key=paper["id"], kind="paper", title=paper["title"], summary=paper["abstract"], url="", published=day)
    return Candidate(entry=entry, sightings=())


def vectors(embedder: Embedder, papers: list[dict[str, Any]]) -> Vectors:
    """A row for each paper, shape (n, dim); kept in the temporary folder, for embedding takes minutes."""
    kept = Path(tempfile.gettempdir()) / f"bench-box-{embedder.model}-{embedder.revision}.npy"
    if not kept.is_file():
        texts = [text(paper) for paper in papers]
        parts = [embedder.embed(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        np.save(kept, np.concatenate(parts))
    return np.asarray(np.load(kept))
