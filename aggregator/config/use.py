"""use: [[source]] tables that name a channel or a pack of the catalogue instead of saying all themselves.

use = "assemblyai-blog"     # one channel; further keys of the table stand before what the catalogue says
use = "pack:asr-starter"    # all channels of a pack, but for those that are sources already
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator import text
from aggregator.catalogue import Channel, catalogue
from aggregator.config.explain import MistakesError, Problem, hint, table
from aggregator.config.locate import KeyPath
from aggregator.errors import InputError
from aggregator.sources import Source, kinds

_PACK = "pack:"
_FOR_PACKS = frozenset({"use", "every_hours"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as a whole table, and where it was asked for. `from_pack`: it gives way to one that is there already."""

    values: Mapping[str, Any]
    path: KeyPath
    from_pack: bool = False


def expand(values: Mapping[str, Any], path: KeyPath) -> list[Wanted]:
    """What a [[source]] table at `path` stands for: itself, one channel, or a pack. Raises MistakesError."""
    if "use" not in values:
        return [Wanted(values, path)]
    use = values["use"]
    if not isinstance(use, str):
        raise _mistake(path, "use", 'must be the name of a channel, or "pack:" and the name of a pack')
    if "kind" in values:
        raise _mistake(path, "kind", "does not go with use, since the catalogue says it; leave out one of them")
    own = {name: value for name, value in values.items() if name != "use"}
    try:
        if not use.startswith(_PACK):
            known = as_table(catalogue().channel(use))
            title = {"title": ""} if "name" in own else {}  # who gives it a name of their own wants to see that
            return [Wanted({**known, **title, **own}, path)]
        channels = catalogue().pack(use.removeprefix(_PACK))
    except InputError as error:
        raise _mistake(path, "use", str(error)) from None
    for name in values:
        if name not in _FOR_PACKS:
            raise _mistake(path, name, "says nothing for a whole pack; beside use there can only be every_hours")
    return [Wanted({**as_table(channel), **own}, path, from_pack=True) for channel in channels]


def as_table(channel: Channel) -> dict[str, Any]:
    """The whole [[source]] table of a channel. Raises InputError, with the way in, if it cannot be followed."""
    if not channel.kind:
        instead = f" (in the catalogue: {', '.join(channel.instead)})" if channel.instead else ""
        raise InputError(f"{channel.name!r} cannot be a source: {channel.reason}; {channel.way_in}{instead}")
    return {"kind": channel.kind, "name": channel.name, "title": channel.title, **channel.options}


def source_of(values: Mapping[str, Any], path: KeyPath = ()) -> Source:
    """A whole [[source]] table as the source of its kind. Raises MistakesError."""
    known = kinds()
    given = values.get("kind")
    if given is None:
        raise _mistake(path, "kind", f"is missing; it is one of {', '.join(known)}")
    if not isinstance(given, str) or given not in known:
        near = hint(given, known) if isinstance(given, str) else ""
        raise _mistake(path, "kind", f"there is no kind {given!r}{near}; there are: {', '.join(known)}")
    source = table(known[given], {name: value for name, value in values.items() if name != "kind"}, path)
    if not source.name.strip():
        raise _mistake(path, "name", "must not be empty")
    return source


def distinct(made: Iterable[tuple[Wanted, Source]]) -> list[Source]:
    """The sources, in order, without those of packs that are there already: by name, or asking the same of the same."""
    pairs = list(made)
    taken = {mark for wanted, source in pairs if not wanted.from_pack for mark in marks(source)}
    kept = []
    for wanted, source in pairs:
        if wanted.from_pack:
            if taken & marks(source):
                continue
            taken |= marks(source)
        kept.append(source)
    return kept


def marks(source: Source) -> frozenset[str]:
    """What makes two sources the same: the name, the kind with its options, and a feed's address however spelt."""
    address = getattr(source, "address", "")
    return frozenset(filter(None, (f"name {source.name}", f"is {source.fingerprint}", address and _at(address))))


def _at(address: str) -> str:
    return f"at {text.canonical(address)}"


def _mistake(path: KeyPath, key: str, words: str) -> MistakesError:
    return MistakesError([Problem((*path, key), words)])
