"""refusal: what a reply or a broken connection means for the message and for the run, in words.

4xx                                    it may pass later
5xx                                    the same bytes will be refused again
5xx at RCPT, no such address (5.1.x)   and so will all others to this address
53x about the login                    nothing gets through until somebody acts: the run stops, the message waits
5xx to the sender, at MAIL             likewise
5xx about policy (5.7.x), at RCPT and  likewise, if a message to somebody else hears the same; else it is about this
DATA; about the sender (5.1.7, 5.1.8)  one, which is tried again
5xx about how much we sent (5.4.5)     likewise: a provider's quota is full, and tomorrow it is not
no reply to the final dot              the message may have been accepted (RFC 1047)
no conversation                        nothing gets through for now: the run stops, and no message was tried

Enhanced codes are those of RFC 3463. Without one the words must tell, for 550 may mean the address as well as anything
else (RFC 5321 section 4.2.3; Exim says it of relaying and of spam): what speaks of relaying, login, spam or policy is
about policy; that there is no such address must be said clearly, and not of several in the same words.
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
_NO_BOX_CODES = ("0", "1", "2", "3", "6", "10")
"""Details of 5.1 that say that an address is none; 5.1.90 is a quota of Microsoft's."""
_QUOTA = re.compile(
    r"\b(?:send\w*|daily|hourly|submission|outgoing|outbound|recipient|message|user)\b"
    r"[\w ,-]{0,30}\b(?:quota|limit|rate)"
    r"|\blimit for message recipients|submissionquota|\bquota exceeded for sending",
    re.IGNORECASE,
)
_SENDER = re.compile(r"\bsender address\b", re.IGNORECASE)
_POLICY = re.compile(
    r"\b(?:relay|auth|log ?in\b|spam|junk|block|black|banned|polic|prohibit|reputation|sender|verif|too many|rate\b"
    r"|rate-?limit|throttl|access denied|not (?:permitted|allowed)|(?:dns|r)bls?\b|listed\b)",
    re.IGNORECASE,
)
_BOX = r"(?:user|mailbox|address|recipient|account|person)"
_NO_BOX = re.compile(
    rf"\bno such (?:local )?{_BOX}|\b(?:unknown|invalid) (?:local )?{_BOX}"
    rf"|\b{_BOX} (?:is )?(?:unknown|unavailable|invalid)"
    rf"|\b{_BOX} (?:was |is |could )?(?:not|n't)(?: be)? found|\b(?:does not|doesn't|do not) exist|\bno mailbox\b",
    re.IGNORECASE,
)
_WEB = re.compile(r"\b(?:https?://|www\.)\S+")
_OWN = re.compile(r"\S*[@\d]\S*")
"""What differs from one address to the next: the address, and the numbers of conversations."""


class ReplyError(Exception):
    """The server said no: `doing` is to what, `code` 421 and the like, `reply` its words."""

    def __init__(self, doing: str, code: int, reply: bytes) -> None:
        super().__init__(doing, code)
        self.doing = doing
        self.code = code
        self.reply = reply


def refused(host: str, error: ReplyError, scope: Scope, *, hidden: Iterable[str] = (), to: str = "") -> DeliveryError:
    """A reply as an error. What is `hidden` stays so. `to` is who the message is for."""
    said = fold(error.reply.decode("utf-8", "replace"))
    for secret in hidden:
        said = said.replace(secret, "***")
    text = f"{host} refused {error.doing} ({f'{error.code} {said}'[:200].strip()})"
    if error.doing.startswith("the login"):
        text += "; check [mail] user and AGGREGATOR_SMTP_PASSWORD; Gmail and some others want an app password"
    never = 500 <= error.code < 600
    stop = scope == "connection" or (never and (scope == "sender" or error.code in _LOGIN))
    untried = scope == "connection" and not 400 <= error.code < 500
    about = _about(error.code, said, words := _words(said, to)) if never and not stop else ""
    gone = about == "address" and scope == "recipient"
    return DeliveryError(
        text,
        permanent=never,
        stop=stop,
        untried=untried,
        policy=about == "policy",
        gone=gone,
        hearsay=words if gone and _ENHANCED.search(said) is None else "",
    )


def _about(code: int, said: str, words: str) -> Literal["policy", "address", ""]:
    """What a 5xx is about: policy or the sender, which may concern every message; the address; or neither."""
    enhanced = _ENHANCED.search(said)
    if _is_quota(enhanced, said):
        return "policy"
    if enhanced is None:
        if _POLICY.search(words):
            return "policy"
        return "address" if code in _NO_SUCH_ADDRESS and _NO_BOX.search(words) else ""
    subject, detail = enhanced.groups()
    if subject == "7" or (subject == "1" and (detail in ("7", "8") or _SENDER.search(said))):
        return "policy"
    return "address" if subject == "1" and detail in _NO_BOX_CODES else ""


def _is_quota(enhanced: re.Match[str] | None, said: str) -> bool:
    """Whether it is about how much was sent; 5.2.x is about the reader's box, which may be full too."""
    code = enhanced.groups() if enhanced else ("", "")
    return (
        code in (("4", "5"), ("1", "90"))
        or "submissionquota" in said.lower()
        or (code[0] != "2" and _QUOTA.search(said) is not None)
    )


def _words(said: str, to: str) -> str:
    """A reply without what differs from one address to the next."""
    bare = _OWN.sub(" ", _WEB.sub(" ", said)).casefold()
    local = to.rpartition("@")[0].casefold()
    return fold(re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", " ", bare) if local else bare)


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
        case socket.gaierror() | UnicodeError():
            return "was not found; check [mail] host"
        case TimeoutError():
            return "did not answer in time; check [mail] host, port and security"
        case ConnectionRefusedError():
            return "refused the connection; check [mail] host and port"
        case _:
            text = fold(getattr(error, "strerror", None) or str(error))[:200] or type(error).__name__
            return f"broke off the conversation ({text})"
