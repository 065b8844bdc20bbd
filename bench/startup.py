"""startup: the processor time of `aggregator --help` and `status`, against a bare Python and `pip --version`."""

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import Row

_RUNS = 7


def run() -> list[Row]:
    """Medians over seven runs, taken in turn so that a busy machine slows all alike."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for name in ("init", "migrate"):
            subprocess.run([sys.executable, "-m", "aggregator", name], cwd=here, check=True, capture_output=True)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "pip --version": [sys.executable, "-m", "pip", "--version"],
            "aggregator --help": [sys.executable, "-m", "aggregator", "--help"],
            "aggregator status": [sys.executable, "-m", "aggregator", "status"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(_RUNS):
            for name, command in commands.items():
                times[name].append(_cpu_seconds(command, here))
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    rows: list[Row] = []
    for name, value in medians.items():
        rows.append(Row(bench="startup", task="start", system=name, metric="CPU s", value=value))
        rows.append(Row(bench="startup", task="start", system=name, metric="ratio to bare Python", value=value / bare))
    return rows


def _cpu_seconds(command: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
