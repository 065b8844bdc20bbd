"""Newsletters by mail: a Maildir, a small IMAP server over real sockets, a real Dovecot (slow), and hostile mail.

The samples are made up in the format of RFC 5322 with MIME (RFC 2045 to 2047), as list services send newsletters.
"""

import base64
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aggregator.errors import ParseError, SourceError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor
from aggregator.sources.mailbox import Mailbox
from aggregator.sources.mailbox.connection import Mailserver, connected
from aggregator.sources.mailbox.imap import _encoded
from aggregator.sources.mailbox.links import target
from tests.fakes import fetcher_over, pages

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DATA = Path(__file__).parent / "data" / "mailbox"
MAILPATH = Path(__file__).parent.parent.parent / "shared" / "tools" / "mailpath"
SECRET = 'geheim "1\\'


def letter(number: int, sender: str = "news@example.org", subject: str = "") -> bytes:
    return (
        f"From: News <{sender}>\r\nSubject: {subject or f'Issue {number}'}\r\nMessage-ID: <{number}@example.org>\r\n"
        f"Date: Wed, 18 Nov 2026 08:{number % 60:02}:00 +0000\r\n\r\nText of issue {number}.\r\n"
    ).encode()


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    with fetcher_over(pages({}), tmp_path / "slots") as door:
        yield door


def titles(batch: Batch) -> list[str]:
    return [entry.title for entry in batch.entries]


# A Maildir


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")
    }


def test_a_maildir_is_read_once_and_left_as_it_is(maildir: Path, fetcher: Fetcher) -> None:
    source = Mailbox(name="post", maildir=str(maildir))
    (maildir / "new" / "1.a.host").write_bytes(letter(1))
    (maildir / "cur" / "2.b.host:2,S").write_bytes(letter(2))
    (maildir / "tmp" / "3.c.host").write_bytes(letter(3))
    (maildir / "new" / ".hidden").write_bytes(letter(4))
    (maildir / "new" / "folder").mkdir()
    (maildir / "new" / "5.link").symlink_to("/etc/passwd")
    before = tree(maildir)
    first = source.visit(fetcher, None, NOW)
    assert sorted(titles(first)) == ["Issue 1", "Issue 2"]
    assert first.entries[0].key.startswith("id:post:")
    assert (first.missing, tree(maildir)) == ("", before)
    assert titles(source.visit(fetcher, first.cursor, NOW)) == []

    old = maildir / "new" / "6.d.host"
    old.write_bytes(letter(6))
    os.utime(old, (1, 1))  # copied with an old date, as mail programs do
    (maildir / "new" / "1.a.host").rename(maildir / "cur" / "1.a.host:2,")
    second = source.visit(fetcher, first.cursor, NOW)
    assert titles(second) == ["Issue 6"]
    assert titles(source.visit(fetcher, second.cursor, NOW)) == []


def test_what_cannot_be_read_is_told_and_the_rest_is_kept(maildir: Path, fetcher: Fetcher) -> None:
    (maildir / "new" / "1").write_bytes(letter(1))
    (maildir / "new" / "2").write_bytes(b"no message at all")
    with (maildir / "new" / "3").open("wb") as stream:
        stream.truncate(50_000_000)
    batch = Mailbox(name="post", maildir=str(maildir)).visit(fetcher, None, NOW)
    assert titles(batch) == ["Issue 1"]
    assert "2 messages could not be read: " in batch.missing
    assert "3: it has 47 MB" in batch.missing
    assert "2: this is no e-mail message" in batch.missing


