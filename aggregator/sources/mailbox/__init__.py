"""mailbox: newsletters that come by mail only: a folder of an IMAP server, or a Maildir."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from aggregator import text
from aggregator.errors import InputError, ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor, Entry
from aggregator.secret import secret
from aggregator.sources import Source
from aggregator.sources.mailbox.connection import PORTS, Mailserver, Security, is_loopback
from aggregator.sources.mailbox.imap import arrived_at
from aggregator.sources.mailbox.letter import Letter, read_letter
from aggregator.sources.mailbox.maildir import arrived_in
from aggregator.sources.mailbox.post import Arrival, Post, wants
from aggregator.sources.mailbox.story import message_of, stories_of

_MAX_MESSAGES = 200


def _printable(words: str) -> str:
    if not words or not words.isprintable():
        raise ValueError(f"{words!r} is empty or holds characters that cannot be printed")
    return words


def _sender(address: str) -> str:
    local, at, domain = address.strip().lower().partition("@")
    if not at or not domain or any(c.isspace() or c in "<>," for c in f"{local}{domain}") or "@" in domain:
        raise ValueError(f"{address!r} is no address; write news@example.org, or @example.org for all of a domain")
    return f"{local}@{domain}"


def _place(path: str) -> str:
    if not Path(path).expanduser().is_absolute():
        raise ValueError(f"{path!r} is a relative path; write it whole, or from ~ on")
    return path


class Mailbox(Source):
    """One folder of mail, by `maildir`, or by `host` and `user` with the password in the variable `password_env`.

    `senders` keeps only what is from these addresses or domains ("@example.org"). `entries` makes one entry of each
    message, or one of each story that it links to. `security` is as for sending mail; "none" is for this machine only.
    """

    maildir: Annotated[str, AfterValidator(_place)] | None = None
    host: Annotated[str, AfterValidator(_printable)] | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    user: Annotated[str, AfterValidator(_printable)] | None = None
    folder: Annotated[str, AfterValidator(_printable)] = "INBOX"
    security: Security = "tls"
    password_env: str = Field(default="AGGREGATOR_IMAP_PASSWORD", pattern=r"^[A-Z][A-Z0-9_]{0,99}$")
    senders: tuple[Annotated[str, AfterValidator(_sender)], ...] = ()
    entries: Literal["message", "links"] = "message"
    every_hours: float = Field(default=6, gt=0, le=8760)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.maildir is None) == (self.host is None):
            raise ValueError("a mailbox is either a maildir or a host; give one of them")
        if self.host is not None and self.user is None:
            raise ValueError("a mailbox on a host needs a user")
        if self.host is not None and self.security == "none" and not is_loopback(self.host):
            raise ValueError(f'security = "none" is for this machine itself, not for {self.host}')
        return self

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:  # noqa: ARG002 - no web page
        """See Source.visit. Nothing in the mailbox is changed. A message that cannot be read is told."""
        place = self.maildir or f"{self.host}/{self.user}/{self.folder}"
        kept = cursor if cursor and cursor.get("at") == place else {}
        post = self._post(kept, now)
        found: dict[str, Entry] = {}
        troubles = []
        for arrival in post.arrivals:
            entries, trouble = self._told(arrival, now)
            for entry in entries:
                found.setdefault(entry.key, entry)
            if trouble:
                troubles.append(f"{text.cut(text.fold(arrival.name), 60)}: {trouble}")
        after = {**post.cursor, "at": place}
        return Batch(entries=tuple(found.values()), cursor=after, missing=_missing(troubles, post.left), note=post.note)

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        """The entries of one message."""
        return self._entries(read_letter(body), now)

    def _told(self, arrival: Arrival, now: datetime) -> tuple[list[Entry], str]:
        """The entries of one message, or why there are none."""
        if arrival.trouble:
            return [], arrival.trouble
        try:
            letter = read_letter(arrival.body)
        except ParseError as error:
            return [], str(error)
        return (self._entries(letter, now) if wants(letter.sender, self.senders) else []), ""

    def _entries(self, letter: Letter, now: datetime) -> list[Entry]:
        return stories_of(letter, now) if self.entries == "links" else message_of(letter, now, self.name)

    def _post(self, cursor: Mapping[str, Any], now: datetime) -> Post:
        if self.maildir is not None:
            return arrived_in(Path(self.maildir).expanduser(), cursor, _MAX_MESSAGES)
        try:
            password = secret(self.password_env, os.environ, f"the password of the mailbox {self.name}")
        except InputError as error:
            raise SourceError(str(error)) from error
        server = Mailserver(
            host=self.host or "",
            port=self.port or PORTS[self.security],
            security=self.security,
            user=self.user or "",
            password=password,
            folder=self.folder,
        )
        return arrived_at(server, cursor, self.senders, _MAX_MESSAGES, now=now)


def _missing(troubles: list[str], left: int) -> str:
    """In words what the mailbox holds and this visit did not bring."""
    parts = []
    if troubles:
        shown = "; ".join(troubles[:3]) + ("; …" if len(troubles) > 3 else "")
        parts.append(f"{len(troubles)} message{'s' * (len(troubles) > 1)} could not be read: {shown}")
    if left:
        parts.append(f"{left} more message{'s' * (left > 1)}, at the next visit")
    return "; ".join(parts)
