"""render: formats, the parts in the reader's order, the plain letter's notes, and where a letter leads home to."""

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from aggregator.compose import compose
from aggregator.config import example, load
from aggregator.model import PARTS, Digest, Format, Part
from aggregator.render import Renderer
from aggregator.render.columns import WIDTH, columns
from aggregator.render.parts import parts
from aggregator.render.room import rooms
from aggregator.render.words import locale
from aggregator.tokens import keyring
from tests.letters import DEADLINES, HEALTHY, NOW, PROFILE, SINCE, digest, full, pick, week
from tests.test_render import SENDER, TO, Page, renderer

HOME = "https://digest.example.org"
WEB = Renderer(SENDER, HOME, keys=keyring("k" * 32))
TITLES: dict[Part, str] = {
    "glance": "44", "top": "Top picks · 3 of 104", "interests": "Streaming speech recognition · 2 of 23",
    "posts": "Posts · 2 of 2", "releases": "Releases · 1 of 1", "videos": "Videos · 1 of 1",
    "also": "Also seen · 10 of 90", "deadlines": "Deadlines · times in Europe/Berlin",
}  # fmt: skip
"""What each part of the usual week says in its first line; it has no models."""


def as_asked(**wishes: object) -> Digest:
    """The usual week for a reader with these wishes."""
    profile = replace(PROFILE, **wishes)  # type: ignore[arg-type]
    return replace(digest(week(), profile=profile, sources=HEALTHY), deadlines=DEADLINES)


def words(html: str) -> str:
    return " ".join(Page(html).text.split())


@pytest.mark.parametrize(
    "order",
    [PARTS, PARTS[::-1], ("posts", "top"), ("deadlines",), ("also", "glance", "interests"), ("models",),
     ("interests", "deadlines", "top")],
)  # fmt: skip
def test_the_parts_stand_in_the_readers_order_and_no_others(order: Sequence[Part]) -> None:
    letter = as_asked(sections=tuple(order), send_empty=True)
    for said in (words(renderer().html(letter, TO)), " ".join(renderer().text(letter, TO).split())):
        body = said.lower()[said.index("Out of") if "Out of" in said else said.index("169 entries came") :]
        headings = [(body.find(f"{title.lower().partition(' · ')[0]} · "), part) for part, title in TITLES.items()]
        boxes = ("glance", "interests")
        shown = [part for place, part in sorted(headings) if place >= 0 and part not in boxes]
        assert shown == [part for part in order if part in TITLES and part not in boxes]
        if "glance" in order:
            assert re.search(r"\d+ of 4\d", body)
        else:
            assert not re.search(r"of \d+ shown", body)


def test_each_part_says_how_many_of_how_many() -> None:
    letter = as_asked(interests=(*PROFILE.interests, "models"))
    for said in (words(renderer().html(letter, TO)), " ".join(renderer().text(letter, TO).split())):
        for part, title in TITLES.items():
            assert title.lower() in said.lower(), part


@pytest.mark.parametrize(
    ("sort", "lead", "paper", "other", "reasons"),
    [
        ("full", True, True, True, True),
        ("compact", True, False, False, True),
        ("headlines", False, False, False, False),
    ],
)
def test_formats(sort: Format, lead: bool, paper: bool, other: bool, reasons: bool) -> None:
    letter = as_asked(format=sort)
    for said in (words(renderer().html(letter, TO)), " ".join(renderer().text(letter, TO).split())):
        top, _, rest = said[said.index("Out of") :].partition("SCDiar: a streaming")
        assert ("The code and the recipes are public." in top) is lead
        assert ("The idea is to move the attention" in rest) is paper
        assert ("Three months of traffic" in rest) is other
        assert ("Khanh Le, Duc Chau" in top) is reasons
        assert ("Deepgram · 19 November" in rest) is True
        assert (re.search(r"Deepgram · 19 November (61 · )?Streaming speech recognition", rest) is not None) is reasons
    if sort == "headlines":
        cards = renderer().text(letter, TO).partition("TOP PICKS")[2].partition("DEADLINES")[0]
        lines = [line for line in cards.splitlines() if line.startswith("     ") or re.match(r" {1,2}(\d+\.|-) ", line)]
        assert len(lines) <= 2 * 28 + 4
        html = renderer().html(letter, TO)
        assert html.count('class="o"') == html.count("<h3") == 28


def test_an_interest_is_not_told_again_below_its_title() -> None:
    found = [
        pick(f"Title {n}", number=f"2611.0{n:04}", score=0.9 - n / 100, also="Neural audio codecs and tokens")
        for n in range(4)
    ]
    text = renderer().text(digest(found), TO)
    assert text.count("· Streaming speech recognition, also Neural audio codecs") == 3
    assert "     87 · also Neural audio codecs and tokens\n" in text
    assert "87</span>" in renderer().html(digest(found), TO)


@pytest.mark.parametrize("made", [renderer(), WEB], ids=["mailto", "web"])
@pytest.mark.parametrize("sort", ["full", "compact", "headlines"])
def test_the_links_of_the_plain_letter_are_numbered_and_listed_once(made: Renderer, sort: Format) -> None:
    text = made.text(replace(full(), profile=replace(PROFILE, format=sort)), TO)
    listed = re.findall(r"(?m)^ *\[(\d+)\] (https?://\S+)$", text)
    marks = [int(mark) for mark in re.findall(r"\[(\d+)\]", re.sub(r"(?m)^ *\[\d+\] http.*$", "", text))]
    assert [int(number) for number, _ in listed] == list(range(1, len(listed) + 1)) == sorted(set(marks))
    assert len({url for _, url in listed}) == len(listed)
    assert all(text.index(f"[{number}]") < text.index(f"[{number}] {url}") for number, url in listed)
    for part in re.split(r"\n(?=[A-Z].* · \d+ of \d+\n---)", text)[1:]:
        assert re.search(r"(?m)^ *\[\d+\] http", part)
    assert all(columns(line) <= WIDTH or "://" in line for line in text.splitlines())


