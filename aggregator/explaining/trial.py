"""trial: the digest is made, without being kept, to see what becomes of one entry in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from aggregator.compose import compose, has_place, is_about
from aggregator.embed import Embedder
from aggregator.model import Candidate, Digest, Profile, Ranked, Reason, Vectors
from aggregator.rank import explained, muted, nearest, repetitions
from aggregator.store import Store
from aggregator.tasting import Known, Tasted, gathered

Fate: TypeAlias = Literal[
    "pick", "also", "below", "full", "no part", "repeats", "told", "muted", "hidden", "shown", "not news", "no vector"
]
"""What becomes of an entry: a pick, or a line under "also seen"; or what keeps it out."""

_OTHERS = 2


@dataclass(frozen=True)
class Trial:
    """A digest as it would be made for a profile, and the entry with this `key` among all others."""

    profile: Profile
    tasted: Tasted
    letter: Digest | None
    key: str

    @cached_property
    def item(self) -> Ranked:
        """The entry, with its score and shares."""
        pool, taste = self.tasted.pool, self.tasted.taste
        return explained(pool, taste, [pool.row(self.key)])[0]

    @cached_property
    def place(self) -> int | None:
        """The entry's place, from 1 on, among all that are not muted; None if it is."""
        keys = [item.entry.key for item in self.tasted.best]
        return keys.index(self.key) + 1 if self.key in keys else None

    @cached_property
    def picks(self) -> list[Ranked]:
        """What the letter shows, without its "also seen"."""
        sections = self.letter.sections if self.letter else ()
        return [pick for section in sections if section.part != "also" for pick in section.picks]

    @property
    def last(self) -> float | None:
        """The lowest score of a pick; None if there is none."""
        return min((pick.score for pick in self.picks), default=None)

    @property
    def number(self) -> int | None:
        """The entry's number in the letter, also under "also seen"; None if it is not in it."""
        keys = [pick.entry.key for pick in self.letter.picks] if self.letter else []
        return keys.index(self.key) + 1 if self.key in keys else None

    @property
    def others(self) -> tuple[Reason, ...]:
        """The interests and seeds that come next after the one that counts."""
        pool, taste = self.tasted.pool, self.tasted.taste
        return tuple(nearest(pool, taste, pool.row(self.key))[1 : _OTHERS + 1])

    @cached_property
    def outcome(self) -> tuple[Fate, str]:
        """What becomes of the entry, and why, in a sentence."""
        if self.place is None:
            return "muted", f"It is muted, by {self.silencer}."
        if self.number is not None:
            return self._shown(self.number)
        if self.item.score < self.profile.min_score:
            short = f"{self.item.score:.4f} is {self.profile.min_score - self.item.score:.4f} short of {{}}"
            return "below", f"Its score does not reach min_score: {short.format(f'{self.profile.min_score:g}')}."
        if not has_place(self.item.entry.kind, self.profile):
            return "no part", f"No part of your letter (`sections`) has a place for a {self.item.entry.kind}."
        return self._crowded_out()

    @property
    def silencer(self) -> str:
        """What mutes the entry: a word, an author or a topic."""
        text = next((share.text for share in self.item.shares if share.name == "muted"), "")
        if text not in self.profile.muted:
            return f"the topic “{text}” (`muted_topics`)"
        kind = "word" if muted([text])(self.item.candidate) else "author"
        return f"the {kind} “{text}” (`muted`)"

    def _shown(self, number: int) -> tuple[Fate, str]:
        if not any(pick.entry.key == self.key for pick in self.picks):
            return "also", "It stands under “Also seen”: it reaches min_score, but all places of picks are taken."
        found = next(pick for pick in self.picks if pick.entry.key == self.key)
        chance = ", as a surprise from beyond your interests" if found.reasons[0].kind == "surprise" else ""
        return "pick", f"It is picked, as number {number}{chance}."

    def _crowded_out(self) -> tuple[Fate, str]:
        titles = {item.entry.key: item.entry.title for item in self.tasted.best}
        for pick in self.picks:
            if is_about(self.item.entry, {pick.entry.key, *pick.entry.aliases}):
                return "told", f"It is told on the card of “{pick.entry.title}”, a pick of the same letter."
        found = self.tasted.best
        repeated = repetitions(found, self.tasted.pool.vectors_of(found), self.profile)
        if self.key in repeated:
            return (
                "repeats",
                f"It repeats a better one, “{titles[repeated[self.key]]}”, and so stands behind all others.",
            )
        return "full", self._full()

    def _full(self) -> str:
        """Why no place was left."""
        is_paper = self.item.entry.kind == "paper"
        taken = [pick.score for pick in self.picks if (pick.entry.kind == "paper") == is_paper]
        what = f"{len(taken)} place{'s' if len(taken) != 1 else ''} of {'papers' if is_paper else 'posts and the like'}"
        if not taken:
            return "No place is left for it."
        told = f"No place is left: all {what} are taken, and the lowest score there is {min(taken):.4f}"
        less = sum(score < self.item.score for score in taken)
        if not less:
            return f"{told}."
        chosen = "1 with less was chosen" if less == 1 else f"{less} with less were chosen"
        return f"{told}: {chosen} so that no interest has all the places and nothing is told twice."


@dataclass(frozen=True)
class Trials:
    """What a digest is made from, so that it can be tried how an edit of the profile would change it.

    The interests of a profile that is tried must be among those that `known` counts.
    """

    store: Store
    embedder: Embedder
    known: Known
    candidates: Sequence[Candidate]
    vectors: Vectors
    since: datetime
    until: datetime

    def of(self, profile: Profile, key: str) -> Trial:
        """The digest as it would be made for the profile, and the entry with this key, one of the candidates, in it."""
        tasted = gathered(
            self.store, self.embedder, profile, self.candidates, self.vectors, now=self.until, known=self.known
        )
        period = f"trial-{self.until:%Y-%m-%d}"
        letter = compose(profile, tasted.order, period=period, since=self.since, until=self.until, sources=())
        return Trial(profile, tasted, letter, key)
