"""The small internet in ../shared as a fixture: real recorded data behind the real host names, without a network."""

import importlib.util
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

SHARED = Path(__file__).parents[2] / "shared"
SERVE = SHARED / "internet" / "serve.py"

needs_box = pytest.mark.skipif(not SERVE.exists(), reason="../shared/internet, the small internet, is not here")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Box:
    """The server, and what it was asked. Use as a context manager; `env` leads a program to it."""

    def __init__(self, today: date, *, anchor: date | None = None, faults: Sequence[Mapping[str, Any]] = ()) -> None:
        self.port = free_port()
        self.today, self.anchor = today, anchor or today
        self.state = Path(tempfile.gettempdir()) / f"internet-{self.port}"
        self._faults = list(faults)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self.port}"
        return {
            "HTTPS_PROXY": proxy,
            "HTTP_PROXY": proxy,
            "https_proxy": proxy,
            "http_proxy": proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "SSL_CERT_FILE": str(self.state / "ca.pem"),
            "REQUESTS_CA_BUNDLE": str(self.state / "ca.pem"),
        }

    def __enter__(self) -> "Box":
        self.state.mkdir(exist_ok=True)
        (self.state / "requests.jsonl").unlink(missing_ok=True)
        faults = self.state / "faults.json"
        faults.write_text(json.dumps(self._faults))
        command = [sys.executable, str(SERVE), "--port", str(self.port), "--anchor", str(self.anchor)]
        command += ["--today", str(self.today), "--faults", str(faults)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError("the small internet did not come up")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def requests(self) -> list[dict[str, Any]]:
        log = self.state / "requests.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def world(self) -> Any:
        """serve.py's own World for these days: the truth to compare with."""
        spec = importlib.util.spec_from_file_location("serve", SERVE)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.World(self.anchor, self.today)


class Reader:
    """A user's folder, in which the program is run as the user would."""

    def __init__(self, folder: Path, now: datetime, env: Mapping[str, str]) -> None:
        self.folder, self.now = folder, now
        # The arXiv slot is shared by all processes of a user: here, by those of this folder.
        self.env = {**os.environ, **env, "AGGREGATOR_NOW": now.isoformat(), "XDG_CACHE_HOME": str(folder / ".cache")}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "aggregator", *arguments]

    def run(self, *arguments: str, code: int | None = 0, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            check=False,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return done

    def status(self, code: int | None = None) -> Any:
        return json.loads(self.run("status", "--json", code=code).stdout)

    def query(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder}/aggregator.db?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()

    def keys(self) -> set[str]:
        return {row[0] for row in self.query("SELECT key FROM entry")}

    def names(self, key: str = "%") -> set[str]:
        """All names of the entry with this key, or of all entries."""
        question = "SELECT alias.name FROM alias JOIN entry ON entry.id = alias.entry_id WHERE entry.key LIKE ?"
        return {row[0] for row in self.query(question, key)}

    def mails(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.folder / "outbox").glob("*.eml"))}
