"""What a rendered letter is held against: its elements, its styles as mail programs see them, its colours.

A small reader of HTML and CSS, enough for letters and strict where they must be: an element that is not closed, or a
rule that is not understood, is an error. Colours follow CSS's cascade (https://www.w3.org/TR/css-cascade-4/), contrast
WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
HIDDEN_TAGS = frozenset({"head", "style", "title", "meta"})


@dataclass(eq=False)
class Node:
    """An element; `children` are elements and texts in their order."""

    tag: str
    attrs: dict[str, str]
    line: int
    parent: "Node | None" = field(default=None, repr=False)
    children: "list[Node | str]" = field(default_factory=list, repr=False)

    def __iter__(self) -> "Iterator[Node]":
        """The element and all elements within it, in their order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child

    def all(self, *tags: str) -> "list[Node]":
        return [node for node in self if node.tag in tags]

    def text(self) -> str:
        pieces = (child if isinstance(child, str) else child.text() for child in self.children)
        return " ".join("".join(pieces).split())

    def own_text(self) -> str:
        return "".join(child for child in self.children if isinstance(child, str)).strip(" \n\t\xa0\u2007\u034f\u200c")

    def above(self) -> "Iterator[Node]":
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    @property
    def classes(self) -> set[str]:
        return set(self.attrs.get("class", "").split())

    def where(self) -> str:
        name = f"{self.tag}.{'.'.join(sorted(self.classes))}" if self.classes else self.tag
        return f"<{name}> in line {self.line} ({self.text()[:40]!r})"


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("#document", {}, 0)
        self.at = self.root
        self.doctype = ""
        self.comments: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs}, self.getpos()[0], self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"<{tag}/> is no void element"
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID, f"</{tag}> of a void element"
        assert self.at.tag == tag, f"</{tag}> in line {self.getpos()[0]} closes {self.at.where()}"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def unknown_decl(self, data: str) -> None:
        self.comments.append(f"[{data}]")


@dataclass(frozen=True)
class Page:
    """A letter's HTML, read."""

    source: str
    root: Node
    doctype: str
    comments: tuple[str, ...]

    @property
    def rules(self) -> "tuple[Rule, ...]":
        return tuple(rule for node in self.root.all("style") for rule in rules("".join(map(str, node.children))))

    @property
    def body(self) -> Node:
        return self.root.all("body")[0]


def read(html: str) -> Page:
    """The letter as a tree; AssertionError if elements are not nested, not closed, or have an attribute twice."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert builder.at is builder.root, f"not closed: {builder.at.where()}"
    return Page(html, builder.root, builder.doctype, tuple(builder.comments))


# Styles


@dataclass(frozen=True)
class Declaration:
    name: str
    value: str
    important: bool


@dataclass(frozen=True)
class Rule:
    """One selector of a style sheet with its declarations; `media` is "" outside of @media."""

    media: str
    selector: str
    declarations: tuple[Declaration, ...]


def declarations(style: str) -> tuple[Declaration, ...]:
    found = []
    for piece in filter(None, (piece.strip() for piece in re.split(r";(?![^(]*\))", style))):
        name, colon, value = piece.partition(":")
        assert colon, f"no declaration: {piece!r}"
        value, important, _ = value.strip().partition("!important")
        found.append(Declaration(name.strip().lower(), value.strip(), bool(important)))
    return tuple(found)


def rules(css: str) -> Iterator[Rule]:
    """The rules of a style sheet, those within @media too; AssertionError at any other at-rule."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    for prelude, block in _blocks(css):
        if prelude.startswith("@"):
            assert prelude.startswith("@media"), f"{prelude} is not for letters"
            for selectors, inner in _blocks(block):
                yield from _rules(prelude.removeprefix("@media").strip(), selectors, inner)
        else:
            yield from _rules("", prelude, block)


def _rules(media: str, selectors: str, block: str) -> Iterator[Rule]:
    found = declarations(block)
    for selector in selectors.split(","):
        yield Rule(media, " ".join(selector.split()), found)


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    start = at = 0
    while (opening := css.find("{", start)) >= 0:
        depth, at = 1, opening + 1
        while depth:
            assert at < len(css), f"a block is not closed: {css[start:opening].strip()!r}"
            depth += {"{": 1, "}": -1}.get(css[at], 0)
            at += 1
        yield css[start:opening].strip(), css[opening + 1 : at - 1]
        start = at
    assert not css[start:].strip(), f"no rule: {css[start:].strip()!r}"


