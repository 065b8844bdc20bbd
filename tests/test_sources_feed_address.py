"""The short forms: which address each makes, what its entries are, what is refused and in which words."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.model import Kind
from aggregator.sources.feed import Feed
from tests.fakes import fetcher_over, pages

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHANNEL = "UCtatfZMf-8EkIwASXM4ts0A"
ITEM = "<item><title>A sample</title><link>https://blog.example.org/1</link></item>"
RSS = f'<?xml version="1.0"?><rss version="2.0"><channel><title>A sample</title>{ITEM}</channel></rss>'
TOP = "https://www.reddit.com/r/MachineLearning/top/.rss"


def feed(**options: Any) -> Feed:
    return Feed(name="sample", **options)


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"url": "https://e.org/feed?a=b"}, "https://e.org/feed?a=b"),
        ({"youtube": CHANNEL}, f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"),
        (
            {"youtube": "UULFtatfZMf-8EkIwASXM4ts0A"},
            "https://www.youtube.com/feeds/videos.xml?playlist_id=UULFtatfZMf-8EkIwASXM4ts0A",
        ),
        ({"youtube": "PL0123456789"}, "https://www.youtube.com/feeds/videos.xml?playlist_id=PL0123456789"),
        ({"reddit": "r/MachineLearning"}, f"{TOP}?t=week"),
        ({"reddit": "r/speechtech+LocalLLaMA"}, "https://www.reddit.com/r/speechtech+LocalLLaMA/top/.rss?t=week"),
        ({"github": "openai/whisper"}, "https://github.com/openai/whisper/releases.atom"),
        ({"github": "k2-fsa/k2", "github_feed": "tags"}, "https://github.com/k2-fsa/k2/tags.atom"),
        ({"github": "a/b.c_d", "github_feed": "commits"}, "https://github.com/a/b.c_d/commits.atom"),
        ({"discourse": "https://discuss.huggingface.co/c/audio/12"}, "https://discuss.huggingface.co/c/audio/12.rss"),
        ({"discourse": "https://d.example.org/c/a/audio/12/"}, "https://d.example.org/c/a/audio/12.rss"),
        ({"discourse": "https://d.example.org/c/audio/12/l/latest"}, "https://d.example.org/c/audio/12.rss"),
        ({"discourse": "https://d.example.org/c/audio/12.rss"}, "https://d.example.org/c/audio/12.rss"),
        ({"discourse": "https://d.example.org/forum/tag/asr?order=views#x"}, "https://d.example.org/forum/tag/asr.rss"),
        ({"discourse": "https://d.example.org/latest"}, "https://d.example.org/latest.rss"),
        ({"discourse": "https://d.example.org/top"}, "https://d.example.org/top.rss?period=weekly"),
        ({"discourse": "https://d.example.org/top?period=daily"}, "https://d.example.org/top.rss?period=daily"),
        ({"discourse": "https://d.example.org/top?period=x"}, "https://d.example.org/top.rss?period=weekly"),
        ({"substack": "importai"}, "https://importai.substack.com/feed"),
        ({"substack": "www.interconnects.ai"}, "https://www.interconnects.ai/feed"),
        ({"substack": "https://importai.substack.com/"}, "https://importai.substack.com/feed"),
        ({"mastodon": "@a_user@Mastodon.social"}, "https://mastodon.social/@a_user.rss"),
        ({"mastodon": "user@social.example.org"}, "https://social.example.org/@user.rss"),
        ({"bluesky": "handle.bsky.social"}, "https://bsky.app/profile/handle.bsky.social/rss"),
        ({"bluesky": "@example.org"}, "https://bsky.app/profile/example.org/rss"),
        ({"bluesky": f"did:plc:{'a2' * 12}"}, f"https://bsky.app/profile/did:plc:{'a2' * 12}/rss"),
    ],
)
def test_address(options: dict[str, str], address: str) -> None:
    assert feed(**options).address == address


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs an address: one of url, youtube, reddit, github, discourse, substack, mastodon, bluesky"),
        ({"url": "https://e.org/", "reddit": "r/asr"}, "has both url and reddit; keep one of them"),
        ({"url": "https://e.org/", "github_feed": "tags"}, "goes with github only"),
        ({"url": "file:///etc/passwd"}, "no http or https address"),
        ({"url": f"{TOP}?t=week&feed=s3cret&user=me"}, "set REDDIT_FEED_TOKEN and REDDIT_FEED_USER"),
        ({"youtube": "@AssemblyAI"}, "YouTube's feeds know none: open the channel's page, and there About"),
        ({"youtube": "https://www.youtube.com/@AssemblyAI"}, "is a handle"),
        ({"youtube": "UCshort"}, "neither a channel's id"),
        ({"youtube": ""}, "neither a channel's id"),
        ({"reddit": "MachineLearning"}, 'write it as "r/MachineLearning"'),
        ({"reddit": "r/a/../b"}, "no subreddit"),
        ({"reddit": "u/somebody"}, "no subreddit"),
        ({"github": "whisper"}, 'write it as "owner/repo"'),
        ({"github": "openai/.."}, "no repository"),
        ({"github": "openai/whisper/releases"}, "no repository"),
        ({"github": "openai/whisper", "github_feed": "issues"}, "releases"),
        ({"discourse": "https://d.example.org/t/a-topic/1"}, "no list of a Discourse forum"),
        ({"discourse": "https://d.example.org/c/audio/12/l/top"}, "no list of a Discourse forum"),
        ({"discourse": "discuss.huggingface.co"}, "no list of a Discourse forum"),
        ({"substack": "a/b"}, "no newsletter"),
        ({"substack": "importai.substack.com/p/x"}, "no newsletter"),
        ({"mastodon": "@user"}, 'write it as "@user@server"'),
        ({"mastodon": "@user@localhost"}, "no account"),
        ({"bluesky": "handle"}, 'as "name.bsky.social"'),
        ({"bluesky": "a.b/../c.d"}, "no account"),
    ],
)
def test_what_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        feed(**options)
    (problem,) = caught.value.errors()
    assert words in problem["msg"]
    assert "s3cret" not in problem["msg"]


@pytest.mark.parametrize(
    ("options", "hours"),
    [
        ({"url": "https://e.org/"}, 4),
        ({"youtube": CHANNEL}, 6),
        ({"reddit": "r/asr"}, 24),
        ({"github": "a/b"}, 4),
        ({"reddit": "r/asr", "every_hours": 30}, 30),
        ({"youtube": CHANNEL, "every_hours": 1.5}, 1.5),
    ],
)
def test_how_often(options: dict[str, Any], hours: float) -> None:
    assert feed(**options).every_hours == hours
    assert Feed.model_validate({"name": "x", **options}, strict=True).every_hours == hours


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"youtube": CHANNEL}, "video"),
        ({"reddit": "r/asr"}, "thread"),
        ({"github": "a/b"}, "release"),
        ({"github": "a/b", "github_feed": "tags"}, "release"),
        ({"github": "a/b", "github_feed": "commits"}, "post"),
        ({"discourse": "https://d.example.org/latest"}, "thread"),
        ({"substack": "importai"}, "post"),
        ({"mastodon": "@a@b.org"}, "post"),
        ({"bluesky": "a.bsky.social"}, "post"),
        ({"reddit": "r/asr", "post_kind": "post"}, "post"),
    ],
)
def test_kind(options: dict[str, Any], kind: Kind) -> None:
    assert [entry.kind for entry in feed(**options).parse(RSS.encode(), NOW)] == [kind]


# --- Reddit's private token


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REDDIT_FEED_TOKEN", "s3cr3tt0ken")
    monkeypatch.setenv("REDDIT_FEED_USER", "somebody")
    return "s3cr3tt0ken"


def test_the_token_is_sent_and_stands_nowhere(token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    own = f"<link>https://www.reddit.com/?feed={token}</link><item><title>x</title><link></link><guid>{token}</guid></item>"
    body = RSS.replace("<item>", f"{own}<item>")
    network = pages({TOP: [httpx.Response(200, content=body, headers={"ETag": '"1"'}), httpx.Response(304)]})
    reddit = feed(reddit="r/MachineLearning")
    with fetcher_over(network, tmp_path) as fetcher:
        first = reddit.visit(fetcher, None, NOW)
    with fetcher_over(network, tmp_path) as fetcher:
        second = reddit.visit(fetcher, first.cursor, NOW)
    assert network.urls == [f"{TOP}?t=week&feed={token}&user=somebody"] * 2
    assert network.requests[1].headers["if-none-match"] == '"1"'
    assert second.unchanged
    assert first.cursor == {"url": f"{TOP}?t=week", "from": f"{TOP}?t=week", "etag": '"1"'}
    for said in (repr(first), repr(second), caplog.text, repr(reddit), reddit.address, reddit.fingerprint):
        assert token not in said


@pytest.mark.parametrize("answer", [429, 403, 404, f"<html>{TOP}?feed=s3cr3tt0ken", httpx.ReadError("x"), b""])
def test_no_error_shows_the_token(answer: Any, token: str, tmp_path: Path) -> None:
    with fetcher_over(pages({TOP: answer}), tmp_path) as fetcher, pytest.raises((FetchError, ParseError)) as caught:
        feed(reddit="r/MachineLearning").visit(fetcher, None, NOW)
    assert token not in str(caught.value)


def test_the_token_goes_to_reddit_only(token: str, tmp_path: Path) -> None:
    away = "https://elsewhere.example.org/x"
    network = pages({TOP: httpx.Response(302, headers={"Location": f"{away}?feed={token}&user=somebody"}), away: RSS})
    with fetcher_over(network, tmp_path) as fetcher:
        batch = feed(reddit="r/MachineLearning").visit(fetcher, None, NOW)
    assert network.urls[1] == away
    assert token not in repr(batch)
    other = pages({"https://e.org/": RSS})
    with fetcher_over(other, tmp_path) as fetcher:
        feed(url="https://e.org/").visit(fetcher, None, NOW)
    assert other.urls == ["https://e.org/"]


def test_without_a_token_nothing_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDDIT_FEED_TOKEN", raising=False)
    network = pages({TOP: RSS})
    with fetcher_over(network, tmp_path) as fetcher:
        feed(reddit="r/MachineLearning").visit(fetcher, None, NOW)
    assert network.urls == [f"{TOP}?t=week"]


def test_half_a_token_is_the_sources_trouble(token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDDIT_FEED_USER")
    with (
        fetcher_over(pages({TOP: RSS}), tmp_path) as fetcher,
        pytest.raises(SourceError, match="set REDDIT_FEED_USER") as caught,
    ):
        feed(reddit="r/MachineLearning").visit(fetcher, None, NOW)
    assert token not in str(caught.value)
