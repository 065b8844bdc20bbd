"""symbols: what the commands of TeX mean in Unicode: signs by name, accents, raised and lowered letters."""

# ruff: noqa: RUF001, RUF002 - the signs are meant

import re
import string
import unicodedata
from functools import cache

_OURS = {
    "argmax": "arg max", "argmin": "arg min", "bmod": "mod", "bot": "⊥", "Box": "□", "bullet": "•", "cf": "cf.",
    "checkmark": "✓", "cmark": "✓", "colon": ":", "coloneqq": "≔", "copyright": "©", "cross": "×", "dag": "†",
    "ddag": "‡", "ddagger": "‡", "deg": "°", "degree": "°", "DH": "Ð", "Eg": "E.g.", "eg": "e.g.", "etal": "et al.",
    "etc": "etc.", "euro": "€", "gets": "←", "gt": ">", "Ie": "I.e.", "ie": "i.e.", "iff": "⟺", "Im": "ℑ",
    "implies": "⟹", "item": " • ", "land": "∧", "LaTeX": "LaTeX", "lbrack": "[", "lor": "∨", "lt": "<", "lvert": "|",
    "mid": " | ", "ne": "≠", "neg": "¬", "P": "¶", "pounds": "£", "Pr": "Pr", "prime": "′", "qquad": " ", "quad": " ",
    "rbrack": "]", "Re": "ℜ", "S": "§", "space": " ", "TeX": "TeX", "textasciicircum": "^", "textasciitilde": "~",
    "textbackslash": "\\", "textbar": "|", "textgreater": ">", "textless": "<", "textperiodcentered": "·",
    "textunderscore": "_", "thinspace": " ", "triangle": "△", "upmu": "µ", "vs": "vs.", "wrt": "w.r.t.", "xmark": "✗",
}  # fmt: skip
"""Where pylatexenc has nothing, nothing but TeX, or what reads worse."""

FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        """arccos arcsin arctan arg argmax argmin bmod cos cosh cot coth csc det dim exp gcd hom inf ker lg lim liminf
        limsup ln log max min mod Pr sec sin sinh softmax sup tan tanh""",
    )
)
"""Names that stand in a formula as words, with a blank on either side."""

LETTERS = frozenset(re.findall(r"\w+", "ae AE aa AA dh DH dj DJ i j ij IJ l L ng NG o O oe OE ss th TH"))
r"""Commands that are letters within a word; the blank behind them is none: "S\o ren"."""

OPENING = frozenset(
    re.findall(
        r"\w+", "Delta exists forall langle lceil lfloor lVert lvert nabla partial textquotedblleft textquoteleft"
    )
)
"""Commands that stand close to what follows them."""

ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "b": "\u0331", "c": "\u0327", "d": "\u0323", "H": "\u030b", "k": "\u0328", "r": "\u030a", "t": "\u0361",
    "u": "\u0306", "v": "\u030c",
}  # fmt: skip
"""The combining marks of the accents of prose."""

HATS = {
    "acute": "\u0301", "bar": "\u0304", "breve": "\u0306", "check": "\u030c", "ddot": "\u0308", "dot": "\u0307",
    "grave": "\u0300", "hat": "\u0302", "mathring": "\u030a", "overline": "\u0304", "tilde": "\u0303", "vec": "\u20d7",
    "widehat": "\u0302", "widetilde": "\u0303",
}  # fmt: skip
"""The combining marks of the accents of formulas; over more than one letter none can be read."""

SPECIALS = {
    "%": "%", "&": "&", "#": "#", "_": "_", "$": "$", "{": "{", "}": "}", ",": " ", ";": " ", ":": " ", ">": " ",
    " ": " ", "\\": " ", "!": "", "-": "", "/": "", "@": "", "|": "‖", "(": "(", ")": ")", "[": "[", "]": "]",
}  # fmt: skip
"""A backslash and one sign that is no accent."""

_UP = (
    "0123456789+-−=()aαbcβdδeεfgγhijklmnoprstθuvφwxyzχABDEGHIJKLMNOPRTUVW*′°†⊤ ",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵅᵇᶜᵝᵈᵟᵉᵋᶠᵍᵞʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᶿᵘᵛᵠʷˣʸᶻᵡᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ*′°†ᵀ ",
)
_DOWN = (
    "0123456789+-−=()aehijklmnoprstuvxβγρφϕχ ",
    "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵩᵪ ",
)
RAISED = {"^": dict(zip(*_UP, strict=True)), "_": dict(zip(*_DOWN, strict=True))}
"""The superscripts and subscripts that Unicode has; no blank is one."""

OPERATORS = frozenset("×·∘±∓÷⊕⊗⊙∪∩∖∧∨=≠<>≤≥≪≫≈∼≃≅≡∝∈∉⊂⊆⊃⊇→←↔⇒⇐⇔↦⟹⟺⟶≔")
r"""Signs between two others: "64\times 64" has no blank on the right, as it has none on the left."""


@cache
def signs() -> dict[str, str]:
    """The signs by the names of their commands: pylatexenc's table, and ours over it."""
    from pylatexenc import latex2text

    known = latex2text.get_default_latex_context_db()
    found: dict[str, str] = {}
    for macro in known.iter_macro_specs(known.categories()):
        sign = macro.simplify_repl
        if isinstance(sign, str) and "%" not in sign and "<" not in sign and 0 < len(sign) <= len(macro.macroname):
            found.setdefault(macro.macroname, sign)
    found.pop("today", None)
    return found | {name: name for name in FUNCTIONS} | _OURS


@cache
def doubled(letter: str) -> str:
    r"""The letter as in \mathbb: "R" is "ℝ"; the letter itself if there is none."""
    kind = "DIGIT" if letter.isdigit() else "SMALL" if letter.islower() else "CAPITAL"
    name = unicodedata.name(letter, "").rpartition(" ")[2]
    if letter not in string.ascii_letters + string.digits:
        return letter
    for start in ("DOUBLE-STRUCK", "MATHEMATICAL DOUBLE-STRUCK"):
        try:
            return unicodedata.lookup(f"{start} {kind} {name}")
        except KeyError:
            continue
    return letter


def marked(base: str, mark: str) -> str:
    """The first letter of `base` with a combining mark, as one character where there is one, and the rest."""
    first = {"ı": "i", "ȷ": "j"}.get(base[:1], base[:1])  # dotless, as TeX wants it below accents
    return unicodedata.normalize("NFC", first + mark) + base[1:]


def raised(sign: str, inner: str) -> str:
    """`inner` as superscript ("^") or subscript ("_"): in Unicode if it has it, else behind the sign.

    Words of more than three letters stay as they are, "x_test": lowered they would be hard to read. What is more than
    one name or number stands in parentheses.
    """
    inner = inner.strip()
    if inner in {"∘", "°"} and sign == "^":
        return "°"
    if inner in {"", "st", "nd", "rd", "th"}:
        return inner
    table = RAISED[sign]
    tight = inner.replace(" ", "") if len(inner) < 12 else inner
    small = tight[1:-1] if tight[0] == "(" and tight[-1] == ")" else tight
    if sum(map(str.isalpha, small)) <= 3 and "(" not in small and all(char in table for char in tight):
        return "".join(table[char] for char in tight)
    return f"{sign}{inner}" if len(inner) == 1 or (inner.isalnum() and inner.isascii()) else f"{sign}({inner})"
