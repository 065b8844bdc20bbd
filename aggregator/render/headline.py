"""headline: what a letter says in a line: its subject, preheader, headline, and the sentence below that."""

from collections import Counter
from collections.abc import Sequence

from aggregator.model import KINDS, Digest, Kind, Ranked, SourceHealth
from aggregator.render.card import Card
from aggregator.render.parts import Part
from aggregator.render.words import clean, counted, joined, several
from aggregator.text import cut

_SUBJECT = 60
"""What most programs show of a subject; a telephone shows two thirds of it."""

_PREHEADER = 150
_KNOWN = 20
"""Characters by which a title that was cut is known again."""

_CHARACTERS_A_MINUTE = 1200
"""Reading speed of English prose: about 230 words a minute (Brysbaert 2019)."""


def headline(digest: Digest, when: str) -> str:
    """Such as "14 papers and 2 posts worth your time", or that there is nothing."""
    if not digest.sections and digest.deadlines and {*digest.profile.sections} <= {"deadlines", "glance", "also"}:
        return f"{counted(len(digest.deadlines), 'deadline')} ahead"
    if not digest.sections:
        return f"{_nothing(digest)} {when}".strip()
    (first, number), *others = _counts(digest)
    said = [counted(number, first)]
    if len(others) == 1:
        said.append(counted(others[0][1], others[0][0]))
    elif others:
        said.append(f"{sum(count for _, count in others):,} more")
    return f"{joined(said)} worth your time"


def summary(digest: Digest, shown: Sequence[Part]) -> str:
    """Such as "Out of 178 entries from 16 of 18 sources. 6 minutes to read."; a failed source was not heard."""
    heard = _heard(digest)
    sources = counted(len(digest.sources), "source")
    origin = sources if heard == len(digest.sources) else f"{heard:,} of {sources}"
    entries = "1 entry" if digest.arrived == 1 else f"{digest.arrived:,} entries"
    cards = _cards(shown)
    if cards:
        also = sum(len(part.cards) for part in shown if part.name == "also")
        apart = also and any(part.look in ("lead", "card") for part in shown)
        lines = f" {also:,} more in a line each." if apart else ""
        return f"Out of {entries} that came from {origin}.{lines} About {_minutes(cards)} to read."
    if not digest.arrived:
        return f"{origin} answered, with nothing new for you." if heard else f"None of {sources} has answered."
    if digest.reached:
        return f"{entries} came from {origin}; {digest.reached:,} of them match, in sections that you do not have."
    return f"{entries} came from {origin}; none reached a score of {round(100 * digest.profile.min_score)}."


def subject(digest: Digest, shown: Sequence[Part], when: str) -> str:
    """At most 60 characters that say something: the count and the leading picks, or that there is none and why."""
    cards = _cards(shown)
    if not cards:
        return _empty_subject(digest, when)
    kind, number = _counts(digest)[0]
    line = f"{counted(number, kind)} {when}".strip() + ": "
    titles = list(map(short, _leading(digest, cards, kind)))
    between = "; " if any("," in title for title in titles[:4]) else ", "
    line += cut(titles[0], _SUBJECT - len(line) - 3)
    for left, title in zip(range(len(titles) - 2, -1, -1), titles[1:], strict=True):
        longer = f"{line}{between}{title}"
        if line.endswith("…") or len(longer) + (3 if left else 0) > _SUBJECT:
            return line if line.endswith("…") else f"{line}{between}…"
        line = longer
    return line


def preheader(digest: Digest, shown: Sequence[Part], when: str) -> str:
    """The leading titles that the subject does not name, or but for a few words; else the summary."""
    line = subject(digest, shown, when)
    unnamed = [card.title for card in _cards(shown) if short(card.title)[:_KNOWN] not in line]
    return cut("; ".join(unnamed[:4]), _PREHEADER) or summary(digest, shown)


def alarm(troubles: Sequence[SourceHealth]) -> str:
    """The line near the top that tells a broken issue from an empty one."""
    failed = [clean(source.name, 60) for source in troubles if source.state == "failed"]
    partial = [clean(source.name, 60) for source in troubles if source.state == "partial"]
    said = [f"{several(failed, 3)} did not answer"] if failed else []
    said += [f"{several(partial, 3)} answered only in part"] if partial else []
    rest = (
        "it still has will come once it answers" if len(troubles) == 1 else "they still have will come once they answer"
    )
    return f"{'; '.join(said)}. What {rest}; details at the end." if said else ""


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


def _cards(shown: Sequence[Part]) -> list[Card]:
    return [card for part in shown for card in part.cards]


def _leading(digest: Digest, cards: Sequence[Card], kind: Kind) -> list[str]:
    """The titles of this kind, of those that are numbered if there are any; all where there was no room for one."""
    counted_ones = [one for one in cards if one.number] or cards
    keys = {pick.entry.key for pick in digest.picks if pick.entry.kind == kind}
    return [one.title for one in counted_ones if one.key in keys] or [one.title for one in counted_ones]


def _heard(digest: Digest) -> int:
    return sum(source.state in ("ok", "quiet", "partial") for source in digest.sources)


def _nothing(digest: Digest) -> str:
    if not digest.arrived:
        return "Nothing new" if _heard(digest) else "No source answered"
    return "Nothing for your sections" if digest.reached else "Nothing above your threshold"


def _empty_subject(digest: Digest, when: str) -> str:
    """That there is nothing, and what is broken, in as many words as there is room for."""
    line = headline(digest, when)
    states = Counter(source.state for source in digest.sources)
    failed, partial = states["failed"], states["partial"]
    said = [f"{counted(failed, 'source')} failed"] if failed else []
    said += [f"{counted(partial, 'source')} answered in part"] if partial else []
    whole = "; ".join(filter(None, (line, joined(said))))
    return whole if len(whole) <= _SUBJECT else f"{line}; {counted(failed + partial, 'source')} broken"


def _minutes(cards: Sequence[Card]) -> str:
    length = sum(len(shown.title) + len(shown.authors) + len(shown.text) for shown in cards)
    return counted(max(1, round(length / _CHARACTERS_A_MINUTE)), "minute")
