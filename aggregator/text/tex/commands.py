"""commands: what each command makes of what it is given; an unknown one gives its name or what it is given."""

import re
from collections.abc import Callable

from aggregator.text.tex.marks import EDGE, GONE, TIGHT, settled
from aggregator.text.tex.reader import Mode, Reader
from aggregator.text.tex.symbols import (
    ACCENTS,
    FUNCTIONS,
    HATS,
    LETTERS,
    OPENING,
    OPERATORS,
    SPECIALS,
    doubled,
    marked,
    raised,
    signs,
)

_WRAPPERS = frozenset(
    re.findall(
        r"\w+",
        """Bbb boldsymbol bm boxed emph ensuremath fbox hbox highlight hyperref mathbb mathbbm mathbf mathbin mathcal
        mathds mathfrak mathit mathop mathord mathrel mathrm mathscr mathsf mathtt mbox operatorname overbrace
        overleftarrow overrightarrow pmb smash so soul sout st substack texorpdfstring text textbf textit textmd
        textnormal textrm textsc textsf textsl textulc textup ul uline underbrace underline uppercase uwave""",
    )
)
"""Commands that change how their argument looks."""

_PROSE = frozenset(
    re.findall(r"\w+", "emph fbox hbox mbox text textbf textit textmd textnormal textrm textsc textsf textsl textup")
)
_CODE = frozenset(re.findall(r"\w+", "nolinkurl texttt url"))
_DOUBLED = frozenset(re.findall(r"\w+", "Bbb mathbb mathbbm mathds"))
_SECOND = frozenset(re.findall(r"\w+", "colorbox href hyperlink raisebox scalebox textcolor"))
"""Commands whose second argument is what is read; the first, if there is no second."""

_DROPPED = frozenset(
    re.findall(
        r"\w+",
        """autoref bibliography cite citealp citealt citeauthor citep citet citeyear color cref Cref eqref hphantom
        hspace includegraphics input label pagestyle phantom ref thanks usepackage vphantom vspace""",
    )
)
_SWITCHES = frozenset(
    re.findall(
        r"\w+",
        """bf bfseries big Big bigg Bigg biggl biggr bigl Bigl bigr Bigr centering displaystyle em footnotemark
        footnotesize hfill it itshape large Large left limits middle newline nolimits noindent nonumber par protect
        relax right rm sc scriptsize scriptstyle sf sl small textstyle tiny tt verb xspace""",
    )
)
_SIDES = frozenset(re.findall(r"\w+", "left middle right"))
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}


def command(reader: Reader, name: str, mode: Mode, before: str) -> str:
    """What a command gives, with marks; it reads its arguments."""
    if name in _HANDLERS:
        return _HANDLERS[name](reader, mode)
    if name in SPECIALS:
        return SPECIALS[name]
    if name in ACCENTS:
        return _accent(reader, name, mode)
    if name in FUNCTIONS:
        return f"{EDGE}{signs()[name]}{EDGE}"
    if name in signs():
        return _sign(reader, name, mode)
    return _unknown(reader, name, mode, before)


def _wrapper(name: str) -> Callable[[Reader, Mode], str]:
    def read(reader: Reader, mode: Mode) -> str:
        reader.option()
        inner = reader.argument("code" if name in _CODE else "prose" if name in _PROSE else mode)
        return "".join(map(doubled, inner)) if name in _DOUBLED else inner

    return read


def _second(reader: Reader, mode: Mode) -> str:
    reader.option()
    first = reader.argument("code")
    return reader.argument(mode) if reader.next() == "{" else first


def _dropped(reader: Reader, _mode: Mode) -> str:
    while reader.option():
        continue
    reader.argument("code")
    return GONE


def _switch(name: str) -> Callable[[Reader, Mode], str]:
    def read(reader: Reader, _mode: Mode) -> str:
        reader.skip_blanks()
        if name in _SIDES:
            reader.skip(".")
        return ""

    return read


def _fraction(reader: Reader, mode: Mode) -> str:
    above, below = (settled(reader.argument(mode)).strip() for _ in range(2))
    return f"{EDGE}{_whole(above)}/{_whole(below)}{EDGE}"


def _whole(part: str) -> str:
    """The part as it may stand beside a bar or behind a root: in parentheses if it is more than one name or number."""
    bare = part[1:-1] if part[:1] == "(" and part.find(")") == len(part) - 1 else part
    return part if bare != part or all(char.isalnum() or char in ".,_′√∞°" for char in part) else f"({part})"  # noqa: RUF001


