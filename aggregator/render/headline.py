"""headline: what a letter says in a line: its subject, preheader, headline, and the sentence below that."""

from collections import Counter
from collections.abc import Sequence

from aggregator.model import KINDS, Digest, Kind, Ranked, SourceHealth
from aggregator.render.card import Card
from aggregator.render.words import clean, counted, joined, several
from aggregator.text import cut

_SUBJECT = 60
"""What most programs show of a subject; a telephone shows two thirds of it."""

_PREHEADER = 150
_CHARACTERS_A_MINUTE = 1200
"""Reading speed of English prose: about 230 words a minute (Brysbaert 2019)."""


def headline(digest: Digest, when: str) -> str:
    """Such as "14 papers and 2 posts worth your time", or that there is nothing."""
    if not digest.sections:
        nothing = "Nothing above your threshold" if digest.arrived else "Nothing new"
        return f"{nothing} {when}".strip()
    (first, number), *others = _counts(digest)
    said = [counted(number, first)]
    if len(others) == 1:
        said.append(counted(others[0][1], others[0][0]))
    elif others:
        said.append(f"{sum(count for _, count in others):,} more")
    return f"{joined(said)} worth your time"


def summary(digest: Digest, cards: Sequence[Card]) -> str:
    """Such as "Out of 178 entries from 16 of 18 sources. 6 minutes to read."; a failed source was not heard."""
    heard = sum(source.state in ("ok", "quiet", "partial") for source in digest.sources)
    sources = counted(len(digest.sources), "source")
    origin = sources if heard == len(digest.sources) else f"{heard:,} of {sources}"
    entries = "1 entry" if digest.arrived == 1 else f"{digest.arrived:,} entries"
    if not digest.arrived:
        return f"{origin} answered, none with anything new for you."
    if not cards:
        return f"{entries} came from {origin}; none reached a score of {round(100 * digest.profile.min_score)}."
    also = len(digest.picks) - len(_main(digest))
    lines = f" {also:,} more in a line each." if also else ""
    return f"Out of {entries} that came from {origin}.{lines} About {_minutes(cards)} to read."


def subject(digest: Digest, cards: Sequence[Card], when: str) -> str:
    """At most 60 characters that say something: the count and the leading picks, or that there is none and why."""
    if not cards:
        return "; ".join(filter(None, (headline(digest, when), _troubles(digest))))
    kind, number = _counts(digest)[0]
    line = f"{counted(number, kind)} {when}".strip() + ": "
    leading = [shown.title for shown in cards if shown.number] or [shown.title for shown in cards]
    line += cut(short(leading[0]), _SUBJECT - len(line) - 3)
    for left, title in zip(range(len(leading) - 2, -1, -1), leading[1:], strict=True):
        longer = f"{line}, {short(title)}"
        if line.endswith("…") or len(longer) + (3 if left else 0) > _SUBJECT:
            return line if line.endswith("…") else f"{line}, …"
        line = longer
    return line


def preheader(cards: Sequence[Card], line: str, otherwise: str) -> str:
    """The leading titles that the subject `line` does not name whole."""
    unnamed = [shown.title for shown in cards if short(shown.title) not in line]
    return cut("; ".join(unnamed[:4]), _PREHEADER) or otherwise


def alarm(troubles: Sequence[SourceHealth]) -> str:
    """The line near the top that tells a broken issue from an empty one."""
    failed = [clean(source.name, 60) for source in troubles if source.state == "failed"]
    partial = [clean(source.name, 60) for source in troubles if source.state == "partial"]
    said = [f"{several(failed, 3)} did not answer"] if failed else []
    said += [f"{several(partial, 3)} answered only in part"] if partial else []
    return f"{'; '.join(said)}. What is missing here will come once they answer; details at the end." if said else ""


def short(title: str) -> str:
    """The name in front of a title's colon, where it has one: "SCDiar: a streaming …" is "SCDiar"."""
    name, colon, _ = title.partition(": ")
    return name if colon and 4 <= len(name) <= 45 else title


def _main(digest: Digest) -> Sequence[Ranked]:
    """The picks that are more than a line; all if there are no others."""
    main = [pick for section in digest.sections if section.part != "also" for pick in section.picks]
    return main or digest.picks


def _counts(digest: Digest) -> list[tuple[Kind, int]]:
    """The kinds of the picks, papers first, with their numbers."""
    found = Counter(pick.entry.kind for pick in _main(digest))
    return [(kind, found[kind]) for kind in KINDS if found[kind]]


def _troubles(digest: Digest) -> str:
    states = Counter(source.state for source in digest.sources)
    said = [f"{counted(states['failed'], 'source')} failed"] if states["failed"] else []
    said += [f"{counted(states['partial'], 'source')} answered in part"] if states["partial"] else []
    return joined(said)


def _minutes(cards: Sequence[Card]) -> str:
    length = sum(len(shown.title) + len(shown.authors) + len(shown.text) for shown in cards)
    return counted(max(1, round(length / _CHARACTERS_A_MINUTE)), "minute")
