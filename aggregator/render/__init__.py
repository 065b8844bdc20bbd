"""render: digest → finished mail: subject, text, HTML, headers; the stored bytes.

Three templates by name (digest.subject.txt, digest.txt, digest.html) are given one value each, `letter`, and decide
nothing. Titles, abstracts, names and the words of sources are text: escaped in HTML, harmless in headers.
"""

import re
import traceback
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import css_inline
import jinja2

from aggregator.errors import RenderError
from aggregator.model import Digest, Message
from aggregator.render import mail
from aggregator.render.card import Room
from aggregator.render.columns import padded, wrap
from aggregator.render.letter import Letter, letter
from aggregator.render.titles import titled
from aggregator.render.words import clean
from aggregator.shipped import shipped

__all__ = ["HTML_LIMIT", "Renderer"]

HTML_LIMIT = 90_000
"""Bytes of decoded HTML: Gmail hides what comes after about 102 kB, the way to unsubscribe included."""

_ROOMS = (
    Room(620, 300, 200),
    Room(460, 220, 160),
    Room(340, 150, 120),
    Room(340, 150, 120, links=False),
    *(Room(0, 0, 0, picks, links=False) for picks in (1_000_000, 100, 60, 30, 15, 8, 4, 2, 1)),
)
"""From the letter as it is meant to be, over shorter abstracts, fewer links and bare headlines, to "and 37 more"."""


class Renderer:
    """Turns digests into finished mails.

    `sender` is "Name <addr@host>" or an address. `base_url` is where the sender's web pages are, if anywhere; the
    letter names it. `titles` are what sources are called, by name, where that is not their name. `templates` is a
    folder with the three templates, those that come with the program unless given. Raises RenderError if `sender` is
    not an address.
    """

    def __init__(
        self,
        sender: str,
        base_url: str = "",
        templates: Path | None = None,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        self._sender = mail.address(sender)
        self._titles = titles or {}
        self._base_url = base_url
        self._folder = templates or shipped("templates/email")
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self._folder),
            autoescape=jinja2.select_autoescape(("html",)),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"wrap": wrap, "padded": padded}
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, minify_css=True)

    def render(self, digest: Digest, to: str, now: datetime) -> Message:
        """The finished mail to one recipient; equal input gives equal bytes. `now` is its Date.

        Raises RenderError: a broken template with its file and line, a header that came out wrong, a bad address.
        """
        profile = digest.profile
        recipient = mail.address(to)
        words, html = self._fitted(digest, recipient.addr_spec)
        subject = clean(self._filled("digest.subject.txt", words, to), 200) or "Paper digest"
        head = mail.headers(
            sender=self._sender,
            to=recipient,
            subject=subject,
            now=now.astimezone(ZoneInfo(profile.timezone)),
            profile=profile.name,
            period=digest.period,
        )
        return Message(
            key=f"{profile.name}/{digest.period}/{to}",
            sender=self._sender.addr_spec,
            to=recipient.addr_spec,
            message_id=dict(head)["Message-ID"],
            subject=subject,
            raw=mail.assembled(head, self._plain(words, recipient.addr_spec), html),
        )

    def html(self, digest: Digest, to: str) -> str:
        """The HTML part, styles inlined, below HTML_LIMIT bytes. Raises RenderError."""
        return self._fitted(digest, to)[1]

    def text(self, digest: Digest, to: str) -> str:
        """The plain part, in lines of 72 columns. Raises RenderError."""
        return self._plain(self._fitted(digest, to)[0], to)

    def _fitted(self, digest: Digest, to: str) -> tuple[Letter, str]:
        """The fullest letter whose HTML stays below the limit, and that HTML."""
        digest = titled(digest, self._titles)
        for room in _ROOMS:
            words = letter(digest, room)
            html = self._inlined(self._filled("digest.html", words, to))
            if len(html.encode()) < HTML_LIMIT:
                break
        return words, html

    def _plain(self, words: Letter, to: str) -> str:
        lines = (line.rstrip() for line in self._filled("digest.txt", words, to).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"

    def _inlined(self, html: str) -> str:
        try:
            inlined = self._inliner.inline(html)
        except css_inline.InlineError as error:
            raise RenderError(f"{self._folder / 'digest.html'}: its styles cannot be inlined: {error}") from error
        return "\n".join(filter(None, (line.strip() for line in inlined.split("\n")))) + "\n"

    def _filled(self, name: str, words: Letter, to: str) -> str:
        values: Mapping[str, object] = {
            "letter": words,
            "to": to,
            "sender": self._sender.addr_spec,
            "unsubscribe": mail.unsubscribe_link(self._sender, words.profile),
            "base_url": self._base_url,
        }
        try:
            return self._templates.get_template(name).render(values)
        except jinja2.TemplateNotFound as error:
            raise RenderError(f"the template {error.name} is missing in {self._folder}; put it back") from None
        except jinja2.TemplateSyntaxError as error:
            raise RenderError(f"{error.filename or name}, line {error.lineno}: {error.message}") from None
        except Exception as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise RenderError(f"{self._place(name, error)}: {what}; correct the template") from error

    def _place(self, name: str, error: Exception) -> str:
        """The line of the template that an error came from."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame for frame in frames if Path(frame.filename).parent == self._folder]
        return f"{lines[-1].filename}, line {lines[-1].lineno}" if lines else str(self._folder / name)
