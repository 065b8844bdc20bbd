"""outcome: what a step did, and how it is watched and stopped while it does it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""progress(label, total) opens a bar and gives the function that moves it by n."""

Stop = Callable[[], bool]


@dataclass
class Outcome:
    """What a step did: counts by name, for people and for the log, and one line for each thing that failed.

    `notes` are lines about what did not fail and is still worth knowing.
    """

    step: str
    counts: dict[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, name: str, n: int = 1) -> None:
        """Add n to a count."""
        self.counts[name] = self.counts.get(name, 0) + n

    def trouble(self, text: str) -> None:
        """Note one failure, in the log too."""
        self.troubles.append(text)
        log.warning("%s %s", self.step, text)

    def note(self, text: str) -> None:
        """Note what is worth knowing, in the log too."""
        self.notes.append(text)
        log.info("%s %s", self.step, text)


@contextmanager
def silent(label: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG001 - the shape of Progress
    """A Progress that shows nothing."""
    yield lambda n: None  # noqa: ARG005


def never() -> bool:
    """A Stop that never stops."""
    return False
