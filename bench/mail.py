"""mail: digests for 10,000 readers: rendered, put into the outbox, and handed to a mail server on this machine.

Delivery is held against bare `smtplib` with the same bytes and the same server, which remembers nothing; and a wait for
the disk (fsync) is timed, because each message needs some: that is what not losing or repeating one costs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from bench import Row

_READERS = int(os.environ.get("BENCH_READERS", "10000"))


def run() -> list[Row]:
    """For each stage messages a second, by the clock and by the processor's time, and the ratio to bare smtplib.

    And the profile of rendering: whose code spends how much of it.
    """
    with tempfile.TemporaryDirectory() as folder, _sink() as port:
        command = [sys.executable, "-m", "bench._mail", str(_READERS), folder, port]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    figures = found["stages"]
    rows: list[Row] = []
    for stage, (count, seconds, processor) in figures.items():
        system = "smtplib" if stage == "bare smtplib" else "this disk" if stage == "fsync" else "aggregator"
        rows.append(Row(bench="mail", task=stage, system=system, metric="a second", value=count / seconds))
        if stage != "fsync":
            rows.append(Row(bench="mail", task=stage, system=system, metric="a CPU second", value=count / processor))
    speed = {stage: count / seconds for stage, (count, seconds, _) in figures.items()}
    ratio = speed["deliver"] / speed["bare smtplib"]
    rows.append(Row(bench="mail", task="deliver", system="aggregator / bare smtplib", metric="speed", value=ratio))
    for who, share in found["render"].items():
        rows.append(Row(bench="mail", task="render, profile", system=who, metric="%", value=100 * share))
    return rows


@contextmanager
def _sink() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", "bench._sink"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
