"""explain, the command: a sum that can be added up, on a terminal and plain, and JSON with the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator import app
from aggregator.cli import cli
from aggregator.cli.explain import _ordinal
from aggregator.errors import InputError
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import NOW, add, paper

SOURCE = '[[source]]\nkind = "feed"\nname = "blog"\nurl = "https://blog.example.org/feed.xml"\n'
ME = """[[profile]]
name = "me"
email = "me@example.org"
interests = ["neural audio codecs", "speech recognition"]
muted = ["bread"]
"""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGGREGATOR_CONFIG", raising=False)
    monkeypatch.setattr(app, "SentenceEmbedder", lambda *_: WordEmbedder())
    (tmp_path / "config.toml").write_text(ME + SOURCE)
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        titles = ("Neural audio codecs", "Bread \x1b[2J", "Tides of the sea")
        add(opened, *(paper(n, title=title, summary="") for n, title in enumerate(titles)))
        model = WordEmbedder()
        waiting = opened.without_vector(model.model, model.revision)
        rows = [(one.entry_id, one.text_hash) for one in waiting]
        opened.add_vectors(model.model, model.revision, rows, model.embed([one.text for one in waiting]))
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--now", NOW.isoformat(), "explain", *arguments], standalone_mode=False)


def said(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exception is None, done.exception
    assert done.return_value == 0
    return done.output


def test_the_lines_add_up_to_the_score() -> None:
    lines = said("2611.00000").splitlines()
    assert lines[0] == "Neural audio codecs"
    assert lines[1] == "paper · arxiv:2611.00000 · https://arxiv.org/abs/2611.00000"
    assert lines[3] == "It is picked, as number 1."
    shares = [line.split() for line in lines if line.strip().startswith(("+", "-"))]
    (score,) = (line.split() for line in lines if " score " in line and "1st of 2" in line)
    assert round(sum(float(one[0]) for one in shares), 4) == float(score[0])
    assert any("near to your interest “neural audio codecs”" in line for line in lines)
    assert any(line.startswith("min_score is 0.3, the lowest score of a pick ") for line in lines)
    assert any(line.startswith("the other interests and seeds: “speech recognition” 0.") for line in lines)
    assert lines[-1] == "digest of 2026-11-14 08:00 to 2026-11-21 08:00"


def test_what_steers_a_terminal_is_not_printed_and_what_is_muted_has_no_place() -> None:
    text = said("2611.00001", "--profile", "me")
    assert "\x1b" not in text
    assert "It is muted, by the word “bread” (`muted`)." in text
    assert "0.0000  score     what is muted has no place" in text


def test_on_a_terminal_it_is_as_wide_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    text = said("2611.00000")
    assert "\x1b[1;32mIt is picked, as number 1." in text
    assert "───────" in text


def test_json_has_all_of_it() -> None:
    facts = json.loads(said("2611.00002", "--json"))
    assert (facts["fate"], facts["place"], facts["candidates"]) == ("below", 2, 2)
    assert facts["score"] == round(sum(share["value"] for share in facts["shares"]), 4)
    assert facts["advice"].startswith("an interest “")
    assert facts["others"][0]["kind"] == "interest"
    assert facts["since"] == "2026-11-14T08:00:00+00:00"


def test_days_and_what_cannot_be_used(tmp_path: Path) -> None:
    assert said("2611.00000", "--days", "3").splitlines()[-1].startswith("digest of 2026-11-18")
    assert isinstance(run("2611.77777").exception, InputError)
    (tmp_path / "config.toml").write_text(ME + ME.replace('"me', '"you') + SOURCE)
    error = run("2611.00000").exception
    assert isinstance(error, InputError)
    assert "name a profile" in str(error)


def test_ordinals() -> None:
    assert [_ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
    ]  # fmt: skip
