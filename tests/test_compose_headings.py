"""compose and render, headings: a section under a title of its own, also one for several interests."""

from dataclasses import replace

from aggregator.compose import compose
from aggregator.model import Digest, Profile, Reason
from aggregator.render.parts import Part, parts
from aggregator.render.room import rooms
from aggregator.render.words import locale
from tests.letters import CODECS, NOW, PROFILE, STREAMING, pick


def made(**headings: str) -> Digest:
    names = {"codecs": CODECS, "streaming": STREAMING}
    profile: Profile = replace(PROFILE, headings={names[name]: title for name, title in headings.items()})
    found = [
        replace(pick(f"Paper {n}", number=f"2611.0{n:04}", score=0.9 - n / 100),
                reasons=(Reason("interest", (CODECS, STREAMING)[n % 2], 0.5),))
        for n in range(8)
    ]  # fmt: skip
    digest = compose(profile, found, period="2026-W47", since=NOW, until=NOW, sources=())
    assert digest is not None
    return digest


def shown(digest: Digest) -> list[Part]:
    found = parts(digest, rooms("full")[0], locale("en"), {"glance": False, "deadlines": False})
    return [part for part in found if part.name == "interests"]


def test_the_heading_stands_above_the_section_and_in_the_glance() -> None:
    digest = made(codecs="Codecs")
    sections = {section.title: len(section.picks) for section in digest.sections if section.part == "interests"}
    assert sections == {"Codecs": 2, STREAMING: 3}
    counted = {count.interest: count.matched for count in digest.interests if count.matched}
    assert counted == {"Codecs": 4, STREAMING: 4}
    assert all(not card.reason for part in shown(digest) for card in part.cards)


def test_interests_may_share_a_heading_and_then_each_card_says_which() -> None:
    digest = made(codecs="Speech", streaming="Speech")
    assert [section.title for section in digest.sections if section.part == "interests"] == ["Speech"]
    assert [count.matched for count in digest.interests if count.interest == "Speech"] == [8]
    (part,) = shown(digest)
    assert part.title == "Speech"
    assert {card.reason.casefold() for card in part.cards} == {CODECS.casefold(), STREAMING.casefold()}