def test_more_than_one_visit_can_take_comes_at_the_next(
    maildir: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.sources.mailbox._MAX_MESSAGES", 2)
    source = Mailbox(name="post", maildir=str(maildir))
    cursor = source.visit(fetcher, None, NOW).cursor
    for number in range(5):
        (maildir / "new" / str(number)).write_bytes(letter(number))
    found, missing = [], []
    for _ in range(4):
        batch = source.visit(fetcher, cursor, NOW)
        cursor = batch.cursor
        found += titles(batch)
        missing.append(batch.missing)
    assert sorted(found) == [f"Issue {number}" for number in range(5)]
    assert missing == ["3 more messages, at the next visit", "1 more message, at the next visit", "", ""]


def test_only_the_senders_named_are_read(maildir: Path, fetcher: Fetcher) -> None:
    for number, sender in enumerate(
        ["TheBatch@DeepLearning.AI", "spam@example.com", "x@hf.example", "a@nothf.example"]
    ):
        (maildir / "new" / str(number)).write_bytes(letter(number, sender))
    source = Mailbox(name="p", maildir=str(maildir), senders=("thebatch@deeplearning.ai", "@hf.example"))
    assert sorted(titles(source.visit(fetcher, None, NOW))) == ["Issue 0", "Issue 2"]


def test_a_folder_that_is_no_maildir_is_an_error(tmp_path: Path, fetcher: Fetcher) -> None:
    with pytest.raises(SourceError, match="cannot be read as a Maildir: new/: No such file"):
        Mailbox(name="p", maildir=str(tmp_path / "none")).visit(fetcher, None, NOW)


# What a message becomes


def test_the_same_message_without_an_id_is_the_same_entry() -> None:
    body = letter(1).replace(b"Message-ID", b"X-Other")
    source = Mailbox(name="p", maildir="/m")
    (one,), (two,) = source.parse(body, NOW), source.parse(b"Received: by another way; x\r\n" + body, NOW)
    assert one.key == two.key
    assert re.fullmatch(r"id:p:[0-9a-f]{32}", one.key)
    assert source.parse(letter(2).replace(b"Message-ID", b"X-Other"), NOW)[0].key != one.key


def test_links_that_manage_the_subscription_are_never_shown() -> None:
    body = (DATA / "newsletter.eml").read_bytes()
    for entries in ("message", "links"):
        source = Mailbox(name="p", maildir="/m", entries=entries)
        told = " ".join(f"{entry.url} {entry.title}" for entry in source.parse(body, NOW))
        assert not re.search(
            r"unsubscribe|preferences\?|click\.example|twitter|linkedin|sponsor|mailto|javascript", told
        )


@pytest.mark.parametrize(
    ("link", "where"),
    [
        ("https://c.example/?url=https%3A%2F%2Farxiv.org%2Fabs%2F2501.01234", "https://arxiv.org/abs/2501.01234"),
        ("https://c.example/?a=1&amp;u=https%3A%2F%2Fe.org", "https://e.org"),
        ("https://c.example/?u=https%3A%2F%2Fd.example%3Fto%3Dhttps%253A%252F%252Fe.org", "https://e.org"),
        ("https://c.example/CL0/https:%2F%2Fe.org%2Fa%3Fb=1/1/x", "https://e.org/a?b=1"),
        ("https://web.archive.org/web/2026/https://e.org/a", "https://web.archive.org/web/2026/https://e.org/a"),
        ("https://e.org/?url=javascript:alert(1)", "https://e.org/?url=javascript:alert(1)"),
        ("javascript:alert(1)", ""),
        ("mailto:a@e.org", ""),
        ("https://[", ""),
    ],
)
def test_a_link_leads_where_it_says(link: str, where: str) -> None:
    assert target(link) == where


HEAD = b"From: a@example.org\nSubject: x\n"
HOSTILE = {
    "a thousand parts in parts": HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000)),
    "150 000 headers": b"".join(b"X-%d: a\n" % n for n in range(150_000)) + HEAD,
    "a long Content-Type": HEAD + b"Content-Type: multipart/mixed; " + b'a="b;";' * 200_000 + b"\n\nx",
    "comments in comments": b"From: " + b"(" * 500_000 + b"a@example.org\nSubject: x\n\nx",
    "encoded words without end": b"Subject: " + b"=?utf-8?b?" * 100_000 + b"\n\nx",
    "50 MB": HEAD + b"\n" + b"x" * 50_000_000,
    "NUL": HEAD + b"\0\n\n\0",
    "60 000 parts": HEAD + b"Content-Type: multipart/mixed; boundary=z\n\n" + b"--z\n\nx\n" * 60_000,
    "quotes without end": HEAD + b"Content-Type: text/html\n\n" + b"<a href='" * 400_000,
    "tags without end": HEAD + b"Content-Type: text/html\n\n<a " + b"x='\"" * 300_000,
    "anchors in anchors": HEAD + b"Content-Type: text/html\n\n" + b"<h1><a href=http://e.org>a b c d " * 90_000,
    "no such charset": HEAD + b'Content-Type: text/html; charset="x-klingon"\n\n\xff',
    "idna": HEAD + b"Content-Type: text/html; charset=idna\n\n" + b"a" * 1_000_000,
    "lone surrogates": HEAD + b"Content-Type: text/html; charset=utf-7\n\n+2AA-",
    "no such date": HEAD + b"Date: Mon, 99 Jan 99999999 00:00:00 +9999999\n\nx",
    "a line end in a word": b"From: a@example.org\nSubject: =?utf-8?q?a=0D=0ABcc=3A_b?=\n\nx",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("entries", ["message", "links"])
