"""The samples of every kind: each answer in tests/data/KIND against the file beside it (UPDATE=1 accepts)."""

import json
import os
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aggregator.errors import ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import KINDS, Entry, Window
from aggregator.sources import Source, kinds
from tests.fakes import fetcher_over, pages

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPTIONS: dict[str, dict[str, Any]] = {"feed": {"url": "https://feeds.example.org/feed"}}
SAMPLES = sorted(
    path for kind in kinds() for path in (DATA / kind).iterdir() if not path.name.endswith(".expected.json")
)


def told(entries: list[Entry]) -> list[dict[str, Any]]:
    """Entries as JSON: empty fields left out."""
    return [{k: _plain(v) for k, v in asdict(entry).items() if v not in ("", (), {}, None)} for entry in entries]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sample(path: Path) -> None:
    beside = path.with_name(f"{path.name}.expected.json")
    expected = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
    options = expected.get("options") or OPTIONS.get(path.parent.name, {})
    source = kinds()[path.parent.name](name="sample", **options)
    found: dict[str, Any] = {"options": options}
    try:
        entries = source.parse(path.read_bytes(), NOW)
    except ParseError as error:
        found["error"] = str(error)
    else:
        found["entries"] = told(entries)
        for entry in entries:
            assert entry.kind in KINDS
            assert entry.title
            assert entry.title == " ".join(entry.title.split())
            assert entry.published <= NOW
            assert entry.published.tzinfo is UTC
            assert entry.url.startswith(("https://", "http://")) or entry.key.startswith("id:")
        assert len({entry.key for entry in entries}) == len(entries)
    if os.environ.get("UPDATE"):
        beside.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    else:
        assert found == expected


def test_every_kind_has_samples_of_good_and_of_bad_answers() -> None:
    for kind in kinds():
        expected = [json.loads(path.read_text("utf-8")) for path in (DATA / kind).glob("*.expected.json")]
        assert any(found.get("entries") for found in expected), kind
        assert any("error" in found for found in expected), kind


def test_kinds_are_the_modules() -> None:
    found = kinds()
    assert set(found) >= {"arxiv", "feed", "huggingface"}
    assert not any(name.startswith("_") for name in found)
    assert {name: source.kind for name, source in found.items()} == {name: name for name in found}
    assert all(issubclass(source, Source) for source in found.values())


def test_options_are_checked() -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("arxiv", {"categories": ["cs.SD; DROP"]}),
        ("arxiv", {"categories": []}),
        ("arxiv", {"page_size": 5000}),
        ("arxiv", {"every_hours": 0}),
        ("feed", {}),
        ("feed", {"url": "file:///etc/passwd"}),
        ("feed", {"url": "https://example.org/", "post_kind": "poem"}),
        ("huggingface", {"unknown": 1}),
        ("huggingface", {"lookback_days": -1}),
    ]
    for kind, options in wrong:
        with pytest.raises(ValidationError):
            kinds()[kind](name="x", **options)
    with pytest.raises(ValidationError):
        kinds()["arxiv"](name="")


def test_a_kind_without_history_says_so(tmp_path: Path) -> None:
    options: dict[str, Any] = {"url": "https://example.org/feed"}
    feed = kinds()["feed"](name="blog", **options)
    window = Window(date(2026, 1, 1), date(2026, 2, 1))
    fetcher: Fetcher = fetcher_over(pages({}), tmp_path)
    assert feed.slices(window) == ()
    with fetcher, pytest.raises(SourceError, match="no history"):
        feed.backfill(fetcher, window, window, NOW)
