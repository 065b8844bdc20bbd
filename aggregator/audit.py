"""audit: what the sources say of a window of days against what is stored; what is missing is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Account, Window
from aggregator.outcome import Outcome, Progress, Stop, never, silent
from aggregator.sources import Source
from aggregator.store import Store
from aggregator.visiting import heeding


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one witness of a source says of the window.

    `said` counts the works it names; `missing` are the keys of those that were not stored, and `mended` says whether
    they are now; `alone` are the keys that it names and no other witness of the source does: days of submission and of
    announcement differ, so some are to be expected. `trouble` is why it was not heard, or not in full.
    """

    source: str
    witness: str
    said: int
    missing: tuple[str, ...]
    mended: bool
    alone: tuple[str, ...]
    trouble: str = ""


@dataclass
class _Testimony:
    """What one witness has said so far."""

    keys: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def audit(
    store: Store,
    fetcher: Fetcher,
    sources: Sequence[Source],
    window: Window,
    *,
    clock: Callable[[], datetime],
    mend: bool = True,
    progress: Progress = silent,
    stop: Stop = never,
) -> tuple[Outcome, list[Finding]]:
    """Ask the witnesses of every source for a window of days, and store what they name and the store lacks.

    Sources that keep no history have no witness and are left out. What is stored now keeps its own date, so it is
    news only if it is young enough to be late: see Store.add. Without `mend` nothing is stored.
    """
    outcome = Outcome("audit", {"said": 0, "missing": 0, "mended": 0})
    findings: list[Finding] = []
    with heeding(store, fetcher, clock), progress("auditing sources", len(sources)) as step:
        for source in sources:
            if stop():
                break
            heard: dict[str, _Testimony] = {}
            try:
                for account in source.witnesses(fetcher, window, clock()):
                    _hear(store, source, account, heard, now=clock(), mend=mend)
            except SourceError as error:
                heard.setdefault("", _Testimony()).troubles.append(str(error))
            findings += [_finding(source.name, witness, heard, mend=mend) for witness in heard]
            step(1)
    for finding in findings:
        outcome.count("said", finding.said)
        outcome.count("missing", len(finding.missing))
        outcome.count("mended", len(finding.missing) if mend else 0)
        if finding.trouble:
            outcome.trouble(f"source {finding.source}: {finding.trouble}; the same command asks again")
    return outcome, findings


def _hear(
    store: Store, source: Source, account: Account, heard: dict[str, _Testimony], *, now: datetime, mend: bool
) -> None:
    """Hold one account against the store; what is missing is stored if `mend`."""
    lacking = store.lacking(account.entries)
    if lacking and mend:
        with store.lock("work", wait=60):
            store.add_found(source.name, source.kind, lacking, now=now)
    testimony = heard.setdefault(account.witness, _Testimony())
    testimony.keys.update(entry.key for entry in account.entries)
    testimony.missing += [entry.key for entry in lacking if entry.key not in testimony.missing]
    if account.missing:
        testimony.troubles.append(f"{account.witness}, {account.window}: {account.missing}")


def _finding(source: str, witness: str, heard: dict[str, _Testimony], *, mend: bool) -> Finding:
    own = heard[witness]
    others = {key for name, testimony in heard.items() if name != witness for key in testimony.keys}
    several = sum(bool(testimony.keys) for testimony in heard.values()) > 1
    return Finding(
        source=source,
        witness=witness,
        said=len(own.keys),
        missing=tuple(own.missing),
        mended=mend and bool(own.missing),
        alone=tuple(sorted(own.keys - others)) if several else (),
        trouble="; ".join(own.troubles),
    )