def test_hostile_mail_ends_soon_and_is_an_entry_or_an_error(name: str, entries: Any) -> None:
    begun = time.process_time()
    try:
        found = Mailbox(name="p", maildir="/m", entries=entries).parse(HOSTILE[name], NOW)
    except ParseError:
        found = []
    assert time.process_time() - begun < 5
    assert len(found) <= 60
    for entry in found:
        assert entry.published <= NOW
        f"{entry.title}{entry.summary}".encode()
        assert "\n" not in entry.title


def test_options_are_checked() -> None:
    host: dict[str, Any] = {"host": "imap.example.org", "user": "me"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "either a maildir or a host"),
        ({"maildir": "/m", **host}, "either a maildir or a host"),
        ({"maildir": "mail/x"}, "relative path"),
        ({"host": "imap.example.org"}, "needs a user"),
        ({**host, "security": "none"}, "for this machine itself"),
        ({**host, "folder": "a\r\nb"}, "cannot be printed"),
        ({**host, "password_env": "secret"}, "pattern"),
        ({**host, "password": "secret"}, "Extra inputs"),
        ({**host, "port": 0}, "greater than"),
        ({**host, "senders": ["the batch"]}, "is no address"),
        ({**host, "entries": "pages"}, "'message' or 'links'"),
    ]
    for options, text in wrong:
        with pytest.raises(ValidationError, match=text):
            Mailbox(name="x", **options)
    assert Mailbox(name="x", host="127.0.0.1", user="me", security="none").every_hours == 6


# IMAP: a small server over real sockets


class Imap:
    """A server of one folder. `messages` are its mails by UID; `script` may answer a command; `asked` is kept."""

    def __init__(self, messages: dict[int, bytes]) -> None:
        self.messages, self.validity, self.folder = messages, 7, "INBOX"
        self.capabilities = "IMAP4rev1 AUTH=PLAIN"
        self.script: Callable[[str, socket.socket], bool] = lambda command, line: False
        self.asked: list[str] = []
        self.greeting = b"* OK hello\r\n"
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            try:
                with line:
                    self._talk(line)
            except OSError:
                continue

    def _talk(self, line: socket.socket) -> None:
        line.sendall(self.greeting)
        with line.makefile("rb") as stream:
            while command := stream.readline():
                tag, _, rest = command.decode("latin-1").strip().partition(" ")
                self.asked.append(rest)
                if self.script(rest, line):
                    return
                line.sendall(self._answer(tag, rest, line, stream))

    def _answer(self, tag: str, rest: str, line: socket.socket, stream: Any) -> bytes:
        done = f"{tag} OK done\r\n".encode()
        if rest.startswith("CAPABILITY"):
            return f"* CAPABILITY {self.capabilities}\r\n".encode() + done
        if rest.startswith("AUTHENTICATE PLAIN"):
            line.sendall(b"+ \r\n")
            said = base64.b64decode(stream.readline()).decode()
            return done if said == f"\0me\0{SECRET}" else f"{tag} NO wrong password {said[4:]}\r\n".encode()
        if rest.startswith("EXAMINE"):
            if rest != f'EXAMINE "{self.folder}"':
                return f"{tag} NO no such folder\r\n".encode()
            following = max(self.messages, default=0) + 1
            return f"* OK [UIDVALIDITY {self.validity}] x\r\n* OK [UIDNEXT {following}] x\r\n".encode() + done
        if rest.startswith("UID SEARCH"):
            return f"* SEARCH {self._search(rest)}\r\n".encode() + done
        if rest.startswith("UID FETCH"):
            return self._fetched(rest) + done
        return (b"* BYE\r\n" if rest.startswith("LOGOUT") else b"") + done

    def _search(self, rest: str) -> str:
        if found := re.search(r"UID (\d+):\*", rest):  # RFC 3501: the last one is always in the range
            uids = [uid for uid in self.messages if uid >= int(found[1])] or [max(self.messages, default=0)]
            return " ".join(str(uid) for uid in uids if uid)
        return " ".join(map(str, self.messages))

    def _fetched(self, rest: str) -> bytes:
        answer = b""
        for number, uid in enumerate(map(int, rest.split()[2].split(",")), 1):
            body = self.messages[uid]
            whole = "BODY.PEEK[]" in rest
            part = body if whole else b"".join(re.findall(rb"(?im)^from:.*\r?\n", body)) + b"\r\n"
            name = b"BODY[]" if whole else b"BODY[HEADER.FIELDS (FROM)]"
            answer += b"* %d FETCH (RFC822.SIZE %d %s {%d}\r\n%s UID %d)\r\n" % (
                number,
                len(body),
                name,
                len(part),
                part,
                uid,
            )
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Imap]:
    monkeypatch.setenv("AGGREGATOR_IMAP_PASSWORD", SECRET)
    imap = Imap({number: letter(number) for number in (3, 5, 8)})
    yield imap
    imap.close()


