"""A letter in every mail program: what it uses against caniemail.com, its colours, its structure.

The lists here stand alone; where ../shared/data/caniemail.json is, every feature is looked up there as well: it is
supported, or it is in DEGRADES with what a reader sees instead.
"""

import re
from email import message_from_bytes, policy
from itertools import pairwise

import pytest

from tests import clients, mailcheck
from tests.lettered import KINDS, SENDER, TO, at_home, letters, on_the_web
from tests.letters import NOW, full
from tests.mailcheck import Node, Page, contrast, declarations, media_dark, media_light, read

table = pytest.mark.skipif(not clients.TABLE.exists(), reason=f"caniemail's table is not in {clients.TABLE}")

EVERY = frozenset(clients.CLIENTS)
_WORD = frozenset({"outlook"})
"""Outlook on Windows draws with Word."""

DEGRADES: dict[str, tuple[frozenset[str], str]] = {
    "html-doctype": (EVERY, "without it browsers are in quirks mode; tables with sizes of their own look the same"),
    "html-body": (EVERY, "becomes a <div>; ground and colour are also on the table within, and no margin is needed"),
    "html-lang": (frozenset({"yahoo"}), "only lost on table cells, where a letter has none"),
    "html-dir": (frozenset({"gmail", "outlook"}), "right-to-left titles keep their order and stand at the left edge"),
    "html-role": (frozenset({"yahoo"}), "kept on <table>, the only element that has it here"),
    "html-width": (_WORD, "wrong on images only; a letter has none"),
    "html-align": (frozenset({"outlook", "protonmail"}), "left and right are ignored on tables; only center is used"),
    "html-mailto-links": (frozenset({"yahoo", "protonmail"}), "cc and bcc are lost; there is neither"),
    "html-meta-color-scheme": (EVERY, "the letter stays light, or is inverted: both are readable, as tested below"),
    "html-style": (frozenset({"gmail", "outlook", "protonmail"}), "only @media is there, all else is in the elements"),
    "css-at-media": (EVERY, "the letter keeps its desktop look, which fits 375 px too, and its light colours"),
    "css-at-media-prefers-color-scheme": (EVERY, "the letter stays light, or is inverted: both are readable"),
    "css-selector-class": (frozenset({"gmail", "protonmail"}), "used within @media only"),
    "css-selector-type": (frozenset({"gmail", "protonmail"}), "used within @media only"),
    "css-important": (frozenset({"gmail", "outlook", "yahoo", "protonmail"}), "used within @media only, in lower case"),
    "css-margin": (frozenset({"gmail", "outlook", "yahoo"}), "lost where negative or auto; none is"),
    "css-padding": (_WORD, "lost on what is no table cell; only cells have it"),
    "css-max-width": (_WORD, "only kept on tables; a conditional comment gives Outlook a table of 600 px"),
    "css-max-height": (_WORD, "a second lock on the hidden preheader; display: none holds it there"),
    "css-overflow": (EVERY, "a second lock on the hidden preheader"),
    "css-display-none": (frozenset({"gmail", "outlook"}), "the preheader would be a line in the colour of the ground"),
    "css-display": (frozenset({"gmail", "outlook", "yahoo"}), "block and inline-block are known; used in @media only"),
    "css-font-size": (frozenset({"outlook", "yahoo", "samsung-email"}), "rem and per cent are lost; all sizes are px"),
    "css-font-weight": (frozenset({"outlook", "yahoo"}), "numbers are lost; only normal and bold are used"),
    "css-line-height": (_WORD, "Word takes px as least height, so lines are a little higher"),
    "css-letter-spacing": (_WORD, "wrong if negative or in em; it is 1px or none"),
    "css-text-transform": (_WORD, "lowercase is lost; only uppercase and none are used"),
    "css-text-decoration": (frozenset({"gmail", "outlook", "protonmail"}), "titles are underlined, as links may be"),
    "css-border": (_WORD, "lost above 8 px and on paragraphs; lines of 1 and 3 px on tables and cells"),
    "css-width": (_WORD, "lost on what is no table or cell; used in @media, which Word does not read"),
    "css-table-layout": (frozenset({"gmail", "outlook", "thunderbird"}), "bars have widths in per cent, which hold"),
    "css-white-space": (frozenset({"gmail", "outlook", "yahoo", "samsung-email"}), "a figure may break into two lines"),
    "css-word-break": (EVERY - {"thunderbird"}, "a word of 60 letters may widen the letter; names are cut above that"),
}
"""What some program lacks, in which families, and what a reader of it sees instead."""


