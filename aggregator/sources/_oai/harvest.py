"""harvest: what comes of the pages of one or more lists: the entries, and what is not whole about them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.model import Entry
from aggregator.sources._oai.answer import Answer
from aggregator.sources._oai.records import entries


@dataclass
class Harvest:
    """The entries by key as they come in, for the source of this name; what came before a break is kept.

    `missing` and `note` are as in Batch.
    """

    name: str
    found: dict[str, Entry] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    _deleted: set[str] = field(default_factory=set)
    _unread: set[str] = field(default_factory=set)

    def take(self, pages: Iterable[Answer], now: datetime, since: datetime) -> datetime | None:
        """Take in a list, and give the archive's time when it began. News is what came out since the day of `since`.

        Raises SourceError as the pages do.
        """
        began: datetime | None = None
        seen: set[str] = set()
        size = 0
        for page in pages:
            began = began or page.answered
            size = page.size if page.size is not None else size
            seen |= {record.identifier for record in page.records}
            self._deleted |= {record.identifier for record in page.records if record.deleted}
            found, unread = entries(page.records, self.name, now, since)
            self._unread |= set(unread)
            self.found |= {entry.key: entry for entry in found}
        if len(seen) < size:
            self.missing.append(f"the archive counts {size} records and gave {len(seen)}")
        return began

    @property
    def note(self) -> str:
        """How many records are deleted, and which cannot be read."""
        told = [f"records deleted in the archive: {len(self._deleted)}"] if self._deleted else []
        if self._unread:
            told.append(f"records that cannot be read: {len(self._unread)}, such as {min(self._unread)}")
        return "; ".join(told)
