"""dollars: which dollar signs enclose a formula, which are money, and which are left over."""

import re

OPEN, CLOSE = "\x01", "\x02"
"""What stands for the signs that enclose a formula."""

_SIGN = re.compile(r"\\.|[${}]", re.DOTALL)
_DISPLAY = re.compile(r"(?<!\\)\$\$([^$]{1,2000})\$\$")
_COMMAND = re.compile(r"\\[a-zA-Z%,;!{]|[\^_]")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}")
_STARTS = re.compile(r"\s?[\\^_({\[|<>=+\-a-zA-Z]")
_OPERATOR = re.compile(r"\s?[<>=+\-/*≤≥±×≈∼]{1,2}\s?")  # noqa: RUF001 - the signs are meant
_BARE_END = re.compile(r"[\w)\]}|%!'*+.…°]\Z")
_AMOUNT_AFTER = re.compile(r"\s?[\d.]|[A-Z_]{2,}\b")
_AMOUNT_BEFORE = re.compile(r"(?:\d|\b(?:US|AU|CA|HK|NZ|NT|SG|A|C|R|S))\Z")
_CLOSING = {"\\(": "\\)", "\\[": "\\]"}
_LONGEST = 2000
_FARTHEST = 8


def enclosed(tex: str) -> str:
    r"""The text with OPEN and CLOSE for the signs around formulas ($, $$, \(, \[), and without signs left over.

    Pandoc's rule: no blank inside the first dollar, none inside the last, and no digit after it, so that "$5 million
    and $6" has no formula (https://pandoc.org/MANUAL.html#extension-tex_math_dollars). What holds a command needs no
    such rule. Dollars within braces belong to each other. A dollar that stands at an amount or within a name stays.
    """
    tex = _DISPLAY.sub(r"\\[\1\\]", tex)
    places = _places(tex)
    pieces: list[str] = []
    at = 0
    closing: list[int] = []
    for number, (start, end, _) in enumerate(places):
        pieces.append(tex[at:start])
        at = end
        if closing and closing[-1] == number:
            closing.pop()
            pieces.append(CLOSE)
            continue
        partner = _partner(tex, places, number, closing[-1] if closing else len(places))
        if partner is not None:
            closing.append(partner)
            pieces.append(OPEN)
        elif tex[start] == "\\":
            pieces.append(tex[start + 1])
        elif not closing and _kept(tex, start, end):
            pieces.append("$")
    pieces.append(tex[at:])
    return "".join(pieces)


_Place = tuple[int, int, int]
"""Where a sign begins and ends, and how many braces are open there."""


def _places(tex: str) -> list[_Place]:
    found = []
    depth = 0
    for match in _SIGN.finditer(tex):
        sign = match[0]
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth = max(depth - 1, 0)
        elif sign[0] == "$" or sign[-1] in "()[]":
            found.append((match.start(), match.end(), depth))
    return found


def _partner(tex: str, places: list[_Place], number: int, limit: int) -> int | None:
    """The place that closes the formula which begins at this place, before the place `limit`."""
    start, end, depth = places[number]
    sign = tex[start:end]
    wanted = _CLOSING.get(sign, sign)
    if wanted in {"\\)", "\\]"} and sign == wanted:
        return None
    for other in range(number + 1, min(number + 1 + _FARTHEST, limit)):
        begin, stop, level = places[other]
        if begin - end > _LONGEST or level < depth:
            return None
        if level == depth and tex[begin:stop] == wanted:
            return other if wanted != "$" or _is_formula(tex, start, begin) else None
    return None


def _is_formula(tex: str, start: int, stop: int) -> bool:
    """Whether what stands between the dollars at `start` and at `stop` is one."""
    content, after = tex[start + 1 : stop], tex[stop + 1 : stop + 2]
    if not content.strip() or _OPERATOR.fullmatch(content):
        return bool(content.strip())
    has_command = bool(_COMMAND.search(content))
    if has_command and (_STARTS.match(content) or not _WORD.search(content)):
        return True
    if content[0].isspace() or content[-1].isspace() or after.isdigit():
        return False
    return has_command or not _is_prose(content, tex[max(start - 4, 0) : start], after)


def _is_prose(content: str, before: str, after: str) -> bool:
    """Whether a content without commands is words between two dollars: of two amounts, or within two names."""
    if content[0].isdigit() and " " in content and _AMOUNT_BEFORE.search(before):
        return True
    if before[-1:].isalpha() and after.isalpha() and len(content) > 3:
        return True
    return not _BARE_END.search(content)


def _kept(tex: str, start: int, end: int) -> bool:
    """Whether a dollar that encloses nothing is meant as one: "$5", "90$", "US$", "Ke$ha", or alone."""
    before, after = tex[max(start - 4, 0) : start], tex[end : end + 12]
    if _AMOUNT_AFTER.match(after) or _AMOUNT_BEFORE.search(before):
        return True
    if before[-1:].isalpha() and after[:1].isalpha():
        return True
    return not before[-1:].strip() and not after[:1].strip()
