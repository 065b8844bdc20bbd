"""smtp: messages to a mail server (RFC 5321), their bytes as stored, over TLS with a verified certificate."""

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Literal

from aggregator.deliver.refusal import ReplyError, Scope, broken, refused
from aggregator.errors import DeliveryError
from aggregator.model import Message
from aggregator.text import fold

Security = Literal["tls", "starttls", "none"]

_FINAL_PATIENCE = 600.0
"""Seconds to wait for the reply to the final dot (RFC 5321 section 4.5.3.2.6): less would manufacture duplicates."""
_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)
_PRIVATE = (".local", ".localdomain", ".lan", ".home", ".internal", ".home.arpa")
"""Ends of names that mean nothing elsewhere."""


class _BodySentError(Exception):
    """No sound reply came after the final dot."""


class SmtpMailer:
    """Sends by SMTP; one connection for many messages, opened when it is needed and again when it was closed.

    `security` "tls" speaks TLS from the first byte, "starttls" asks for it and refuses to go on without, "none" is
    plain text, for this machine itself only. Certificates are verified against the system's authorities, or those
    in SSL_CERT_FILE, or `context`. A connection carries at most `per_connection` messages. `timeout` is in seconds, for
    everything but the reply to the final dot.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security,
        user: str = "",
        password: str = "",
        per_connection: int = 100,
        timeout: float = 60.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if security == "none" and not _is_loopback(host):
            raise DeliveryError(
                f'security = "none" is for this machine itself, not for {host}', stop=True, untried=True
            )
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._timeout = user, password, timeout
        self._plain = _packed(f"\0{user}\0{password}")
        self._hidden = (self._plain, _packed(password), password) if password else ()
        self._context = context
        self._per_connection = per_connection
        self._server: smtplib.SMTP | None = None
        self._carried = 0

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        """See Mailer.send."""
        server = self._connected(message)
        scope: Scope = "recipient"
        try:
            _ask(server, "RCPT", f"TO:<{message.to}>", "the recipient", (250, 251))
            scope = "message"
            _ask(server, "DATA", "", "the message", (354,))
            return _body(server, message.raw, on_data)
        except ReplyError as error:
            if error.code == 421:
                self._drop()
            raise refused(self._host, error, scope, hidden=self._hidden, to=message.to) from error
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

    def check(self) -> str:
        """Open a connection as for a message and hand none over; how it went, in words. Raises DeliveryError."""
        self.close()
        try:
            self._server, self._carried = self._opened(), 0
        except ReplyError as error:
            raise refused(self._host, error, "connection", hidden=self._hidden) from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise broken(self._host, self._port, error) from error
        sock = self._server.sock
        secure = f"speaks {sock.version()}" if isinstance(sock, ssl.SSLSocket) else "answers in plain text"
        return f"{self._host}:{self._port} {secure}" + (f" and takes the login of {self._user}" if self._user else "")

    def _connected(self, message: Message) -> smtplib.SMTP:
        """A connection on which the server took the sender.

        One that was closed meanwhile (421, or without a word) is opened again; nothing was sent on it. One that has
        carried its messages is ended.
        """
        sender = f"FROM:<{message.sender}>"
        if not f"{message.sender}{message.to}".isascii():
            raise DeliveryError(f"{message.to} or {message.sender} is not in plain letters (SMTPUTF8)", permanent=True)
        if self._carried >= self._per_connection:
            self.close()
        self._carried += 1
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError, ReplyError):
                _ask(self._server, "RSET", "", "", (250,))
                _ask(self._server, "MAIL", sender, "", (250,))
                return self._server
            self._drop()
        scope: Scope = "connection"
        try:
            self._server, self._carried = self._opened(), 1
            scope = "sender"
            _ask(self._server, "MAIL", sender, f"the sender {message.sender}", (250,))
        except ReplyError as error:
            self._drop()
            raise refused(self._host, error, scope, hidden=self._hidden) from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:  # the last: a name that the DNS cannot have
            self._drop()
            raise broken(self._host, self._port, error) from error
        return self._server

    def _opened(self) -> smtplib.SMTP:
        if self._context is None and self._security != "none":
            self._context = ssl.create_default_context()
        try:
            server = (
                smtplib.SMTP_SSL(self._host, self._port, "localhost", timeout=self._timeout, context=self._context)
                if self._security == "tls"
                else smtplib.SMTP(self._host, self._port, "localhost", timeout=self._timeout)
            )
        except smtplib.SMTPConnectError as error:
            raise _reply("the connection", error) from error
        try:
            if server.sock is not None:
                server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the final dot waits 40 ms
            server.local_hostname = _own_name(server)
            _greet(server)
            if self._security == "starttls":
                self._start_tls(server)
            if self._user:
                self._log_in(server)
        except BaseException:
            server.close()
            raise
        return server

    def _start_tls(self, server: smtplib.SMTP) -> None:
        if not server.has_extn("starttls"):
            text = f"{self._host}:{self._port} does not offer STARTTLS; nothing was sent in plain text"
            raise DeliveryError(f"{text}; check [mail] port and security", stop=True, untried=True)
        try:
            server.starttls(context=self._context)
        except smtplib.SMTPResponseException as error:
            raise _reply("STARTTLS", error) from error
        _greet(server)

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
            raise DeliveryError(f"{text}; check [mail] user, port and security", stop=True, untried=True)

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _own_name(server: smtplib.SMTP) -> str:
    """What to say in EHLO (RFC 5321 section 4.1.3): this machine's full name if it knows one, else its address.

    The DNS is not asked, as smtplib would: that can take half a minute.
    """
    name = socket.gethostname()
    if _DOMAIN.fullmatch(name) and not name.lower().endswith(_PRIVATE):
        return name
    address = str(server.sock.getsockname()[0] if server.sock else "127.0.0.1").partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _greet(server: smtplib.SMTP) -> None:
    """EHLO, or HELO where that is not known; raises ReplyError."""
    code, said = server.ehlo()
    if 500 <= code < 600:
        code, said = server.helo()
    if not 200 <= code < 300:
        raise ReplyError("the greeting", code, said)


def _ask(server: smtplib.SMTP, verb: str, rest: str, doing: str, good: tuple[int, ...]) -> None:
    """Say one command; raises ReplyError, which says what was being done, if the reply is none of the good ones."""
    code, reply = server.docmd(verb, rest)
    if code not in good:
        raise ReplyError(doing, code, reply)


def _body(server: smtplib.SMTP, raw: bytes, on_data: Callable[[], None]) -> str:
    """The bytes with dots doubled (RFC 5321 section 4.5.2), the mark, the final dot, and the reply to it."""
    text = (b"\n" + raw).replace(b"\n.", b"\n..")[1:]
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
    return fold(reply.decode("utf-8", "replace"))[:200]


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
