"""catalogue: the channels that people follow, with their addresses, and what to do about those that have none.

    found = catalogue().channel("assemblyai-blog")      # its kind and options are those of a [[source]] table
    starter = catalogue().pack("asr-starter")           # its channels, in order

index.toml     the groups, packs and topics
channels/      one file per group
table.py       the table of every channel that the guides name, in Markdown
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from aggregator.errors import InputError

State: TypeAlias = Literal["proven", "unproven", "dead", "closed"]
"""proven: somebody saw the very address answer, as `evidence` says. unproven: nobody did, or the address is not known.
dead: it is gone. closed: there is no feed and no open API."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel. With a `kind` it can be followed: `options` are those of that kind of source.

    Without one, `reason` says why not, `way_in` what to do, and `instead` names channels that bring the same news.
    `pages` are web addresses that it is known by, without "https://www."; `seeds` is what the guides call it, by the
    name of the guide.
    """

    name: str
    title: str
    group: str
    state: State
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    evidence: str = ""
    reason: str = ""
    way_in: str = ""
    instead: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    seeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """A group or a pack: its name, and what it is in words."""

    name: str
    title: str


@dataclass(frozen=True)
class Catalogue:
    """All channels in the order of their groups; names are unique."""

    groups: tuple[Named, ...]
    packs: tuple[Named, ...]
    topics: tuple[str, ...]
    channels: tuple[Channel, ...]

    def channel(self, name: str) -> Channel:
        """The channel of this name. Raises InputError with the nearest one."""
        found = next((channel for channel in self.channels if channel.name == name), None)
        if found:
            return found
        raise InputError(
            f"there is no channel {name!r} in the catalogue{_hint(name, [one.name for one in self.channels])}"
            "; `aggregator sources` lists them"
        )

    def pack(self, name: str) -> tuple[Channel, ...]:
        """The channels of a pack, in order. Raises InputError with the nearest one."""
        names = [pack.name for pack in self.packs]
        if name not in names:
            raise InputError(
                f"there is no pack {name!r} in the catalogue{_hint(name, names)}; there are: {', '.join(names)}"
            )
        return tuple(channel for channel in self.channels if name in channel.packs)

    def about(self, topic: str) -> tuple[Channel, ...]:
        """The channels on a topic, in order. Raises InputError with the nearest one."""
        if topic not in self.topics:
            raise InputError(
                f"there is no topic {topic!r} in the catalogue{_hint(topic, self.topics)}; "
                f"there are: {', '.join(self.topics)}"
            )
        return tuple(channel for channel in self.channels if topic in channel.topics)


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with the program."""
    index = _read(_HERE / "index.toml")
    groups, packs = (tuple(Named(**one) for one in index[name]) for name in ("group", "pack"))
    rows = [
        _channel(row, group.name)
        for group in groups
        for row in _read(_HERE / "channels" / f"{group.name}.toml")["channel"]
    ]
    return Catalogue(groups, packs, tuple(index["topics"]), tuple(rows))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _channel(row: dict[str, Any], group: str) -> Channel:
    listed = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    seeds = {guide: tuple(names) for guide, names in row.get("seeds", {}).items()}
    return Channel(**{**row, **listed, "group": group, "seeds": seeds})


def _hint(word: str, known: Collection[str]) -> str:
    """Such as " (did you mean `assemblyai-blog`?)": the most like it, or one that begins with it, or ""."""
    folded = word.casefold()
    begun = [name for name in known if name.startswith(f"{folded}-")]
    close = get_close_matches(folded, known, 1, 0.6) or begun[:1]
    return f" (did you mean `{close[0]}`?)" if close else ""
