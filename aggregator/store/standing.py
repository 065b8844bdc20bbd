"""standing: how one entry stands with one profile: whether it is news, was shown, was hidden, what it is told on."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from aggregator import tables
from aggregator.store.engine import Door
from aggregator.store.issues import issue_of
from aggregator.store.values import Issue
from aggregator.store.vectors import about_a_pick, is_hidden


@dataclass(frozen=True, slots=True)
class InIssue:
    """That an entry was shown in an issue: its number there, from 1 on, its title, and the score that it had."""

    issue: Issue
    number: int
    title: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An entry and a profile: since when it is news (None: it is none), and what of that the profile has seen.

    `added` is when it was first met. `covered` is the last issue whose days hold the one on which it became news (or,
    if it is none, was first met), whether it was shown there or not. `told_on` is the paper that was shown, and on
    whose card the entry is told.
    """

    added: datetime
    news_at: datetime | None
    hidden: bool
    shown: InIssue | None
    covered: Issue | None
    told_on: InIssue | None


class Standings(Door):
    """The part of the store that knows how an entry stands with a profile."""

    def standing(self, profile: str, key: str) -> Standing:
        """How the entry with this key stands with a profile. Raises KeyError if there is none."""
        entry, alias, issue = tables.Entry, tables.Alias, tables.Issue
        with self._reading() as session:
            row = session.exec(select(entry).join(alias).where(alias.name == key)).first()
            if row is None or row.id is None:
                raise KeyError(key)
            this = select(entry.id).where(col(entry.id) == row.id)
            day = row.news_at or row.added
            days = (issue.profile == profile, col(issue.since) < day, col(issue.until) >= day)
            over = session.exec(select(issue).where(*days).order_by(col(issue.id).desc()).limit(1)).first()
            told = session.exec(this.where(about_a_pick(profile))).first()
            return Standing(
                added=row.added,
                news_at=row.news_at,
                hidden=session.exec(this.where(is_hidden(profile))).first() is not None,
                shown=_shown(session, profile, row.id),
                covered=issue_of(over) if over else None,
                told_on=_shown(session, profile, _paper(session, row.id)) if told else None,
            )


def _paper(session: Session, entry_id: int) -> int:
    """The paper that an entry links to."""
    mention, alias = tables.Mention, tables.Alias
    wanted = select(alias.entry_id).join(mention, col(mention.name) == col(alias.name))
    return session.exec(wanted.where(mention.entry_id == entry_id)).one()


def _shown(session: Session, profile: str, entry_id: int) -> InIssue | None:
    entry, issue, pick = tables.Entry, tables.Issue, tables.Pick
    wanted = select(issue, pick, entry.title).where(pick.issue_id == issue.id, pick.entry_id == entry.id)
    found = session.exec(wanted.where(pick.profile == profile, pick.entry_id == entry_id)).first()
    if found is None:
        return None
    row, one, title = found
    before = select(func.count()).select_from(pick).where(pick.issue_id == row.id, pick.position < one.position)
    return InIssue(issue_of(row), session.exec(before).one() + 1, title, one.score)
