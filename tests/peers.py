"""peers: mail servers that say what a test wants them to say, and the certificates they show."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.deliver import SmtpMailer


@dataclass(frozen=True)
class Certificate:
    pem: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.pem))


def certificate(folder: Path, name: str) -> Certificate:
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command += ["-addext", "basicConstraints=critical,CA:TRUE", "-keyout", str(made.key), "-out", str(made.pem)]
    subprocess.run(command, check=True, capture_output=True)
    return made


Replies = Mapping[str, str]
HELLO = {"": "220 hi", "EHLO": "250-hi\r\n250 AUTH PLAIN", "AUTH": "235 ok", "MAIL": "250 ok", "RCPT": "250 ok"}
HELLO |= {"DATA": "354 go", ".": "250 ok", "RSET": "250 ok", "QUIT": "221 bye"}


class Peer:
    """Answers verbs from a table: a reply, "" to hang up, "stall" to say nothing; "." is a message's end.

    `once` holds replies for once. `bodies` are what came before a final dot, as it came; `accepted` what was not
    refused after it, without the doubled dots. With a `context` it speaks TLS: at once, or after STARTTLS.
    """

    def __init__(self, replies: Replies, context: ssl.SSLContext | None = None, security: str = "tls") -> None:
        self.replies = HELLO | dict(replies)
        self.once: dict[str, str] = {}
        self.said: list[str] = []
        self.bodies: list[bytes] = []
        self.accepted: list[bytes] = []
        self.connections = 0
        self._context, self._security = context, security
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def mailer(self, **options: Any) -> SmtpMailer:
        return SmtpMailer("127.0.0.1", self.port, security="none", **options)

    def mend(self) -> None:
        """Answer all well from now on."""
        self.replies = dict(HELLO)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with suppress(OSError):
                    self._talk(connection)
                connection.close()

    def _talk(self, connection: socket.socket) -> None:
        if self._context and self._security == "tls":
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as lines:
            self._serve(connection, iter(lines.readline, b""))

    def _serve(self, connection: socket.socket, lines: Iterator[bytes]) -> None:
        if not self._reply(connection, ""):
            return
        for line in lines:
            verb = line.split()[0].decode().upper() if line.split() else ""
            self.said.append(line.decode().strip())
            reply = self._reply(connection, verb)
            if not reply:
                return
            if verb == "STARTTLS" and reply.startswith("220") and self._context:
                self._context.wrap_socket(connection, server_side=True)
            if reply.startswith("354") and not self._take(connection, lines):
                return

    def _take(self, connection: socket.socket, lines: Iterator[bytes]) -> bool:
        if self.replies.get("body") == "":
            next(lines)
            return False
        body: list[bytes] = []
        while not body or body[-1] != b".\r\n":
            if not (line := next(lines, b"")):
                return False
            body.append(line)
        self.bodies.append(b"".join(body[:-1]))
        if self.once.get(".", self.replies["."])[:1] not in ("4", "5"):
            self.accepted.append(b"".join(line[line.startswith(b".") :] for line in body[:-1]))
        return bool(self._reply(connection, "."))

    def _reply(self, connection: socket.socket, verb: str) -> str:
        """What was said; "" if the connection is to be closed."""
        reply = self.once.pop(verb, self.replies.get(verb, "500 what?"))
        if reply == "stall":
            connection.settimeout(5)
            connection.recv(1)
            return ""
        if reply:
            connection.sendall(f"{reply}\r\n".encode())
        return "" if reply.startswith("421") else reply


@contextmanager
def peer(
    replies: Replies | None = None, context: ssl.SSLContext | None = None, security: str = "tls"
) -> Iterator[Peer]:
    made = Peer(replies or {}, context, security)
    try:
        yield made
    finally:
        made.close()
