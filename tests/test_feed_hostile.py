"""Feeds on which feedparser would spend minutes are read in no time, and lose no entry by it; odd ones raise nothing.

Every input is made here. What is only ended, not read, is in tests/test_sources_feed_worker.py.
"""

import time

import pytest

from aggregator.errors import ParseError
from aggregator.sources.feed.document import Document, read
from aggregator.sources.feed.fast import thinned

URL = "https://blog.example.org/dir/feed.xml"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


def rss(inside: str, *, head: str = "", channel: str = "") -> bytes:
    """Two entries, the first with something special inside."""
    items = "".join(
        f"<item><title>Post {n}</title><link>https://blog.example.org/{n}</link>{inside if n == 0 else ''}</item>"
        for n in range(2)
    )
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel>{channel}{items}</channel></rss>'.encode()


def atom(inside: str) -> bytes:
    entries = (
        f"<entry><id>u:0</id><title>Post 0</title>{inside}</entry><entry><id>u:1</id><title>Post 1</title></entry>"
    )
    return f"<feed {ATOM}><title>B</title>{entries}</feed>".encode()


def document(body: bytes) -> Document:
    return read(body, content_type="", url=URL)


QUADRATIC = {
    "an author of 80 kB": rss(f"<author>{'a' * 80_000}</author>"),
    "an author of 80 kB, in CDATA": rss(f"<author><![CDATA[{'a' * 80_000}]]></author>"),
    "an author of 80 kB, with a domain": rss(f"<author>a@{'a.' * 40_000}</author>"),
    "a creator of 80 kB": rss(f"<dc:creator {DC}>{'a' * 80_000}</dc:creator>"),
    "an editor of 80 kB": rss("", channel=f"<managingEditor>{'a' * 80_000}</managingEditor>"),
    "20 000 categories": rss("".join(f"<category>c{n}</category>" for n in range(20_000))),
    "60 000 categories of Atom": atom("".join(f'<category term="c{n}"/>\n' for n in range(60_000))),
    "20 000 subjects": rss("".join(f"<dc:subject {DC}>c{n}</dc:subject>" for n in range(20_000))),
    "60 000 keywords": rss(f"<media:keywords {MEDIA}>{','.join(f'c{n}' for n in range(60_000))}</media:keywords>"),
    "400 kB of blank lines": rss("", head="\n" * 400_000),
    "400 kB of blank lines in a comment": rss("", head=f"<!--{chr(10) * 400_000}-->"),
    "4 MB of <": rss("<description>" + "<" * 4_000_000 + "</description>"),
    "hours to skip, 70 000 times": rss("", channel="<ttl>60</ttl>" + "<skipHours></skipHours>" * 70_000),
}


@pytest.mark.parametrize("name", QUADRATIC)
def test_what_is_quadratic_is_read_at_once_and_whole(name: str) -> None:
    begun = time.process_time()
    items = document(QUADRATIC[name]).items
    assert time.process_time() - begun < 5
    assert [item.title for item in items] == ["Post 0", "Post 1"]


THIN = {
    "names": b"<author " * 500_000,
    "short runs": b"<r><author>" + (b"a" * 299 + b" ") * 13_000,
    "tags too few to cut": (b"<r>" + b"<category>ab</category>" * 49 + b"<x>") * 3400,
    "blanks too few to cut": (b"\n" * 99 + b"x") * 40_000 + b"<r>",
    "attributes": b"<category a='" + b"x" * 4_000_000,
    "CDATA": b"<r>" + b"<author><![CDATA[" * 200_000,
}


@pytest.mark.parametrize("name", THIN)
def test_thinning_takes_no_longer_than_the_feed_is_long(name: str) -> None:
    begun = time.process_time()
    thinned(THIN[name])
    assert time.process_time() - begun < 5


def test_what_people_write_is_not_thinned() -> None:
    names = ", ".join(f"Ada Lovelace-{n}" for n in range(3000))
    tags = "".join(f"<category>tag {n}</category>\n" for n in range(90))
    body = rss(
        f"<author>{names}</author>{tags}<description>{'word ' * 9000}{'x' * 5000}</description>",
        head="<!-- a\n\n b -->",
    )
    assert thinned(body) == body
    utf16 = body.decode().encode("utf-16")
    assert thinned(utf16) == utf16


