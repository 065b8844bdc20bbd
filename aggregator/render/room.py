"""room: how much a letter says of each pick: its format, and less of it where it must be shorter."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from aggregator.model import Format
from aggregator.render.deadlines import MOST

_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Room:
    """What a letter has room for.

    Characters of text per leading paper, other paper, other work; picks in a section, sections, whether there are
    links beside the titles; how many interests, deadlines and broken sources are told, and how many names in a row;
    whether picks are cards or lines; characters of a title.
    """

    lead: int
    paper: int
    other: int
    picks: int = _ALL
    sections: int = _ALL
    links: bool = True
    interests: int = 20
    dues: int = MOST
    troubles: int = 12
    names: int = 25
    look: Literal["card", "line"] = "card"
    title: int = 300


_FORMATS: dict[Format, Room] = {
    "full": Room(620, 440, 240),
    "compact": Room(620, 0, 0),
    "headlines": Room(0, 0, 0, look="line"),
}

_LINES = Room(0, 0, 0, links=False, look="line")
_SHORTER = (
    Room(460, 300, 200),
    Room(460, 220, 160),
    Room(340, 150, 120),
    Room(340, 150, 120, links=False),
    Room(340, 0, 0, links=False),
    *(replace(_LINES, picks=picks) for picks in (_ALL, 100, 60, 30, 15, 8)),
    *(
        replace(_LINES, picks=picks, sections=sections, interests=most, dues=most, troubles=3, names=8, title=150)
        for picks, sections, most in ((6, 20, 6), (4, 12, 6), (3, 8, 3), (2, 6, 0), (1, 4, 0))
    ),
    replace(_LINES, picks=1, sections=1, interests=0, dues=0, troubles=1, names=2, title=80),
)
"""From shorter abstracts over fewer links and bare headlines to "and 37 more"."""


@cache
def rooms(kind: Format) -> tuple[Room, ...]:
    """The rooms of a format: first as it is meant to be, then each smaller than the one before."""
    first = _FORMATS[kind]
    shorter = (
        replace(
            room,
            lead=min(room.lead, first.lead),
            paper=min(room.paper, first.paper),
            other=min(room.other, first.other),
            look="line" if "line" in (room.look, first.look) else "card",
        )
        for room in _SHORTER
    )
    return (first, *dict.fromkeys(shorter))
