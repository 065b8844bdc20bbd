"""check: one thing that was looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aggregator.errors import AggregatorError

_RIGHTS = "check its owner and permissions, and those of the folders above it"

State: TypeAlias = Literal["ok", "skip", "warn", "fail"]
"""Well; could not be looked at; works, but should be seen to; does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, in words, and what to do ("" if nothing)."""

    name: str
    state: State
    text: str
    advice: str = ""


def tried(name: str, look: Callable[[], Check]) -> Check:
    """What `look` finds; an error of ours, or what may not be looked at, is a failed check."""
    try:
        return look()
    except OSError as error:
        return Check(name, "fail", f"{error.filename} cannot be looked at: {error.strerror}", _RIGHTS)
    except AggregatorError as error:
        return Check(name, "fail", str(error))
