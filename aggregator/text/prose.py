"""prose: what a machine wrote as plain words: no markup, no Markdown, no addresses."""

import re

from aggregator.text.markup import fold, plain

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
"""What models say to themselves before they answer."""

_LABELLED = re.compile(r"!?\[([^\[\]\n]{0,300})\](?:\([^()\n]{0,2000}\)|\[[^\[\]\n]{0,200}\])")
"""A link or picture of Markdown: its words are kept."""

_ADDRESS = re.compile(
    r"<?\b[a-z][a-z0-9+.-]{1,20}:(?://|(?<=mailto:)|(?<=javascript:)|(?<=data:)|(?<=tel:))[^\s<>]*>?|"
    r"\bwww\.[^\s<>]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+|"
    r"(?<![a-z0-9.-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?::\d+)?/[^\s<>]*|"
    r"(?<![a-z0-9.-])(?:[a-z0-9-]{1,63}\.){1,8}(?:com|org|net|info|biz|io|ai|app|dev|co|me|ru|cn|xyz|top|site|online|shop|club|link)\b",
    re.IGNORECASE,
)
"""What a mail program would make a link of."""

_SIGNS = re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+•]\s+|\d{1,2}[.)]\s+|```\w*\s*$)", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|__|\*|`)(?=\S)([^*_`\n]{1,400}?)(?<=\S)\1")


def prose(text: str, limit: int = 20_000) -> str:
    """One line of plain words; only the first `limit` characters are looked at. It must be escaped for HTML."""
    text = plain(_THOUGHT.sub(" ", text[:limit]))
    text = _SIGNS.sub("", _ADDRESS.sub(" ", _LABELLED.sub(r"\1", text)))
    text = fold(_EMPHASIS.sub(r"\2", text))
    return re.sub(r"\s+([.,;:!?)])", r"\1", re.sub(r"[(\[]\s*[)\]]", "", text)).strip()
