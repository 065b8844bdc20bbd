"""reading: lists of works, page by page, and what of them was read before."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from aggregator.errors import FetchError, SourceError
from aggregator.model import Entry
from aggregator.sources.openalex.api import FINAL, Api
from aggregator.sources.openalex.works import Answer, entries_of

_REREAD = timedelta(days=7)
"""After which a list is read anew though it has as many works as before: one may have taken another's place."""

State = dict[str, Any]
"""What a cursor keeps of a list: `total`, the works it had; `read`, the day it was read to its end; while it is not,
`next`, which leads to the page that comes next, and `got`, the works read so far."""


@dataclass(frozen=True, slots=True)
class Question:
    """One list of works: what it is for people, its filter, and the venue its works came out at ("" is any)."""

    name: str
    asked: str
    venue: str = ""


@dataclass(slots=True)
class Reading:
    """What one visit or one piece of history brought. `past` and `states` are by filter, before and after it."""

    now: datetime
    past: dict[str, State]
    entries: dict[str, Entry] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    errors: list[SourceError] = field(default_factory=list)
    answers: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether the last failure is one that every further question would meet."""
        last = self.errors[-1] if self.errors else None
        return isinstance(last, FetchError) and last.status in FINAL

    def fail(self, name: str, error: SourceError) -> None:
        """Note that something was not answered."""
        self.errors.append(error)
        self.missing.append(f"{name}: {error}")

    def read(self, api: Api, question: Question, more: int) -> int:
        """Read a list from where it was left: one page, and up to `more`; how many of these it took."""
        old = self.past.get(question.asked, {})
        state: State = {name: old[name] for name in ("next", "got", "total") if name in old} if "next" in old else {}
        pages = 0
        try:
            for answer in api.works(question.asked, state.get("next", "")):
                self._take(answer, question)
                pages += 1
                if pages == 1 and self._same(old, answer):
                    self.states[question.asked] = old
                    return 0
                got, total = state.get("got", 0) + len(answer.rows), state.get("total", answer.total)
                state = {"next": answer.next if got < total else "", "got": got, "total": total}
                if pages > more or not state["next"]:
                    break
        except SourceError as error:
            self.fail(question.name, error)
            stale = isinstance(error, FetchError) and error.status == 400 and not pages  # "next" led to nowhere
            kept = state if pages else {} if stale else old
            self.states |= {question.asked: kept} if kept else {}
            return max(pages - 1, 0)
        self.states[question.asked] = self._after(question, state)
        return max(pages - 1, 0)

    def _take(self, answer: Answer, question: Question) -> None:
        self.answers += 1
        for entry in entries_of(answer, self.now):
            signals = {"venue": question.venue} | dict(entry.signals) if question.venue else entry.signals
            self.entries.setdefault(entry.key, replace(entry, signals=signals))

    def _same(self, old: State, answer: Answer) -> bool:
        """Whether the list is as it was when it was read to its end, a few days ago."""
        if "read" not in old or old.get("total") != answer.total:
            return False
        return self.now.date() - date.fromisoformat(old["read"]) < _REREAD

    def _after(self, question: Question, state: State) -> State:
        """The state after pages without a failure. One that says fewer works than there are makes it be read again."""
        got, total = state.get("got", 0), state.get("total", 0)
        if state.get("next"):
            self.missing.append(f"{question.name}: {got} of {total} works are read so far")
            return state
        if got < total:
            self.missing.append(f"{question.name}: OpenAlex counts {total} works and gave {got}")
        return {"total": min(got, total), "read": self.now.date().isoformat()}
