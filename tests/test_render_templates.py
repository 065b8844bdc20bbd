"""render.templates: templates of one's own, and what is said of a broken one."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.errors import RenderError
from aggregator.render import HTML_LIMIT, Renderer
from aggregator.shipped import shipped
from aggregator.tokens import keyring
from tests.letters import NOW, PROFILE, digest, full
from tests.test_render import SENDER, TO, Page, renderer

NAMES = ("digest.subject.txt", "digest.txt", "digest.html")
DOCS = Path(__file__).parent.parent / "docs" / "letter.md"


def own(folder: Path) -> Renderer:
    return Renderer(SENDER, templates=folder)


def mistake(folder: Path) -> str:
    with pytest.raises(RenderError) as raised:
        own(folder).render(full(), TO, NOW)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "broken", ["{% if %}", "{{ letter.colour }}", "{{ nothing }}", "{{ 1 + 'a' }}", "{% for x in 3 %}{% endfor %}",
               "{% include 'no.html' %}", "{% block x %}"]
)  # fmt: skip
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, name: str, broken: str) -> None:
    lines = (shipped("templates/email") / name).read_text().splitlines()
    (tmp_path / name).write_text("\n".join([*lines, broken]))
    assert mistake(tmp_path).startswith(f"{tmp_path / name}, line {len(lines) + 1}: ")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{% extends "base/digest.html" %}\n\n{% block card %}\n{{ card.colour }}\n{% endblock %}', 4, "colour"),
        ('{% extends "base/digest.html" %}\n{% block foot %}\n{{ super() }}{{ unknown }}{% endblock %}', 3, "unknown"),
        ('{% extends "base/digest.html" %}\n{% block foot %}', 2, "block"),
        ('{% extends "base/digset.html" %}\n', 1, "there is no template base/digset.html"),
        ("{# mine #}\n{% include 'card.html' %}", 2, "there is no template card.html"),
        ('{% extends "base/digest.html" %}\n{% block card %}{{ lead(card.title, 1) }}{% endblock %}', 2, "number"),
    ],
)
def test_a_mistake_in_a_block_is_that_of_its_own_file(tmp_path: Path, text: str, line: int, said: str) -> None:
    (tmp_path / "digest.html").write_text(text)
    told = mistake(tmp_path)
    assert told.startswith(f"{tmp_path / 'digest.html'}, line {line}: ")
    assert said in told


def test_a_broken_file_that_is_included_is_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "digest.html").write_text(
        '{% extends "base/digest.html" %}\n{% block foot %}{% include "end.html" %}{% endblock %}'
    )
    (tmp_path / "end.html").write_text("one\n\n{% endif %}")
    assert mistake(tmp_path).startswith(f"{tmp_path / 'end.html'}, line 3: ")
    (tmp_path / "end.html").write_text("one\n{{ two }}")
    assert mistake(tmp_path) == f"{tmp_path / 'end.html'}, line 2: 'two' is undefined; correct the template"
    (tmp_path / "end.html").write_bytes(b"caf\xe9")
    assert "digest.html, line 2: 'utf-8' codec" in mistake(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"\[mail\] templates: there is no folder .*nowhere"):
        own(tmp_path / "nowhere")


def test_a_folder_may_have_some_templates_or_none(tmp_path: Path) -> None:
    assert own(tmp_path).render(full(), TO, NOW) == renderer().render(full(), TO, NOW)
    (tmp_path / "digest.txt").write_text("{{ letter.headline }} at {{ base_url }}")
    mine = Renderer(SENDER, "https://digest.example.org", tmp_path, keys=keyring("k" * 32))
    assert mine.text(digest(), TO) == "14 papers and 4 more worth your time at https://digest.example.org\n"
    assert "https://digest.example.org" in "".join(Page(mine.html(digest(), TO)).links)


@pytest.mark.parametrize("block", ["masthead", "glance", "part", "card", "deadlines", "foot"])
@pytest.mark.parametrize("name", ["digest.html", "digest.txt"])
def test_every_block_can_be_replaced(tmp_path: Path, name: str, block: str) -> None:
    (tmp_path / name).write_text(f'{{% extends "base/{name}" %}}{{% block {block} %}}In its place.{{% endblock %}}')
    made = own(tmp_path).html(full(), TO) if name == "digest.html" else own(tmp_path).text(full(), TO)
    usual = renderer().html(full(), TO) if name == "digest.html" else renderer().text(full(), TO)
    assert made.count("In its place.") == {"part": 8, "card": 28}.get(block, 1)
    assert len(made) < len(usual)


def test_a_template_that_is_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "digest.html").write_text('{% extends "base/digest.html" %}{% block foot %}' + "x" * HTML_LIMIT)
    with (tmp_path / "digest.html").open("a") as file:
        file.write("{% endblock %}")
    assert "bytes even with a single pick; shorten the templates" in mistake(tmp_path)


def test_what_is_put_in_stays_text(tmp_path: Path) -> None:
    (tmp_path / "digest.html").write_text("<p>{{ letter.profile }}</p>")
    letter = digest(profile=replace(PROFILE, name="<b>&"))
    assert "&lt;b&gt;&amp;" in own(tmp_path).html(letter, TO)


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    examples = re.findall(r"```jinja\n\{# (\S+) #\}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert [name for name, _ in examples] == ["digest.html", "digest.txt"]
    for name, text in examples:
        (tmp_path / name).write_text(text)
    html, text = own(tmp_path).html(full(), TO), own(tmp_path).text(full(), TO)
    assert text.startswith("THE READING GROUP · 14–21 Nov\n====")
    assert "We meet on Thursday at four." in " ".join(text.split())
    assert "The reading group" in html
    assert re.search(r"<h1 style=\"[^\"]*color:#7a1f3d", html)
    assert "h1 { color: #e9a3bd !important; }" in html
    assert renderer().html(full(), TO).count('class="o"') == 10
    assert 'class="o"' not in html


def test_the_documentation_names_every_block() -> None:
    blocks = set(re.findall(r"{% block (\w+)", (shipped("templates/email") / "digest.html").read_text()))
    table = DOCS.read_text().partition("in these blocks:")[2].partition("For example")[0]
    assert blocks == set(
        re.findall(r"(?m)^    (\w+(?:, \w+)*)  ", table.replace("style, media", "style  \n    media  "))
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("digest.html", "", "the template is empty"),
        ("digest.txt", "{# all gone #}\n", "the template is empty"),
        (
            "digest.html",
            '{% extends "base/digest.html" %}{% block mastheed %}x{% endblock %}',
            "did you mean `masthead`?",
        ),
        (
            "digest.html",
            '{% extends "base/digest.html" %}{% block style %}h1 { color:{{ super() }}{% endblock %}',
            "a brace",
        ),
    ],
)
def test_what_would_be_left_out_in_silence_is_a_mistake(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    assert str(tmp_path / name) in mistake(tmp_path)
    assert said in mistake(tmp_path)


def test_blocks_of_ones_own_are_fine(tmp_path: Path) -> None:
    text = (
        '{% extends "base/digest.html" %}{% block foot %}{% block reading_group %}Thursday{% endblock %}{% endblock %}'
    )
    (tmp_path / "digest.html").write_text(text)
    assert "Thursday" in own(tmp_path).html(full(), TO)
