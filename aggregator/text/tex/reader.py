"""reader: reads TeX sign by sign, once, with no way back; never fails, whatever is unbalanced."""

import re
from collections.abc import Callable
from typing import Literal

from aggregator.text.tex.dollars import CLOSE, OPEN
from aggregator.text.tex.marks import APART, EDGE, settled, tight
from aggregator.text.tex.symbols import raised

Mode = Literal["prose", "formula", "code"]

_TOKEN = re.compile(
    r"\\[a-zA-Z]+(?:\*(?=\{))?|\\.|[{}~^_\x01\x02\\]|https?://[^\s\\{}^\x01\x02]+|(?:(?!https?://)[^\\{}~^_\x01\x02])+",
    re.DOTALL,
)
_WORDS = re.compile(r"[\w.:+-]+(?: [\w.:+-]+)*")
_TWINS = re.compile(r"(?<=[-`'])(?=[-`'])")
_INNER_BLANKS = re.compile(r"(?<=[(\[]) +| +(?=[)\]])")
_DEEPEST = 30


class Reader:
    """A text and a place in it. `command` says what a command makes of this reader, its name, the mode, what is before.

    In the mode "prose" dashes, quotes and ties are TeX's, in "formula" "^" and "_" as well, in "code" none of them.
    """

    def __init__(self, tex: str, command: "Callable[[Reader, str, Mode, str], str]") -> None:
        self._tokens: list[str] = _TOKEN.findall(tex)
        self._at = 0
        self._depth = 0
        self._is_tex = "\\" in tex or OPEN in tex
        self._command = command

    def read(self) -> str:
        """All of the text, with marks."""
        return self._group("", "prose")

    def argument(self, mode: Mode) -> str:
        """What a command is given: a group, a command or a sign; "" at the end of a group."""
        self.skip_blanks()
        sign = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if sign in {"", "}", CLOSE} or self._depth > _DEEPEST:
            return ""
        if sign != OPEN and sign[0] not in "{\\":
            self.skip(sign[0])
            return sign[0]
        self._at += 1
        self._depth += 1
        inner = self._group("}", mode) if sign == "{" else self._one(sign, mode, "")
        self._depth -= 1
        return inner

    def option(self) -> str:
        """What stands in brackets behind a command; "" if nothing does."""
        if self.next() != "[":
            return ""
        inner, bracket, rest = self._tokens[self._at][1:].partition("]")
        if not bracket:
            return ""
        self._tokens[self._at] = rest
        self._at += not rest
        return inner

    def next(self) -> str:
        """The character that comes next; "" at the end."""
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def skip_blanks(self) -> None:
        """Goes on to what is not blank."""
        if self.next() == " ":
            self._tokens[self._at] = self._tokens[self._at].lstrip()
            self._at += not self._tokens[self._at]

    def skip(self, char: str) -> None:
        """Goes on behind the character, if it comes next."""
        if self.next() == char:
            self._tokens[self._at] = self._tokens[self._at][1:]
            self._at += not self._tokens[self._at]

    def _group(self, stop: str, mode: Mode) -> str:
        """What comes before the sign `stop`, which is skipped; CLOSE ends whatever is open within its formula."""
        self._depth += 1
        out: list[str] = []
        while self._at < len(self._tokens):
            sign = self._tokens[self._at]
            if sign == CLOSE and stop == "}":
                break
            self._at += 1
            if sign == stop:
                break
            if sign == "{":
                out.append(self._braced(mode))
            elif sign in "^_" and mode == "formula":
                self._raise(sign, out)
            else:
                out.append(self._one(sign, mode, out[-1] if out else ""))
        self._depth -= 1
        return "".join(out)

    def _braced(self, mode: Mode) -> str:
        """A group in braces; the braces stay where they are a set in plain prose, "{a, b}"."""
        if self._depth > _DEEPEST:
            return ""
        inner = self._group("}", mode) or (APART if mode == "prose" else "")
        return inner if self._is_tex or _WORDS.fullmatch(inner) else f"{{{inner}}}"

    def _one(self, sign: str, mode: Mode, before: str) -> str:
        if sign[0] == "\\":
            return self._command(self, sign[1:].rstrip("*"), mode, before)
        if sign == OPEN:
            return self._formula()
        if sign in {"}", CLOSE}:
            return sign if sign == "}" and not self._is_tex else ""
        if sign == "~":
            return self._tie(mode, before)
        if mode == "formula":
            return sign.replace("''", "″").replace("'", "′").replace("&", " ")  # noqa: RUF001 - primes are meant
        return _TWINS.sub(APART, sign) if mode == "code" or sign.startswith("http") else sign

    def _formula(self) -> str:
        if self._depth > _DEEPEST:
            return ""
        return _INNER_BLANKS.sub("", tight(self._group(CLOSE, "formula").strip()))

    def _tie(self, mode: Mode, before: str) -> str:
        """A blank that keeps its neighbours together; but "~50" is about fifty, and "/~me" somebody's page."""
        last, after = before[-1:], self.next() or " "
        if mode == "formula":
            return " "
        if not last:
            return " " if after in {"\\", OPEN} else "~"
        if after.isspace():
            return "" if last.isalnum() else "~"
        if last.isspace() or last in "/-–=([{<" or (after.isdigit() and (last.isdigit() or last == "%")):
            return "~"
        return " "

    def _raise(self, sign: str, out: list[str]) -> None:
        """Puts a superscript or subscript behind what there is, before the blank that a function wants."""
        inner = settled(self.argument("formula"))
        edge = EDGE if out and out[-1].endswith(EDGE) else ""
        if edge:
            out[-1] = out[-1][:-1]
        out.append(raised(sign, inner) + edge)
