"""markup: HTML to readable plain text, in linear time whatever is put in; text to one line."""

import html
import re

# Control and format characters that can only do harm: C0 and C1 (line ends are taken out first), lone surrogates (no
# database stores them), overrides of the writing direction, soft hyphens, byte order marks, non-characters.
_HARMFUL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_LINE_END = re.compile("[\r\n\x0b\x0c\x85\u2028\u2029]+")
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*)(?>[^>\"']+|\"[^\"]*\"|'[^']*')*+>")
_TAG_TO_FIRST = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*)[^>]*>")
_TAG_START = re.compile(r"</?[a-zA-Z]|<[!?]")
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")

_TAG_CAP = 4096  # longer tags are taken up to their first ">": the price of never scanning a text twice
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        """address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption
        figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main menu nav ol optgroup option p pre
        section summary table tbody td tfoot th thead title tr ul""",
    )
)
_INLINE = frozenset(
    re.findall(
        r"\w+",
        """a abbr acronym applet area audio b base bdi bdo big button canvas cite code col colgroup data datalist del
        dfn em embed font frame frameset i iframe img input ins kbd label link map mark math meta meter noframes
        noscript object output param picture progress q rb rp rt ruby s samp script search select slot small source span
        strike strong style sub sup svg template textarea time track tt u var video wbr""",
    )
)
_SILENT = frozenset({"script", "style", "head", "iframe", "noscript", "svg", "math", "template", "title"})
_SILENT_END = {name: re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE) for name in _SILENT}


def plain(markup: str, limit: int = 64_000) -> str:
    """Readable text of HTML: one line per block, no tags, entities decoded, no scripts, styles or control characters.

    Only the first `limit` characters are looked at. Tags that HTML does not know ("<think>") are text. The result is
    text: it must be escaped before it is put into HTML.
    """
    pieces: list[str] = []
    markup = markup[:limit]
    at = 0
    while (start := _TAG_START.search(markup, at)) is not None:
        pieces.append(_decoded(markup[at : start.start()]))
        piece, at = _skip(markup, start.start())
        pieces.append(piece)
    pieces.append(_decoded(markup[at:]))
    lines = (fold(line) for line in _LINE_END.split("".join(pieces)))
    return "\n".join(line for line in lines if line)


def _skip(markup: str, at: int) -> tuple[str, int]:
    """What the tag, comment or declaration that begins at `at` is worth as text, and where it ends."""
    if markup.startswith("<!--", at):
        return " ", _after(markup, "-->", at + 4)
    if markup.startswith("<![CDATA[", at):
        end = _after(markup, "]]>", at)
        return _decoded(markup[at + 9 : end].removesuffix("]]>")), end
    if markup[at + 1] in "!?":
        return " ", _after(markup, ">", at)
    tag = _TAG.match(markup, at, at + _TAG_CAP) or _TAG_TO_FIRST.match(markup, at)
    if tag is None:  # no ">" in all that follows: "a <b" is text, and so is the rest
        return _decoded(markup[at:]), len(markup)
    name = tag[1].lower()
    if name in _SILENT and not tag[0].startswith("</") and not tag[0].endswith("/>"):
        closing = _SILENT_END[name].search(markup, tag.end())
        return "\n", closing.end() if closing else len(markup)
    return _worth(name, tag[0]), tag.end()


def _worth(name: str, tag: str) -> str:
    if name in _BLOCKS:
        return "\n"
    known = name in _INLINE or ":" in name or "-" in name or len(tag) > 80
    return "" if known else tag


def _after(markup: str, mark: str, at: int) -> int:
    found = markup.find(mark, at)
    return len(markup) if found < 0 else found + len(mark)


def _decoded(text: str) -> str:
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", text)) if "&" in text else text


def fold(text: str) -> str:
    """The text on one line: white space folded, control characters (Cc, Zl, Zp) and direction overrides removed."""
    return " ".join(_HARMFUL.sub("", _LINE_END.sub(" ", text)).split())
