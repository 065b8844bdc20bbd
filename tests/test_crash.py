"""kill -9 at random moments of each step: what the next run leaves equals what an undisturbed run leaves. `make crash`.

The kills are spread over collect, embed, digest and deliver; each begins with the folder as the undisturbed run left it
before that step. AGGREGATOR_CRASH_SEED repeats a series.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.box import Box, Reader, needs_box

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
STEPS = ("collect", "embed", "digest", "deliver")
KILLS = 6
"""Per step."""
READERS = 40
CONFIG = f"""
[[profile]]
name = "lab"
email = [{", ".join(f'"reader{i}@example.org"' for i in range(READERS))}]
schedule = "weekly mon 08:00"
timezone = "UTC"
interests = ["streaming speech recognition", "neural audio codecs"]

[mail]
sender = "Digest <digest@example.org>"

[[source]]
kind = "arxiv"
name = "arxiv"
categories = ["eess.AS"]

[[source]]
kind = "feed"
name = "import-ai"
url = "https://importai.substack.com/feed"

[[source]]
kind = "feed"
name = "speechtech"
url = "https://www.reddit.com/r/speechtech/.rss"
"""

pytestmark = [needs_box, pytest.mark.slow, pytest.mark.timeout(3600)]


class Undisturbed:
    """The folder before each step, how long the step took, and what was there at the end."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.env, self.folder = env, folder
        self.seconds: dict[str, float] = {}
        reader = Reader(folder / "start", NOW, env)
        reader.folder.mkdir()
        (reader.folder / "config.toml").write_text(CONFIG)
        reader.run("migrate")
        for step in STEPS:
            shutil.copytree(reader.folder, self.before(step))
            begun = time.monotonic()
            reader.run(step)
            self.seconds[step] = time.monotonic() - begun
        self.reader = reader

    def before(self, step: str) -> Path:
        return self.folder / f"before-{step}"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    with Box(NOW.date()) as box:
        yield Undisturbed(tmp_path_factory.mktemp("undisturbed"), box.env)


def vectors(reader: Reader) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    rows = reader.query("SELECT key, data FROM vector JOIN entry ON entry.id = entry_id")
    return {key: np.frombuffer(data, dtype="<f4") for key, data in rows}


def entries(reader: Reader) -> list[tuple[object, ...]]:
    columns = "key, kind, title, url, summary, authors, categories, published, announced, added, news_at, text_hash"
    return reader.query(f"SELECT {columns} FROM entry ORDER BY key")


@pytest.mark.parametrize("number", range(KILLS))
@pytest.mark.parametrize("step", STEPS)
def test_killed_and_taken_up_again(undisturbed: Undisturbed, tmp_path: Path, step: str, number: int) -> None:
    chance = random.Random(f"{os.environ.get('AGGREGATOR_CRASH_SEED', '1')} {step} {number}")
    shutil.copytree(undisturbed.before(step), tmp_path / "reader")
    reader = Reader(tmp_path / "reader", NOW, undisturbed.env)
    process = subprocess.Popen(
        reader.command("run"), cwd=reader.folder, env=reader.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(chance.uniform(0.3, 0.3 + undisturbed.seconds[step]))
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.run("run")
    whole = undisturbed.reader
    assert reader.query("PRAGMA integrity_check") == [("ok",)]
    assert reader.query("PRAGMA foreign_key_check") == []
    assert entries(reader) == entries(whole)
    assert reader.mails() == whole.mails()
    assert len(whole.mails()) == READERS
    mine, theirs = vectors(reader), vectors(whole)
    assert mine.keys() == theirs.keys()
    for key, vector in theirs.items():
        np.testing.assert_allclose(mine[key], vector, atol=1e-5)