def _root(reader: Reader, mode: Mode) -> str:
    kind = reader.option()
    inner = _whole(settled(reader.argument(mode)).strip())
    return f"{_ROOTS[kind]}{inner}" if kind in _ROOTS else f"{raised('^', kind)}√{inner}"


def _binomial(reader: Reader, mode: Mode) -> str:
    above, below = (settled(reader.argument(mode)).strip() for _ in range(2))
    return f"({above} choose {below})"


def _over(sign: str) -> Callable[[Reader, Mode], str]:
    def read(reader: Reader, mode: Mode) -> str:
        small, large = (settled(reader.argument(mode)).strip() for _ in range(2))
        return large + raised(sign, small)

    return read


def _script(sign: str) -> Callable[[Reader, Mode], str]:
    return lambda reader, mode: raised(sign, settled(reader.argument(mode)))


def _hat(name: str) -> Callable[[Reader, Mode], str]:
    def read(reader: Reader, mode: Mode) -> str:
        inner = settled(reader.argument(mode)).strip()
        return marked(inner, HATS[name]) if len(inner) == 1 else inner

    return read


def _arrow(arrow: str) -> Callable[[Reader, Mode], str]:
    def read(reader: Reader, mode: Mode) -> str:
        reader.option()
        inner = settled(reader.argument(mode)).strip()
        return f"{arrow}{raised('^', inner)} " if inner else arrow

    return read


def _footnote(reader: Reader, mode: Mode) -> str:
    reader.option()
    inner = settled(reader.argument(mode)).strip().rstrip(".")
    return f" ({inner})" if inner else GONE


def _number(reader: Reader, _mode: Mode) -> str:
    r"""MathJax's \unicode{x2013}."""
    digits = reader.argument("code").strip()
    try:
        found = chr(int(digits[1:], 16) if digits[:1] in {"x", "X"} else int(digits))
    except (ValueError, OverflowError):
        return digits
    return found if found.isprintable() else " "


def _environment(reader: Reader, _mode: Mode) -> str:
    if reader.argument("code").rstrip("*") in {"array", "tabular"} and reader.next() == "{":
        reader.argument("code")
    return " "


def _negated(reader: Reader, mode: Mode) -> str:
    return marked(settled(reader.argument(mode)), "\u0338")


def _modulus(reader: Reader, mode: Mode) -> str:
    return f" (mod {settled(reader.argument(mode)).strip()})"


def _accent(reader: Reader, name: str, mode: Mode) -> str:
    """A letter with its accent; a sign with a blank or a digit behind it is none, and stays what it is."""
    if not name.isalpha() and not (reader.next() in {"{", "\\"} or reader.next().isalpha()):
        return name
    base = settled(reader.argument(mode))
    if base[:1].isalpha():
        return marked(base, ACCENTS[name])
    return f"{name}{base}" if base else name


def _sign(reader: Reader, name: str, mode: Mode) -> str:
    if name in LETTERS or name in OPENING:
        reader.skip_blanks()
    sign = signs()[name]
    return TIGHT + sign if sign in OPERATORS and mode == "formula" else sign


def _unknown(reader: Reader, name: str, mode: Mode, before: str) -> str:
    r"""What it is given, if that is something, else its name; behind a letter it was no command but "and\or"."""
    if not name[:1].isalpha():
        return name
    if reader.next() == "{":
        inner = reader.argument(mode)
        return inner if inner.strip() else name
    return f"/{name}" if mode == "prose" and before[-1:].isalnum() else name


_HANDLERS: dict[str, Callable[[Reader, Mode], str]] = {
    **{name: _wrapper(name) for name in _WRAPPERS | _CODE},
    **dict.fromkeys(_SECOND, _second),
    **dict.fromkeys(_DROPPED, _dropped),
    **{name: _switch(name) for name in _SWITCHES},
    **dict.fromkeys(("frac", "tfrac", "dfrac", "cfrac", "nicefrac", "sfrac"), _fraction),
    **{name: _hat(name) for name in HATS},
    **dict.fromkeys(("begin", "end"), _environment),
    **dict.fromkeys(("footnote", "footnotetext"), _footnote),
    **dict.fromkeys(("binom", "tbinom", "dbinom"), _binomial),
    "overset": _over("^"),
    "stackrel": _over("^"),
    "underset": _over("_"),
    "textsuperscript": _script("^"),
    "textsubscript": _script("_"),
    "xrightarrow": _arrow("→"),
    "xleftarrow": _arrow("←"),
    "sqrt": _root,
    "unicode": _number,
    "not": _negated,
    "pmod": _modulus,
}
