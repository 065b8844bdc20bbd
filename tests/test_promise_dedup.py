"""Promise: each work is shown to a subscriber once, ever, however its sources spell, sort, number and edit it.

A few works are told again and again, week by week, by feeds with bad habits and by archives; each telling bears the
work's mark in its text. Over all issues of a subscriber every mark comes exactly once.
"""

import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregator import text
from aggregator.model import Batch, Candidate, Entry
from aggregator.sources.feed import Feed
from aggregator.store import Store
from tests.stores import DAY, NOW, candidates, digest, embed

WEEK = 7 * DAY
SUBSCRIBERS = ("everything", "nothing", "some")
SYLLABLES = [first + second for first in "bcdfghjklmnprstvwxz" for second in "aeiou"]

SPELLINGS = (
    "https://{host}{path}",
    "http://{host}{path}",
    "http://www.{host}{path}/",
    "HTTPS://{HOST}:443{path}#comments",
    "https://{host}{path}?utm_source=rss&utm_medium=feed",
    "https://{host}{path}?ref=planet&fbclid=IwAR{noise}",
    "  https://{host}{path}/?mc_cid={noise}&gclid={noise}#top\n",
)
QUERIES = ("?a=1&id={n}", "?id={n}&a=1", "?id={n}&utm_campaign={noise}&a=1", "?a=1&id={n}#x")
PAPER_LINKS = (
    "https://arxiv.org/abs/{id}",
    "http://arxiv.org/abs/{id}v2",
    "https://arxiv.org/pdf/{id}v1.pdf",
    "https://www.arxiv.org/html/{id}v3",
    "https://export.arxiv.org/abs/{id}?context=cs.SD",
    "https://doi.org/10.48550/arXiv.{id}",
    "https://huggingface.co/papers/{id}",
    "https://www.alphaxiv.org/abs/{id}",
)


@dataclass(frozen=True)
class Work:
    """Something that is published once. `number` tells it from the others of a run, `length` is that of its text."""

    number: int
    is_paper: bool = False
    length: int = 70

    @property
    def mark(self) -> str:
        return f"mark{self.number}mark"

    @property
    def arxiv(self) -> str:
        return f"2611.{self.number:05}"

    @property
    def doi(self) -> str:
        return f"doi:10.5555/interspeech.2026-{self.number}"

    def words(self, count: int, what: str) -> list[str]:
        """Words that no other work has in this order."""
        chance = random.Random(f"{self.number} {what}")
        return ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(count)]

    def title(self, edits: int) -> str:
        """The title after so many corrections."""
        words = " ".join(self.words(7, "title")).capitalize()
        return (words, f"{words}!", f"Updated: {words}", words.upper())[edits % 4]

    def summary(self, edits: int) -> str:
        """The text after so many corrections."""
        more = " ".join(self.words(edits % 3 * 5, "more"))
        return f"{self.mark} {' '.join(self.words(self.length, 'text'))}. {more}"


@dataclass(frozen=True)
class Habits:
    """How a feed tells of its entries. `guid`: own, changing, missing, shared; `link`: own, query, guid, home, none."""

    name: str
    guid: str
    link: str
    host: str

    def item(self, work: Work, visit: int, spelling: int, edits: int) -> str:
        """One entry as the feed tells it at a visit."""
        guid = {"own": f"tag:{work.number}", "changing": f"{visit}-{work.number}", "shared": "1", "missing": ""}
        link = self._link(work, spelling, f"n{visit}{spelling}")
        if self.link == "guid":
            names = f'<guid isPermaLink="true">{escape(link)}</guid>'
        else:
            named = guid[self.guid]
            names = f'<guid isPermaLink="false">{named}</guid>' if named else ""
            names += f"<link>{escape(link)}</link>" if link else ""
        when = f"<pubDate>{NOW:%a, %d %b %Y %H:%M:%S} +0000</pubDate>" if edits % 2 else ""
        return (
            f"<item><title>{escape(work.title(edits))}</title>{names}{when}"
            f"<description>&lt;p&gt;{work.summary(edits)}&lt;/p&gt;</description></item>"
        )

    def _link(self, work: Work, spelling: int, noise: str) -> str:
        if work.is_paper:
            return PAPER_LINKS[spelling % len(PAPER_LINKS)].format(id=work.arxiv)
        if self.link == "none":
            return ""
        if self.link == "home":
            return f"https://{self.host}/"
        place = {"host": self.host, "HOST": self.host.upper(), "noise": noise, "n": work.number}
        if self.link == "query":
            return f"https://{self.host}/show" + QUERIES[spelling % len(QUERIES)].format(**place)
        return SPELLINGS[spelling % len(SPELLINGS)].format(**place, path=f"/posts/{work.number}")

    def entries(self, items: Sequence[str], now: datetime) -> list[Entry]:
        """What the real reader makes of these items."""
        head = f"<title>A</title><link>https://{self.host}/</link>"
        body = f'<rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'
        feed = Feed(name=self.name, url=f"https://{self.host}/feed")
        return feed.parse(body.encode(), now)


