"""mending: undoes what other programs did to the TeX: doubled backslashes, line ends and quotes with a backslash."""

import re

from aggregator.text.tex.symbols import signs

_APOSTROPHE = re.compile(r"(?<=\w)\\'(?=(?:s|t|re|ve|ll|d|m)?(?![\w{\\]))")
_QUOTED = re.compile(r'(?<![a-zA-Z])\\"(\w[^"\\]{0,200})\\"(?![a-zA-Z{])')
_DOUBLED = re.compile(r"\\\\(?:[a-zA-Z]+\s?[{}_^$]|[$%&#_]|[\"'`^~][a-zA-Z{])")
_SINGLE = re.compile(r"(?<!\\)\\(?:\\\\)*(?!\\)")
_LINE_END = re.compile(
    r"\\r(?=\\n)|\\n(?![a-zA-Z{])|(?:\\n(?=([A-Z][a-z]*)\b(?!\{))|(?<=[\w.,:;!?)])\\n(?=([a-z]+)(?!\{)))"
)
_COMMANDS = frozenset({"newline", "nicefrac", "nolimits", "nolinkurl", "nonumber", "not"})


def mended(tex: str) -> str:
    r"""The text as it was written: "model\'s" is "model's", "\\alpha" "\alpha" where all backslashes are doubled."""
    if _DOUBLED.search(tex) and not _SINGLE.search(tex):
        tex = tex.replace("\\\\", "\\")
    tex = _APOSTROPHE.sub("'", _QUOTED.sub(r'"\1"', tex))
    return _LINE_END.sub(_blank_or_command, tex)


def _blank_or_command(match: re.Match[str]) -> str:
    name = f"n{match[1] or match[2] or ''}"
    return match[0] if name in _COMMANDS or name in signs() else " "
