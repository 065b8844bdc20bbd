"""deliver: the bytes arrive as they are stored, once; refusals mean what they should; nothing leaves in the clear."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from aggregator.deliver import FolderMailer, SmtpMailer
from aggregator.deliver import smtp as module
from aggregator.errors import DeliveryError, StoreError
from aggregator.model import Message
from aggregator.render import Renderer
from tests.letters import NOW, digest
from tests.peers import Certificate, certificate, peer

RAW = (
    b"From: digest@example.org\r\nTo: kim@example.net\r\nSubject: =?utf-8?b?5pyI?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="=_x"\r\n\r\n'
    b"--=_x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n.\r\n..two\r\nFrom here\r\n.end\r\n \r\n"
    b"--=_x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"PHA+5pyI5puc5pel8J+OmTwvcD4=\r\n--=_x--\r\n"
)


def message(to: str = "kim@example.net", raw: bytes = RAW, key: str = "") -> Message:
    return Message(
        key=key or f"me/2026-W47/{to}",
        sender="digest@example.org",
        to=to,
        message_id="<1@example.org>",
        subject="x",
        raw=raw,
    )


def nothing() -> None:
    pass


# --- a folder


def test_a_message_becomes_two_files(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "new" / "outbox")
    path = mailer.path(message().key)
    seen: list[tuple[bool, bool]] = []
    mailer.send(message(), lambda: seen.append((path.exists(), path.with_suffix(".html").exists())))
    mailer.send(message(), nothing)
    mailer.close()
    assert path.name == "2026-W47-me-kim@example.net.eml"
    assert path.read_bytes() == RAW
    assert path.with_suffix(".html").read_text(encoding="utf-8").strip() == "<p>月曜日🎙</p>"
    assert sorted(path.parent.iterdir()) == [path, path.with_suffix(".html")]
    assert seen == [(False, True)]


def test_a_message_without_a_page_has_its_text(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path)
    mailer.send(message(raw=b"Subject: x\r\n\r\nhello\r\n"), nothing)
    assert mailer.path(message().key).with_suffix(".html").read_text() == "hello\n"


def test_keys_never_share_a_file(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path)
    long = "x" * 80
    keys = [
        f"{profile}/{period}/{to}"
        for profile in ("me", "21", "a-b", "b", "音声", "声音", "..", "a b", "a_b", long, long + "y")
        for period in ("2026-W47", "2026-11", "2026-11-21", "manual-20261121T080000Z")
        for to in ("kim@example.net", "me-kim@example.net", "kim/../../x@example.net", f"{long}@a.org", f"{long}@b.org")
    ]
    names = {mailer.path(key).name for key in keys}
    assert len(names) == len(keys)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_@+~-][A-Za-z0-9._@+~-]*\.eml", name)
        assert len(name) < 230
        assert mailer.path(keys[0]).parent == tmp_path


def test_what_the_mark_raises_leaves_no_eml(tmp_path: Path) -> None:
    def refuse() -> None:
        raise StoreError("the database is locked")

    mailer = FolderMailer(tmp_path)
    with pytest.raises(StoreError):
        mailer.send(message(), refuse)
    assert not mailer.path(message().key).exists()


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(DeliveryError, match=r"cannot write to .*outbox: .*\[mail\] folder") as error:
        FolderMailer(tmp_path / "outbox").send(message(), nothing)
    assert nature(error.value) == {"stop", "untried"}


# --- a real server: aiosmtpd


@dataclass
class Inbox:
    """What a server accepted, and in how many connections."""

    envelopes: list[Envelope] = field(default_factory=list)
    sessions: set[object] = field(default_factory=set)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.sessions.add(session.peer)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 2.0.0 Ok"

    @property
    def bodies(self) -> list[bytes]:
        return [bytes(envelope.original_content or b"") for envelope in self.envelopes]


@pytest.fixture(scope="module")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"), "mail.example.org")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(inbox: Any, **options: Any) -> Iterator[int]:
    """A running aiosmtpd; its port."""
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


def accept(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
    good = isinstance(given, LoginPassword) and (given.login, given.password) == (b"me", "gehe\u00edm".encode())
    return AuthResult(success=good, handled=False)


def sent(mailer: SmtpMailer, *messages: Message) -> int:
    """Send them all; how often the mark was set."""
    marks: list[int] = []
    with closing(mailer):
        for one in messages:
            mailer.send(one, lambda: marks.append(1))
    return len(marks)


def failure(mailer: SmtpMailer, on_data: Callable[[], None] = nothing) -> DeliveryError:
    with closing(mailer), pytest.raises(DeliveryError) as caught:
        mailer.send(message(), on_data)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert "geheím" not in text
    return caught.value


def nature(error: DeliveryError) -> set[str]:
    return {
        name
        for name in ("permanent", "in_doubt", "stop", "untried", "policy", "gone", "hearsay")
        if getattr(error, name)
    }


NO_SUCH_BOX = (
    "550 <kim@example.org>: User unknown",
    "550 No such user",
    "550 Requested action not taken: mailbox unavailable",
    "553 sorry, no mailbox here by that name",
    "550 the account relay@auth.example.org does not exist, see https://example.org/policy",
    "551 Recipient not found",
)
NOT_FOR_US = (
    "550 relay not permitted",
    "550 JunkMail rejected - mail.example.net is in an RBL",
    "550 Administrative prohibition",
    "553 Sorry, you must authenticate first",
    "550 Message rejected: sender rate exceeded",
    "554 Relay access denied",
    "550 Sender verify failed: the mailbox does not exist",
    "550 blocked by our policy: no such user",
)
TEMPORARY: set[str] = set()
PERMANENT, GONE, IN_DOUBT = {"permanent"}, {"permanent", "gone"}, {"in_doubt"}
NOT_US, BUSY = {"permanent", "stop"}, {"stop"}
POLICY, SAID_GONE = {"permanent", "policy"}, {"permanent", "gone", "hearsay"}
UNREACHED, CLOSED = {"stop", "untried"}, {"permanent", "stop", "untried"}
"""The run stops: about this message too, for now; nothing was said about it at all, for now or by a 5xx."""


def test_implicit_tls_two_messages_on_one_connection(localhost: Certificate) -> None:
    inbox = Inbox()
    with served(inbox, ssl_context=localhost.server()) as port:
        mailer = SmtpMailer("localhost", port, security="tls", context=localhost.client())
        assert sent(mailer, message(), message("lee@example.net")) == 2
    assert inbox.bodies == [RAW, RAW]
    assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [["kim@example.net"], ["lee@example.net"]]
    assert {envelope.mail_from for envelope in inbox.envelopes} == {"digest@example.org"}
    assert len(inbox.sessions) == 1
    assert inbox.encrypted == [True, True]


def test_starttls_with_a_login(localhost: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    monkeypatch.setenv("SSL_CERT_FILE", str(localhost.pem))
    options = {"tls_context": localhost.server(), "require_starttls": True, "auth_required": True}
    with served(inbox, authenticator=accept, **options) as port:
        mailer = SmtpMailer("localhost", port, security="starttls", user="me", password="gehe\u00edm")
        assert sent(mailer, message()) == 1
        assert inbox.bodies == [RAW]
        assert inbox.encrypted == [True]
        wrong = SmtpMailer("localhost", port, security="starttls", user="me", password="geheím!")
        error = failure(wrong)
    assert nature(error) == CLOSED
    assert re.search(r"localhost refused the login of me \(535 .*AGGREGATOR_SMTP_PASSWORD.*app password", str(error))
    assert "geheím" not in repr(wrong)


@pytest.mark.parametrize("password", ["gehe\u00edm", "wrong"])
def test_a_login_by_login(localhost: Certificate, password: str) -> None:
    inbox = Inbox()
    options = {"ssl_context": localhost.server(), "auth_exclude_mechanism": ["PLAIN"], "auth_require_tls": False}
    with served(inbox, authenticator=accept, **options) as port:
        mailer = SmtpMailer("localhost", port, security="tls", user="me", password=password, context=localhost.client())
        if password == "wrong":
            assert nature(failure(mailer)) == CLOSED
        else:
            assert sent(mailer, message()) == 1


def test_nothing_is_sent_without_starttls() -> None:
    inbox = Inbox()
    with served(inbox) as port:
        error = failure(SmtpMailer("localhost", port, security="starttls", user="me", password="gehe\u00edm"))
    assert nature(error) == UNREACHED
    assert re.search(r"does not offer STARTTLS; nothing was sent in plain text", str(error))
    assert inbox.envelopes == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_for_another_host_or_of_nobody_known(
    localhost: Certificate, elsewhere: Certificate, security: Any
) -> None:
    inbox = Inbox()
    options = {"ssl_context": elsewhere.server()} if security == "tls" else {"tls_context": elsewhere.server()}
    with served(inbox, **options) as port:
        for context in (elsewhere.client(), localhost.client(), None):
            error = failure(SmtpMailer("localhost", port, security=security, context=context))
            assert nature(error) == UNREACHED
            assert re.search(r"certificate that is not trusted \(.*SSL_CERT_FILE", str(error))
    assert inbox.envelopes == []


def test_plain_text_is_for_this_machine_only() -> None:
    inbox = Inbox()
    with served(inbox) as port:
        assert sent(SmtpMailer("127.0.0.1", port, security="none"), message()) == 1
    assert inbox.bodies == [RAW]
    for host in ("mail.example.org", "10.0.0.1", "localhost.example.org"):
        with pytest.raises(DeliveryError, match="this machine itself"):
            SmtpMailer(host, 25, security="none")


def test_a_server_that_speaks_no_tls_and_one_that_is_not_there() -> None:
    with served(Inbox()) as port:
        error = failure(SmtpMailer("localhost", port, security="tls"))
    assert nature(error) == UNREACHED
    assert re.search(r"does not speak TLS as it should .*\[mail\] port and security", str(error))
    error = failure(SmtpMailer("localhost", free_port(), security="tls"))
    assert nature(error) == UNREACHED
    assert "refused the connection; check [mail] host and port" in str(error)


def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    error = failure(SmtpMailer("mial.example.org", 465, security="tls"))
    assert nature(error) == UNREACHED
    assert str(error) == "mial.example.org:465 was not found; check [mail] host"


def test_a_rendered_digest_arrives_as_it_was_rendered() -> None:
    rendered = Renderer("Überblick <digest@example.org>").render(digest(), "kim@example.net", NOW)
    inbox = Inbox()
    with served(inbox) as port:
        sent(SmtpMailer("localhost", port, security="none"), rendered)
    assert inbox.bodies == [rendered.raw]
    read = message_from_bytes(inbox.bodies[0], policy=policy.default)
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert read["Subject"] == rendered.subject
    assert read["From"].addresses[0].display_name == "Überblick"


# --- a server that misbehaves, word by word


@pytest.mark.parametrize(
    ("verb", "reply", "expected", "words"),
    [
        ("", "421 4.3.2 busy", BUSY, "refused the connection (421 4.3.2 busy)"),
        ("", "554 5.7.1 go away", CLOSED, "refused the connection (554 5.7.1 go away)"),
        ("", "", UNREACHED, "broke off the conversation"),
        ("", "nonsense", UNREACHED, "refused the connection"),
        ("EHLO", "", UNREACHED, "broke off the conversation"),
        ("EHLO", "550 no", CLOSED, "refused the greeting"),
        ("EHLO", "421 4.3.2 busy", BUSY, "refused the greeting (421 4.3.2 busy)"),
        ("MAIL", "451 4.3.0 later", TEMPORARY, "refused the sender digest@example.org (451 4.3.0 later)"),
        ("MAIL", "550 5.1.8 bad sender", NOT_US, "refused the sender digest@example.org (550 5.1.8 bad sender)"),
        ("MAIL", "530 5.7.0 login first", NOT_US, "530 5.7.0"),
        ("MAIL", "", UNREACHED, "broke off the conversation"),
        ("RCPT", "450 4.2.0 greylisted", TEMPORARY, "refused the recipient (450 4.2.0 greylisted)"),
        ("RCPT", "421 4.7.0 slow down", TEMPORARY, "421 4.7.0 slow down"),
        ("RCPT", "550 5.1.1 no such user", GONE, "refused the recipient (550 5.1.1 no such user)"),
        ("RCPT", "550 unknown", PERMANENT, "550 unknown"),
        ("RCPT", "551 moved to 5.7.1.1", PERMANENT, "551 moved"),
        ("RCPT", "553 not like this", PERMANENT, "553 not like this"),
        ("RCPT", "556 5.1.10 null MX", GONE, "556 5.1.10 null MX"),
        *[("RCPT", reply, SAID_GONE, reply) for reply in NO_SUCH_BOX],
        *[(verb, reply, POLICY, reply) for reply in NOT_FOR_US for verb in ("RCPT", ".")],
        (".", "550 user unknown", PERMANENT, "550 user unknown"),
        ("RCPT", "552 full", PERMANENT, "552 full"),
        ("RCPT", "550 5.2.1 mailbox disabled", PERMANENT, "550 5.2.1 mailbox disabled"),
        ("RCPT", "550 5.1.8 your domain is unknown", POLICY, "550 5.1.8"),
        ("RCPT", "550 5.1.0 <d@example.org>: Sender address rejected", POLICY, "550 5.1.0"),
        ("RCPT", "554 5.7.1 relay access denied", POLICY, "554 5.7.1 relay access denied"),
        ("RCPT", "530 login first", NOT_US, "530 login first"),
        ("RCPT", "", TEMPORARY, "broke off before it had the whole message"),
        ("DATA", "451 4.3.0 later", TEMPORARY, "refused the message (451 4.3.0 later)"),
        ("DATA", "554 5.5.1 no", PERMANENT, "refused the message (554 5.5.1 no)"),
        ("DATA", "", TEMPORARY, "broke off before it had the whole message"),
        ("body", "", TEMPORARY, "broke off before it had the whole message"),
        (".", "452 4.2.2 full", TEMPORARY, "refused the message (452 4.2.2 full)"),
        (".", "421 4.3.0 closing", TEMPORARY, "refused the message (421 4.3.0 closing)"),
        (".", "550 5.1.1 no such user", PERMANENT, "550 5.1.1 no such user"),
        (".", "552 5.3.4 too big", PERMANENT, "refused the message (552 5.3.4 too big)"),
        (".", "550 5.7.515 not authenticated", POLICY, "550 5.7.515"),
        (".", "550-5.7.1 spam\r\n550 5.7.1 really\x1b[31m", POLICY, "(550 5.7.1 spam 5.7.1 really[31m)"),
        (".", "", IN_DOUBT, "gave no answer after the last byte, so it may have accepted the message"),
        (".", "what", IN_DOUBT, "may have accepted"),
        (".", "stall", IN_DOUBT, "may have accepted"),
    ],
)
def test_what_a_refusal_means(
    verb: str, reply: str, expected: set[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FINAL_PATIENCE", 0.2)
    marks: list[int] = []
    raw = RAW + b"x" * 76 * 200_000 if verb == "body" else RAW  # more than fits into the sockets' buffers
    with peer({verb: reply}) as server, closing(server.mailer()) as mailer:
        with pytest.raises(DeliveryError) as error:
            mailer.send(message(raw=raw), lambda: marks.append(1))
        assert nature(error.value) == expected
        assert words in str(error.value)
        assert str(error.value).isprintable()
        assert len(marks) == (verb == ".")


@pytest.mark.parametrize(
    ("reply", "expected", "words"),
    [
        ("454 4.7.0 temporary failure", BUSY, "refused the login of me (454 4.7.0 temporary failure)"),
        ("530 5.7.0 must be encrypted", CLOSED, "(530 5.7.0 must be encrypted)"),
        ("534 5.7.9 application password required", CLOSED, "AGGREGATOR_SMTP_PASSWORD"),
        ("535 5.7.8 " + "no " * 200, CLOSED, "AGGREGATOR_SMTP_PASSWORD"),
        ("", UNREACHED, "broke off the conversation"),
    ],
)
def test_what_a_refused_login_means(reply: str, expected: set[str], words: str) -> None:
    with peer({"EHLO": "250-hi\r\n250 AUTH PLAIN", "AUTH": reply}) as server:
        error = failure(server.mailer(user="me", password="hunter2"))
    assert nature(error) == expected
    assert words in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("reply", "expected"), [("454 4.7.0 not now", BUSY), ("501 5.5.2 no", CLOSED), ("", UNREACHED)]
)
def test_nothing_is_sent_when_starttls_fails(reply: str, expected: set[str]) -> None:
    with peer({"EHLO": "250-hi\r\n250 STARTTLS", "STARTTLS": reply}) as server:
        error = failure(SmtpMailer("127.0.0.1", server.port, security="starttls", user="me", password="hunter2"))
        assert [said.split()[0].upper() for said in server.said] == ["EHLO", "STARTTLS"]
    assert nature(error) == expected


def test_the_mark_comes_after_the_body_and_before_the_final_dot() -> None:
    with peer() as server, closing(server.mailer()) as mailer:
        seen: list[tuple[str, int]] = []
        mailer.send(message(), lambda: seen.append((server.said[-1], len(server.bodies))))
        assert seen == [("DATA", 0)]
        assert server.bodies == [RAW.replace(b"\r\n.", b"\r\n..")]


def test_what_the_mark_raises_goes_out_and_the_message_does_not() -> None:
    def refuse() -> None:
        raise StoreError("the database is locked")

    with peer() as server, closing(server.mailer()) as mailer:
        with pytest.raises(StoreError):
            mailer.send(message(), refuse)
        assert server.bodies == []
        mailer.send(message(), nothing)  # on a connection of its own
        assert len(server.bodies) == 1
        assert server.connections == 2


def test_a_refused_recipient_does_not_cost_the_connection() -> None:
    with peer({"RCPT": "550 5.1.1 no"}) as server, closing(server.mailer()) as mailer:
        with pytest.raises(DeliveryError):
            mailer.send(message(), nothing)
        server.replies["RCPT"] = "250 ok"
        mailer.send(message(), nothing)
        assert (server.connections, len(server.bodies)) == (1, 1)
        assert server.said.count("RSET") == 1


@pytest.mark.parametrize("reply", ["421 enough", "", "451 not now"])
@pytest.mark.parametrize("verb", ["RSET", "MAIL"])
def test_a_connection_that_was_closed_is_opened_again(verb: str, reply: str) -> None:
    with peer() as server, closing(server.mailer()) as mailer:
        mailer.send(message(), nothing)
        server.once = {verb: reply}
        mailer.send(message(), nothing)
        assert (server.connections, len(server.bodies)) == (2, 2)


def test_a_server_that_does_not_answer_is_given_up() -> None:
    with peer({"": "stall"}) as server:
        error = failure(server.mailer(timeout=0.2))
    assert nature(error) == UNREACHED


def test_the_reply_to_the_dot_may_take_longer_than_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    def settimeout(self: socket.socket, value: float | None) -> None:
        waits.append(value)
        real(self, value)

    real = socket.socket.settimeout
    with peer() as server, closing(server.mailer(timeout=7)) as mailer:
        monkeypatch.setattr(socket.socket, "settimeout", settimeout)
        mailer.send(message(), nothing)
        assert [wait for wait in waits if wait] == [7, 600, 7]


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_text() -> None:
    with peer({"EHLO": "250-hi\r\n250 AUTH PLAIN", "AUTH": "535 \0me\0hunter2 is AG1lAGh1bnRlcjI= hunter2"}) as server:
        error = failure(server.mailer(user="me", password="hunter2"))
    assert "hunter2" not in str(error)
    assert "AG1lAGh1bnRlcjI=" not in str(error)
    with peer({"EHLO": "250-hi\r\n250 AUTH GSSAPI"}) as server:
        error = failure(server.mailer(user="me", password="hunter2"))
    assert "takes no login by PLAIN or LOGIN (it offers GSSAPI)" in str(error)


def test_an_address_in_another_script_is_refused_before_anything_is_said() -> None:
    with peer() as server, closing(server.mailer()) as mailer:
        with pytest.raises(DeliveryError) as error:
            mailer.send(message("m\u00e9@example.org"), nothing)
        assert nature(error.value) == PERMANENT
        assert server.connections == 0


# --- how the conversation is kept


def test_what_the_server_said_when_it_accepted_the_message() -> None:
    with peer({".": "250-2.0.0 Ok\r\n250 2.0.0 queued as 4BxY"}) as server, closing(server.mailer()) as mailer:
        assert mailer.send(message(), nothing) == "2.0.0 Ok 2.0.0 queued as 4BxY"


def test_a_connection_carries_so_many_messages_and_is_ended_politely() -> None:
    with peer() as server, closing(server.mailer(per_connection=2)) as mailer:
        for _ in range(5):
            mailer.send(message(), nothing)
        assert (server.connections, server.said.count("quit")) == (3, 2)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("mail.example.org", "mail.example.org"),
        ("laptop", "[127.0.0.1]"),
        ("laptop.local", "[127.0.0.1]"),
        ("localhost.localdomain", "[127.0.0.1]"),
        ("m\u00e4il.example.org", "[127.0.0.1]"),
        ("10.0.0.1", "[127.0.0.1]"),
    ],
)
def test_how_we_call_ourselves(monkeypatch: pytest.MonkeyPatch, host: str, said: str) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("the DNS was asked")

    monkeypatch.setattr(socket, "gethostname", lambda: host)
    monkeypatch.setattr(socket, "getfqdn", asked)
    with peer() as server:
        sent(server.mailer(), message())
        assert server.said[0] == f"ehlo {said}"


def test_a_server_that_knows_only_helo() -> None:
    with peer({"EHLO": "502 what?", "HELO": "250 hi"}) as server:
        assert sent(server.mailer(), message()) == 1
        assert [said.split()[0] for said in server.said[:2]] == ["ehlo", "helo"]


def test_the_final_dot_does_not_wait_for_the_other_side_to_acknowledge_the_body() -> None:
    with peer() as server, closing(server.mailer()) as mailer:
        mailer.send(message(), nothing)
        assert mailer._server is not None
        assert mailer._server.sock is not None
        assert mailer._server.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_host_that_the_dns_cannot_have_is_one_line() -> None:
    for host in ("mail..example.org", ".example.org", f"{'x' * 64}.example.org"):
        mailer = SmtpMailer(host, 465, security="tls")
        for act in (mailer.check, lambda mailer=mailer: mailer.send(message(), nothing)):
            with pytest.raises(DeliveryError, match=r":465 was not found; check \[mail\] host") as error:
                act()
            assert nature(error.value) == UNREACHED
