"""comparing: what an edit of a profile does to its digest: which works come, go, rise and fall because of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from aggregator.compose import compose
from aggregator.embed import Embedder
from aggregator.model import Candidate, Digest, Entry, Follow, Profile, Ranked, Reason, Vectors
from aggregator.pipeline import draft
from aggregator.rank import explained
from aggregator.store import Store
from aggregator.tasting import Known, Tasted, gathered

_LISTS = ("interests", "keywords", "follows", "seeds", "venues", "muted", "muted_topics")
_PLAIN = ("surprises", "max_entries", "min_score")
_KEYS = ("arxiv:", "doi:", "url:")


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that is written otherwise: the field, and what stood and stands there; "" is nothing.

    `about` is the interest of a weight, and "order" where nothing else is new.
    """

    field: str
    before: str
    after: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a work stands: its number in the letter, else None and in words why it has none.

    `score` is 0 to 1, None of what is muted, as is `reason`, the best one.
    """

    number: int | None
    score: float | None
    reason: Reason | None
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A work, and where it stands by the profile as it was written before and as it is now."""

    entry: Entry
    before: Place
    after: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an edit does to the digest of the same days, works, answers and moment; `at` is when it was written before.

    `came` and `went` are in one of the letters only; `rose` and `fell` have another number and, to the second decimal,
    another score. So many `pushed` have another number by those only, and so many `stayed`.
    """

    at: datetime
    edits: tuple[Edit, ...]
    came: tuple[Move, ...]
    went: tuple[Move, ...]
    rose: tuple[Move, ...]
    fell: tuple[Move, ...]
    pushed: int
    stayed: int


@dataclass(frozen=True, slots=True)
class Trial:
    """The letter that would be sent, None if there is nothing to say; and what the last edit does to it.

    `difference` is None where the profile was never written otherwise; `first`: nor was it ever noted.
    """

    letter: Digest | None
    difference: Difference | None
    first: bool


def tried(
    store: Store,
    embedder: Embedder,
    profile: Profile,
    sources: Sequence[str],
    *,
    period: str,
    since: datetime,
    until: datetime,
) -> Trial:
    """The digest of (since, until], of what was shown before too, beside that of the profile as it was written before.

    How it is written now is noted, for the next edit. Raises InputError if a file of references cannot be read.
    """
    before = store.written_before(profile)
    old = _readable(before[0]) if before else profile
    known = Known(store, embedder, [profile, old])
    letter = draft(store, embedder, profile, sources, period=period, since=since, until=until, shown=True, known=known)
    difference = None
    if before:
        news = store.candidates(profile.name, embedder.model, embedder.revision, since, until, shown=True)
        was, now = (_side(store, embedder, one, *news, since=since, until=until, known=known) for one in (old, profile))
        difference = _difference(was, now, at=before[1], edits=tuple(edits(before[0], profile)))
    new = store.note_written(profile, now=until)
    return Trial(letter, difference, first=new and not before)


# --- what is written otherwise -------------------------------------------------------------------------------------


def edits(old: Profile, new: Profile) -> Iterator[Edit]:
    """What a profile is ranked by and is written otherwise, field by field; what was taken out, then what was added."""
    for field in _LISTS:
        before, after = (_texts(getattr(one, field)) for one in (old, new))
        yield from (Edit(field, _weighed(text, old), "") for text in before if text not in after)
        yield from (Edit(field, "", _weighed(text, new)) for text in after if text not in before)
        if sorted(before) == sorted(after) and before != after:
            yield Edit(field, "; ".join(before), "; ".join(after), "order")
    for interest in new.interests:
        weights = [one.weights.get(interest, 1.0) for one in (old, new)]
        if interest in old.interests and weights[0] != weights[1]:
            yield Edit("weights", f"{weights[0]:g}", f"{weights[1]:g}", interest)
    for field in _PLAIN:
        numbers = [getattr(one, field) for one in (old, new)]
        if numbers[0] != numbers[1]:
            yield Edit(field, *(f"{number:g}" for number in numbers))
    if old.sections != new.sections:
        yield Edit("sections", ", ".join(old.sections), ", ".join(new.sections))


def _texts(values: Sequence[str | Follow]) -> list[str]:
    return [value if isinstance(value, str) else _person(value) for value in values]


def _weighed(text: str, profile: Profile) -> str:
    weight = profile.weights.get(text, 1.0)
    return text if weight == 1 else f"{text} (weight {weight:g})"


def _person(follow: Follow) -> str:
    more = [*follow.variants, follow.affiliation, follow.orcid]
    return f"{follow.name} ({', '.join(filter(None, more))})" if any(more) else follow.name


def _readable(profile: Profile) -> Profile:
    """The profile without the files of references that are gone."""
    return replace(
        profile, seeds=tuple(seed for seed in profile.seeds if seed.startswith(_KEYS) or Path(seed).exists())
    )


# --- what comes of it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """What comes of the candidates by one form of a profile; None where it has nothing to rank by, or nothing came."""

    profile: Profile
    numbers: Mapping[str, int]
    scored: Mapping[str, Ranked]
    tasted: Tasted | None

    def place(self, key: str) -> Place:
        """Where the work with this key stands."""
        number, item = self.numbers.get(key), self.scored.get(key)
        if item is None:
            return Place(None, None, None, self._muted(key))
        low = item.score < self.profile.min_score
        why = "" if number else f"below min_score {self.profile.min_score:g}" if low else "no place left"
        return Place(number, item.score, next(iter(item.reasons), None), why)

    def _muted(self, key: str) -> str:
        """What mutes a work, in words."""
        if self.tasted is None:
            return "nothing to rank by"
        pool, taste = self.tasted.pool, self.tasted.taste
        row = next(row for row, candidate in enumerate(pool.candidates) if candidate.entry.key == key)
        shares = explained(pool, taste, [row])[0].shares
        return f"muted: {next(share.text for share in shares if share.name == 'muted')}"


def _side(
    store: Store,
    embedder: Embedder,
    profile: Profile,
    candidates: Sequence[Candidate],
    vectors: Vectors,
    *,
    since: datetime,
    until: datetime,
    known: Known,
) -> _Side:
    if not candidates or not (profile.interests or profile.seeds):
        return _Side(profile, {}, {}, None)
    found = gathered(store, embedder, profile, candidates, vectors, now=until, known=known)
    letter = compose(profile, found.order, period="preview", since=since, until=until, sources=())
    picks = letter.picks if letter else ()
    return _Side(
        profile,
        {pick.entry.key: number for number, pick in enumerate(picks, 1)},
        {item.entry.key: item for item in found.order},
        found,
    )


def _difference(was: _Side, now: _Side, *, at: datetime, edits: tuple[Edit, ...]) -> Difference:
    entries = {item.entry.key: item.entry for side in (was, now) for item in side.scored.values()}
    keys = sorted(was.numbers.keys() | now.numbers.keys())
    moves = [Move(entries[key], was.place(key), now.place(key)) for key in keys]
    both = [(move, move.before.number, move.after.number) for move in moves]
    other = [(move, old, new) for move, old, new in both if old and new and old != new]
    own = [(move, old, new) for move, old, new in other if _gain(move)]
    return Difference(
        at=at,
        edits=edits,
        came=tuple(sorted((one[0] for one in both if one[1] is None), key=_now)),
        went=tuple(sorted((one[0] for one in both if one[2] is None), key=lambda move: move.before.number or 0)),
        rose=tuple(sorted((move for move, old, new in own if new < old), key=lambda move: (-_gain(move), _now(move)))),
        fell=tuple(sorted((move for move, old, new in own if new > old), key=lambda move: (_gain(move), _now(move)))),
        pushed=len(other) - len(own),
        stayed=sum(old == new for _, old, new in both),
    )


def _gain(move: Move) -> float:
    """How much the score gained, as it is seen: to the second decimal."""
    return round(round(move.after.score or 0, 2) - round(move.before.score or 0, 2), 2)


def _now(move: Move) -> int:
    return move.after.number or 0
