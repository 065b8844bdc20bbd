"""What reads usual feeds quickly says of every feed exactly what feedparser does."""

import tarfile
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.sources.feed import document
from aggregator.sources.feed.document import Document, read
from aggregator.sources.feed.usual import usual

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
CORPUS = SHARED / "data" / "feeds" / "feedparser-corpus.tar.gz"
REAL = SHARED / "internet" / "data" / "feeds"
HERE = Path(__file__).parent / "data" / "feed"
URL = "https://blog.example.org/a/feed.xml"
TYPE = "application/rss+xml; charset=utf-8"


def both(body: bytes, content_type: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Document | str, Document | str]:
    """The feed as it is read, and as feedparser alone would read it."""
    with monkeypatch.context() as patch:
        quick = told(body, content_type)
        patch.setattr(document, "usual", lambda body, content_type: None)
        return quick, told(body, content_type)


def told(body: bytes, content_type: str) -> Document | str:
    try:
        return read(body, content_type=content_type, url=URL)
    except ParseError as error:
        return str(error)


def bodies() -> Iterator[tuple[str, bytes]]:
    for folder in (HERE, REAL):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not path.name.endswith(".expected.json"):
                yield path.name, path.read_bytes()
    if CORPUS.exists():
        with tarfile.open(CORPUS) as archive:
            for member in archive:
                if file := archive.extractfile(member) if member.isfile() else None:
                    yield member.name, file.read()


def test_it_says_what_feedparser_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the samples here, and, where ../shared is, of real feeds and of feedparser's corpus."""
    quick = 0
    for name, body in bodies():
        for content_type in ("", TYPE):
            one, two = both(body, content_type, monkeypatch)
            assert one == two, name
            quick += usual(body.lstrip(), content_type) is not None
    assert quick > 0


TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), st.sampled_from("<&>'\"\x85\x92é ;#1/")
    ),
    max_size=30,
)
XML = TEXT.map(lambda text: escape("".join(c for c in text if c in "\t\n" or c >= " ")))
WHEN = st.one_of(
    XML,
    st.integers(0, 2**31).map(lambda seconds: formatdate(seconds, usegmt=True)),
)
PART = st.one_of(
    st.tuples(st.sampled_from(["title", "description", "category", "author", "comments", "dc:creator", "odd"]), XML),
    st.tuples(
        st.sampled_from(["link", "guid"]), st.sampled_from(["https://e.org/1", "2", "", "http://e.org/?a=1&amp;b=2"])
    ),
    st.tuples(st.just("pubDate"), WHEN),
    st.tuples(st.just("content:encoded"), XML.map(lambda text: f"&lt;p&gt;{text}&lt;/p&gt;")),
    st.tuples(st.just('guid isPermaLink="false"'), XML),
    st.tuples(st.just("author"), st.sampled_from(["a@e.org (Ada B)", "Ada B", "a@e.org", "Ada, Bob", "Ada (x)"])),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(PART, max_size=7), max_size=4), XML, st.sampled_from(["", "<ttl>60</ttl>", "<ttl>x</ttl>"]))
@example([[("author", "a@e.org (Ada B)"), ("dc:creator", "")]], "", "")
@example([[("author", "Ada\xa0B")]], "", "")
@example([[("title", "Â¡"), ("author", "JosÃ©")]], "", "")
def test_whatever_a_feed_is_made_of(items: list[list[tuple[str, str]]], title: str, more: str) -> None:
    inside = "".join(
        f"<item>{''.join(f'<{tag}>{value}</{tag.split()[0]}>' for tag, value in parts)}</item>" for parts in items
    )
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    body = (
        f'<?xml version="1.0"?><rss version="2.0" {spaces}><channel><title>{title}</title><link>https://e.org</link>'
        f"{more}{inside}</channel></rss>"
    ).encode()
    with pytest.MonkeyPatch.context() as patch:
        one, two = both(body, TYPE, patch)
    assert one == two
