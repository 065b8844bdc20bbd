"""search, the command: a list for people, JSON for programs, and one line for what cannot be searched."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator import app
from aggregator.cli import cli
from aggregator.errors import EmbedError, InputError
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import DAY, NOW, add, paper

CONFIG = """
[[profile]]
name = "me"
email = "me@example.org"
interests = ["speech"]

[[source]]
kind = "feed"
name = "blog"
url = "https://blog.example.org/feed.xml"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGGREGATOR_CONFIG", raising=False)
    monkeypatch.setattr(app, "SentenceEmbedder", lambda *_, **__: WordEmbedder())
    (tmp_path / "config.toml").write_text(CONFIG)


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        add(
            opened,
            paper(
                1,
                title="Streaming\x1b[31m [bold]speech[/bold] :smile:",
                summary="Speech, heard as it is said.",
                authors=tuple("ABCDE"),
            ),
            paper(2, title="Music", published=NOW - 40 * DAY, summary="Nothing."),
        )
        waiting = opened.without_vector("words", "1")
        made = WordEmbedder().embed([one.text for one in waiting])
        opened.add_vectors("words", "1", [(one.entry_id, one.text_hash) for one in waiting], made)
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["search", *arguments], standalone_mode=False)


def test_a_list_without_a_terminal_is_plain() -> None:
    done = run("speech")
    assert (done.exception, done.return_value) == (None, 0)
    assert done.output.splitlines() == [
        "  1 Streaming [31m [bold]speech[/bold] :smile:",
        "    2026-11-20 · paper · arxiv · A, B, C and others · words and meaning",
        "    Speech, heard as it is said.",
        "    https://arxiv.org/abs/2611.00001",
    ]


def test_on_a_terminal_the_words_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    done = CliRunner().invoke(cli, ["search", "speech"], standalone_mode=False, color=True)
    assert "\x1b[1;33mSpeech\x1b[0m" in done.output
    assert "\x1b[31m" not in done.output


def test_json_has_all_that_is_known() -> None:
    (hit,) = json.loads(run("speech", "--json", "--since", "2026-11-20", "--until", "2026-11-20").output)
    assert hit["key"] == "arxiv:2611.00001"
    assert (hit["number"], hit["kind"], hit["why"], hit["sources"]) == (1, "paper", "both", ["arxiv"])
    assert hit["published"] == "2026-11-20T08:00:00+00:00"
    assert [hit["snippet"][start:end] for start, end in hit["marks"]] == ["Speech"]
    assert 0 < hit["score"] < 2
    assert json.loads(run("zebra", "--json").output) == []


def test_several_words_need_no_quotes_for_the_shell() -> None:
    assert "Streaming" in run("streaming", "speech", "--limit", "1", "--kind", "paper", "--source", "arxiv").output


def test_nothing_found_says_what_to_try() -> None:
    done = run("zebra")
    assert (done.output, done.return_value) == ("nothing found for 'zebra'; try fewer words, or others\n", 0)
    assert run("music", "--since", "2026-11-01").output == (
        "nothing found for 'music'; try an earlier --since, or fewer of the options\n"
    )


def test_without_the_model_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> WordEmbedder:
        raise EmbedError("model 'x' cannot be loaded")

    monkeypatch.setattr(WordEmbedder, "embed", broken)
    done = run("music")
    assert done.return_value == 1
    assert "aggregator: searched by words only: model 'x' cannot be loaded\n" in done.stderr
    assert "Music" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["  "], "there is nothing to search for: write words"),
        (["x", "--since", "2026-13-01"], "--since '2026-13-01' is not a day; write it like 2026-11-21"),
        (["x", "--until", "yesterday"], "--until 'yesterday' is not a day"),
        (["x", "--since", "2026-11-02", "--until", "2026-11-01"], "--since 2026-11-02 is after --until 2026-11-01"),
        (["x", "--source", "nope"], "there is no source 'nope'; there are: arxiv, blog"),
    ],
)
def test_what_cannot_be_searched_is_one_line(arguments: list[str], says: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, InputError)
    assert str(error).startswith(says)
    assert "\n" not in str(error)


def test_a_source_without_entries_is_known() -> None:
    assert "nothing found" in run("speech", "--source", "blog").output


def test_the_last_day_there_is() -> None:
    assert "Streaming" in run("speech", "--since", "0001-01-01", "--until", "9999-12-31").output
