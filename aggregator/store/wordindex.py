"""wordindex: how words are looked up: FTS5 of SQLite, tsvector of PostgreSQL; both are made in 0005_search.py.

What a reader typed is never read as an expression of either: each term is quoted, and cut to words by the index itself.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, column, func, literal_column, or_, select
from sqlmodel import col

from aggregator import tables

OPEN, CLOSE = "\x02", "\x03"
"""What stands around a word that was found, in an excerpt."""

_ENDINGS = ("", "e", "er", "ers", "ed", "es", "ing", "ation", "ations", "ion", "al", "able", "ment", "ity", "ive", "y")
_CONFIGURATION: ColumnElement[Any] = literal_column("'entry_words'::regconfig")

_EXCERPT = 40
"""Words in an excerpt."""

_Scored: TypeAlias = Select[int, Any]


class Term(NamedTuple):
    """A word or a phrase; `prefix`: its last word only begins so."""

    text: str
    prefix: bool = False


class Index(Protocol):
    """One way to look up words; entries are named by their ids."""

    def having(self, terms: Sequence[Term]) -> ColumnElement[bool]:
        """Whether an entry has one of the terms."""

    def titled(self, phrase: str) -> ColumnElement[bool]:
        """Whether an entry has the phrase in its title."""

    def written_by(self, names: Sequence[str]) -> ColumnElement[bool]:
        """Whether an entry's authors have all of these names, a single letter standing for any name it begins."""

    def scored(self, terms: Sequence[Term]) -> tuple[_Scored, ColumnElement[int]]:
        """The entries that have one of the terms with a score, the better the greater; and the column of their ids."""

    def excerpts(self, terms: Sequence[Term], ids: Sequence[int]) -> _Scored:
        """For those of the entries that have one of the terms, a piece of the abstract, between OPEN and CLOSE."""


class Fts5:
    """See Index. The score is BM25 (Robertson & Zaragoza, 2009) with a word in the title counted twice."""

    _words = sqlalchemy.table("entry_words", column("rowid", sqlalchemy.Integer))

    def having(self, terms: Sequence[Term]) -> ColumnElement[bool]:
        """See Index."""
        return self._among(_expression(terms))

    def titled(self, phrase: str) -> ColumnElement[bool]:
        """See Index."""
        return self._among(f"{{title}} : {_expression([Term(phrase)])}")

    def written_by(self, names: Sequence[str]) -> ColumnElement[bool]:
        """See Index."""
        every = " AND ".join(_expression([Term(name, prefix=len(name) == 1)]) for name in names)
        return self._among(f"{{authors}} : ({every})")

    def scored(self, terms: Sequence[Term]) -> tuple[_Scored, ColumnElement[int]]:
        """See Index."""
        rowid = self._words.c.rowid
        score = literal_column("-bm25(entry_words, 2.0, 1.0, 1.0)", sqlalchemy.Float).label("score")
        return select(rowid, score).where(self._match(_expression(terms))), rowid

    def excerpts(self, terms: Sequence[Term], ids: Sequence[int]) -> _Scored:
        """See Index."""
        piece = literal_column(f"snippet(entry_words, 1, char(2), char(3), '…', {_EXCERPT})", sqlalchemy.String)
        rowid = self._words.c.rowid
        return select(rowid, piece.label("piece")).where(self._match(_expression(terms)), rowid.in_(ids))

    def _among(self, expression: str) -> ColumnElement[bool]:
        return col(tables.Entry.id).in_(select(self._words.c.rowid).where(self._match(expression)))

    @staticmethod
    def _match(expression: str) -> ColumnElement[bool]:
        return literal_column("entry_words").op("MATCH", is_comparison=True)(expression)


