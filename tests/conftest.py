"""conftest: what every test needs."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _the_log_is_as_it_was() -> Iterator[None]:
    """The command line sets the level of the log for its process; a test that runs it here must not keep it so."""
    log = logging.getLogger("aggregator")
    level = log.level
    yield
    log.setLevel(level)
