"""post: the secrets, the post office, the size of mails, and what does not go together in [mail]."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from aggregator.doctor.check import Check, tried
from aggregator.errors import DeliveryError

_CLIPPED = 102_000
"""Bytes of HTML from which on Gmail shows a part only; of a whole mail a bound that is easily kept."""


def secrets(needed: Mapping[str, Callable[[], object]]) -> Iterator[Check]:
    """Whether the secrets are there and can be used, by their names; they are never shown."""
    for name, read in needed.items():

        def look(name: str = name, read: Callable[[], object] = read) -> Check:
            read()
            return Check("secret", "ok", f"{name} is there")

        yield tried("secret", look)


def server(ask: Callable[[], str]) -> Check:
    """Whether the mail server lets us in; `ask` is SmtpMailer.check."""
    try:
        return Check("mail", "ok", ask())
    except DeliveryError as error:
        return Check("mail", "fail", str(error))


def folder(path: Path) -> Check:
    """Whether mail can be written to a folder, which is made when it is needed."""
    there = next((one for one in (path, *path.parents) if one.exists()), Path("/"))
    if not there.is_dir():
        return Check("mail", "fail", f"{there} is no folder", "name another in [mail] folder")
    if not os.access(there, os.W_OK | os.X_OK):
        return Check("mail", "fail", f"{there} cannot be written", "check its owner and permissions")
    return Check("mail", "ok", f"goes to the folder {path}")


def program(path: Path) -> Check:
    """Whether the program that takes mail is there."""
    if path.is_file() and os.access(path, os.X_OK):
        return Check("mail", "ok", f"goes to {path}; whether that sends it, its own log tells")
    advice = "install a mail program such as postfix or msmtp, or name yours in [mail] sendmail"
    return Check("mail", "fail", f"{path} is no program that can be run", advice)


def mail_size(largest: int) -> Check:
    """Whether mails are small enough to be shown whole; `largest` is the bytes of the largest of late, 0 if none."""
    if not largest:
        return Check("mail size", "ok", "no mail of late")
    text = f"the largest of late has {largest / 1000:,.0f} kB"
    if largest > _CLIPPED:
        return Check("mail size", "warn", f"{text}; Gmail may show a part only", "lower max_kilobytes or max_entries")
    return Check("mail size", "ok", text)


def pieces(*, base_url: str, return_path: str, box: bool, sends: bool) -> Iterator[Check]:
    """Whether the parts of [mail] and [bounces] go together; `box`: one for mail that comes back is named."""
    if base_url.startswith("http:"):
        what = f"{base_url} is not https, and mail programs offer unsubscribing at a click for https only (RFC 8058)"
        yield Check("base_url", "warn", what, "use https")
    elif base_url:
        yield Check("base_url", "ok", base_url)
    if sends and return_path and not box:
        what = f"reports of failed mail go to {return_path}, and nobody reads them here"
        yield Check("bounces", "warn", what, "name the Maildir or IMAP box in [bounces]")
    elif sends and box and not return_path:
        what = "mail that comes back is read, but without return_path the reports are harder to tell apart"
        yield Check("bounces", "warn", what, "set [mail] return_path")
