"""demo: the shipped sample, answered in the real formats.

    answer(url, now, headers)    what the servers of the sample say to a GET: status, headers, body
    CONFIG                       the text of the config.toml that asks them

    papers.toml, feeds.toml      the sample: real papers and posts, described in sentences of our own
    sample.py                    reads it, and lays its dates out before today
    formats.py                   writes it as arXiv, Hugging Face and blogs do

Pure but for reading those files: the same question gets the same bytes all day.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import parse_qsl, unquote, urlsplit

from aggregator.demo import formats, sample

CONFIG = sample.config()
"""The demo's config.toml: three interests, all sources of the sample, mail into a folder beside it."""

Answered = tuple[int, dict[str, str], bytes]
_ATOM = "/atom/"


def answer(url: str, now: datetime, headers: Mapping[str, str]) -> Answered:
    """What the server at `url` answers at `now`: status, headers and body; 404 for what the sample does not have.

    Feeds have an ETag, and the answer to a request header If-None-Match that names it is 304.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    match f"{parts.hostname}{parts.path}":
        case "export.arxiv.org/api/query":
            return _said(200, "application/atom+xml", formats.api(sample.papers(), query, now))
        case "huggingface.co/api/daily_papers":
            return _daily_papers(query, now)
        case place if place.startswith(f"rss.arxiv.org{_ATOM}"):
            categories = unquote(parts.path.removeprefix(_ATOM)).split("+")
            return _feed("application/xml", formats.announcements(sample.papers(), categories, now), headers)
    if feed := sample.feeds().get(url):
        if feed.format == "rss":
            return _feed("application/rss+xml", formats.rss(feed, now), headers)
        return _feed("application/atom+xml", formats.atom(feed, now), headers)
    return _said(404, "text/html", "<html><title>Not found</title></html>")


def _daily_papers(query: Mapping[str, str], now: datetime) -> Answered:
    """The list of a day; like the real one, 400 for a day that has not come or is none."""
    today = sample.moment(now, 0).date()
    try:
        day = date.fromisoformat(query.get("date", str(today)))
    except ValueError:
        return _said(400, "application/json", '{"error": "Invalid date"}')
    if day > today:
        return _said(400, "application/json", '{"error": "The date is in the future"}')
    return _said(200, "application/json", formats.daily_papers(sample.papers(), day, query, now))


def _feed(kind: str, text: str, headers: Mapping[str, str]) -> Answered:
    body = text.encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    asked = {name.lower(): value for name, value in headers.items()}.get("if-none-match")
    if asked == tag:
        return 304, {"ETag": tag}, b""
    return 200, {"Content-Type": f"{kind}; charset=utf-8", "ETag": tag}, body


def _said(status: int, kind: str, text: str) -> Answered:
    return status, {"Content-Type": f"{kind}; charset=utf-8"}, text.encode()
