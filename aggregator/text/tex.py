"""tex: TeX in titles and abstracts to Unicode, by pylatexenc; what it cannot convert stays readable."""

import logging
import re
from functools import cache
from typing import Any

from pylatexenc import latex2text, latexwalker, macrospec

from aggregator.text.markup import fold

# pylatexenc logs what it recovers from, and abstracts are full of that.
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)

# Pandoc's rule for dollars: no blank inside the first, none inside the last, and no digit after it. "$5 million and
# $6" has no formula. https://pandoc.org/MANUAL.html#extension-tex_math_dollars. What holds a command needs no rule.
_FORMULA = re.compile(
    r"\$\$(?=\S)(?P<display>(?:[^$\\]|\\.){1,2000}?)\$\$"
    r"|(?<!\\)\$\s?(?=[\\^_({a-zA-Z])(?P<sure>[^$]{0,1000}?(?:\\[a-zA-Z%]|[\^_])[^$]{0,1000}?)(?<!\\)\$"
    r"|(?<!\\)\$(?=[^\s$])(?P<inline>(?:[^$\\]|\\.){0,1000}?(?:[^\s$\\]|\\.))\$(?!\d)"
    r"|\\\((?P<round>.{1,1000}?)\\\)|\\\[(?P<square>.{1,2000}?)\\\]",
    re.DOTALL,
)
_RAISED = re.compile(r"([_^])(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\d|\\circ\b|\\prime\b))")
_SUPER = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")  # noqa: RUF001 - the signs are meant
_SUB = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")  # noqa: RUF001 - the signs are meant
_SHIFTABLE = {"^": re.compile(r"[-+−]?[\d()n]+|i"), "_": re.compile(r"[-+−]?[\d()]+")}  # noqa: RUF001
_COMPOUND = re.compile(r"[\s/+−,]|(?<=.)-|\\(?:times|cdot|pm)\b")  # noqa: RUF001
_FUNCTION = re.compile(r"(?<=[\w)\]}])\\(?=(?:log|ln|exp|min|max|sin|cos|tanh|arg|det|lim|sup|inf|mod|dim|ker)\b)")
_TIE = re.compile(r"(?<=[A-Za-z.,)\]}])~(?=[\w$\\(\[{])|(?<=\d)~(?=[A-Za-zµμΩ$\\({])")
_PLAIN_BRACES = re.compile(r"\{([\w.:+-]+(?: [\w.:+-]+)*)\}")
_SPACED = re.compile(r"(\\(?!(?:frac|sqrt|left|right|[bB]igg?[lr]?)\b)[a-zA-Z]+)(?=\s+[^\s{])")
_TILDE = re.compile(r"(?<!\\)~")
_SPECIAL = re.compile(r"(?<!\\)[$%&#]")
_OPTION = re.compile(r"(?<!\S)--(?=[a-z])")  # of a command line: no dash
_MARKS = (("---", "—"), ("--", "–"), ("\0", "--"), ("``", "“"), ("''", "”"))
_MARKUP = re.compile(r"\\(?:text\w+|math\w+|emph|em|bf|it)\b\s*")
_MAX_DEPTH = 12

_ONE = (
    *("texttt", "mathbf", "boldsymbol", "bm", "mathcal", "mathsf", "mathtt", "mathscr", "mathit"),
    *("url", "uline", "textsuperscript", "operatorname"),
)
_TWO = ("href", "textcolor", "colorbox", "hyperref")
_SWITCHES = (
    *("em", "bf", "it", "tt", "sc", "rm", "sf", "sl", "bfseries", "itshape", "small", "large"),
    *("displaystyle", "limits", "nolimits", "left", "right"),
)
_GONE = ("label", "cite", "citep", "citet", "ref", "thanks", "vspace", "hspace", "color")


def unicode(tex: str) -> str:
    r"""The text with its TeX in Unicode: "$O(n\log n)$" is "O(n log n)", "{\"o}" is "ö", "CO$_2$" is "CO₂".

    White space is folded. Dollars that enclose no formula, per cent signs and unknown commands stay readable.
    """
    pieces: list[str] = []
    at = 0
    for match in _FORMULA.finditer(tex):
        pieces.append(_prose(tex[at : match.start()]))
        pieces.append(_formula(next(group for group in match.groups() if group is not None)))
        at = match.end()
    pieces.append(_prose(tex[at:]))
    return fold("".join(pieces))


