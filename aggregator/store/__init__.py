"""store: the door to the database: questions and answers in model values.

    Store(url)      sqlite:///FILE or postgresql+psycopg://…; nothing is opened before the first question
    Schema          migrate, require_current, integrity
    Visits          cursor, visited, failures, due_sources, gone, sources, health, record_failure, mute, put_off,
                    hold, holds, slices_done
    Days            days
    Entries         add, add_all, add_slice, add_found, lacking
    Embeddings      without_vector, count_without_vector, lately, add_vectors, candidates
    Deadlines       deadlines
    Issues          issues, last_issue, has_issue, served, queue, disbelieve
    Profiles        pause, resume, pauses, receivers, returned, histories, rename
    Answers         found, pick, answer, unanswer, answers, said, lessons
    Search          worded, alike, named, titled, written, shown, seen_at
    Forms           note_written, written_before
    Summaries       summaries, add_summary
    Standings       standing
    Forgetting      addresses, forget, traces
    Outbox          claim, mark_data_sent, settle, release, reclaim, sent_within, waiting, unsettled
    Messages        outbox, outbox_counts, raw, came_back, retry_messages, hold_messages, drop_messages
    Bounces         mailed, add_bounce, bounced_in_a_row
    Notices         unannounced, announced
    Backup          back_up, restore
    Restored        mark_restored, restored, settle_restored, latest
    Retention       old_bodies, forget_bodies, other_vectors, forget_vectors, size, spare, compact, largest_message,
                    engine
    Door            lock, close

Every method is one short transaction and may be called from any thread. What the database cannot do becomes a
StoreError of one line that names it.
"""

from types import TracebackType
from typing import Self

from aggregator.store.answers import Answers
from aggregator.store.backup import Backup
from aggregator.store.bounces import Bounces
from aggregator.store.days import Days
from aggregator.store.deadlines import Deadlines
from aggregator.store.entries import Entries
from aggregator.store.forgetting import Forgetting
from aggregator.store.issues import EXTRA, Issues
from aggregator.store.messages import Messages
from aggregator.store.notices import Notices
from aggregator.store.outbox import Outbox
from aggregator.store.profiles import Profiles
from aggregator.store.restored import Consent
from aggregator.store.retention import Retention
from aggregator.store.search import Alike, Asked, Search, Shown
from aggregator.store.standing import InIssue, Standing, Standings
from aggregator.store.summaries import Summaries
from aggregator.store.values import (
    Announced,
    Answer,
    Answered,
    Bulk,
    Claimed,
    Forgotten,
    History,
    Issue,
    Mailed,
    Outgoing,
    Paused,
    Replaced,
    Returned,
    Settled,
    SliceDone,
    SourceDay,
    SourceState,
    State,
    Unembedded,
)
from aggregator.store.vectors import Embeddings
from aggregator.store.visits import Visits
from aggregator.store.written import Forms

__all__ = [
    "EXTRA",
    "Alike",
    "Announced",
    "Answer",
    "Answered",
    "Asked",
    "Bulk",
    "Claimed",
    "Consent",
    "Forgotten",
    "History",
    "InIssue",
    "Issue",
    "Mailed",
    "Outgoing",
    "Paused",
    "Replaced",
    "Returned",
    "Settled",
    "Shown",
    "SliceDone",
    "SourceDay",
    "SourceState",
    "Standing",
    "State",
    "Store",
    "Unembedded",
]


class Store(
    Backup,
    Forgetting,
    Retention,
    Visits,
    Days,
    Entries,
    Embeddings,
    Deadlines,
    Issues,
    Outbox,
    Messages,
    Profiles,
    Answers,
    Bounces,
    Notices,
    Forms,
    Search,
    Summaries,
    Standings,
):
    """The database, asked and told by every step; see the module for its parts."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
