"""explaining: why an entry is in a profile's digest, or what keeps it out, as the digest itself would decide."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.answering import entry_of
from aggregator.embed import Embedder
from aggregator.explaining.advice import advice, naming, phrase_of
from aggregator.explaining.trial import Fate, Trial, Trials
from aggregator.model import Entry, Profile, Reason, Share
from aggregator.store import Standing, Store
from aggregator.tasting import Known, next_window

__all__ = ["Explanation", "Fate", "explain"]

_FURTHEST = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What becomes of an entry in the digest of a profile over (since, until], and why.

    `because` says it in a sentence, `advice` what would change it, "" where nothing does. `issue` is the period of the
    issue whose days these are, "" if it is still to come. Of what was not compared, `score` and `place` are None and
    there are no `shares`; of what is muted the place is None. `place` counts from 1 among the `candidates` that are not
    muted; `last` is the lowest score of a pick, None without picks. `others` are the interests and seeds that are next
    to the one that the shares tell of.
    """

    profile: str
    entry: Entry
    since: datetime
    until: datetime
    issue: str
    fate: Fate
    because: str
    min_score: float
    advice: str = ""
    number: int | None = None
    score: float | None = None
    shares: tuple[Share, ...] = ()
    reasons: tuple[Reason, ...] = ()
    place: int | None = None
    candidates: int = 0
    last: float | None = None
    others: tuple[Reason, ...] = ()


def explain(
    store: Store, embedder: Embedder, profile: Profile, name: str, *, now: datetime, days: int | None = None
) -> Explanation:
    """Why the entry that `name` names is in a digest of the profile, or is not; see `answering.entry_of`.

    The digest is the issue that covers the day on which the entry became news, or the next one, as things are now; with
    `days` it is the preview of so many days. Raises InputError if there is no such entry.
    """
    entry = entry_of(store, profile.name, name)
    standing = store.standing(profile.name, entry.key)
    window = _window(store, profile, standing, now, days)
    said = Explanation(
        profile=profile.name, entry=entry, since=window.since, until=window.until, issue=window.issue,
        fate="no vector", because="", min_score=profile.min_score,
    )  # fmt: skip
    if barred := _barred(standing, window, said):
        return replace(said, fate=barred[0], because=barred[1], advice=barred[2])
    found = _tried(store, embedder, profile, said, shown=window.shown)
    if found is None:
        fate, because, words = _absent(standing, window, now)
        return replace(said, fate=fate, because=because, advice=words)
    return _in_issue(found, standing) if window.issue else found


def _tried(store: Store, embedder: Embedder, profile: Profile, said: Explanation, *, shown: bool) -> Explanation | None:
    """As `said`, with what comes of making the digest; None if the entry is not among what it is chosen from."""
    key, since, until = said.entry.key, said.since, said.until
    model, revision = embedder.model, embedder.revision
    candidates, vectors = store.candidates(profile.name, model, revision, since, until, shown=shown)
    row = next((row for row, candidate in enumerate(candidates) if candidate.entry.key == key), None)
    if row is None:
        return None
    phrase = phrase_of(said.entry, vectors[[row]])
    known = Known(store, embedder, [naming(profile, phrase)])
    trials = Trials(store, embedder, known, candidates, vectors, since, until)
    trial = trials.of(profile, key)
    found = _with_figures(said, trial)
    return found if found.fate in ("pick", "also") else replace(found, advice=advice(trials, trial, phrase))


def _with_figures(said: Explanation, trial: Trial) -> Explanation:
    item = trial.item
    return replace(
        said,
        fate=trial.outcome[0],
        because=trial.outcome[1],
        number=trial.number,
        score=item.score,
        shares=item.shares,
        reasons=item.reasons,
        place=trial.place,
        candidates=len(trial.tasted.best),
        last=trial.last,
        others=trial.others,
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """What a digest covers; `shown`: with what was shown already; `issue`: the period of one that was opened."""

    since: datetime
    until: datetime
    shown: bool = True
    issue: str = ""
    days: bool = False


def _window(store: Store, profile: Profile, standing: Standing, now: datetime, days: int | None) -> _Window:
    if days is not None:
        return _Window(now - timedelta(days=days), now, days=True)
    issue = standing.shown.issue if standing.shown else standing.covered
    if issue:
        return _Window(issue.since, issue.until, issue=issue.period)
    return _Window(*next_window(store, profile, now), shown=False)


def _barred(standing: Standing, window: _Window, said: Explanation) -> tuple[Fate, str, str] | None:
    """What keeps an entry from being compared, whatever the days: the fate, the sentence, the advice."""
    entry = said.entry
    if standing.hidden:
        before = f"; before, it was shown in issue {standing.shown.issue.period}" if standing.shown else ""
        back = f"`aggregator feedback reset {entry.key} --profile {said.profile}` takes that back"
        return "hidden", f"You have hidden it{before}.", back
    if standing.news_at is None:
        old = f"it came out on {entry.published:%Y-%m-%d} and was first met here on {standing.added:%Y-%m-%d}"
        return "not news", f"It is no news: its source says that it is not new in itself ({old}).", ""
    told = standing.told_on
    if told and not window.days and not standing.shown and told.issue.until <= window.until:
        return "told", f"It is told on the card of “{told.title}”, shown in issue {told.issue.period}.", ""
    return None


def _absent(standing: Standing, window: _Window, now: datetime) -> tuple[Fate, str, str]:
    """As `_barred`, of what is not among the entries of the days."""
    news_at = standing.news_at or standing.added
    if window.since < news_at <= window.until:
        return "no vector", "It has no vector yet, so it cannot be compared.", "`aggregator embed` gives it one"
    span = f"{window.since:%Y-%m-%d %H:%M} to {window.until:%Y-%m-%d %H:%M}"
    side = "before" if news_at <= window.since else "after"
    days = (now - news_at).days + 1
    words = f"`--days {days}` looks back so far" if 1 <= days <= _FURTHEST else ""
    return "not news", f"It became news on {news_at:%Y-%m-%d %H:%M}, {side} the days of this digest ({span}).", words


def _in_issue(found: Explanation, standing: Standing) -> Explanation:
    """As an entry stands in an issue that was opened: shown, or passed over for what `found` says."""
    if standing.shown:
        shown = standing.shown
        then = "" if found.score is None or abs(found.score - shown.score) < 5e-5 else f", then with {shown.score:.4f}"
        because = f"It was shown in issue {shown.issue.period} as number {shown.number}{then}."
        return replace(found, fate="shown", because=because, number=shown.number, advice="")
    if found.fate in ("pick", "also"):
        because = f"It was not shown in issue {found.issue}, but as things are now: {found.because}"
        return replace(found, because=because)
    return replace(found, because=f"It was not shown in issue {found.issue}. {found.because}")
