"""formats: the sample as arXiv, Hugging Face and blogs would write it: Atom, RSS 2.0, JSON."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from aggregator.demo.sample import Feed, Paper, Post, announced, moment

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_VIDEO = re.compile(r"https://www\.youtube\.com/watch\?v=([\w-]{11})")


def api(papers: Iterable[Paper], query: Mapping[str, str], now: datetime) -> str:
    """A page of arXiv's API: of the question its categories, the order and the place are understood.

    https://info.arxiv.org/help/api/user-manual.html
    """
    wanted = set(re.findall(r"\bcat:([\w.-]+)", query.get("search_query", "")))
    by_change = query.get("sortBy") == "lastUpdatedDate"
    descending = query.get("sortOrder", "descending") == "descending"
    found = sorted(
        (paper for paper in papers if wanted & set(paper.categories)),
        key=lambda paper: (paper.changed if by_change else paper.days_ago, paper.id),
        reverse=not descending,
    )
    start, size = int(query.get("start", 0)), int(query.get("max_results", 10))
    return (
        f'{_XML}<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
        ' xmlns:arxiv="http://arxiv.org/schemas/atom"><id>https://arxiv.org/api/demo</id><title>arXiv Query</title>'
        f"<updated>{_iso(moment(now, 0))}</updated>"
        f"<opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>"
        f"<opensearch:totalResults>{len(found)}</opensearch:totalResults>"
        f"<opensearch:startIndex>{start}</opensearch:startIndex>\n"
        + "".join(_api_entry(paper, now) for paper in found[start : start + size])
        + "</feed>\n"
    )


def announcements(papers: Iterable[Paper], categories: Sequence[str], now: datetime) -> str:
    """The Atom feed of what arXiv announced last in these categories.

    https://info.arxiv.org/help/rss_specifications.html
    """
    day = announced(now).isoformat()
    name = escape(", ".join(categories))
    told = [paper for paper in papers if paper.announce and set(categories) & set(paper.categories)]
    return (
        f'{_XML}<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<id>http://rss.arxiv.org/atom/{'+'.join(categories)}</id><title>{name} updates on arXiv.org</title>"
        f"<updated>{day}</updated>\n" + "".join(_announcement(paper, day) for paper in told) + "</feed>\n"
    )


def daily_papers(papers: Iterable[Paper], day: date, query: Mapping[str, str], now: datetime) -> str:
    """A page of the list of Hugging Face of a day, as JSON."""
    today = moment(now, 0).date()
    listed = [p for p in papers if p.listed is not None and today - timedelta(days=p.listed) == day]
    size, page = int(query.get("limit", 50)), int(query.get("p", 0))
    return json.dumps([_row(paper, day, now) for paper in listed[page * size : (page + 1) * size]], ensure_ascii=False)


def rss(feed: Feed, now: datetime) -> str:
    """The feed in RSS 2.0, with what podcasts add to it. https://www.rssboard.org/rss-specification"""
    return (
        f'{_XML}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>'
        f"<title>{escape(feed.title)}</title><link>{escape(feed.home)}</link><description/>"
        f"<lastBuildDate>{format_datetime(moment(now, 0))}</lastBuildDate>\n"
        + "".join(_item(post, now) for post in feed.posts)
        + "</channel></rss>\n"
    )


def atom(feed: Feed, now: datetime) -> str:
    """The feed in Atom (RFC 4287), with what YouTube adds to it for videos."""
    return (
        f'{_XML}<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"'
        ' xmlns:yt="http://www.youtube.com/xml/schemas/2015">'
        f"<id>{escape(feed.home)}</id><title>{escape(feed.title)}</title>"
        f'<link rel="alternate" href={quoteattr(feed.home)}/>'
        f"<updated>{_iso(moment(now, 0))}</updated>\n"
        + "".join(_atom_entry(post, now) for post in feed.posts)
        + "</feed>\n"
    )


