"""issues: what each profile was sent, and opening the next one."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.errors import StoreError
from aggregator.model import Digest, Message, Ranked
from aggregator.store.chunks import chunks
from aggregator.store.engine import Door
from aggregator.store.values import Issue

AHEAD = timedelta(days=1)
"""An issue that reaches further into the future was opened while the clock was wrong; one that reaches less far, just
before the clock was set back a little."""

EXTRA = "manual-"
"""What the period of an extra issue begins with, one that no schedule asked for."""


class Issues(Door):
    """The part of the store that knows which issues a profile has had."""

    def issues(self, profile: str) -> list[Issue]:
        """All issues of the profile, newest first."""
        issue = tables.Issue
        order = (col(issue.until).desc(), col(issue.id).desc())
        with self._reading() as session:
            return [
                issue_of(row) for row in session.exec(select(issue).where(issue.profile == profile).order_by(*order))
            ]

    def last_issue(self, profile: str) -> Issue | None:
        """The issue of the profile that reaches furthest, of whatever period."""
        issue = tables.Issue
        order = (col(issue.until).desc(), col(issue.id).desc())
        with self._reading() as session:
            row = session.exec(select(issue).where(issue.profile == profile).order_by(*order).limit(1)).first()
        return issue_of(row) if row else None

    def has_issue(self, profile: str, period: str) -> bool:
        """Whether the profile has an issue of that period, sent or empty."""
        with self._reading() as session:
            return _exists(session, profile, period)

    def served(self, profile: str, at: datetime, now: datetime) -> bool:
        """Whether an issue of the profile's schedule reaches the moment `at`, or was opened from then on, before `now`.

        The latter is for issues that were passed over while the clock was far back. Extra issues do not count, but for
        the first issue of all: a reader begins with it.
        """
        issue = tables.Issue
        first = select(func.min(issue.id)).where(issue.profile == profile).scalar_subquery()
        counts = or_(col(issue.period).not_like(f"{EXTRA}%"), col(issue.id) == first)
        reaches = or_(col(issue.until) >= at, and_(col(issue.opened_at) >= at, col(issue.opened_at) < now))
        with self._reading() as session:
            wanted = select(issue.id).where(issue.profile == profile, counts, reaches).limit(1)
            return session.exec(wanted).first() is not None

    def disbelieve(self, now: datetime) -> list[tuple[str, str]]:
        """Pass over the issues of days to come, by profile and period: the clock was wrong when they were opened.

        They keep their period, and what they showed stays shown; but the next window begins before them, because what
        became news by the right clock since then lies before their end.
        """
        with self._reading() as session:
            if session.exec(select(tables.Issue.id).where(_ahead(now)).limit(1)).first() is None:
                return []
        with self._writing() as session:
            return _disbelieve(session, now)

    def queue(
        self,
        profile: str,
        period: str,
        since: datetime,
        until: datetime,
        *,
        now: datetime,
        digest: Digest | None,
        messages: Sequence[Message],
    ) -> bool:
        """Open an issue: note it and its picks, and put its messages into the outbox; `digest` None is an empty issue.

        False, and nothing is changed, if the profile has an issue of that period, was meanwhile shown one of the picks,
        or one of the messages is there, under whatever name the profile has by now: then another process was quicker.
        """
        picks = digest.picks if digest else ()
        with self._writing() as session:
            ids = _ids(session, [pick.entry.key for pick in picks])
            known = _exists(session, profile, period) or _queued(session, messages)
            if known or _shown(session, profile, ids.values()):
                return False
            issue = tables.Issue(
                profile=profile,
                period=period,
                since=since,
                until=until,
                opened_at=now,
                arrived=digest.arrived if digest else 0,
                picks=len(picks),
            )
            session.add(issue)
            session.flush()
            opened = issue.id or 0
            session.add_all(
                _pick(opened, profile, position, pick, ids[pick.entry.key]) for position, pick in enumerate(picks)
            )
            session.add_all(_message(opened, message, now) for message in messages)
        return True


def after_issues(session: Session, now: datetime, *, every: bool = False) -> datetime:
    """`now`, or just after the last issue that was opened, where the clock was set back a little since then.

    What becomes news must lie after every window that is closed, or it would lie in none. `every`: also after those of
    days to come. Otherwise those are passed over from now on, see `disbelieve`: hours later they might be believed, and
    what became news meanwhile would lie before their end.
    """
    if not every:
        _disbelieve(session, now)
    last = session.exec(select(func.max(tables.Issue.until))).first()
    return max(now, last + timedelta(microseconds=1)) if last else now


def _ahead(now: datetime) -> ColumnElement[bool]:
    return col(tables.Issue.until) > now + AHEAD


def _disbelieve(session: Session, now: datetime) -> list[tuple[str, str]]:
    issue = tables.Issue
    rows = session.exec(select(issue).where(_ahead(now)).order_by(col(issue.id))).all()
    for row in rows:
        believed = select(func.max(issue.until)).where(issue.profile == row.profile, issue.until <= now + AHEAD)
        row.until = session.exec(believed).first() or min(row.since, now)
        row.since = min(row.since, row.until)
    session.flush()
    return [(row.profile, row.period) for row in rows]


def _exists(session: Session, profile: str, period: str) -> bool:
    issue = tables.Issue
    same = select(issue.id).where(issue.profile == profile, issue.period == period)
    return session.exec(same).first() is not None


def _ids(session: Session, keys: Sequence[str]) -> dict[str, int]:
    alias = tables.Alias
    ids: dict[str, int] = {}
    for part in chunks(keys):
        ids.update(session.exec(select(alias.name, alias.entry_id).where(col(alias.name).in_(part))).all())
    if unknown := [key for key in keys if key not in ids]:
        raise StoreError(f"the digest shows {unknown[0]}, which is not in the database; run the digest step again")
    return ids


def _shown(session: Session, profile: str, ids: Iterable[int]) -> bool:
    pick = tables.Pick
    return any(
        session.exec(
            select(func.count()).select_from(pick).where(pick.profile == profile, col(pick.entry_id).in_(part))
        ).one()
        for part in chunks(ids)
    )


def _queued(session: Session, messages: Sequence[Message]) -> bool:
    message = tables.Message
    keys = [one.key for one in messages]
    names = [one.message_id for one in messages]
    return any(
        session.exec(select(message.id).where(column.in_(part)).limit(1)).first()
        for column, wanted in ((col(message.key), keys), (col(message.message_id), names))
        for part in chunks(wanted)
    )


def _pick(issue_id: int, profile: str, position: int, ranked: Ranked, entry_id: int) -> tables.Pick:
    reason = ranked.reasons[0].text if ranked.reasons else ""
    return tables.Pick(
        issue_id=issue_id, profile=profile, entry_id=entry_id, position=position, score=ranked.score, reason=reason
    )


def _message(issue_id: int, message: Message, now: datetime) -> tables.Message:
    return tables.Message(
        issue_id=issue_id,
        key=message.key,
        recipient=message.to,
        sender=message.sender,
        message_id=message.message_id,
        subject=message.subject,
        raw=message.raw,
        sha256=hashlib.sha256(message.raw).hexdigest(),
        state="queued",
        queued_at=now,
    )


def issue_of(row: tables.Issue) -> Issue:
    """An issue of the database."""
    return Issue(
        profile=row.profile,
        period=row.period,
        since=row.since,
        until=row.until,
        opened_at=row.opened_at,
        arrived=row.arrived,
        picks=row.picks,
    )
