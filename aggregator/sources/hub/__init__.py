"""hub: new and trending models, datasets and Spaces of the Hugging Face Hub, by pipeline, tag or author.

The lists come without pages: an answer's next page stands in its Link header, so one answer of `limit` rows is all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from aggregator.errors import SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor, Entry
from aggregator.sources import Source
from aggregator.sources._sane import moment, parsed
from aggregator.sources.hub.rows import What, entry_of, rows_of
from aggregator.sources.hub.words import pipeline

_API = "https://huggingface.co/api"
_SORTS = {"trending": "trendingScore", "new": "createdAt"}
_SPACE_FIELDS = ("author", "cardData", "createdAt", "likes", "private", "sdk", "tags", "trendingScore")
"""What a Space is asked for by name: by itself the list leaves out its card, which holds all that it says of itself."""
_MAX_SEEN = 2000

Pipeline = Annotated[str, AfterValidator(pipeline)]
Tag = Annotated[str, StringConstraints(pattern=r"^[\w.:/+-]{1,100}$")]
Author = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,100}$")]


@dataclass(frozen=True, slots=True)
class _List:
    """One list of the Hub: its name for people, its name in the cursor, and its address."""

    name: str
    key: str
    url: str


class Hub(Source):
    """What trends or is new in one list per pipeline, tag and author, or on the whole Hub if none is named.

    A work that stands in several lists is one entry. With `sort` "trending", a work is news when it is first met in
    a list that was read before, however old it is; with "new", when it was created.
    """

    moves: ClassVar[bool] = True
    what: What = "models"
    pipelines: tuple[Pipeline, ...] = Field(default=(), max_length=30)
    tags: tuple[Tag, ...] = Field(default=(), max_length=30)
    authors: tuple[Author, ...] = Field(default=(), max_length=30)
    sort: Literal["trending", "new"] = "trending"
    limit: int = Field(default=100, ge=1, le=1000)
    min_likes: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _spaces_have_no_pipeline(self) -> "Hub":
        if self.what == "spaces" and self.pipelines:
            raise ValueError("Spaces belong to no pipeline; name tags or authors instead of pipelines")
        return self

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. Each list is asked on its own; a visit fails only if all of them do."""
        past = cursor or {}
        read = {str(key): str(newest) for key, newest in past.get("lists", {}).items()}
        seen = dict.fromkeys(past.get("seen", ()))
        found: dict[str, Entry] = {}
        errors: list[tuple[_List, SourceError]] = []
        gaps, empty = [], []
        lists = self._lists()
        after: dict[str, str] = {}
        for one in lists:
            try:
                rows = rows_of(fetcher.get(one.url, accept="application/json").body)
            except SourceError as error:
                errors.append((one, error))
                after |= {one.key: read[one.key]} if one.key in read else {}
                continue
            if not rows:
                empty.append(one.name)
            gaps += [f"{one.name}: {gap}"] if (gap := self._gap(rows, read.get(one.key), now)) else []
            after[one.key] = max(_created(rows, now), default=now).isoformat()
            trends = self.sort == "trending" and one.key in read
            for entry in self._entries(rows, now):
                late = trends and entry.key not in seen
                if late or entry.key not in found:
                    found[entry.key] = replace(entry, announced=now) if late else entry
        if len(errors) == len(lists):
            raise errors[0][1]
        missing = [f"{one.name}: {error}" for one, error in errors] + gaps
        kept = list(dict.fromkeys([*found, *seen]))[: max(_MAX_SEEN, len(found))] if self.sort == "trending" else []
        return Batch(
            entries=tuple(found.values()),
            cursor={"lists": after, "seen": kept},
            missing="; ".join(missing),
            note=f"the Hub has no {self.what} at all under {', '.join(empty)}; is it spelled right?" if empty else "",
        )

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The works of one list that have likes enough; private ones and rows without a name are left out."""
        return self._entries(rows_of(body), now)

    def _entries(self, rows: list[dict[str, Any]], now: datetime) -> list[Entry]:
        entries = (entry_of(row, self.what, now) for row in rows)
        liked = (entry for entry in entries if entry and int(entry.signals.get("likes", 0)) >= self.min_likes)
        return list({entry.key: entry for entry in liked}.values())

    def _gap(self, rows: list[dict[str, Any]], newest: str | None, now: datetime) -> str:
        """What is not known between this answer and the one before, of which `newest` was the newest row."""
        before = parsed(newest)
        full = self.sort == "new" and before is not None and len(rows) >= self.limit
        if not full or min(_created(rows, now), default=now) <= moment(before, now):
            return ""
        return f"more than {self.limit} were created since the visit before; raise the limit or lower every_hours"

    def _lists(self) -> list[_List]:
        asked = [self._list(f"the pipeline {name}", self._pipeline(name)) for name in self.pipelines]
        asked += [self._list(f"the tag {name}", {"filter": name}) for name in self.tags]
        asked += [self._list(f"the author {name}", {"author": name}) for name in self.authors]
        return list({one.key: one for one in asked}.values()) or [self._list("the whole Hub", {})]

    def _pipeline(self, name: str) -> dict[str, str]:
        return {"filter": f"task_categories:{name}"} if self.what == "datasets" else {"pipeline_tag": name}

    def _list(self, name: str, choice: Mapping[str, str]) -> _List:
        query = [*choice.items(), ("sort", _SORTS[self.sort]), ("direction", "-1"), ("limit", str(self.limit))]
        if self.what == "spaces":
            query += [("expand", field) for field in _SPACE_FIELDS]
        return _List(name, f"{self.what} {self.sort} {urlencode(choice)}", f"{_API}/{self.what}?{urlencode(query)}")


def _created(rows: list[dict[str, Any]], now: datetime) -> list[datetime]:
    return [moment(when, now) for row in rows if (when := parsed(row.get("createdAt")))]
