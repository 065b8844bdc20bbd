"""render: what a card says: the marked sentence, the sentences that say most, and summaries by name."""

import re
from dataclasses import replace

import pytest

from aggregator.model import Ranked, Summary
from aggregator.render.said import Passage, said
from tests.letters import HOSTILE, SAYS_HF, digest, full, pick
from tests.mailcheck import read
from tests.test_render import TO, renderer

PARTS = tuple(f"Sentence number {n} says something of its own that is worth a line." for n in range(8))
TEXT = " ".join(PARTS)


def one(telling: str = "", *gist: str, summary: Summary | None = None, text: str = TEXT) -> Ranked:
    return replace(pick("T", summary=text), telling=telling, gist=gist, summary=summary)


def shown(item: Ranked, limit: int, *, short: bool = False) -> str:
    found = said(item, limit, short=short)
    marked = "".join(f"[{part.text}]" if part.telling else part.text for part in found.passages)
    return marked + (f" matched: {found.matched}" if found.matched else "")


def test_the_telling_sentence_is_marked_where_it_stands() -> None:
    assert shown(one(PARTS[1]), 250) == f"{PARTS[0]} [{PARTS[1]}] {PARTS[2]}"
    assert shown(one(PARTS[0]), 1000) == f"[{PARTS[0]}] {' '.join(PARTS[1:])}"
    assert shown(one(), 100) == PARTS[0]


def test_beyond_the_cut_it_stands_behind_a_gap() -> None:
    assert shown(one(PARTS[6]), 300) == f"{PARTS[0]} {PARTS[1]} {PARTS[2]} … [{PARTS[6]}]"
    assert shown(one(PARTS[3]), 300) == f"{PARTS[0]} {PARTS[1]} {PARTS[2]} [{PARTS[3]}]"
    assert len(shown(one(PARTS[6]), 300)) <= 302


def test_where_there_is_no_room_for_both_it_has_a_line_of_its_own() -> None:
    long = "This is the sentence that tells, " + "and it goes on and on " * 8 + "to its end."
    assert shown(one(long, text=f"{TEXT} {long}"), 220).startswith(f"{PARTS[0]} {PARTS[1]} {PARTS[2]} matched: This is")
    assert len(said(one(long, text=f"{TEXT} {long}"), 220, short=False).matched) <= 160
    assert "matched" not in shown(one(long, text=f"{TEXT} {long}"), 120)


def test_a_short_card_has_the_two_that_say_most_in_their_order() -> None:
    item = one(PARTS[2], PARTS[5], PARTS[2], PARTS[0])
    assert shown(item, 200, short=True) == f"[{PARTS[2]}] … {PARTS[5]}"
    assert shown(one("", PARTS[3], PARTS[4]), 200, short=True) == f"{PARTS[3]} {PARTS[4]}"
    assert shown(one(PARTS[7], PARTS[3], PARTS[4]), 200, short=True) == f"{PARTS[3]} {PARTS[4]} matched: {PARTS[7]}"
    assert shown(one("", PARTS[3], PARTS[4]), 2000, short=True) == TEXT
    assert shown(one("", PARTS[3], PARTS[4]), 75, short=True) == PARTS[3]
    assert shown(one("", PARTS[3], PARTS[4]), 30, short=True) == "Sentence number 3 says…"


def test_a_sentence_too_long_gives_way_to_the_next() -> None:
    long = "It is a sentence of many words, " + "and of some more " * 12 + "in it."
    item = one("", PARTS[0], long, PARTS[1], text=f"{TEXT} {long}")
    assert shown(item, 200, short=True) == f"{PARTS[0]} {PARTS[1]}"


def test_a_summary_is_named_and_takes_the_place_of_short_texts_only() -> None:
    hf, own = Summary("Said by them."), Summary("Said by it.", "llama3.2")
    short = said(one(PARTS[1], PARTS[0], PARTS[1], summary=hf), 300, short=True)
    assert (short.by, short.summary, short.passages, short.matched) == (
        "Hugging Face’s summary", "Said by them.", (), PARTS[1],
    )  # fmt: skip
    long = said(one(summary=hf), 300, short=False)
    assert (long.by, long.summary) == ("", "")
    both = said(one(summary=own), 300, short=False)
    assert (both.by, both.summary, bool(both.passages)) == ("Summary by llama3.2", "Said by it.", True)
    assert said(one(summary=own), 0, short=True).summary == ""


def test_what_is_not_in_the_text_is_not_marked() -> None:
    found = said(one("Made up.", "Also made up.", text=TEXT), 140, short=True)
    assert found.passages == (Passage(f"{PARTS[0]} {PARTS[1]}"),)


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_words_stay_words(bad: str) -> None:
    texts = f"{bad}. {PARTS[0]} {bad}."
    items = [replace(pick(bad, summary=texts), telling=f"{bad}.", gist=(bad,), summary=Summary(bad, bad))] * 1
    html = renderer().html(digest(items), TO)
    page = read(html)
    assert not page.root.all("script", "img")
    assert "{{" not in html or bad.startswith("{{")


def test_the_letter_marks_names_and_escapes() -> None:
    html, text = renderer().html(full(), TO), renderer().text(full(), TO)
    page = read(html)
    hits = [node for node in page.body if "hit" in node.classes]
    assert len(hits) >= 8
    assert {node.tag for node in hits} == {"span"}
    assert "Hugging Face’s summary:" in page.body.text()
    assert SAYS_HF.text.replace("&", "&amp;") in html
    words = " ".join(text.split())
    assert "«On two public corpora the error falls by 12% relative at the same delay of 320 ms.»" in words
    assert "matched: «On two public corpora" in text
    assert "«" not in html


def test_also_seen_says_why() -> None:
    html, text = renderer().html(full(), TO), renderer().text(full(), TO)
    lines = text[text.index("ALSO SEEN") : text.index("DEADLINES")].split("  -  ")[1:]
    assert len(lines) == 10
    assert all(re.search(r"arXiv\s+cs\.SD\s+·\s+(?:Streaming|Neural|Audio|Speech)", line) for line in lines)
    small = [node.text() for node in read(html).body.all("span") if "o" in node.classes]
    assert len(small) == 10
    assert all(re.search(r"arXiv cs\.SD · (?:Streaming|Neural|Audio|Speech)", one) for one in small)
