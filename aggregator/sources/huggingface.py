"""huggingface: the papers that people put on Hugging Face's daily list, with votes, code and project pages.

The raw JSON is read: the fields of huggingface_hub's PaperInfo miss those inside `paper`.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from aggregator import text
from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor, Entry, Window
from aggregator.sources import Source
from aggregator.sources._sane import count, moment, parsed, title_of

_URL = "https://huggingface.co/api/daily_papers"
_PAGE = 100
_MAX_PAGES = 50
_DAY = timedelta(days=1)
_FIRST_DAYS = timedelta(days=7)
_OPENED = date(2023, 5, 1)
_LONGEST_SUMMARY = 600
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class HuggingFace(Source):
    """The daily list, day by day; the last days again, because votes and late additions go on."""

    moves: ClassVar[bool] = True
    lookback_days: int = Field(default=7, ge=0, le=14)

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        """See Source.visit. A day that fails ends the visit; the next one begins there."""
        today = now.astimezone(UTC).date()
        start = min(date.fromisoformat(cursor["day"]), today) if cursor else today - _FIRST_DAYS
        day = start - self.lookback_days * _DAY if cursor else start
        first = day
        found: dict[str, Entry] = {}
        days: dict[date, int] = {}
        while day <= today:
            try:
                listed = self._pages(fetcher, f"date={day}", now, day)
            except SourceError as error:
                if day == today and isinstance(error, FetchError) and error.status == 400:
                    break  # the list of a day opens during that day
                if day == first:
                    raise
                missing = f"the days from {day} on: {error}"
                after = {"day": max(day, start).isoformat()}
                return Batch(entries=tuple(found.values()), cursor=after, missing=missing, days=days)
            found |= {entry.key: entry for entry in listed}
            days[day] = len(listed)
            day += _DAY
        return Batch(entries=tuple(found.values()), cursor={"day": today.isoformat()}, days=days)

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The papers of one page of the list; withdrawn ones and what is no arXiv paper are left out."""
        return [entry for row in _rows(body) if (entry := _entry(row, now, None))]

    def slices(self, window: Window) -> tuple[Window, ...]:
        """ISO weeks, clipped to the window and to the list's own beginning in May 2023."""
        weeks = []
        first = max(window.first, _OPENED)
        while first <= window.last:
            last = min(first + (6 - first.weekday()) * _DAY, window.last)
            weeks.append(Window(first, last))
            first = last + _DAY
        return tuple(weeks)

    def backfill(self, fetcher: Fetcher, piece: Window, window: Window, now: datetime) -> Batch:  # noqa: ARG002
        """See Source.backfill. The week's list is asked for, and the days of the piece are taken from it."""
        year, week, _ = piece.first.isocalendar()
        papers = self._pages(fetcher, f"week={year}-W{week:02}", now, piece.first)
        found = {p.key: p for p in papers if p.announced and piece.first <= p.announced.date() <= piece.last}
        return Batch(entries=tuple(found.values()), cursor={})

    def _pages(self, fetcher: Fetcher, which: str, now: datetime, day: date) -> list[Entry]:
        """All papers of one list. `day` stands in for rows that do not say when they were listed."""
        entries: list[Entry] = []
        seen: set[str] = set()
        for number in range(_MAX_PAGES):
            page = fetcher.get(f"{_URL}?{which}&limit={_PAGE}&p={number}", accept="application/json")
            rows = _rows(page.body)
            entries += [entry for row in rows if (entry := _entry(row, now, day))]
            names = {json.dumps(row.get("paper"), sort_keys=True) for row in rows if isinstance(row, dict)}
            if len(rows) < _PAGE or names <= seen:  # a server that knows no pages gives the first one for ever
                break
            seen |= names
        return entries


def _rows(body: bytes) -> list[Any]:
    """The JSON array of an answer; raises ParseError for anything else."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = text.cut(text.plain(body[:400].decode("utf-8", "replace")), 80)
        raise ParseError(f"Hugging Face answered 200 with something that is no JSON ({start!r})") from error
    if not isinstance(rows, list):
        said = rows.get("error") if isinstance(rows, dict) else None
        raise ParseError(f"Hugging Face answered 200 without a list of papers{f' ({said!s:.80})' if said else ''}")
    if rows and not any(isinstance(row, dict) and isinstance(row.get("paper"), dict) for row in rows):
        raise ParseError(f"Hugging Face answered with {len(rows)} rows, and none of them has a paper")
    return rows


def _entry(row: Any, now: datetime, day: date | None) -> Entry | None:
    paper = row.get("paper") if isinstance(row, dict) else None
    if not isinstance(paper, dict) or paper.get("withdrawnAt"):
        return None
    name = text.arxiv_id(_string(paper, "id"))
    if name is None:
        return None
    asked = datetime.combine(day, datetime.min.time(), UTC) if day else None
    announced = moment(parsed(paper.get("submittedOnDailyAt")) or asked, now)
    summary = text.fold(_string(paper, "summary") or _string(row, "summary"))
    return Entry(
        key=f"arxiv:{name}",
        kind="paper",
        title=title_of(_string(paper, "title") or _string(row, "title"), summary),
        url=f"https://arxiv.org/abs/{name}",
        published=moment(parsed(paper.get("publishedAt")) or announced, now),
        announced=announced,
        summary=summary,
        authors=tuple(_authors(paper.get("authors"))),
        signals=_signals(name, row, paper),
    )


def _signals(name: str, row: dict[str, Any], paper: dict[str, Any]) -> dict[str, int | str]:
    counts = {"upvotes": paper.get("upvotes"), "comments": row.get("numComments"), "stars": paper.get("githubStars")}
    signals: dict[str, int | str] = {key: n for key, value in counts.items() if (n := count(value)) is not None}
    code = _string(paper, "githubRepo")
    if _REPOSITORY.fullmatch(code):
        code = f"https://github.com/{code}"
    links = {
        "code": text.safe_link(code),
        "page": f"https://huggingface.co/papers/{name}",
        "project": text.safe_link(_string(paper, "projectPage")),
        "pdf": f"https://arxiv.org/pdf/{name}",
    }
    words = {"ai_summary": text.cut(text.fold(_string(paper, "ai_summary")), _LONGEST_SUMMARY)}
    return signals | {key: value for key, value in (links | words).items() if value}


def _authors(authors: object) -> Iterator[str]:
    for author in authors if isinstance(authors, list) else []:
        if isinstance(author, dict) and not author.get("hidden") and (name := text.fold(_string(author, "name"))):
            yield name


def _string(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