NAMED_BY_LINK = [(guid, link) for guid in ("own", "changing", "missing", "shared") for link in ("own", "query")]
NAMED_BY_GUID = [("own", "home"), ("own", "none"), ("own", "guid")]
FEEDS = [
    Habits(f"feed{n}", guid, link, f"blog{n}.example.org")
    for n, (guid, link) in enumerate((*NAMED_BY_LINK, *NAMED_BY_GUID))
]
PLANET = Habits("planet", "changing", "own", "blog0.example.org")
"""A second feed of the first blog's posts."""


def told_by_an_archive(work: Work, source: str, edits: int) -> Entry:
    """A paper as arXiv, Hugging Face and OpenAlex tell it."""
    keys: dict[str, tuple[str, tuple[str, ...]]] = {
        "arxiv": (f"arxiv:{work.arxiv}", ()),
        "arxiv-published": (f"arxiv:{work.arxiv}", (work.doi,)),
        "huggingface": (f"arxiv:{work.arxiv}", ()),
        "openalex": (work.doi, (f"arxiv:{work.arxiv}",)),
        "venue": (work.doi, ()),  # it knows of no preprint: the title, the authors and the text tell
    }
    key, aliases = keys[source]
    return Entry(
        key=key,
        aliases=aliases,
        kind="paper",
        title=work.title(edits),
        url=text.safe_link(f"https://arxiv.org/abs/{work.arxiv}"),
        published=NOW - DAY,
        summary=work.summary(edits),
        authors=tuple(f"Ada {name.capitalize()}" for name in work.words(4, "people")),
    )


KINDS = {
    "arxiv": "arxiv",
    "arxiv-published": "arxiv",
    "huggingface": "huggingface",
    "openalex": "openalex",
    "venue": "openalex",
}


@dataclass(frozen=True)
class Telling:
    """One mention of a work in one answer: the source by its place, the spelling, how far it was edited."""

    work: int
    source: int
    spelling: int
    edits: int


tellings = st.builds(
    Telling, work=st.integers(0, 4), source=st.integers(0, 9), spelling=st.integers(0, 9), edits=st.integers(0, 7)
)
weeks = st.lists(st.lists(tellings, max_size=12), min_size=2, max_size=4)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dedup") / "a.db"
    with Store(f"sqlite:///{path}") as store:
        store.migrate()
    return path


class Subscription:
    """A database with three subscribers: one is shown every candidate, one every second, one none."""

    def __init__(self, store: Store, sources: Sequence[tuple[str, str]]) -> None:
        self.store = store
        self.week = 0
        self.met: dict[str, Counter[str]] = {name: Counter() for name in SUBSCRIBERS}
        for name, kind in sources:  # known before, so that what comes is news
            self.tell(name, kind, (), NOW - DAY)

    @property
    def now(self) -> datetime:
        return NOW + self.week * WEEK

    def tell(self, source: str, kind: str, entries: Sequence[Entry], now: datetime) -> None:
        """A visit."""
        self.store.add(source, kind, Batch(entries=tuple(entries), cursor={}), now=now, next_visit=now)

    def issue(self) -> None:
        """The end of a week: every subscriber's issue."""
        embed(self.store)
        until = self.now + DAY
        for name in SUBSCRIBERS:
            found = candidates(self.store, name, until - WEEK, until=until)
            self.met[name] += Counter(_mark(one) for one in found)
            picked = {"everything": found, "some": found[::2], "nothing": []}[name]
            letter = digest(*picked, period=f"{self.week}", profile=name)
            assert self.store.queue(name, f"{self.week}", until - WEEK, until, now=until, digest=letter, messages=[])
        self.week += 1

    def check(self, works: Iterable[Work]) -> None:
        """Every work was there once."""
        for name, met in self.met.items():
            assert met == Counter({work.mark: 1 for work in works}), name


def _mark(candidate: Candidate) -> str:
    (mark,) = {word for word in candidate.entry.summary.split() if word.startswith("mark")}
    return mark


@contextmanager
def subscribed(template: Path, sources: Sequence[tuple[str, str]]) -> Iterator[Subscription]:
    """An empty database with subscribers."""
    with TemporaryDirectory() as folder, Store(f"sqlite:///{shutil.copy(template, folder)}") as store:
        yield Subscription(store, sources)


