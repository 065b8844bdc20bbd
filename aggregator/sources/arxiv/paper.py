"""paper: one result of arXiv's API as an entry."""

import re
from dataclasses import dataclass
from datetime import datetime

import arxiv

from aggregator import text
from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.sources._arxiv import categories, dois, signals
from aggregator.sources._sane import moment, title_of

_VERSION = re.compile(r"v(\d{1,3})$")


@dataclass(frozen=True, slots=True)
class Paper:
    """A result of the API: the paper's id without version, the version, and the rest as the package reads it."""

    id: str
    version: int
    result: arxiv.Result

    @classmethod
    def of(cls, result: arxiv.Result) -> "Paper":
        """Raises ParseError if the id is none of arXiv."""
        name = text.arxiv_id(result.entry_id)
        if name is None:
            raise ParseError(f"arXiv answered with an entry whose id {result.entry_id[:80]!r} is none of arXiv")
        version = _VERSION.search(result.entry_id)
        return cls(name, int(version[1]) if version else 1, result)

    @property
    def updated(self) -> datetime:
        """When this version was submitted."""
        when: datetime = self.result.updated
        return when

    def entry(self, now: datetime, since: datetime) -> Entry:
        """The paper as an entry. A new version is news only of a paper that came out at or after `since`."""
        result = self.result
        published = moment(result.published, now)
        summary = text.fold(result.summary)
        authors = (text.fold(author.name) for author in result.authors)
        return Entry(
            key=f"arxiv:{self.id}",
            kind="paper",
            title=title_of(result.title, summary),
            url=f"https://arxiv.org/abs/{self.id}",
            published=published,
            news=self.version == 1 or published >= since,
            summary=summary,
            authors=tuple(author for author in authors if author),
            categories=categories((result.primary_category or "", *result.categories)),
            signals=signals(self.id, self.version, result.comment or "", result.journal_ref or ""),
            aliases=dois(result.doi or ""),
        )
