"""The Hub's lists behind the real Fetcher.

The rows have the shape of the recorded answer in shared/data/recorded; those of datasets and Spaces follow the fields
that huggingface_hub 2.4 (hf_api.py) names for them.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlmodel import Session, select

from aggregator import tables
from aggregator.errors import FetchError, ParseError
from aggregator.model import Batch
from aggregator.sources.hub import Hub
from aggregator.sources.hub.words import PIPELINES, languages, pipeline
from aggregator.store import Store
from tests.fakes import Pages, fetcher_over, pages
from tests.stores import fresh_store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
API = "https://huggingface.co/api/models"
ROOT = Path(__file__).parent.parent
RECORDED = ROOT.parent / "shared" / "data" / "recorded" / "hf-models-2026-07-31.json"
ASR, TTS = "automatic-speech-recognition", "text-to-speech"


def row(name: str, days: float = 1, **fields: Any) -> dict[str, Any]:
    """A model created `days` ago."""
    created = (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"id": f"lab/{name}", "likes": 3, "tags": [], "pipeline_tag": ASR, "createdAt": created} | fields


def network(**lists: Any) -> Pages:
    """The Hub: rows, or a status, by the pipeline, tag or author asked for ("all" for the whole Hub)."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        name = asked.get("pipeline_tag") or asked.get("filter") or asked.get("author") or "all"
        found = lists.get(name.replace("-", "_"), [])
        return httpx.Response(found) if isinstance(found, int) else httpx.Response(200, content=json.dumps(found))

    return pages({API: answer})


def visit(hub: Hub, net: Pages, folder: Path, cursor: Any = None, now: datetime = NOW) -> Batch:
    with fetcher_over(net, folder) as fetcher:
        return hub.visit(fetcher, cursor, now)


def test_what_is_asked(tmp_path: Path) -> None:
    hub = Hub(name="hub", pipelines=(ASR,), tags=("whisper",), authors=("nvidia",), limit=20)
    net = network()
    visit(hub, net, tmp_path)
    rest = "sort=trendingScore&direction=-1&limit=20"
    assert net.urls == [
        f"{API}?pipeline_tag={ASR}&{rest}",
        f"{API}?filter=whisper&{rest}",
        f"{API}?author=nvidia&{rest}",
    ]
    assert Hub(name="hub")._lists()[0].url == f"{API}?sort=trendingScore&direction=-1&limit=100"
    (data,) = Hub(name="hub", what="datasets", pipelines=(ASR,), sort="new")._lists()
    assert data.url.startswith(f"https://huggingface.co/api/datasets?filter=task_categories%3A{ASR}&sort=createdAt&")
    (space,) = Hub(name="hub", what="spaces", tags=("audio",))._lists()
    assert "&expand=cardData&" in space.url


def test_a_work_in_several_lists_is_one_entry(tmp_path: Path) -> None:
    hub = Hub(name="hub", pipelines=(ASR, TTS))
    batch = visit(
        hub, network(automatic_speech_recognition=[row("a"), row("b"), row("a")], text_to_speech=[row("a")]), tmp_path
    )
    assert [entry.title for entry in batch.entries] == ["lab/a", "lab/b"]
    assert (batch.missing, batch.note) == ("", "")


def test_an_old_work_is_news_when_it_first_trends(tmp_path: Path) -> None:
    hub = Hub(name="hub", pipelines=(ASR,))
    first = visit(hub, network(automatic_speech_recognition=[row("old", 90), row("new")]), tmp_path)
    assert [entry.announced for entry in first.entries] == [None, None]
    later = NOW + DAY
    trends = network(automatic_speech_recognition=[row("old", 90), row("late", 90)])
    second = visit(hub, trends, tmp_path, first.cursor, later)
    assert [entry.announced for entry in second.entries] == [None, later]
    third = visit(hub, trends, tmp_path, second.cursor, later + DAY)
    assert [entry.announced for entry in third.entries] == [None, None]
    gone = visit(hub, network(automatic_speech_recognition=[row("new")]), tmp_path, third.cursor, later + 2 * DAY)
    back = visit(hub, trends, tmp_path, gone.cursor, later + 3 * DAY)
    assert [entry.announced for entry in back.entries] == [None, None]


