"""names: what a user writes for a venue or an author, and the OpenAlex filters it stands for.

Venues with DOIs of their own are found by the beginning of these: OpenAlex often leaves the proceedings of a year
without a source, but always has the DOI. The others are looked up by name among OpenAlex's sources, since their ids
could not be verified when this was written and differ by year.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Venue:
    """How to find one venue: beginnings of DOIs, where "{year}" stands for each year; or the words to look up.

    `names` are what its sources are called, as `plain_name` has them.
    """

    prefixes: tuple[str, ...] = ()
    search: str = ""
    names: frozenset[str] = frozenset()


VENUES = {
    "Interspeech": Venue(prefixes=("10.21437/interspeech",)),
    "ICASSP": Venue(prefixes=("10.1109/icassp",)),
    "ASRU": Venue(prefixes=("10.1109/asru",)),
    "SLT": Venue(prefixes=("10.1109/slt",)),
    "WASPAA": Venue(prefixes=("10.1109/waspaa",)),
    "TASLP": Venue(prefixes=("10.1109/taslp",)),  # "taslpro" since 2025
    "ACL": Venue(prefixes=("10.18653/v1/{year}.acl-",)),
    "EMNLP": Venue(prefixes=("10.18653/v1/{year}.emnlp-",)),
    "ISMIR": Venue(
        search="music information retrieval",
        names=frozenset({
            "ismir", "international society for music information retrieval conference",
            "international conference on music information retrieval",
            "international symposium/conference on music information retrieval",
            "conference of the international society for music information retrieval",
        }),
    ),
    "DCASE": Venue(
        search="acoustic scenes and events",
        names=frozenset({
            "dcase", "detection and classification of acoustic scenes and events",
            "detection and classification of acoustic scenes and events workshop",
            "workshop on detection and classification of acoustic scenes and events",
        }),
    ),
    "NeurIPS": Venue(
        search="neural information processing systems",
        names=frozenset({
            "neurips", "nips", "neural information processing systems",
            "advances in neural information processing systems", "conference on neural information processing systems",
        }),
    ),
    "ICML": Venue(
        search="international conference on machine learning",
        names=frozenset({"icml", "international conference on machine learning"}),
    ),
    "ICLR": Venue(
        search="international conference on learning representations",
        names=frozenset({"iclr", "international conference on learning representations"}),
    ),
}  # fmt: skip

_MAX_OR = 50
_ALSO = {"nips": "NeurIPS", "ieee/acm taslp": "TASLP", "taslpro": "TASLP", "ieee taslp": "TASLP"}
_SOURCE = re.compile(r"(?:https://openalex\.org/)?(S\d{3,12})", re.IGNORECASE)
_ISSN = re.compile(r"\d{4}-\d{3}[\dX]")
_AUTHOR = re.compile(r"(?:https://openalex\.org/)?(A\d{3,12})", re.IGNORECASE)
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])", re.IGNORECASE)
_NOISE = re.compile(
    r"\([^)]*\)|\b(?:19|20)\d\d\b|\b\d{1,3}(?:st|nd|rd|th)?\b|\bproceedings of(?: the)?\b|\bannual\b|\bieee\b|^the\b"
    r"|[-–:,]+\s*$",
    re.IGNORECASE,
)


def venue(given: str) -> str:
    """A venue as the rest of this kind knows it: a name of VENUES, "S…" or an ISSN. Raises ValueError with a hint."""
    given = given.strip()
    known = {name.lower(): name for name in VENUES} | _ALSO
    if found := known.get(given.lower()):
        return found
    if match := _SOURCE.fullmatch(given):
        return match[1].upper()
    if _ISSN.fullmatch(given.upper()):
        return given.upper()
    near = get_close_matches(given.lower(), list(known), n=1, cutoff=0.6)
    hint = f"did you mean {known[near[0]]!r}?" if near else f"known are {', '.join(VENUES)}"
    raise ValueError(f"{given!r} is no known venue; {hint} (any other goes by its OpenAlex id (S…) or its ISSN)")


def author(given: str) -> str:
    """An author's OpenAlex id, "A…", or ORCID, "0000-…". Raises ValueError, as for an ORCID with a wrong digit."""
    given = given.strip()
    if match := _AUTHOR.fullmatch(given):
        return match[1].upper()
    match = _ORCID.fullmatch(given)
    if match is None:
        raise ValueError(f"{given!r} is no author: write an OpenAlex id (A5023888391) or an ORCID (0000-0002-…)")
    orcid = match[1].upper()
    if orcid[-1] != check_digit(orcid[:-1]):
        raise ValueError(f"{given!r} is no ORCID: its last digit does not fit the others; look for a slip of the pen")
    return orcid


def check_digit(orcid: str) -> str:
    """The last character of an ORCID, from those before it: ISO 7064 MOD 11-2."""
    total = 0
    for digit in orcid.replace("-", ""):
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


def plain_name(source: str) -> str:
    """A source's name without what differs from year to year, in lower case."""
    return " ".join(_NOISE.sub(" ", source).split()).strip(" -–:,").lower()


def venue_filters(name: str, ids: Mapping[str, list[str]], years: list[int]) -> list[str]:
    """The filters that give the works of a venue in these years, each a question of its own.

    `ids` are the sources of those venues that are looked up; one that has none gives no filter.
    """
    if name not in VENUES:
        return [f"locations.source.{'id' if name.startswith('S') else 'issn'}:{name}"]
    if VENUES[name].search:
        return [f"locations.source.id:{'|'.join(ids[name])}"] if ids.get(name) else []
    found = (prefix.format(year=year) for prefix in VENUES[name].prefixes for year in years)
    return [f"doi_starts_with:{prefix}" for prefix in dict.fromkeys(found)]


def author_filters(authors: Iterable[str]) -> list[str]:
    """The filters that give the works of authors, 50 at a time."""
    authors = list(dict.fromkeys(authors))
    by_kind = {"id": [a for a in authors if a[0] == "A"], "orcid": [a for a in authors if a[0] != "A"]}
    return [
        f"authorships.author.{kind}:{'|'.join(some[start : start + _MAX_OR])}"
        for kind, some in by_kind.items()
        for start in range(0, len(some), _MAX_OR)
    ]
