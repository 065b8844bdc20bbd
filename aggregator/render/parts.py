"""parts: the picks of a digest as the parts of its letter, in the order that the reader chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from babel import Locale

from aggregator import model
from aggregator.model import Digest, Profile, Section
from aggregator.render.card import Card, card
from aggregator.render.room import Room
from aggregator.render.words import clean, shortened

_TITLE = 52
_TITLES: dict[model.Part, str] = {"glance": "At a glance", "deadlines": "Deadlines"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a letter.

    `look` says what it shows: the bars of the week at a "glance", its `cards` as "lead", "card" or "line", or the box
    of "deadlines". `note` is such as "3 of 27"; `left` how many picks there was no room for.
    """

    name: model.Part
    look: Literal["glance", "lead", "card", "line", "deadlines"]
    title: str
    note: str = ""
    cards: tuple[Card, ...] = ()
    left: int = 0


def parts(digest: Digest, room: Room, tongue: Locale, boxes: Mapping[model.Part, bool]) -> tuple[Part, ...]:
    """The parts that have something to say; `boxes` tells whether the glance and the deadlines do."""
    made: list[Part] = []
    number = 1
    for name in dict.fromkeys(digest.profile.sections):
        if name == "glance" and boxes[name]:
            made.append(Part(name=name, look="glance", title=_TITLES[name]))
        for section in digest.sections:
            if section.part == name and sum(part.note != "" for part in made) < room.sections:
                made.append(_part(section, digest.profile, number, room, tongue))
                number += len(section.picks) if section.part != "also" else 0
        if name == "deadlines" and boxes[name]:
            made.append(Part(name=name, look="deadlines", title=_TITLES[name]))
    return tuple(made)


def unseen(digest: Digest, shown: Sequence[Part]) -> int:
    """How many picks stand in sections that there was no room for."""
    return len(digest.picks) - sum(len(part.cards) + part.left for part in shown)


def _part(section: Section, profile: Profile, number: int, room: Room, tongue: Locale) -> Part:
    counted = section.part != "also"
    look = _look(section, room)
    beside = replace(room, links=room.links and look != "line")
    known = _known(section, profile)
    cards = tuple(
        card(
            pick,
            number + place if counted else 0,
            beside,
            _limit(section, room),
            tongue,
            known=known,
            short=section.part != "top",
        )
        for place, pick in enumerate(section.picks[: room.picks])
    )
    return Part(
        name=section.part,
        look=look,
        title=shortened(section.title, _TITLE) if section.part == "interests" else clean(section.title, 80),
        note=f"{len(section.picks):,} of {section.matched:,}",
        cards=cards,
        left=len(section.picks) - len(cards),
    )


def _known(section: Section, profile: Profile) -> str:
    """The interest that the title of its section tells already: the one under it, if there is but one."""
    if section.part != "interests":
        return ""
    under = [text for text in profile.interests if profile.headings.get(text, text) == section.title]
    return under[0] if len(set(under)) == 1 else ""


def _look(section: Section, room: Room) -> Literal["lead", "card", "line"]:
    if section.part == "also" or room.look == "line":
        return "line"
    return "lead" if section.part == "top" else "card"


def _limit(section: Section, room: Room) -> int:
    """Characters of text a pick."""
    limits = {"top": room.lead, "interests": room.paper, "also": 0}
    return limits.get(section.part, room.other)
