"""answers: what readers say of the works they were shown."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import ColumnElement, and_, collate, delete, exists, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from aggregator import model, tables
from aggregator.model import Entry, Vectors
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door
from aggregator.store.values import Answered
from aggregator.store.vectors import is_current, stacked
from aggregator.store.wording import told

_KNOWN: tuple[model.Answer, ...] = get_args(model.Answer)
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class Answers(Door):
    """The part of the store that knows what readers say."""

    def found(self, names: Sequence[str], urls: Sequence[str] = ()) -> Entry | None:
        """The entry that the first of the names that is known is of, or that was seen under one of the links."""
        entry, alias, sighting = tables.Entry, tables.Alias, tables.Sighting
        with self._reading() as session:
            known = dict(session.exec(select(alias.name, alias.entry_id).where(col(alias.name).in_(names))).all())
            ids = [known[name] for name in names if name in known]
            if not ids and urls:
                seen = select(sighting.entry_id).where(col(sighting.url).in_(urls))
                linked = select(entry.id).where(or_(col(entry.url).in_(urls), col(entry.id).in_(seen)))
                ids = [one for one in session.exec(linked.order_by(col(entry.id))) if one is not None]
            return told(session.get_one(entry, ids[0])) if ids else None

    def pick(self, profile: str, number: int) -> Entry | None:
        """The pick with this number, from 1 on, in the last issue of the profile that had any."""
        entry, issue, pick = tables.Entry, tables.Issue, tables.Pick
        order = (col(issue.until).desc(), col(issue.id).desc())
        shown = exists().where(col(pick.issue_id) == col(issue.id))
        with self._reading() as session:
            last = session.exec(
                select(issue.id).where(issue.profile == profile, shown).order_by(*order).limit(1)
            ).first()
            wanted = select(entry).join(pick, col(pick.entry_id) == col(entry.id)).where(pick.issue_id == last)
            row = session.exec(wanted.order_by(col(pick.position)).offset(number - 1).limit(1)).first()
        return told(row) if row else None

    def answer(self, profile: str, key: str, answer: model.Answer, *, now: datetime) -> model.Answer | None:
        """Note what a reader says of the entry with this name; what they said of it before, None if nothing.

        The latest answer stands, and counts from now. Raises KeyError if no entry has the name.
        """
        if answer not in _KNOWN:
            raise ValueError(f"{answer!r} is not an answer")
        with self._writing() as session:
            entry_id = _entry_id(session, key)
            row = session.get(tables.Answer, (profile, entry_id))
            before = _known(row.answer) if row else None
            session.merge(tables.Answer(profile=profile, entry_id=entry_id, answer=answer, at=now))
        return before

    def unanswer(self, profile: str, keys: Sequence[str] | None = None) -> int:
        """Take back what a reader said of the entries with these names, or of all (None); how many answers those were.

        Raises KeyError if no entry has one of the names.
        """
        answer = tables.Answer
        with self._writing() as session:
            mine = [col(answer.profile) == profile]
            if keys is not None:
                mine.append(col(answer.entry_id).in_([_entry_id(session, key) for key in keys]))
            return session.exec(delete(answer).where(*mine)).rowcount

    def answers(self, profile: str) -> list[Answered]:
        """All answers of the profile that stand, newest first, then by key."""
        entry, answer = tables.Entry, tables.Answer
        wanted = (
            select(entry, answer.answer, answer.at)
            .join(answer, col(answer.entry_id) == col(entry.id))
            .where(answer.profile == profile)
            .order_by(col(answer.at).desc(), self._key_order())
        )
        with self._reading() as session:
            return [_answered(*row) for row in session.exec(wanted)]

    def said(self, profile: str, *, unanswered: int = 400) -> list[Answered]:
        """What there is to learn from: the works that a profile likes, saved or dislikes, and those it passed over.

        Newest first, then by key. Passed over are at most `unanswered` works of issues in which something was answered:
        an issue without any was perhaps not read.
        """
        with self._reading() as session:
            return self._said(session, profile, unanswered, _FOREVER)

    def lessons(
        self, profile: str, model: str, revision: str, *, unanswered: int = 400, until: datetime | None = None
    ) -> tuple[list[Answered], Vectors]:
        """What was `said`, of the works that have a current vector of this model; those, a row each, shape (n, dim).

        With `until` as if no answer had been given later; of an answer that was changed later nothing is known.
        """
        entry, vector = tables.Entry, tables.Vector
        data: dict[str, bytes] = {}
        with self._reading() as session:
            said = self._said(session, profile, unanswered, until or _FOREVER)
            for part in chunks(one.key for one in said):
                wanted = select(entry.key, vector.data).join(vector, is_current(model, revision))
                data.update(session.exec(wanted.where(col(entry.key).in_(part))).all())
        known = [one for one in said if one.key in data]
        return known, stacked(self.name, [data[one.key] for one in known])

    def _said(self, session: Session, profile: str, unanswered: int, until: datetime) -> list[Answered]:
        entry, answer, pick, issue = tables.Entry, tables.Answer, tables.Pick, tables.Issue
        said = (
            select(entry, answer.answer, answer.at)
            .join(answer, and_(col(answer.entry_id) == col(entry.id), col(answer.profile) == profile))
            .where(col(answer.answer) != "hide", col(answer.at) <= until)
            .order_by(col(answer.at).desc(), self._key_order())
        )
        passed = (
            select(entry, issue.opened_at)
            .join(pick, and_(col(pick.entry_id) == col(entry.id), col(pick.profile) == profile))
            .join(issue, col(issue.id) == col(pick.issue_id))
            .where(~_is_answered(profile, until), col(issue.id).in_(_read(profile, until)))
            .order_by(col(issue.opened_at).desc(), self._key_order())
            .limit(unanswered)
        )
        found = [_answered(*row) for row in session.exec(said)]
        return found + [_answered(row, None, at) for row, at in session.exec(passed)]

    def _key_order(self) -> ColumnElement[str]:
        return collate(col(tables.Entry.key), "BINARY" if self.file else "C")


def _entry_id(session: Session, key: str) -> int:
    found = session.exec(select(tables.Alias.entry_id).where(tables.Alias.name == key)).first()
    if found is None:
        raise KeyError(key)
    return found


def _known(answer: str | None) -> model.Answer | None:
    return next((one for one in _KNOWN if one == answer), None)


def _answered(row: tables.Entry, answer: str | None, at: datetime) -> Answered:
    return Answered(key=row.key, title=row.title, text=f"{row.title}\n{row.summary}", answer=_known(answer), at=at)


def _is_answered(profile: str, until: datetime) -> ColumnElement[bool]:
    answer = tables.Answer
    same = col(answer.entry_id) == col(tables.Entry.id)
    return exists().where(same, col(answer.profile) == profile, col(answer.at) <= until)


def _read(profile: str, until: datetime) -> SelectOfScalar[int]:
    """The issues of a profile in which something was answered by then."""
    answer, pick = tables.Answer, tables.Pick
    same = and_(col(answer.entry_id) == col(pick.entry_id), col(answer.profile) == col(pick.profile))
    return select(pick.issue_id).join(answer, same).where(pick.profile == profile, col(answer.at) <= until)


def move_answers(session: Session, keep: int, other: int) -> None:
    """Let what was said of one entry be said of another that is the same work; of two answers the later stands."""
    answer = tables.Answer
    for row in session.exec(select(answer).where(answer.entry_id == other)).all():
        _settle(session, row, answer(profile=row.profile, entry_id=keep, answer=row.answer, at=row.at))


def rename_answers(session: Session, old: str, new: str) -> None:
    """Let what one profile said be what another said; of two answers the later stands."""
    answer = tables.Answer
    for row in session.exec(select(answer).where(answer.profile == old)).all():
        _settle(session, row, answer(profile=new, entry_id=row.entry_id, answer=row.answer, at=row.at))


def _settle(session: Session, gone: tables.Answer, moved: tables.Answer) -> None:
    there = session.get(tables.Answer, (moved.profile, moved.entry_id))
    if there is None or there.at < moved.at:
        session.merge(moved)
    session.delete(gone)
    session.flush()
