"""Hugging Face's daily list behind the real Fetcher."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.errors import FetchError, SourceError
from aggregator.model import Batch, Window
from aggregator.sources.huggingface import HuggingFace
from tests.fakes import Pages, fetcher_over, pages

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
API = "https://huggingface.co/api/daily_papers"


def row(number: int, day: str | None = None) -> dict[str, Any]:
    paper = {
        "id": f"2611.{number:05}",
        "title": f"Sample {number}",
        "publishedAt": "2026-11-01T00:00:00.000Z",
        "upvotes": 1,
    }
    return {"paper": paper | ({"submittedOnDailyAt": f"{day}T00:00:00.000Z"} if day else {})}


def lists(days: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    """The list of each day or week: rows, or a status; what is not named is empty."""

    def answer(request: httpx.Request) -> httpx.Response:
        rows = days.get(request.url.params.get("date") or request.url.params["week"], [])
        if isinstance(rows, int):
            return httpx.Response(rows)
        size, page = int(request.url.params["limit"]), int(request.url.params["p"])
        return httpx.Response(200, content=json.dumps(rows[page * size : (page + 1) * size]))

    return answer


def visit(network: Pages, folder: Path, cursor: Any = None) -> Batch:
    with fetcher_over(network, folder) as fetcher:
        return HuggingFace(name="hf").visit(fetcher, cursor, NOW)


def days(network: Pages) -> list[str]:
    return [request.url.params["date"][-2:] for request in network.requests]


def test_first_visit_asks_a_week(tmp_path: Path) -> None:
    network = pages({API: lists({"2026-11-13": [row(1)], "2026-11-20": [row(2, "2026-11-20")]})})
    batch = visit(network, tmp_path)
    assert days(network) == ["13", "14", "15", "16", "17", "18", "19", "20"]
    assert [(entry.key, entry.announced) for entry in batch.entries] == [
        ("arxiv:2611.00001", datetime(2026, 11, 13, tzinfo=UTC)),
        ("arxiv:2611.00002", datetime(2026, 11, 20, tzinfo=UTC)),
    ]
    assert batch.cursor == {"day": "2026-11-20"}


def test_later_visit_asks_from_the_cursor_and_a_week_again(tmp_path: Path) -> None:
    network = pages({API: lists({})})
    assert visit(network, tmp_path, {"day": "2026-11-19"}).cursor == {"day": "2026-11-20"}
    assert days(network) == [f"{day}" for day in range(12, 21)]


def test_pages_go_on_while_they_are_full(tmp_path: Path) -> None:
    network = pages({API: lists({"2026-11-20": [row(n) for n in range(1, 251)]})})
    assert len(visit(network, tmp_path, {"day": "2026-11-20"}).entries) == 250
    assert [request.url.params["p"] for request in network.requests][7:] == ["0", "1", "2"]
    stuck = pages({API: json.dumps([row(n) for n in range(1, 101)])})
    assert len(visit(stuck, tmp_path, {"day": "2026-11-20"}).entries) == 100
    assert len(stuck.requests) == 16


def test_a_day_that_has_not_opened_is_no_failure(tmp_path: Path) -> None:
    batch = visit(pages({API: lists({"2026-11-19": [row(1)], "2026-11-20": 400})}), tmp_path)
    assert (len(batch.entries), batch.missing, batch.cursor) == (1, "", {"day": "2026-11-20"})


def test_a_day_that_fails_ends_the_visit(tmp_path: Path) -> None:
    network = pages({API: lists({"2026-11-14": [row(1)], "2026-11-17": 500, "2026-11-19": [row(2)]})})
    batch = visit(network, tmp_path)
    assert [entry.key for entry in batch.entries] == ["arxiv:2611.00001"]
    assert batch.missing.startswith("the days from 2026-11-17 on: ")
    assert batch.cursor == {"day": "2026-11-17"}
    again = visit(pages({API: lists({"2026-11-16": 500})}), tmp_path, batch.cursor)
    assert again.cursor == {"day": "2026-11-17"}  # a day of the look-back does not set it back


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError):
        visit(pages({API: 500}), tmp_path)
    for body in ("<html>busy</html>", '{"error": "x"}', "[1, 2]", "", "[" * 100_000):
        with pytest.raises(SourceError, match="Hugging Face answered"):
            visit(pages({API: body}), tmp_path)


def test_history_by_week(tmp_path: Path) -> None:
    source = HuggingFace(name="hf")
    window = Window(date(2026, 11, 12), date(2026, 11, 20))
    first, second = source.slices(window)
    assert (first, second) == (Window(window.first, date(2026, 11, 15)), Window(date(2026, 11, 16), window.last))
    assert source.slices(Window(date(2020, 1, 1), date(2023, 5, 1))) == (Window(date(2023, 5, 1), date(2023, 5, 1)),)
    rows = [row(1, "2026-11-10"), row(2, "2026-11-12"), row(3, "2026-11-13"), row(4)]
    network = pages({API: lists({"2026-W46": rows})})
    with fetcher_over(network, tmp_path) as fetcher:
        batch = source.backfill(fetcher, first, window, NOW)
        assert [entry.key for entry in batch.entries] == ["arxiv:2611.00002", "arxiv:2611.00003", "arxiv:2611.00004"]
        network.answers[API] = 500
        with pytest.raises(FetchError):
            source.backfill(fetcher, first, window, NOW)


def test_numbers_that_are_none_are_left_out() -> None:
    odd = {"upvotes": True, "githubStars": -1, "authors": "nobody", "publishedAt": 7, "githubRepo": "javascript:x"}
    body = json.dumps([{"paper": {"id": "2611.00001", "title": "A \ud800sample\u202e", **odd}, "numComments": 2**70}])
    (entry,) = HuggingFace(name="hf").parse(body.encode(), NOW)
    assert entry.title == "A sample"
    assert set(entry.signals) == {"page", "pdf"}
    assert (entry.published, entry.authors) == (NOW, ())


def test_what_a_model_says_of_a_paper_is_kept_in_one_bounded_line() -> None:
    said = {"ai_summary": "First line.\nSecond\u202e line. " + "More of it. " * 200}
    body = json.dumps([{"paper": {"id": "2611.00001", "title": "A sample", **said}}])
    (entry,) = HuggingFace(name="hf").parse(body.encode(), NOW)
    summary = str(entry.signals["ai_summary"])
    assert summary.startswith("First line. Second line. More of it.")
    assert len(summary) <= 600