ROUGHLY = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # to make a failing example smaller takes minutes
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@ROUGHLY
@given(
    weeks=weeks,
    feeds=st.lists(st.sampled_from([*FEEDS, PLANET]), min_size=1, max_size=3, unique=True),
    length=st.sampled_from([6, 70]),
)
def test_feeds_with_bad_habits(template: Path, weeks: list[list[Telling]], feeds: list[Habits], length: int) -> None:
    """A host's works are its own; the planet tells those of the first host. Short texts say nothing of likeness."""
    works: dict[tuple[str, int], Work] = {}
    with subscribed(template, [(feed.name, "feed") for feed in feeds]) as subscription:
        for visit, tellings in enumerate(weeks):
            for feed in feeds:
                mine = {one.work: one for one in tellings if feeds[one.source % len(feeds)] is feed}
                items = [
                    feed.item(
                        works.setdefault((feed.host, number), Work(len(works), length=length)),
                        visit,
                        one.spelling,
                        one.edits,
                    )
                    for number, one in mine.items()
                ]
                subscription.tell(feed.name, "feed", feed.entries(items, subscription.now), subscription.now)
            subscription.issue()
        subscription.check(works.values())


@ROUGHLY
@given(weeks=weeks)
def test_papers_by_many_ways(template: Path, weeks: list[list[Telling]]) -> None:
    """arXiv, Hugging Face, OpenAlex, a venue's list that knows no preprint, and a feed that links to papers."""
    works: dict[int, Work] = {}
    links = Habits("links", "changing", "own", "links.example.org")
    archives = list(KINDS)
    with subscribed(template, [(name, KINDS[name]) for name in archives] + [("links", "feed")]) as subscription:
        for visit, tellings in enumerate(weeks):
            for place, source in enumerate((*archives, "links")):
                mine = {one.work: one for one in tellings if one.source % (len(archives) + 1) == place}
                told = [
                    (works.setdefault(number, Work(len(works), is_paper=True)), one) for number, one in mine.items()
                ]
                if source == "links":
                    items = [links.item(work, visit, one.spelling, one.edits) for work, one in told]
                    entries = links.entries(items, subscription.now)
                else:
                    entries = [told_by_an_archive(work, source, one.edits) for work, one in told]
                subscription.tell(source, KINDS.get(source, "feed"), entries, subscription.now)
            subscription.issue()
        subscription.check(works.values())


# --- single stories: at each visit (number of the work, guid, link) of what the feed lists

HOME = "https://one.example.org/"
_P = HOME + "?p={}"
Visit = list[tuple[int, str, str]]


@pytest.mark.parametrize(
    "visits",
    [
        pytest.param([[(1, "latest", "a")], [(2, "latest", "b")], [(3, "latest", "c")]], id="a guid for all in turn"),
        pytest.param([[(1, HOME, "a")], [(2, HOME, "b")]], id="the home as guid"),
        pytest.param([[(1, "g1", ""), (2, "g2", "")], [(2, "g2", ""), (1, "g1", "")]], id="the home as link"),
        pytest.param([[(1, "1", "a"), (2, "1", "b")], [(2, "1", "b"), (3, "1", "c")]], id="one guid"),
        pytest.param([[(1, _P, "typo")], [(1, _P, "mended")]], id="another link"),
        pytest.param([[(1, _P, "a")], [(1, _P, "https://two.example.net/a")]], id="another domain"),
        pytest.param([[(1, _P, "a")], [(1, _P, "")]], id="the link becomes the home"),
        pytest.param([[(1, _P, "x")], [(1, _P, "x"), (2, _P, "x")], [(2, _P, "x")]], id="a link"),
        pytest.param([[(1, "g1", "a"), (1, "g2", "a")], [(1, "g1", "a")]], id="twice in an answer"),
    ],
)
def test_stories(template: Path, visits: list[Visit]) -> None:
    feed = Habits("one", "own", "own", "one.example.org")
    works = {number: Work(number, length=6) for visit in visits for number, _, _ in visit}
    with subscribed(template, [("one", "feed")]) as subscription:
        for visit in visits:
            items = [
                f"<item><title>{works[number].title(0)}</title><guid isPermaLink='false'>{guid.format(number)}</guid>"
                f"<link>{urljoin(HOME, link)}</link><description>{works[number].summary(0)}</description></item>"
                for number, guid, link in visit
            ]
            subscription.tell("one", "feed", feed.entries(items, subscription.now), subscription.now)
            subscription.issue()
        subscription.check(works.values())
