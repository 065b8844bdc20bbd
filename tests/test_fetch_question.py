"""Which hop is told what: validators to the address that gave them, private parameters to one host; and what is not."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import FetchError
from aggregator.fetch import Fetcher, Page, Validators
from aggregator.fetch.guard import RefusedError
from aggregator.fetch.network import ProxyDownError
from tests.fakes import Answer, Clock, Pages, fetcher_over, pages

URL = "https://blog.example.org/feed"
END = "https://cdn.example.org/feed"
OLD = Validators('W/"\xfc b"', "sometime in 2041")


def see(location: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


def get(network: Pages, folder: Path, url: str = URL, **options: object) -> Page:
    with fetcher_over(network, folder) as fetcher:
        return fetcher.get(url, **options)  # type: ignore[arg-type]


# --- validators


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_validators_go_to_the_address_that_gave_them(status: int, tmp_path: Path) -> None:
    network = pages({URL: see(END, status), END: 304})
    page = get(network, tmp_path, validators=OLD, validators_of=END)
    first, second = (dict(request.headers.raw) for request in network.requests)
    assert not {b"If-None-Match", b"If-Modified-Since"} & set(first)
    assert (second[b"If-None-Match"], second[b"If-Modified-Since"]) == (b'W/"\xfc b"', b"sometime in 2041")
    assert (page.unchanged, page.url, page.validators) == (True, END, OLD)
    assert page.moved_to == (END if status in {301, 308} else "")


@pytest.mark.parametrize("of", [END, "https://other.example.org/", "http://[::1", "no address", f"{URL}?a=b"])
def test_and_to_no_other(of: str, tmp_path: Path) -> None:
    network = pages({URL: b"x"})
    assert get(network, tmp_path, validators=OLD, validators_of=of).body == b"x"
    assert not {"if-none-match", "if-modified-since"} & set(network.requests[0].headers)
    with pytest.raises(FetchError) as caught:
        get(pages({URL: 304}), tmp_path, validators=OLD, validators_of=of)
    assert caught.value.status == 304


# --- private parameters

KEY = {"feed": "s3cr3t", "user": "a b&c"}


def test_private_parameters_stand_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    network = pages({URL: [see(f"{URL}/2?user=x&feed=s3cr3t&t=week", 301), 304], f"{URL}/2": b"x"})
    page = get(network, tmp_path, f"{URL}?t=week", query=KEY)
    assert network.urls == [f"{URL}?t=week&feed=s3cr3t&user=a+b%26c", f"{URL}/2?t=week&feed=s3cr3t&user=a+b%26c"]
    assert page.url == page.moved_to == f"{URL}/2?t=week"
    again = get(pages({URL: 304}), tmp_path, URL, query=KEY, validators=OLD, validators_of=URL)
    assert again.url == URL
    with pytest.raises(FetchError) as caught:
        get(pages({URL: httpx.ReadTimeout("x")}), tmp_path, query=KEY)
    assert "s3cr3t" not in caplog.text + repr(page) + str(caught.value)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("https://e.org/a", "https://e.org/b", True),
        ("http://e.org/a", "https://e.org/b", True),
        ("https://e.org/a", "http://e.org/b", False),
        ("https://e.org/a", "https://www.e.org/b?feed=s3cr3t&x=y", False),
    ],
)
def test_who_is_told_the_private_parameters(start: str, end: str, told: bool, tmp_path: Path) -> None:
    network = pages({start: see(end), end.partition("?")[0]: b"x"})
    get(network, tmp_path, start, query=KEY)
    assert [request.url.params.get("feed") for request in network.requests] == ["s3cr3t", "s3cr3t" if told else None]


# --- what no request ever has


HOPS = st.lists(st.sampled_from([200, 301, 302, 304, 307, 404, 429]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(HOPS, st.booleans())
def test_no_cookie_no_referrer_nothing_against_caches(statuses: list[int], conditional: bool) -> None:
    cookie = {"Set-Cookie": "a=b; Path=/; Domain=example.org", "ETag": '"1"'}
    answers: dict[str, Answer] = {
        f"https://e.example.org/{n}": httpx.Response(status, headers={**cookie, "Location": f"/{n + 1}"})
        for n, status in enumerate(statuses)
    }
    network = pages(answers)
    with Fetcher(contact="", transport=network, sleep=lambda _: None, patience=1e9) as fetcher:
        for _ in range(3):
            try:
                fetcher.get("https://e.example.org/0", validators=OLD if conditional else None)
            except FetchError:
                continue
    for request in network.requests:
        allowed = {"host", "user-agent", "accept", "accept-encoding", "if-none-match", "if-modified-since"}
        assert set(request.headers) <= allowed
        assert request.url.query == b""


# --- errors


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("x"), "unreached"),
        (httpcore.ConnectError("x"), "unreached"),
        (ProxyDownError("p:1", OSError("x")), "unreached"),
        (httpcore.ProxyError("407"), "unreached"),
        (RefusedError("10.0.0.1 is not a public address"), "unreached"),
        (httpcore.ConnectTimeout("x"), "timeout"),
        (httpx.ReadTimeout("x"), "timeout"),
        (TimeoutError(), "timeout"),
        (httpx.ReadError("x"), ""),
        (httpcore.RemoteProtocolError("x"), ""),
        (ValueError("x"), ""),
    ],
)
def test_why_there_was_no_answer(raised: Exception, kind: Literal["", "unreached", "timeout"], tmp_path: Path) -> None:
    with pytest.raises(FetchError) as caught:
        get(pages({URL: raised}), tmp_path)
    assert (caught.value.cause_kind, caught.value.own) == (kind, False)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (["30", "120", "60"], 120),
        (["30, 120, 60"], 120),
        (["soon", "60"], 60),
        (["60", "Mon, 01 Jan 2024 00:02:00 GMT"], 120),
        (["600", "Mon, 01 Jan 2024 00:02:00 GMT"], 600),
        (["", "-1"], None),
        (["60,"], None),
    ],
)
def test_of_several_waits_the_longest_counts(said: list[str], seconds: int | None, tmp_path: Path) -> None:
    date = ("Date", "Mon, 01 Jan 2024 00:00:00 GMT")
    reply = httpx.Response(429, headers=[date, *(("Retry-After", wait) for wait in said)])
    with pytest.raises(FetchError) as caught:
        get(pages({URL: lambda request: reply}), tmp_path)
    assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


# --- hosts that want a longer pause

REDDIT = "https://www.reddit.com/r/asr/.rss"
OTHERS = "https://old.reddit.com/r/tts/.rss"


def test_reddit_is_asked_once_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    network = pages({REDDIT: b"x", OTHERS: b"x", "https://notreddit.com/": b"x"})
    with fetcher_over(network, tmp_path, clock) as fetcher:
        fetcher.get(REDDIT)
        with pytest.raises(FetchError) as caught:
            fetcher.get(OTHERS)
        error = caught.value
        assert str(error) == "old.reddit.com: one request in 61 s is polite; it is asked again in 61 s"
        assert (error.own, error.retry_after, error.status) == (True, timedelta(seconds=61), None)
        fetcher.get("https://notreddit.com/")
        assert clock.slept == []
        clock.at += 21
        fetcher.get(OTHERS)  # what is left is within our patience; being refused did not make it longer
        assert clock.slept == [40.0]
    assert network.urls == [REDDIT, "https://notreddit.com/", OTHERS]


def test_a_redirect_at_reddit_arrives(tmp_path: Path) -> None:
    """Put off between two hops, it would begin with the first one each time."""
    clock = Clock()
    network = pages({"https://reddit.com/r/asr/.rss": see(REDDIT, 301), REDDIT: b"x"})
    with fetcher_over(network, tmp_path, clock) as fetcher:
        assert fetcher.get("https://reddit.com/r/asr/.rss").url == REDDIT
    assert clock.slept == [61.0]


def test_a_hold_is_no_failure_of_who_waits(tmp_path: Path) -> None:
    with fetcher_over(pages({URL: b"x"}), tmp_path) as fetcher:
        fetcher.hold("blog.example.org", 3600)
        with pytest.raises(FetchError, match="left alone for another 60 min") as caught:
            fetcher.get(URL)
    assert (caught.value.own, caught.value.retry_after) == (True, timedelta(hours=1))


def test_other_hosts_may_be_given_a_pause(tmp_path: Path) -> None:
    clock = Clock()
    network = pages({"https://a.slow.example/": b"x", "https://b.slow.example/": b"x", REDDIT: b"x"})
    with Fetcher(
        contact="", transport=network, sleep=clock.sleep, clock=clock, spacings={"slow.example": 20}
    ) as fetcher:
        for url in ("https://a.slow.example/", "https://b.slow.example/", REDDIT, REDDIT):
            fetcher.get(url)
    assert clock.slept == [20.0, 1.0]
