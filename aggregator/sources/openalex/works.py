"""works: one page of OpenAlex's answer, and each work in it as an entry.

https://developers.openalex.org/api-reference/works names the fields.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator import text
from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.sources._sane import count, moment, parsed, title_of

FIELDS = (
    "id", "doi", "ids", "display_name", "publication_date", "created_date", "type", "is_retracted",
    "primary_location", "best_oa_location", "locations", "authorships", "abstract_inverted_index", "cited_by_count",
    "primary_topic",
)  # fmt: skip
"""What is asked for of a work: the rest of it is several times as long."""

_NO_PAPERS = frozenset({"paratext", "peer-review", "erratum", "retraction", "editorial", "grant"})
_LATE = timedelta(days=400)
_MAX_POSITION = 10_000
_MAX_WORD = 200
_MAX_SUMMARY = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a list: its rows, how many rows the whole list has, and what leads to the next page ("" ends it)."""

    rows: list[dict[str, Any]]
    total: int
    next: str


def answer_of(body: bytes) -> Answer:
    """The page that the API sent. Raises ParseError for whatever else it sent, such as an error object."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = text.cut(text.plain(body[:400].decode("utf-8", "replace")), 80)
        raise ParseError(f"OpenAlex answered 200 with something that is no JSON ({start!r})") from error
    fields = told if isinstance(told, dict) else {}
    rows, meta = fields.get("results"), _fields(fields, "meta")
    total = count(meta.get("count"))
    if not isinstance(rows, list) or total is None:
        said = text.fold(f"{_string(fields, 'error')} {_string(fields, 'message')}")
        raise ParseError(f"OpenAlex answered 200 without a list{f' ({text.cut(said, 120)})' if said else ''}")
    good = [row for row in rows if isinstance(row, dict) and _string(row, "id").startswith("https://openalex.org/")]
    if rows and not good:
        raise ParseError(f"OpenAlex answered with {len(rows)} rows, and none of them has an id")
    return Answer(good, total, _string(meta, "next_cursor") if rows else "")


def entries_of(answer: Answer, now: datetime) -> list[Entry]:
    """The papers of a page, each once; what is retracted, or front matter and the like, is left out."""
    entries = (_entry(row, now) for row in answer.rows if not _dropped(row))
    return list({entry.key: entry for entry in entries if entry.title}.values())


def restore(index: object) -> str:
    """The abstract out of its inverted index, {word: [positions]}; "" for what is none.

    Positions that hold no word are skipped, the first of two words at one position counts, and what lies beyond the
    first 10 000 positions is left out, as are words of more than 200 characters, which are none.
    """
    words: dict[int, str] = {}
    for word, positions in index.items() if isinstance(index, dict) else ():
        if isinstance(word, str) and len(word) <= _MAX_WORD and isinstance(positions, list):
            for position in positions[:_MAX_POSITION]:
                if (at := count(position)) is not None and at < _MAX_POSITION:
                    words.setdefault(at, word)
    return " ".join(words[at] for at in sorted(words))


def _entry(row: dict[str, Any], now: datetime) -> Entry:
    key, *aliases = _names(row)
    summary = text.cut(text.fold(text.plain(restore(row.get("abstract_inverted_index")))), _MAX_SUMMARY)
    published = moment(parsed(row.get("publication_date")) or parsed(row.get("created_date")), now)
    created = moment(parsed(row.get("created_date")) or published, now)
    home = text.safe_link(_string(_fields(row, "primary_location"), "landing_page_url"))
    return Entry(
        key=key,
        kind="paper",
        title=title_of(text.plain(_string(row, "display_name")), summary),
        url=home or text.safe_link(_string(row, "doi")) or _string(row, "id"),
        published=published,
        # Proceedings reach OpenAlex weeks after the date they bear; what comes years later is no news.
        announced=created if published < created <= published + _LATE else None,
        summary=summary,
        authors=tuple(_authors(row.get("authorships"))),
        categories=tuple(_topics(_fields(row, "primary_topic"))),
        signals=_signals(row),
        aliases=tuple(aliases),
    )


def _names(row: dict[str, Any]) -> list[str]:
    """The keys of a work, the strongest first: its arXiv id, its DOI, and OpenAlex's own id.

    Of the places where it was found only arXiv counts, and only if there is one paper of it: OpenAlex at times takes
    two papers for one, and other pages may stand for a whole volume.
    """
    own = [text.key_of(link) for link in (_string(row, "doi"), _string(_fields(row, "ids"), "doi")) if link]
    links = (_string(place, name) for place in _places(row) for name in ("landing_page_url", "pdf_url"))
    papers = {f"arxiv:{found}" for link in links if (found := text.arxiv_id(link))}
    own += papers if len(papers) == 1 and not any(key.startswith("arxiv:") for key in own) else ()
    keys = [key for key in dict.fromkeys(own) if not key.startswith("url:")]
    return [*sorted(keys, key=lambda key: not key.startswith("arxiv:")), text.key_of(_string(row, "id"))]


def _signals(row: dict[str, Any]) -> dict[str, int | str]:
    first, free = _fields(row, "primary_location"), _fields(row, "best_oa_location")
    venue = _string(_fields(first, "source"), "display_name") or _string(first, "raw_source_name")
    found: dict[str, int | str] = {
        "venue": text.cut(text.fold(venue), 200),
        "pdf": text.safe_link(_string(free, "pdf_url")),
    }
    if (cited := count(row.get("cited_by_count"))) is not None:
        found["citations"] = cited
    return {name: value for name, value in found.items() if value != ""}


def _places(row: dict[str, Any]) -> list[dict[str, Any]]:
    places = row.get("locations")
    return [
        _fields(row, "primary_location"),
        *(place for place in (places if isinstance(places, list) else []) if isinstance(place, dict)),
    ]


def _authors(authorships: object) -> Iterator[str]:
    for authorship in authorships if isinstance(authorships, list) else []:
        if isinstance(authorship, dict):
            name = _string(_fields(authorship, "author"), "display_name") or _string(authorship, "raw_author_name")
            if folded := text.cut(text.fold(name), 200):
                yield folded


def _topics(topic: dict[str, Any]) -> Iterator[str]:
    names = dict.fromkeys(text.fold(_string(level, "display_name")) for level in (topic, _fields(topic, "subfield")))
    return (text.cut(name, 200) for name in names if name)


def _dropped(row: dict[str, Any]) -> bool:
    return row.get("is_retracted") is True or _string(row, "type") in _NO_PAPERS


def _fields(fields: dict[str, Any], key: str) -> dict[str, Any]:
    value = fields.get(key)
    return value if isinstance(value, dict) else {}


def _string(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