# --- where it leads home to ----------------------------------------------------------------------------------------


def test_without_pages_it_names_addresses_and_commands() -> None:
    page, text = Page(renderer().html(full(), TO)), renderer().text(full(), TO)
    mailto = "mailto:digest@example.org?subject=unsubscribe%20speech"
    assert page.links.count(mailto) == 2
    assert page.text.index("Unsubscribe") < page.text.index("14 papers and 4 more worth")
    for said in (words(renderer().html(full(), TO)), " ".join(text.split())):
        assert "aggregator preview speech" in said
        assert "edit the profile in config.toml" in said
        for promise in ("browser", "preferences", "More like this", "All letters", "all letters"):
            assert promise not in said
    assert mailto in text


def test_with_pages_it_leads_to_those_that_there_are() -> None:
    page, text = Page(WEB.html(full(), TO)), WEB.text(full(), TO)
    letters = [link.removeprefix(HOME)[:3] for link in page.links if link.startswith(HOME)]
    assert {letter: letters.count(letter) for letter in letters} == {
        "/v/": 2,
        "/u/": 2,
        "/p/": 1,
        "/a/": 1,
        "/f/": 3 * 18,
    }
    assert len({link for link in page.links if link.startswith(f"{HOME}/f/")}) == 3 * 18
    assert page.text.index("View in your browser · Unsubscribe") < page.text.index("14 papers and 4 more worth")
    for letter in "vupa":
        assert text.count(f"{HOME}/{letter}/") == 1
    assert f"{HOME}/f/" not in text
    assert "config.toml" not in page.text + text
    assert "mailto:digest@example.org" in text


# --- languages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("de", ("14.–21. Nov.", "Deepgram · 19. November", "Do., 26. Nov.", "Samstag, 14. November 2026, 08:00")),
        ("en-US", ("Nov 14 – 21", "Deepgram · November 19", "Thu, Nov 26", "Saturday, November 14, 2026, 08:00")),
        ("ar", ("14–21 نوفمبر", "Deepgram · 19 نوفمبر", "الخميس، 26 نوفمبر")),
        ("xx", ("14–21 Nov", "Deepgram · 19 November", "Thu 26 Nov")),
    ],
)
def test_dates_are_in_the_readers_language(tag: str, said: Sequence[str]) -> None:
    letter = as_asked(language=tag)
    for part in (words(renderer().html(letter, TO)), " ".join(renderer().text(letter, TO).split())):
        for date in said:
            assert date in part
    assert renderer().html(letter, TO).startswith('<!DOCTYPE html><html lang="en" dir="ltr">')


def test_titles_find_their_own_direction() -> None:
    html = renderer().html(digest([pick("التعرف على الكلام العربي"), pick("语音识别", number="2611.1")]), TO)
    assert html.count('<h3 class="t1" dir="auto"') == 2
    assert "text-align" not in html  # what a cell or its table says would hold for every script
    assert [tag for tag, attributes in Page(html).tags if attributes.get("align") and tag != "table"] == ["td"]


def test_a_profile_of_the_configuration_is_asked(tmp_path: Path) -> None:
    config = example().replace('name = "me"', 'name = "me"\nsections = ["videos"]\nmax_kilobytes = 20', 1)
    config = config.replace('format = "full"', 'format = "headlines"', 1).replace(
        'language = "en"', 'language = "de"', 1
    )
    (tmp_path / "config.toml").write_text(config)
    (profile,) = load(tmp_path / "config.toml").profiles
    said = words(renderer().html(as_asked(**asdict(replace(profile, interests=PROFILE.interests))), TO))
    assert "Videos · 1 of 1" in said
    assert "Top picks" not in said
    assert "21. November 2026" in said
    assert "Watch on" not in said


def test_a_letter_that_is_nothing_but_deadlines() -> None:
    profile = replace(PROFILE, sections=("deadlines",))
    window = {"period": "2026-W47", "since": SINCE, "until": NOW, "sources": HEALTHY}
    assert compose(profile, week(), **window) is None  # type: ignore[arg-type]
    letter = compose(profile, week(), **window, deadlines=DEADLINES)  # type: ignore[arg-type]
    assert letter is not None
    assert renderer().render(letter, TO, NOW).subject == f"{len(DEADLINES)} deadlines ahead"


def test_what_the_subject_counts_it_names() -> None:
    for sections in (("videos", "posts"), ("releases", "top", "interests"), ("posts", "interests")):
        said = renderer().render(as_asked(sections=sections), TO, NOW).subject
        kind = "posts" if "interests" not in sections else "papers"
        titles = [one.entry.title for one in as_asked(sections=sections).picks if f"{one.entry.kind}s" == kind]
        assert said.split(" ")[1] == kind
        assert said.partition(": ")[2][:12] in {title[:12] for title in titles}


def test_lines_are_not_counted_where_they_come_first() -> None:
    text = renderer().text(as_asked(sections=("also", "top", "interests")), TO)
    assert re.search(r"TOP PICKS.*\n-+\n\n  1\. ", text)


def test_small_letters_say_how_many_deadlines_there_are() -> None:
    letter = as_asked()
    smallest = parts(letter, rooms("full")[-1], locale("en"), {"glance": False, "deadlines": True})
    assert [part.name for part in smallest if part.name == "deadlines"] == ["deadlines"]