def _api_entry(paper: Paper, now: datetime) -> str:
    address = f"arxiv.org/abs/{paper.id}v{paper.version}"
    authors = "".join(f"<author><name>{escape(name)}</name></author>" for name in paper.authors)
    return (
        f"<entry><id>http://{address}</id><title>{escape(paper.title)}</title>"
        f"<updated>{_iso(moment(now, paper.changed))}</updated>"
        f'<link href="https://{address}" rel="alternate" type="text/html"/>'
        f'<link href="https://arxiv.org/pdf/{paper.id}v{paper.version}" rel="related" type="application/pdf"'
        f' title="pdf"/><summary>{escape(paper.summary)}</summary>{_categories(paper)}'
        f"<published>{_iso(moment(now, paper.days_ago))}</published>"
        f'<arxiv:primary_category term="{paper.categories[0]}"/>{authors}</entry>\n'
    )


def _announcement(paper: Paper, day: str) -> str:
    name = f"{paper.id}v{paper.version}"
    summary = f"arXiv:{name} Announce Type: {paper.announce} \nAbstract: {paper.summary}"
    return (
        f"<entry><id>oai:arXiv.org:{name}</id><title>{escape(paper.title)}</title><updated>{day}</updated>"
        f'<link href="https://arxiv.org/abs/{paper.id}" rel="alternate" type="text/html"/>'
        f"<summary>{escape(summary)}</summary>{_categories(paper)}<published>{day}</published>"
        f"<arxiv:announce_type>{paper.announce}</arxiv:announce_type>"
        f"<dc:creator>{escape(', '.join(paper.authors))}</dc:creator></entry>\n"
    )


def _categories(paper: Paper) -> str:
    return "".join(f'<category term="{name}"/>' for name in paper.categories)


def _row(paper: Paper, day: date, now: datetime) -> dict[str, object]:
    published = f"{moment(now, paper.days_ago):%Y-%m-%dT%H:%M:%S}.000Z"
    told = {
        "id": paper.id,
        "title": paper.title,
        "summary": paper.summary,
        "authors": [{"name": name, "hidden": False} for name in paper.authors],
        "publishedAt": published,
        "submittedOnDailyAt": f"{day}T00:00:00.000Z",
        "upvotes": paper.upvotes,
    } | ({"githubRepo": paper.code} if paper.code else {})
    return {
        "paper": told,
        "publishedAt": published,
        "title": paper.title,
        "summary": paper.summary,
        "numComments": 0,
        "isAuthorParticipating": False,
    }


def _item(post: Post, now: datetime) -> str:
    author = f"<dc:creator>{escape(post.author)}</dc:creator>" if post.author else ""
    sound = f'<enclosure url={quoteattr(post.audio)} type="audio/mpeg" length="0"/>' if post.audio else ""
    lasts = f"<itunes:duration>{post.seconds}</itunes:duration>" if post.seconds else ""
    return (
        f"<item><title>{escape(post.title)}</title><link>{escape(post.link)}</link>"
        f'<guid isPermaLink="true">{escape(post.link)}</guid>'
        f"<pubDate>{format_datetime(moment(now, post.days_ago))}</pubDate>{author}"
        f"<description>{escape(f'<p>{escape(post.summary)}</p>')}</description>{sound}{lasts}</item>\n"
    )


def _atom_entry(post: Post, now: datetime) -> str:
    """Videos describe themselves in a media group and say when they came out; GitHub has only the last change."""
    when = _iso(moment(now, post.days_ago))
    author = f"<author><name>{escape(post.author)}</name></author>" if post.author else ""
    if video := _VIDEO.fullmatch(post.link):
        name = f"yt:video:{video[1]}"
        body = (
            f"<published>{when}</published><yt:videoId>{video[1]}</yt:videoId><media:group>"
            f'<media:thumbnail url="https://i.ytimg.com/vi/{video[1]}/hqdefault.jpg" width="480" height="360"/>'
            f"<media:description>{escape(post.summary)}</media:description></media:group>"
        )
    else:
        name = post.link
        body = f'<content type="html">{escape(f"<p>{escape(post.summary)}</p>")}</content>'
    return (
        f"<entry><id>{escape(name)}</id><title>{escape(post.title)}</title>"
        f'<link rel="alternate" href={quoteattr(post.link)}/><updated>{when}</updated>{author}{body}</entry>\n'
    )


def _iso(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
