"""smtp: messages to a mail server (RFC 5321), their bytes as stored, over TLS with a verified certificate."""

import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from aggregator.errors import DeliveryError
from aggregator.model import Message

Security = Literal["tls", "starttls", "none"]

_FINAL_PATIENCE = 600.0
"""Seconds to wait for the reply to the final dot (RFC 5321 section 4.5.3.2.6): less would manufacture duplicates."""


class _BodySent(Exception):  # noqa: N818 - not an error: it marks where the conversation broke off
    """The connection broke after the final dot."""


class SmtpMailer:
    """Sends by SMTP; one connection for many messages, opened when it is needed and again when it was closed.

    `security` "tls" speaks TLS from the first byte, "starttls" asks for it and refuses to go on without, "none" is
    plain text, for this machine itself only. `timeout` is in seconds, for everything but the reply to the final dot.
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
        self._context = context or ssl.create_default_context()
        self._server: smtplib.SMTP | None = None

    def send(self, message: Message, on_data: Callable[[], None]) -> None:
        """See Mailer.send."""
        with self._words(message.to):
            server = self._connected()
            code, reply = server.mail(message.sender)
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, reply, message.sender)
            code, reply = server.rcpt(message.to)
            if code not in (250, 251):
                raise smtplib.SMTPRecipientsRefused({message.to: (code, reply)})
            code, reply = _data(server, message.raw, on_data)
            if code != 250:
                raise smtplib.SMTPDataError(code, reply)

    def close(self) -> None:
        """Say QUIT, if there is anybody to say it to."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
            self._server.close()
            self._server = None

    def _connected(self) -> smtplib.SMTP:
        """The connection, clean for a new message."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._server.rset()[0] == 250:
                    return self._server
            self._server.close()
        self._server = self._opened()
        return self._server

    def _opened(self) -> smtplib.SMTP:
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=self._context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                server.starttls(context=self._context)
            if self._user:
                server.login(self._user, self._password)
            server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    @contextmanager
    def _words(self, to: str) -> Iterator[None]:
        """Put what smtplib raises into words and into what it means for the message and for the run."""
        try:
            yield
        except _BodySent as error:
            self._drop()
            raise DeliveryError(
                f"{self._host} broke off after the last byte, so it may have accepted the message", in_doubt=True
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            refusal = self._refusal(error, to)
            if not _may_go_on(error):
                self._drop()
            raise refusal from error

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _refusal(self, error: Exception, to: str) -> DeliveryError:
        host = self._host
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, reply = error.recipients[to]
            return _said(f"{host} does not take mail for {to}", code, reply)
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return DeliveryError(
                f"{host} refused the login of {self._user} ({_line(error.smtp_code, error.smtp_error)}); check"
                " AGGREGATOR_SMTP_PASSWORD; Gmail and some others want an app password",
                stop=True,
            )
        if isinstance(error, smtplib.SMTPSenderRefused):
            return _said(f"{host} refused the sender", error.smtp_code, error.smtp_error, stop=error.smtp_code >= 500)
        if isinstance(error, smtplib.SMTPResponseException):
            return _said(f"{host} refused", error.smtp_code, error.smtp_error)
        return DeliveryError(f"{host}:{self._port}: {_trouble(error)}", stop=not isinstance(error, _LATER))


def _may_go_on(error: Exception) -> bool:
    """Whether the connection can carry another message after this."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code != 421 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code != 421


_LATER = (smtplib.SMTPServerDisconnected, TimeoutError)


def _data(server: smtplib.SMTP, raw: bytes, on_data: Callable[[], None]) -> tuple[int, bytes]:
    """DATA, the bytes with dots doubled (RFC 5321 section 4.5.2), the mark, the final dot; the reply to it."""
    code, reply = server.docmd("DATA")
    if code != 354:
        return code, reply
    body = re.sub(rb"(?m)^\.", b"..", raw)
    server.send(body if body.endswith(b"\r\n") else body + b"\r\n")
    on_data()
    try:
        server.send(b".\r\n")
        if server.sock is not None:
            server.sock.settimeout(_FINAL_PATIENCE)
        code, reply = server.getreply()
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise _BodySent from error
    if server.sock is not None:
        server.sock.settimeout(server.timeout)
    return code, reply


def _said(text: str, code: int, reply: bytes | str, *, stop: bool = False) -> DeliveryError:
    """What a reply means: 4xx may pass, 5xx will not; a policy (5.7.x) will refuse the next message too."""
    line = _line(code, reply)
    policy = code >= 500 and re.search(r"\b5\.7\.\d", line) is not None
    return DeliveryError(f"{text} ({line})", permanent=code >= 500 and not (stop or policy), stop=stop or policy)


def _line(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"[:200]


def _trouble(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it does not offer what is needed (STARTTLS or a login); nothing was sent in plain text"
    if isinstance(error, socket.gaierror):
        return "the name was not found; check [mail] host"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "it refused the connection; check [mail] host and port"
    return f"the conversation failed ({' '.join(str(error).split())[:200] or type(error).__name__})"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
