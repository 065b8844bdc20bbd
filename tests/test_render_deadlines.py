"""render: the deadlines box, where else a paper was seen, and sources that are gone for good."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from aggregator.model import Digest, Entry, Kind, Sighting, SourceHealth
from aggregator.render import HTML_LIMIT
from aggregator.render.columns import WIDTH, columns
from aggregator.render.deadlines import deadlines, left_out
from aggregator.render.words import locale
from tests.letters import (
    BROKEN,
    DEADLINES,
    HEALTHY,
    HOSTILE,
    MENTIONS,
    NOW,
    PROFILE,
    digest,
    event,
    full,
    pick,
)
from tests.test_render import TAGS, TO, Page, renderer

BERLIN = ZoneInfo("Europe/Berlin")
ENGLISH = locale("en")


def both(letter: Digest) -> tuple[str, str]:
    """The words of the HTML part and of the plain part without the numbers of its links, on one line each."""
    page = re.sub(r"<style.*?</style>", "", renderer().html(letter, TO), flags=re.DOTALL)
    text = re.sub(r" \[\d+\]", "", renderer().text(letter, TO))
    return " ".join(Page(page.replace("<br>", " ")).text.split()), " ".join(text.split())


# --- deadlines -----------------------------------------------------------------------------------------------------


def test_both_parts_show_the_box_between_the_sections_and_the_foot() -> None:
    for part in both(full()):
        words = part.lower()
        assert words.index("how neural codecs") < words.index("deadlines · times in europe/berlin")
        assert words.index("deadlines ·") < words.index("thu 26 nov") < words.index("did not answer in full")
        for needle in ("NAACL 2027", "in 5 days", "12:59 (Wed 25 Nov, 23:59 AoE)", "paper deadline · Mexico City"):
            assert needle in part, needle
    assert "https://naacl2027.example.org/" in Page(renderer().html(full(), TO)).links
    assert "https://naacl2027.example.org/" in renderer().text(full(), TO)


def test_no_deadlines_no_box() -> None:
    undated = replace(DEADLINES[0], due=None)
    for letter in (digest(), replace(digest(), deadlines=(undated,))):
        assert not [part for part in both(letter) if "deadline" in part.lower()]


def test_the_nearest_is_first() -> None:
    turned = replace(full(), deadlines=DEADLINES[::-1])
    assert renderer().html(turned, TO) == renderer().html(full(), TO)
    shown = deadlines(DEADLINES[::-1], NOW, BERLIN, ENGLISH)
    assert [due.day for due in shown] == [
        "Tue 24 Nov", "Thu 26 Nov", "Fri 4 Dec", "Fri 11 Dec", "Tue 15 Dec", "Thu 25 Feb",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "reader", "day", "time"),
    [
        ("AoE", "Europe/Berlin", "Thu 26 Nov", "12:59 (Wed 25 Nov, 23:59 AoE)"),
        ("UTC-12", "Europe/Berlin", "Thu 26 Nov", "12:59 (Wed 25 Nov, 23:59 AoE)"),
        ("aoe", "America/Los_Angeles", "Thu 26 Nov", "03:59 (Wed 25 Nov, 23:59 AoE)"),
        ("AoE", "Pacific/Honolulu", "Thu 26 Nov", "01:59 (Wed 25 Nov, 23:59 AoE)"),
        ("AoE", "Pacific/Auckland", "Fri 27 Nov", "00:59 (Wed 25 Nov, 23:59 AoE)"),
        ("AoE", "Etc/GMT+12", "Wed 25 Nov", "23:59 (23:59 AoE)"),
        ("America/New_York", "Europe/Berlin", "Thu 26 Nov", "12:59 (06:59 New York)"),
        ("UTC+8", "Europe/Berlin", "Thu 26 Nov", "12:59 (19:59 UTC+8)"),
        ("UTC+5:30", "Europe/Berlin", "Thu 26 Nov", "12:59 (17:29 UTC+5:30)"),
        ("GMT-7", "Asia/Tokyo", "Thu 26 Nov", "20:59 (04:59 GMT-7)"),
        ("Europe/Paris", "Europe/Berlin", "Thu 26 Nov", "12:59"),
        ("UTC+99", "Europe/Berlin", "Thu 26 Nov", "12:59 (stated in UTC+99)"),
        ("Mars/Base", "Europe/Berlin", "Thu 26 Nov", "12:59 (stated in Mars/Base)"),
        ("../../etc/passwd", "Europe/Berlin", "Thu 26 Nov", "12:59 (stated in ../../etc/passwd)"),
        ("AoE (not said)", "Europe/Berlin", "Thu 26 Nov", "12:59 (Wed 25 Nov, 23:59 AoE)"),
        ("UTC (floating)", "Europe/Berlin", "Thu 26 Nov", "12:59 (11:59 UTC)"),
    ],
)
def test_the_moment_is_the_readers_and_the_zone_the_sources(zone: str, reader: str, day: str, time: str) -> None:
    (due,) = deadlines([event("X 2027", 5, zone=zone)], NOW, ZoneInfo(reader), ENGLISH)
    assert (due.day, due.time) == (day, time)


@pytest.mark.parametrize("reader", ["Asia/Tokyo", "Pacific/Honolulu", "Europe/Berlin"])
def test_a_day_without_an_hour_is_that_day_everywhere(reader: str) -> None:
    (due,) = deadlines([event("X 2027", 5, zone="", hour=0)], NOW, ZoneInfo(reader), ENGLISH)
    assert (due.day, due.time) == ("Thu 26 Nov", "")
    unclear = replace(event("X 2027", 5), signals={"day": "tomorrow"})
    assert deadlines([unclear], NOW, BERLIN, ENGLISH)[0].time == "12:59"


@pytest.mark.parametrize(
    ("day", "when"),
    [(-1, "passed"), (0, "today"), (1, "tomorrow"), (2, "in 2 days"), (13, "in 13 days"), (14, "in 2 weeks"),
     (24, "in 3 weeks"), (60, "in 9 weeks")],
)  # fmt: skip
def test_how_far_away(day: int, when: str) -> None:
    (due,) = deadlines([event("X 2027", day)], NOW, BERLIN, ENGLISH)
    assert due.when == when


def test_tomorrow_is_the_readers() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # in Berlin it is Sunday already
    (due,) = deadlines([event("X 2027", 1)], late, BERLIN, ENGLISH)
    assert (due.day, due.when) == ("Sun 22 Nov", "today")


def test_what_the_title_says_is_not_said_again() -> None:
    (due,) = deadlines([event("ICASSP 2027 abstract", 5, sort="abstract", place="Toronto")], NOW, BERLIN, ENGLISH)
    assert due.about == "Toronto"
    (due,) = deadlines([event("ICASSP 2027", 5, sort="camera_ready")], NOW, BERLIN, ENGLISH)
    assert due.about == "camera ready"
    (due,) = deadlines([event("ICASSP 2027: last day", 5, sort="camera_ready")], NOW, BERLIN, ENGLISH)
    assert due.about == ""
    told = replace(event("X", 5, place="said in the text"), signals={"zone": "AoE", "place": "Lyon, France"})
    assert deadlines([told], NOW, BERLIN, ENGLISH)[0].about == "Lyon, France"


@pytest.mark.parametrize(("number", "more"), [(12, ""), (13, "and 1 more deadline"), (40, "and 28 more deadlines")])
def test_at_most_twelve(number: int, more: str) -> None:
    events = tuple(event(f"Conference {n}", n) for n in range(number))
    assert left_out(events) == max(number - 12, 0)
    for part in both(replace(digest(), deadlines=events)):
        assert "Conference 11" in part
        assert "Conference 12" not in part
        assert more in part
        assert ("more deadline" in part) is bool(more)


def test_an_empty_issue_still_shows_what_is_due() -> None:
    for part in both(replace(digest([], sources=HEALTHY + BROKEN), deadlines=DEADLINES)):
        assert "Nothing new this week" in part
        assert "Interspeech 2027" in part


# --- mentions ------------------------------------------------------------------------------------------------------


def mentioned(*mentions: Sighting, kind: Kind = "paper") -> Digest:
    item = pick("A title", kind=kind, upvotes=41, source="blog", url="https://example.org/p" if kind == "post" else "")
    return digest([replace(item, candidate=replace(item.candidate, mentions=mentions))])


def test_the_card_says_where_else_on_a_line_of_its_own() -> None:
    html, text = renderer().html(mentioned(*MENTIONS[:2]), TO), renderer().text(mentioned(*MENTIONS[:2]), TO)
    line = "also on: r/MachineLearning (12 points), AssemblyAI blog"
    assert re.search(r"arXiv cs\.SD · Hugging Face 41 upvotes</p>\s*<p [^>]*>also on: <a ", html)
    assert line in Page(html).text
    numbered = "also on: r/MachineLearning (12 points) [1], AssemblyAI blog [2]"
    assert f"\n     arXiv cs.SD · Hugging Face 41 upvotes\n     {numbered}\n" in text
    assert f"\n[1] {MENTIONS[0].url}\n[2] {MENTIONS[1].url}\n[3] https://arxiv.org" in text
    for mention in MENTIONS[:2]:
        assert Page(html).links.count(mention.url) == 1
        assert text.count(mention.url) == 1


def test_a_paper_seen_in_four_places_names_all_four() -> None:
    for part in both(mentioned(*MENTIONS[:2])):
        for name in ("arXiv cs.SD", "Hugging Face 41 upvotes", "r/MachineLearning (12 points)", "AssemblyAI blog"):
            assert name in part


@pytest.mark.parametrize(("number", "end"), [(4, "HF forum"), (5, "HF forum and 1 more"), (6, "HF forum and 2 more")])
def test_at_most_four(number: int, end: str) -> None:
    said = f"also on: r/MachineLearning (12 points), AssemblyAI blog, Two Minute Papers (48,210 views), {end} 62 ·"
    assert said in both(mentioned(*MENTIONS[:number]))[1]
    page = Page(renderer().html(mentioned(*MENTIONS[:number]), TO)).text
    assert next(line for line in page.splitlines() if line.startswith("also on:")).endswith(f", {end}")


def test_nothing_is_said_of_none_or_twice() -> None:
    item = pick("A title", upvotes=41)
    seen = Sighting("hf-daily", "huggingface", item.candidate.sightings[1].url)
    assert "also on" not in "".join(both(mentioned()))
    assert "also on" not in "".join(both(mentioned(seen)))
    assert both(mentioned(MENTIONS[0], MENTIONS[0]))[0].count("r/MachineLearning") == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.reddit.com/r/speechtech/comments/1/x/", "r/speechtech"),
        ("https://old.reddit.com/r/LocalLLaMA", "r/LocalLLaMA"),
        ("https://reddit.com.example.org/r/speechtech/", "my-source"),
        ("https://www.reddit.com/user/someone/", "my-source"),
        ("https://example.org/?u=https://www.reddit.com/r/speechtech/", "my-source"),
    ],
)
def test_reddit_is_named_by_its_room(url: str, name: str) -> None:
    for part in both(mentioned(Sighting("my-source", "feed", url))):
        assert f"also on: {name}" in part


def test_hostile_mentions_and_events_are_text() -> None:
    item = pick("A title")
    mentions = tuple(Sighting(title, "feed", f"javascript:alert({n})") for n, title in enumerate(HOSTILE))
    events = tuple(
        Entry(key="x", kind="event", title=title, url=f"data:text/html,{n}", published=NOW, due=NOW, summary=title,
              signals={"type": title, "zone": title, "place": title})
        for n, title in enumerate(HOSTILE)
    )  # fmt: skip
    letter = digest([replace(item, candidate=replace(item.candidate, mentions=mentions[:4]))])
    letter = replace(letter, deadlines=events)
    page = Page(renderer().html(letter, TO))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert all(link.startswith(("https://", "mailto:")) for link in page.links)
    assert "<script>alert(1)</script> & <img" in page.text
    text = renderer().text(letter, TO)
    assert "javascript:alert(0)" not in text
    assert "data:text" not in text
    assert all(columns(line) <= WIDTH or "://" in line or "mailto:" in line for line in text.splitlines())


# --- size, and sources that are gone -------------------------------------------------------------------------------


def test_html_stays_below_the_limit_with_everything_at_its_worst() -> None:
    bad = "&" * 990
    mentions = tuple(Sighting(bad, "feed", f"https://example.org/{n}{bad}", {"points": 1}) for n in range(9))
    found = [pick(bad, score=0.9 - n / 1000, number=f"2611.{n:05}", upvotes=9, summary=bad) for n in range(40)]
    found = [replace(item, candidate=replace(item.candidate, mentions=mentions)) for item in found]
    events = tuple(
        replace(event("x", n), title=bad, summary=bad, url=f"https://example.org/{'&' * 280}",
                signals={"zone": bad, "type": bad})
        for n in range(40)
    )  # fmt: skip
    sources = tuple(SourceHealth(bad, state, bad) for state in ("failed", "gone", "quiet", "waiting") for _ in "x" * 99)
    letter = digest(found, profile=replace(PROFILE, max_entries=40), sources=sources)
    assert len(renderer().html(replace(letter, deadlines=events), TO).encode()) < HTML_LIMIT


def test_a_usual_week_with_everything_keeps_its_links() -> None:
    html = renderer().html(full(), TO)
    assert len(html.encode()) < HTML_LIMIT * 2 / 3
    assert html.count(">PDF</a>") == 14


def test_gone_is_another_word_than_failed_and_quiet() -> None:
    gone = SourceHealth("old-speech-blog", "gone", "HTTP 410")
    for part in both(digest(sources=(*HEALTHY, gone))):
        assert "Gone for good: old-speech-blog (remove it or find its new address)" in part
        assert "did not answer" not in part
        assert "10 of 11 sources" in part
        assert "old-speech-blog" not in part[part.index("Quiet, nothing new") :]
    for part in both(digest(sources=(gone, replace(gone, name="older-blog")))):
        assert "old-speech-blog, older-blog (remove them or find their new addresses)" in part
    assert "Gone for good" not in "".join(both(digest()))


@pytest.mark.parametrize(
    ("kind", "title", "verb"),
    [("model", "Models · 1 of 1", "Open on example.org"), ("event", "Events · 1 of 1", "Open on example.org")],
)
def test_models_and_events_have_their_words(kind: Kind, title: str, verb: str) -> None:
    item = pick("whisper-tiny-dutch", kind=kind, source="hf-models", url="https://example.org/m")
    letter = digest([item])
    for part in both(letter):
        assert title.lower() in part.lower()
    assert verb in renderer().html(letter, TO)
    assert renderer().render(letter, TO, NOW).subject == f"1 {kind} this week: whisper-tiny-dutch"


def test_bytes_are_repeatable() -> None:
    assert renderer().render(full(), TO, NOW) == renderer().render(full(), TO, NOW)


def test_the_hour_that_comes_twice_says_which() -> None:
    now = datetime(2026, 10, 24, tzinfo=UTC)
    twice = [replace(event("A", 1), due=datetime(2026, 10, 25, hour, 30, tzinfo=UTC), signals={}) for hour in (0, 1, 2)]
    assert [due.time for due in deadlines(twice, now, BERLIN, ENGLISH)] == ["02:30 CEST", "02:30 CET", "03:30"]


def test_what_was_due_this_morning_has_passed() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    today = [replace(event("A", 1), due=datetime(2026, 11, 20, hour, tzinfo=UTC), signals={}) for hour in (9, 15)]
    assert [due.when for due in deadlines(today, now, BERLIN, ENGLISH)] == ["passed", "today"]
