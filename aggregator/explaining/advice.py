"""advice: the edit of a profile that would bring an entry into the digest; tried before it is said."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from aggregator.explaining.trial import Trial, Trials
from aggregator.model import PARTS, Entry, Part, Profile, Seed, Vectors
from aggregator.suggest import suggest

_Edit: TypeAlias = tuple[str, Profile]
"""What is told, and the profile as it would be."""

_MORE = (5, 10, 20, 40)
"""So many more places are tried."""

_MOST = 200
"""No profile has more places."""

_AT_ONCE = 2
"""So many ways are told."""

_PARTS: tuple[Part, ...] = tuple(part for part in PARTS if part not in ("glance", "also"))


def phrase_of(entry: Entry, vectors: Vectors) -> str:
    """A phrase that names what the entry is about, "" if none can be told; `vectors` is its own, shape (1, dim)."""
    work = Seed(key=entry.key, title=entry.title, summary=entry.summary)
    return next((one.text for one in suggest([work], vectors)), "")


def naming(profile: Profile, phrase: str) -> Profile:
    """The profile with one more interest, if there is one."""
    known = not phrase or phrase in profile.interests
    return profile if known else replace(profile, interests=(*profile.interests, phrase))


def advice(trials: Trials, trial: Trial, phrase: str) -> str:
    """What would bring the entry in, in words, at most two ways; "" if nothing that was tried does."""
    ways = (_first(trials, trial.key, way) for way in _ways(trial, phrase))
    return "; or ".join([words for words in ways if words][:_AT_ONCE])


def _first(trials: Trials, key: str, edits: Sequence[_Edit]) -> str:
    """The words of the first edit that brings the entry in."""
    return next((words for words, edited in edits if _is_in(trials.of(edited, key))), "")


def _is_in(trial: Trial) -> bool:
    return trial.outcome[0] in ("pick", "also")


def _ways(trial: Trial, phrase: str) -> Sequence[Sequence[_Edit]]:
    """The ways that may help, by what keeps the entry out: of each the edits, the smallest first."""
    profile, fate = trial.profile, trial.outcome[0]
    if fate == "muted":
        return [_heard(trial)]
    if fate == "no part":
        return [
            [(f"with “{part}” among the sections it would be in", replace(profile, sections=(*profile.sections, part)))]
            for part in _PARTS
            if part not in profile.sections
        ]
    if fate == "below":
        lower = math.floor(trial.item.score * 100) / 100
        words = f"with min_score = {lower:g} it would be in"
        return [_named(profile, phrase), [(words, replace(profile, min_score=lower))] if lower > 0 else []]
    if fate == "full":
        places = [most for more in _MORE if (most := profile.max_entries + more) <= _MOST]
        more = [(f"with max_entries = {most} it would be in", replace(profile, max_entries=most)) for most in places]
        return [_named(profile, phrase), more]
    return []


def _named(profile: Profile, phrase: str) -> Sequence[_Edit]:
    return [(f"an interest “{phrase}” would bring it in", naming(profile, phrase))] if phrase else []


def _heard(trial: Trial) -> Sequence[_Edit]:
    """Without what mutes the entry."""
    profile = trial.profile
    text = next(share.text for share in trial.item.shares if share.name == "muted")
    words = tuple(one for one in profile.muted if one != text)
    topics = tuple(one for one in profile.muted_topics if one != text)
    return [
        (f"without “{text}” among what is muted it would be in", replace(profile, muted=words, muted_topics=topics))
    ]
