"""backup, restore, vacuum and doctor from the command line."""

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from aggregator import app, cli
from aggregator.cli import care, looking
from aggregator.outcome import silent
from tests.fakes import WordEmbedder
from tests.peers import Peer
from tests.stores import DAY, NOW, add, embed, mail, paper, queue
from tests.test_cli_errors import CONFIG, one_line

HOUR = timedelta(hours=1)
AT = ("--now", "2026-11-21T08:00")

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def aggregator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in the folder, in this process: a new one each time costs seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def run(*arguments: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["aggregator", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return CompletedProcess(arguments, int(ended.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def folder(tmp_path: Path, aggregator: Run) -> Path:
    """An installation whose only source cannot be reached."""
    (tmp_path / "config.toml").write_text(CONFIG.replace("https://blog.example.org/", "http://127.0.0.1:9/"))
    assert aggregator("migrate").returncode == 0
    return tmp_path


def counts(folder: Path) -> dict[str, int]:
    with sqlite3.connect(folder / "aggregator.db") as db:
        return dict(db.execute("SELECT state, count(*) FROM message GROUP BY state"))


def filled(folder: Path) -> None:
    with app.open_store(app.read_config(folder / "config.toml")) as store:
        add(store, paper(1))
        embed(store, model="old")
        queue(store, *(mail(number, b"x" * 40_000) for number in range(10)))
        for one in store.claim(NOW, "w", DAY, 9):
            store.settle_sent(one.id, "ok", now=NOW)


def test_a_backup_and_back_again(folder: Path, aggregator: Run) -> None:
    filled(folder)
    done = aggregator(*AT, "backup")
    name = "aggregator.db-20261121T080000Z.bak"
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{folder}/{name}: \d+\.\d MB, checked\n", done.stdout)
    one_line(aggregator(*AT, "backup"), 1, rf"{name} is there already and was left as it is")
    (folder / "usb").mkdir()
    assert aggregator(*AT, "backup", "usb").returncode == 0
    assert (folder / "usb" / name).exists()

    one_line(aggregator("restore"), 2, "say one thing: the backup FILE")
    one_line(aggregator("restore", "x.bak", "--settle", "sent"), 2, "say one thing")
    one_line(aggregator("restore", "--settle", "sent"), 2, "was not restored, or it is settled already")
    one_line(aggregator("restore", "none.bak"), 2, "there is no backup none.bak")
    back = aggregator(*AT, "restore", name)
    assert back.returncode == 0, back.stderr
    assert "is what it was at 2026-11-21 08:00 UTC" in back.stdout
    assert "aggregator restore --settle sent" in back.stdout
    for step in ("digest", "deliver"):
        one_line(
            aggregator(*AT, step),
            1,
            "nothing is mailed: the database was restored.*--settle sent.*--settle send",
        )
    assert "restored" in aggregator("status").stdout
    assert "FAIL  restored" in aggregator("doctor", "--offline").stdout
    assert counts(folder) == {"queued": 1, "sent": 9}

    settled = aggregator("--now", "2026-11-21T09:00", "restore", "--settle", "sent")
    assert settled.returncode == 1  # the source did not answer, and that is said
    assert "blog" in settled.stderr
    assert "may be shown once more" in settled.stderr
    assert "taken as mailed: messages dropped: 1, profiles that begin anew: 1" in settled.stdout
    assert counts(folder) == {"dropped": 1, "sent": 9}
    assert aggregator(*AT, "deliver").returncode == 0


def test_mark_and_send(folder: Path, aggregator: Run) -> None:
    filled(folder)
    assert aggregator("restore", "--mark").returncode == 0
    one_line(aggregator(*AT, "deliver"), 1, "nothing is mailed")
    done = aggregator("restore", "--settle", "send")
    assert (done.returncode, done.stdout) == (0, "the outbox and the digests that are due will be mailed\n")
    assert aggregator(*AT, "deliver").stdout.startswith("deliver: 1 sent")


def test_a_settled_restore_knows_what_was_announced_meanwhile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sources are visited first: what they listed before the settling is never news after it."""
    moment = NOW - 7 * DAY

    def clock() -> datetime:
        return moment

    with app.open_demo(tmp_path, clock, silent) as steps:
        steps.__dict__["embedder"] = WordEmbedder()
        for source in steps.config.sources:
            add(steps.store, source=source.name, kind=source.kind, now=moment)
        backup = tmp_path / "a.bak"
        steps.store.back_up(backup, now=moment)
        moment = NOW
        list(steps.run(everything=True, force=True))
        assert steps.store.outbox_counts() == {"sent": 1}
        steps.store.restore(backup, now=NOW + HOUR)
        moment = NOW + 2 * HOUR
        assert care._settle(steps, "sent") == 0
        assert "taken as mailed" in capsys.readouterr().out
        moment = NOW + 3 * HOUR
        outcomes = list(steps.run(everything=True, force=True))
        assert [outcome.troubles for outcome in outcomes] == [[]] * 4
        assert steps.store.outbox_counts() == {}
        assert steps.store.issues(steps.config.profiles[0].name)[0].picks == 0


def test_vacuum(folder: Path, aggregator: Run) -> None:
    filled(folder)
    late = ("--now", "2027-02-01T08:00")
    dry = aggregator(*late, "vacuum", "--dry-run", "--models").stdout
    assert "to forget: mails of more than 30 days: 9, 0.4 MB" in dry
    assert "to forget: vectors of other models: 1, 16 bytes" in dry
    assert re.search(r"to gain: about 0\.[34] MB", dry)
    size = (folder / "aggregator.db").stat().st_size
    done = aggregator(*late, "vacuum").stdout
    assert "forgotten: mails of more than 30 days: 9, 0.4 MB" in done
    assert "vectors" not in done
    assert re.search(r"freed: 0\.[34] MB", done)
    assert (folder / "aggregator.db").stat().st_size < size - 300_000
    assert counts(folder) == {"queued": 1, "sent": 9}
    assert "mails of more than 30 days: 0, 0 bytes" in aggregator(*late, "vacuum").stdout


def test_vacuum_says_if_the_log_kept_old_bytes(folder: Path, aggregator: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.store.Store.compact", lambda self: False)
    done = aggregator("vacuum")
    assert done.returncode == 1
    assert "remains: old bytes in the log of the database" in done.stdout


@pytest.mark.parametrize("moment", ["0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59", "1969-12-31"])
def test_a_moment_out_of_reach(folder: Path, aggregator: Run, moment: str) -> None:
    one_line(aggregator("--now", moment, "status"), 2, "is out of reach; write a year from 1970 to 8999")
    assert aggregator("--now", "8999-12-31T23:59", "collect").returncode < 2
    assert aggregator("--now", "1970-01-01", "vacuum").returncode == 0


def test_collect_forgets_old_bodies(folder: Path, aggregator: Run) -> None:
    filled(folder)
    aggregator("--now", "2027-02-01T08:00", "collect")
    with sqlite3.connect(folder / "aggregator.db") as db:
        assert db.execute("SELECT count(*) FROM message WHERE length(raw) > 0").fetchall() == [(1,)]


def test_doctor_says_all_is_well(folder: Path, aggregator: Run) -> None:
    done = aggregator("doctor", "--offline")
    assert done.returncode == 0, done.stdout
    assert "ok    database" in done.stdout
    assert "FAIL" not in done.stdout
    checks = json.loads(aggregator("doctor", "--offline", "--json").stdout)
    assert {"python", "packages", "config", "engine", "database", "disk", "model", "mail", "clock"} <= {
        check["name"] for check in checks
    }
    assert set(checks[0]) == {"name", "state", "text", "advice"}


def test_doctor_without_a_database_looks_at_the_rest(folder: Path, aggregator: Run) -> None:
    (folder / "aggregator.db").unlink()
    done = aggregator("doctor", "--offline")
    assert done.returncode == 1
    assert re.search(r"FAIL  database .*aggregator\.db does not exist; run `aggregator migrate`", done.stdout)
    assert re.search(r"ok    clock", done.stdout)
    assert "Traceback" not in done.stderr


def test_doctor_tries_templates_of_ones_own(folder: Path, aggregator: Run) -> None:
    path = folder / "config.toml"
    path.write_text(f'{path.read_text()}\n[mail]\ntemplates = "own"\n')
    assert "there is no folder" in re.findall("FAIL  templates .*", aggregator("doctor", "--offline").stdout)[0]
    (folder / "own").mkdir()
    assert "ok    templates" in aggregator("doctor", "--offline").stdout
    (folder / "own" / "digest.html").write_text("{% if")
    assert "digest.html, line 1" in re.findall("FAIL  templates .*", aggregator("doctor", "--offline").stdout)[0]


def test_doctor_goes_on_where_it_may_not_look(folder: Path, aggregator: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, **_: bool) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    config = app.read_config()
    with app.open_store(config) as store, monkeypatch.context() as patched:
        patched.setattr(Path, "exists", denied)
        steps = app.Steps(config, store, app.clock(None))
        steps.__dict__["embedder"] = WordEmbedder()
        found = {check.name: check for check in looking.checks(steps, offline=True, progress=silent)}
    for name in ("disk", "outbox disk", "mail"):
        assert found[name].state == "fail"
        assert "cannot be looked at: Permission denied" in found[name].text
    assert found["clock"].state == "ok"


@pytest.fixture
def peer() -> Iterator[Peer]:
    opened = Peer({"EHLO": "250-hi\r\n250 AUTH PLAIN", "AUTH": "235 ok"})
    yield opened
    opened.close()


def test_doctor_of_a_mail_server(folder: Path, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole list, with a DNS of ours: without the secrets each is named, and with them the server lets us in."""
    path = folder / "config.toml"
    path.write_text(
        f'{path.read_text()}\n[mail]\ntransport = "smtp"\nhost = "127.0.0.1"\nport = {peer.port}\nsecurity = "none"\n'
        'user = "me"\nsender = "d@lab.example"\nreturn_path = "back@lab.example"\nbase_url = "https://lab.example"\n'
        'notice = true\ndkim_selector = "s1"\n[bounces]\nhost = "imap.lab.example"\nuser = "back"\n'
    )
    needed = ("SECRET", "DKIM_KEY", "SMTP_PASSWORD", "BOUNCES_PASSWORD", "NOTICE_URL")
    for name in needed:
        monkeypatch.delenv(f"AGGREGATOR_{name}", raising=False)
    config = app.read_config(path)

    def look() -> dict[str, list[tuple[str, str]]]:
        with app.open_store(config) as store:
            steps = app.Steps(config, store, app.clock(None))
            found: dict[str, list[tuple[str, str]]] = {}
            for check in looking.checks(steps, offline=False, progress=silent, lookup=lambda name, kind: []):
                found.setdefault(check.name, []).append((check.state, check.text))
            return found

    before = look()
    assert [state for state, _ in before["secret"]] == ["fail"] * 5
    for name in needed:
        assert any(f"AGGREGATOR_{name}" in text for _, text in before["secret"])
    assert before["mail"][0][0] == "fail"
    assert before["dkim"][0][0] == "fail"

    monkeypatch.setenv("AGGREGATOR_SMTP_PASSWORD", "hunter2")
    after = look()
    assert after["mail"] == [("ok", f"127.0.0.1:{peer.port} answers in plain text and takes the login of me")]
    assert [state for state, _ in after["secret"]] == ["fail", "fail", "ok", "fail", "fail"]
    assert "hunter2" not in repr(after)
    assert not any(said.startswith("MAIL") for said in peer.said)


def test_every_state_has_its_mark(capsys: pytest.CaptureFixture[str]) -> None:
    from aggregator.doctor import Check

    care._show(
        [Check("a", "ok", "x"), Check("b", "skip", "x"), Check("c", "warn", "x", "do it"), Check("dd", "fail", "x")]
    )
    assert capsys.readouterr().out == "ok    a   x\n-     b   x\nWARN  c   x\n          → do it\nFAIL  dd  x\n"