def _prose(text: str) -> str:
    text = _TIE.sub(" ", text)
    if "\\" in text:
        text = _converted(_TILDE.sub(r"\\textasciitilde{}", _SPECIAL.sub(r"\\\g<0>", _OPTION.sub(r"-{}-", text))))
    elif "{" in text:
        text = _PLAIN_BRACES.sub(r"\1", text)
    if "--" in text or "``" in text or "''" in text:
        text = _OPTION.sub("\0", text)
        for tex, mark in _MARKS:
            text = text.replace(tex, mark)
    return text


def _formula(tex: str) -> str:
    text = _FUNCTION.sub(r" \\", _RAISED.sub(_raised, _SPECIAL.sub(r"\\\g<0>", tex)))
    text = _SPACED.sub(r"\1{}", text)  # pylatexenc drops the blank after a command, as TeX does
    return _converted(text) if "\\" in text or "{" in text else text


def _raised(match: re.Match[str]) -> str:
    """A super- or subscript: in Unicode if it is a number, in parentheses if it is an expression."""
    sign, braced, single = match.groups()
    inner = (braced if braced is not None else single).strip()
    if inner == "\\circ" and sign == "^":
        return "°"
    if inner == "\\prime" and sign == "^":
        return "′"  # noqa: RUF001 - the sign is meant
    if _SHIFTABLE[sign].fullmatch(inner):
        return inner.translate(_SUPER if sign == "^" else _SUB)
    if inner in {"st", "nd", "rd", "th"}:
        return inner
    if not inner:
        return ""
    return f"{sign}({inner})" if _COMPOUND.search(inner) else f"{sign}{{{inner}}}"


def _converted(tex: str) -> str:
    """What pylatexenc makes of it; where it cannot, the source without its backslashes and braces."""
    if _sound(tex):
        try:
            return str(_converter().latex_to_text(tex))
        except Exception:  # noqa: BLE001 - it raises nearly anything on odd input, and the source can be read
            logging.getLogger(__name__).debug("tex not converted: %.80r", tex)
    return re.sub(r"[{}]", "", re.sub(r"\\([a-zA-Z]+|.)", r"\1", _MARKUP.sub("", tex)))


def _sound(tex: str) -> bool:
    """Whether braces match and are not nested beyond what a title needs; pylatexenc loses text otherwise."""
    depth = 0
    for brace in re.findall(r"\\.|[{}]", tex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if not 0 <= depth <= _MAX_DEPTH:
            return False
    return depth == 0


@cache
def _converter() -> Any:
    walker = latexwalker.get_default_latex_context_db()
    specs = [macrospec.std_macro(name, False, 1) for name in (*_ONE, *_GONE)]  # noqa: FBT003 - no optional argument
    specs += [macrospec.std_macro(name, False, 2) for name in _TWO]  # noqa: FBT003
    walker.add_context_category("abstracts", prepend=True, macros=specs)
    texts = latex2text.get_default_latex_context_db()
    rules = [latex2text.MacroTextSpec(name, "%s") for name in _ONE]
    rules += [latex2text.MacroTextSpec(name, "%(2)s") for name in _TWO]
    rules += [latex2text.MacroTextSpec(name, discard=True) for name in (*_GONE, *_SWITCHES)]
    texts.add_context_category("abstracts", prepend=True, macros=rules)
    texts.set_unknown_macro_spec(latex2text.MacroTextSpec("", simplify_repl=_unknown))
    converter = latex2text.LatexNodes2Text(
        latex_context=texts, math_mode="text", keep_comments=True, strict_latex_spaces="except-in-equations"
    )
    return _Reader(converter, walker)


def _unknown(node: Any, l2tobj: Any) -> str:
    """An unknown command: what it is given, if it is given something, else its name, which can be read."""
    given = [arg for arg in (node.nodeargd.argnlist if node.nodeargd else None) or [] if arg is not None]
    if given:
        return str(l2tobj.nodelist_to_text(given))
    source, end = node.parsing_state.s, node.pos + node.len
    return "" if re.match(r"\{[^}]", source[end : end + 2]) else f"{node.macroname}{node.macro_post_space}"


class _Reader:
    """pylatexenc's two halves, the parser and the writer, with our tables in both."""

    def __init__(self, writer: Any, walker_context: Any) -> None:
        self._writer = writer
        self._context = walker_context

    def latex_to_text(self, tex: str) -> str:
        walker = latexwalker.LatexWalker(tex, latex_context=self._context, tolerant_parsing=True)
        return str(self._writer.nodelist_to_text(walker.get_latex_nodes()[0]))
