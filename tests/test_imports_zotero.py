"""imports, Zotero: a library behind the real Fetcher: pages, collections, pauses, refusals."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.errors import FetchError, InputError, ParseError
from aggregator.fetch import Fetcher
from aggregator.imports.zotero import Zotero
from tests.fakes import Answer, Clock, Pages, fetcher_over, pages
from tests.references import COUNT, zotero_item

API = "https://api.zotero.org"
KEY = "P9NiFoyLeZu2bZNvvuQPDWsd"
NO_WORKS = COUNT // 10
UNTITLED = COUNT // 50


class Library:
    """A library of 500 items that answers as the web API does."""

    def __init__(self, total: int = COUNT, **headers: str) -> None:
        self.items = [zotero_item(n) for n in range(total)]
        self.headers = headers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["zotero-api-key"] == KEY
        assert request.headers["zotero-api-version"] == "3"
        assert KEY not in str(request.url)
        start, limit = (int(request.url.params[name]) for name in ("start", "limit"))
        rows = self.items[start : start + limit]
        links = [f'<{request.url.copy_set_param("start", 0)}>; rel="first"']
        if start + limit < len(self.items):
            links.insert(0, f'<{request.url.copy_set_param("start", start + limit)}>; rel="next"')
        told = {"Total-Results": str(len(self.items)), "Link": ", ".join(links), **self.headers}
        return httpx.Response(200, headers=told, json=rows)


def network(**answers: Answer) -> Pages:
    return pages({f"{API}/{path}": answer for path, answer in answers.items()})


def library(answer: Answer, path: str = "users/475425/items/top") -> Pages:
    return network(**{path: answer})


def zotero(net: Pages, folder: Path, clock: Clock | None = None) -> Zotero:
    fetcher: Fetcher = fetcher_over(net, folder, clock)
    return Zotero(fetcher, KEY)


def test_a_library_of_500_comes_in_page_by_page(tmp_path: Path) -> None:
    net = library(Library())
    found = zotero(net, tmp_path).items("users/475425")
    assert len(net.requests) == COUNT // 100
    assert len(found.seeds) == COUNT - NO_WORKS - UNTITLED
    assert [bad.text for bad in found.bad] == [f"item K{n:07} has no title" for n in range(7, COUNT, 50)]
    first, second = found.seeds[:2]
    assert (first.key, first.title) == ("arxiv:2101.20001", "Zotero work number 1")
    assert first.authors == ("Karen Livescu", "Research Team")
    assert first.summary == "What it says. And more."
    assert second.key == "doi:10.1109/x.2"


def test_whose_key_it_is(tmp_path: Path) -> None:
    net = network(**{"keys/current": json.dumps({"userID": 475425, "username": "z", "access": {}})})
    assert zotero(net, tmp_path).own() == "users/475425"
    with pytest.raises(ParseError, match="does not say whose key"):
        zotero(network(**{"keys/current": "{}"}), tmp_path).own()


def test_a_collection_by_name_or_key(tmp_path: Path) -> None:
    rows: list[Any] = [
        {"key": "QM6T3KHX", "data": {"name": "Speech Codecs"}},
        {"key": "AAAA1111", "data": {"name": "B"}},
    ]
    answers: dict[str, Answer] = {
        "groups/5/collections": json.dumps(rows),
        "groups/5/collections/QM6T3KHX/items/top": Library(3),
    }
    net = network(**answers)
    asked = zotero(net, tmp_path)
    for name in ("Speech Codecs", "speech codecs", "QM6T3KHX"):
        assert asked.collection("groups/5", name) == "QM6T3KHX"
    with pytest.raises(InputError, match=r"no collection 'Musik' in groups/5; there are: Speech Codecs, B"):
        asked.collection("groups/5", "Musik")
    assert len(asked.items("groups/5", "QM6T3KHX").seeds) == 2


def test_it_is_left_alone_as_long_as_it_asks(tmp_path: Path) -> None:
    clock = Clock()
    zotero(library(Library(300, Backoff="20")), tmp_path, clock).items("users/475425")
    assert sum(clock.slept) == pytest.approx(40, abs=1)  # two further pages, each 20 s later
    clock = Clock()
    busy = [httpx.Response(429, headers={"Retry-After": "30"}), httpx.Response(503, headers={"Retry-After": "9"})]
    net = library([*busy, Library(5)])
    assert len(zotero(net, tmp_path, clock).items("users/475425").seeds) == 4
    assert sum(clock.slept) == pytest.approx(39, abs=1)


def test_one_that_asks_for_too_long_or_too_often_is_an_error(tmp_path: Path) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "2"})
    net = library(busy)
    with pytest.raises(FetchError, match="429"):
        zotero(net, tmp_path).items("users/475425")
    assert len(net.requests) == 3
    with pytest.raises(FetchError, match="left alone"):
        zotero(library(httpx.Response(503, headers={"Retry-After": "7200"})), tmp_path).items("users/475425")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "the key in ZOTERO_API_KEY may not read this library; allow it at https://www.zotero.org/settings/keys"),
        (404, "there is no such library or collection"),
    ],
)
def test_refusals_say_what_to_do_and_never_the_key(tmp_path: Path, status: int, words: str) -> None:
    with pytest.raises(FetchError, match=words) as caught:
        zotero(library(status), tmp_path).items("users/475425")
    assert KEY not in str(caught.value)
    with pytest.raises(InputError, match="ZOTERO_API_KEY holds what no key has"):
        Zotero(fetcher_over(library(404), tmp_path), "a b")


def test_a_link_to_another_host_is_not_followed(tmp_path: Path) -> None:
    evil = {"Link": '<https://evil.example.org/?start=100>; rel="next"', "Total-Results": "150"}
    rows = [zotero_item(n) for n in range(100)]
    net = library([httpx.Response(200, headers=evil, json=rows), httpx.Response(200, json=rows[:50])])
    zotero(net, tmp_path).items("users/475425")
    assert {request.url.host for request in net.requests} == {"api.zotero.org"}


def test_a_page_never_holds_a_header_that_repeats_the_key(tmp_path: Path) -> None:
    told = {"Link": f'<https://api.zotero.org/?key={KEY}>; rel="next"', "Backoff": "3", "X-Other": "x"}
    net = pages({f"{API}/x": httpx.Response(200, headers=told, content=b"[]")})
    page = fetcher_over(net, tmp_path).get(f"{API}/x", headers={"Zotero-API-Key": KEY})
    assert page.told == {"backoff": "3"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>", "the answer is not JSON"),
        (b'{"a": 1}', "the answer is no list"),
        (
            httpx.Response(200, headers={"Total-Results": "9"}, json=[zotero_item(1)]),
            "says that there are 9, but gave 1",
        ),
        (httpx.Response(200, headers={"Link": '<https://x/?start=0>; rel="next"'}, json=[{}]), "its pages do not end"),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(tmp_path: Path, answer: Answer, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        zotero(library(answer), tmp_path).items("users/475425")


def test_items_that_are_none_are_told(tmp_path: Path) -> None:
    rows = [1, {"key": "A"}, {"key": "B", "data": {"itemType": "case", "caseName": "A v. B", "creators": 3}}]
    found = zotero(library(httpx.Response(200, json=rows)), tmp_path).items("users/475425")
    assert [seed.title for seed in found.seeds] == ["A v. B"]
    assert len(found.bad) == 2
