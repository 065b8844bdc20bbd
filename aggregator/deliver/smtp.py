"""smtp: messages to a mail server (RFC 5321), their bytes as stored, over TLS with a verified certificate."""

import base64
import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Literal

from aggregator.deliver.refusal import ReplyError, broken, refused
from aggregator.errors import DeliveryError
from aggregator.model import Message

Security = Literal["tls", "starttls", "none"]

_FINAL_PATIENCE = 600.0
"""Seconds to wait for the reply to the final dot (RFC 5321 section 4.5.3.2.6): less would manufacture duplicates."""
_NAME = "[127.0.0.1]"
"""What we call ourselves in EHLO: an address literal. smtplib would ask the DNS, which can take half a minute."""


class _BodySentError(Exception):
    """No sound reply came after the final dot."""


class SmtpMailer:
    """Sends by SMTP; one connection for many messages, opened when it is needed and again when it was closed.

    `security` "tls" speaks TLS from the first byte, "starttls" asks for it and refuses to go on without, "none" is
    plain text, for this machine itself only. Certificates are verified against the system's authorities, or those
    in SSL_CERT_FILE, or `context`. `timeout` is in seconds, for everything but the reply to the final dot.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security,
        user: str = "",
        password: str = "",
        timeout: float = 60.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if security == "none" and not _is_loopback(host):
            raise DeliveryError(f'security = "none" is for this machine itself, not for {host}', stop=True)
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._timeout = user, password, timeout
        self._plain = _packed(f"\0{user}\0{password}")
        self._hidden = (self._plain, _packed(password), password) if password else ()
        self._context = context
        self._server: smtplib.SMTP | None = None

    def send(self, message: Message, on_data: Callable[[], None]) -> None:
        """See Mailer.send."""
        server = self._connected(message)
        try:
            _ask(server, "RCPT", f"TO:<{message.to}>", "the recipient", (250, 251))
            _ask(server, "DATA", "", "the message", (354,))
            _body(server, message.raw, on_data)
        except ReplyError as error:
            if error.code == 421:
                self._drop()
            raise refused(self._host, error, stop=False, hidden=self._hidden) from error
        except _BodySentError as error:
            self._drop()
            text = f"{self._host} gave no answer after the last byte, so it may have accepted the message"
            raise DeliveryError(text, in_doubt=True) from error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise DeliveryError(f"{self._host} broke off before it had the whole message") from error
        except BaseException:
            self._drop()  # in the midst of a message nothing else can be said
            raise

    def close(self) -> None:
        """Say QUIT, if there is anybody to say it to."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._server.sock is not None:
                    self._server.sock.settimeout(5)
                self._server.quit()
            self._drop()

    def _connected(self, message: Message) -> smtplib.SMTP:
        """A connection on which the server took the sender.

        One that was closed meanwhile (421, or without a word) is opened again; nothing was sent on it.
        """
        sender = f"FROM:<{message.sender}>"
        if not f"{message.sender}{message.to}".isascii():
            raise DeliveryError(f"{message.to} or {message.sender} is not in plain letters (SMTPUTF8)", permanent=True)
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError, ReplyError):
                _ask(self._server, "RSET", "", "", (250,))
                _ask(self._server, "MAIL", sender, "", (250,))
                return self._server
            self._drop()
        try:
            self._server = self._opened()
            _ask(self._server, "MAIL", sender, f"the sender {message.sender}", (250,))
        except ReplyError as error:
            about_one = self._server is not None and 400 <= error.code < 500  # the sender, for now: a quota, say
            self._drop()
            raise refused(self._host, error, stop=not about_one, hidden=self._hidden) from error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise broken(self._host, self._port, error) from error
        return self._server

    def _opened(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        try:
            server = (
                smtplib.SMTP_SSL(self._host, self._port, _NAME, timeout=self._timeout, context=context)
                if self._security == "tls"
                else smtplib.SMTP(self._host, self._port, _NAME, timeout=self._timeout)
            )
        except smtplib.SMTPConnectError as error:
            raise _reply("the connection", error) from error
        try:
            server.ehlo_or_helo_if_needed()
            if self._security == "starttls":
                self._start_tls(server, context)
            if self._user:
                self._log_in(server)
        except smtplib.SMTPResponseException as error:
            server.close()
            raise _reply("the greeting", error) from error
        except BaseException:
            server.close()
            raise
        return server

    def _start_tls(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        if not server.has_extn("starttls"):
            text = f"{self._host}:{self._port} does not offer STARTTLS; nothing was sent in plain text"
            raise DeliveryError(f"{text}; check [mail] port and security", stop=True)
        try:
            server.starttls(context=context)
        except smtplib.SMTPResponseException as error:
            raise _reply("STARTTLS", error) from error
        server.ehlo_or_helo_if_needed()

    def _log_in(self, server: smtplib.SMTP) -> None:
        """PLAIN or LOGIN, in UTF-8 (RFC 4616); smtplib's own login fails on a password that is not ASCII."""
        offered = server.esmtp_features.get("auth", "").upper().split()
        doing = f"the login of {self._user}"
        if "PLAIN" in offered:
            _ask(server, "AUTH", f"PLAIN {self._plain}", doing, (235,))
        elif "LOGIN" in offered:
            _ask(server, "AUTH", f"LOGIN {_packed(self._user)}", doing, (334,))
            _ask(server, _packed(self._password), "", doing, (235,))
        else:
            ways = f"it offers {', '.join(offered)}" if offered else "it offers none"
            text = f"{self._host}:{self._port} takes no login by PLAIN or LOGIN ({ways})"
            raise DeliveryError(f"{text}; check [mail] user, port and security", stop=True)

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _ask(server: smtplib.SMTP, verb: str, rest: str, doing: str, good: tuple[int, ...]) -> None:
    """Say one command; raises ReplyError, which says what was being done, if the reply is none of the good ones."""
    code, reply = server.docmd(verb, rest)
    if code not in good:
        raise ReplyError(doing, code, reply)


def _body(server: smtplib.SMTP, raw: bytes, on_data: Callable[[], None]) -> None:
    """The bytes with dots doubled (RFC 5321 section 4.5.2), the mark, the final dot, and the reply to it."""
    text = re.sub(rb"(?m)^\.", b"..", raw)
    server.send(text if text.endswith(b"\r\n") else text + b"\r\n")
    on_data()
    try:
        server.send(b".\r\n")
        if server.sock is not None:
            server.sock.settimeout(_FINAL_PATIENCE)
        code, reply = server.getreply()
        if server.sock is not None:
            server.sock.settimeout(server.timeout)
    except (smtplib.SMTPException, OSError) as error:
        raise _BodySentError from error
    if not 200 <= code < 600:
        raise _BodySentError
    if code >= 300:
        raise ReplyError("the message", code, reply)


def _reply(doing: str, error: smtplib.SMTPResponseException) -> ReplyError:
    said = error.smtp_error
    return ReplyError(doing, error.smtp_code, said.encode() if isinstance(said, str) else said)


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
