"""Wrong inputs: each is one line that says what to do, exit code 2 (or 1 where the world is wrong), nothing lost."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = """\
[[profile]]
name = "me"
email = ["me@example.org"]
schedule = "weekly mon 08:00"
timezone = "UTC"
interests = ["speech recognition"]

[[source]]
kind = "feed"
name = "blog"
url = "https://blog.example.org/feed.xml"
"""

Change = Callable[[str], str]


def replace(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def aggregator(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aggregator", *arguments]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "none"), "HOME": str(folder), **env}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def one_line(done: subprocess.CompletedProcess[str], code: int, text: str) -> None:
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert re.search(text, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (replace("interests", "intrests"), r"config.toml:6: .*intrests.*did you mean `?interests`?"),
        (replace("me@example.org", "me@@example.org"), r"config.toml:3: .*me@@example.org"),
        (replace('"UTC"', '"Europe/Berln"'), r"config.toml:5: .*Europe/Berln.*Europe/Berlin"),
        (replace("weekly mon", "weekly mno"), r"config.toml:4: .*weekly mno"),
        (replace('"feed"', '"fede"'), r"config.toml:9: .*fede.*feed"),
        (replace('["speech recognition"]', "[]"), r"config.toml:6: .*interests"),
        (lambda text: text + text[text.index("[[source]]") :], r"config.toml:1[34]: .*blog"),
        (replace("https://blog", "blog"), r"config.toml:11: .*url"),
        (replace('name = "me"', 'name = "me'), r"config.toml:2"),
        (replace('timezone = "UTC"', 'timezone = "UTC"\nmax_entries = "many"'), r"config.toml:6: .*max_entries"),
        (lambda text: text + '[mail]\ntransport = "smtp"\nsender = "d@example.org"\n', r"config.toml:1[23].*host"),
        (lambda text: text + '[database]\nurl = "postgresql://me:hunter2@db/x"\n', r"config.toml:13: .*PGPASSWORD"),
        (lambda text: text + '[mail]\npassword = "secret"\n', r"config.toml:13: .*AGGREGATOR_SMTP_PASSWORD"),
    ],
)
def test_a_mistake_in_the_configuration_is_named_with_its_line(tmp_path: Path, change: Change, text: str) -> None:
    (tmp_path / "config.toml").write_text(change(CONFIG))
    one_line(aggregator(tmp_path, "check"), 2, text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("backfill", "--from", "2024-13-01"), r"2024-13-01.*2024-01-31"),
        (("backfill", "--from", "2024-06-30", "--to", "2024-01-01"), r"lies after"),
        (("--now", "yesterday", "run"), r"yesterday.*2026-11-23"),
        (("preview", "nobody"), r"no profile 'nobody'.*me"),
        (("collect", "--source", "arxive"), r"no source 'arxive'.*blog"),
        (("rum",), r"No such command"),
        (("preview", "me", "--days", "0"), r"--days"),
        (("--config", "elsewhere.toml", "status"), r"elsewhere.toml"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    assert aggregator(tmp_path, "migrate").returncode == 0
    one_line(aggregator(tmp_path, *arguments), 2, text)


def test_no_configuration_says_how_to_get_one(tmp_path: Path) -> None:
    one_line(aggregator(tmp_path, "run"), 2, r"aggregator init")


def test_init_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    one_line(aggregator(tmp_path, "init"), 2, r"config.toml is there already")
    assert (tmp_path / "config.toml").read_text() == CONFIG


def test_no_database_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    one_line(aggregator(tmp_path, "run"), 1, r"aggregator migrate")
    assert not (tmp_path / "aggregator.db").exists()


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "aggregator.db").write_bytes(b"this is no database, but it is somebody's file" * 100)
    before = (tmp_path / "aggregator.db").read_bytes()
    for command in ("run", "migrate"):
        one_line(aggregator(tmp_path, command), 1, r"aggregator.db")
    assert (tmp_path / "aggregator.db").read_bytes() == before


def test_somebody_elses_database(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    with sqlite3.connect(tmp_path / "aggregator.db") as db:
        db.execute("CREATE TABLE recipe (id INTEGER)")
    for command in ("run", "migrate"):
        one_line(aggregator(tmp_path, command), 1, r"aggregator.db")


def test_a_secret_in_two_places(tmp_path: Path) -> None:
    mail = '[mail]\ntransport = "smtp"\nhost = "mail.example.org"\nsender = "d@example.org"\nuser = "d"\n'
    (tmp_path / "config.toml").write_text(CONFIG + mail)
    secrets = {"AGGREGATOR_SMTP_PASSWORD": "hunter2", "AGGREGATOR_SMTP_PASSWORD_FILE": "/nowhere"}
    done = aggregator(tmp_path, "check", **secrets)
    one_line(done, 2, r"AGGREGATOR_SMTP_PASSWORD_FILE")
    assert "hunter2" not in done.stderr
    one_line(aggregator(tmp_path, "check"), 2, r"AGGREGATOR_SMTP_PASSWORD")
