"""profile, the command: listed, shown, paused, resumed, renamed and forgotten; and status says what is paused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aggregator import app, pipeline
from aggregator.cli import cli
from aggregator.deliver import FolderMailer
from aggregator.errors import InputError
from aggregator.store import Store
from tests.stores import DAY, NOW, add, candidates, digest, embed, mail, paper
from tests.test_store_profiles import bounce, letter

BLOG = '[[source]]\nkind = "feed"\nname = "blog"\nurl = "https://blog.example.org/feed.xml"\n'
ME = """\
[[profile]]
name = "me"
email = ["me@example.org", "you@example.org"]
interests = ["speech recognition", "codecs"]

"""
ANNA = 'email = "anna@example.org"\ninterests = ["speech"]\nschedule = "daily 07:00, 18:00"\n'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGGREGATOR_CONFIG", raising=False)
    (tmp_path / "config.toml").write_text(ME + BLOG)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "anna.toml").write_text(ANNA)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        yield opened


def run(*arguments: str, asked: str | None = None) -> Result:
    return CliRunner().invoke(
        cli, ["--now", NOW.isoformat(), "profile", *arguments], standalone_mode=False, input=asked
    )


def said(*arguments: str, code: int = 0, asked: str | None = None) -> str:
    done = run(*arguments, asked=asked)
    assert done.exception is None, done.exception
    assert done.return_value == code
    return done.output


def listed() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(said("list", "--json"))}


def issue(store: Store, profile: str = "anna", to: str = "anna@example.org", period: str = "2026-11-20T1800") -> None:
    add(store, paper(1))
    embed(store)
    picked = candidates(store, profile)
    told = digest(*picked, period=period, profile=profile)
    messages = [letter(profile, period, to)]
    store.queue(profile, period, NOW - DAY, NOW - DAY / 2, now=NOW - DAY / 2, digest=told, messages=messages)


def test_the_list(store: Store) -> None:
    issue(store)
    store.pause("me", "you@example.org", "5.1.1 no such user", now=NOW)
    issue(store, "gone", "g@example.org", "2026-W46")
    lines = [line.split() for line in said().splitlines()]
    assert lines[0] == ["profile", "addresses", "schedule", "state", "last", "digest", "picks"]
    assert lines[1][:3] == ["me", "me@example.org,", "you@example.org"]
    assert " ".join(lines[1]).endswith("active; you@example.org paused: 5.1.1 no such user none 0")
    assert " ".join(lines[2]) == "anna anna@example.org daily 07:00, 18:00 active 2026-11-20T1800 1"
    assert " ".join(lines[3]) == "gone gone 2026-W46 1"
    assert said("list") == said()
    assert listed()["anna"]["picks"] == 1
    store.pause("me", "", "holidays", now=NOW)
    assert listed()["me"]["state"] == "paused"
    assert "paused: holidays; you@example.org paused: 5.1.1" in said()


def test_one_is_shown(store: Store) -> None:
    issue(store)
    bounce(store, "anna", "anna@example.org", 2)
    text = said("show", "anna")
    for line in (
        "interests     speech",
        "schedule      daily 07:00, 18:00",
        "written in    profiles/anna.toml:1",
        "last issue    2026-11-20T1800",
        "next issue    2026-11-21T0700",
        "messages      1 queued",
    ):
        assert line in text
    assert "no anna@example.org here" in text
    assert json.loads(said("show", "me", "--json"))["interests"] == ["speech recognition", "codecs"]
    issue(store, "gone", "g@example.org", "2026-W46")
    assert "state         gone" in said("show", "gone")


def test_a_name_that_is_none(store: Store) -> None:
    for command in ("show", "pause", "resume", "forget"):
        error = run(command, "ana").exception
        assert isinstance(error, InputError)
        assert str(error).startswith("there is no profile 'ana' (did you mean `anna`?)")
    assert str(error).endswith("; if it was just forgotten, `aggregator vacuum` clears its old bytes")
    error = run("pause", "me", "--address", "nobody@example.org").exception
    assert "profile me has no address 'nobody@example.org'; it has: me@example.org, you@example.org" in str(error)


def test_pause_and_resume(store: Store) -> None:
    assert said("pause", "me", "--reason", "holidays") == "paused: me, since 2026-11-21 08:00 UTC: holidays\n"
    assert said("pause", "me", "--reason", "x").startswith(
        "was paused already: me, since 2026-11-21 08:00 UTC: holidays"
    )
    assert "paused: you@example.org of me" in said("pause", "me", "--address", "You@Example.org")
    assert said("resume", "me", "--address", "you@example.org") == "resumed: you@example.org of me\nstill paused: me\n"
    assert said("resume", "me") == "resumed: me\n"
    assert said("resume", "me") == "me is not paused\n"
    assert store.pauses() == []


def test_an_address_is_as_the_configuration_writes_it(store: Store, tmp_path: Path) -> None:
    issue(store, "me", "You@example.org")
    assert "paused: you@example.org of me" in said("pause", "me", "--address", "YOU@example.org")
    assert store.receivers(app.read_config().profiles)["me"] == ("me@example.org",)
    store.pause("me", "Me@Example.org", "bounced under its old spelling", now=NOW)
    assert listed()["me"]["state"] == "paused"
    assert said("resume", "me", "--address", "me@example.org").startswith("resumed: me@example.org of me")


def test_status_says_what_is_paused_held_and_came_back(store: Store) -> None:
    store.pause("me", "", "holidays", now=NOW)
    store.pause("anna", "anna@example.org", "5.1.1 no such user", now=NOW - DAY)
    bounce(store, "anna", "anna@example.org", -2)
    bounce(store, "anna", "old@example.org", -40)
    issue(store)
    (row,) = store.outbox()
    store.hold_messages([row.id])
    done = CliRunner().invoke(cli, ["--now", NOW.isoformat(), "status"], standalone_mode=False)
    for line in (
        "  paused: anna@example.org of anna, since 2026-11-20: 5.1.1 no such user",
        "  paused: me, since 2026-11-21: holidays",
        "  is late: mail to anna@example.org of anna: 5.1.1 no anna@example.org here",
        "  held: anna@example.org (anna/2026-11-20T1800/anna@example.org); `aggregator outbox retry` or `drop`",
    ):
        assert line in done.output
    assert "old@example.org" not in done.output
    state = json.loads(
        CliRunner().invoke(cli, ["--now", NOW.isoformat(), "status", "--json"], standalone_mode=False).output
    )
    assert [one["state"] for one in state["profiles"]] == ["paused", "paused"]
    assert state["restored"] is False


# --- names


def test_a_new_name_keeps_the_history_at_the_next_command(store: Store, tmp_path: Path) -> None:
    issue(store)
    page = tmp_path / "profiles" / "anna.toml"
    page.rename(tmp_path / "profiles" / "annika.toml")
    assert listed()["anna"]["state"] == "gone"
    (tmp_path / "profiles" / "annika.toml").write_text(ANNA + 'was = ["anna"]\n')
    assert listed().keys() == {"me", "annika"}
    assert listed()["annika"]["picks"] == 1
    assert candidates(store, "annika") == []


# --- forgetting


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_one_who_is_configured_is_not_forgotten_by_chance(store: Store) -> None:
    issue(store)
    error = run("forget", "anna").exception
    assert isinstance(error, InputError)
    assert str(error).startswith("profile anna is still configured (profiles/anna.toml:1): take it out first")
    assert store.issues("anna")


def test_forgotten_means_rows_files_and_bytes(store: Store, tmp_path: Path) -> None:
    issue(store)
    issue(store, "me", "me@example.org", "2026-W46")
    bounce(store, "anna", "anna@example.org")
    store.pause("anna", "", "x", now=NOW)
    for folder, keys in {
        "outbox": (
            "anna/2026-11-20T1800/anna@example.org",
            "me/2026-W46/me@example.org",
            "x-anna/2026/anna@example.org",
        ),
        "preview": ("anna/preview-2026-11-20/anna@example.org", "me/preview-2026-11-20/me@example.org"),
    }.items():
        for key in keys:
            FolderMailer(tmp_path / folder).send(replace(mail(), key=key), lambda: None)
    (tmp_path / "profiles" / "anna.toml").unlink()
    (tmp_path / "aggregator.db.before-0003.bak").write_bytes(b"x")
    (tmp_path / "aggregator.db.usb.bak.part").write_bytes(b"x")
    (tmp_path / "aggregator.db.restoring").mkdir()
    (tmp_path / "aggregator.db2").write_bytes(b"x")
    left = FolderMailer(tmp_path / "outbox").files(
        FolderMailer(tmp_path / "outbox").path("anna/2026-11-20T1800/anna@example.org")
    )
    left[2].write_bytes(b"x")
    text = said("forget", "anna", asked="y\n")
    assert "Forget anna (anna@example.org)? This cannot be undone" in text
    assert "forgotten: anna: rows: 1 bounce, 1 issue, 1 message, 1 pause, 1 pick; files: 5" in text
    assert "searched every table for anna, anna@example.org: 0 rows left" in text
    for name in ("before-0003.bak", "restoring", "usb.bak.part"):
        assert f"remains: {tmp_path}/aggregator.db.{name}, a copy of the database or what is left of one" in text
    assert text.count("remains: ") == 4
    assert len(_files(tmp_path / "outbox")) == 4
    assert len(_files(tmp_path / "preview")) == 2
    assert all(
        b"anna@example.org" not in path.read_bytes() for path in tmp_path.glob("aggregator.db*") if path.is_file()
    )
    assert store.issues("me")
    assert listed().keys() == {"me"}


def test_whoever_says_no_forgets_nothing(store: Store, tmp_path: Path) -> None:
    issue(store)
    (tmp_path / "profiles" / "anna.toml").unlink()
    done = run("forget", "anna", asked="n\n")
    assert done.exception is not None
    assert store.issues("anna")


def test_yes_forgets_also_one_who_is_configured_and_tells_what_comes(store: Store) -> None:
    issue(store)
    text = said("forget", "anna", "--yes")
    assert "remains: profiles/anna.toml:1, to be deleted by hand; till then its next digest begins anew" in text
    assert store.issues("anna") == []
    with app.open_store(app.read_config()) as opened:
        assert (
            pipeline.due_period(opened, app.read_config().profiles[1], NOW + timedelta(minutes=1)) == "2026-11-21T0700"
        )


def test_an_address_that_is_another_profiles_too_is_told(store: Store) -> None:
    issue(store)
    issue(store, "me", "anna@example.org", "2026-W46")
    text = said("forget", "anna", "--yes", code=1)
    assert "left: 1 in message: another profile has the address, or a source wrote it" in text
    assert "1 rows left" in text
