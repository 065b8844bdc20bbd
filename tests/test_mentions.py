"""One paper, announced on arXiv, listed on Hugging Face, linked from a thread and from a post: one card, one mail."""

import email
import email.policy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from aggregator import pipeline
from aggregator.model import Profile
from aggregator.render import Renderer
from aggregator.sources import Source
from aggregator.sources.arxiv import Arxiv
from aggregator.sources.feed import Feed
from aggregator.sources.huggingface import HuggingFace
from aggregator.store import Store
from tests.fakes import ListMailer, WordEmbedder, fetcher_over, pages

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)  # a Monday
PAPER = "2611.00001"
TITLE = "Streaming speech recognition with full-duplex codecs"
ME = Profile(
    name="me",
    email=("me@example.org",),
    schedule="weekly mon 08:00",
    timezone="UTC",
    interests=("streaming speech recognition",),
    min_score=0.05,
)
API = f"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
<title>arXiv Query</title><opensearch:totalResults>1</opensearch:totalResults><entry>
<id>http://arxiv.org/abs/{PAPER}v1</id><title>{TITLE}</title><updated>2026-11-19T10:00:00Z</updated>
<published>2026-11-19T10:00:00Z</published><summary>We recognise streaming speech as it is spoken.</summary>
<category term="eess.AS"/><author><name>Ada Sample</name></author></entry></feed>"""
DAY = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>eess.AS updates</title><entry>
<id>oai:arXiv.org:{PAPER}v1</id><title>{TITLE}</title><link href="https://arxiv.org/abs/{PAPER}"/>
<summary>arXiv:{PAPER}v1 Announce Type: new \nAbstract: We recognise streaming speech.</summary>
<published>2026-11-20T00:00:00-05:00</published></entry></feed>"""
REDDIT = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>r/MachineLearning</title><entry>
<id>t3_abc</id><title>[R] Full-duplex speech recognition that streams</title>
<link href="https://www.reddit.com/r/MachineLearning/comments/abc/streaming_speech/"/><updated>2026-11-20T08:00:00+00:00</updated>
<content type="html">&lt;p&gt;A streaming speech paper: &lt;a href="https://arxiv.org/pdf/{PAPER}v1"&gt;here&lt;/a&gt;&lt;/p&gt;
&lt;a href="https://www.reddit.com/user/someone"&gt;someone&lt;/a&gt;</content></entry></feed>"""
BLOG = f"""<rss version="2.0"><channel><title>A speech blog</title><link>https://blog.example.org</link><item>
<title>How streaming speech recognition learned to listen</title><link>https://blog.example.org/listen</link>
<pubDate>Sat, 21 Nov 2026 08:00:00 GMT</pubDate>
<description>&lt;p&gt;On streaming speech, see
&lt;a href="https://doi.org/10.48550/arXiv.{PAPER}"&gt;the paper&lt;/a&gt;.&lt;/p&gt;</description>
</item></channel></rss>"""
SOURCES: tuple[Source, ...] = (
    Arxiv(name="arxiv"),
    HuggingFace(name="huggingface"),
    Feed(name="reddit-machinelearning", url="https://www.reddit.com/r/MachineLearning/top/.rss?t=week"),
    Feed(name="speech-blog", url="https://blog.example.org/feed"),
)


def daily(request: httpx.Request) -> httpx.Response:
    row = {"paper": {"id": PAPER, "title": TITLE, "upvotes": 41, "submittedOnDailyAt": "2026-11-20T00:00:00.000Z"}}
    return httpx.Response(200, content=json.dumps([row] if request.url.params["date"] == "2026-11-20" else []))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    network = pages(
        {
            "https://export.arxiv.org/api/query": API,
            "https://rss.arxiv.org/atom/cs.SD+eess.AS": DAY,
            "https://huggingface.co/api/daily_papers": daily,
            "https://www.reddit.com/r/MachineLearning/top/.rss": REDDIT,
            "https://blog.example.org/feed": BLOG,
        }
    )
    with Store(f"sqlite:///{tmp_path}/a.db") as opened, fetcher_over(network, tmp_path) as fetcher:
        opened.migrate()
        outcome = pipeline.collect(opened, fetcher, SOURCES, now=NOW)
        assert outcome.troubles == []
        yield opened


def mailed(store: Store, now: datetime) -> list[str]:
    """The plain letters that a Monday brings."""
    names = [source.name for source in SOURCES]
    renderer = Renderer("Digest <digest@example.org>")
    pipeline.digest(store, WordEmbedder(), renderer, [ME], names, now=now)
    mailer = ListMailer()
    pipeline.deliver(store, mailer, now=now)
    found = []
    for message in mailer.sent:
        body = email.message_from_bytes(message.raw, policy=email.policy.default).get_body(("plain",))
        assert body is not None
        found.append(body.get_content())
    return found


def test_one_card_names_all_four(store: Store) -> None:
    (letter,) = mailed(store, NOW)
    picks = store.issues("me")[0].picks
    assert picks == 1
    for place in ("arXiv eess.AS", "Hugging Face 41 upvotes", "r/MachineLearning", "speech-blog"):
        assert place in letter, letter
    assert letter.count(TITLE) == 1
    assert "https://blog.example.org/listen" in letter
    assert "https://www.reddit.com/r/MachineLearning/comments/abc/streaming_speech" in letter


def test_it_is_mailed_once(store: Store) -> None:
    mailed(store, NOW)
    for weeks in range(1, 4):
        assert not any(TITLE in letter for letter in mailed(store, NOW + timedelta(weeks=weeks)))
