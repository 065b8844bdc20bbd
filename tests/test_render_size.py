"""How large a letter gets: 500 picks of 2,000 characters in any script, and titles that mean harm.

Gmail hides what comes after about 102 kB of HTML, the way out included: the HTML has 90,000 bytes at most, decoded. The
whole mail is larger: what is not ASCII takes a third more in base64 (RFC 2045, 6.8), and there is the plain part. So
140 kB for a letter in Latin script and 200 kB for any other; mail servers begin to mind at 10 MB.
"""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from functools import cache

import pytest

from aggregator.model import Digest, Message
from aggregator.render import HTML_LIMIT
from tests.lettered import CHINESE, LATIN, TO, many, on_the_web
from tests.letters import HOSTILE, NOW
from tests.mailcheck import Page, read

LATIN_MAIL = 140_000
ANY_MAIL = 200_000
WORDS = {
    "latin": ("Streaming Speech Recognition With Time-Shifted Contextual Attention", LATIN),
    "chinese": ("面向低资源语言的流式语音识别\uff1a一种统一的自监督方法", CHINESE),
    "arabic": ("التعرف على الكلام العربي في الوقت الحقيقي", "باستخدام الشبكات العصبية وبدون بيانات كثيرة. " * 44),
    "escaped": ("&<>\"'" * 60, "&\"<' " * 400),
    "script": (HOSTILE[0] * 6, HOSTILE[0] * 36),
    "stacked": (HOSTILE[6], HOSTILE[6] * 16),
    "unbroken": ("x" * 2000, "y" * 2000),
    "emoji": ("👩\u200d🔬" * 60, "👩\u200d🔬🎼" * 500),
    "wide": ("\U0001d518&" * 150, "\U0001d518&" * 1000),
    "tex": ("$\\mathbb{R}^{d}$" * 30, "$\\frac{a}{b_i}$ and \\textbf{$x^2$} " * 60),
}


@cache
def mail(words: str, number: int, kind: str = "full") -> Message:
    title, summary = WORDS[words]
    return on_the_web().render(many(number, title, summary[:2000], format=kind), TO, NOW)


def parts(message: Message) -> dict[str, str]:
    parsed = message_from_bytes(message.raw, policy=policy.default)
    return {part.get_content_type(): str(part.get_content()) for part in parsed.walk() if not part.is_multipart()}


def ends_well(page: Page) -> bool:
    """Whether the foot is whole: what it is, and the way out, after all picks."""
    words = page.body.text()
    foot = words[words.rindex("About this letter") :]
    links = [node.attrs["href"] for node in page.body.all("a")][-6:]
    return "Why you get this" in foot and any("/u/" in link for link in links)


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("number", [20, 500])
def test_no_letter_is_too_large(words: str, number: int) -> None:
    message = mail(words, number)
    html = parts(message)["text/html"]
    assert len(html.encode()) <= HTML_LIMIT <= 90_000
    assert len(message.raw) <= (LATIN_MAIL if words == "latin" else ANY_MAIL)
    assert html.rstrip().endswith("</html>")
    assert ends_well(read(html))
    assert max(map(len, message.raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("words", WORDS)
def test_what_is_left_out_is_told_and_can_be_reached(words: str) -> None:
    page = read(parts(mail(words, 500))["text/html"])
    told = [int(number.replace(",", "")) for number in re.findall(r"and ([\d,]+) more", page.body.text())]
    shown = len(page.body.all("h3"))
    assert shown >= 20
    assert told
    assert max(told) <= 500 - 20
    assert [node for node in page.body.all("a") if "/v/" in node.attrs["href"]]


@pytest.mark.parametrize("words", WORDS)
def test_the_plain_part_is_bounded_too_and_ends_with_the_way_out(words: str) -> None:
    text = parts(mail(words, 500))["text/plain"]
    assert len(text.encode()) <= 60_000
    assert re.search(r"/u/|mailto:", text[-1500:])
    assert re.search(r"[\d,]+ more", text)


@pytest.mark.parametrize("words", ["latin", "chinese"])
def test_twenty_picks_keep_their_abstracts(words: str) -> None:
    page = read(parts(mail(words, 20))["text/html"])
    begins = WORDS[words][1][:20].strip()
    assert page.body.text().count(begins) >= 20


@pytest.mark.parametrize("limit", [20, 40, 70])
def test_a_reader_can_have_it_smaller(limit: int) -> None:
    found: Digest = many(100, *WORDS["latin"])
    smaller = replace(found, profile=replace(found.profile, max_kilobytes=limit))
    html = on_the_web().html(smaller, TO)
    assert len(html.encode()) <= 1000 * limit
    assert ends_well(read(html))


def test_formats_are_each_smaller_than_the_one_before() -> None:
    sizes = [len(mail("latin", 20, kind).raw) for kind in ("full", "compact", "headlines")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 2
