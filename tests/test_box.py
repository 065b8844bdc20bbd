"""The whole job against the small internet, as a user would run it. The first run is part of `make test`, the rest of
`make box`."""

import email
import email.policy
import itertools
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.box import Box, Reader, needs_box

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FAULTS: list[dict[str, Any]] = [
    {"host": "export.arxiv.org", "times": 2, "status": 429, "headers": {"Retry-After": "2"}, "body": "Rate exceeded."},
    {"host": "export.arxiv.org", "path": "/api/query", "times": 1, "status": 200, "body": "Rate exceeded."},
    {"host": "export.arxiv.org", "times": 1, "empty_page": True},
    {"host": "export.arxiv.org", "times": 1, "truncate": 0.5},
    {"host": "openai.com", "times": 1, "stall": 90},
    {"host": "simonwillison.net", "times": 1, "drop": True},
    {"host": "huggingface.co", "path": "/blog", "times": 1, "truncate": 0.5},
]

pytestmark = [needs_box, pytest.mark.timeout(900)]


def listed_this_week(box: Box) -> set[str]:
    first = box.today - timedelta(days=7)
    wanted = {"cs.SD", "eess.AS"}
    return {f"arxiv:{p['id']}" for p in box.world().known() if p["listed"] > first and wanted & set(p["categories"])}


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Box, Reader, str]]:
    folder = tmp_path_factory.mktemp("reader")
    with Box(NOW.date()) as box:
        reader = Reader(folder, NOW, box.env)
        reader.run("init")
        reader.run("migrate")
        yield box, reader, reader.run("run", "--force").stdout


def test_a_first_run_stores_every_paper_listed_this_week(first_run: tuple[Box, Reader, str]) -> None:
    box, reader, _ = first_run
    assert listed_this_week(box) - reader.keys() == set()
    sources = reader.status()["sources"]
    assert [s["name"] for s in sources if s["state"] != "ok"] == []
    assert [s["name"] for s in sources if not s["entries"]] == []


def test_a_first_run_leaves_a_digest_with_reasons(first_run: tuple[Box, Reader, str]) -> None:
    _, reader, _ = first_run
    (raw,) = reader.mails().values()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    interests = tomllib.loads((reader.folder / "config.toml").read_text())["profile"][0]["interests"]
    picks = reader.query("SELECT reason FROM pick")
    assert len(picks) >= 10
    assert {reason for (reason,) in picks} <= set(interests)
    page = message.get_body(("html",))
    assert page is not None
    assert all(reason.casefold() in page.get_content().casefold() for (reason,) in picks)


def test_requests_were_polite(first_run: tuple[Box, Reader, str]) -> None:
    box, _, _ = first_run
    requests = box.requests()
    arxiv = sorted((r for r in requests if r["host"].endswith("arxiv.org")), key=lambda r: float(r["start"]))
    assert len(arxiv) >= 2
    for before, after in itertools.pairwise(arxiv):
        assert after["start"] - before["start"] >= 3
        assert after["start"] >= before["end"]
    asked = [(r["host"], r["path"], r["query"]) for r in requests]
    assert len(asked) == len(set(asked))
    for request in requests:
        assert re.search(r"\(\+(https?://|mailto:)\S+\)", request["headers"]["user-agent"])
        assert not {"cookie", "referer"} & set(request["headers"])


def test_later_runs_ask_for_nothing_twice(first_run: tuple[Box, Reader, str]) -> None:
    box, reader, _ = first_run
    before, keys, mails = len(box.requests()), reader.keys(), reader.mails()
    reader.run("run")
    assert len(box.requests()) == before
    done = reader.run("run", "--all")
    again = box.requests()[before:]
    assert "0 new" in done.stdout
    assert "0 sent" in done.stdout
    assert (reader.keys(), reader.mails()) == (keys, mails)
    sent = {(r["host"], r["path"]): r for r in again}
    feeds = [r for r in again if "arxiv.org" not in r["host"] and "/api/" not in r["path"]]
    assert len(feeds) >= 15
    assert {r["status"] for r in feeds} == {304}
    assert sent["rss.arxiv.org", "/atom/cs.SD+eess.AS"]["status"] == 304


@pytest.mark.slow
def test_faults_lose_nothing(tmp_path: Path, first_run: tuple[Box, Reader, str]) -> None:
    _, whole, _ = first_run
    with Box(NOW.date(), faults=FAULTS) as box:
        reader = Reader(tmp_path, NOW, box.env)
        reader.run("init")
        reader.run("migrate")
        done = reader.run("run", "--force", code=1)
        lines = done.stderr.splitlines()
        for host in ("openai.com", "simonwillison.net"):
            assert sum(host in line for line in lines) == 1, done.stderr
        troubles = {s["name"]: s["trouble"] for s in reader.status()["sources"] if s["trouble"]}
        assert {"openai-news", "simon-willison", "huggingface-blog"} <= set(troubles)
        # The last entry of the feed that was cut off has no link yet; its other name makes it one with the whole entry.
        cut_off = reader.keys() - whole.keys()
        assert len(cut_off) <= 1
        assert all(reader.names(key) & whole.names() for key in cut_off)
        stored = dict(whole.query("SELECT key, title || summary FROM entry"))
        told = dict(reader.query("SELECT key, title || summary FROM entry"))
        assert all(stored[key] == text for key, text in told.items() if key not in cut_off)
        later = Reader(tmp_path, NOW + timedelta(minutes=10), box.env)
        later.run("run", "--all")
        assert later.keys() == whole.keys()
        assert [s["name"] for s in later.status()["sources"] if s["trouble"]] == []


@pytest.mark.slow
def test_without_a_network_each_source_is_one_line(tmp_path: Path) -> None:
    reader = Reader(tmp_path, NOW, {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"})
    reader.run("init")
    reader.run("migrate")
    done = reader.run("run", code=1)
    names = [s["name"] for s in reader.status()["sources"]]
    lines = done.stderr.splitlines()
    for name in names:
        assert sum(f"source {name}:" in line for line in lines) == 1, done.stderr
    assert len(lines) == len(names)
    assert reader.query("PRAGMA integrity_check") == [("ok",)]
    assert all(s["state"] == "failed" and s["trouble"] for s in reader.status()["sources"])


@pytest.mark.slow
def test_backfill_interrupted_three_times_asks_nothing_twice(tmp_path: Path) -> None:
    with Box(NOW.date()) as box:
        reader = Reader(tmp_path, NOW, box.env)
        reader.run("init")
        reader.run("migrate")
        arguments = ("backfill", "--from", "2026-03-21", "--to", str(NOW.date()), "--source", "arxiv")
        for number, kill in enumerate((signal.SIGKILL, signal.SIGINT, signal.SIGKILL), start=1):
            process = subprocess.Popen(
                reader.command(*arguments), cwd=tmp_path, env=reader.env, stderr=subprocess.DEVNULL
            )
            while len(box.requests()) < 6 * number:
                time.sleep(0.1)
            process.send_signal(kill)
            process.wait()
        reader.run(*arguments)
        wanted = {f"arxiv:{p['id']}" for p in box.world().known() if {"cs.SD", "eess.AS"} & set(p["categories"])}
        assert wanted - reader.keys() == set()
        asked = [r["query"] for r in box.requests()]
        assert len(asked) - len(set(asked)) <= 3
        assert reader.query("SELECT count(*) FROM message") == [(0,)]
        reader.run(*arguments)
        assert len(box.requests()) == len(asked)
