"""Hosts that want to be left alone are, by whatever command they were asked; sources of one host take turns."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from aggregator.audit import audit
from aggregator.backfill import backfill
from aggregator.errors import FetchError
from aggregator.fetch import AnswerTransport, Fetcher
from aggregator.model import Batch, Cursor, Entry, Window
from aggregator.pipeline import collect
from aggregator.sources import Source, kinds
from aggregator.sources.feed import feed_readers
from aggregator.store import Store
from tests.fakes import Clock, pages
from tests.stores import DAY, NOW, fresh_store

MINUTE = timedelta(minutes=1)
WINDOW = Window(date(2026, 11, 1), date(2026, 11, 2))
RSS = b"""<rss version="2.0"><channel><title>f</title><item><title>Hello</title><link>https://home.example/1</link></item>
</channel></rss>"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        yield opened


class Server:
    """What is behind a fetcher; `asked` are the addresses in their order."""

    def __init__(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.asked: list[str] = []
        self._status, self._body = status, body
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def fetcher(self) -> Fetcher:
        return Fetcher(contact="", transport=AnswerTransport(self._answer), pause=0, sleep=lambda _: None)

    def _answer(self, url: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(url)
        wait = {"Retry-After": "86400"} if self._status != 200 else {}
        return self._status, self._headers or wait, self._body


class Half(Source):
    """A source that makes do with half of an answer."""

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        with contextlib.suppress(FetchError):
            fetcher.get("https://home.example/page2")
        return Batch(entries=(), cursor={}, missing="page 2")

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        return []


def archive() -> Source:
    return kinds()["oai"].model_validate({"name": "archive", "url": "https://oai.example/oai"})


def test_what_one_command_was_told_the_others_heed(store: Store) -> None:
    server = Server(503)
    with server.fetcher() as fetcher:
        backfill(store, fetcher, [archive()], WINDOW, clock=lambda: NOW)
    assert len(server.asked) == 1
    with server.fetcher() as fetcher:
        audit(store, fetcher, [archive()], WINDOW, clock=lambda: NOW + MINUTE)
    with server.fetcher() as fetcher:
        collect(store, fetcher, [archive()], now=NOW + 2 * MINUTE)
    assert len(server.asked) == 1
    with server.fetcher() as fetcher:
        collect(store, fetcher, [archive()], now=NOW + DAY + 3 * MINUTE, everything=True)
    assert len(server.asked) == 2


def test_a_wish_in_the_midst_of_a_visit_outlives_the_run(store: Store) -> None:
    server = Server(429)
    for later in (0, 90):
        with server.fetcher() as fetcher:
            collect(store, fetcher, [Half(name="half")], now=NOW + later * MINUTE, everything=True)
    assert len(server.asked) == 1


def test_of_one_host_who_has_waited_longest_is_asked_first(store: Store) -> None:
    server = Server(200, RSS)
    rooms = [kinds()["feed"].model_validate({"name": f"r{n}", "reddit": f"r/room{n}"}) for n in range(3)]
    with feed_readers():
        for day in range(3):
            with server.fetcher() as fetcher:
                collect(store, fetcher, rooms, now=NOW + day * DAY)
    assert len({url.split("/r/")[1].split("/")[0] for url in server.asked}) == 3


def blogs(*addresses: str) -> list[Source]:
    return [kinds()["feed"].model_validate({"name": address, "url": f"https://{address}"}) for address in addresses]


def test_one_source_of_each_host_comes_before_the_second_of_any(store: Store) -> None:
    server = Server(200, RSS)
    sources = blogs(*(f"many.example/{n}" for n in range(6)), "one.example/0", "two.example/0")
    with feed_readers(), server.fetcher() as fetcher:
        collect(store, fetcher, sources, now=NOW, workers=1)
    hosts = [url.split("/")[2] for url in server.asked]
    assert hosts == ["many.example", "one.example", "two.example", *["many.example"] * 5]


def test_a_host_that_keeps_two_waiting_is_not_asked_by_the_others(store: Store) -> None:
    network = pages({"https://slow.example/8": RSS})
    network.answers |= {f"https://slow.example/{n}": httpx.ReadTimeout("") for n in range(8)}
    clock = Clock()
    with feed_readers(), Fetcher(contact="", transport=network, sleep=clock.sleep, clock=clock) as fetcher:
        outcome = collect(store, fetcher, blogs(*(f"slow.example/{n}" for n in range(8))), now=NOW)
        assert (len(network.requests), outcome.counts["failed"]) == (2, 8)
        assert "it has just kept 2 requests waiting" in outcome.troubles[-1]
        with pytest.raises(FetchError, match="not asked"):
            fetcher.get("https://slow.example/8")
        clock.sleep(300)
        assert fetcher.get("https://slow.example/8").status == 200
        with pytest.raises(FetchError, match="no answer within"):
            fetcher.get("https://slow.example/1")
        assert fetcher.get("https://slow.example/8").status == 200


@pytest.mark.parametrize(("status", "gone"), [(301, True), (308, True), (302, False), (307, False)])
def test_only_a_move_for_good_leads_to_what_is_gone(store: Store, status: int, gone: bool) -> None:
    moved = httpx.Response(status, headers={"Location": "https://gone.example/"})
    network = pages({"https://old.example/feed": moved, "https://gone.example/": 410})
    clock = Clock()
    with feed_readers(), Fetcher(contact="", transport=network, sleep=clock.sleep, clock=clock) as fetcher:
        collect(store, fetcher, blogs("old.example/feed"), now=NOW)
    (state,) = store.sources()
    assert (state.gone, state.failures) == (gone, 1)


def test_what_is_no_feed_is_not_asked_again_while_it_says_it_is_fresh(store: Store) -> None:
    server = Server(200, b"<html></html>", Cache_Control="max-age=86400")
    with feed_readers(), server.fetcher() as fetcher:
        collect(store, fetcher, blogs("page.example/"), now=NOW)
    (state,) = store.sources()
    assert state.failures == 1
    assert state.next_visit is not None
    assert state.next_visit - NOW >= DAY
