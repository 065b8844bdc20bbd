"""people: the authors that are followed, by the names under which they write.

One name is written in many ways: accents, hyphens and spaces inside the given name are no difference, so that
"Yuan-Bo Fang" is "Yuanbo Fang". Initials are: "Y. Fang" is many people, and counts as "Yuanbo Fang" only where it is a
variant that the reader wrote down, or the entry names the affiliation. So does a middle name more or less.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Entry, Follow
from aggregator.rank.texts import Texts, whole_words

_BETWEEN = "\n"


def names_of(entry: Entry) -> str:
    """The authors of an entry as one text to be searched, a line each, and the ORCIDs if its source knows them."""
    known = str(entry.signals.get("orcid", "")).split()
    return _BETWEEN.join(["", *map(_plain, entry.authors), *known, ""])


def by(follow: Follow, authors: Texts, texts: Texts) -> NDArray[np.bool_]:
    """Which entries are by the one followed; shape (n,). `authors` are `names_of` each entry, `texts` all it says."""
    sure = [_plain(name) for name in (follow.name, *follow.variants)] + [follow.orcid.casefold()]
    found = authors.having(_lines(sure))
    loose = _loose(follow.name)
    if follow.affiliation and loose:
        found |= authors.having(re.compile(loose, re.MULTILINE)) & texts.having(whole_words([follow.affiliation]))
    return found


def _lines(names: Sequence[str]) -> re.Pattern[str] | None:
    wanted = [re.escape(name) for name in names if name]
    return re.compile(rf"^(?:{'|'.join(wanted)})$", re.MULTILINE) if wanted else None


def _loose(name: str) -> str:
    """A pattern of the lines that may be the same person: the family name after initials, or after the first name."""
    given, _, family = _plain(name).rpartition(" ")
    first = _plain(name.rpartition(",")[2].split()[0]) if given else ""
    return rf"^(?:{re.escape(given[0])}\w?|{re.escape(first)}\w*) {re.escape(family)}$" if first else ""


def _plain(name: str) -> str:
    """'Fang, Yuan-Bo' and 'Yuánbo Fang' as 'yuanbo fang': the given names run together, then the family name."""
    family, comma, given = name.partition(",")
    whole = f"{given} {family}" if comma else name
    letters = unicodedata.normalize("NFKD", whole.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[^\w\s]", "", bare.replace(".", " ")).split()
    return " ".join(["".join(words[:-1]), *words[-1:]]).strip()
