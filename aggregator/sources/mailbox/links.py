"""links: the links of a newsletter: which tell a story, and which open the message in a browser.

Nothing is followed. Where a link to a counter of clicks names its target, the target is taken.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from urllib.parse import parse_qsl, unquote, urlsplit

from aggregator import text

_MAX_TEXT = 1_000_000
_MAX_TAG = 8192
_MAX_TOKENS = 10_000
_MAX_WITHIN = 4000
_SUMMARY = 600
_TOKEN = re.compile(r"<(/?)(a|h[1-6]|footer)(?=[\s>/])", re.IGNORECASE)
_TAG = re.compile(r"<(?>[^>\"']+|\"[^\"]*\"|'[^']*')*+>")
_TO_FIRST = re.compile(r"<[^>]*>")
_HREF = re.compile(r"\shref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
_IN_TEXT = re.compile(r"https?://[^\s<>\"']{4,2000}", re.IGNORECASE)

_TARGETS = frozenset(
    re.findall(
        r"\w+", "url u target redirect redirect_url redirect_to redirecturl to dest destination link href r q goto"
    )
)
_IN_PATH = re.compile(r"/(https?(?:%3A|:)%2F%2F[^/?#]+)", re.IGNORECASE)
_ADMIN = re.compile(
    r"unsubscrib|\bopt[- ]out of|\b(?:privacy|cookie) (?:policy|notice|statement)|\bterms of (?:service|use)"
    r"|\b(?:e-?mail|notification|communication|your|my|manage|update|edit) (?:\w+ )?(?:preferences|settings)\b"
    r"|\b(?:your|my|manage|update|edit) (?:\w+ )?subscriptions?\b"
    r"|\bforward (?:this|to a)|\bwhy (?:did|do|am|are) (?:i|you) (?:get|receiv)|\bconfirm your (?:e-?mail|subscription)"
    r"|\ball rights reserved|\badd us to your|\brefer a friend|\breferral (?:program|link)|\bshare (?:this|on|via)\b"
    r"|\badvertise(?:ment|ments)?\b|\(sponsor(?:ed)?\)|^sponsor|\bsponsored (?:by|content|post)|\bbecome a sponsor"
    r"|\b(?:brought to you|presented|promoted) by\b|\bpartner content",
    re.IGNORECASE,
)
_ADMIN_URL = re.compile(
    r"unsubscrib|[/_-]opt[-_]?out\b|/(?:e-?mail[-_]?)?preferences?(?:[/?#]|$)|/manage(?:[-_/?#]|$)|/subscribe(?:[/?#]|$)"
    r"|list-manage\.com/(?:profile|about|vcard)|/sponsors?(?:hip)?(?:[/?#]|$)|/advertis(?:e|ing)(?:[/?#]|$)"
    r"|[?&]utm_(?:medium|campaign|content)=[^&]*(?:sponsor|advert)|/share(?:r|Article)?(?:[./?#]|$)|/intent/",
    re.IGNORECASE,
)
_IN_BROWSER = re.compile(
    r"\b(?:view|read|open|see)\b.{0,40}\b(?:in|on|with) (?:your|a|the) (?:web ?)?(?:browser|web|site|website)\b"
    r"|\b(?:view|read|open) (?:it |this |this [\w-]+ )?(?:online|in browser|on(?:the )?web)\b|\bweb ?version\b",
    re.IGNORECASE,
)
_SOCIAL = frozenset(
    re.findall(
        r"\S+",
        """twitter.com x.com facebook.com fb.com linkedin.com instagram.com threads.net tiktok.com pinterest.com t.me
        whatsapp.com wa.me bsky.app""",
    )
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a message: its target, its words, whether it is or stands in a heading, and the text after it."""

    url: str
    words: str
    heading: bool
    after: str


def links_of(markup: str, plain: str) -> list[Link]:
    """The links of the HTML, or if there is none of the plain text, in order, those of footers left out."""
    return list(_anchors(markup[:_MAX_TEXT]) if markup else _bare(plain))


