"""sections: the tables of config.toml as types, with their defaults. [[source]] tables are those of the kinds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf

from aggregator import model
from aggregator.config import values
from aggregator.config.explain import Problem
from aggregator.sources import Source

_PORTS = {"tls": 465, "starttls": 587, "none": 25}

Phrase = Annotated[str, AfterValidator(values.phrase)]


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _path(value: Any) -> Any:
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
    """The embedding model by name or path, and how many texts go through it at a time."""

    model: Phrase = "all-MiniLM-L6-v2"
    batch: int = Field(default=32, ge=1, le=1024)


class Mail(Section):
    """How digests leave. In a loaded configuration `folder` is absolute; `port` follows `security` unless given."""

    transport: Literal["folder", "smtp"] = "folder"
    sender: Annotated[str, AfterValidator(values.sender)] = "Paper digest <digest@example.org>"
    base_url: Annotated[str, AfterValidator(values.link)] = ""
    folder: Annotated[Path, BeforeValidator(_path)] = Path("outbox")
    host: str = ""
    security: Literal["tls", "starttls", "none"] = "tls"
    port: int = Field(default_factory=lambda given: _PORTS[given["security"]], ge=1, le=65535)
    user: str = ""

    def under(self, folder: Path) -> "Mail":
        """The same with a relative outbox taken from `folder`."""
        return self.model_copy(update={"folder": folder / self.folder})

    def problems(self) -> Iterator[Problem]:
        """What does not go together."""
        if self.transport != "smtp":
            return
        if not self.host.strip():
            yield Problem(("mail", "host"), 'is missing; transport "smtp" needs the name of the mail server')
        if "sender" not in self.model_fields_set:
            yield Problem(("mail", "sender"), 'is missing; transport "smtp" needs who the mail is from')
        if self.security == "none" and self.host.strip() and not values.is_loopback(self.host):
            text = f'"none" is only for this machine itself, not for {self.host}; use "tls" or "starttls"'
            yield Problem(("mail", "security"), text)


class Schedule(Section):
    """How often the service looks at what is due."""

    tick_minutes: float = Field(default=5, gt=0, le=1440)


class Reader(Section):
    """A [[profile]] table."""

    name: Phrase
    email: Annotated[
        tuple[Annotated[str, AfterValidator(values.address)], ...],
        BeforeValidator(_one_or_several),
        Field(min_length=1),
    ]
    schedule: Annotated[str, AfterValidator(values.rhythm)] = "weekly mon 08:00"
    timezone: Annotated[str, AfterValidator(values.timezone)] = "UTC"
    interests: tuple[Phrase, ...] = Field(min_length=1)
    muted: tuple[Phrase, ...] = ()
    max_entries: int = Field(default=20, ge=1, le=200)
    min_score: float = Field(default=0.3, ge=0, le=1)
    send_empty: bool = False
    deadline_days: int = Field(default=60, ge=0, le=400)

    def profile(self) -> model.Profile:
        """The profile that the steps know."""
        return model.Profile(**dict(self))


class Config(Section):
    """A whole configuration; every path in it is absolute."""

    path: Path
    database: Database
    fetch: Fetch
    embed: Embed
    mail: Mail
    schedule: Schedule
    sources: tuple[InstanceOf[Source], ...]
    profiles: tuple[model.Profile, ...]
