"""Which features of HTML and CSS a letter uses, by the names of caniemail.com, and which mail programs lack them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.mailcheck import Declaration, Page, declarations

TABLE = Path(__file__).parent.parent.parent / "shared" / "data" / "caniemail.json"

CLIENTS = {
    "gmail": ("desktop-webmail", "mobile-webmail", "ios", "android"),
    "apple-mail": ("macos", "ios"),
    "outlook": ("windows", "outlook-com", "macos", "ios", "android"),
    "yahoo": ("desktop-webmail", "ios", "android"),
    "samsung-email": ("android",),
    "thunderbird": ("macos",),
    "protonmail": ("desktop-webmail", "ios", "android"),
}
"""The programs a letter is made for. The new Outlook for Windows is outlook-com; Thunderbird is tested on macOS."""

OF_OLD = frozenset({"html", "head", "title", "meta", "br", "b", "i", "em", "sub", "sup"})
"""Elements of HTML 2 and 3.2 that caniemail has no page for: every program shows them."""

ELEMENTS = {
    **dict.fromkeys(("table", "tbody", "thead", "tr", "td", "th"), "html-table"),
    **dict.fromkeys(("h1", "h2", "h3", "h4"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "li"), "html-lists"),
    **{tag: f"html-{tag}" for tag in ("abbr", "bdi", "blockquote", "body", "code", "div", "hr", "img", "p", "pre")},
    **{tag: f"html-{tag}" for tag in ("small", "span", "strong", "style", "wbr")},
    "a": "",
}
"""Elements of a letter, and their features; a link's features are those of its address."""

ATTRIBUTES = {
    **{name: f"html-{name}" for name in ("align", "cellpadding", "cellspacing", "dir", "height", "hidden", "lang")},
    **{name: f"html-{name}" for name in ("role", "target", "valign", "width", "aria-hidden", "aria-label")},
    **dict.fromkeys(("alt", "bgcolor", "border", "charset", "class", "colspan", "content", "href", "http-equiv"), ""),
    **dict.fromkeys(("id", "name", "rowspan", "scope", "src", "style", "title", "color", "type"), ""),
    **dict.fromkeys(("data-css-inline",), ""),
}
"""Attributes of a letter, and their features; "" where caniemail has no page, since HTML 3.2 had them."""

PROPERTIES = {
    **{name: f"css-{name}" for name in ("background", "background-color", "border-collapse", "border-radius")},
    **{
        name: f"css-{name}"
        for name in ("border-spacing", "box-sizing", "color-scheme", "direction", "font", "font-size")
    },
    **{name: f"css-{name}" for name in ("font-weight", "height", "hyphens", "letter-spacing", "line-height")},
    **{name: f"css-{name}" for name in ("list-style", "list-style-type", "margin", "max-height", "max-width")},
    **{name: f"css-{name}" for name in ("min-width", "overflow", "overflow-wrap", "padding", "table-layout")},
    **{
        name: f"css-{name}" for name in ("text-align", "text-decoration", "text-indent", "text-transform", "visibility")
    },
    **{name: f"css-{name}" for name in ("vertical-align", "white-space", "width", "word-break", "word-wrap")},
    **{
        f"{name}-{side}": f"css-{name}" for name in ("margin", "padding") for side in ("top", "right", "bottom", "left")
    },
    **dict.fromkeys(("border", "border-top", "border-right", "border-bottom", "border-left"), "css-border"),
    **dict.fromkeys(("border-color", "border-style", "border-width"), "css-border"),
    **{f"border-{side}-{what}": "css-border" for side in ("top", "left") for what in ("color", "style", "width")},
    "font-family": "css-font",
    "font-style": "css-font",
    "color": "",
    "mso-line-height-rule": "",
    "-webkit-text-size-adjust": "",
    "-ms-text-size-adjust": "",
    "text-size-adjust": "",
}
"""Properties of a letter, and their features; "" for CSS 1's, and for words to one program that no other minds."""

_DISPLAY = {"none": "css-display-none", "flex": "css-display-flex", "grid": "css-display-grid"}
_UNIT = re.compile(r"(?<![\w#])-?[\d.]+(px|em|rem|%|pt|vw|vh|ch)(?![\w-])")
_CALLS = {
    "var": "css-variables",
    "calc": "css-unit-calc",
    "rgb": "css-rgb",
    "rgba": "css-rgba",
    "min": "css-function-min",
}


