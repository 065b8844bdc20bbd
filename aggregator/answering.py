"""answering: a reader's answer to a work, however the work is named; commands, pages and letters all come here."""

import re
from dataclasses import dataclass
from datetime import datetime

from aggregator.errors import InputError
from aggregator.model import Answer, Entry
from aggregator.store import Store
from aggregator.text import key_of, safe_link

_NUMBER = re.compile(r"#?([1-9]\d{0,3})")
_BARE_DOI = re.compile(r"10\.\d{4,9}/\S+")


@dataclass(frozen=True, slots=True)
class Noted:
    """That an answer to an entry was noted, and which one it takes the place of, if any."""

    entry: Entry
    answer: Answer
    before: Answer | None


def note(store: Store, profile: str, name: str, answer: Answer, *, now: datetime) -> Noted:
    """Note a profile's answer to the entry that `name` names; see `entry_of`. The latest answer stands."""
    entry = entry_of(store, profile, name)
    return Noted(entry, answer, store.answer(profile, entry.key, answer, now=now))


def take_back(store: Store, profile: str, name: str) -> tuple[Entry, bool]:
    """Take back a profile's answer to the entry that `name` names; the entry, and whether there was an answer."""
    entry = entry_of(store, profile, name)
    return entry, bool(store.unanswer(profile, [entry.key]))


def entry_of(store: Store, profile: str, name: str) -> Entry:
    """The entry with this key, arXiv id, DOI or link, or the pick with this number in the profile's last digest.

    Raises InputError if there is none.
    """
    name = "".join(char for char in name if char.isprintable()).strip()
    if number := _NUMBER.fullmatch(name):
        entry = store.pick(profile, int(number[1]))
        lacking = f"the last digest of {profile} has no pick number {number[1]}"
    else:
        doi = _BARE_DOI.fullmatch(name)
        link = safe_link(name)
        entry = store.found([name, key_of(f"doi:{name}" if doi else name)], [link] if link else [])
        lacking = f"no entry is known as {name[:200]!r}"
    if entry is None:
        raise InputError(
            f"{lacking}; write an arXiv id, a DOI, a link, or the number in the last digest "
            "(`aggregator search` finds entries)"
        )
    return entry
