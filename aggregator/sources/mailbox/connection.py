"""connection: one session with a mail server: connected, encrypted, logged in, and over by a deadline.

imaplib's own limits are not enough: its timeout is for each read, so that bytes that drip in slowly never end, and it
keeps whatever is sent. Here a watchdog ends the connection at the deadline, and the bytes are counted.
"""

import base64
import imaplib
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, TypeAlias

from aggregator import text
from aggregator.errors import SourceError

Security: TypeAlias = Literal["tls", "starttls", "none"]

PORTS: dict[Security, int] = {"tls": 993, "starttls": 143, "none": 143}
_MAX_TRAFFIC = 64 * 2**20
_EACH_LINE = 500
"""What a line counts beside its bytes: imaplib needs longer for many short ones than for a few long ones."""
_EACH_READ = 30.0
_REASONS: dict[type[Exception], str] = {
    ssl.SSLError: "no TLS came about; check port and security",
    socket.gaierror: "there is no such host",
    TimeoutError: "it did not answer in time",
    ConnectionRefusedError: "nobody answers at this port; check host and port",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailserver:
    """Where a folder is, and who asks. `seconds` is how long one session may take; `context` verifies certificates."""

    host: str
    port: int
    security: Security
    user: str
    password: str = field(repr=False)
    folder: str
    seconds: float = 120.0
    context: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def trust(self) -> ssl.SSLContext:
        """What certificates are verified with: the system's authorities, or those in SSL_CERT_FILE."""
        return self.context or ssl.create_default_context()


def is_loopback(host: str) -> bool:
    """Whether the host is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Watch:
    """Ends a connection at its deadline, by a second handle on it, which TLS leaves alone. `over`: it has done so."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._line: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def over_line(self, line: socket.socket) -> None:
        """Watch this connection."""
        self._line = socket.socket(fileno=os.dup(line.fileno()))
        if self.over:
            self._end()

    def release(self) -> None:
        """Let go of the connection."""
        self._timer.cancel()
        if self._line is not None:
            self._line.close()

    def _end(self) -> None:
        self.over = True
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


class Session(imaplib.IMAP4):
    """An IMAP session whose bytes are counted."""

    def __init__(self, server: Mailserver, watch: _Watch) -> None:
        self._server, self._watch, self._spent = server, watch, 0
        super().__init__(server.host, server.port, timeout=min(_EACH_READ, server.seconds))

    def read(self, size: int) -> bytes:
        """See IMAP4.read; bounded."""
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        """See IMAP4.readline; bounded."""
        line = super().readline()
        self._count(len(line) + _EACH_LINE)
        return line

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        line = socket.create_connection((self._server.host, self._server.port), timeout)
        try:
            self._watch.over_line(line)
            if self._server.security != "tls":
                return line
            return self._server.trust().wrap_socket(line, server_hostname=self._server.host)
        except BaseException:
            line.close()
            raise

    def _count(self, size: int) -> None:
        self._spent += size
        if self._spent > _MAX_TRAFFIC:
            raise self.abort("it sends more than was asked for")


@contextmanager
def connected(server: Mailserver) -> Iterator[Session]:
    """A session that is logged in. Raises SourceError for all that goes wrong in it, naming the server."""
    watch = _Watch(server.seconds)
    session: Session | None = None
    try:
        session = Session(server, watch)
        if server.security == "starttls":
            _start_tls(session, server)
        if session.state == "NONAUTH":
            _log_in(session, server)
        yield session
        with suppress(imaplib.IMAP4.error, OSError):
            session.logout()
    except (imaplib.IMAP4.error, OSError, ValueError, IndexError) as error:
        reason = f"the visit took longer than {server.seconds:g} seconds" if watch.over else _reason(error, server)
        raise SourceError(f"{server}: {reason}") from error
    finally:
        watch.release()
        if session is not None:
            with suppress(OSError):
                session.shutdown()


def _start_tls(session: Session, server: Mailserver) -> None:
    if "STARTTLS" not in session.capabilities:
        text_ = f"{server} does not offer STARTTLS; nothing was sent in plain text"
        raise SourceError(f'{text_}; check port, or try security = "tls"')
    session.starttls(server.trust())


def _log_in(session: Session, server: Mailserver) -> None:
    """AUTHENTICATE PLAIN (RFC 4616), which takes any letters; else LOGIN, which takes plain ones only."""
    try:
        if "AUTH=PLAIN" in session.capabilities:
            session.authenticate("PLAIN", lambda _: f"\0{server.user}\0{server.password}".encode())
        elif "LOGINDISABLED" in session.capabilities:
            raise SourceError(f"{server} takes no login on this connection; check port and security")
        elif not f"{server.user}{server.password}".isascii():
            raise SourceError(f"{server} takes a login in plain letters only; choose a password of those")
        else:
            session.login(quoted(server.user), server.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        said = _hidden(str(error), server)
        text_ = f"{server} refused the login of {server.user}: {said}"
        raise SourceError(f"{text_}; check user and password (many providers ask for an app password)") from error


def quoted(word: str) -> str:
    """A string as the protocol wants it (RFC 3501 section 4.3)."""
    return '"' + re.sub(r'([\\"])', r"\\\1", word) + '"'


def _hidden(said: str, server: Mailserver) -> str:
    """What a server said on one line, without the password should it have repeated it."""
    packed = base64.b64encode(f"\0{server.user}\0{server.password}".encode()).decode()
    for secret in filter(None, (packed, server.password)):
        said = said.replace(secret, "…")
    return text.cut(text.fold(said), 150)


def _reason(error: Exception, server: Mailserver) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    for kind, words in _REASONS.items():
        if isinstance(error, kind):
            return words
    broken = isinstance(error, imaplib.IMAP4.abort | OSError)
    return f"{'the connection broke off' if broken else 'its answer is not understood'}: {_hidden(str(error), server)}"
