"""reasons: why an entry was ranked, in the order in which they count."""

from aggregator.model import Reason, Share
from aggregator.rank.shares import Sums, centre_text
from aggregator.rank.taste import Taste

_MOST = 3
_WORTH_TELLING = 0.03
_KINDS = {"keyword": "keyword", "author": "author", "venue": "venue", "answers": "like", "popular": "popular"}
"""The reason for each share that is one by itself."""


def reasons(taste: Taste, found: Sums, place: int, shares: tuple[Share, ...]) -> tuple[Reason, ...]:
    """Three at most, best first; an interest or a seed that reaches the threshold by itself before all others.

    The best interest or seed is always one; the further ones are those that would have reached `min_score` alone.
    """
    row = found.worth[place] / 10_000
    best, *others = (-row).argsort(kind="stable")
    least = taste.profile.min_score
    alone = [_of_centre(taste, int(best), float(row[best]))] if len(row) else []
    alone += [_of_centre(taste, int(one), float(row[one])) for one in others[: _MOST - 1] if row[one] >= least]
    beside = [
        Reason(_KINDS[share.name], share.text, share.value)  # type: ignore[arg-type]
        for share in shares
        if share.name in _KINDS and share.text and share.value >= _WORTH_TELLING
    ]
    enough = [reason for reason in alone if reason.weight >= least]
    rest = sorted([*beside, *alone[len(enough) :]], key=lambda reason: -reason.weight)
    return tuple([*enough[:1], *sorted([*enough[1:], *rest], key=lambda reason: -reason.weight)][:_MOST])


def _of_centre(taste: Taste, centre: int, weight: float) -> Reason:
    kind = "interest" if centre < len(taste.profile.interests) else "seed"
    return Reason(kind, centre_text(taste, centre), min(weight, 1.0))  # type: ignore[arg-type]
