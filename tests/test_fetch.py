"""What a GET promises, over a faked network: headers, redirects, validators, statuses, errors."""

import base64
import logging
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from aggregator import __version__
from aggregator.errors import FetchError, InputError
from aggregator.fetch import AnswerTransport, Fetcher, Page, Validators
from tests.fakes import Answer, Clock, Pages, fetcher_over, pages

URL = "https://blog.example.org/feed"
OLD = Validators('"a"', "Mon, 01 Jan 2024 00:00:00 GMT")


def get(network: Pages, folder: Path, url: str = URL, **options: object) -> Page:
    with fetcher_over(network, folder) as fetcher:
        return fetcher.get(url, **options)  # type: ignore[arg-type]


def refused(network: Pages, folder: Path, url: str = URL, **options: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(network, folder, url, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return caught.value


def see(location: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


def test_a_request_says_who_asks_and_nothing_else(tmp_path: Path) -> None:
    network = pages({URL: httpx.Response(200, headers={"Set-Cookie": "a=b; Path=/"}, content=b"x")})
    with fetcher_over(network, tmp_path) as fetcher:
        fetcher.get(URL, accept="application/atom+xml")
        fetcher.get(URL)
    first, second = (dict(request.headers) for request in network.requests)
    assert first == {
        "host": "blog.example.org",
        "user-agent": f"paper-aggregator/{__version__} (+mailto:test@example.org)",
        "accept-encoding": "gzip",
        "accept": "application/atom+xml",
    }
    assert second == {**first, "accept": "*/*"}


def test_a_page_tells_what_came(tmp_path: Path) -> None:
    headers = {"Content-Type": "text/xml; charset=x", "ETag": 'W/"q"', "Cache-Control": "public, max-age=600"}
    page = get(pages({URL: httpx.Response(200, headers=headers, content=b"body")}), tmp_path, f"{URL}?a=b#part")
    assert page == Page(
        url=f"{URL}?a=b",
        status=200,
        body=b"body",
        content_type="text/xml; charset=x",
        validators=Validators('W/"q"'),
        fresh_for=timedelta(minutes=10),
    )
    assert not page.unchanged


def test_validators_go_back_byte_for_byte(tmp_path: Path) -> None:
    etag, stamp = b'W/"\xfcml \xe2\x82\xac"', b"sometime in 2041"
    reply = httpx.Response(200, headers=[(b"ETag", etag), (b"Last-Modified", stamp)], content=b"x")
    network = pages({URL: [lambda request: reply, 304]})
    with fetcher_over(network, tmp_path) as fetcher:
        kept = fetcher.get(URL).validators
        page = fetcher.get(URL, validators=Validators.from_dict({"url": URL, **kept.as_dict()}))
    sent = dict(network.requests[1].headers.raw)
    assert (sent[b"If-None-Match"], sent[b"If-Modified-Since"]) == (etag, stamp)
    assert (page.unchanged, page.body, page.validators) == (True, b"", kept)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, OLD),
        ({"ETag": '"b"'}, Validators('"b"', OLD.last_modified)),
        ({"Last-Modified": "later"}, Validators(OLD.etag, "later")),
        ({"ETag": '"b"', "Last-Modified": "later"}, Validators('"b"', "later")),
    ],
)
def test_a_304_replaces_the_validators_it_names(headers: dict[str, str], expected: Validators, tmp_path: Path) -> None:
    network = pages({URL: httpx.Response(304, headers={**headers, "Cache-Control": "max-age=60"})})
    page = get(network, tmp_path, validators=OLD)
    assert (page.validators, page.fresh_for) == (expected, timedelta(minutes=1))


def test_a_200_forgets_the_validators_of_before(tmp_path: Path) -> None:
    page = get(pages({URL: httpx.Response(200, headers={"ETag": '"b"'})}), tmp_path, validators=OLD)
    assert page.validators == Validators('"b"')


def test_a_304_that_nobody_asked_for_is_an_error(tmp_path: Path) -> None:
    assert refused(pages({URL: 304}), tmp_path).status == 304


def test_validators_out_of_a_strange_cursor(tmp_path: Path) -> None:
    assert Validators.from_dict({"etag": 3, "last_modified": None, "more": 1}) == Validators()
    assert Validators().as_dict() == {}
    assert "blog.example.org" in str(refused(pages({URL: b""}), tmp_path, validators=Validators("\u20ac")))


