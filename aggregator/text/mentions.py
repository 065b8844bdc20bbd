"""mentions: the papers that a text names, by link, arXiv id or DOI."""

import html
import re

from aggregator.text.links import key_of

_MAX = 200_000
_NAMED = re.compile(
    r"https?://[^\s\"'<>\\^`{|}]{4,500}|arxiv:\s?[a-z0-9][a-z0-9./-]{5,30}|doi:\s?10\.\d{4,9}/[^\s\"'<>]{1,200}",
    re.IGNORECASE,
)
_HINT = re.compile(r"arxiv|doi[.:]|/papers/|scirate", re.IGNORECASE)
"""What every link or name of a paper has in it."""

_END = ".,;:!?)]}*_"


def papers_in(markup: str, limit: int = 20) -> tuple[str, ...]:
    """The keys ("arxiv:…", "doi:…") of the first `limit` papers that a text or its HTML names, in order, each once.

    Links anywhere in it, and "arXiv:2501.01234" and "doi:10.…" in its words. Linear in the size of the input, of which
    200 000 characters are read.
    """
    found: dict[str, None] = {}
    markup = html.unescape(markup[:_MAX])
    for match in _NAMED.finditer(markup) if _HINT.search(markup) else ():
        if not _HINT.search(match[0]):
            continue
        key = key_of(match[0].rstrip(_END))
        if not key.startswith("url:"):
            found.setdefault(key)
            if len(found) == limit:
                break
    return tuple(found)
