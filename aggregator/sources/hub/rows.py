"""rows: what the Hub's API tells of a model, a dataset or a Space, as an entry."""

import json
import re
from datetime import datetime
from typing import Any, Literal

from aggregator import text
from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.sources._sane import count, moment, parsed
from aggregator.sources.hub.words import Facts, sentence

What = Literal["models", "datasets", "spaces"]

_HOME = {
    "models": "https://huggingface.co/",
    "datasets": "https://huggingface.co/datasets/",
    "spaces": "https://huggingface.co/spaces/",
}
_NAME = re.compile(r"\w[\w.-]{0,99}(?:/\w[\w.-]{0,199})?", re.ASCII)
_MAX_ABOUT = 1200
_MORE = "See the full description on the dataset page"
"""What the Hub itself adds to a description that it cut."""
_OWN_DOI = "doi:10.57967/"
"""The prefix under which Hugging Face gives DOIs to what it hosts: such a tag names the work itself."""


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """The rows of one list. Raises ParseError for whatever else was sent, such as an error object or a web page."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = text.cut(text.plain(body[:400].decode("utf-8", "replace")), 80)
        raise ParseError(f"the Hub answered 200 with something that is no JSON ({start!r})") from error
    if not isinstance(rows, list):
        said = rows.get("error") if isinstance(rows, dict) else None
        raise ParseError(f"the Hub answered 200 without a list{f' ({said!s:.80})' if said else ''}")
    good = [row for row in rows if isinstance(row, dict) and _name(row)]
    if rows and not good:
        raise ParseError(f"the Hub answered with {len(rows)} rows, and none of them has an id")
    return good


def entry_of(row: dict[str, Any], what: What, now: datetime) -> Entry | None:
    """The entry of a row; None if it is not public."""
    if row.get("private") is True or row.get("disabled") is True:
        return None
    name = _name(row)
    url = _HOME[what] + name
    owner = name.partition("/")[0] if "/" in name else ""
    tags = [tag for tag in _list(row.get("tags")) if isinstance(tag, str)]
    facts = _facts(row, what, tags, owner)
    keys = list(dict.fromkeys(text.key_of(tag) for tag in tags if tag.lower().startswith(("arxiv:", "doi:"))))
    return Entry(
        key=text.key_of(url),
        kind="model",
        title=name,
        url=url,
        published=moment(parsed(row.get("createdAt")), now),
        summary=sentence(facts),
        authors=(owner,) if owner else (),
        categories=facts.tasks,
        signals=_signals(row),
        aliases=tuple(key for key in keys if key.startswith(_OWN_DOI)),
        mentions=tuple(key for key in keys if not key.startswith(("url:", _OWN_DOI))),
    )


def _facts(row: dict[str, Any], what: What, tags: list[str], owner: str) -> Facts:
    card = row.get("cardData")
    card = card if isinstance(card, dict) else {}
    about = [_string(card, "title"), _string(card, "short_description")]
    about += text.plain(_string(row, "description").partition(_MORE)[0]).split("\n")
    said = (text.fold(part) for part in about)
    return Facts(
        what=what,
        owner=owner,
        task=_string(row, "pipeline_tag"),
        library=_string(row, "library_name"),
        tags=tuple(tags),
        about=text.cut(". ".join(part.rstrip(".") for part in said if part), _MAX_ABOUT),
    )


def _signals(row: dict[str, Any]) -> dict[str, int | str]:
    counts = {"likes": row.get("likes"), "downloads": row.get("downloads"), "trending": row.get("trendingScore")}
    return {key: number for key, value in counts.items() if (number := count(value)) is not None}


def _name(row: dict[str, Any]) -> str:
    name = _string(row, "id") or _string(row, "modelId")
    return name if _NAME.fullmatch(name) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