def source_at(imap: Imap, **options: Any) -> Mailbox:
    return Mailbox(name="post", host="127.0.0.1", port=imap.port, user="me", security="none", **options)


def test_a_folder_is_read_once_without_a_flag_changed(server: Imap, fetcher: Fetcher) -> None:
    source = source_at(server)
    first = source.visit(fetcher, None, NOW)
    assert titles(first) == ["Issue 3", "Issue 5", "Issue 8"]
    assert first.cursor == {"validity": 7, "uid": 8, "at": "127.0.0.1/me/INBOX"}
    assert any(asked == "UID SEARCH SINCE 22-Aug-2026" for asked in server.asked)
    assert source.visit(fetcher, first.cursor, NOW).entries == ()
    server.messages[9] = letter(9)
    second = source.visit(fetcher, first.cursor, NOW)
    assert titles(second) == ["Issue 9"]
    verbs = {" ".join(asked.split()[:2]) if asked.startswith("UID") else asked.split()[0] for asked in server.asked}
    assert verbs == {"CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH", "LOGOUT"}
    assert all("PEEK" in asked for asked in server.asked if "FETCH" in asked)


def test_older_mail_than_the_first_look_stays_unread(server: Imap, fetcher: Fetcher) -> None:
    server.messages = {1: letter(1), 2: letter(2)}
    server.script = lambda command, line: False
    server._search = lambda rest: "" if "SINCE" in rest else "1 2" if "1:" in rest else "2"  # type: ignore[method-assign]
    first = source_at(server).visit(fetcher, None, NOW)
    assert (first.entries, first.cursor["uid"]) == ((), 2)
    assert source_at(server).visit(fetcher, first.cursor, NOW).entries == ()


def test_a_folder_numbered_anew_is_read_again_and_nothing_is_another_entry(server: Imap, fetcher: Fetcher) -> None:
    first = source_at(server).visit(fetcher, None, NOW)
    server.validity, server.messages = 8, dict(enumerate(server.messages.values(), 1))
    again = source_at(server).visit(fetcher, first.cursor, NOW)
    assert [entry.key for entry in again.entries] == [entry.key for entry in first.entries]
    assert "numbered the folder INBOX anew" in again.note
    assert again.cursor["validity"] == 8


def test_only_what_is_from_the_senders_is_read(server: Imap, fetcher: Fetcher) -> None:
    server.messages[9] = letter(9, "thebatch@deeplearning.ai")
    batch = source_at(server, senders=("thebatch@deeplearning.ai",)).visit(fetcher, None, NOW)
    assert titles(batch) == ["Issue 9"]
    assert batch.cursor["uid"] == 9
    assert sum("BODY.PEEK[])" in asked for asked in server.asked) == 1


def test_a_large_message_is_not_asked_for(server: Imap, fetcher: Fetcher) -> None:
    server.messages[9] = letter(9) + b"x" * 6_000_000
    batch = source_at(server).visit(fetcher, None, NOW)
    assert titles(batch) == ["Issue 3", "Issue 5", "Issue 8"]
    assert batch.missing == "1 message could not be read: UID 9: it has 5 MB"
    assert batch.cursor["uid"] == 9


