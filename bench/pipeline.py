"""pipeline: a whole week per stage: entries a second and peak memory, each stage a process of its own.

The week is the shipped sample, told 10 times over under other ids: some 600 entries, through the real Fetcher, the real
formats, the real model and the real outbox. The limit it is held against is the bare model: the same texts through
SentenceTransformer.encode in the same run.
"""

import json
import subprocess
import sys
import tempfile

from bench import Row

_COPIES = 10


def run() -> list[Row]:
    """Entries a second and peak memory of the four steps, and of the bare model on the same texts."""
    rows: list[Row] = []
    speeds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for stage in ("collect", "embed", "encode", "digest", "deliver"):
            command = [sys.executable, "-m", "bench._stage", str(_COPIES), stage, folder]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            count, seconds, peak = json.loads(output.splitlines()[-1])
            system = "SentenceTransformer.encode" if stage == "encode" else "aggregator"
            speeds[stage] = count / seconds
            for metric, value in (("entries/s", speeds[stage]), ("seconds", seconds), ("peak MB", peak)):
                rows.append(Row(bench="pipeline", task=stage, system=system, metric=metric, value=value))
    ratio = speeds["embed"] / speeds["encode"]
    rows.append(Row(bench="pipeline", task="embed", system="aggregator", metric="ratio to encode", value=ratio))
    return rows
