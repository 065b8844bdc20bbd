"""render: digest → finished mail: subject, text, HTML, headers; the stored bytes.

Three templates by name (digest.subject.txt, digest.txt, digest.html) are given one value each, `letter`, and where it
leads home to, `links`; they decide nothing. Those in a folder of one's own stand before ours, which they may extend as
"base/digest.html". Titles, abstracts, names and the words of sources are text: escaped in HTML, harmless in headers.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import css_inline

from aggregator.errors import RenderError
from aggregator.model import Digest, Message
from aggregator.render import mail
from aggregator.render.letter import Letter, letter
from aggregator.render.links import Home, Links
from aggregator.render.notes import Notes
from aggregator.render.room import rooms
from aggregator.render.templates import Templates
from aggregator.render.titles import titled
from aggregator.render.words import clean
from aggregator.tokens import Keyring, message_marks

__all__ = ["HTML_LIMIT", "Renderer"]

HTML_LIMIT = 90_000
"""Bytes of decoded HTML: Gmail hides what comes after about 102 kB, the way to unsubscribe included."""


_SHEET = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL)


class Renderer:
    """Turns digests into finished mails.

    `sender` is "Name <addr@host>" or an address. `base_url` is where the sender's web pages are, if anywhere; links to
    them, and a `return_path` that tells whose mail came back, are signed with `keys`, which also keep a Message-ID from
    being guessed. `sign` adds a DKIM signature. `titles` are what sources are called, by name, where that is not their
    name. `templates` is a folder with templates of one's own, of which each stands for the one of that name that comes
    with the program. Raises RenderError if `sender` is not an address or there is no such folder, InputError if
    `base_url` or `return_path` cannot be used.
    """

    def __init__(
        self,
        sender: str,
        base_url: str = "",
        templates: Path | None = None,
        titles: Mapping[str, str] | None = None,
        *,
        keys: Keyring | None = None,
        return_path: str = "",
        sign: Callable[[bytes, datetime], bytes] | None = None,
    ) -> None:
        self._sender = mail.address(sender)
        self._home = Home(self._sender, base_url, keys, return_path)
        self._sign = sign
        self._titles = titles or {}
        self._base_url = base_url
        self._templates = Templates(templates)
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, minify_css=True)

    def render(self, digest: Digest, to: str, now: datetime) -> Message:
        """The finished mail to one recipient; equal input gives equal bytes. `now` is its Date.

        Raises RenderError: a broken template with its file and line, a header that came out wrong, a bad address.
        """
        profile = digest.profile
        recipient = mail.address(to)
        links = self._links(digest, recipient.addr_spec)
        words, html = self._fitted(digest, links, recipient.addr_spec)
        subject = clean(self._filled("digest.subject.txt", words, links, to), 200) or "Paper digest"
        head = mail.headers(
            sender=self._sender,
            to=recipient,
            subject=subject,
            now=now.astimezone(ZoneInfo(profile.timezone)),
            profile=profile.name,
            period=digest.period,
            links=links,
        )
        raw = mail.assembled(head, self._plain(words, links, recipient.addr_spec), html)
        return Message(
            key=f"{profile.name}/{digest.period}/{to}",
            sender=self._home.envelope_sender(links.mark),
            to=recipient.addr_spec,
            message_id=dict(head)["Message-ID"],
            subject=subject,
            raw=self._sign(raw, now) if self._sign else raw,
        )

    def html(self, digest: Digest, to: str) -> str:
        """The HTML part, styles inlined, below HTML_LIMIT and, if possible, the profile's own. Raises RenderError."""
        return self._fitted(digest, self._links(digest, to), to)[1]

    def text(self, digest: Digest, to: str) -> str:
        """The plain part, in lines of 72 columns. Raises RenderError."""
        links = self._links(digest, to)
        return self._plain(self._fitted(digest, links, to)[0], links, to)

    def _links(self, digest: Digest, to: str) -> Links:
        name = digest.profile.name
        mark, *_ = message_marks(self._home.keys, name, digest.period, to)
        return self._home.links(name, mark, to)

    def _fitted(self, digest: Digest, links: Links, to: str) -> tuple[Letter, str]:
        """The fullest letter whose HTML stays below the profile's limit, else the shortest; and that HTML.

        A preview is a page, and has no limit.
        """
        digest = titled(digest, self._titles)
        limit = min(1000 * digest.profile.max_kilobytes, HTML_LIMIT)
        made = self._page(digest, 0, links, to)
        if digest.period.startswith("preview") or _size(made) < limit:
            return made
        low, high = 0, len(rooms(digest.profile.format)) - 1  # the fullest that fits lies behind low, up to high
        made = self._page(digest, high, links, to)
        while high - low > 1:
            middle = (low + high) // 2
            tried = self._page(digest, middle, links, to)
            low, high, made = (low, middle, tried) if _size(tried) < limit else (middle, high, made)
        if _size(made) < HTML_LIMIT:
            return made
        raise RenderError(
            f"the letter of profile {digest.profile.name} has {_size(made):,} bytes even with a single pick; shorten "
            f"the templates: {HTML_LIMIT:,} is the most"
        )

    def _page(self, digest: Digest, room: int, links: Links, to: str) -> tuple[Letter, str]:
        words = letter(digest, rooms(digest.profile.format)[room])
        return words, self._inlined(self._filled("digest.html", words, links, to))

    def _plain(self, words: Letter, links: Links, to: str) -> str:
        lines = (line.rstrip() for line in self._filled("digest.txt", words, links, to).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"

    def _inlined(self, html: str) -> str:
        if any(sheet.count("{") != sheet.count("}") for sheet in _SHEET.findall(html)):
            raise RenderError(f"the styles of {self._templates.path('digest.html')} lack a brace; nothing was sent")
        try:
            inlined = self._inliner.inline(html)
        except css_inline.InlineError as error:
            raise RenderError(f"the styles of {self._templates.path('digest.html')} are broken: {error}") from error
        return "\n".join(filter(None, (line.strip() for line in inlined.split("\n")))) + "\n"

    def _filled(self, name: str, words: Letter, links: Links, to: str) -> str:
        return self._templates.filled(
            name,
            letter=words,
            to=to,
            sender=self._sender.addr_spec,
            links=links,
            base_url=self._base_url,
            notes=Notes(),
        )


def _size(made: tuple[Letter, str]) -> int:
    return len(made[1].encode())