DATE = "Mon, 01 Jan 2024 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Cache-Control": "max-age=3600"}, 3600),
        ({"Cache-Control": 'Public, Max-Age="60"'}, 60),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": "max-age=99999999999999999999"}, 7 * 86400),
        ({"Cache-Control": "max-age=-5"}, None),
        ({"Cache-Control": "max-age=3600, no-cache"}, None),
        ({"Cache-Control": "no-store", "Expires": "Mon, 01 Jan 2024 01:00:00 GMT", "Date": DATE}, None),
        ({"Expires": "Mon, 01 Jan 2024 01:00:00 GMT", "Date": DATE}, 3600),
        ({"Expires": "Mon, 01 Jan 2024 01:00:00 GMT", "Date": DATE, "Cache-Control": "max-age=5"}, 5),
        ({"Expires": "Wed, 01 Jan 2064 01:00:00 GMT", "Date": DATE}, 7 * 86400),
        ({"Expires": "Sun, 31 Dec 2023 01:00:00 GMT", "Date": DATE}, 0),
        ({"Expires": "0", "Date": DATE}, 0),
        ({"Expires": "Mon, 01 Jan 2024 01:00:00 GMT"}, None),
        ({"Expires": "Mon, 01 Jan 2024 01:00:00 GMT", "Date": "Mon, 99 Jan 2024"}, None),
    ],
)
def test_freshness(headers: dict[str, str], seconds: int | None, tmp_path: Path) -> None:
    page = get(pages({URL: httpx.Response(200, headers=headers)}), tmp_path)
    assert page.fresh_for == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [((301,), True), ((308, 301), True), ((302,), False), ((301, 302), False), ((307, 308), False), ((303,), False)],
)
def test_only_a_chain_of_permanent_redirects_is_a_move(statuses: tuple[int, ...], moved: bool, tmp_path: Path) -> None:
    answers: dict[str, Answer] = {f"https://e.org/{n}": see(f"{n + 1}#x", status) for n, status in enumerate(statuses)}
    end = f"https://e.org/{len(statuses)}"
    page = get(pages({**answers, end: b"x"}), tmp_path, "https://e.org/0")
    assert (page.url, page.moved_to) == (end, end if moved else "")


def test_a_redirect_carries_nothing_that_was_meant_for_another(tmp_path: Path) -> None:
    network = pages({URL: see("https://other.example.org/x"), "https://other.example.org/x": b"x"})
    get(network, tmp_path, validators=OLD, headers={"Authorization": "Bearer s3cret"})
    assert network.requests[0].headers["authorization"] == "Bearer s3cret"
    assert network.requests[0].headers["if-none-match"] == OLD.etag
    assert not {"authorization", "if-none-match", "if-modified-since", "referer"} & set(network.requests[1].headers)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("https://e.org/a", "https://e.org/b", True),
        ("http://e.org/a", "https://e.org/b", True),
        ("https://e.org/a", "http://e.org/b", False),
        ("https://e.org/a", "https://e.org:8443/b", False),
        ("https://e.org/a", "https://www.e.org/b", False),
    ],
)
def test_who_is_told_the_password(start: str, end: str, told: bool, tmp_path: Path) -> None:
    network = pages({start: see(end), end: b"x"})
    page = get(network, tmp_path, start.replace("://", "://u%40x:p%C3%A4@"))
    assert (page.url, network.urls) == (end, [start, end])
    login = "Basic " + base64.b64encode("u@x:pä".encode()).decode()
    assert [request.headers.get("authorization") for request in network.requests] == [login, login if told else None]


def test_redirects_end(tmp_path: Path) -> None:
    circle = pages({URL: see("/b"), "https://blog.example.org/b": see("/feed")})
    assert "circle" in str(refused(circle, tmp_path))
    assert len(circle.requests) == 2
    steps: dict[str, Answer] = {f"https://e.org/{n}": see(f"/{n + 1}") for n in range(9)}
    assert "more than 5 redirects" in str(refused(endless := pages(steps), tmp_path, "https://e.org/0"))
    assert len(endless.requests) == 6


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://e.org/x", "javascript:1", "data:,x", "http://", "http://[::1"]
)
def test_a_redirect_to_anywhere_else_is_refused(location: str, tmp_path: Path) -> None:
    network = pages({URL: see(location)})
    assert str(refused(network, tmp_path)).startswith("blog.example.org")
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    "url", ["", "feed.xml", "ftp://e.org/x", "file:///x", "http:///x", "http://e.org:x/", "http://a\nb/", "//e.org"]
)
def test_addresses_that_are_none(url: str, tmp_path: Path) -> None:
    network = pages({})
    assert "cannot be fetched" in str(refused(network, tmp_path, url))
    assert network.requests == []


