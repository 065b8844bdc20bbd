"""errors: every expected error.

    AggregatorError             something a person can act on; shown in one line, without a traceback
    ├── InputError              what the user wrote cannot be used (exit 2)
    │   └── ConfigError         ... in config.toml: names the file, the line or the key, and the nearest right word
    ├── StoreError              the database cannot be opened, is out of date, or is not ours
    ├── EmbedError              the embedding model cannot be loaded
    ├── SourceError             a source failed; the others go on
    │   ├── FetchError          ... the network or the server said no
    │   └── ParseError          ... the answer cannot be believed
    ├── RenderError             a template is broken; nothing is queued
    └── DeliveryError           a message was not accepted

Each is raised at a door and caught in two places only: `pipeline` (per source, per message) and `cli`. Anything else
is a bug and shows its traceback.
"""

from datetime import timedelta
from typing import Literal


class AggregatorError(Exception):
    """Something a person can act on; its text is one line: what happened, to what, what to do next."""


class InputError(AggregatorError):
    """What the user wrote cannot be used."""


class ConfigError(InputError):
    """config.toml cannot be used as it stands."""


class StoreError(AggregatorError):
    """The database cannot be opened, is out of date, or is not ours."""


class EmbedError(AggregatorError):
    """The embedding model cannot be loaded or is not the one that was asked for."""


class SourceError(AggregatorError):
    """A source failed."""


class FetchError(SourceError):
    """The network or the server said no.

    `host` is who said it, `status` the HTTP status if there was an answer, and `retry_after` how long the server
    asked to be left alone (Retry-After of a 429 or 503, RFC 9110 section 10.2.3). `own` is True when nothing failed and
    only our own politeness makes the wait too long. `cause_kind` tells why there was no answer: no connection came
    about ("unreached"), or none in time. `for_good` is True if every redirect before was permanent, or there was none.
    """

    def __init__(
        self,
        text: str,
        *,
        host: str = "",
        status: int | None = None,
        retry_after: timedelta | None = None,
        own: bool = False,
        cause_kind: Literal["", "unreached", "timeout"] = "",
        for_good: bool = True,
    ) -> None:
        super().__init__(text)
        self.host = host
        self.status = status
        self.retry_after = retry_after
        self.own = own
        self.cause_kind = cause_kind
        self.for_good = for_good


class ParseError(SourceError):
    """The answer came, but it cannot be believed. `fresh_for`: how long the server says that it stays so (max-age)."""

    def __init__(self, text: str, *, fresh_for: timedelta | None = None) -> None:
        super().__init__(text)
        self.fresh_for = fresh_for


class RenderError(AggregatorError):
    """A template is broken."""


class DeliveryError(AggregatorError):
    """A message was not accepted.

    `permanent`: the same bytes will be refused again (5xx). `in_doubt`: the connection broke after the last byte, so
    the message may have been accepted (RFC 1047). `stop`: no message of this run can get through (login, policy).
    `untried`: and this one was not even offered. `policy`: none can, if a message to somebody else hears the same.
    `gone`: there is no such address (RFC 3463, 5.1.x); `hearsay`: the words that alone say so, where there is no code.
    """

    def __init__(
        self,
        text: str,
        *,
        permanent: bool = False,
        in_doubt: bool = False,
        stop: bool = False,
        untried: bool = False,
        policy: bool = False,
        gone: bool = False,
        hearsay: str = "",
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.in_doubt = in_doubt
        self.stop = stop
        self.untried = untried
        self.policy = policy
        self.gone = gone
        self.hearsay = hearsay
