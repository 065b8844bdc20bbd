"""said: what a card says of a work: passages of its text with the telling sentence marked, or a summary of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from aggregator.model import Ranked
from aggregator.render.words import clean
from aggregator.text import cut, fold, unicode

_ALL = 20_000
_GAP = " … "
_BEGINNING = 160
"""Characters that a text begins with, at least, if a sentence from further down stands behind it."""

_TOLD = 160
_ROOMY = 200
"""From a text of so many characters on there is room for a line of its own for the telling sentence."""


class Passage(NamedTuple):
    """A part of what is shown; `telling`: it is the sentence nearest to why the work is here."""

    text: str
    telling: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a work, in plain text; "" and () mean nothing.

    `passages`, put together, are its own words; `summary` is what the model that `by` names made of them. `matched` is
    the telling sentence where no passage is.
    """

    passages: tuple[Passage, ...] = ()
    summary: str = ""
    by: str = ""
    matched: str = ""


def said(pick: Ranked, limit: int, *, short: bool) -> Said:
    """What a card says in `limit` characters: the text cut at a sentence, or, if `short`, the sentences that say most.

    A telling sentence beyond the cut stands behind it. A summary takes the place of the text where it is `short`; a
    longer card has one beside the text if a model of one's own made it. It may be as long again.
    """
    if not limit:
        return Said()
    has_tex = pick.entry.kind == "paper"
    telling = clean(pick.telling, _ALL)
    made = pick.summary if pick.summary and (short or pick.summary.model) else None
    summary = cut(clean(made.text, _ALL), max(limit, _ROOMY)) if made else ""
    by = _by(made.model) if made and summary else ""
    if short and summary:
        return Said((), summary, by, _beside(telling, limit))
    whole = told(pick.entry.summary, has_tex)
    chosen = [one for sentence in pick.gist if (one := clean(sentence, _ALL)) in whole] if short else []
    passages = _chosen(whole, chosen, telling, limit) if chosen and len(whole) > limit else _cut(whole, telling, limit)
    shows = any(passage.telling for passage in passages)
    return Said(passages, summary, by, "" if shows else _beside(telling, limit))


@lru_cache(maxsize=4096)
def told(text: str, tex: bool) -> str:  # noqa: FBT001 - the cache tells calls apart by their order
    """A source's text as one clean line. One work is told to many readers, and TeX takes long to read."""
    line = fold(text[:_ALL])
    return clean(unicode(line) if tex else line, _ALL)


def _by(model: str) -> str:
    return f"Summary by {clean(model, 60)}" if model else "Hugging Face’s summary"


def _beside(telling: str, limit: int) -> str:
    return cut(telling, _TOLD) if limit >= _ROOMY else ""


def _cut(whole: str, telling: str, limit: int) -> tuple[Passage, ...]:
    """The beginning of the text, and behind it the telling sentence, if there is room for both."""
    shown = cut(whole, limit)
    room = limit - len(telling) - len(_GAP)
    if not telling or telling in shown or room < _BEGINNING or (start := whole.find(telling)) < 0:
        return _marked(shown, telling)
    beginning = cut(whole, min(room, start))
    gap = " " if not whole[len(beginning) : start].strip() else _GAP
    return (Passage(f"{beginning.rstrip('…')}{gap}"), Passage(telling, telling=True))


def _chosen(whole: str, sentences: Sequence[str], telling: str, limit: int) -> tuple[Passage, ...]:
    """The first of the sentences and the next that there is room for, in the order of the text."""
    first, *others = sentences
    room = limit - len(first) - len(_GAP)
    second = next((one for one in others if len(one) <= room), None)
    if second is None:
        return _marked(cut(first, limit), telling)
    pair = sorted((first, second), key=whole.find)
    end = whole.find(pair[0]) + len(pair[0])
    gap = _GAP if whole[end : whole.find(pair[1])].strip() else " "
    return tuple(Passage(text, telling=text == telling) for text in (pair[0], gap, pair[1]))


def _marked(shown: str, telling: str) -> tuple[Passage, ...]:
    if not telling or telling not in shown:
        return (Passage(shown),) if shown else ()
    before, _, after = shown.partition(telling)
    return tuple(
        passage for passage in (Passage(before), Passage(telling, telling=True), Passage(after)) if passage.text
    )
