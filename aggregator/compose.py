"""compose: what a digest says: sections, threshold, number; nothing when nothing is worth it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.model import ABOUT, Digest, Entry, InterestCount, Kind, Part, Profile, Ranked, Section, SourceHealth

TOP = 3
"""How many papers stand at the top."""

ALSO = 10
"""How many further works get a line each."""

_PARTS: Mapping[Kind, Part] = {
    "paper": "interests", "post": "posts", "thread": "posts", "release": "releases", "video": "videos",
    "episode": "videos", "model": "models", "event": "deadlines",
}  # fmt: skip
"""Where the picks of each kind stand; papers also at the top."""

_PLACES = {*_PARTS.values(), "top"} - {"deadlines"}
"""The parts that make a letter."""

_OTHERS = "Further papers"


def compose(
    profile: Profile,
    ranked: Sequence[Ranked],
    *,
    period: str,
    since: datetime,
    until: datetime,
    sources: Sequence[SourceHealth],
    deadlines: Sequence[Entry] = (),
) -> Digest | None:
    """The digest of what reaches the profile's threshold, or None when there is nothing to say.

    `ranked` is best first over all kinds. The sections stand in the order of the profile's, and what has no place in
    one of those is not picked: the leading papers at the top, the others by their interest, the other kinds by kind,
    and under "also" the best of what `max_entries` left no place for. A post, thread or video about one paper that is
    picked is told on that paper's card. Without a pick there is a digest only if the profile wants empty ones, or
    nothing but deadlines, or if a source failed or answered in part: a broken week must not look like an empty one.
    """
    reached = [item for item in ranked if item.score >= profile.min_score or _is_surprise(item)]
    worthy = [item for item in reached if has_place(item.entry.kind, profile)]
    choice = _choose(worthy, profile)
    sections = tuple(section for part in dict.fromkeys(profile.sections) for section in choice.sections(part, profile))
    broken = any(source.state in ("failed", "partial") for source in sources)
    awaited = bool(deadlines) and "deadlines" in profile.sections and not _PLACES & {*profile.sections}
    if not (sections or profile.send_empty or broken or awaited):
        return None
    return Digest(
        profile=profile,
        period=period,
        since=since,
        until=until,
        sections=sections,
        interests=_interests(profile, sections, choice.worthy),
        arrived=len(ranked),
        sources=tuple(sources),
        deadlines=tuple(deadlines),
        reached=len(reached),
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """What was chosen out of `worthy`, all best first: papers for the top, picks, and what is left."""

    worthy: Sequence[Ranked]
    top: Sequence[Ranked]
    picks: Sequence[Ranked]
    left: Sequence[Ranked]

    def sections(self, part: Part, profile: Profile) -> Iterable[Section]:
        """The sections of a part, none of them empty."""
        if part == "top":
            return _section("Top picks", self.top, self.of("interests"), part)
        if part == "also":
            return _section("Also seen", self.left[:ALSO], self.left, part)
        if part == "interests":
            return [one for title in (*_titles(profile), "") for one in self.interest(title, profile)]
        kinds = [kind for kind, place in _PARTS.items() if place == part]
        chosen = [item for item in self.picks if item.entry.kind in kinds]
        shown = [f"{kind}s" for kind in kinds if any(item.entry.kind == kind for item in chosen)]
        return _section(" and ".join(shown).capitalize(), chosen, self.of(part), part)

    def interest(self, title: str, profile: Profile) -> Iterable[Section]:
        """The section of the interests under a title; "" of the papers that are there for another reason."""
        found = [item for item in self.of("interests") if _interest(item, profile) == title]
        kept = {id(item) for item in self.picks}
        return _section(title or _OTHERS, [item for item in found if id(item) in kept], found, "interests")

    def of(self, part: Part) -> list[Ranked]:
        """What belongs to a part by its kind, picked or not."""
        return [item for item in self.worthy if _PARTS[item.entry.kind] == part]


def _section(title: str, picks: Sequence[Ranked], found: Sequence[Ranked], part: Part) -> Iterable[Section]:
    return [Section(title, picks[0].entry.kind, tuple(picks), len(found), part)] if picks else ()


def _is_surprise(item: Ranked) -> bool:
    """Whether it was chosen from beyond the interests."""
    return any(reason.kind == "surprise" for reason in item.reasons[:1])


def has_place(kind: Kind, profile: Profile) -> bool:
    """Whether the profile's letter has a part where entries of that kind stand."""
    return _PARTS[kind] in profile.sections or (kind == "paper" and "top" in profile.sections)


def _choose(worthy: Sequence[Ranked], profile: Profile) -> _Choice:
    """As `_pick`, and never a paper and, beside it, what is about that paper only."""
    while True:
        picks = _pick(worthy, profile)
        papers = {name for item in picks for name in (item.entry.key, *item.entry.aliases)}
        told = {id(item) for item in worthy if is_about(item.entry, papers)}
        if not any(id(item) in told for item in picks):
            break
        worthy = [item for item in worthy if id(item) not in told]
    top = [item for item in picks if item.entry.kind == "paper"][: TOP if "top" in profile.sections else 0]
    gone, first = {id(item) for item in picks}, {id(item) for item in top}
    worthy = [item for item in worthy if id(item) not in told]
    left = [item for item in worthy if id(item) not in gone]
    return _Choice(worthy, top, [item for item in picks if id(item) not in first], left)


def is_about(entry: Entry, papers: set[str]) -> bool:
    """Whether an entry is about a single paper, which is known under one of these names: told on that paper's card."""
    return entry.kind in ABOUT and len(entry.mentions) == 1 and entry.mentions[0] in papers


def _pick(worthy: Sequence[Ranked], profile: Profile) -> list[Ranked]:
    """At most `max_entries`, best first; other kinds than papers get a quarter, what one leaves the other gets.

    A quarter is at least three places where there are six or more, so that a short digest still has a post in it.
    """
    most = profile.max_entries
    share = max(most // 4, 3 if most >= 6 else 0)
    papers = [item for item in worthy if item.entry.kind == "paper"]
    others = [item for item in worthy if item.entry.kind != "paper"]
    places = max(most - share, most - len(others), 0)
    papers = papers[: places if "interests" in profile.sections else min(places, TOP)]
    chosen = {id(item) for item in (*papers, *others[: max(most - len(papers), 0)])}
    return [item for item in worthy if id(item) in chosen]


def _interests(profile: Profile, sections: Sequence[Section], worthy: Sequence[Ranked]) -> tuple[InterestCount, ...]:
    shown = [_interest(item, profile) for section in sections for item in section.picks]
    matched = [_interest(item, profile) for item in worthy]
    return tuple(InterestCount(text, shown.count(text), matched.count(text)) for text in _titles(profile))


def _titles(profile: Profile) -> list[str]:
    """The titles of the interests, in their order: the text itself or its heading; several may be under one."""
    return list(dict.fromkeys(profile.headings.get(text, text) for text in profile.interests))


def _interest(item: Ranked, profile: Profile) -> str:
    """The title of the interest that is an entry's best reason; "" if its best reason is of another kind."""
    best = item.reasons[0] if item.reasons else None
    known = best and best.kind == "interest" and best.text in profile.interests
    return profile.headings.get(best.text, best.text) if best and known else ""
