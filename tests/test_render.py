"""render: what the letter says, that nothing in it can harm, and that its bytes are a correct mail."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aggregator.errors import RenderError
from aggregator.model import Digest, Entry, Format, InterestCount, Message, Reason, Sighting, SourceHealth
from aggregator.render import HTML_LIMIT, Renderer
from aggregator.render.columns import WIDTH, columns
from aggregator.render.words import clean
from aggregator.shipped import shipped
from aggregator.tokens import keyring
from tests.letters import BROKEN, HEALTHY, HOSTILE, NOW, PROFILE, digest, event, full, hostile, pick, week

TO = "kim@example.org"
NAMES = [
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "Feedback-ID", "Auto-Submitted",
    "Precedence", "MIME-Version", "Content-Type",
]  # fmt: skip
TAGS = {
    "html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "h1", "h2", "h3", "p", "a",
    "span", "strong", "br", "b",
}  # fmt: skip
PROPERTIES = {
    "background-color", "border", "border-left", "border-top", "color", "display", "font-family", "font-size",
    "font-weight", "height", "letter-spacing", "line-height", "margin", "max-height", "max-width", "overflow",
    "padding", "table-layout", "text-align", "text-decoration", "text-transform", "vertical-align", "white-space",
    "width", "word-break", "-webkit-text-size-adjust",
}  # fmt: skip


SENDER = "Paper digest <digest@example.org>"
USUAL = Renderer(SENDER)


def renderer(sender: str = SENDER, **options: object) -> Renderer:
    """A Renderer; the usual one is made once, as templates take longer to read than to fill."""
    return USUAL if sender == SENDER and not options else Renderer(sender, **options)  # type: ignore[arg-type]


def parsed(message: Message) -> EmailMessage:
    read = message_from_bytes(message.raw, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


class Page(HTMLParser):
    """Every tag with its attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str]:
        return [attributes.get("href") or "" for tag, attributes in self.tags if tag == "a"]


# --- the message ---------------------------------------------------------------------------------------------------


def test_headers() -> None:
    message = renderer().render(digest(), TO, NOW)
    read = parsed(message)
    assert read.keys() == NAMES
    assert read["From"] == "Paper digest <digest@example.org>"
    assert read["To"] == TO
    assert read["Date"] == "Sat, 21 Nov 2026 08:00:00 +0100"
    assert read["List-Id"] == "speech <speech.digest.example.org>"
    assert read["List-Unsubscribe"] == "<mailto:digest@example.org?subject=unsubscribe%20speech>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<2026-W47\.[0-9a-f]{16}@example\.org>", message.message_id)
    assert read["Message-ID"] == message.message_id
    assert read["Subject"] == message.subject
    assert (message.key, message.sender, message.to) == (f"speech/2026-W47/{TO}", "digest@example.org", TO)