@pytest.fixture(params=KINDS)
def page(request: pytest.FixtureRequest) -> Page:
    return read(letters()[request.param])


# --- what it uses --------------------------------------------------------------------------------------------------


def test_only_elements_attributes_and_properties_of_letters_are_used(page: Page) -> None:
    assert len(clients.features(page)) > 20


@table
def test_every_feature_is_supported_or_degrades_gracefully(page: Page) -> None:
    for slug, where in clients.features(page).items():
        lacking = clients.lacking(slug)
        families, reason = DEGRADES.get(slug, (frozenset(), ""))
        unknown = {family: found for family, found in lacking.items() if family not in families}
        assert not unknown, f"{slug}, used by {where}: {unknown}; say in DEGRADES what is seen there, or leave it out"
        assert not lacking or len(reason) > 12


@table
def test_every_feature_has_a_page_and_every_degradation_a_need() -> None:
    assert set(DEGRADES) <= set(clients.table())
    used = set().union(*(clients.features(read(html)) for html in letters().values()))
    assert used <= set(clients.table())
    assert set(DEGRADES) - {slug for slug in used if clients.lacking(slug)} == set()


CELLS = frozenset({"td", "th"})
VALUES = {
    "display": r"none|block|inline-block",
    "font-size": r"0|\d+px",
    "font-weight": r"normal|bold",
    "line-height": r"\d+px",
    "letter-spacing": r"0|1px",
    "margin": r"\d.*",
    "text-align": r"left|right|center",
    "text-decoration": r"none|underline",
    "text-transform": r"none|uppercase",
    "border.*": r"0|[1-8]px solid #[0-9a-f]{6}|#[0-9a-f]{6}",
    "width": r"auto|\d+(px|%)",
}
"""What the reasons above rest on: the values that every program that knows the property takes."""


def test_values_are_those_that_the_reasons_rest_on(page: Page) -> None:
    styles = [(node, one) for node in page.root for one in declarations(node.attrs.get("style", ""))]
    for node, one in styles:
        assert not one.important, node.where()
        where = f"{one.name}: {one.value} on {node.where()}"
        for name, value in VALUES.items():
            assert not re.fullmatch(name, one.name) or re.fullmatch(value, one.value), where
        if one.name.startswith("padding") and one.value != "0":
            assert node.tag in CELLS, where
        if one.name.startswith("border") and one.value != "0":
            assert node.tag in CELLS | {"table"}, where
        if one.name in {"width", "height", "max-width"}:
            assert node.tag in CELLS | {"table"}, where
        assert not one.name.startswith("margin") or not re.search(r"-\d|auto", one.value), where
    for rule in page.rules:
        assert rule.media, f"{rule.selector} is no rule for @media, and is lost where <style> is"
        assert all(one.important for one in rule.declarations), f"{rule.selector} in {rule.media} loses to the elements"


def test_style_sheets_are_small_and_in_the_head(page: Page) -> None:
    """Gmail takes 16 kB of styles, and none in the body."""
    found = page.root.all("style")
    assert all(node.parent is not None and node.parent.tag == "head" for node in found)
    assert sum(len("".join(map(str, node.children))) for node in found) < 16_000


def test_the_ground_is_on_a_table_too(page: Page) -> None:
    body = {one.name: one.value for one in declarations(page.body.attrs["style"])}
    first = next(node for node in page.body if node.tag == "table")
    assert f"background-color:{body['background-color']}" in first.attrs["style"].replace(" ", "")


