"""profiles: what hangs on a profile as a whole: its pauses, its bounces, its history, and its name."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, union, update
from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Profile
from aggregator.store.answers import rename_answers
from aggregator.store.engine import Door
from aggregator.store.values import History, Paused, Returned
from aggregator.store.wording import cleaned
from aggregator.text import fold

_KEPT = (tables.Issue, tables.Pause, tables.Bounce, tables.Answer, tables.Written)
"""What is kept of a profile, each with its name."""


class Profiles(Door):
    """The part of the store that knows what hangs on a profile as a whole."""

    def pause(self, profile: str, address: str, reason: str, *, now: datetime) -> bool:
        """Send nothing to this address of the profile, or to all of them (`address` ""), until `resume`.

        False, and the first reason and date stand, if it is paused already.
        """
        with self._writing() as session:
            if session.get(tables.Pause, (profile, address)):
                return False
            session.add(tables.Pause(profile=profile, address=address, since=now, reason=fold(cleaned(reason))))
        return True

    def resume(self, profile: str, address: str = "") -> int:
        """Take back the pause of this address, or all pauses of the profile (`address` ""); how many there were."""
        pause = tables.Pause
        which = [col(pause.profile) == profile, *([func.lower(pause.address) == address.lower()] if address else ())]
        with self._writing() as session:
            return session.exec(delete(pause).where(*which)).rowcount

    def pauses(self) -> list[Paused]:
        """All pauses, by profile and address."""
        pause = tables.Pause
        with self._reading() as session:
            rows = session.exec(select(pause).order_by(col(pause.profile), col(pause.address))).all()
        return [Paused(profile=row.profile, address=row.address, since=row.since, reason=row.reason) for row in rows]

    def receivers(self, profiles: Sequence[Profile]) -> dict[str, tuple[str, ...]]:
        """The addresses of each profile, by its name, that are not paused, each once; none if all of it is paused.

        Upper and lower case make no other address.
        """
        paused = {(one.profile, one.address.casefold()) for one in self.pauses()}
        return {
            one.name: tuple(
                to for folded, to in _folded(one.email).items() if not {(one.name, ""), (one.name, folded)} & paused
            )
            for one in profiles
        }

    def returned(self, since: datetime) -> list[Returned]:
        """The addresses that mail came back from since then, by profile and address."""
        bounce = tables.Bounce
        wanted = select(bounce).where(col(bounce.at) >= since).order_by(col(bounce.at), col(bounce.report))
        found: dict[tuple[str, str], Returned] = {}
        with self._reading() as session:
            for row in session.exec(wanted):
                who = row.profile, row.address
                found[who] = Returned(
                    profile=row.profile,
                    address=row.address,
                    at=row.at,
                    hard=row.hard,
                    status=row.status,
                    text=row.text,
                    reports=found[who].reports + 1 if who in found else 1,
                )
        return [found[who] for who in sorted(found)]

    def histories(self) -> dict[str, History]:
        """What each profile was sent, by name, of all that anything is stored of."""
        issue = tables.Issue
        with self._reading() as session:
            names = session.execute(union(*(select(col(one.profile)) for one in _KEPT))).scalars()
            found = {name: History(0, 0, "", None) for name in sorted(names)}
            sums = select(issue.profile, func.count(), func.sum(issue.picks)).group_by(issue.profile)
            furthest = select(issue.profile, func.max(issue.until)).group_by(issue.profile).subquery()
            last = select(issue.profile, issue.period, issue.until).join(
                furthest, (furthest.c[0] == col(issue.profile)) & (furthest.c[1] == col(issue.until))
            )
            ends = {name: (period, until) for name, period, until in session.exec(last.order_by(col(issue.id)))}
            for name, issues, picks in session.exec(sums):
                found[name] = History(issues, picks, *ends[name])
        return found

    def rename(self, old: Iterable[str], new: str) -> int:
        """Let what is stored of a profile under its `old` names be that of `new`; how many names were found.

        Where both have an issue of one period, that of `new` takes in the picks and messages of the other; a work that
        both were shown stays shown once, of two pauses of one address the older stands, and of two answers to one work
        the later. Message keys stay. If there is anything to do, the lock "work" is held, so that no step meets half of
        each. Raises StoreError.
        """
        known = self._stored(name for name in old if name != new)
        if known:
            with self.lock("work", wait=60), self._writing() as session:
                for name in known:
                    _rename(session, name, new)
        return len(known)

    def _stored(self, names: Iterable[str]) -> list[str]:
        wanted = list(names)
        if not wanted:
            return []
        with self._reading() as session:
            found = {
                name
                for one in _KEPT
                for name in session.exec(select(one.profile).where(col(one.profile).in_(wanted)).distinct())
            }
        return [name for name in wanted if name in found]


def _folded(addresses: Iterable[str]) -> dict[str, str]:
    """Each address once, as it was first written, by what it is in any case."""
    found: dict[str, str] = {}
    for one in addresses:
        found.setdefault(one.casefold(), one)
    return found


def _rename(session: Session, old: str, new: str) -> None:
    issue, pick, pause, bounce = tables.Issue, tables.Pick, tables.Pause, tables.Bounce
    shown = select(pick.entry_id).where(pick.profile == new)
    session.exec(delete(pick).where(col(pick.profile) == old, col(pick.entry_id).in_(shown)))
    session.exec(update(pick).where(col(pick.profile) == old).values(profile=new))
    mine = {row.period: row for row in session.exec(select(issue).where(issue.profile == new))}
    for row in session.exec(select(issue).where(issue.profile == old)).all():
        if row.period in mine:
            _merge(session, row, mine[row.period])
        else:
            row.profile = new
    session.flush()
    for paused in session.exec(select(pause).where(pause.profile == old)).all():
        other = session.get(pause, (new, paused.address))
        if other is None or paused.since < other.since:
            session.merge(pause(profile=new, address=paused.address, since=paused.since, reason=paused.reason))
        session.delete(paused)
    for one in (bounce, tables.Written):
        session.exec(update(one).where(col(one.profile) == old).values(profile=new))
    rename_answers(session, old, new)


def _merge(session: Session, other: tables.Issue, into: tables.Issue) -> None:
    """Let one issue take in another of the same period."""
    for one in (tables.Pick, tables.Message):
        session.exec(update(one).where(col(one.issue_id) == other.id).values(issue_id=into.id))
    into.since, into.until = min(into.since, other.since), max(into.until, other.until)
    into.arrived = max(into.arrived, other.arrived)
    into.picks = session.exec(
        select(func.count()).select_from(tables.Pick).where(tables.Pick.issue_id == into.id)
    ).one()
    session.delete(other)
