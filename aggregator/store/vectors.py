"""vectors: which texts lack one, and what a profile may choose from."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, and_, collate, delete, exists, func, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.model import ABOUT, Candidate, Vectors
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door
from aggregator.store.issues import AHEAD
from aggregator.store.sightings import candidates_of
from aggregator.store.values import Unembedded


class Embeddings(Door):
    """The part of the store that knows vectors and the entries they belong to."""

    def without_vector(self, model: str, revision: str, limit: int | None = None) -> list[Unembedded]:
        """The texts that have no vector of this model, or one of an older text; longest first, then by key."""
        entry = tables.Entry
        length = func.length(entry.title) + func.length(entry.summary)
        wanted = (
            select(entry.id, entry.title, entry.summary, entry.text_hash)
            .where(_lacks_vector(model, revision))
            .order_by(length.desc(), collate(col(entry.key), "BINARY" if self.file else "C"))
            .limit(limit)
        )
        with self._reading() as session:
            rows = session.exec(wanted).all()
        return [Unembedded(row[0], f"{row[1]}\n{row[2]}", row[3]) for row in rows if row[0] is not None]

    def count_without_vector(self, model: str, revision: str) -> int:
        """How many texts `without_vector` would answer with."""
        counted = select(func.count()).select_from(tables.Entry).where(_lacks_vector(model, revision))
        with self._reading() as session:
            return session.exec(counted).one()

    def count_of_another_model(self, model: str, revision: str) -> int:
        """How many of those texts have a vector, but of another model or another of its revisions."""
        vector = tables.Vector
        other = exists().where(
            col(vector.entry_id) == col(tables.Entry.id),
            or_(col(vector.model) != model, col(vector.revision) != revision),
        )
        counted = select(func.count()).select_from(tables.Entry).where(_lacks_vector(model, revision), other)
        with self._reading() as session:
            return session.exec(counted).one()

    def lately(self, model: str, revision: str, most: int) -> tuple[list[str], Vectors]:
        """The texts of the entries that came last, and their vectors, a row each, shape (n, dim)."""
        entry, vector = tables.Entry, tables.Vector
        wanted = select(entry.title, entry.summary, vector.data).join(vector, is_current(model, revision))
        with self._reading() as session:
            rows = session.exec(wanted.order_by(col(entry.id).desc()).limit(most)).all()
        return [f"{title}\n{summary}" for title, summary, _ in rows], stacked(self.name, [row[2] for row in rows])

    def add_vectors(self, model: str, revision: str, rows: Sequence[tuple[int, str]], vectors: Vectors) -> None:
        """Store a vector for each (entry id, hash of the text it was made of).

        It takes the place of an older one; an entry whose text has changed meanwhile is left to be embedded again.
        """
        if len(rows) != len(vectors):
            raise ValueError(f"{len(rows)} rows, but {len(vectors)} vectors")
        entry, vector = tables.Entry, tables.Vector
        data = dict(zip(rows, np.ascontiguousarray(vectors, dtype="<f4"), strict=True))
        with self._writing() as session:
            for part in chunks(data):
                ids = [entry_id for entry_id, _ in part]
                current = set(session.exec(select(entry.id, entry.text_hash).where(col(entry.id).in_(ids))))
                fresh = [row for row in part if row in current]
                ours = (col(vector.model) == model, col(vector.revision) == revision)
                session.exec(delete(vector).where(*ours, col(vector.entry_id).in_([row[0] for row in fresh])))
                session.add_all(
                    vector(
                        entry_id=entry_id,
                        model=model,
                        revision=revision,
                        text_hash=text_hash,
                        data=data[entry_id, text_hash].tobytes(),
                        dim=data[entry_id, text_hash].size,
                    )
                    for entry_id, text_hash in fresh
                )

    def candidates(
        self, profile: str, model: str, revision: str, since: datetime, until: datetime, *, shown: bool = False
    ) -> tuple[list[Candidate], Vectors]:
        """What became news after `since` and up to `until` and was not shown to the profile, by key, and its vectors.

        The vectors have a row per candidate, shape (n, dim). Entries without a current vector are left out, and so is
        what the profile has hidden. `shown` takes in what the profile was shown. A post, thread or video about one
        paper that the profile was shown is told on that paper's card, and so left out. What became news in days to come
        did so while the clock was ahead, and is taken in, but for `shown`.
        """
        wanted = _news(profile, model, revision, since, until, shown=shown)
        with self._reading() as session:
            rows = sorted(session.exec(wanted), key=lambda row: row[0].key)
            candidates = candidates_of(session, [row[0] for row in rows])
        return candidates, stacked(self.name, [data for _, data in rows])


def stacked(database: str, blobs: Sequence[bytes]) -> Vectors:
    """The stored vectors of one model, a row each, shape (n, dim); (0, 0) of none."""
    if len({len(blob) for blob in blobs}) > 1:
        raise StoreError(f"database {database} holds vectors of different lengths under one model")
    flat = np.frombuffer(b"".join(blobs), dtype="<f4").astype(np.float32)
    return flat.reshape(len(blobs), -1) if blobs else flat.reshape(0, 0)


def is_current(model: str, revision: str) -> ColumnElement[bool]:
    """Whether a vector is what the model makes of an entry's text as it is now."""
    entry, vector = tables.Entry, tables.Vector
    return and_(
        col(vector.entry_id) == col(entry.id),
        col(vector.model) == model,
        col(vector.revision) == revision,
        col(vector.text_hash) == col(entry.text_hash),
    )


def _lacks_vector(model: str, revision: str) -> ColumnElement[bool]:
    return ~exists().where(is_current(model, revision))


def _news(
    profile: str, model: str, revision: str, since: datetime, until: datetime, *, shown: bool
) -> Select[tables.Entry, bytes]:
    entry, vector, pick = tables.Entry, tables.Vector, tables.Pick
    wanted = select(entry, vector.data).join(vector, is_current(model, revision)).where(~is_hidden(profile))
    window = and_(col(entry.news_at) > since, col(entry.news_at) <= until)
    if shown:
        return wanted.where(window)
    wanted = wanted.where(or_(window, col(entry.news_at) > until + AHEAD))
    picked = exists().where(col(pick.entry_id) == col(entry.id), col(pick.profile) == profile)
    return wanted.where(~picked, ~about_a_pick(profile))


def is_hidden(profile: str) -> ColumnElement[bool]:
    """Whether the profile has hidden an entry."""
    answer = tables.Answer
    same = col(answer.entry_id) == col(tables.Entry.id)
    return exists().where(same, col(answer.profile) == profile, col(answer.answer) == "hide")


def about_a_pick(profile: str) -> ColumnElement[bool]:
    """Whether an entry that may be about a paper links to one only, and the profile was shown that one."""
    entry, pick, mention, alias = tables.Entry, tables.Pick, tables.Mention, tables.Alias
    count = select(func.count()).where(col(mention.entry_id) == col(entry.id)).scalar_subquery()
    shown = exists().where(
        col(mention.entry_id) == col(entry.id),
        col(alias.name) == col(mention.name),
        col(pick.entry_id) == col(alias.entry_id),
        col(pick.profile) == profile,
    )
    return and_(col(entry.kind).in_(ABOUT), count == 1, shown)
