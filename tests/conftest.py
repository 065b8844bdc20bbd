"""conftest: what every test needs."""

import logging
import os
from collections.abc import Iterator

import pytest

for _library in ("OMP", "OPENBLAS", "MKL"):
    # a worker of the tests for each core: threads within one would wait for those of the others, and busily
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _the_log_is_as_it_was() -> Iterator[None]:
    """The command line sets the level of the log for its process; a test that runs it here must not keep it so."""
    log = logging.getLogger("aggregator")
    level = log.level
    yield
    log.setLevel(level)