_SIMPLE = re.compile(
    r"([a-zA-Z][a-zA-Z0-9]*|\*)|\.([\w-]+)|#([\w-]+)|\[([\w-]+)(?:([~|^$*]?)=\"?([^\"\]]*)\"?)?\]|(:[\w-]+)"
)
_AT_REST = frozenset({":link", ":root"})
"""Pseudo-classes that hold without a pointer over the element."""


def matches(node: Node, selector: str) -> bool:
    """Whether a selector of types, classes, ids, attributes, descendants and children selects the element."""
    parts = re.sub(r"\s*>\s*", " > ", selector).split()
    if not _simple_match(node, parts[-1]):
        return False
    rest, node_above = parts[:-1], node
    while rest:
        if rest[-1] == ">":
            wanted = rest[-2]
            parent = node_above.parent
            if parent is None or not _simple_match(parent, wanted):
                return False
            rest, node_above = rest[:-2], parent
        else:
            found = next((up for up in node_above.above() if _simple_match(up, rest[-1])), None)
            if found is None:
                return False
            rest, node_above = rest[:-1], found
    return True


def _simple_match(node: Node, compound: str) -> bool:
    assert _SIMPLE.sub("", compound) == "", f"the selector {compound!r} is not understood"
    for tag, name, identifier, attribute, sign, value, pseudo in _SIMPLE.findall(compound):
        held = (
            (tag in {"*", node.tag} if tag else True)
            and (name in node.classes if name else True)
            and (node.attrs.get("id") == identifier if identifier else True)
            and (_attribute_match(node, attribute, sign, value) if attribute else True)
            and (pseudo in _AT_REST if pseudo else True)
        )
        if not held:
            return False
    return True


def _attribute_match(node: Node, name: str, sign: str, value: str) -> bool:
    if name not in node.attrs:
        return False
    own = node.attrs[name]
    return (
        not value or {"": own == value, "~": value in own.split(), "^": own.startswith(value), "*": value in own}[sign]
    )


def _weight(selector: str) -> tuple[int, int, int]:
    found = _SIMPLE.findall(selector)
    return (
        sum(bool(part[2]) for part in found),
        sum(bool(part[1] or part[3] or part[6]) for part in found),
        sum(bool(part[0]) and part[0] != "*" for part in found),
    )


def styles(node: Node, page_rules: tuple[Rule, ...], media: Callable[[str], bool]) -> dict[str, str]:
    """The declared properties of an element after the cascade: `style` over rules, "!important" over both."""
    weighed: list[tuple[bool, bool, tuple[int, int, int], int, Declaration]] = []
    for order, rule in enumerate(page_rules):
        if (not rule.media or media(rule.media)) and matches(node, rule.selector):
            weighed += [(one.important, False, _weight(rule.selector), order, one) for one in rule.declarations]
    weighed += [(one.important, True, (0, 0, 0), 0, one) for one in declarations(node.attrs.get("style", ""))]
    return {one.name: one.value for *_, one in sorted(weighed, key=lambda found: found[:4])}


