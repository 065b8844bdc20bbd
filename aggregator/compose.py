"""compose: what a digest says: sections, threshold, number; nothing when nothing is worth it."""

from collections.abc import Sequence
from datetime import datetime

from aggregator.model import ABOUT, KINDS, Digest, Entry, InterestCount, Profile, Ranked, Section, SourceHealth


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

    `ranked` is best first over all kinds. Papers come first, then the other kinds in the order of `model.KINDS`.
    A post, thread or video about one paper that is picked is told on that paper's card. Without a pick there is a
    digest only if the profile wants empty ones, or if a source failed or answered only in part: a broken week must not
    look like an empty one.
    """
    worthy = [item for item in ranked if item.score >= profile.min_score]
    picks = _pick_works(worthy, profile.max_entries)
    broken = any(source.state in ("failed", "partial") for source in sources)
    if not picks and not profile.send_empty and not broken:
        return None
    return Digest(
        profile=profile,
        period=period,
        since=since,
        until=until,
        sections=_sections(picks, ranked),
        interests=_interests(profile, picks, worthy),
        arrived=len(ranked),
        sources=tuple(sources),
        deadlines=tuple(deadlines),
    )


def _pick_works(worthy: Sequence[Ranked], most: int) -> list[Ranked]:
    """As `_pick`, and never a paper and, beside it, what is about that paper only."""
    picks = _pick(worthy, most)
    while True:
        papers = {name for item in picks for name in (item.entry.key, *item.entry.aliases)}
        told = {id(item) for item in worthy if _is_about(item.entry, papers)}
        if not any(id(item) in told for item in picks):
            return picks
        worthy = [item for item in worthy if id(item) not in told]
        picks = _pick(worthy, most)


def _is_about(entry: Entry, papers: set[str]) -> bool:
    return entry.kind in ABOUT and len(entry.mentions) == 1 and entry.mentions[0] in papers


def _pick(worthy: Sequence[Ranked], most: int) -> list[Ranked]:
    """At most `most`, best first; other kinds than papers get a quarter of the places, what one leaves the other gets.

    A quarter is at least three places where there are six or more, so that a short digest still has a post in it.
    """
    share = max(most // 4, 3 if most >= 6 else 0)
    papers = [item for item in worthy if item.entry.kind == "paper"]
    others = [item for item in worthy if item.entry.kind != "paper"]
    places = max(most - share, most - len(others))
    papers = papers[: max(places, 0)]
    chosen = {id(item) for item in (*papers, *others[: max(most - len(papers), 0)])}
    return [item for item in worthy if id(item) in chosen]


def _sections(picks: Sequence[Ranked], ranked: Sequence[Ranked]) -> tuple[Section, ...]:
    sections = []
    for kind in KINDS:
        chosen = tuple(item for item in picks if item.entry.kind == kind)
        if chosen:
            arrived = sum(item.entry.kind == kind for item in ranked)
            sections.append(Section(f"{kind.capitalize()}s", kind, chosen, arrived))
    return tuple(sections)


def _interests(profile: Profile, picks: Sequence[Ranked], worthy: Sequence[Ranked]) -> tuple[InterestCount, ...]:
    shown = [_interest(item) for item in picks]
    matched = [_interest(item) for item in worthy]
    return tuple(InterestCount(text, shown.count(text), matched.count(text)) for text in profile.interests)


def _interest(item: Ranked) -> str | None:
    """The interest that is the best reason of an entry; None if its best reason is of another kind."""
    best = item.reasons[0] if item.reasons else None
    return best.text if best and best.kind == "interest" else None
