"""feedback, the command: likes and their kind noted, listed and taken back; and profile show tells what was learnt."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import cli
from aggregator.errors import InputError
from aggregator.store import Store
from tests.stores import NOW, add, candidates, digest, embed, paper

SOURCE = '[[source]]\nkind = "feed"\nname = "blog"\nurl = "https://blog.example.org/feed.xml"\n'
ME = '[[profile]]\nname = "me"\nemail = "me@example.org"\ninterests = ["speech"]\n\n'
YOU = ME.replace('"me', '"you')
SPEECH, MUSIC = (
    "speaker diarization of meetings with overlapping talkers",
    "melody and harmony in symbolic music scores",
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGGREGATOR_CONFIG", raising=False)
    (tmp_path / "config.toml").write_text(ME + SOURCE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        told = [paper(n, title=f"Paper {n}", summary=SPEECH if n % 2 else MUSIC) for n in range(1, 7)]
        add(opened, *told)
        yield opened


def run(*arguments: str, asked: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--now", NOW.isoformat(), *arguments], standalone_mode=False, input=asked)


def said(*arguments: str, asked: str | None = None) -> str:
    done = run("feedback", *arguments, asked=asked)
    assert done.exception is None, done.exception
    assert done.return_value == 0
    return done.output


def test_an_answer_is_noted_and_told_with_the_title(store: Store) -> None:
    assert said("like", "2611.00001") == "liked by me: Paper 1 (arxiv:2611.00001)\n"
    assert said("save", "2611.00001", "--profile", "me") == "saved by me: Paper 1 (arxiv:2611.00001), before: liked\n"
    assert said("save", "2611.00001") == "saved by me: Paper 1 (arxiv:2611.00001)\n"
    assert said("dislike", "https://arxiv.org/abs/2611.00002v2").startswith("disliked by me: Paper 2")
    assert said("hide", "10.48550/arXiv.2611.00003").startswith("hidden by me: Paper 3")
    assert [(one.key[-1], one.answer, one.at) for one in store.answers("me")] == [
        ("1", "save", NOW),
        ("2", "dislike", NOW),
        ("3", "hide", NOW),
    ]


def test_a_pick_by_its_number(store: Store) -> None:
    embed(store)
    known = candidates(store)
    told = digest(known[3], known[1])
    store.queue("me", "2026-W47", NOW, NOW, now=NOW, digest=told, messages=[])
    assert said("like", "1") == "liked by me: Paper 4 (arxiv:2611.00004)\n"
    assert isinstance(run("feedback", "like", "3").exception, InputError)


def test_the_list(store: Store) -> None:
    assert said("list") == "me has not answered yet: aggregator feedback like ENTRY\n"
    assert json.loads(said("list", "--json")) == []
    said("like", "2611.00001")
    assert said("list").splitlines()[1] == "2026-11-21  like    arxiv:2611.00001  Paper 1"
    assert json.loads(said("list", "--json")) == [
        {"profile": "me", "key": "arxiv:2611.00001", "title": "Paper 1", "answer": "like", "at": NOW.isoformat()}
    ]


def test_reset_takes_back_some_or_all(store: Store) -> None:
    for number in (1, 2, 3):
        said("like", f"2611.0000{number}")
    assert said("reset", "2611.00001", "2611.00004").splitlines() == [
        "taken back: Paper 1 (arxiv:2611.00001)",
        "there was no answer: Paper 4 (arxiv:2611.00004)",
    ]
    assert "no entry is known as 'nosuch'" in str(run("feedback", "reset", "2611.00002", "nosuch").exception)
    assert run("feedback", "reset", asked="n\n").exception is not None
    assert len(store.answers("me")) == 2
    assert "taken back: 2 answers of me" in said("reset", asked="y\n")
    assert said("reset", "--yes") == "taken back: 0 answers of me\n"


def test_whose_answer_it_is_must_be_plain(store: Store, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(ME + YOU + SOURCE)
    for arguments, message in {
        ("like", "2611.00001"): "say whose answer it is: --profile me; there are: me, you",
        ("like", "2611.00001", "--profile", "yuo"): "there is no profile 'yuo'",
        ("list", "--profile", "nobody"): "there is no profile 'nobody'",
    }.items():
        error = run("feedback", *arguments).exception
        assert isinstance(error, InputError)
        assert message in str(error)
    assert said("like", "2611.00001", "--profile", "you").startswith("liked by you")
    assert store.answers("me") == []


def test_profile_show_tells_what_was_learnt_in_words(store: Store) -> None:
    def shown(*options: str) -> Any:
        done = run("profile", "show", "me", *options)
        assert done.exception is None, done.exception
        return done.output

    assert "more of" not in shown()
    for number in (1, 3, 5):
        said("like", f"2611.0000{number}")
    for number in (2, 4):
        said("dislike", f"2611.0000{number}")
    facts = json.loads(shown("--json"))
    assert facts["answers"] == {"like": 3, "dislike": 2}
    assert set(" ".join(facts["more_of"]).split()) <= {"paper", *SPEECH.split()}
    assert set(" ".join(facts["less_of"]).split()) <= {"paper", *MUSIC.split()}
    assert len(facts["liked"]) == 3
    text = shown()
    assert "answers       3 like, 2 dislike" in text
    assert "more of       " in text
    assert "liked         Paper 1" in text
    assert "disliked      Paper 2" in text
