"""A notice says that digests are ready, to a webhook over real sockets, and never says who reads or where it goes."""

import io
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aggregator import app, office
from aggregator.config import Config, load
from aggregator.deliver.notice import Ready, notify, words
from aggregator.outcome import Outcome
from aggregator.store import Store
from aggregator.tokens import keyring, read
from tests.stores import DAY, NOW, fresh_store, queue
from tests.stores import mail as message

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the plugins of apprise import
SECRET = "hunter2-secret-path"


@dataclass
class Hook:
    """A webhook: what it was told; `answer` is its status, `slow` the seconds that it takes."""

    port: int = 0
    answer: int = 200
    slow: float = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.port}/{SECRET}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(state.slow)
            self.send_response(state.answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


def test_the_words() -> None:
    assert words([Ready("12 papers: x", "https://x.org/v/T")]) == (
        "Your digest is ready", "12 papers: x\nhttps://x.org/v/T",
    )  # fmt: skip
    title, text = words([Ready(f"Digest {number}") for number in range(9)])
    assert title == "9 digests are ready"
    assert text.splitlines() == [*(f"Digest {number}" for number in range(5)), "… and 4 more"]


def test_a_webhook_is_told(hook: Hook) -> None:
    assert notify(f"\n  {hook.url}  \n\n", "Your digest is ready", "12 papers: <b>full & duplex</b> \\n 月") == []
    (told,) = hook.told
    assert (told["title"], told["message"]) == ("Your digest is ready", "12 papers: <b>full & duplex</b> \\n 月")


def test_what_fails_is_said_without_the_address(
    hook: Hook, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.answer = 500
    log = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(logging.root, "level", logging.NOTSET)
    logging.getLogger("aggregator").debug("written")
    wrong = [hook.url, f"nonsense://{SECRET}", f"json://127.0.0.1:1/{SECRET}", f"json://[{SECRET}", "json://"]
    troubles = notify("\n".join(wrong), "t", "b")
    assert [trouble.split("_URL ")[1].split(";")[0].split(":")[0] for trouble in troubles] == [
        "was not taken", "was not sent", "was not taken", "was not sent", "was not sent",
    ]  # fmt: skip
    assert [trouble.split(" of ")[0] for trouble in troubles] == [f"the notice to address {n}" for n in range(1, 6)]
    assert len(hook.told) == 1, "it is not repeated"
    said = "\n".join([*troubles, log.getvalue(), *capfd.readouterr()])
    assert "written" in said
    assert "hunter2" not in said
    assert "127.0.0.1" not in said


def test_a_slow_address_does_not_hold_up_the_others(hook: Hook) -> None:
    hook.slow = 3
    begun = time.monotonic()
    troubles = notify(f"{hook.url}\n{hook.url}", "t", "b", patience=0.8)
    assert time.monotonic() - begun < 2
    assert [trouble.split("_URL ")[1] for trouble in troubles] == ["was not taken within 0.8 seconds"] * 2


def test_nothing_is_imported_before_it_is_used() -> None:
    script = "import sys, aggregator.app; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- after a deliver step


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        yield opened


def config(folder: Path, mail: str = "notice = true") -> Config:
    text = '[[profile]]\nname = "me"\nemail = "me@example.org"\ninterests = ["x"]\n'
    (folder / "config.toml").write_text(
        f'{text}[[source]]\nkind = "arxiv"\nname = "a"\ncategories = ["cs.SD"]\n[mail]\n{mail}\n'
    )
    return load(folder / "config.toml")


def issue(store: Store, number: int, *, profile: str = "me", copies: int = 1) -> None:
    """An issue whose messages wait."""
    period = f"2026-W{number}"
    ours = [message(number * 100 + copy) for copy in range(copies)]
    ours = [replace(one, key=f"{profile}/{period}/{one.to}") for one in ours]
    store.queue(profile, period, NOW - DAY, NOW, now=NOW, digest=None, messages=ours)


def sent(store: Store, count: int) -> None:
    for one in store.claim(NOW, "w", timedelta(minutes=15), count):
        store.settle_sent(one.id, "ok", now=NOW)


def announced(store: Store, settings: Config, count: int) -> list[str]:
    """What goes wrong with the notice after a run that sends so many messages."""
    outcome = Outcome("deliver")
    fresh = store.unannounced()
    sent(store, count)
    office.announce(settings, store, fresh, outcome)
    return outcome.troubles


def test_an_issue_is_announced_once(store: Store, tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_NOTICE_URL", hook.url)
    settings = config(tmp_path)
    issue(store, 40, copies=3)
    assert announced(store, settings, 0) == []
    assert hook.told == [], "nothing was sent"
    assert announced(store, settings, 1) == []
    issue(store, 41, profile="kim")
    assert announced(store, settings, 3) == []
    assert announced(store, settings, 3) == []
    assert [told["title"] for told in hook.told] == ["Your digest is ready"] * 2
    assert [told["message"] for told in hook.told] == ["Subject 4000", "Subject 4100"]
    assert "@" not in json.dumps(hook.told), "no address"


def test_many_issues_are_one_notice(store: Store, tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_NOTICE_URL", hook.url)
    for number in range(10, 18):
        issue(store, number, profile=f"reader {number}")
    assert announced(store, config(tmp_path), 20) == []
    assert [told["title"] for told in hook.told] == ["8 digests are ready"]


def test_the_page_is_the_letter_in_the_browser(
    store: Store, tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGGREGATOR_NOTICE_URL", hook.url)
    monkeypatch.setenv("AGGREGATOR_SECRET", "s" * 40)
    queue(store, replace(message(1), message_id="<2026-W47.0123456789abcdef@example.org>"))
    settings = config(tmp_path, 'notice = true\nbase_url = "https://digest.example.org"')
    assert announced(store, settings, 1) == []
    subject, page = hook.told[0]["message"].splitlines()
    assert subject == "Subject 1"
    start, _, token = page.rpartition("/")
    assert start == "https://digest.example.org/v"
    grant = read(keyring("s" * 40), "browser", token)
    assert grant is not None
    assert grant.message == "0123456789abcdef"


def test_a_notice_that_fails_is_a_trouble_and_is_not_repeated(
    store: Store, tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.answer = 403
    monkeypatch.setenv("AGGREGATOR_NOTICE_URL", hook.url)
    issue(store, 47)
    (trouble,) = announced(store, config(tmp_path), 1)
    assert "address 1 of AGGREGATOR_NOTICE_URL was not taken" in trouble
    assert announced(store, config(tmp_path), 1) == []
    assert len(hook.told) == 1
    monkeypatch.delenv("AGGREGATOR_NOTICE_URL")
    issue(store, 48)
    (trouble,) = announced(store, config(tmp_path), 1)
    assert trouble.startswith("no notice was sent: for [mail] notice, one address of apprise a line is needed")
    assert store.outbox_counts() == {"sent": 2}


@pytest.mark.parametrize("transport", ["maildir", "sendmail"])
def test_the_deliver_step_sends_and_announces(
    store: Store, tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("AGGREGATOR_NOTICE_URL", hook.url)
    (tmp_path / "sendmail").write_text(f'#!/bin/sh\nmkdir -p "{tmp_path}/post/new"; cat > "{tmp_path}/post/new/$5"\n')
    (tmp_path / "sendmail").chmod(0o755)
    options = f'transport = "{transport}"\nfolder = "post"\nsendmail = "{tmp_path}/sendmail"\nsender = "d@example.org"'
    issue(store, 47, copies=2)
    run = app.Steps(config(tmp_path, f"notice = true\n{options}"), store, lambda: NOW)
    outcome = run.deliver()
    assert (outcome.counts, outcome.troubles) == ({"sent": 2}, [])
    assert [file.read_bytes() for file in (tmp_path / "post" / "new").iterdir()] == [b"Subject: x\n\nbody\n"] * 2
    assert run.deliver().counts == {"sent": 0}
    assert [told["title"] for told in hook.told] == ["Your digest is ready"]
