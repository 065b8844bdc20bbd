"""sources: where entries come from; one module or folder per kind, found by its name, nothing registered.

A kind is a class derived from `Source`; its fields are its options in config.toml. What kinds share is in modules
whose names begin with an underscore.
"""

import hashlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Account, Batch, Cursor, Entry, Window


def _printable(given: str) -> str:
    if not given.isprintable():
        raise ValueError(f"{given!r} has a control character; write it in plain letters")
    return given


class Source(BaseModel, ABC):
    """One configured source. `kind` is the name of its module, `every_hours` how often it is worth asking.

    `title` is what readers see in the digest in place of the name, if it is not empty.

    `moves` is True for kinds whose entries go on changing after they were listed, such as by votes: they are asked
    again before a digest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    moves: ClassVar[bool] = False
    name: Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=200)]
    title: Annotated[str, AfterValidator(_printable), Field(max_length=200)] = ""
    every_hours: float = Field(default=8, gt=0, le=8760)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Take the kind from the module's name."""
        cls.kind = cls.__module__.removeprefix(f"{__name__}.").partition(".")[0]

    @property
    def fingerprint(self) -> str:
        """What changes when the source is pointed elsewhere: a hash of all that says whom it asks for what."""
        options = self.model_dump_json(exclude={"name", "title", "every_hours"})
        return hashlib.sha256(f"{self.kind} {options}".encode()).hexdigest()[:16]

    @property
    def server(self) -> str:
        """Whom it asks: sources with the same one wait for each other. Most kinds have one of their own."""
        return self.kind

    @abstractmethod
    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """What is new since the visit that left `cursor`; None is the first visit. Raises SourceError.

        An answer that cannot be believed is an error; one that is true but not whole is a Batch that says so.
        """

    @abstractmethod
    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The entries of one answer, as the server sent it; pure. Raises ParseError."""

    def slices(self, window: Window) -> tuple[Window, ...]:  # noqa: ARG002 - for kinds that keep a history
        """The pieces in which the history of a window is fetched, in order; none if the source keeps no history.

        A piece may lie before the window: it stands for older works that changed in the window.
        """
        return ()

    def backfill(self, fetcher: Fetcher, piece: Window, window: Window, now: datetime) -> Batch:  # noqa: ARG002
        """One piece of `slices(window)`, whole or not at all. Raises SourceError."""
        raise SourceError(f"{self.kind} keeps no history; leave the source {self.name} out of the back-fill")

    def witnesses(self, fetcher: Fetcher, window: Window, now: datetime) -> Iterator[Account]:
        """What the source says now of a window of days, piece by piece, for an audit. Raises SourceError.

        Kinds with several doors ask at each of them; the others give their history again.
        """
        for piece in self.slices(window):
            batch = self.backfill(fetcher, piece, window, now)
            yield Account(witness="history", window=piece, entries=batch.entries, missing=batch.missing)


@cache
def kinds() -> Mapping[str, type[Source]]:
    """The kinds of source by name: every module beside this one that does not begin with an underscore."""
    found: dict[str, type[Source]] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            members = vars(import_module(f"{__name__}.{module.name}")).values()
            classes = (member for member in members if isinstance(member, type) and issubclass(member, Source))
            found[module.name] = next(own for own in classes if getattr(own, "kind", "") == module.name)
    return found
