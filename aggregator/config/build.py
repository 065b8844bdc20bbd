"""build: a parsed document to a Config, gathering every mistake on the way."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aggregator.config.explain import MistakesError, Model, Problem, hint, secrets, table
from aggregator.config.locate import KeyPath
from aggregator.config.sections import Config, Database, Embed, Fetch, Mail, Reader, Schedule
from aggregator.sources import Source, kinds

_SECTIONS = ("profile", "mail", "schedule", "fetch", "embed", "database", "source")

Made = TypeVar("Made")


def build(document: Mapping[str, Any], path: Path) -> Config:
    """The configuration in a document that stands at `path` (absolute). Raises MistakesError with all there are."""
    work = _Work(document)
    mail = work.section(Mail, "mail")
    if mail:
        work.problems += mail.problems()
    database, fetch, embed, schedule = (
        work.section(Database, "database"),
        work.section(Fetch, "fetch"),
        work.section(Embed, "embed"),
        work.section(Schedule, "schedule"),
    )
    readers = work.several("profile", lambda values, where: table(Reader, values, where))
    sources = work.several("source", _source)
    if work.problems or not (database and fetch and embed and mail and schedule):
        raise MistakesError(work.problems)
    folder = path.parent
    return Config(
        path=path,
        database=database.under(folder),
        fetch=fetch,
        embed=embed,
        mail=mail.under(folder),
        schedule=schedule,
        sources=tuple(sources),
        profiles=tuple(reader.profile() for reader in readers),
    )


class _Work:
    """A document on its way, and what was found wrong so far. Keys that look like secrets are taken out first."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.problems = secrets(document)
        self.document = _without({problem.path for problem in self.problems}, document)
        for name in self.document:
            if name not in _SECTIONS:
                text = f"there is no such section{hint(name, _SECTIONS) or '; there are: ' + ', '.join(_SECTIONS)}"
                self.problems.append(Problem((name,), text))

    def section(self, model: type[Model], name: str) -> Model | None:
        """The section as its type; None if it is wrong, and then its problems are noted."""
        return self._noted(lambda: table(model, self.document.get(name, {}), (name,)))

    def several(self, name: str, make: Callable[[Mapping[str, Any], KeyPath], Made]) -> list[Made]:
        """All tables of [[name]]; those that are wrong are left out and their problems noted."""
        tables = self.document.get(name, [])
        if isinstance(tables, dict):
            self.problems.append(Problem((name,), f"must be written [[{name}]], in double brackets"))
            return []
        if not isinstance(tables, list) or not all(isinstance(values, dict) for values in tables):
            self.problems.append(Problem((name,), f"must be a section: write [[{name}]], and its keys below it"))
            return []
        if not tables:
            self.problems.append(Problem((name,), f"is missing: there must be at least one [[{name}]]"))
        self.problems += _twice(name, tables)
        made = [self._noted(partial(make, values, (name, number))) for number, values in enumerate(tables)]
        return [one for one in made if one is not None]

    def _noted(self, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except MistakesError as mistakes:
            self.problems += mistakes.problems
            return None


def _source(values: Mapping[str, Any], path: KeyPath) -> Source:
    """A [[source]] table as the source of its kind. Raises MistakesError."""
    known = kinds()
    given = values.get("kind")
    if given is None:
        raise MistakesError([Problem((*path, "kind"), f"is missing; it is one of {', '.join(known)}")])
    if not isinstance(given, str) or given not in known:
        near = hint(given, known) if isinstance(given, str) else ""
        raise MistakesError(
            [Problem((*path, "kind"), f"there is no kind {given!r}{near}; there are: {', '.join(known)}")]
        )
    source = table(known[given], {name: value for name, value in values.items() if name != "kind"}, path)
    if not source.name.strip():
        raise MistakesError([Problem((*path, "name"), "must not be empty")])
    return source


def _twice(name: str, tables: Iterable[Mapping[str, Any]]) -> Iterable[Problem]:
    seen: set[str] = set()
    for number, values in enumerate(tables):
        given = values.get("name")
        if isinstance(given, str):
            if given.strip() in seen:
                yield Problem((name, number, "name"), f"there is another {name} called {given.strip()!r}; rename one")
            seen.add(given.strip())


def _without(paths: set[KeyPath], value: Any, here: KeyPath = ()) -> Any:
    if isinstance(value, list):
        return [_without(paths, member, (*here, number)) for number, member in enumerate(value)]
    if isinstance(value, dict):
        left = {name: member for name, member in value.items() if (*here, name) not in paths}
        return {name: _without(paths, member, (*here, name)) for name, member in left.items()}
    return value
