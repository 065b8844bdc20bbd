"""links: where they lead, what they show of the reader, and what they need."""

from dataclasses import fields
from email.headerregistry import Address

import pytest

from aggregator.errors import InputError
from aggregator.render.links import Home, Links, Votes
from aggregator.tokens import Grant, entry_mark, keyring, read, read_return_path, reader_mark

KEYS = keyring("s" * 32)
SENDER = Address("Paper digest", "digest", "example.org")
BASE = "https://digest.example.org"
MARK = "0123456789abcdef"
TO = "kim@example.org"


def links(base_url: str = BASE, **options: object) -> Links:
    return Home(SENDER, base_url, KEYS, **options).links("speech", MARK, TO)  # type: ignore[arg-type]


def every(found: Links) -> list[str]:
    texts = [getattr(found, field.name) for field in fields(found) if field.name not in ("home", "mark")]
    votes = found.votes("arxiv:2501.01234")
    return [*texts, votes.more, votes.less, votes.save]


def test_each_link_grants_one_thing() -> None:
    found = links()
    reader = reader_mark("speech", TO)
    expected = {
        found.unsubscribe: ("u", Grant(purpose="unsubscribe", reader=reader)),
        found.preferences: ("p", Grant(purpose="preferences", reader=reader)),
        found.archive: ("a", Grant(purpose="archive", reader=reader)),
        found.browser: ("v", Grant(purpose="browser", message=MARK)),
    }
    votes = found.votes("arxiv:2501.01234")
    entry = entry_mark("arxiv:2501.01234")
    for vote, url in (("more", votes.more), ("less", votes.less), ("save", votes.save)):
        expected[url] = ("f", Grant(purpose="feedback", message=MARK, entry=entry, vote=vote))  # type: ignore[arg-type]
    assert len(expected) == 7
    for url, (letter, grant) in expected.items():
        start, token = url.rsplit("/", 1)
        assert start == f"{BASE}/{letter}"
        assert read(KEYS, grant.purpose, token) == grant
    assert found.one_click == found.unsubscribe


def test_links_are_short_and_say_nothing_of_the_reader() -> None:
    for url in every(links()):
        if url.startswith("mailto:"):
            continue
        assert len(url) <= 75
        assert url.isascii()
        for word in ("kim", "speech", "2501", MARK, reader_mark("speech", TO)):
            assert word not in url
    votes = [links().votes(f"arxiv:2501.{n:05}") for n in range(60)]
    assert sum(len(url) for vote in votes for url in (vote.more, vote.less, vote.save)) < 12_500


def test_without_base_url_only_a_mailto() -> None:
    found = Home(SENDER).links("Größe & 音声", MARK, TO)
    assert found.unsubscribe == found.mailto
    assert found.mailto == "mailto:digest@example.org?subject=unsubscribe%20Gr%C3%B6%C3%9Fe%20%26%20%E9%9F%B3%E5%A3%B0"
    assert (found.one_click, found.preferences, found.browser, found.archive) == ("", "", "", "")
    assert found.votes("arxiv:2501.01234") == Votes()


def test_one_click_is_https_only() -> None:
    found = links("http://localhost:8000")
    assert found.unsubscribe.startswith("http://localhost:8000/u/")
    assert found.one_click == ""


def test_a_folder_below_the_host_and_a_slash_at_the_end() -> None:
    assert links(f"{BASE}/mail/").preferences.startswith(f"{BASE}/mail/p/")


def test_the_envelope_sender() -> None:
    assert Home(SENDER).envelope_sender(MARK) == "digest@example.org"
    assert Home(SENDER, BASE, KEYS).envelope_sender(MARK) == "digest@example.org"
    address = Home(SENDER, "", KEYS, "bounces@mail.example.org").envelope_sender(MARK)
    assert address.startswith(f"bounces+{MARK}")
    assert address.endswith("@mail.example.org")
    assert read_return_path(KEYS, address) == MARK


@pytest.mark.parametrize(
    "base", ["https://exämple.org", "https://x.org/a b", "https://x.org/?q=1", "https://x.org/#a", "https://x.org/<x>",
             "https://x.org/\r\nBcc: x", "ftp://x.org", "https://" + "x" * 300, "https://a,b.org", "=?utf-8?q?x?="],
)  # fmt: skip
def test_a_base_url_that_would_break_a_header_is_refused(base: str) -> None:
    with pytest.raises(InputError, match=r"\[mail\] base_url .* cannot stand in a mail header; write it like https://"):
        Home(SENDER, base, KEYS)


@pytest.mark.parametrize(("base", "path"), [(BASE, ""), ("", "bounces@example.org"), (BASE, "bounces@example.org")])
def test_without_a_secret_nothing_that_needs_one(base: str, path: str) -> None:
    which = "base_url" if base else "return_path"
    with pytest.raises(InputError, match=rf"\[mail\] {which} needs AGGREGATOR_SECRET.*python -c \"import secrets"):
        Home(SENDER, base, None, path)


def test_a_long_return_path_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="at most 31 characters"):
        Home(SENDER, "", KEYS, f"{'b' * 32}@example.org")


def test_keys_are_not_shown() -> None:
    assert "Keyring" not in repr(links())
