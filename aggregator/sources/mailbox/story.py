"""story: the entries of one letter: the letter itself, or the stories that it links to."""

import re
from datetime import datetime

from aggregator import text
from aggregator.model import Entry
from aggregator.sources._sane import moment, title_of
from aggregator.sources.mailbox.letter import Letter
from aggregator.sources.mailbox.links import Link, in_browser, is_about_the_mail, links_of, stories

_MAX_STORIES = 60
_MAX_SUMMARY = 2000
_ADDRESS = re.compile(r"\(?\bhttps?://\S+")
_FILLING = re.compile("[\u034f\u2007\u200b\u2060\ufeff]+|\u200c+(?=\\s)|(?<=\\s)\u200c+")
"""What newsletters put behind their first line so that mail programs show no more of it."""


def message_of(letter: Letter, now: datetime, name: str) -> list[Entry]:
    """The letter as one entry; none if it has neither subject nor text."""
    links = links_of(letter.html, letter.plain)
    summary = text.cut(_readable(letter), _MAX_SUMMARY)
    title = title_of(letter.subject, summary)
    if not title:
        return []
    named = "\n".join([*(link.url for link in links), summary])
    return [
        Entry(
            key=f"id:{name}:{letter.ident}",
            kind="post",
            title=title,
            url=in_browser(links) or (letter.archived if letter.archived.startswith("https://") else ""),
            published=moment(letter.sent, now),
            summary=summary,
            authors=(letter.sender_name,) if letter.sender_name else (),
            mentions=text.papers_in(named),
        )
    ]


def stories_of(letter: Letter, now: datetime) -> list[Entry]:
    """One entry for each story that the letter links to, 60 at most; a paper's is a sighting of the paper."""
    found = stories(links_of(letter.html, letter.plain), _MAX_STORIES)
    return [entry for link in found if (entry := _story(link, letter, now)).title]


def _story(link: Link, letter: Letter, now: datetime) -> Entry:
    key = text.key_of(link.url)
    return Entry(
        key=key,
        kind="post" if key.startswith("url:") else "paper",
        title=title_of(link.words, ""),
        url=link.url,
        published=moment(letter.sent, now),
        summary=link.after if len(link.after.split()) > 3 else "",
    )


def _readable(letter: Letter) -> str:
    """The letter's text without the lines that are about the mail itself, and without written-out addresses."""
    words = text.plain(letter.html, 400_000) if letter.html else text.plain(_escaped(letter.plain[:400_000]))
    lines = (text.fold(_ADDRESS.sub(" ", _FILLING.sub(" ", line))) for line in words.splitlines())
    return "\n".join(line for line in lines if line and not (len(line) < 120 and is_about_the_mail(line)))


def _escaped(words: str) -> str:
    """Plain text as markup: what looks like a tag in it is meant to be read."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
