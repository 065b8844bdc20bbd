"""members: the objects in a JSON list, one by one, each with its line, so that one that is broken costs only itself."""

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

_START = re.compile(r"\s*(?:\{\s*\"items\"\s*:\s*)?\[")
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\{\s*\"(?:id|type|title|categories|abstract|DOI|key|citation-key)\"\s*:")
"""How a record begins; the objects within one (names, dates) begin otherwise."""


def members(body: str) -> Iterator[tuple[int, Any]]:
    """Each member of a list, or of the list "items" of an object, with its line; a JSONDecodeError for what is broken.

    After a broken one reading goes on where the next record seems to begin. A list that does not end is broken as well.
    """
    decoder = json.JSONDecoder()
    begun = _START.match(body)
    at, line, counted = begun.end() if begun else 0, 1, 0
    while True:
        at = _past(body, at)
        line, counted = line + body.count("\n", counted, at), at
        if body.startswith("]", at):
            return
        if at >= len(body):
            yield line, JSONDecodeError("the list does not end", body, len(body))
            return
        try:
            value, at = decoder.raw_decode(body, at)
            yield line, value
        except JSONDecodeError as error:
            yield line, error
            following = _NEXT.search(body, max(error.pos, at + 1))
            if not following:
                return
            at = following.start()
        except RecursionError:
            yield line, JSONDecodeError("too many brackets within one another", body, at)
            return


def _past(body: str, at: int) -> int:
    match = _BETWEEN.match(body, at)
    return match.end() if match else at