# Colours

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 1, in sRGB."""

_NAMES = {"black": "#000000", "white": "#ffffff", "canvastext": "#000000", "canvas": "#ffffff"}
LINK: Colour = (0, 0, 238 / 255)
"""What browsers give a link that has no colour of its own."""


def colour(value: str) -> Colour | None:
    """The colour of a CSS value; None for "transparent" and "inherit"; AssertionError for what is not understood."""
    value = value.strip().lower()
    if value in {"transparent", "inherit", "initial", "none", "currentcolor", ""}:
        return None
    value = _NAMES.get(value, value)
    if match := re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", value):
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        return _triple([int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)])
    match = re.fullmatch(r"rgb\((\d+)[, ]+(\d+)[, ]+(\d+)\)", value)
    assert match, f"the colour {value!r} is not understood"
    return _triple([int(part) / 255 for part in match.groups()])


def _triple(parts: list[float]) -> Colour:
    red, green, blue = parts
    return red, green, blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def luminance(one: Colour) -> float:
    red, green, blue = map(_linear, one)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _lightness(one: Colour) -> float:
    """CIE L*, 0 to 100."""
    part = luminance(one)
    return 116 * part ** (1 / 3) - 16 if part > 216 / 24389 else part * 24389 / 27


def _with_lightness(one: Colour, lightness: float) -> Colour:
    """The colour made lighter or darker, its hue kept, by mixing with white or black until it has that L*."""
    end = 1.0 if lightness > _lightness(one) else 0.0
    low, high = 0.0, 1.0
    for _ in range(24):
        share = (low + high) / 2
        mixed = _triple([part + (end - part) * share for part in one])
        enough = _lightness(mixed) >= lightness if end else _lightness(mixed) <= lightness
        low, high = (low, share) if enough else (share, high)
    return mixed


def _negative(one: Colour, *, is_text: bool) -> Colour:
    """Every channel turned round, as a negative."""
    return _triple([1 - part for part in one])


def _light_turned(one: Colour, *, is_text: bool) -> Colour:
    """Lightness turned round with its hue kept, down to a dark grey: Gmail on iOS, Outlook on Windows."""
    return _with_lightness(one, 100 - 0.9 * _lightness(one))


def _only_what_is_bright(one: Colour, *, is_text: bool) -> Colour:
    """Bright backgrounds become dark and dark texts bright, the rest stays: Outlook.com, Gmail on Android."""
    light = _lightness(one)
    return _light_turned(one, is_text=is_text) if (light < 60 if is_text else light > 50) else one


INVERSIONS: dict[str, Callable[..., Colour]] = {
    "negative": _negative,
    "lightness": _light_turned,
    "partial": _only_what_is_bright,
}
"""What mail programs do to a letter in a dark room without asking it."""


def media_light(query: str) -> bool:
    return not re.search(r"dark|hover|print|motion", query)


def media_dark(query: str) -> bool:
    return not re.search(r"prefers-color-scheme:\s*light|hover|print|motion", query)


@dataclass(frozen=True)
class Seen:
    """A text with its colours: where it stands, how large it is in px, how bold."""

    node: Node
    text: Colour
    ground: Colour
    size: float
    bold: bool

    @property
    def ratio(self) -> float:
        return contrast(self.text, self.ground)


def seen(page: Page, media: Callable[[str], bool]) -> Iterator[Seen]:
    """Every text of the letter with its colour and the background behind it, hidden ones left out."""
    start = _State((0, 0, 0), (1, 1, 1), 16, bold=False)
    yield from _seen(page.root, page.rules, media, start)


@dataclass(frozen=True)
class _State:
    text: Colour
    ground: Colour
    size: float
    bold: bool


def _seen(node: Node, page_rules: tuple[Rule, ...], media: Callable[[str], bool], above: _State) -> Iterator[Seen]:
    own = styles(node, page_rules, media)
    if node.tag in HIDDEN_TAGS or own.get("display") == "none" or own.get("visibility") == "hidden":
        return
    assert float(own.get("opacity", 1)) == 1, f"{node.where()} is transparent"
    state = _state(node, own, above)
    if node.own_text() and state.size > 2:
        yield Seen(node, state.text, state.ground, state.size, state.bold)
    for child in node.children:
        if isinstance(child, Node):
            yield from _seen(child, page_rules, media, state)


def _state(node: Node, own: dict[str, str], above: _State) -> _State:
    background = own.get("background-color") or own.get("background") or node.attrs.get("bgcolor", "")
    text = own.get("color") or node.attrs.get("color", "")
    default = LINK if node.tag == "a" and "href" in node.attrs and text != "inherit" else above.text
    weight = own.get("font-weight", "")
    bold = weight in {"bold", "600", "700", "800"} if weight else node.tag in {"b", "strong", "h1", "h2", "h3", "th"}
    return _State(
        text=colour(text) or default,
        ground=colour(background.split()[0] if background else "") or above.ground,
        size=_pixels(own.get("font-size", ""), above.size),
        bold=bold or (not weight and above.bold),
    )


def _pixels(value: str, above: float) -> float:
    if match := re.fullmatch(r"([\d.]+)(px|em|%|)", value):
        number = float(match[1])
        return {"px": number, "": number, "em": number * above, "%": number * above / 100}[match[2]]
    assert value == "", f"the font size {value!r} is not understood"
    return above
