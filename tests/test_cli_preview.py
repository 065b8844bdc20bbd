"""preview and backtest, the commands: what an edit does, what past weeks would have been, in words and as JSON."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from aggregator import app
from aggregator.cli import cli
from aggregator.errors import InputError
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import NOW, add, paper

CONFIG = """
[[profile]]
name = "me"
email = "me@example.org"
schedule = "weekly sat 07:00"
timezone = "UTC"
interests = ["speech recognition", "music generation"]
min_score = 0.3

[[source]]
kind = "feed"
name = "blog"
url = "https://blog.example.org/feed.xml"
"""
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGGREGATOR_CONFIG", raising=False)
    monkeypatch.setattr(app, "SentenceEmbedder", lambda *_, **__: WordEmbedder())
    (tmp_path / "config.toml").write_text(CONFIG)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Of the last week and of the one before: 20 papers each on speech, music and birds."""
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def full(store: Store) -> Store:
    subjects = ("speech recognition", "music generation", "bird song")
    add(
        store,
        *(
            paper(
                1000 * week + 20 * place + number,
                title=f"{subject} [bold]{number}[/bold]",
                summary=" ".join(["of", "many", "further", "words", "and", "more"][: number % 6]),
                published=NOW - timedelta(days=2) - week * WEEK,
            )
            for week in (0, 1)
            for place, subject in enumerate(subjects)
            for number in range(20)
        ),
    )
    return store


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--now", NOW.isoformat(), *arguments], standalone_mode=False)


def said(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exception is None, done.exception
    assert done.return_value == 0
    return done.output


def told(*arguments: str) -> Any:
    return json.loads(said(*arguments, "--json"))


def edit(before: str, after: str) -> None:
    path = Path("config.toml")
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


# --- preview


def test_the_first_preview_says_that_the_next_edit_is_compared(full: Store) -> None:
    html, eml, line = said("preview", "me").splitlines()
    assert Path(html).suffix == ".html"
    assert Path(eml).suffix == ".eml"
    assert Path(eml).exists()
    assert line == "nothing to compare with yet: the next edit of profile me will be compared with it as it is"
    assert said("preview", "me").splitlines() == [
        html, eml, "profile me is written as before: the next edit will be compared with it as it is",
    ]  # fmt: skip
    assert told("preview", "me") == {"profile": "me", "files": [html, eml], "difference": None}
    assert told("preview") == told("preview", "me")


def test_an_edit_is_shown_with_what_came_and_went(full: Store) -> None:
    said("preview", "me")
    edit('"music generation"', '"bird song"')
    edit("min_score = 0.3", 'min_score = 0.35\nmuted = ["nothing"]')
    html, eml, empty, *lines = said("preview", "me").splitlines()
    lines = [line.rstrip() for line in lines]
    assert (Path(html).suffix, Path(eml).suffix, empty) == (".html", ".eml", "")
    assert lines[:6] == [
        f"Edited  since {NOW:%Y-%m-%d %H:%M} UTC",
        "  interests  - music generation",
        "             + bird song",
        "  muted      + nothing",
        "  min_score  0.3 → 0.35",
        "",
    ]
    found = told("preview", "me")["difference"]
    assert f"Came  {len(found['came'])}" in lines
    assert f"Went  {len(found['went'])}" in lines
    assert f"{'':24}and {len(found['went']) - 10} more" in lines
    assert any("bird song [bold]" in line for line in lines)
    assert any("bird song; before: below min_score 0.3" in line for line in lines)
    assert any("; before: music generation" in line for line in lines)
    assert lines[-1].endswith("where they were.") or lines[-1].endswith("where it was.")


def test_the_difference_as_json(full: Store) -> None:
    said("preview", "me")
    edit('"music generation"', '"bird song"')
    found = told("preview", "me")["difference"]
    assert found["edits"] == [
        {"field": "interests", "before": "music generation", "after": "", "about": ""},
        {"field": "interests", "before": "", "after": "bird song", "about": ""},
    ]
    assert found["written_before"] == NOW.isoformat()
    came = found["came"][0]
    assert came["title"].startswith("bird song")
    assert came["before"]["number"] is None
    assert came["after"]["reason"]["text"] == "bird song"
    assert told("preview", "me")["difference"] == found


def test_an_edit_that_changes_nothing_says_so(full: Store) -> None:
    said("preview", "me")
    edit("min_score = 0.3", 'min_score = 0.3\nmuted = ["zebra"]')
    assert said("preview", "me").splitlines()[-1].startswith("The edit changes nothing in this digest: ")


def test_an_edit_that_leaves_nothing_shows_what_went(full: Store) -> None:
    said("preview", "me")
    edit('"speech recognition", "music generation"', '"quantum chess"')
    lines = said("preview", "me").splitlines()
    assert lines[0] == "profile me: nothing in the last 7 days reaches min_score"
    assert any(line.startswith("Went  ") for line in lines)
    assert told("preview", "me")["files"] == []


def test_after_a_digest_the_edit_is_compared_with_it(full: Store) -> None:
    said("digest")
    edit('"music generation"', '"bird song"')
    assert "Came  " in said("preview", "me")


# --- backtest


def test_weeks_with_their_best_picks(full: Store) -> None:
    text = said("backtest", "me", "--weeks", "3")
    assert "Sat 2026-11-07 07:00  no candidates: nothing became news in this week" in text
    assert "Sat 2026-11-21 07:00  60 candidates, 30 picks" in text
    assert text.count("[bold]") == 6
    assert "Nothing of these weeks was liked or saved" in text
    found = told("backtest", "me", "--weeks", "3")
    assert [week["candidates"] for week in found["weeks"]] == [0, 60, 60]
    assert [len(week["top"]) for week in found["weeks"]] == [0, 3, 3]
    top = found["weeks"][2]["top"]
    assert {one["reason"]["kind"] for one in top} == {"interest"}
    assert found["mean"] == {"learnt": None, "written": None}
    assert "as the store knows them now" in found["limits"]


def test_weeks_are_judged_where_there_are_answers(full: Store) -> None:
    first = told("backtest", "me", "--weeks", "2")["weeks"][1]["top"][0]["key"]
    full.answer("me", first, "like", now=NOW)
    found = told("backtest", "me", "--weeks", "2")
    assert found["weeks"][0]["learnt"] is None
    assert found["weeks"][1]["learnt"] == {"ndcg_at_10": 1.0, "hit_rate": 1.0}
    assert found["mean"] == {"learnt": found["weeks"][1]["learnt"], "written": found["weeks"][1]["written"]}
    text = said("backtest", "me", "--weeks", "2")
    assert "nDCG@10 1.00 (1.00 without answers), hit rate 1.00 (1.00) of 1 liked" in text
    assert "of 1 of 2 weeks" in text


# --- what cannot be


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("preview", "you"), InputError, "there is no profile 'you'"),
        (("backtest", "you"), InputError, "there is no profile 'you'"),
        (("backtest", "me", "--weeks", "0"), click.UsageError, "--weeks"),
        (("backtest", "me", "--weeks", "200"), click.UsageError, "--weeks"),
        (("backtest", "me"), InputError, "has no entries yet"),
    ],
)
def test_errors_are_one_line(
    store: Store, arguments: tuple[str, ...], error: type[click.UsageError] | type[InputError], text: str
) -> None:
    done = run(*arguments).exception
    assert isinstance(done, error)
    said = done.format_message() if isinstance(done, click.UsageError) else str(done)
    assert text in said
    assert "\n" not in said
