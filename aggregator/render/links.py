"""links: where a letter leads home to: pages below base_url, or a mailto where there are none; the envelope sender.

No address and no name stands in a link, only tokens. The pages, each below base_url with a token behind it:
/u/ unsubscribe, /p/ preferences, /v/ the letter in a browser, /a/ the archive, /f/ feedback on a pick.
"""

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from urllib.parse import quote

from aggregator.errors import InputError
from aggregator.tokens import HOW, Grant, Keyring, Vote, entry_mark, reader_mark, return_path, sign

_WEB = re.compile(r"https?://[A-Za-z0-9._~:/%+\[\]-]{1,200}")
"""What may stand raw in a header and in any mail program: no blank, comma, bracket, query or other script."""


@dataclass(frozen=True, slots=True)
class Votes:
    """The links of one pick: more like this, less like this, keep it. Each "" where there is no base_url."""

    more: str = ""
    less: str = ""
    save: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links home of one letter. `unsubscribe` and `mailto` are always there, the others "" without base_url.

    `unsubscribe` is the page, or the mailto where there is none. `one_click` is the page if it is https, as RFC 8058
    demands, else "".
    """

    unsubscribe: str
    mailto: str
    one_click: str = ""
    preferences: str = ""
    browser: str = ""
    archive: str = ""
    home: "Home" = field(repr=False)
    mark: str = field(repr=False)

    def votes(self, key: str) -> Votes:
        """The feedback links of the pick with this key."""
        if not self.home.base_url:
            return Votes()
        return Votes(*(self._vote(key, vote) for vote in ("more", "less", "save")))

    def _vote(self, key: str, vote: Vote) -> str:
        grant = Grant(purpose="feedback", message=self.mark, entry=entry_mark(key), vote=vote)
        return self.home.page("f", grant)


@dataclass(frozen=True, slots=True)
class Home:
    """Where letters come from: who sends them, where the pages are, what signs, and where bounces go.

    Raises InputError if base_url cannot stand in a header, if return_path is too long, or if there is either and no
    keys.
    """

    sender: Address
    base_url: str = ""
    keys: Keyring | None = None
    return_path: str = ""

    def __post_init__(self) -> None:
        if self.base_url and not _WEB.fullmatch(self.base_url):
            raise InputError(
                f"[mail] base_url {self.base_url!r} cannot stand in a mail header; write it like "
                "https://digest.example.org, with no query and with the host's name in plain letters (xn--…)"
            )
        if (self.base_url or self.return_path) and self.keys is None:
            which = "base_url" if self.base_url else "return_path"
            raise InputError(f"[mail] {which} needs AGGREGATOR_SECRET, which signs its links; make one with: {HOW}")
        self.envelope_sender("0" * 16)

    def links(self, profile: str, mark: str, to: str) -> Links:
        """The links of the letter with this mark, which goes to one reader of a profile."""
        reader = reader_mark(profile, to)
        mailto = _mailto(self.sender, profile)
        stop = self.page("u", Grant(purpose="unsubscribe", reader=reader))
        return Links(
            unsubscribe=stop or mailto,
            mailto=mailto,
            one_click=stop if stop.startswith("https:") else "",
            preferences=self.page("p", Grant(purpose="preferences", reader=reader)),
            browser=self.page("v", Grant(purpose="browser", message=mark)),
            archive=self.page("a", Grant(purpose="archive", reader=reader)),
            home=self,
            mark=mark,
        )

    def page(self, letter: str, grant: Grant) -> str:
        """The address of a page, or "" without base_url."""
        if self.keys is None or not self.base_url:
            return ""
        return f"{self.base_url.rstrip('/')}/{letter}/{sign(self.keys, grant)}"

    def envelope_sender(self, mark: str) -> str:
        """Where bounces of the letter with this mark go: return_path with the mark in it, or the sender."""
        if self.keys is None or not self.return_path:
            return self.sender.addr_spec
        return return_path(self.keys, self.return_path, mark)


def _mailto(sender: Address, profile: str) -> str:
    """A mailto: link that asks the sender to stop (RFC 6068)."""
    subject = quote(f"unsubscribe {profile[:60]}", safe="")
    return f"mailto:{quote(sender.addr_spec, safe='@')}?subject={subject}"
