"""letter: a digest in words: what the templates show, as plain values, so that a template decides nothing."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.errors import RenderError
from aggregator.model import Digest, InterestCount, Section, SourceHealth
from aggregator.render.card import Card, Room, card
from aggregator.render.deadlines import Due, deadlines, left_out
from aggregator.render.words import clean, counted, days, issue, joined, moment, several
from aggregator.text import cut

_LEADS = 3
"""How many papers are shown in full."""

_MOST_INTERESTS = 20
_MOST_TROUBLES = 12
_MOST_NAMES = 25
_SUBJECT = 70
_CHARACTERS_A_MINUTE = 1200
"""Reading speed of English prose: about 230 words a minute (Brysbaert 2019)."""


@dataclass(frozen=True, slots=True)
class Glance:
    """How one interest did; `shown` and `matched` in percent of the interest that most entries matched."""

    label: str
    shown: int
    matched: int
    note: str


@dataclass(frozen=True, slots=True)
class Part:
    """A section: the papers shown in full, the other picks, and how many there was no room for."""

    title: str
    note: str
    leads: tuple[Card, ...]
    cards: tuple[Card, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source that failed ("did not answer") or answered "only in part", and its error."""

    name: str
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything the templates show, in plain text; "" and () mean nothing to say."""

    subject: str
    preheader: str
    label: str
    days: str
    headline: str
    summary: str
    alarm: str
    glances: tuple[Glance, ...]
    more_interests: str
    parts: tuple[Part, ...]
    deadlines: tuple[Due, ...]
    more_deadlines: str
    troubles: tuple[Trouble, ...]
    more_troubles: str
    gone: str
    quiet: str
    waiting: str
    profile: str
    since: str
    until: str
    zone: str
    preview: str


def letter(digest: Digest, room: Room) -> Letter:
    """The letter of a digest, as long as `room` allows. Raises RenderError if the reader's time zone is unknown."""
    profile = digest.profile
    zone = _zone(profile.timezone)
    label, when = issue(digest.period)
    parts = _parts(digest.sections, room)
    cards = [shown for part in parts for shown in (*part.leads, *part.cards)]
    troubles = [source for source in digest.sources if source.state in ("failed", "partial")]
    return Letter(
        subject=_subject(digest, cards, when),
        preheader=cut("; ".join(shown.title for shown in cards[:4]), 200) or _summary(digest, cards),
        label=label,
        days=days(digest.since, digest.until, zone),
        headline=_headline(digest, when),
        summary=_summary(digest, cards),
        alarm=_alarm(troubles),
        glances=_glances(digest.interests),
        more_interests=_more(len(digest.interests) - _MOST_INTERESTS, "interest"),
        parts=parts,
        deadlines=deadlines(digest.deadlines, digest.until, zone, links=room.links),
        more_deadlines=_more(left_out(digest.deadlines), "deadline"),
        troubles=tuple(_trouble(source) for source in troubles[:_MOST_TROUBLES]),
        more_troubles=_more(len(troubles) - _MOST_TROUBLES, "source"),
        gone=_gone(digest.sources),
        quiet=_names(digest.sources, "quiet"),
        waiting=_names(digest.sources, "waiting"),
        profile=clean(profile.name, 80),
        since=moment(digest.since, zone),
        until=moment(digest.until, zone),
        zone=profile.timezone,
        preview=f"aggregator preview {shlex.quote(clean(profile.name, 80))}",
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RenderError(f"there is no time zone {name!r}; write it like Europe/Berlin") from None


def _parts(sections: Sequence[Section], room: Room) -> tuple[Part, ...]:
    parts = []
    number = 0
    for section in sections:
        cards = []
        for place, pick in enumerate(section.picks[: room.picks]):
            limit = room.other if section.kind != "paper" else room.lead if place < _LEADS else room.paper
            cards.append(card(pick, number + place + 1, limit, links=room.links))
        leads = _LEADS if section.kind == "paper" and room.lead else 0
        left = len(section.picks) - len(cards)
        note = f"{len(section.picks):,} of {section.arrived:,}"
        parts.append(Part(section.title, note, tuple(cards[:leads]), tuple(cards[leads:]), _more(left, section.kind)))
        number += len(section.picks)
    return tuple(parts)


def _more(left: int, noun: str) -> str:
    if left <= 0:
        return ""
    return f"and 1 more {noun}" if left == 1 else f"and {left:,} more {noun}s"


def _headline(digest: Digest, when: str) -> str:
    if not digest.sections:
        nothing = "Nothing above your threshold" if digest.arrived else "Nothing new"
        return f"{nothing} {when}".strip()
    return f"{_count(digest)} worth your time"


def _count(digest: Digest) -> str:
    """Such as "14 papers", "14 papers and 2 posts", or with more kinds "14 papers and 5 more"."""
    first, *others = digest.sections
    rest = sum(len(section.picks) for section in others)
    if len(others) == 1:
        return f"{counted(len(first.picks), first.kind)} and {counted(rest, others[0].kind)}"
    return counted(len(first.picks), first.kind) + (f" and {rest:,} more" if rest else "")


def _summary(digest: Digest, cards: Sequence[Card]) -> str:
    """Such as "Out of 178 entries from 16 of 18 sources. About 6 minutes to read."; a failed source was not heard."""
    heard = sum(source.state in ("ok", "quiet", "partial") for source in digest.sources)
    sources = counted(len(digest.sources), "source")
    origin = sources if heard == len(digest.sources) else f"{heard:,} of {sources}"
    entries = "1 entry" if digest.arrived == 1 else f"{digest.arrived:,} entries"
    if not digest.arrived:
        return f"{origin} answered, none with anything new for you."
    if not cards:
        return f"{entries} came from {origin}; none reached a score of {round(100 * digest.profile.min_score)}."
    length = sum(len(shown.title) + len(shown.authors) + len(shown.text) for shown in cards)
    minutes = max(1, round(length / _CHARACTERS_A_MINUTE))
    return f"Out of {entries} that came from {origin}. About {counted(minutes, 'minute')} to read."


def _subject(digest: Digest, cards: Sequence[Card], when: str) -> str:
    """At most 70 characters that say something: the count and the leading picks, or that there is none and why."""
    if not cards:
        states = [source.state for source in digest.sources]
        failed, partial = states.count("failed"), states.count("partial")
        troubles = [f"{counted(failed, 'source')} failed"] if failed else []
        troubles += [f"{counted(partial, 'source')} answered in part"] if partial else []
        return "; ".join([_headline(digest, when), *([joined(troubles)] if troubles else [])])
    subject = f"{_count(digest)} {when}".strip() + ": "
    subject += cut(_short(cards[0].title), _SUBJECT - len(subject) - 3)
    for position, shown in enumerate(cards[1:], 2):
        longer = f"{subject}, {_short(shown.title)}"
        tail = 3 if position < len(digest.picks) else 0
        if subject.endswith("…") or len(longer) + tail > _SUBJECT:
            return subject.removesuffix("…") + "…" if subject.endswith("…") else f"{subject}, …"
        subject = longer
    return subject


def _short(title: str) -> str:
    """The name in front of a title's colon, where it has one: "SCDiar: a streaming …" is "SCDiar"."""
    name, colon, _ = title.partition(": ")
    return name if colon and 4 <= len(name) <= 45 else title


def _alarm(troubles: Sequence[SourceHealth]) -> str:
    """The line near the top that tells a broken issue from an empty one."""
    failed = [clean(source.name, 60) for source in troubles if source.state == "failed"]
    partial = [clean(source.name, 60) for source in troubles if source.state == "partial"]
    said = [f"{several(failed, 3)} did not answer"] if failed else []
    said += [f"{several(partial, 3)} answered only in part"] if partial else []
    return f"{'; '.join(said)}. What is missing here will come once they answer; details at the end." if said else ""


def _glances(counts: Sequence[InterestCount]) -> tuple[Glance, ...]:
    most = max((count.matched for count in counts), default=0)
    if not most:
        return ()
    return tuple(
        Glance(
            label=clean(count.interest, 120),
            shown=_percent(count.shown, most),
            matched=max(_percent(count.matched, most), _percent(count.shown, most)),
            note=f"{count.shown:,} of {count.matched:,} shown" if count.matched else "nothing new",
        )
        for count in counts[:_MOST_INTERESTS]
    )


def _percent(part: int, whole: int) -> int:
    """Rounded, but not down to nothing what is something."""
    return max(round(100 * part / whole), 2) if part else 0


def _trouble(source: SourceHealth) -> Trouble:
    what = "did not answer" if source.state == "failed" else "answered only in part"
    return Trouble(clean(source.name, 60), what, clean(source.text, 240))


def _gone(sources: Sequence[SourceHealth]) -> str:
    """Such as "NAME (remove it or find its new address)"; the owner has to do something, or it stays so."""
    names = _names(sources, "gone")
    one = sum(source.state == "gone" for source in sources) == 1
    return (
        f"{names} ({'remove it or find its new address' if one else 'remove them or find their new addresses'})"
        if names
        else ""
    )


def _names(sources: Sequence[SourceHealth], state: str) -> str:
    return several([clean(source.name, 60) for source in sources if source.state == state], _MOST_NAMES)