def test_a_private_address_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    network = pages({URL: see("http://169.254.169.254/latest/meta-data/")})
    assert str(refused(network, tmp_path)) == (
        "blog.example.org: 169.254.169.254 is not a public address; name the network in [fetch] allow if it is meant"
    )
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (204, "204"),
        (206, "206"),
        (300, "nowhere"),
        (302, "nowhere"),
        (401, "login"),
        (403, "refused"),
        (404, "not found"),
        (410, "gone for good"),
        (418, "refuses"),
        (429, "too many requests; it will be asked again later"),
        (500, "trouble of its own"),
        (503, "not available"),
        (599, "trouble of its own"),
    ],
)
def test_every_other_status_is_an_error_in_words(status: int, words: str, tmp_path: Path) -> None:
    error = refused(pages({URL: status}), tmp_path, f"{URL}?token=s3cret")
    assert (error.host, error.status, error.retry_after) == ("blog.example.org", status, None)
    assert str(error).startswith(f"blog.example.org/feed: {status}, ")
    assert words in str(error)
    assert "s3cret" not in str(error)


def test_a_failure_behind_a_redirect_names_both_ends(tmp_path: Path) -> None:
    error = refused(pages({URL: see("https://other.example.org/x")}), tmp_path)
    assert str(error) == "blog.example.org/feed, redirected to other.example.org/x: 404, not found; check the address"
    assert error.host == "other.example.org"


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (httpx.ReadTimeout("x"), "no answer within 30 s"),
        (httpx.ConnectError("x\ny"), "cannot be reached (x y)"),
        (httpx.RemoteProtocolError("odd"), "odd"),
        (httpx.InvalidURL("odd"), "odd"),
        (httpx.ProxyError("407 login"), "the proxy refuses: 407 login"),
        (httpx.UnsupportedProtocol("x"), "only http and https"),
        (httpx.ReadError("x"), "broke off"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "name not found; check the address"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "is there a network?"),
        (ssl.SSLError(1, "wrong version"), "no secure connection"),
        (ConnectionRefusedError(111, "x"), "connection refused"),
        (ConnectionResetError(104, "x"), "the connection broke off"),
        (OSError(113, "No route to host"), "cannot be reached (No route to host)"),
        (UnicodeError("label too long"), "label too long"),
        (TimeoutError(), "no answer within 30 s"),
    ],
)
def test_every_failure_is_one_line(raised: Exception, words: str, tmp_path: Path) -> None:
    error = refused(pages({URL: raised}), tmp_path, f"{URL}?token=s3cret")
    assert str(error).startswith("blog.example.org: ")
    assert words in str(error)
    assert (error.host, error.status) == ("blog.example.org", None)
    assert "s3cret" not in str(error)


def test_a_bug_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        get(pages({URL: KeyError("x")}), tmp_path)


@pytest.mark.parametrize("headers", [{"X": "ä"}, {"Ä": "x"}])
def test_headers_that_cannot_be_sent(headers: dict[str, str], tmp_path: Path) -> None:
    assert "blog.example.org" in str(refused(pages({URL: b""}), tmp_path, headers=headers))


def test_the_log_has_one_line_a_request_without_the_query(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    get(pages({URL: [see(f"{URL}/2?k=s3cret"), b""], f"{URL}/2": b"four"}), tmp_path, f"{URL}?token=s3cret")
    lines = [record.getMessage() for record in caplog.records]
    assert [line.rsplit(",", 1)[0] for line in lines if line.startswith("GET")] == [
        "GET blog.example.org/feed: 302, 0 bytes",
        "GET blog.example.org/feed/2: 200, 4 bytes",
    ]
    assert "s3cret" not in caplog.text


def test_wrong_settings_are_the_users() -> None:
    with pytest.raises(InputError, match="allow"):
        Fetcher(contact="", allow=["10.0.0.0/99"])
    with pytest.raises(InputError, match="contact"):
        Fetcher(contact="a\r\nb")


def test_answers_without_a_network() -> None:
    clock = Clock()
    transport = AnswerTransport(lambda url, headers: (200, {"ETag": headers["accept"]}, url.encode()))
    with Fetcher(contact="", transport=transport, sleep=clock.sleep, clock=clock) as fetcher:
        page = fetcher.get("https://arxiv.org/x?y=z", accept="text/xml")
    assert (page.body, page.validators.etag) == (b"https://arxiv.org/x?y=z", "text/xml")