def test_of_too_much_the_beginning_is_kept() -> None:
    tags = "".join(f"<category>c{n}</category>" for n in range(300))
    item = document(rss(f"{tags}<author>Ada {'a' * 2000} Lovelace</author>")).items[0]
    assert item.tags == tuple(f"c{n}" for n in range(100))
    assert item.authors == ("Ada Lovelace",)
    words = ",".join(f"c{n}" for n in range(9000))
    found = document(rss(f"<media:keywords {MEDIA}>{words}</media:keywords>")).items[0].tags
    assert 500 < len(found) < 1500
    assert found == tuple(f"c{n}" for n in range(len(found)))


LISTS = ("links", "authors", "tags", "media_content", "media_thumbnail", "content", "image", "title_detail")


@pytest.mark.parametrize("name", [*LISTS, "published_parsed", "updated_parsed", "itunes_duration", "id", "entries"])
def test_an_element_named_like_a_list_of_feedparser_is_harmless(name: str) -> None:
    """feedparser puts the text of an element that it does not know where its own lists would be."""
    assert [item.title for item in document(rss(f"<{name}>x</{name}>")).items] == ["Post 0", "Post 1"]


HALF = '<rss version="2.0"><channel><item><title>A</title><link>https://b.example/1</link></item><item>'


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("<title>B", 1),
        ("<title>B</title>", 1),
        ("<title>B</title><guid>2</guid><link>https://b.exa", 1),
        ("<title>B</title><guid>2</guid><link><![CDATA[https://b.exa", 1),
        ("<title>B</title><link>https://b.example/2</link><guid>https://b.e", 1),
        ("<title>B</title><link>https://b.example/2</link><description>Half a s", 2),
        ("<title>B</title><guid>2</guid><description>Half a sentence with <a", 2),
    ],
)
def test_an_entry_at_the_break_is_kept_if_its_title_and_names_are_whole(end: str, kept: int) -> None:
    """Half a link would be the entry's name for good; half a text is made whole by the next visit."""
    found = document((HALF + end).encode())
    assert found.cut
    assert [item.title for item in found.items] == ["A", "B"][:kept]


def test_hours_and_days_to_skip() -> None:
    channel = (
        "<skipHours><hour>24</hour>\n <hour> 3 </hour><hour>25</hour></skipHours>"
        "<skipDays><day>Sunday</day><day>monday</day><day>Payday</day></skipDays>"
    )
    found = document(rss("", channel=channel))
    assert (found.skip_hours, found.skip_days) == (frozenset({0, 3}), frozenset({0, 6}))


def test_lengths_of_media_are_read() -> None:
    inside = (
        f'<media:content {MEDIA} url="/film.mp4" medium="video" duration="77"/><media:thumbnail {MEDIA} url="t.jpg"/>'
    )
    item = document(rss(inside)).items[0]
    assert (item.seconds, item.image) == (77, "https://blog.example.org/dir/t.jpg")


def test_relative_links_of_json_are_completed() -> None:
    body = (
        b'{"version": "https://jsonfeed.org/version/1.1", "home_page_url": "/", "items": [{"id": "1", "url": "/1",'
        b'"image": "i.png", "attachments": [{"url": "a.mp3", "mime_type": "audio/mpeg", "duration_in_seconds": 9}]}]}'
    )
    found = document(body)
    (item,) = found.items
    assert found.home == "https://blog.example.org/"
    assert (item.link, item.seconds) == ("https://blog.example.org/1", 9)
    assert (item.image, item.audio) == ("https://blog.example.org/dir/i.png", "https://blog.example.org/dir/a.mp3")


def test_halves_of_characters_in_json_can_be_stored() -> None:
    item = r'{"id": "a\ud800", "url": "https://b.example/\ud800", "title": "\udfff", "tags": ["\ud800"]}'
    body = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{item}]}}'.encode()
    (found,) = document(body).items
    assert (found.guid, found.link, found.title, found.tags) == ("a?", "https://b.example/?", "?", ("?",))


@pytest.mark.parametrize("body", [b"", b"<" * 100_000, b"\0" * 100_000, b"{" * 100_000, b"[" * 100_000])
def test_what_is_nothing_is_an_error_in_one_line(body: bytes) -> None:
    with pytest.raises(ParseError) as error:
        document(body)
    assert "\n" not in str(error.value)