def features(page: Page) -> dict[str, str]:
    """The features a letter uses, each with a place. AssertionError at what is not in the lists above."""
    found: dict[str, str] = {"html-doctype": "the first line"} if page.doctype else {}
    found |= {"html-comments": "a comment"} if page.comments else {}
    for slug, where in _found(page):
        if slug:
            found.setdefault(slug, where)
    return found


def _found(page: Page) -> Iterator[tuple[str, str]]:
    for node in page.root:
        if node.tag == "#document":
            continue
        assert node.tag in ELEMENTS or node.tag in OF_OLD, f"{node.where()}: not an element of letters"
        yield ELEMENTS.get(node.tag, ""), node.where()
        for name, value in node.attrs.items():
            assert name in ATTRIBUTES, f"{node.where()}: {name} is not an attribute of letters"
            yield ATTRIBUTES[name], f"{name} of {node.where()}"
            if name == "style":
                yield from _of_style(declarations(value), node.where())
        yield from _of_link(node.attrs.get("href", ""), node.where())
        if node.tag == "meta" and node.attrs.get("name") == "color-scheme":
            yield "html-meta-color-scheme", node.where()
    for rule in page.rules:
        yield from _of_style(rule.declarations, rule.selector)
        yield from _of_selector(rule.selector)
        if rule.media:
            yield "css-at-media", rule.media
            yield "css-at-media-prefers-color-scheme" if "prefers-color-scheme" in rule.media else "", rule.media
            assert re.fullmatch(
                r"(?:only )?(?:screen and )?\((?:max-width: ?\d+px|prefers-color-scheme: ?dark)\)", rule.media
            )


def _of_link(href: str, where: str) -> Iterator[tuple[str, str]]:
    if href.startswith("mailto:"):
        yield "html-mailto-links", where
    elif href.startswith("#"):
        yield "html-anchor-links", where


def _of_style(style: tuple[Declaration, ...], where: str) -> Iterator[tuple[str, str]]:
    for one in style:
        where_it_is = f"{one.name}: {one.value} at {where}"
        if one.name == "display":
            yield _DISPLAY.get(one.value, "css-display"), where_it_is
        else:
            assert one.name in PROPERTIES, f"{where_it_is}: not a property of letters"
            yield PROPERTIES[one.name], where_it_is
        if one.important:
            yield "css-important", where_it_is
        for unit in _UNIT.findall(one.value):
            yield f"css-unit-{'percent' if unit == '%' else unit}", where_it_is
        for call in re.findall(r"([a-z-]+)\(", one.value):
            assert call in _CALLS, f"{where_it_is}: {call}() is not for letters"
            yield _CALLS[call], where_it_is


def _of_selector(selector: str) -> Iterator[tuple[str, str]]:
    kinds = {
        "css-selector-class": r"\.",
        "css-selector-id": r"#",
        "css-selector-attribute": r"\[",
        "css-selector-type": r"(?<![\w.#\[:-])[a-z]",
        "css-selector-descendant": r"\S\s+(?![>+~ ])\S",
        "css-selector-child": r">",
        "css-selector-universal": r"\*",
    }
    yield from ((slug, selector) for slug, sign in kinds.items() if re.search(sign, selector))
    for pseudo in re.findall(r":([\w-]+)", selector):
        yield f"css-pseudo-class-{pseudo}", selector


@cache
def table() -> dict[str, dict[str, dict[str, str]]]:
    found = json.loads(TABLE.read_text(encoding="utf-8"))["features"]
    return {feature["slug"]: feature["support"] for feature in found}


def lacking(slug: str) -> dict[str, list[str]]:
    """The programs, by family, in which a feature is not wholly supported: "no", "in part" or "not known"."""
    words = {"n": "no", "a": "in part", "u": "not known"}
    support = table()[slug]
    found: dict[str, list[str]] = defaultdict(list)
    for family, platforms in CLIENTS.items():
        for platform in platforms:
            answer = support.get(family, {}).get(platform, "u")[0]
            if answer != "y":
                found[family].append(f"{platform}: {words[answer]}")
    return dict(found)