def test_outlook_gets_a_table_of_fixed_width_that_is_closed(page: Page) -> None:
    inside = "".join(found[1] for found in re.finditer(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", page.source, re.DOTALL))
    inside = re.sub(r"<style>.*?</style>", "", inside, flags=re.DOTALL)
    assert 'width="600"' in inside
    read(inside)


# --- colours -------------------------------------------------------------------------------------------------------


def readable(found: list[mailcheck.Seen]) -> list[mailcheck.Seen]:
    """The texts that say something: separators are decoration."""
    return [text for text in found if any(char.isalnum() for char in text.node.own_text())]


@pytest.mark.parametrize("media", [media_light, media_dark], ids=["light", "dark"])
def test_every_text_has_enough_contrast(page: Page, media: object) -> None:
    found = readable(list(mailcheck.seen(page, media)))  # type: ignore[arg-type]
    assert len(found) > 10
    poor = [f"{text.ratio:.2f}: {text.node.where()}" for text in found if text.ratio < 4.5]
    assert poor == []


@pytest.mark.parametrize("kind", sorted(mailcheck.INVERSIONS))
def test_every_text_has_enough_contrast_after_inversion(page: Page, kind: str) -> None:
    turned = mailcheck.INVERSIONS[kind]
    for text in readable(list(mailcheck.seen(page, media_light))):
        ratio = contrast(turned(text.text, is_text=True), turned(text.ground, is_text=False))
        assert ratio >= 4.5, f"{ratio:.2f}: {text.node.where()}"


def test_dark_is_dark(page: Page) -> None:
    light = {text.ground for text in mailcheck.seen(page, media_light)}
    dark = {text.ground for text in mailcheck.seen(page, media_dark)}
    assert min(map(mailcheck.luminance, light)) > 0.7
    assert max(map(mailcheck.luminance, dark)) < 0.1


def bars(page: Page, media: object) -> list[list[mailcheck.Colour]]:
    """The colours of the cells of each bar that has something and lacks something."""
    found = []
    for row in page.body.all("tr"):
        cells = [child for child in row.children if isinstance(child, Node)]
        if [cell for cell in cells if cell.classes & {"on", "mid", "off"}] == cells != []:
            if "mid" in cells[0].classes | cells[-1].classes:
                continue
            styles = [mailcheck.styles(cell, page.rules, media) for cell in cells]  # type: ignore[arg-type]
            found.append([mailcheck.colour(style["background-color"]) or (0, 0, 0) for style in styles])
    return found


@pytest.mark.parametrize("media", [media_light, media_dark], ids=["light", "dark"])
def test_bars_can_be_told_from_their_ground(media: object) -> None:
    """WCAG 1.4.11: what carries meaning stands out by 3:1: what is shown against what is not."""
    found = [bar for bar in bars(read(letters()["web"]), media) if len(bar) > 1]
    assert found
    assert all(contrast(bar[0], bar[-1]) >= 3 for bar in found)


# --- structure -----------------------------------------------------------------------------------------------------


def test_the_head_says_what_it_is(page: Page) -> None:
    html = page.root.all("html")[0]
    assert page.source.lower().startswith("<!doctype html>")
    assert re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", html.attrs["lang"])
    assert html.attrs["dir"] in {"ltr", "rtl"}
    head = page.root.all("head")[0]
    metas = [node.attrs for node in head.all("meta")]
    assert metas[0] == {"charset": "utf-8"}
    assert page.source.encode().index(b"charset") < 1024
    named = {meta["name"]: meta["content"] for meta in metas[1:]}
    assert named["viewport"] == "width=device-width, initial-scale=1"
    assert named["color-scheme"] == named["supported-color-schemes"] == "light dark"
    assert head.all("title")[0].text()
    assert [child.tag for child in html.children if isinstance(child, Node)] == ["head", "body"]


def test_tables_are_layout_and_say_so(page: Page) -> None:
    tables = page.root.all("table")
    assert len(tables) >= 3
    for node in tables:
        assert node.attrs["role"] == "presentation", node.where()
        assert (node.attrs["cellpadding"], node.attrs["cellspacing"]) == ("0", "0"), node.where()
    assert page.root.all("th", "caption", "thead") == []
    for node in page.root.all("td"):
        assert node.parent is not None
        assert node.parent.tag == "tr", node.where()
    for node in page.root.all("tr"):
        cells = [child for child in node.children if isinstance(child, Node)]
        assert cells, node.where()
        assert all(cell.tag == "td" for cell in cells), node.where()


def test_nothing_runs_and_nothing_is_loaded(page: Page) -> None:
    assert page.root.all("script", "form", "input", "button", "iframe", "object", "embed", "link", "base", "svg") == []
    assert page.root.all("video", "audio", "img", "picture") == []
    assert "javascript:" not in {node.attrs.get("href", "")[:11].lower() for node in page.root}
    for node in page.root:
        assert not [name for name in node.attrs if name.startswith("on") or name in {"src", "background", "action"}]
    css = "".join("".join(map(str, node.children)) for node in page.root.all("style"))
    css += "".join(node.attrs.get("style", "") for node in page.root)
    assert not re.search(r"url\(|@import|@font-face|expression\(|behavior:|position:", css)


def test_images_have_words() -> None:
    """There are none now; this is for templates to come."""
    for html in letters().values():
        assert all(node.attrs.get("alt") is not None for node in read(html).root.all("img"))


def test_the_preheader_comes_first_and_is_hidden(page: Page) -> None:
    first = next(node for node in page.body if node.own_text() or node is not page.body)
    style = mailcheck.styles(first, page.rules, media_light)
    assert style["display"] == "none"
    text = first.text().strip("\u2007\u034f \xa0")
    assert 10 < len(text) <= 250
    assert first.all("a") == []


def test_the_way_out_is_near_the_top_and_near_the_end(page: Page) -> None:
    links = list(page.body.all("a"))
    places = [
        n for n, node in enumerate(links) if "unsubscribe" in node.attrs["href"].lower() or "/u/" in node.attrs["href"]
    ]
    assert len(places) >= 2
    assert places[0] <= 2
    assert places[-1] >= len(links) - 6
    assert links[places[0]].attrs["href"] in {links[n].attrs["href"] for n in places[1:]}
    at = page.source.index(links[places[0]].attrs["href"].split("?")[0])
    assert at < page.source.index("<h1")


def test_links_lead_somewhere_and_say_where(page: Page) -> None:
    for node in page.body.all("a"):
        assert re.fullmatch(r"(https?://[^\s<>\"]+|mailto:[^\s<>\"]+@[^\s<>\"]+)", node.attrs["href"]), node.where()
        assert node.text(), node.where()
        assert not any(above.tag == "a" for above in node.above()), node.where()
        assert "target" not in node.attrs


def test_headings_are_a_tree(page: Page) -> None:
    levels = [int(node.tag[1]) for node in page.body.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(node.text() for node in page.body.all("h1", "h2", "h3"))


def test_names_are_given_once(page: Page) -> None:
    found = [node.attrs["id"] for node in page.root if "id" in node.attrs]
    assert len(set(found)) == len(found)


def test_words_of_others_find_their_own_direction() -> None:
    """Titles, abstracts and names in Arabic or Hebrew begin at the right without turning the letter round."""
    page = read(letters()["hostile"])
    arabic = [node for node in page.body if re.search("[\u0600-\u06ff]", node.own_text())]
    assert len(arabic) >= 3
    for node in arabic:
        assert any(above.attrs.get("dir") == "auto" for above in (node, *node.above())), node.where()


@pytest.mark.parametrize("renderer", [at_home, on_the_web], ids=["mailto", "web"])
def test_the_mail_has_no_long_line_and_both_parts(renderer: object) -> None:
    message = renderer().render(full(), TO, NOW)  # type: ignore[operator]
    assert max(map(len, message.raw.split(b"\r\n"))) <= 998
    assert b"\n" not in message.raw.replace(b"\r\n", b"")
    assert message.raw.isascii()
    parsed = message_from_bytes(message.raw, policy=policy.default)
    kinds = [part.get_content_type() for part in parsed.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html"]
    assert SENDER.partition("<")[0].strip() in str(parsed["From"])
