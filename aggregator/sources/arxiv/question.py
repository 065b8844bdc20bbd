"""question: what is asked of arXiv's API, in its search language, checked before it is asked.

https://info.arxiv.org/help/api/user-manual.html#query_details
"""

import re
from collections.abc import Iterator, Sequence

from aggregator import text

FIELDS = ("ti", "au", "abs", "co", "jr", "cat", "rn", "id", "all", "submittedDate")
_OPERATORS = frozenset({"AND", "OR", "ANDNOT"})
_WORD = re.compile(r'\s*(?:([()])|((?:[^\s()":]+:)?(?:"[^"]*"|\[[^\]"]*\]|[^\s()":]*)))')
_RANGE = re.compile(r"\[\d{8,14}\s+TO\s+\d{8,14}\]")
_LONGEST = 1000


def question(categories: Sequence[str], authors: Sequence[str], query: str) -> str:
    """The papers of any of the categories; of these, or of all, those by one of the authors or that match the query."""
    where = [f"cat:{category}" for category in categories]
    which = [f'au:"{author}"' for author in authors]
    if query:
        which.append(f"({query})" if which or where else query)
    if not (where and which):
        return " OR ".join(where or which)
    return f"({' OR '.join(where)}) AND ({' OR '.join(which)})"


def checked_author(name: str) -> str:
    """The name on one line. Raises ValueError if the API could not be asked for it."""
    name = text.fold(name)
    if not 2 <= len(name) <= 100 or re.search(r'["()\[\]:\\*]', name):
        raise ValueError(f'{name[:100]!r} is no name; write it as on the paper, such as "Shinji Watanabe"')
    return name


def checked_query(query: str) -> str:
    """The query. Raises ValueError saying what is wrong with it, as far as that can be seen without asking."""
    query = query.strip()
    if not query.isprintable():
        raise ValueError("must be one line, without line breaks and other characters that cannot be printed")
    if len(query) > _LONGEST:
        raise ValueError(f"has {len(query)} characters; arXiv is asked for {_LONGEST} at most")
    if query.count('"') % 2:
        raise ValueError('has a quotation mark " without its partner')
    depth, before = 0, "("  # what stands before a term: "(", an operator, or "term"
    for word in _words(query):
        depth += (word == "(") - (word == ")")
        if depth < 0:
            raise ValueError("has a ) without its (")
        before = _next(before, word)
    if depth:
        raise ValueError("has a ( without its )")
    if before != "term" and query:
        raise ValueError(f"ends with {before}; something must follow it")
    return query


def _words(query: str) -> Iterator[str]:
    at = 0
    while at < len(query):
        match = _WORD.match(query, at)
        word = (match[1] or match[2]) if match else ""
        if not match or not word:
            raise ValueError(f"cannot be read from {query[at : at + 30].strip()!r} on")
        yield word
        at = match.end()


def _next(before: str, word: str) -> str:
    """What the word makes of the place it stands at. Raises ValueError if it does not belong there."""
    expects_term = before != "term"
    if word in _OPERATORS or word == ")":
        if expects_term:
            raise ValueError(f"has {word} where a term must stand" + ("" if before == "(" else f", after {before}"))
        return "term" if word == ")" else word
    if not expects_term:
        raise ValueError(
            f"has {word!r} right after another term; put words that belong together in quotes, and AND, OR or ANDNOT"
            " between terms"
        )
    if word != "(":
        _check_term(word)
    return "(" if word == "(" else "term"


def _check_term(word: str) -> None:
    field, colon, value = word.partition(":")
    if not colon:
        return
    if field not in FIELDS:
        raise ValueError(f"has the field {field!r}, which arXiv does not know; there are {', '.join(FIELDS)}")
    if not value.strip('" '):
        raise ValueError(f"has {field}: without a word after it; no blank may follow the colon")
    if (field == "submittedDate") != bool(_RANGE.fullmatch(value)):
        raise ValueError(
            f"has {word!r}; only submittedDate takes dates, as submittedDate:[202601010000 TO 202602010000]"
        )