class Tsvector:
    """See Index. The score is the density of the terms, `ts_rank_cd`, less in a long text."""

    _words = sqlalchemy.table("entry_words", column("entry_id", sqlalchemy.Integer), column("words"))

    def having(self, terms: Sequence[Term]) -> ColumnElement[bool]:
        """See Index."""
        return self._among(_query(terms))

    def titled(self, phrase: str) -> ColumnElement[bool]:
        """See Index."""
        title = func.to_tsvector(_CONFIGURATION, func.entry_words_plain(col(tables.Entry.title)))
        return and_(self.having([Term(phrase)]), title.op("@@", is_comparison=True)(_query([Term(phrase)])))

    def written_by(self, names: Sequence[str]) -> ColumnElement[bool]:
        """See Index."""
        every = " & ".join(f"'{name}':{'*' if len(name) == 1 else ''}B" for name in names)
        return self._among(func.to_tsquery(_CONFIGURATION, every))

    def scored(self, terms: Sequence[Term]) -> tuple[_Scored, ColumnElement[int]]:
        """See Index."""
        query, entry_id = _query(terms), self._words.c.entry_id
        score = func.ts_rank_cd(literal_column("'{0.1, 0.1, 0.1, 0.2}'::float4[]"), self._words.c.words, query, 1)
        return select(entry_id, score.label("score")).where(self._match(query)), entry_id

    def excerpts(self, terms: Sequence[Term], ids: Sequence[int]) -> _Scored:
        """See Index."""
        entry = tables.Entry
        options = f"StartSel={OPEN}, StopSel={CLOSE}, MaxWords={_EXCERPT}, MinWords={_EXCERPT // 2}"
        piece = func.ts_headline(_CONFIGURATION, col(entry.summary), _query(terms), options)
        return select(col(entry.id), piece.label("piece")).where(self.having(terms), col(entry.id).in_(ids))

    def _among(self, query: ColumnElement[Any]) -> ColumnElement[bool]:
        return col(tables.Entry.id).in_(select(self._words.c.entry_id).where(self._match(query)))

    def _match(self, query: ColumnElement[Any]) -> ColumnElement[bool]:
        return self._words.c.words.op("@@", is_comparison=True)(query)


def conditions(index: Index, phrases: Sequence[str], prefixes: Sequence[str]) -> list[ColumnElement[bool]]:
    """That an entry has each of the phrases, and for each of the prefixes a word that begins so."""
    return [*(index.having([Term(phrase)]) for phrase in phrases), *(_begun(index, prefix) for prefix in prefixes)]


def terms_of(words: Sequence[str], phrases: Sequence[str], prefixes: Sequence[str]) -> list[Term]:
    """What an entry is scored by: every word, phrase and prefix, this also with the endings that stemming takes off."""
    ended = [Term(prefix + ending) for prefix in prefixes for ending in _ENDINGS]
    return [*map(Term, (*words, *phrases)), *(Term(prefix, prefix=True) for prefix in prefixes), *ended]


def names_in(text: str) -> list[str]:
    """The words in a text, in lower case and without accents; [] if it has neither letters nor digits."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def _begun(index: Index, prefix: str) -> ColumnElement[bool]:
    """The index holds stems: "tokenizer" is there as "token", which does not begin with "tokeniz"; the text does."""
    entry = tables.Entry
    written = [col(text).icontains(prefix, autoescape=True) for text in (entry.title, entry.summary)]
    stemmed = index.having([Term(prefix + ending) for ending in _ENDINGS])
    return or_(index.having([Term(prefix, prefix=True)]), and_(stemmed, or_(*written)))


def _expression(terms: Sequence[Term]) -> str:
    """The terms in the language of FTS5 (https://sqlite.org/fts5.html#full_text_query_syntax)."""
    return " OR ".join('"' + term.text.replace('"', " ") + '"' + "*" * term.prefix for term in terms)


def _query(terms: Sequence[Term]) -> ColumnElement[Any]:
    """The terms as a tsquery."""
    parts: list[ColumnElement[Any]] = []
    for term in terms:
        if term.prefix:
            *before, last = names_in(term.text) or [""]
            begun = " <-> ".join([*(f"'{word}'" for word in before), f"'{last}':*"])
            parts.append(func.to_tsquery("simple", begun))
        else:
            parts.append(func.phraseto_tsquery(_CONFIGURATION, func.entry_words_plain(term.text)))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.op("||")(part)
    return whole
