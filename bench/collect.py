"""collect: 500 feeds of 30 entries on 500 host names, cold and unchanged, against `reader` over the same proxy.

Each side runs in a process of its own, and its entries are counted in its SQLite file. `reader` (PyPI) is installed
into a virtual environment of its own at the first run. Our side is the product: its Fetcher with its politeness, its
pipeline, its store, its default number of workers (others are shown beside it).
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.request import ProxyHandler, build_opener

import platformdirs

from aggregator.config.sections import Fetch
from bench import Row
from bench._origin import ENTRIES, FEEDS

_Found: TypeAlias = dict[str, tuple[float, float, int]]
"""By task: seconds on the clock, seconds of processor with all processes it started, bytes sent by the origin."""

_PEER_WORKERS = (10, 50)
_OTHER_WORKERS = (16, 50)
"""Beside the product's default, which is what counts."""

_READER = """
import json, sys, time, sqlite3
from reader import make_reader
path, workers, feeds, add = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "cold"
begun = time.perf_counter()
reader = make_reader(path)
if add:
    for n in range(feeds):
        reader.add_feed(f"http://f{n}.example/feed.xml")
reader.update_feeds(workers=workers, scheduled=False)
seconds = time.perf_counter() - begun
print(json.dumps([seconds, sqlite3.connect(path).execute("SELECT count(*) FROM entries").fetchone()[0]]))
"""
_OURS = """
import json, sys, time
from datetime import UTC, datetime, timedelta
from aggregator import app, pipeline
from aggregator.config import load
from aggregator.sources.feed import Feed
path, feeds, add = sys.argv[1], int(sys.argv[3]), sys.argv[4] == "cold"
begun = time.perf_counter()
config = load(__import__("pathlib").Path(path))
now = datetime(2026, 11, 21, 9, tzinfo=UTC) + timedelta(days=0 if add else 1)
with app.open_store(config, current=False) as store:
    if add:
        store.migrate()
    steps = app.Steps(config, store, lambda: now)
    outcome = steps.collect()
    assert not outcome.troubles, outcome.troubles[:3]
    seconds = time.perf_counter() - begun
    print(json.dumps([seconds, sum(state.entries for state in store.sources())]))
"""


def run() -> list[Row]:
    """Seconds and bytes for each side, and the ratios that matter: the best of `reader` against our default."""
    peer = _peer()
    default = Fetch().workers
    theirs: dict[str, _Found] = {}
    ours: dict[int, _Found] = {}
    with tempfile.TemporaryDirectory() as name, _origin() as port:
        folder = Path(name)
        for workers in _PEER_WORKERS if peer else ():
            command = [str(peer), "-c", _READER, str(folder / f"reader-{workers}.db"), str(workers)]
            theirs[f"reader, {workers} workers"] = _both(command, port)
        for workers in (default, *_OTHER_WORKERS):
            ours[workers] = _both([sys.executable, "-c", _OURS, str(_config(folder, workers)), "0"], port)
    rows: list[Row] = []
    told = {f"ours, {n} workers{' (default)' if n == default else ''}": found for n, found in ours.items()}
    for system, found in (theirs | told).items():
        for task, (seconds, cpu, size) in found.items():
            rows.append(Row(bench="collect", task=task, system=system, metric="s", value=seconds))
            rows.append(Row(bench="collect", task=task, system=system, metric="CPU s", value=cpu))
            rows.append(Row(bench="collect", task=task, system=system, metric="MB on the wire", value=size / 1e6))
    for task in ("cold", "unchanged") if peer else ():
        ratio = min(found[task][0] for found in theirs.values()) / ours[default][task][0]
        rows.append(Row(bench="collect", task=task, system="best reader / ours", metric="times faster", value=ratio))
    saved = ours[default]["cold"][2] / ours[default]["unchanged"][2]
    rows.append(
        Row(bench="collect", task="unchanged", system="ours", metric="times fewer bytes than cold", value=saved)
    )
    return rows


def _both(command: list[str], port: int) -> _Found:
    """Seconds and bytes sent, of the first run and of one when nothing has changed."""
    proxy = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": ""}
    found: _Found = {}
    _count(port)
    for task in ("cold", "unchanged"):
        spent = _processor()
        done = subprocess.run(
            [*command, str(FEEDS), task], env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        seconds, entries = json.loads(done.stdout.splitlines()[-1])
        asked, sent = _count(port)
        if entries != FEEDS * ENTRIES or asked != FEEDS:
            raise RuntimeError(f"{entries} entries after {asked} requests; {FEEDS * ENTRIES} and {FEEDS} were due")
        found[task] = (seconds, _processor() - spent, sent)
    return found


def _processor() -> float:
    """Seconds of processor of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _count(port: int) -> tuple[int, int]:
    with build_opener(ProxyHandler({"http": f"http://127.0.0.1:{port}"})).open("http://count/") as answer:
        requests, sent = json.load(answer)
    return int(requests), int(sent)


@contextmanager
def _origin() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", "bench._origin"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def _config(folder: Path, workers: int) -> Path:
    """500 feeds as a reader would write them down, with a database of their own."""
    folder = folder / f"ours-{workers}"
    folder.mkdir()
    sources = "".join(
        f'[[source]]\nkind = "feed"\nname = "f{n}"\nurl = "http://f{n}.example/feed.xml"\n\n' for n in range(FEEDS)
    )
    path = folder / "config.toml"
    reader = '[[profile]]\nname = "me"\nemail = "me@example.org"\ninterests = ["speech"]\n'
    path.write_text(f"[fetch]\nworkers = {workers}\n\n{reader}\n{sources}")
    return path


def _peer() -> Path | None:
    """The Python that has `reader`; None, with a line that says so, if it cannot be had."""
    name = f"bench-reader-{platform.python_version()}"
    folder = platformdirs.user_cache_path("paper-aggregator", appauthor=False) / name
    python = folder / "bin" / "python"
    if (
        subprocess.run([python, "-c", "import reader"], capture_output=True, check=False).returncode
        if python.exists()
        else 1
    ):
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "reader>=3.26", "sgmllib3k"]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"bench collect: reader cannot be installed ({done.stderr.strip()[-200:]})", file=sys.stderr)
            return None
    return python