def stories(links: list[Link], limit: int) -> list[Link]:
    """The links that tell a story, the first `limit`, each target once: with four words or more, or in a heading.

    Not: what manages the subscription, social media, advertisements, pictures.
    """
    found: dict[str, Link] = {}
    for link in links:
        few = len(link.words.split()) < (2 if link.heading else 4)
        if few or is_about_the_mail(link.words) or _ADMIN_URL.search(link.url) or _host(link.url) in _SOCIAL:
            continue
        key = text.key_of(link.url)
        if key not in found or (link.heading and not found[key].heading):
            found[key] = link
    return list(found.values())[:limit]


def in_browser(links: list[Link]) -> str:
    """The https link that shows the message itself; "" if there is none."""
    for link in links:
        shown = link.url.lower().startswith("https://") and _IN_BROWSER.search(link.words)
        if shown and not (_ADMIN.search(link.words) or _ADMIN_URL.search(link.url)):
            return link.url
    return ""


def is_about_the_mail(line: str) -> bool:
    """Whether a line of text is about the mail and not from it: "View in browser", "Unsubscribe"."""
    return bool(_ADMIN.search(line) or _IN_BROWSER.search(line))


def target(url: str) -> str:
    """The page that a link leads to, as far as the link itself says it; "" for what is no http or https link."""
    url = text.safe_link(html.unescape(url))
    for _ in range(3):
        inner = _inner(url)
        if not inner:
            break
        url = inner
    return url


def _inner(url: str) -> str:
    if match := _IN_PATH.search(url[8:]):
        return text.safe_link(unquote(match[1]))
    try:
        pairs = parse_qsl(urlsplit(url).query, max_num_fields=100)
    except ValueError:
        return ""
    found = (
        value for name, value in pairs if name.lower() in _TARGETS and value.lower().startswith(("http:", "https:"))
    )
    return next(filter(None, map(text.safe_link, found)), "")


def _host(url: str) -> str:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return host if host in _SOCIAL else ".".join(host.split(".")[-2:])


def _anchors(markup: str) -> Iterator[Link]:
    """The anchors in order. Each ends where it is closed or the next begins: one pass, whatever is put in."""
    found: list[_Anchor] = []
    footer = heading = False
    anchor: _Anchor | None = None
    for token in islice(_TOKEN.finditer(markup), _MAX_TOKENS):
        closing, name = bool(token[1]), token[2].lower()
        if name == "footer":
            footer = not closing
        elif name != "a":
            heading = not closing
            if anchor and heading:
                anchor.heading = True
        else:
            if anchor:
                anchor.end = token.start()
                found.append(anchor)
            anchor = None if closing or footer else _opened(markup, token, heading=heading)
    for one, following in pairwise([*found, _Anchor("", len(markup), len(markup), len(markup))]):
        words = text.fold(text.plain(markup[one.begin : min(one.end, one.begin + _MAX_WITHIN)]))
        after = text.plain(markup[one.end : min(following.start, one.end + _MAX_WITHIN)])
        yield Link(one.url, words, one.heading, text.cut(after, _SUMMARY))


@dataclass(slots=True)
class _Anchor:
    """An anchor while it is read: where its tag starts, and where its words begin and end."""

    url: str
    start: int
    begin: int
    end: int
    heading: bool = False


def _opened(markup: str, token: re.Match[str], *, heading: bool) -> _Anchor | None:
    start = token.start()
    tag = _TAG.match(markup, start, start + _MAX_TAG) or _TO_FIRST.match(markup, start, start + _MAX_TAG)
    href = _HREF.search(tag[0]) if tag else None
    url = target(next(filter(None, href.groups()), "")) if href else ""
    return _Anchor(url, start, tag.end(), tag.end(), heading) if tag and url else None


def _bare(plain: str) -> Iterator[Link]:
    """The links in plain text: their words stand before them on their line, or are the line before."""
    before = ""
    for line in plain[:_MAX_TEXT].splitlines():
        words = text.fold(_IN_TEXT.sub(" ", line)).strip("[]()<>*-:•# ")
        for match in islice(_IN_TEXT.finditer(line), 20):
            if url := target(match[0].rstrip(".,;:!?)]}*_")):
                yield Link(url, words or before, heading=False, after="")
        before = words or before