def test_a_list_that_is_read_for_the_first_time_makes_no_news_of_old_works(tmp_path: Path) -> None:
    one, two = Hub(name="hub", pipelines=(ASR,)), Hub(name="hub", pipelines=(ASR, TTS))
    rows = {"automatic_speech_recognition": [row("a", 90)], "text_to_speech": [row("b", 90)]}
    cursor = visit(one, network(**rows), tmp_path).cursor
    assert [entry.announced for entry in visit(two, network(**rows), tmp_path, cursor).entries] == [None, None]
    failed = visit(two, network(**rows | {"text_to_speech": 500}), tmp_path)
    assert [entry.announced for entry in visit(two, network(**rows), tmp_path, failed.cursor).entries] == [None, None]


def test_in_the_store_it_is_news_on_that_day(tmp_path: Path) -> None:
    hub = Hub(name="hub", pipelines=(ASR,))
    with fresh_store("sqlite", tmp_path) as opened:
        first = visit(hub, network(automatic_speech_recognition=[row("old", 90), row("new")]), tmp_path)
        opened.add("hub", "hub", first, now=NOW, next_visit=NOW + DAY)
        trends = network(automatic_speech_recognition=[row("late", 90), row("old", 90)])
        second = visit(hub, trends, tmp_path, opened.cursor("hub"), NOW + DAY)
        opened.add("hub", "hub", second, now=NOW + DAY, next_visit=NOW + 2 * DAY)
        assert news(opened) == {"lab/old": NOW - 90 * DAY, "lab/new": NOW - DAY, "lab/late": NOW + DAY}


def news(store: Store) -> dict[str, datetime]:
    with Session(store._reader) as session:
        return {row.title: row.news_at for row in session.exec(select(tables.Entry)) if row.news_at}


def test_a_list_of_new_works_that_may_have_a_gap_says_so(tmp_path: Path) -> None:
    hub = Hub(name="hub", pipelines=(ASR,), sort="new", limit=2)
    first = visit(hub, network(automatic_speech_recognition=[row("b", 3), row("a", 4)]), tmp_path)
    assert first.missing == ""
    joined = visit(hub, network(automatic_speech_recognition=[row("c", 2), row("b", 3)]), tmp_path, first.cursor)
    assert joined.missing == ""
    gap = visit(hub, network(automatic_speech_recognition=[row("e", 1), row("d", 2)]), tmp_path, first.cursor)
    assert gap.missing.startswith(f"the pipeline {ASR}: more than 2 were created since the visit before")
    assert (
        visit(hub, network(automatic_speech_recognition=[row("e", 1), row("d", 2)]), tmp_path, gap.cursor).missing == ""
    )
    assert all(entry.announced is None for batch in (joined, gap) for entry in batch.entries)


def test_lists_fail_on_their_own(tmp_path: Path) -> None:
    hub = Hub(name="hub", pipelines=(ASR, TTS))
    good = visit(hub, network(automatic_speech_recognition=[row("a")], text_to_speech=[row("b")]), tmp_path)
    half = visit(hub, network(automatic_speech_recognition=500, text_to_speech=[row("b")]), tmp_path, good.cursor)
    assert [entry.title for entry in half.entries] == ["lab/b"]
    assert half.missing.startswith(f"the pipeline {ASR}: huggingface.co/api/models")
    assert set(half.cursor["lists"]) == set(good.cursor["lists"])
    with pytest.raises(FetchError):
        visit(hub, network(automatic_speech_recognition=500, text_to_speech=500), tmp_path)


