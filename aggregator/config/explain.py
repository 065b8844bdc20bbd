"""explain: what is wrong with a value, in plain words and with the nearest right one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from aggregator.config.locate import KeyPath
from aggregator.errors import ConfigError
from aggregator.text import cut

Model = TypeVar("Model", bound=BaseModel)

_WORDS = {
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "missing": "is missing",
    "string_type": "must be a text in quotes",
    "tuple_type": 'must be a list, such as ["one", "two"]',
    "string_too_short": "must not be empty",
    "too_short": "must not be empty; write at least one",
    "string_pattern_mismatch": "is not written as it should be",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
}
_LONGEST = 80
_SECRETS = ("password", "passwd", "passphrase", "token", "secret", "api_key", "apikey")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, and the words that follow the key's name."""

    path: KeyPath
    text: str

    @property
    def key(self) -> str:
        """The name of the key; for a member of a list, the list's."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")


class MistakesError(ConfigError):
    """All that is wrong in one table, on its way to the message that names the lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.key} {problem.text}" for problem in problems))
        self.problems = problems


def hint(word: str, known: Collection[str]) -> str:
    """Such as " (did you mean `interests`?)", or "" if nothing known is like it."""
    word = nearest(word, known)
    return f" (did you mean `{word}`?)" if word else ""


def nearest(word: str, known: Collection[str]) -> str:
    """The known word that is most like this one, letter case aside; "" if none is."""
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, 1, 0.6)
    return folded[close[0]] if close else ""


def table(model: type[Model], values: Mapping[str, Any], path: KeyPath) -> Model:
    """A table of the document as a model, no value bent into its type. Raises MistakesError."""
    if not isinstance(values, Mapping):
        raise MistakesError([Problem(path, f"must be a section: write [{path[0]}] once, and its keys below it")])
    try:
        return model.model_validate(frozen(values), strict=True)
    except ValidationError as error:
        raise MistakesError(_problems(error, model, values, path)) from error


def frozen(value: Any) -> Any:
    """The value with its lists as tuples, which is what the models hold."""
    if isinstance(value, dict):
        return {name: frozen(member) for name, member in value.items()}
    return tuple(frozen(member) for member in value) if isinstance(value, list) else value


def _problems(
    error: ValidationError, model: type[BaseModel], values: Mapping[str, Any], path: KeyPath
) -> list[Problem]:
    found: list[Problem] = []
    meant: set[KeyPath] = set()
    for detail in error.errors(include_url=False):
        where = (*path, *detail["loc"])
        if detail["type"] == "extra_forbidden":
            known, free = _keys(model, values, detail["loc"])
            name = str(detail["loc"][-1])
            meant.add((*where[:-1], nearest(name, free)))
            found.append(Problem(where, f"there is no such key{hint(name, free) or f'; there are: {known}'}"))
        elif detail["type"] != "default_factory_not_called" and not (detail["type"] == "too_short" and detail["input"]):
            # a list whose members are wrong counts as too short as well
            found.append(Problem(where, _text(detail)))
    return [problem for problem in found if problem.text != _WORDS["missing"] or problem.path not in meant]


def _keys(model: type[BaseModel], values: Any, where: KeyPath) -> tuple[str, list[str]]:
    """The keys of the table that `where` leads into, in one line, and those of them that are not written there."""
    for part in where[:-1]:
        values = values[part]
        model = (_table_in(model.model_fields[part].annotation) if isinstance(part, str) else None) or model
    return ", ".join(model.model_fields), [name for name in model.model_fields if name not in values]


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """The model in a type such as tuple[Model, ...]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_table_in, get_args(annotation))), None)


def _text(detail: Mapping[str, Any]) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "literal_error":
        names = str(context["expected"]).replace("'", "")
        given = detail["input"]
        near = hint(given, names.replace(" or ", ", ").split(", ")) if isinstance(given, str) else ""
        given_words = f"is {_shown(given)} and " if isinstance(given, str) else ""
        return f"{given_words}must be one of {names}{near}"
    if detail["type"] == "value_error":
        return str(context["error"])
    words = _WORDS.get(detail["type"], "cannot be used").format_map(context)
    return f"{words}, not {_shown(detail['input'])}" if words.startswith(("must be", "is not")) else words


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return cut(repr(value), _LONGEST) if isinstance(value, str | int | float) else "what is there"


def secrets(values: Any, path: KeyPath = ()) -> list[Problem]:
    """A problem for each key anywhere that looks like a password; its value is never shown."""
    if isinstance(values, list):
        return [problem for number, member in enumerate(values) for problem in secrets(member, (*path, number))]
    if not isinstance(values, dict):
        return []
    text = (
        "secrets do not belong into this file; give the mail password in the environment, in "
        "AGGREGATOR_SMTP_PASSWORD, or in the file that AGGREGATOR_SMTP_PASSWORD_FILE names"
    )
    own = [name for name in values if _looks_secret(name.lower().replace("-", "_"))]
    deeper = (problem for name in values if name not in own for problem in secrets(values[name], (*path, name)))
    return [*(Problem((*path, name), text) for name in own), *deeper]


def _looks_secret(name: str) -> bool:
    """Whether a key holds a secret; one that ends in _env names the variable that does."""
    return any(word in name for word in _SECRETS) and not name.endswith("_env")
