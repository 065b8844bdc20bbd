"""written: what profiles were ranked by when digests of them were made, so that an edit can be tried against it."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from aggregator import tables
from aggregator.model import Follow, Profile
from aggregator.store.engine import Door

_RANKED_BY = (
    "interests", "weights", "keywords", "follows", "seeds", "venues", "muted", "muted_topics", "surprises",
    "max_entries", "min_score", "sections",
)  # fmt: skip
"""The fields of a profile that decide what it is shown."""


class Forms(Door):
    """The part of the store that knows how profiles were written."""

    def note_written(self, profile: Profile, *, now: datetime) -> bool:
        """Note what the profile is ranked by. False if that was noted last: then only its date is new."""
        form = _form(profile)
        with self._writing() as session:
            last = _forms(session, profile.name)[:1]
            if last and last[0].form == form:
                last[0].at = now
                return False
            session.add(tables.Written(profile=profile.name, form=form, at=now))
        return True

    def written_before(self, profile: Profile) -> tuple[Profile, datetime] | None:
        """The profile as it was noted last in another form than now, and when; None if it never had another.

        All that it is not ranked by, such as its addresses, is as now.
        """
        with self._reading() as session:
            rows = _forms(session, profile.name)
        forms = ((_read(row.form, profile), row.at) for row in rows)
        return next((found for found in forms if found[0] != profile), None)


def _forms(session: Session, profile: str) -> list[tables.Written]:
    written = tables.Written
    return list(session.exec(select(written).where(written.profile == profile).order_by(col(written.id).desc())))


def _form(profile: Profile) -> str:
    """What a profile is ranked by as JSON: the same text for the same."""
    fields: dict[str, Any] = {name: getattr(profile, name) for name in _RANKED_BY}
    fields |= {"weights": dict(profile.weights), "follows": [asdict(follow) for follow in profile.follows]}
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)


def _read(form: str, profile: Profile) -> Profile:
    """The profile as if it were ranked by a form; what the form does not name is as now."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(form).items()
        if name in _RANKED_BY
    }
    if follows := fields.get("follows"):
        fields["follows"] = tuple(Follow(**{**one, "variants": tuple(one["variants"])}) for one in follows)
    return replace(profile, **fields)
