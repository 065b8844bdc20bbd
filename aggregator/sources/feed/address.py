"""address: where a feed is: the short forms of well-known services, each the name that people know it by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from aggregator import text
from aggregator.model import Kind

_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
_PERIODS = frozenset({"all", "yearly", "quarterly", "monthly", "weekly", "daily"})


@dataclass(frozen=True, slots=True)
class Form:
    """A short form: what makes an address of it (raises ValueError), what its entries are, how often to ask.

    `kind` None: that is seen from each entry.
    """

    address: Callable[[str], str]
    kind: Kind | None
    every_hours: float


def youtube(given: str) -> str:
    """The feed of a channel ("UC…") or of a playlist ("PL…"; "UULF…" is a channel's long videos)."""
    if given.startswith("@") or "/@" in given:
        raise ValueError(
            f"{given!r} is a handle, and YouTube's feeds know none: open the channel's page, and there About, "
            "Share channel, Copy channel ID; the id begins with UC"
        )
    if re.fullmatch(r"UC[\w-]{22}", given, re.ASCII):
        return f"https://www.youtube.com/feeds/videos.xml?channel_id={given}"
    if re.fullmatch(r"(?:PL|UU|FL|OL)[\w-]{10,60}", given, re.ASCII):
        return f"https://www.youtube.com/feeds/videos.xml?playlist_id={given}"
    raise ValueError(f"{given!r} is neither a channel's id (UC and 22 more characters) nor a playlist's (PL…, UULF…)")


def reddit(given: str) -> str:
    """The week's best of one subreddit ("r/speechtech"), or of several together ("r/A+B")."""
    if not re.fullmatch(r"r/\w{2,21}(?:\+\w{2,21})*", given, re.ASCII):
        raise ValueError(f'{given!r} is no subreddit; write it as "r/MachineLearning", several as "r/A+B"')
    return f"https://www.reddit.com/{given}/top/.rss?t=week"


def github(given: str) -> str:
    """The page of a repository; its feeds are below it."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[\w.-]{1,100}", given, re.ASCII):
        raise ValueError(f'{given!r} is no repository; write it as "owner/repo"')
    return f"https://github.com/{given}"


def discourse(given: str) -> str:
    """The feed behind a page of a forum: a category (/c/…), a tag (/tag/…), /latest or /top, which is the week's."""
    parts = urlsplit(text.safe_link(given))
    path = parts.path.rstrip("/").removesuffix(".rss").removesuffix("/l/latest")
    page = re.fullmatch(r"(?:/(?!(?:c|tag|l)/)[^/]+)*/(?:(?:c|tag)/(?!.*/l/).+|(latest|top))", path)
    if not parts.hostname or not page:
        raise ValueError(
            f"{given!r} is no list of a Discourse forum; open a category (/c/…), a tag (/tag/…), /latest or /top "
            "there, and copy its address"
        )
    period = dict(parse_qsl(parts.query)).get("period", "weekly")
    query = f"period={period if period in _PERIODS else 'weekly'}" if page[1] == "top" else ""
    return urlunsplit((parts.scheme, parts.netloc, f"{path}.rss", query, ""))


def substack(given: str) -> str:
    """The feed of a newsletter by its name ("importai") or by its own domain ("www.interconnects.ai")."""
    name = given.removeprefix("https://").removesuffix("/").lower()
    if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", name):
        return f"https://{name}.substack.com/feed"
    if re.fullmatch(_HOST, name):
        return f"https://{name}/feed"
    raise ValueError(f"{given!r} is no newsletter; write its name, as in NAME.substack.com, or its own domain")


def mastodon(given: str) -> str:
    """The feed of an account ("@user@server")."""
    account = re.fullmatch(rf"@?([\w.-]{{1,60}})@({_HOST})", given, re.ASCII | re.IGNORECASE)
    if not account:
        raise ValueError(f'{given!r} is no account; write it as "@user@server"')
    return f"https://{account[2].lower()}/@{account[1]}.rss"


def bluesky(given: str) -> str:
    """The feed of an account by its handle ("name.bsky.social", or a domain of its own) or its id ("did:plc:…")."""
    handle = given.removeprefix("@")
    if not re.fullmatch(rf"{_HOST}|did:plc:[a-z2-7]{{24}}", handle, re.IGNORECASE):
        raise ValueError(f'{given!r} is no account; write its handle, as "name.bsky.social"')
    return f"https://bsky.app/profile/{handle.lower()}/rss"


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "youtube": Form(youtube, "video", 6),
        "reddit": Form(reddit, "thread", 24),
        "github": Form(github, None, 4),
        "discourse": Form(discourse, "thread", 4),
        "substack": Form(substack, None, 4),
        "mastodon": Form(mastodon, None, 4),
        "bluesky": Form(bluesky, None, 4),
    }
)


def plain(given: str) -> str:
    """An address as it is. Raises ValueError if it is none, or holds what belongs into the environment."""
    if not text.safe_link(given):
        raise ValueError(f"{given!r} is no http or https address")
    if at_reddit(given) and "feed" in dict(parse_qsl(urlsplit(given).query)):
        raise ValueError(
            'holds Reddit\'s private token, which belongs into the environment: write reddit = "r/…" instead, and set '
            "REDDIT_FEED_TOKEN and REDDIT_FEED_USER"
        )
    return given


def at_reddit(url: str) -> bool:
    """Whether an address is Reddit's."""
    return f".{urlsplit(url).hostname or ''}".endswith(".reddit.com")


def without_user(url: str) -> str:
    """The address without the user and password in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
