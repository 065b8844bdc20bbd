"""deliver: the door to the post office.

Mailer          send(message, on_data), close()
FolderMailer    a folder of .eml and .html files: for previews, trials, and whoever reads mail as files
MaildirMailer   a Maildir, for mail programs of this machine
SmtpMailer      a mail server, by TLS or STARTTLS
SendmailMailer  the sendmail of this machine

folder.py    files, each whole or not there
maildir.py   a Maildir, where the same message is one file
sendmail.py  a program, and what its exit codes mean
notice.py    a short word that digests are ready, by apprise
smtp.py      the conversation: one connection for many messages, the mark before the final dot
refusal.py   what a reply or a broken connection means for the message and for the run, in words
"""

from collections.abc import Callable
from typing import Protocol

from aggregator.deliver.folder import FolderMailer
from aggregator.deliver.maildir import MaildirMailer
from aggregator.deliver.sendmail import SendmailMailer
from aggregator.deliver.smtp import SmtpMailer
from aggregator.model import Message

__all__ = ["FolderMailer", "MaildirMailer", "Mailer", "SendmailMailer", "SmtpMailer"]


class Mailer(Protocol):
    """What takes a finished message away."""

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        """Hand the message over, as it is; when it was accepted, what the other side said. Raises DeliveryError.

        `on_data` is called once, just before the other side may take responsibility for it: what fails before may be
        repeated freely, what fails after may have been accepted (RFC 1047). What it raises goes to the caller, and
        the message is not handed over.
        """

    def close(self) -> None:
        """End the conversation."""
