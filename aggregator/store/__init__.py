"""store: the door to the database: questions and answers in model values.

    Store(url)      sqlite:///FILE or postgresql+psycopg://…; nothing is opened before the first question
    Schema          migrate, require_current, integrity
    Visits          cursor, visited, failures, due_sources, gone, sources, health, record_failure, mute, put_off,
                    hold, holds, slices_done
    Days            days
    Entries         add, add_all, add_slice, add_found, lacking
    Embeddings      without_vector, count_without_vector, add_vectors, candidates
    Deadlines       deadlines
    Issues          issues, last_issue, has_issue, queue
    Outbox          claim, mark_data_sent, settle, reclaim, requeue, outbox, outbox_counts
    Door            lock, close

Every method is one short transaction and may be called from any thread. What the database cannot do becomes a
StoreError of one line that names it.
"""

from types import TracebackType
from typing import Self

from aggregator.store.days import Days
from aggregator.store.deadlines import Deadlines
from aggregator.store.entries import Entries
from aggregator.store.issues import Issues
from aggregator.store.outbox import Outbox
from aggregator.store.schema import Schema
from aggregator.store.values import (
    Answer,
    Claimed,
    Issue,
    Outgoing,
    SliceDone,
    SourceDay,
    SourceState,
    State,
    Unembedded,
)
from aggregator.store.vectors import Embeddings
from aggregator.store.visits import Visits

__all__ = [
    "Answer",
    "Claimed",
    "Issue",
    "Outgoing",
    "SliceDone",
    "SourceDay",
    "SourceState",
    "State",
    "Store",
    "Unembedded",
]


class Store(Schema, Visits, Days, Entries, Embeddings, Deadlines, Issues, Outbox):
    """The database, asked and told by every step; see the module for its parts."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
