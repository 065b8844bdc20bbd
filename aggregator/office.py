"""office: the post office that config.toml names: what renders, signs, sends, announces, and reads what comes back."""

import os
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from aggregator.bounces import read_bounces
from aggregator.config import Config
from aggregator.deliver import FolderMailer, MaildirMailer, Mailer, SendmailMailer, SmtpMailer
from aggregator.deliver.notice import Ready, notify, words
from aggregator.errors import InputError
from aggregator.outcome import Outcome, Stop
from aggregator.render import Renderer
from aggregator.render.links import Home
from aggregator.render.mail import address
from aggregator.secret import secret
from aggregator.sources.mailbox.connection import Mailserver
from aggregator.store import Store
from aggregator.summarize import Summarizer
from aggregator.tokens import HOW, Grant, Keyring, keyring

_TRIAL = datetime(2026, 1, 1, tzinfo=UTC)
"""When the trial signature was made; the real time plays no part in whether it holds."""


def keys(config: Config) -> Keyring | None:
    """What signs the links home and the return paths, and keeps a Message-ID from being guessed; None if none is used.

    Raises InputError if AGGREGATOR_SECRET is needed and missing or too short.
    """
    mail, box = config.mail, config.bounces
    uses = {
        "[mail] base_url": mail.base_url,
        "[mail] return_path": mail.return_path,
        "[bounces]": box.maildir or box.host,
    }
    which = next((name for name, used in uses.items() if used), None)
    if which is None:
        return None
    return keyring(secret("AGGREGATOR_SECRET", os.environ, f"for {which}, a secret such as {HOW} prints"))


def renderer(config: Config) -> Renderer:
    """What turns digests into mails."""
    mail = config.mail
    return Renderer(
        mail.sender,
        mail.base_url,
        mail.templates,
        {source.name: source.title for source in config.sources},
        keys=keys(config),
        return_path=mail.return_path,
        sign=_signer(mail.sender, mail.dkim_selector) if mail.dkim_selector else None,
    )


def _signer(sender: str, selector: str) -> Callable[[bytes, datetime], bytes]:
    from aggregator.render.sign import signer

    pem = secret("AGGREGATOR_DKIM_KEY", os.environ, "for [mail] dkim_selector, an RSA key in PEM")
    return signer(address(sender).domain, selector, pem)


def summarizer(config: Config, store: Store) -> Summarizer | None:
    """What sums works up for letters; None if [summary] names nothing that could."""
    summary = config.summary
    if not summary.url:
        return None
    return Summarizer(
        store, summary.url, summary.model, _summary_key, max_words=summary.max_words, timeout=summary.timeout_seconds
    )


def _summary_key() -> str:
    """The key of the language model's server; "" if there is none. Raises InputError if it cannot be read."""
    name = "AGGREGATOR_SUMMARY_KEY"
    given = os.environ.get(name) or os.environ.get(f"{name}_FILE")
    key = secret(name, os.environ, "for [summary], the key of its server") if given else ""
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"{name} holds what no key has: a line end, or a letter beyond ASCII")
    return key


def proves(config: Config) -> Callable[[str], bool]:
    """What tells whether a key record of the DNS belongs to the key that mails are signed with. Raises InputError."""
    from aggregator.render.sign import verifies

    mail = config.mail
    trial = f"From: {address(mail.sender)}\r\nSubject: a trial\r\n\r\n".encode()
    signed = _signer(mail.sender, mail.dkim_selector)(trial, _TRIAL)
    return lambda record: verifies(signed, record)


def mailer(config: Config) -> Mailer:
    """The post office that [mail] names."""
    mail = config.mail
    if mail.transport == "folder":
        return FolderMailer(mail.folder)
    if mail.transport == "maildir":
        return MaildirMailer(mail.folder)
    if mail.transport == "sendmail":
        return SendmailMailer(mail.sendmail)
    return smtp(config)


def smtp(config: Config) -> SmtpMailer:
    """The mail server that [mail] names. Raises InputError if its password is missing."""
    mail = config.mail
    return SmtpMailer(
        mail.host,
        mail.port,
        security=mail.security,
        user=mail.user,
        password=secret("AGGREGATOR_SMTP_PASSWORD", os.environ) if mail.user else "",
        per_connection=mail.per_connection,
    )


def read_returned(config: Config, store: Store, outcome: Outcome, *, now: datetime, stop: Stop) -> None:
    """Read what came back to the box that [bounces] names, if it names one; see `bounces`."""
    try:
        place = _box(config)
        if place is not None:
            by_id = not config.mail.return_path
            read_bounces(store, place, keys(config), outcome, by_id=by_id, now=now, stop=stop)
    except InputError as error:
        outcome.trouble(f"mail that came back was not read: {error}")


def _box(config: Config) -> Path | Mailserver | None:
    box = config.bounces
    if box.maildir or not box.host:
        return box.maildir
    return Mailserver(
        host=box.host,
        port=box.port,
        security=box.security,
        user=box.user,
        password=secret("AGGREGATOR_BOUNCES_PASSWORD", os.environ, f"the password of {box.user} at {box.host}"),
        folder=box.folder,
    )


def announce(config: Config, store: Store, issues: Collection[int], outcome: Outcome) -> None:
    """Say by apprise that digests were sent: those of these issues of which a message is. What fails is a trouble.

    An issue is announced once or, after a crash just now, never; mail is neither kept back nor sent again for it.
    """
    sent = store.announced(issues)
    if not sent:
        return
    try:
        addresses = secret("AGGREGATOR_NOTICE_URL", os.environ, "for [mail] notice, one address of apprise a line")
        ring = keys(config) if config.mail.base_url else None
    except InputError as error:
        outcome.trouble(f"no notice was sent: {error}")
        return
    home = Home(address(config.mail.sender), config.mail.base_url if ring else "", ring)
    ready = [Ready(one.subject, home.page("v", Grant(purpose="browser", message=one.mark))) for one in sent]
    for trouble in notify(addresses, *words(ready)):
        outcome.trouble(trouble)