def test_a_long_folder_is_read_in_turns(server: Imap, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.sources.mailbox._MAX_MESSAGES", 2)
    cursor: Cursor | None = None
    seen = []
    for _ in range(3):
        batch = source_at(server).visit(fetcher, cursor, NOW)
        cursor = batch.cursor
        seen.append((titles(batch), batch.missing))
    assert seen == [(["Issue 3", "Issue 5"], "1 more message, at the next visit"), (["Issue 8"], ""), ([], "")]


def test_a_login_refused_names_the_user_and_never_the_password(
    server: Imap, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_PASSWORD", "wrong-password-1")
    with pytest.raises(SourceError, match="refused the login of me: wrong password …; check user") as caught:
        source_at(server, password_env="OTHER_PASSWORD").visit(fetcher, None, NOW)
    assert "wrong-password-1" not in str(caught.value)
    monkeypatch.delenv("OTHER_PASSWORD")
    with pytest.raises(SourceError, match="set OTHER_PASSWORD"):
        source_at(server, password_env="OTHER_PASSWORD").visit(fetcher, None, NOW)


def test_a_server_without_plain_login_is_asked_by_login(server: Imap, fetcher: Fetcher) -> None:
    server.capabilities = "IMAP4rev1"
    assert len(source_at(server).visit(fetcher, None, NOW).entries) == 3
    assert 'LOGIN "me" "geheim \\"1\\\\"' in server.asked
    server.capabilities = "IMAP4rev1 LOGINDISABLED"
    with pytest.raises(SourceError, match="takes no login on this connection"):
        source_at(server).visit(fetcher, None, NOW)


def test_a_folder_that_is_not_there_is_an_error(server: Imap, fetcher: Fetcher) -> None:
    with pytest.raises(SourceError, match="has no folder 'Entwürfe & mehr' for me"):
        source_at(server, folder="Entwürfe & mehr").visit(fetcher, None, NOW)
    assert 'EXAMINE "Entw&APw-rfe &- mehr"' in server.asked
    assert _encoded("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"  # RFC 3501 section 5.1.3


@pytest.mark.parametrize("at", ["AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_a_connection_that_breaks_is_an_error_at_every_point(server: Imap, fetcher: Fetcher, at: str) -> None:
    server.script = lambda command, line: command.startswith(at)
    with pytest.raises(SourceError, match="the connection broke off"):
        source_at(server).visit(fetcher, None, NOW)


def huge(command: str, line: socket.socket) -> bool:
    line.sendall(b"* 1 FETCH {99999999999}\r\n" * 9)
    return True


def test_nonsense_is_an_error(server: Imap, fetcher: Fetcher) -> None:
    for greeting in (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"* BYE go away\r\n",
        b"\xff" * 2000 + b"\r\n",
        b"* OK \r\n" * 3,
    ):
        server.greeting = greeting
        if greeting.startswith(b"* OK"):
            server.script = huge
        with pytest.raises(SourceError, match=f"127.0.0.1:{server.port}: "):
            source_at(server).visit(fetcher, None, NOW)


def test_nobody_answers(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_IMAP_PASSWORD", SECRET)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        source = Mailbox(name="p", host="127.0.0.1", port=free.getsockname()[1], user="me", security="none")
        with pytest.raises(SourceError, match="nobody answers at this port"):
            source.visit(fetcher, None, NOW)


def drip(command: str, line: socket.socket) -> bool:
    if command.startswith("UID SEARCH"):
        line.sendall(b"* SEARCH ")
        for _ in range(60):
            line.sendall(b"1 ")
            time.sleep(0.05)
        return True
    return False


def at(imap: Imap, seconds: float = 5, **options: Any) -> Mailserver:
    given: dict[str, Any] = {"security": "none", **options}
    return Mailserver(
        host="127.0.0.1", port=imap.port, user="me", password=SECRET, folder="INBOX", seconds=seconds, **given
    )


def test_a_slow_drip_ends_at_the_deadline(server: Imap) -> None:
    from aggregator.sources.mailbox.imap import arrived_at

    server.script = drip
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"took longer than 0\.5 seconds"):
        arrived_at(at(server, 0.5), {}, (), 10, now=NOW)
    assert time.monotonic() - begun < 2


def test_a_flood_is_cut(server: Imap) -> None:
    from aggregator.sources.mailbox.imap import arrived_at

    def flood(command: str, line: socket.socket) -> bool:
        if command.startswith("UID SEARCH"):
            for _ in range(80):
                line.sendall(b"* 1 EXISTS\r\n" * 90_000)
            return True
        return False

    server.script = flood
    with pytest.raises(SourceError, match="more than was asked for"):
        arrived_at(at(server, 20), {}, (), 10, now=NOW)


def test_no_password_goes_over_a_line_that_is_not_encrypted(server: Imap) -> None:
    with (
        pytest.raises(SourceError, match="does not offer STARTTLS; nothing was sent in plain text"),
        connected(at(server, security="starttls")),
    ):
        pytest.fail("connected")
    with pytest.raises(SourceError, match="no TLS came about"), connected(at(server, security="tls")):
        pytest.fail("connected")
    assert not any("AUTHENTICATE" in asked or "LOGIN" in asked for asked in server.asked)


@contextmanager
def tls_server(folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server that speaks TLS from the first byte, with a certificate of its own, and what trusts it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    words = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    alt = ["-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *words, *alt, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    imap = Imap({1: letter(1)})
    plain = imap._talk

    def talk(line: socket.socket) -> None:
        with context.wrap_socket(line, server_side=True) as wrapped:
            plain(wrapped)

    imap._talk = talk  # type: ignore[method-assign]
    yield imap.port, ssl.create_default_context(cafile=str(cert))
    imap.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here to make a certificate")
def test_tls_with_a_certificate_that_is_verified(tmp_path: Path) -> None:
    from aggregator.sources.mailbox.imap import arrived_at

    with tls_server(tmp_path) as (port, context):
        given: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": "tls", "user": "me", "folder": "INBOX"}
        post = arrived_at(Mailserver(**given, password=SECRET, context=context), {}, (), 10, now=NOW)
        assert len(post.arrivals) == 1
        with pytest.raises(SourceError, match="its certificate is not trusted"):
            arrived_at(Mailserver(**given, password=SECRET), {}, (), 10, now=NOW)


# IMAP: a real Dovecot

DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin")


@pytest.mark.slow
@pytest.mark.skipif(DOVECOT is None or os.geteuid() != 0, reason="dovecot is not installed, or this is not root")
def test_a_real_dovecot(tmp_path: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_IMAP_PASSWORD", "secret")
    with dovecot(Path("/tmp") / f"dc{os.getpid()}") as (port, mail):  # a short path: sockets have no long ones
        new = mail / "new"
        for number in range(3):
            (new / f"170000000{number}.M{number}.host").write_bytes(letter(number, subject=f"Äffchen {number}"))
        source = Mailbox(name="p", host="127.0.0.1", port=port, user="me@inbox.test", security="none")
        first = source.visit(fetcher, None, datetime.now(UTC))
        assert titles(first) == ["Äffchen 0", "Äffchen 1", "Äffchen 2"]
        assert source.visit(fetcher, first.cursor, datetime.now(UTC)).entries == ()
        (new / "1700000009.M9.host").write_bytes((DATA / "newsletter.eml").read_bytes())
        second = source.visit(fetcher, first.cursor, datetime.now(UTC) + timedelta(hours=6))
        assert titles(second) == ["Hören lernen: small models - issue 382"]
        names = [path.name for path in (mail / "cur").iterdir()] + [path.name for path in new.iterdir()]
        assert len(names) == 4
        assert not any("S" in name.partition(":2,")[2] for name in names), "a message was marked as read"
        missing = source.model_copy(update={"folder": "Entwürfe"})
        with pytest.raises(SourceError, match="has no folder 'Entwürfe'"):
            missing.visit(fetcher, None, datetime.now(UTC))
        monkeypatch.setenv("AGGREGATOR_IMAP_PASSWORD", "wrong")
        with pytest.raises(SourceError, match=r"refused the login of me@inbox\.test"):
            source.visit(fetcher, None, datetime.now(UTC))


@contextmanager
def dovecot(folder: Path) -> Iterator[tuple[int, Path]]:
    """A Dovecot of our own under `folder`; its port, and the Maildir of me@inbox.test. After tools/mailpath/up.sh."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mail = folder / "mail" / "me@inbox.test"
    for part in ("new", "cur", "tmp"):
        (mail / part).mkdir(parents=True)
    folder.chmod(0o755)
    configuration = f"""
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
    (folder / "conf").write_text(configuration)
    shutil.chown(folder / "mail", "mail", "mail")
    for path in (folder / "mail").rglob("*"):
        shutil.chown(path, "mail", "mail")
    running = subprocess.Popen([DOVECOT or "", "-F", "-c", str(folder / "conf")])
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, mail
    finally:
        running.terminate()
        running.wait(20)
        shutil.rmtree(folder)
