"""marks: dashes, quotes and blanks, once all is read; the marks that say where they belong."""

import re

GONE, EDGE, TIGHT, APART = "\x03", "\x04", "\x05", "\x06"
"""What only lives between reading and finishing: something left out; the edge of a word; an operator; nothing, but so
that two signs do not become one. No text from outside has them: fold() takes them out."""

_TIGHT = re.compile(r"(?<!\s)\x05(.) +")

_Rules = tuple[tuple[re.Pattern[str], str], ...]

_QUOTES: _Rules = (
    (re.compile(r'(?<!\S)"([^"“”`]{1,80}?)\'\''), r"“\1”"),
    (re.compile(r'``([^"“”`]{1,80}?)"'), r"“\1”"),
    (re.compile(r"``|(?<![^\s(\[])''(?=[\w<])"), "“"),
    (re.compile(r"''"), "”"),
    (re.compile(r"(?<!\S)--(?=[a-z])"), f"-{APART}-"),  # an option of a command line: no dash
    (re.compile(r"---"), "—"),
    (re.compile(r"--"), "–"),
)
_BLANKS: _Rules = (
    (re.compile(r"(?<=[\w)\]}°′…])\x04+(?=[\w√∛])|(?<=\))\x04+(?=\()"), " "),  # noqa: RUF001 - the signs are meant
    (re.compile(r" \x03(?=[\s.,;:!?)\]]|\Z)|\x03|[\x04-\x06]"), ""),
)

_MOJIBAKE = {"âĂŹ": "’", "âĂŸ": "‘", "âĂĲ": "“", "âĂİ": "”", "âĂŞ": "–", "âĂŤ": "—", "âĂę": "…"}  # noqa: RUF001
"""UTF-8 that was read as TeX's own encoding (Cork, T1) and stands so in abstracts."""


def finished(text: str) -> str:
    """The text with dashes and quotes as they are meant, and without marks."""
    for pattern, replacement in _QUOTES:
        text = pattern.sub(replacement, text)
    text = settled(text)
    if "âĂ" in text:
        for wrong, right in _MOJIBAKE.items():
            text = text.replace(wrong, right)
    return text


def tight(formula: str) -> str:
    """The formula with no blank behind an operator that has none in front."""
    return _TIGHT.sub(r"\1", formula).replace(TIGHT, "")


def settled(text: str) -> str:
    """The text with blanks where the marks want them, and without marks."""
    for pattern, replacement in _BLANKS:
        text = pattern.sub(replacement, text)
    return text
