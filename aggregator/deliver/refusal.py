"""refusal: what a reply or a broken connection means for the message and for the run, in words.

4xx                                    it may pass later
5xx                                    the same bytes will be refused again
5xx about login or policy (5.7.x)      nothing gets through until somebody acts: the run stops, the message waits
no reply to the final dot              the message may have been accepted (RFC 1047)
"""

import re
import socket
import ssl
from collections.abc import Iterable

from aggregator.errors import DeliveryError
from aggregator.text import fold

_LOGIN = (530, 534, 535, 538)
_POLICY = re.compile(r"\b5\.7\.\d")


class ReplyError(Exception):
    """The server said no: `doing` is to what, `code` 421 and the like, `reply` its words."""

    def __init__(self, doing: str, code: int, reply: bytes) -> None:
        super().__init__(doing, code)
        self.doing = doing
        self.code = code
        self.reply = reply


def refused(host: str, error: ReplyError, *, stop: bool, hidden: Iterable[str] = ()) -> DeliveryError:
    """A reply as an error. `stop`: what was refused is not about one message. What is `hidden` stays so."""
    said = f"{error.code} {fold(error.reply.decode('utf-8', 'replace'))}"
    for secret in hidden:
        said = said.replace(secret, "***")
    never = 500 <= error.code < 600
    stop = stop or (never and (error.code in _LOGIN or _POLICY.search(said) is not None))
    text = f"{host} refused {error.doing} ({said[:200].strip()})"
    if error.doing.startswith("the login"):
        text += "; check [mail] user and AGGREGATOR_SMTP_PASSWORD; Gmail and some others want an app password"
    return DeliveryError(text, permanent=never and not stop, stop=stop)


def broken(host: str, port: int, error: Exception) -> DeliveryError:
    """A connection that did not come about: nothing of this run can get through."""
    return DeliveryError(f"{host}:{port} {_why(error)}", stop=True)


def _why(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            why = f"has a certificate that is not trusted ({fold(error.verify_message).rstrip('.')})"
            return f"{why}; nothing was sent; check [mail] host, or name your own authority in SSL_CERT_FILE"
        case ssl.SSLError():
            return f"does not speak TLS as it should ({error.reason}); check [mail] port and security"
        case socket.gaierror():
            return "was not found; check [mail] host"
        case TimeoutError():
            return "did not answer in time; check [mail] host, port and security"
        case ConnectionRefusedError():
            return "refused the connection; check [mail] host and port"
        case _:
            text = fold(getattr(error, "strerror", None) or str(error))[:200] or type(error).__name__
            return f"broke off the conversation ({text})"
