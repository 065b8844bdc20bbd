"""letter: a digest in words: what the templates show, as plain values, so that a template decides nothing."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.errors import RenderError
from aggregator.model import Digest, InterestCount, SourceHealth
from aggregator.render.deadlines import Due, deadlines, left_out
from aggregator.render.headline import alarm, headline, preheader, subject, summary
from aggregator.render.parts import Part, parts, unseen
from aggregator.render.room import Room
from aggregator.render.words import clean, days, label, locale, moment, several, shortened, span


@dataclass(frozen=True, slots=True)
class Glance:
    """How one interest did; `shown` and `matched` in percent of the interest that most entries matched."""

    label: str
    shown: int
    matched: int
    note: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source that failed ("did not answer") or answered "only in part", and its error."""

    name: str
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything the templates show, in plain text; "", 0 and () mean nothing to say.

    `left` counts the picks in parts that there was no room for. `language` and `direction` are those of the dates.
    """

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
    left: int
    deadlines: tuple[Due, ...]
    more_deadlines: str
    troubles: tuple[Trouble, ...]
    more_troubles: str
    gone: str
    quiet: str
    waiting: str
    profile: str
    schedule: str
    since: str
    until: str
    zone: str
    threshold: int
    language: str
    direction: str
    preview: str

    @property
    def scored(self) -> bool:
        """Whether it shows scores."""
        return any(part.look in ("lead", "card") for part in self.parts)

    @property
    def marked(self) -> bool:
        """Whether it marks a sentence."""
        cards = [card for part in self.parts for card in part.cards]
        return any(card.matched or any(passage.telling for passage in card.passages) for card in cards)


def letter(digest: Digest, room: Room) -> Letter:
    """The letter of a digest, as long as `room` allows. Raises RenderError if the reader's time zone is unknown."""
    profile, sources = digest.profile, digest.sources
    zone, tongue = _zone(profile.timezone), locale(profile.language)
    when = span(digest.period, digest.since, digest.until, zone)
    glances = _glances(digest.interests, room.interests)
    dues = deadlines(digest.deadlines, digest.until, zone, tongue, most=room.dues, links=room.links)
    more_dues = _more(left_out(digest.deadlines, room.dues), "deadline")
    shown = parts(digest, room, tongue, {"glance": bool(glances), "deadlines": bool(dues or more_dues)})
    said = summary(digest, shown)
    troubles = [source for source in sources if source.state in ("failed", "partial")]
    return Letter(
        subject=subject(digest, shown, when),
        preheader=preheader(digest, shown, when),
        label=label(digest.period, digest.since, digest.until, zone, tongue),
        days=days(digest.since, digest.until, zone, tongue),
        headline=headline(digest, when),
        summary=said,
        alarm=alarm(troubles),
        glances=glances,
        more_interests=_more(len(digest.interests) - len(glances), "interest") if glances else "",
        parts=shown,
        left=unseen(digest, shown),
        deadlines=dues,
        more_deadlines=more_dues,
        troubles=tuple(map(_trouble, troubles[: room.troubles])),
        more_troubles=_more(len(troubles) - room.troubles, "source"),
        gone=_gone(sources, room.names),
        quiet=_names(sources, "quiet", room.names),
        waiting=_names(sources, "waiting", room.names),
        profile=clean(profile.name, 80),
        schedule=clean(profile.schedule, 80),
        since=moment(digest.since, zone, tongue),
        until=moment(digest.until, zone, tongue),
        zone=profile.timezone,
        threshold=round(100 * profile.min_score),
        language=str(tongue.language),
        direction=tongue.text_direction,
        preview=_preview(digest),
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RenderError(f"there is no time zone {name!r}; write it like Europe/Berlin") from None


def _preview(digest: Digest) -> str:
    """The command that writes the same days as a page, whole."""
    reach = min(max(1, math.ceil((digest.until - digest.since) / timedelta(days=1))), 366)
    name = clean(digest.profile.name, 400)
    dash = "-- " if name.startswith("-") else ""  # else it would be taken for an option
    return f"aggregator preview {f'--days {reach} ' if reach != 7 else ''}{dash}{shlex.quote(name)}"


def _more(left: int, noun: str) -> str:
    if left <= 0:
        return ""
    return f"and 1 more {noun}" if left == 1 else f"and {left:,} more {noun}s"


def _glances(counts: Sequence[InterestCount], room: int) -> tuple[Glance, ...]:
    most = max((count.matched for count in counts), default=0)
    if not most:
        return ()
    said = [f"{count.shown:,} of {count.matched:,}" if count.matched else "nothing new" for count in counts]
    first = next(place for place, count in enumerate(counts) if count.matched)
    said[first] += " shown"
    return tuple(
        Glance(
            label=shortened(count.interest, 120),
            shown=_percent(count.shown, most),
            matched=max(_percent(count.matched, most), _percent(count.shown, most)),
            note=note,
        )
        for count, note in zip(counts[:room], said, strict=False)
    )


def _percent(part: int, whole: int) -> int:
    """Rounded, but not down to nothing what is something."""
    return max(round(100 * part / whole), 2) if part else 0


def _trouble(source: SourceHealth) -> Trouble:
    what = "did not answer" if source.state == "failed" else "answered only in part"
    return Trouble(clean(source.name, 60), what, clean(source.text, 240))


def _gone(sources: Sequence[SourceHealth], room: int) -> str:
    """Such as "NAME (remove it or find its new address)"; the owner has to do something, or it stays so."""
    names = _names(sources, "gone", room)
    one = sum(source.state == "gone" for source in sources) == 1
    todo = "remove it or find its new address" if one else "remove them or find their new addresses"
    return f"{names} ({todo})" if names else ""


def _names(sources: Sequence[SourceHealth], state: str, room: int) -> str:
    return several([clean(source.name, 60) for source in sources if source.state == state], room)
