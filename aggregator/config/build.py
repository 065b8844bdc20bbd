"""build: a parsed document to a Config, gathering every mistake on the way."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aggregator.config.explain import MistakesError, Model, Problem, hint, secrets, table
from aggregator.config.locate import KeyPath
from aggregator.config.profiles import former_names
from aggregator.config.reader import profile_of
from aggregator.config.sections import Bounces, Config, Database, Embed, Fetch, Mail, Schedule, Summary
from aggregator.config.use import distinct, expand, source_of
from aggregator.sources import Source

_SECTIONS = ("profile", "mail", "schedule", "bounces", "fetch", "embed", "summary", "database", "source")

Made = TypeVar("Made")


def build(document: Mapping[str, Any], path: Path) -> Config:
    """The configuration in a document that stands at `path` (absolute). Raises MistakesError with all there are."""
    work = _Work(document)
    mail = work.section(Mail, "mail")
    if mail:
        work.problems += mail.problems()
    database, fetch, embed, schedule, bounces, summary = (
        work.section(Database, "database"),
        work.section(Fetch, "fetch"),
        work.section(Embed, "embed"),
        work.section(Schedule, "schedule"),
        work.section(Bounces, "bounces"),
        work.section(Summary, "summary"),
    )
    for one in (bounces, summary):
        work.problems += one.problems() if one else ()
    folder = path.parent
    profiles = work.several("profile", lambda values, where: profile_of(values, where, folder))
    work.problems += former_names(work.document)
    sources = work.sources()
    if work.problems or not (database and fetch and embed and mail and schedule and bounces and summary):
        raise MistakesError(work.problems)
    return Config(
        path=path,
        database=database.under(folder),
        fetch=fetch,
        embed=embed,
        mail=mail.under(folder),
        bounces=bounces.under(folder),
        summary=summary,
        schedule=schedule,
        sources=tuple(sources),
        profiles=tuple(profiles),
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
        tables = self._tables(name)
        self.problems += _twice(name, (((name, number), values) for number, values in enumerate(tables)))
        made = [self._noted(partial(make, values, (name, number))) for number, values in enumerate(tables)]
        return [one for one in made if one is not None]

    def sources(self) -> list[Source]:
        """All sources, with those that the catalogue knows put in where a table says `use`."""
        tables = self._tables("source")
        wanted = [
            one
            for number, values in enumerate(tables)
            for one in self._noted(partial(expand, values, ("source", number))) or ()
        ]
        self.problems += _twice("source", ((one.path, one.values) for one in wanted if not one.from_pack))
        made = [(one, source) for one in wanted if (source := self._noted(partial(source_of, one.values, one.path)))]
        return distinct(made)

    def _tables(self, name: str) -> list[dict[str, Any]]:
        tables = self.document.get(name, [])
        if isinstance(tables, dict):
            self.problems.append(Problem((name,), f"must be written [[{name}]], in double brackets"))
            return []
        if not isinstance(tables, list) or not all(isinstance(values, dict) for values in tables):
            self.problems.append(Problem((name,), f"must be a section: write [[{name}]], and its keys below it"))
            return []
        if not tables:
            self.problems.append(Problem((name,), f"is missing: there must be at least one [[{name}]]"))
        return tables

    def _noted(self, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except MistakesError as mistakes:
            self.problems += mistakes.problems
            return None


def _twice(name: str, tables: Iterable[tuple[KeyPath, Mapping[str, Any]]]) -> Iterable[Problem]:
    seen: set[str] = set()
    for path, values in tables:
        given = values.get("name")
        if isinstance(given, str):
            if given.strip() in seen:
                yield Problem((*path, "name"), f"there is another {name} called {given.strip()!r}; rename one")
            seen.add(given.strip())


def _without(paths: set[KeyPath], value: Any, here: KeyPath = ()) -> Any:
    if isinstance(value, list):
        return [_without(paths, member, (*here, number)) for number, member in enumerate(value)]
    if isinstance(value, dict):
        left = {name: member for name, member in value.items() if (*here, name) not in paths}
        return {name: _without(paths, member, (*here, name)) for name, member in left.items()}
    return value
