"""tasting: what all profiles have in common is read once, and none of them changes the digest of another."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import pipeline
from aggregator.model import Profile, Vectors
from aggregator.render import Renderer
from aggregator.store import Store
from aggregator.tasting import FIRST_WINDOW, Known, next_window, tasted
from tests.fakes import WordEmbedder
from tests.stores import DAY, NOW, add, digest, fresh_store, paper

ME = Profile(
    name="me", email=("me@example.org",), schedule="daily 07:00", timezone="UTC", min_score=0.1,
    interests=("neural audio codecs", "speech recognition"),
)  # fmt: skip
YOU = replace(ME, name="you", interests=("speech recognition of birds", "neural codecs"))
TITLES = ("Neural audio codecs", "Speech recognition of birds", "Audio codecs for speech", "Bread", "Birds in audio")


class CountingStore(Store):
    """Counts how often the latest entries are read."""

    read = 0

    def lately(self, model: str, revision: str, most: int) -> tuple[list[str], Vectors]:
        self.read += 1
        return super().lately(model, revision, most)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CountingStore]:
    with CountingStore(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        add(opened, *(paper(n, title=title, summary=f"About {title}.") for n, title in enumerate(TITLES)))
        pipeline.embed(opened, WordEmbedder())
        yield opened


def test_a_ranking_is_the_same_alone_and_beside_other_profiles(store: Store) -> None:
    model = WordEmbedder()
    found, vectors = store.candidates("me", model.model, model.revision, NOW - 7 * DAY, NOW)
    alone = tasted(store, model, ME, found, vectors, now=NOW)
    both = Known(store, model, [YOU, ME])
    assert tasted(store, model, ME, found, vectors, now=NOW, known=both) == alone
    assert next(item.entry.title for item in alone) == "Neural audio codecs"
    yours = tasted(store, model, YOU, found, vectors, now=NOW, known=both)
    assert yours == tasted(store, model, YOU, found, vectors, now=NOW)
    assert yours != alone


def test_what_profiles_have_in_common_is_read_once_and_only_when_a_digest_is_due(store: CountingStore) -> None:
    def digested() -> int:
        renderer = Renderer("Digest <digest@example.org>")
        return pipeline.digest(store, WordEmbedder(), renderer, [ME, YOU], ["arxiv"], now=NOW).counts["issues"]

    assert (digested(), store.read) == (2, 1)
    assert (digested(), store.read) == (0, 1)


def test_nothing_is_read_for_no_candidates(store: CountingStore) -> None:
    model = WordEmbedder()
    assert tasted(store, model, ME, [], model.embed([]), now=NOW) == []
    assert store.read == 0


def test_the_next_window_begins_where_the_last_issue_ended(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        assert next_window(store, ME, NOW) == (NOW - FIRST_WINDOW, NOW)
        store.queue("me", "2026-W46", NOW - 7 * DAY, NOW, now=NOW, digest=digest(), messages=[])
        assert next_window(store, ME, NOW + DAY) == (NOW, NOW + DAY)
        assert next_window(store, ME, NOW - timedelta(hours=1)) == (NOW, NOW)
