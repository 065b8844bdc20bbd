"""sections: the tables of config.toml as types, with their defaults.

[[profile]] tables are in reader.py, [[source]] tables those of the kinds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf

from aggregator import model
from aggregator.config import values
from aggregator.config.explain import Problem
from aggregator.sources import Source
from aggregator.sources.mailbox.connection import PORTS as IMAP_PORTS

_PORTS = {"tls": 465, "starttls": 587, "none": 25}

Phrase = Annotated[str, AfterValidator(values.phrase)]


def _path(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"{value!r} has a control character; take it out")
    return Path(value).expanduser() if isinstance(value, str) and value else value


class Section(BaseModel):
    """A table; no key but the fields, no value bent into its type."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Database(Section):
    """Where entries are kept. In a loaded configuration the path of a file is absolute."""

    url: Annotated[str, AfterValidator(values.database)] = "sqlite:///aggregator.db"

    def under(self, folder: Path) -> "Database":
        """The same with a relative file taken from `folder`."""
        kind, _, path = self.url.partition(":///")
        return Database(url=f"sqlite:///{folder / path}") if kind == "sqlite" else self


class Fetch(Section):
    """How the network is asked. Seconds in all of a request, and between two to one host."""

    contact: Annotated[str, AfterValidator(values.contact)] = "https://example.org/paper-aggregator"
    allow: tuple[Annotated[str, AfterValidator(values.network)], ...] = ()
    deadline_seconds: float = Field(default=30, gt=0, le=600)
    pause_seconds: float = Field(default=1, ge=0, le=60)
    workers: int = Field(default=32, ge=1, le=64)


class Embed(Section):
    """The embedding model by name or path, how many texts go through it at a time, and what computes it."""

    model: Phrase = "all-MiniLM-L6-v2"
    batch: int = Field(default=32, ge=1, le=1024)
    backend: Literal["auto", "fp32", "bf16", "int8"] = "auto"


class Mail(Section):
    """How digests leave. In a loaded configuration `folder` is absolute; `port` follows `security` unless given."""

    transport: Literal["folder", "maildir", "smtp", "sendmail"] = "folder"
    sender: Annotated[str, AfterValidator(values.sender)] = "Paper digest <digest@example.org>"
    base_url: Annotated[str, AfterValidator(values.link)] = ""
    folder: Annotated[Path, BeforeValidator(_path)] = Path("outbox")
    host: Annotated[str, AfterValidator(values.host)] = ""
    security: Literal["tls", "starttls", "none"] = "tls"
    port: int = Field(default_factory=lambda given: _PORTS[given["security"]], ge=1, le=65535)
    user: str = ""
    sendmail: Annotated[Path, BeforeValidator(_path)] = Path("/usr/sbin/sendmail")
    return_path: Annotated[str, AfterValidator(values.address_or_none)] = ""
    dkim_selector: Annotated[str, AfterValidator(values.selector)] = ""
    in_doubt: Literal["resend", "hold"] = "resend"
    per_second: float = Field(default=0, ge=0)
    per_connection: int = Field(default=100, ge=1)
    per_day: int = Field(default=0, ge=0)
    keep_days: int = Field(default=30, ge=1, le=36500)
    templates: Annotated[Path | None, BeforeValidator(_path)] = None
    notice: bool = False

    def under(self, folder: Path) -> "Mail":
        """The same with a relative outbox taken from `folder`."""
        templates = folder / self.templates if self.templates else None
        return self.model_copy(update={"folder": folder / self.folder, "templates": templates})

    def problems(self) -> Iterator[Problem]:
        """What does not go together."""
        if self.transport != "folder" and "sender" not in self.model_fields_set:
            yield Problem(("mail", "sender"), f'is missing; transport "{self.transport}" needs who the mail is from')
        if self.transport == "sendmail" and not self.sendmail.is_absolute():
            yield Problem(("mail", "sendmail"), f"{self.sendmail} is a relative path; write it whole")
        if self.transport != "smtp":
            return
        if not self.host:
            yield Problem(("mail", "host"), 'is missing; transport "smtp" needs the name of the mail server')
        if self.security == "none" and self.host and not values.is_loopback(self.host):
            text = f'"none" is only for this machine itself, not for {self.host}; use "tls" or "starttls"'
            yield Problem(("mail", "security"), text)


class Bounces(Section):
    """Where reports of mail that could not be delivered come back to (RFC 3464): a Maildir or an IMAP folder."""

    maildir: Annotated[Path | None, BeforeValidator(_path)] = None
    host: Annotated[str, AfterValidator(values.host)] = ""
    security: Literal["tls", "starttls", "none"] = "tls"
    port: int = Field(default_factory=lambda given: IMAP_PORTS[given["security"]], ge=1, le=65535)
    user: str = ""
    folder: Phrase = "INBOX"

    def under(self, folder: Path) -> "Bounces":
        """The same with a relative Maildir taken from `folder`."""
        return self.model_copy(update={"maildir": folder / self.maildir if self.maildir else None})

    def problems(self) -> Iterator[Problem]:
        """What does not go together."""
        host = self.host
        if self.maildir and host:
            yield Problem(("bounces", "host"), "cannot stand beside maildir; keep one of them")
        if self.model_fields_set and not self.maildir and not host:
            yield Problem(("bounces", "maildir"), "is missing, and so is host; name where mail comes back to")
        if host and not self.user.strip():
            yield Problem(("bounces", "user"), "is missing; a host needs a login")
        if host and self.security == "none" and not values.is_loopback(host):
            text = f'"none" is only for this machine itself, not for {host}; use "tls" or "starttls"'
            yield Problem(("bounces", "security"), text)


class Summary(Section):
    """A language model of one's own that sums papers up, by an API like OpenAI's; none unless `url` is given.

    `timeout_seconds` is what all summaries of one digest step may take.
    """

    url: Annotated[str, AfterValidator(values.link)] = ""
    model: str = ""
    max_words: int = Field(default=50, ge=15, le=200)
    timeout_seconds: float = Field(default=120, gt=0, le=600)

    def problems(self) -> Iterator[Problem]:
        """What does not go together."""
        if "?" in self.url or "#" in self.url:
            text = "ends before ? and #; a key does not stand in it but in AGGREGATOR_SUMMARY_KEY"
            yield Problem(("summary", "url"), text)
        if self.url and not self.model.strip():
            yield Problem(("summary", "model"), "is missing; name a model that the server at url has")
        if self.model_fields_set and not self.url:
            yield Problem(("summary", "url"), "is missing; write it like http://localhost:11434/v1")


class Schedule(Section):
    """How often the service looks at what is due."""

    tick_minutes: float = Field(default=5, gt=0, le=1440)


class Config(Section):
    """A whole configuration; every path in it is absolute."""

    path: Path
    database: Database
    fetch: Fetch
    embed: Embed
    mail: Mail
    bounces: Bounces
    summary: Summary
    schedule: Schedule
    sources: tuple[InstanceOf[Source], ...]
    profiles: tuple[model.Profile, ...]