def test_a_name_that_gives_nothing_is_told(tmp_path: Path) -> None:
    batch = visit(Hub(name="hub", authors=("nvdia", "lab")), network(lab=[row("a")]), tmp_path)
    assert "under the author nvdia; is it spelled right?" in batch.note


@pytest.mark.parametrize(
    "body", ["", "<html>busy</html>", '{"error": "x"}', "[1, 2]", '[{"id": "../etc"}]', "[" * 99_999]
)
def test_what_is_no_list_is_an_error(body: str) -> None:
    with pytest.raises(ParseError, match="the Hub answered"):
        Hub(name="hub").parse(body.encode(), NOW)


def test_few_likes_and_private_works_are_left_out() -> None:
    rows = [row("a", likes=2), row("b", likes=5), row("c", likes=None), row("d", likes=9, private=True)]
    entries = Hub(name="hub", min_likes=5).parse(json.dumps(rows).encode(), NOW)
    assert [entry.title for entry in entries] == ["lab/b"]


def test_odd_values_are_left_out() -> None:
    odd: dict[str, Any] = {
        "tags": [7, "arxiv:x", "\u202edoi:10.1/y", "l\ud800", *["a"] * 9999],
        "likes": -1,
        "downloads": True,
    }
    odd |= {"createdAt": "soon", "cardData": []}
    (entry,) = Hub(name="hub").parse(json.dumps([row("a") | odd]).encode(), NOW)
    assert (entry.published, dict(entry.signals), entry.mentions, entry.aliases) == (NOW, {}, (), ())
    assert len(entry.summary) < 2000


def test_options_are_checked() -> None:
    assert Hub(name="hub", pipelines=("Text to Speech",)).pipelines == (TTS,)
    with pytest.raises(ValidationError, match="did you mean 'automatic-speech-recognition'"):
        Hub(name="hub", pipelines=("asr",))
    with pytest.raises(ValidationError, match="did you mean 'audio-classification'"):
        Hub(name="hub", pipelines=("audio-clasification",))
    with pytest.raises(ValidationError, match="Spaces belong to no pipeline"):
        Hub(name="hub", what="spaces", pipelines=(ASR,))
    wrong: list[dict[str, Any]] = [
        {"what": "papers"}, {"sort": "best"}, {"limit": 0}, {"limit": 1001}, {"min_likes": -1},
        {"tags": ["a&b=c"]}, {"authors": ["a/b"]}, {"authors": [""]},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(ValidationError):
            Hub(name="hub", **options)


@given(st.text(max_size=60))
def test_a_pipeline_is_one_or_refused(name: str) -> None:
    try:
        assert pipeline(name) in PIPELINES
    except ValueError as error:
        assert "is no pipeline of the Hub" in str(error)  # noqa: PT017 - both ends are right


def test_languages_in_words() -> None:
    assert languages(["de", "language:fr", "speech", "de"]) == ["German", "French"]
    assert languages(["multilingual"]) == ["many languages"]
    assert languages(["en", "multilingual"]) == ["English"]
    assert languages(["af", "am", "ar", "as", "az", "be", "bg", "bn", "br", "bs", "ca", "cs", "cy"]) == ["13 languages"]


def test_the_recorded_answer_is_read() -> None:
    if not RECORDED.exists():
        pytest.skip("the recorded answers are not here")
    entries = Hub(name="hub").parse(RECORDED.read_bytes(), datetime(2026, 8, 1, tzinfo=UTC))
    assert len(entries) == 15
    assert sum(bool(entry.mentions) for entry in entries) == 7
    assert all(entry.summary and entry.signals["likes"] for entry in entries)


def test_a_long_list_is_read_in_no_time() -> None:
    rows = [row(f"m{number}", tags=["x" * 90] * 200, description="<" * 5000) for number in range(1000)]
    body = json.dumps(rows).encode()
    start = time.process_time()
    assert len(Hub(name="hub").parse(body, NOW)) == 1000
    assert time.process_time() - start < 10