def test_parts_are_text_then_html_in_utf8() -> None:
    read = parsed(renderer().render(digest(), TO, NOW))
    assert read.get_content_type() == "multipart/alternative"
    parts = list(read.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert {part.get_content_charset() for part in parts} == {"utf-8"}
    assert not read.defects
    assert parts[0].get_content().replace("\r\n", "\n") == renderer().text(digest(), TO)
    assert parts[1].get_content().replace("\r\n", "\n") == renderer().html(digest(), TO)


@pytest.mark.parametrize("found", [week(), hostile(), []], ids=["week", "hostile", "empty"])
def test_bytes_are_seven_bit_with_short_lines_and_repeatable(found: list[object]) -> None:
    message = renderer().render(digest(found), TO, NOW)  # type: ignore[arg-type]
    assert message.raw.isascii()
    assert b"\0" not in message.raw
    assert message.raw.count(b"\n") == message.raw.count(b"\r\n") == message.raw.count(b"\r")
    assert max(map(len, message.raw.split(b"\r\n"))) <= 78
    assert message == renderer().render(digest(found), TO, NOW)  # type: ignore[arg-type]


def test_chinese_is_packed_as_base64_where_that_is_shorter() -> None:
    found = [pick("统一的自监督方法" * 6, number=f"2611.{n:05}", summary="兼顾延迟与准确率。" * 60) for n in range(12)]
    read = parsed(renderer().render(digest(found), TO, NOW))
    assert [part["Content-Transfer-Encoding"] for part in read.iter_parts()] == ["base64", "base64"]
    assert "统一的自监督方法" in read.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_makes_a_header(title: str) -> None:
    for found in ([pick(title)], [pick("x", kind="post", source=title, url="https://example.org/")]):
        message = renderer().render(digest(found), TO, NOW)
        read = parsed(message)
        assert read.keys() == NAMES
        assert read["Subject"] == message.subject
        assert "=?" not in message.subject
        assert message.subject.isprintable() or "\u200d" in message.subject
        assert all(len(line) <= 78 for line in message.raw.split(b"\r\n\r\n")[0].split(b"\r\n"))


def test_the_subject_template_cannot_break_a_header_either(tmp_path: Path) -> None:
    (tmp_path / "digest.subject.txt").write_text("Hello\r\nBcc: evil@example.org\r\n\r\n=?utf-8?q?=0D=0ABcc:_x?=")
    read = parsed(renderer(templates=tmp_path).render(digest(), TO, NOW))
    assert read.keys() == NAMES
    assert read["Subject"].startswith("Hello Bcc:")


@pytest.mark.parametrize(
    "sender",
    ["Jürgen Müller <d@example.org>", "论文摘要 <d@example.org>", 'Digest, "Daily" <d@example.org>', "d@example.org",
     "Ein sehr langer Name über die Maßen und noch länger als in eine Zeile passt <d@example.org>"],
)  # fmt: skip
def test_sender_names_in_any_script(sender: str) -> None:
    message = renderer(sender).render(digest(), TO, NOW)
    read = parsed(message)
    (address,) = read["From"].addresses
    assert address.addr_spec == "d@example.org"
    (written, _), *_ = getaddresses([message_from_bytes(message.raw)["From"]])
    assert str(make_header(decode_header(written))) == sender.rpartition("<")[0].strip()
    assert read.keys() == NAMES


@pytest.mark.parametrize(
    "bad",
    ["", "nobody", "a@b@c", "a b@example.org", "x <a@example.org", "a@example.org\r\nBcc: b@example.org", "a@-x.org",
     "a@example.org)b@example.com", "jürgen@example.org", "a@b.org, c@d.org", "x\r\ny <a@example.org>",
     "a" * 300 + "@b.org"],
)  # fmt: skip
def test_bad_addresses_are_refused(bad: str) -> None:
    with pytest.raises(RenderError, match="mail address"):
        renderer(bad)
    with pytest.raises(RenderError, match="mail address"):
        renderer().render(digest(), bad, NOW)


def test_message_id_depends_on_profile_period_and_recipient_only() -> None:
    base = renderer().render(digest(), TO, NOW).message_id
    assert renderer().render(digest([pick("other")]), TO, datetime(2027, 1, 1, tzinfo=UTC)).message_id == base
    others = [
        renderer().render(digest(), "x@example.org", NOW),
        renderer().render(digest(period="2026-W48"), TO, NOW),
        renderer().render(digest(profile=replace(PROFILE, name="b")), TO, NOW),
    ]
    assert len({base, *(message.message_id for message in others)}) == 4
    extra = renderer().render(digest(period="manual-20261121T040000Z"), TO, NOW)
    assert extra.message_id.startswith("<manual-20261121T040000Z.")


# --- the subject ---------------------------------------------------------------------------------------------------


def subject(**options: object) -> str:
    return renderer().render(digest(**options), TO, NOW).subject  # type: ignore[arg-type]


def test_subject_says_how_many_and_what() -> None:
    short = [pick("SCDiar: a streaming system", score=0.9), pick("Emotional Face-to-Speech", score=0.8), pick("Third")]
    assert subject(ranked=short[:1]) == "1 paper this week: SCDiar"
    assert subject(ranked=short) == "3 papers this week: SCDiar, Emotional Face-to-Speech, Third"
    assert subject(ranked=week()) == "14 papers this week: Improving Streaming Speech…"
    assert subject(ranked=short, period="2026-11-21").startswith("3 papers in 7 days: SCDiar")
    assert subject(ranked=short, period="manual-20261121T040000Z").startswith("3 papers: SCDiar")
    many = [pick(f"Title number {n} of this kind", score=0.9 - n / 100) for n in range(9)]
    assert subject(ranked=many) == "9 papers this week: Title number 0 of this kind, …"
    posts = [pick(f"Post {n}", kind="post", source="blog", url=f"https://example.org/{n}") for n in range(2)]
    assert subject(ranked=posts) == "2 posts this week: Post 0, Post 1"


def test_the_day_before_is_today_and_more_is_told_as_it_is() -> None:
    letter = digest([pick("SCDiar: a streaming system")], period="2026-11-21")
    for hours, said in ((24, "today"), (25, "today"), (72, "in 3 days"), (7 * 24, "in 7 days")):
        one = replace(letter, since=NOW - timedelta(hours=hours))
        assert renderer().render(one, TO, NOW).subject == f"1 paper {said}: SCDiar"


def test_the_preheader_goes_on_where_the_subject_ends() -> None:
    found = [pick(name, score=0.9 - n / 100) for n, name in enumerate(("Alpha: a", "Beta: b", "C" * 60, "Delta"))]
    html = renderer().html(digest(found), TO)
    assert subject(ranked=found) == "4 papers this week: Alpha, Beta, …"
    assert f'"pre">{"C" * 60}; Delta&' in html or f">{'C' * 60}; Delta\u2007" in html
    long = [
        pick("Improving streaming speech recognition with time-shifted contexts", score=0.9),
        pick("Delta", score=0.8),
    ]
    assert ">Delta\u2007" in renderer().html(digest(long), TO), "the subject has said what the first is about"
    assert ">Out of 1 entry that came from" in renderer().html(digest(found[:1]), TO)


@pytest.mark.parametrize("period", ["2026-W47", "2026-11", "2026-11-21", "manual-x"])
@pytest.mark.parametrize("title", [*HOSTILE, "a", "b" * 69, "word " * 40])
def test_subject_is_short(title: str, period: str) -> None:
    others = [pick(f"{title} {n}", score=0.5) for n in range(3)]
    assert len(subject(ranked=[pick(title), *others], period=period)) <= 60


def test_empty_subject_is_honest() -> None:
    low = [pick("low", score=0.1)]
    assert subject(ranked=low, sources=BROKEN[:1] * 2) == "Nothing above your threshold this week; 2 sources failed"
    assert subject(ranked=[], sources=BROKEN) == "Nothing new this week; 2 sources broken"
    assert subject(ranked=low, sources=BROKEN) == "Nothing above your threshold this week; 2 sources broken"
    one = replace(PROFILE, sections=("videos",), send_empty=True)
    assert subject(ranked=[pick("high")], sources=HEALTHY, profile=one) == "Nothing for your sections this week"
    assert subject(ranked=[], sources=BROKEN[:1]) == "No source answered this week; 1 source failed"
    assert subject(ranked=[], profile=replace(PROFILE, send_empty=True), sources=HEALTHY) == "Nothing new this week"


# --- what the letter says ------------------------------------------------------------------------------------------


def test_both_parts_say_everything_in_the_same_order() -> None:
    letter = digest()
    page = Page(renderer().html(letter, TO)).text
    text = " ".join(renderer().text(letter, TO).split())
    needles = ["week 47", "14–21 Nov", "14 papers and 4 more worth your time", "Out of 169 entries", "11 of 12"]
    needles += ["ISCA archive did not answer", "8 of 25 shown", "Improving Streaming Speech", "Khanh Le, Duc Chau"]
    needles += ["arXiv cs.SD · Hugging Face 41 upvotes", "Emotional", "Unmasking Deepfakes", "SCDiar", "by Schrödinger"]
    needles += ["Benchmark for Addressee", "Yuanbo Fang and 10 more"]
    needles += ["Deepgram · 19 November", "listening test", "torchaudio 2.9", "How neural codecs", "Not shown 9"]
    needles += ["no answer within 30 s", "HTTP 500", "AssemblyAI, ESPnet releases", "14 November 2026, 08:00"]
    needles += ["“speech” sends to kim@example.org", "aggregator preview speech"]
    for part in (" ".join(page.split()), text):
        body = part[part.index("aper digest · week") :] if "aper digest · week" in part else part
        places = [body.find(needle) for needle in needles]
        assert min(places) >= 0, needles[places.index(min(places))]
        assert places == sorted(places), [needles[n] for n in range(len(places) - 1) if places[n] > places[n + 1]]


def test_links_are_those_that_exist_and_are_safe() -> None:
    links = Page(renderer().html(digest(), TO)).links
    for link in (
        "https://arxiv.org/abs/2502.15158", "https://arxiv.org/pdf/2502.15158", "https://github.com/khanld/chunkformer",
        "https://huggingface.co/papers/2502.15158", "mailto:digest@example.org?subject=unsubscribe%20speech",
    ):  # fmt: skip
        assert link in links
        assert link in renderer().text(digest(), TO)
    unsafe = digest(hostile())
    assert all(link.startswith(("https://", "mailto:")) for link in Page(renderer().html(unsafe, TO)).links)
    assert "javascript:alert(3)" not in renderer().text(unsafe, TO)
    assert "data:text" not in renderer().text(unsafe, TO)


def test_every_address_is_linked_once_and_signals_are_told() -> None:
    item = pick("t", url="https://huggingface.co/papers/2611.00001")
    signals: dict[str, int | str] = {
        "page": item.entry.url, "project": "https://example.org/demo", "upvotes": 1, "stars": 1234, "comments": 5,
        "version": 3, "announce": "new",
    }  # fmt: skip
    seen = (Sighting("hf", "huggingface", item.entry.url, signals), Sighting("A feed", "feed", item.entry.url))
    entry = replace(item.entry, signals=signals)
    letter = digest([replace(item, candidate=replace(item.candidate, entry=entry, sightings=seen))])
    links = Page(renderer().html(letter, TO)).links
    assert links.count(entry.url) == 2  # the title and one link
    assert "https://example.org/demo" in links
    assert "     Hugging Face 1 upvote, 1,234 GitHub stars · A feed\n" in renderer().text(letter, TO)


def test_hostile_text_is_text() -> None:
    page = Page(renderer().html(digest(hostile(), profile=replace(PROFILE, max_entries=40)), TO))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    for shown in (
        "<script>alert(1)</script> & <img src=x onerror=alert(2)>",
        "On a<b and c>d",
        "{{ 7 * 7 }} {% raw %}",
    ):
        assert shown in page.text
    for char in "\x00\x1b\u2028\u2029\u0085\u202e\ud800":
        assert char not in page.text


def test_stacked_marks_are_limited_and_real_ones_kept() -> None:
    assert clean("Z" + "\u0301" * 50, 99) == "Z" + "\u0301" * 4
    for word in ("Việt Nam", "हिन्दी", "e\u0301", "👩\u200d🔬", "שָׁלוֹם"):
        assert clean(word, 99) == word


def test_tex_is_read_in_papers_only() -> None:
    paper, post = pick(r"$\alpha$-codec"), pick(r"$\alpha$ post", kind="post", source="s", url="https://example.org/")
    text = renderer().text(digest([paper, post]), TO)
    assert "\u03b1-codec" in text
    assert r"$\alpha$ post" in text


@pytest.mark.parametrize("kind", ["keyword", "author", "like", "popular"])
def test_reasons_of_every_kind_are_said(kind: str) -> None:
    item = replace(pick("t"), reasons=(Reason(kind, "Ada Lovelace", 0.9),))  # type: ignore[arg-type]
    assert "Ada Lovelace" in renderer().text(digest([item]), TO)
    assert "Ada Lovelace" in renderer().html(
        digest([replace(item, reasons=(*item.reasons, Reason("interest", "x", 0.1)))]), TO
    )


def test_bare_entries_leave_no_holes() -> None:
    item = pick("", kind="model", source="", url="ftp://example.org/", summary="", authors=())
    bare = replace(item, reasons=(), candidate=replace(item.candidate, sightings=()))
    letter = digest([bare], sources=())
    assert "Untitled" in renderer().text(letter, TO)
    page = Page(renderer().html(letter, TO))
    assert "Untitled" in page.text
    assert page.links == ["mailto:digest@example.org?subject=unsubscribe%20speech"] * 2
    assert not re.search(r"\n{3}", renderer().text(letter, TO))


def test_broken_week_is_told_at_the_top() -> None:
    letter = digest([], sources=HEALTHY + BROKEN)
    for part in (Page(renderer().html(letter, TO)).text, renderer().text(letter, TO)):
        assert part.index("ISCA archive did not answer") < part.index(
            "did not answer in full".upper() if "IN FULL" in part else "in full"
        )
        assert "11 of 12 sources answered" in part
    assert "did not answer" not in renderer().text(digest(sources=HEALTHY), TO)


def test_days_are_the_readers() -> None:
    tokyo = digest(profile=replace(PROFILE, timezone="Asia/Tokyo"))
    late = replace(tokyo, since=datetime(2026, 10, 31, 16, tzinfo=UTC), until=datetime(2026, 11, 21, 15, tzinfo=UTC))
    assert "1–21 Nov" in renderer().text(late, TO)
    assert parsed(renderer().render(late, TO, NOW))["Date"].endswith("+0900")
    with pytest.raises(RenderError, match="Mars"):
        renderer().render(digest(profile=replace(PROFILE, timezone="Mars/Base")), TO, NOW)


# --- the looks -----------------------------------------------------------------------------------------------------


def test_html_is_what_mail_programs_read() -> None:
    html = renderer().html(digest(), TO)
    page = Page(html)
    assert html.lower().startswith('<!doctype html><html lang="en" dir="ltr">')
    assert html.index('charset="utf-8"') < 200
    tables = [attributes for tag, attributes in page.tags if tag == "table"]
    assert all(attributes.get("role") == "presentation" for attributes in tables)
    styles = "; ".join(attributes.get("style") or "" for _, attributes in page.tags)
    assert {style.split(":")[0].strip() for style in styles.split(";") if ":" in style} <= PROPERTIES
    assert not re.search(r"var\(|flex|grid|position:|\drem\b|url\(|<img|<link|@import|@font-face", html)
    assert "prefers-color-scheme: dark" in html
    assert html.index('class="pre"') < html.index("<h1")
    assert all(attributes.get("style") for tag, attributes in page.tags if tag in ("h1", "h2", "h3", "p", "a"))


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    r, g, b = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def colour(css: str, name: str, what: str) -> str:
    """What the last rule of a class says, or what it inherits: the colour of its text, ground or edge."""
    rules = re.findall(rf"(?m)^(?:[^{{}}]*[ ,])?{re.escape(name)}(?:,[^{{}}]*)? {{([^}}]*)}}", css)
    found = [match[1] for rule in rules if (match := re.search(rf"(?:^|[ ;]){what}: (#[0-9a-f]{{6}})", rule))]
    assert found or name != ".edge", (name, what)
    return found[-1] if found else colour(css, ".edge", what)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast(mode: str) -> None:
    css = (shipped("templates/email") / "digest.html").read_text()
    light, _, dark = css.partition("@media (prefers-color-scheme: dark)")
    light = light.partition("@media")[0]
    rules = light if mode == "light" else dark
    sheet = colour(rules, ".sheet", "background-color")
    for name in ("h1", "h2", ".t", ".m", ".p", ".p2", ".a", ".n1", ".sn", ".r", ".kicker", ".lede", ".gl",
                 ".gn", ".f", ".k", ".count", ".l", ".v", ".o", ".also"):  # fmt: skip
        assert contrast(colour(rules, name, "color"), sheet) >= 4.5, name
    for name in (".nav", ".v"):
        assert contrast(colour(rules, name, "color"), colour(rules, ".page", "background-color")) >= 4.5, name
    for name in (".y", ".ys", ".also"):
        assert contrast(colour(rules, name, "color"), colour(rules, ".why", "background-color")) >= 4.5, name
    for name in (".dd", ".dt", ".dw", ".a"):
        assert contrast(colour(rules, name, "color"), colour(rules, ".box", "background-color")) >= 4.5, name
    assert contrast(colour(rules, ".al", "color"), colour(rules, ".alarm", "background-color")) >= 4.5
    for name in (".on", ".alarm"):  # WCAG 1.4.11: what carries meaning without words
        what = "background-color" if name == ".on" else "border-color" if mode == "dark" else "border-left: 3px solid"
        edge = re.search(r"\.alarm {[^}]*solid (#[0-9a-f]{6})", rules) if "solid" in what else None
        assert contrast(edge[1] if edge else colour(rules, name, what), sheet) >= 3, name
    assert contrast(colour(rules, ".on", "background-color"), colour(rules, ".off", "background-color")) >= 3


def heavy(number: int, title: str = "A long title on codecs & more ", summary: str = "") -> Digest:
    text = summary or ('One sentence that says a little about codecs and "quotes" & signs. ' * 40)[:2000]
    names = tuple(f"Author Number {n}" for n in range(12))
    found = [
        pick(title * 3, number=f"2611.{n:05}", score=0.9 - n / 10_000, summary=text, upvotes=9, authors=names,
             code="https://github.com/someone/some-repository")
        for n in range(number)
    ]  # fmt: skip
    return digest(found, profile=replace(PROFILE, max_entries=number), sources=HEALTHY + BROKEN * 40)


@pytest.mark.parametrize("number", [1, 20, 40, 80, 160, 500, 1000])
def test_html_stays_below_the_limit(number: int) -> None:
    """Up to 80 works of 2,000 characters are all shown, of more the first hundred, and it says how many there are."""
    html = renderer().html(heavy(number), TO)
    assert len(html.encode()) < HTML_LIMIT
    assert html.count("<h3") == min(number, 103)
    rest = f">and {number - 103} more: <span " if number > 80 else ""
    assert rest in html
    assert (" more: <span " in html) is (number > 80)


def test_what_there_is_no_room_for_is_in_the_browser_where_there_are_pages() -> None:
    own = renderer(base_url="https://digest.example.org", keys=keyring("k" * 32))
    page, text = Page(own.html(heavy(200), TO)), own.text(heavy(200), TO)
    assert "and 97 more in your browser" in page.text
    assert "… and 97 more in your browser [" in text
    assert sum(link.startswith("https://digest.example.org/v/") for link in page.links) == 3
    assert "aggregator preview" not in page.text + text
    assert "… and 97 more: aggregator preview speech\n" in renderer().text(heavy(200), TO)


def test_a_preview_is_a_page_and_shows_everything() -> None:
    html = renderer().html(replace(heavy(200), period="preview-2026-11-21"), TO)
    assert html.count("<h3") == 200
    assert html.count(">PDF</a>") == 200


@pytest.mark.parametrize("kilobytes", [15, 20, 40, 90])
@pytest.mark.parametrize("sort", ["full", "compact", "headlines"])
def test_a_profile_may_have_shorter_letters(kilobytes: int, sort: Format) -> None:
    letter = heavy(60, title="&<>\"'\U0001d518" * 80, summary="\U0001d518&" * 1000)
    many = tuple(f"interest {n} {'&' * 90}" for n in range(60))
    picks = [
        replace(item, reasons=(Reason("interest", name, 0.5),)) for item, name in zip(letter.picks, many, strict=False)
    ]
    profile = replace(letter.profile, format=sort, max_kilobytes=kilobytes, interests=many)
    events = tuple(event(f"{n} {'&' * 300}", n) for n in range(20))
    html = renderer().html(replace(digest(picks, profile=profile, sources=letter.sources), deadlines=events), TO)
    assert 4000 < len(html.encode()) < 1000 * kilobytes
    assert "<h1" in html
    assert "Unsubscribe" in html
    usual = renderer().html(replace(full(), profile=replace(PROFILE, format=sort, max_kilobytes=20)), TO)
    assert len(usual.encode()) < 20_000


def test_forty_entries_keep_their_abstracts() -> None:
    html = renderer().html(heavy(40), TO)
    assert html.count("One sentence that says") >= 40


def test_forty_usual_entries_keep_their_links_too() -> None:
    papers = [item for item in week() if item.score > 0.49 and item.entry.kind == "paper"]
    found = [replace(item, score=item.score - n / 1000) for n in range(3) for item in papers][:40]
    html = renderer().html(digest(found, profile=replace(PROFILE, max_entries=40)), TO)
    assert len(html.encode()) < HTML_LIMIT
    assert html.count(">PDF</a>") == 40
    assert html.count("The idea is to move the attention") >= 37


def test_html_stays_below_the_limit_in_the_worst_case() -> None:
    letter = heavy(40, title="&<>\"'\U0001d518" * 80, summary="\U0001d518&" * 1000)
    interests = tuple(InterestCount("&" * 200, n, 99) for n in range(60))
    sources = tuple(
        SourceHealth("&" * 300, state, "<" * 3000) for state in ("failed", "quiet", "waiting") for _ in range(500)
    )
    html = renderer().html(replace(letter, interests=interests, sources=sources), TO)
    assert len(html.encode()) < HTML_LIMIT
    assert "and 40 more interests" in html


@pytest.mark.parametrize("found", [week(), hostile(), []], ids=["week", "hostile", "empty"])
def test_text_stays_within_its_columns(found: list[object]) -> None:
    for line in renderer().text(digest(found), TO).splitlines():  # type: ignore[arg-type]
        assert columns(line) <= WIDTH or "://" in line or "mailto:" in line, line
        assert line == line.rstrip()


# --- and also ---------------------------------------------------------------------------------------------------------


def test_entry_times_never_matter_to_the_bytes_of_a_paper() -> None:
    item = pick("t")
    entry: Entry = replace(item.entry, published=datetime(2020, 1, 1, tzinfo=UTC))
    moved = replace(item, candidate=replace(item.candidate, entry=entry))
    assert renderer().text(digest([item]), TO) == renderer().text(digest([moved]), TO)


def test_sources_are_called_by_their_titles() -> None:
    digest = full()
    names = {place.source for item in digest.picks for place in item.candidate.sightings if place.kind == "feed"}
    name = min(names)
    told = Renderer("Digest <digest@example.org>", titles={name: "The Blog of All Blogs"})
    for body in (told.text(digest, "me@example.org"), told.html(digest, "me@example.org")):
        assert "The Blog of All Blogs" in " ".join(body.split())
    plain = Renderer("Digest <digest@example.org>", titles={"nobody": "x"})
    assert plain.html(digest, "me@example.org") == Renderer("Digest <digest@example.org>").html(
        digest, "me@example.org"
    )
