"""refusal: what a reply or a broken connection means for the message and for the run, in words.

4xx                                    it may pass later
5xx                                    the same bytes will be refused again
5xx at RCPT, no such address (5.1.x)   and so will all others to this address
5xx about login or policy (5.7.x)      nothing gets through until somebody acts: the run stops, the message waits
5xx about the sender (5.1.7, 5.1.8)    likewise, also at RCPT, where Postfix says it
no reply to the final dot              the message may have been accepted (RFC 1047)
no conversation                        nothing gets through for now: the run stops, and no message was tried

Enhanced codes are those of RFC 3463; 550, 551 and 553 at RCPT without one mean the address (RFC 5321 section 4.2.3).
"""

import re
import socket
import ssl
from collections.abc import Iterable
from typing import Literal, TypeAlias

from aggregator.errors import DeliveryError
from aggregator.text import fold

Scope: TypeAlias = Literal["connection", "sender", "recipient", "message"]
"""What a server said no to."""

_LOGIN = (530, 534, 535, 538)
_NO_SUCH_ADDRESS = (550, 551, 553)
_ENHANCED = re.compile(r"(?<![\d.])5\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_SENDER = re.compile(r"\bsender address\b", re.IGNORECASE)


class ReplyError(Exception):
    """The server said no: `doing` is to what, `code` 421 and the like, `reply` its words."""

    def __init__(self, doing: str, code: int, reply: bytes) -> None:
        super().__init__(doing, code)
        self.doing = doing
        self.code = code
        self.reply = reply


def refused(host: str, error: ReplyError, scope: Scope, *, hidden: Iterable[str] = ()) -> DeliveryError:
    """A reply as an error. What is `hidden` stays so."""
    said = fold(error.reply.decode("utf-8", "replace"))
    for secret in hidden:
        said = said.replace(secret, "***")
    text = f"{host} refused {error.doing} ({f'{error.code} {said}'[:200].strip()})"
    if error.doing.startswith("the login"):
        text += "; check [mail] user and AGGREGATOR_SMTP_PASSWORD; Gmail and some others want an app password"
    never = 500 <= error.code < 600
    stop = scope == "connection" or (never and (scope == "sender" or _about_all(error.code, said)))
    gone = never and not stop and scope == "recipient" and _no_such_address(error.code, said)
    untried = scope == "connection" and not 400 <= error.code < 500
    return DeliveryError(text, permanent=never, stop=stop, untried=untried, gone=gone)


def _about_all(code: int, said: str) -> bool:
    """Whether it is login, policy or the sender that is refused, and so every message."""
    enhanced = _ENHANCED.search(said)
    subject, detail = enhanced.groups() if enhanced else ("", "")
    sender = subject == "1" and (detail in ("7", "8") or _SENDER.search(said) is not None)
    return code in _LOGIN or subject == "7" or sender


def _no_such_address(code: int, said: str) -> bool:
    enhanced = _ENHANCED.search(said)
    return enhanced[1] == "1" if enhanced else code in _NO_SUCH_ADDRESS


def broken(host: str, port: int, error: Exception) -> DeliveryError:
    """A connection that did not come about: nothing of this run can get through."""
    return DeliveryError(f"{host}:{port} {_why(error)}", stop=True, untried=True)


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
