"""deliver, over a true mail path: SMTP to Postfix, signed by OpenDKIM, delivered by LMTP, read back over IMAP."""

import imaplib
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from aggregator.deliver import SmtpMailer
from aggregator.errors import DeliveryError
from aggregator.model import Digest, Message
from aggregator.render import Renderer
from tests.letters import NOW, digest

TOOLS = Path(__file__).parents[2] / "shared" / "tools" / "mailpath"
FOLDER = Path("/srv/aggregator-mailpath")
PROGRAMS = ("postfix", "dovecot", "opendkim", "openssl")
HEADERS = ("Subject", "From", "To", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "Auto-Submitted")


def _why_not() -> str:
    if not (TOOLS / "up.sh").exists():
        return "../shared/tools/mailpath is not here"
    if os.geteuid() != 0:
        return "the mail path needs root"
    missing = [name for name in PROGRAMS if not (shutil.which(name) or shutil.which(name, path="/usr/sbin"))]
    return f"not installed: {', '.join(missing)}" if missing else ""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "-"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def trust() -> Iterator[ssl.SSLContext]:
    """The mail path, up; what a client must trust."""
    up = subprocess.run(
        ["bash", str(TOOLS / "up.sh"), str(FOLDER)], check=False, stdout=subprocess.PIPE, text=True, timeout=120
    )
    try:
        assert up.returncode == 0, up.stdout
        yield ssl.create_default_context(cafile=str(FOLDER / "tls" / "cert.pem"))
    finally:
        subprocess.run(["bash", str(TOOLS / "down.sh"), str(FOLDER)], check=False, timeout=60)
        shutil.rmtree(FOLDER, ignore_errors=True)


def letter() -> Digest:
    """A digest whose first pick has a title and authors in several scripts."""
    whole = digest()
    section, *others = whole.sections
    first, *rest = section.picks
    entry = replace(
        first.entry, title="Müller–Lüdenscheidt: 流式语音识别の研究 🎙", authors=("Jörg Müller", "山田 太郎", "李 明")
    )
    told = replace(first, candidate=replace(first.candidate, entry=entry))
    return replace(whole, sections=(replace(section, picks=(told, *rest)), *others))


def mailer(port: int, security: Any, trust: ssl.SSLContext, password: str = "secret") -> SmtpMailer:
    return SmtpMailer("localhost", port, security=security, user="d@digest.test", password=password, context=trust)


def read_back(to: str, count: int) -> list[EmailMessage]:
    """The mailbox of a reader, once it has so many messages."""
    for _ in range(100):
        box = imaplib.IMAP4("127.0.0.1", 2143, timeout=10)
        try:
            box.login(to, "secret")
            box.select("INBOX", readonly=True)
            numbers = box.search(None, "ALL")[1][0].split()
            if len(numbers) >= count:
                raws = [box.fetch(number, "(RFC822)")[1][0][1] for number in numbers]  # type: ignore[index]
                return [message_from_bytes(bytes(raw), policy=policy.default) for raw in raws]
        finally:
            box.logout()
        time.sleep(0.2)
    raise AssertionError(f"{to} has fewer than {count} messages")


@pytest.mark.parametrize(("port", "security"), [(2587, "starttls"), (2465, "tls")])
def test_a_digest_is_read_as_it_was_rendered(trust: ssl.SSLContext, port: int, security: Any) -> None:
    to = f"reader-{security}@inbox.test"
    renderer = Renderer("Überblick 週報 <d@digest.test>")
    whole = letter()
    sent = [renderer.render(replace(whole, period=period), to, NOW) for period in ("2026-W47", "2026-W48")]
    marks: list[int] = []
    with closing(mailer(port, security, trust)) as post:
        for one in sent:
            post.send(one, lambda: marks.append(1))
    assert len(marks) == 2
    got = {one["Message-ID"]: one for one in read_back(to, 2)}
    assert set(got) == {one.message_id for one in sent}
    for one in sent:
        same(one, got[one.message_id])


def same(sent: Message, read: EmailMessage) -> None:
    meant = message_from_bytes(sent.raw, policy=policy.default)
    assert read["Subject"] == sent.subject
    assert "流式语音识别の研究" in sent.subject or "流式语音识别の研究" in sent_text(meant)
    for header in HEADERS:
        assert read[header] == meant[header], header
    assert read["From"].addresses[0].display_name == "Überblick 週報"
    assert read["DKIM-Signature"]
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    for mine, theirs in zip(meant.walk(), read.walk(), strict=True):
        if not mine.is_multipart():
            assert theirs.get_payload(decode=True) == mine.get_payload(decode=True)
            assert theirs["Content-Transfer-Encoding"] == mine["Content-Transfer-Encoding"]
    for name in ("Jörg Müller", "山田 太郎", "李 明"):
        assert name in sent_text(read)


def sent_text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_wrong_password_and_a_wrong_recipient(trust: ssl.SSLContext) -> None:
    rendered = Renderer("d@digest.test").render(letter(), "nobody@elsewhere.test", NOW)
    with closing(mailer(2587, "starttls", trust, "wrong")) as post, pytest.raises(DeliveryError) as error:
        post.send(rendered, lambda: None)
    assert error.value.stop
    assert "refused the login of d@digest.test (535" in str(error.value)
    with (
        closing(SmtpMailer("localhost", 2465, security="tls", context=trust)) as post,
        pytest.raises(DeliveryError) as error,
    ):
        post.send(rendered, lambda: None)
    assert error.value.stop
    assert "5.7.1" in str(error.value)
