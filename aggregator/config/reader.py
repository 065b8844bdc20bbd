"""reader: a [[profile]] table as a type: who reads, what they want to read, and when it is sent."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from aggregator import model
from aggregator.config import values, wishes
from aggregator.config.explain import MistakesError, Problem, table
from aggregator.config.locate import KeyPath
from aggregator.config.sections import Phrase, Section


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _together(value: Any) -> Any:
    texts = isinstance(value, tuple) and value and all(isinstance(one, str) for one in value)
    return "; ".join(value) if texts else value


class Interest(Section):
    """A phrase or sentence; its weight beside the others, and the title of its section in the letter."""

    text: Phrase
    weight: float = Field(default=1, gt=0, le=10)
    title: str = ""


class Person(Section):
    """Somebody to follow; see model.Follow."""

    name: Phrase
    variants: Annotated[tuple[Phrase, ...], BeforeValidator(_one_or_several)] = ()
    affiliation: str = ""
    orcid: Annotated[str, AfterValidator(wishes.orcid)] = ""

    def follow(self) -> model.Follow:
        """The person that the steps know."""
        return model.Follow(**dict(self))


def _as_interest(value: Any) -> Any:
    if isinstance(value, str):
        return Interest(text=values.phrase(value))
    return wishes.table_or(value, "a text", '{ text = "…", weight = 1.5, title = "…" }')


def _as_person(value: Any) -> Any:
    if isinstance(value, str):
        return Person(name=values.phrase(value))
    return wishes.table_or(value, "a name", '{ name = "…", variants = ["…"], orcid = "…" }')


def _agreeing(interests: tuple[Interest, ...]) -> tuple[Interest, ...]:
    said: dict[str, Interest] = {}
    for one in interests:
        if said.setdefault(one.text, one) != one:
            raise ValueError(f"says two things of {one.text!r}; keep one of them")
    return interests


def _with_picks(parts: tuple[model.Part, ...]) -> tuple[model.Part, ...]:
    beside = {"glance", "also"}
    if not {*parts} - beside:
        others = ", ".join(part for part in model.PARTS if part not in beside)
        raise ValueError(f"would never make a letter; name one of {others} too")
    return parts


def _each_once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    seen = set[str]()
    for one in addresses:
        if one.casefold() in seen:
            raise ValueError(f"{one} is there twice; each address gets one message, so keep one of them")
        seen.add(one.casefold())
    return addresses


class Reader(Section):
    """A [[profile]] table."""

    name: Phrase
    email: Annotated[
        tuple[Annotated[str, AfterValidator(values.address)], ...],
        BeforeValidator(_one_or_several),
        AfterValidator(_each_once),
        Field(min_length=1),
    ]
    schedule: Annotated[str, BeforeValidator(_together), AfterValidator(values.rhythm)] = "weekly mon 08:00"
    timezone: Annotated[str, AfterValidator(values.timezone)] = "UTC"
    interests: Annotated[
        tuple[Annotated[Interest, BeforeValidator(_as_interest)], ...], Field(min_length=1), AfterValidator(_agreeing)
    ]
    keywords: tuple[Annotated[str, AfterValidator(wishes.keyword)], ...] = ()
    follows: tuple[Annotated[Person, BeforeValidator(_as_person)], ...] = ()
    seeds: tuple[Annotated[str, AfterValidator(wishes.seed)], ...] = ()
    venues: tuple[Phrase, ...] = ()
    muted: tuple[Phrase, ...] = ()
    muted_topics: tuple[Phrase, ...] = ()
    surprises: int = Field(default=0, ge=0, le=20)
    max_entries: int = Field(default=20, ge=1, le=200)
    min_score: float = Field(default=0.3, ge=0, le=1)
    send_empty: bool = False
    deadline_days: int = Field(default=60, ge=0, le=400)
    format: model.Format = "full"
    sections: Annotated[tuple[model.Part, ...], AfterValidator(_with_picks), Field(min_length=1)] = model.PARTS
    language: Annotated[str, AfterValidator(values.language)] = "en"
    max_kilobytes: int = Field(default=90, ge=20, le=90)
    was: tuple[Phrase, ...] = ()

    def profile(self, folder: Path) -> model.Profile:
        """The profile that the steps know, with the files among its seeds taken from `folder`."""
        fields = dict(self) | {
            "interests": tuple(one.text for one in self.interests),
            "weights": {one.text: one.weight for one in self.interests if one.weight != 1},
            "headings": {one.text: title for one in self.interests if (title := one.title.strip())},
            "follows": tuple(one.follow() for one in self.follows),
            "seeds": tuple(str(wishes.under(folder, one)) if wishes.is_file(one) else one for one in self.seeds),
        }
        return model.Profile(**fields)


def profile_of(written: Mapping[str, Any], path: KeyPath, folder: Path) -> model.Profile:
    """The profile of a table at `path`. Raises MistakesError, also for a file of seeds that is not there."""
    reader = table(Reader, written, path)
    if problems := list(_lost(reader, path, folder)):
        raise MistakesError(problems)
    return reader.profile(folder)


def _lost(reader: Reader, path: KeyPath, folder: Path) -> Iterator[Problem]:
    for number, one in enumerate(reader.seeds):
        if wishes.is_file(one) and not wishes.under(folder, one).is_file():
            yield Problem((*path, "seeds", number), wishes.lost(folder, one))
