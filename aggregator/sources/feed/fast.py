"""fast: a feed without the parts on which feedparser spends time that grows with the square of their length.

They are names and tags that no person wrote, and blanks before the root. What is left reads as before. Feeds in UTF-16
stay as they are: those that are hostile are ended by their worker's limits.
"""

import re

_MOST_TAGS = 100
_MOST_KEYWORDS = 5000
_MOST_LETTERS = 300
_ROOT = re.compile(rb"<\w")
_BLANKS = re.compile(rb"(?<!\s)\s{100,}")
_BRACKETS = re.compile(rb"<{100,}+")
_TAG = re.compile(
    rb"<(?:[\w-]+:)?(?:category|subject)(?:\s[^<>]*+)?>(?:(?<=/>)|(?:<!\[CDATA\[)?[^<]*+</[\w:-]++\s*+>)\s*+"
)
_LONG = re.compile(rb"<[^<]{1000,}+")
_KEYWORDS = re.compile(rb"<(?:[\w-]+:)?keywords(?:\s[^<>]*)?>", re.IGNORECASE)
_NAME = re.compile(rb"<(?:[\w-]+:)?(?:author|creator|managingEditor|webMaster|publisher)(?:\s[^<>]*)?>", re.IGNORECASE)
_RUN = re.compile(rb"[\w.+-]++")


def thinned(body: bytes) -> bytes:
    """The feed without the 101st tag in a row and on, runs of 300 and more letters in names, and rows of blanks."""
    root = _ROOT.search(body)
    start = root.start() if root else 0
    head, rest = _BLANKS.sub(b"\n", body[:start]), body[start:]
    if b"<" * 100 in rest:
        rest = _BRACKETS.sub(b"<", rest)
    if rest.count(b"category") + rest.count(b"subject") > _MOST_TAGS:
        rest = _first_tags(rest)
    return head + _LONG.sub(_without_runs, rest)


def _first_tags(body: bytes) -> bytes:
    """Each tag is compared with all before it. Runs are counted here: Python 3.11.2 misreads "(?:tag){100,}+"."""
    kept, copied, row, end = [], 0, 0, -1
    for tag in _TAG.finditer(body):
        row = row + 1 if tag.start() == end else 1
        end = tag.end()
        if row > _MOST_TAGS:
            kept.append(body[copied : tag.start()])
            copied = end
    return b"".join(kept) + body[copied:]


def _without_runs(found: re.Match[bytes]) -> bytes:
    """The element and its text; in a name, a mail address is looked for at every letter, each time to the run's end."""
    long = found[0]
    begun = found.string[max(0, found.start() - 600) : found.start()] if long.startswith(b"<![CDATA[") else b""
    opened = begun[begun.rfind(b"<") :].rstrip() + long[:600]
    if _NAME.match(opened):
        return _RUN.sub(lambda run: run[0] if len(run[0]) < _MOST_LETTERS else b"", long)
    end = long.rfind(b",", 0, _MOST_KEYWORDS)
    return long[:end] if _KEYWORDS.match(opened) and len(long) > _MOST_KEYWORDS and end > 600 else long
