"""summaries: what a language model made of entries' texts, kept so that it is asked once."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import col, select

from aggregator import tables
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door


class Summaries(Door):
    """The part of the store that knows summaries."""

    def summaries(self, model: str, asked: Mapping[str, str]) -> dict[str, str]:
        """By their keys the summaries that the model made of what is `asked` now: a hash for each key."""
        entry, summary = tables.Entry, tables.Summary
        found: dict[str, str] = {}
        with self._reading() as session:
            for part in chunks(asked):
                wanted = select(entry.key, summary.asked, summary.text).join(
                    summary, col(summary.entry_id) == col(entry.id)
                )
                rows = session.exec(wanted.where(col(entry.key).in_(part), summary.model == model))
                found.update((key, text) for key, of, text in rows if asked[key] == of)
        return found

    def add_summary(self, model: str, key: str, asked: str, text: str, *, now: datetime) -> None:
        """Keep one; it takes the place of an older one by the same model. No entry of this key: nothing is kept."""
        with self._writing() as session:
            entry_id = session.exec(select(tables.Entry.id).where(tables.Entry.key == key)).first()
            if entry_id is not None:
                row = tables.Summary(entry_id=entry_id, model=model, asked=asked, text=text, at=now)
                session.merge(row)
