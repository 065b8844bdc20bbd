"""deliver, over a true mail path: SMTP to Postfix, signed by OpenDKIM, delivered by LMTP, read back over IMAP.

Fifty words that break mails stand as title, author, source, profile and sender; our own DKIM signature and OpenDKIM's
are verified on what arrived, whose bytes end with those that were stored.
"""

import imaplib
import os
import re
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

import dkim
import pytest

from aggregator.deliver import SmtpMailer
from aggregator.errors import DeliveryError
from aggregator.model import Digest, Message
from aggregator.render import Renderer, mail
from aggregator.render.sign import signer
from aggregator.render.words import clean
from aggregator.tokens import keyring, read, read_return_path
from tests.dkim_keys import names, private_key
from tests.hostile_words import WORDS
from tests.letters import NOW, PROFILE, digest, pick

TOOLS = Path(__file__).parents[2] / "shared" / "tools" / "mailpath"
FOLDER = Path("/srv/aggregator-mailpath")
PROGRAMS = ("postfix", "dovecot", "opendkim", "openssl")
KEYS = keyring("k" * 32)
OURS = [
    "DKIM-Signature", "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Archive", "List-Unsubscribe",
    "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence", "MIME-Version", "Content-Type",
]  # fmt: skip
THEIRS = {"Return-Path": 1, "Delivered-To": 1, "Received": 2, "DKIM-Signature": 1}
"""What Postfix, OpenDKIM and Dovecot put on top, and how often."""
BOTH = {"list-unsubscribe", "list-unsubscribe-post"}
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


def bytes_back(to: str, count: int) -> list[bytes]:
    """The mailbox of a reader, once it has so many messages."""
    for _ in range(100):
        box = imaplib.IMAP4("127.0.0.1", 2143, timeout=10)
        try:
            box.login(to, "secret")
            box.select("INBOX", readonly=True)
            numbers = box.search(None, "ALL")[1][0].split()
            if len(numbers) >= count:
                raws = [box.fetch(number, "(RFC822)")[1][0][1] for number in numbers]  # type: ignore[index]
                return [bytes(raw) for raw in raws]
        finally:
            box.logout()
        time.sleep(0.2)
    raise AssertionError(f"{to} has fewer than {count} messages")


def read_back(to: str, count: int) -> list[EmailMessage]:
    """The same as messages."""
    return [message_from_bytes(raw, policy=policy.default) for raw in bytes_back(to, count)]


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
    assert error.value.policy
    assert "5.7.1" in str(error.value)


# --- fifty hostile words -------------------------------------------------------------------------------------------


def hostile(word: str, number: int, to: str) -> Message:
    """A letter in which the word stands wherever it can, signed by us."""
    name = re.sub(
        "[<>\\u200b-\\u200f\\u061c\\ufeff]", "", clean(word, 150)
    )  # config.toml refuses these in [mail] sender
    profile = replace(PROFILE, name=f"{word} {number}".replace("\ud800", ""))
    found = [
        pick(word, summary=f"{word}\n.\nFrom here on: {word}", authors=(word, "李 明"), number=f"2611.{number:05}"),
        pick(word, kind="post", source=word, url=f"https://example.org/{number}", summary=word),
    ]
    renderer = Renderer(
        f"{name} <d@digest.test>",
        "https://digest.test",
        keys=KEYS,
        return_path="bounces@digest.test",
        sign=signer("digest.test", "ours", private_key()),
    )
    return renderer.render(digest(found, profile=profile), to, NOW)


def signatures(raw: bytes) -> list[tuple[str, list[str]]]:
    """The selector and the signed headers of each signature that is valid, the topmost first."""
    public = (FOLDER / "dk" / "pub.b64").read_bytes().strip()
    ours = names(private_key(), "ours._domainkey.digest.test")

    def name_server(name: bytes, timeout: int = 5) -> bytes | None:
        return b"v=DKIM1; k=rsa; p=" + public if name.startswith(b"s1.") else ours(name)

    found = []
    for place in range(2):
        whole = dkim.DKIM(raw)
        if whole.verify(place, dnsfunc=name_server):
            found.append((whole.selector.decode(), [name.decode().lower() for name in whole.include_headers]))
    return found


def test_fifty_hostile_words(trust: ssl.SSLContext) -> None:
    to = "hostile@inbox.test"
    sent = {message.message_id: message for message in (hostile(word, n, to) for n, word in enumerate(WORDS))}
    assert len(sent) == len(WORDS) == 50
    with closing(mailer(2587, "starttls", trust)) as post:
        for message in sent.values():
            post.send(message, lambda: None)
    raws = bytes_back(to, 50)
    assert {message_from_bytes(raw, policy=policy.default)["Message-ID"] for raw in raws} == set(sent)
    for raw in raws:
        arrived(raw, sent[message_from_bytes(raw, policy=policy.default)["Message-ID"]], to)


def arrived(raw: bytes, sent: Message, to: str) -> None:
    """One message is what was stored, below what the servers put on top, and both signatures are valid."""
    assert raw.endswith(sent.raw)
    top = message_from_bytes(raw[: -len(sent.raw)] + b"\r\n", policy=policy.compat32)
    assert {name: top.keys().count(name) for name in top.keys()} == THEIRS  # noqa: SIM118
    read_again = message_from_bytes(raw, policy=policy.default)
    assert read_again.keys()[len(top.keys()) :] == OURS
    assert read_again["Subject"] == sent.subject
    assert [address.addr_spec for address in read_again["To"].addresses] == [to]
    assert [address.addr_spec for address in read_again["From"].addresses] == ["d@digest.test"]
    selectors = dict(signatures(raw))
    assert set(selectors) == {"s1", "ours"}
    for covered in selectors.values():
        assert {name for name in BOTH if covered.count(name) == 2} == BOTH
    assert str(read_again["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    (web,) = re.findall(r"(?m)^List-Unsubscribe: <https://digest\.test/u/([\w-]{27})>,", raw.decode("ascii"))
    grant = read(KEYS, "unsubscribe", web)
    assert grant is not None
    assert grant.reader
    mark = read_return_path(KEYS, str(read_again["Return-Path"]))
    assert mark is not None
    assert sent.message_id.endswith(f".{mark}@digest.test>")


def test_a_signed_message_that_was_changed_on_the_way_is_not_valid(trust: ssl.SSLContext) -> None:
    to = "tampered@inbox.test"
    with closing(mailer(2465, "tls", trust)) as post:
        post.send(hostile("Streaming", 1, to), lambda: None)
    (raw,) = bytes_back(to, 1)
    assert len(signatures(raw)) == 2
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post"):
        changed = re.sub(rb"(?m)^%s: " % name.encode(), b"%s: x" % name.encode(), raw)
        assert changed != raw
        assert signatures(changed) == []
        assert signatures(name.encode() + b": <https://evil.example.org>\r\n" + raw) == []
    assert signatures(b"Subject: a second one\r\n" + raw) == []


def test_dots_and_from_lines_arrive_as_they_were(trust: ssl.SSLContext) -> None:
    """Bodies as no template writes them: dots alone, lines that begin with "From ", lines of thousands of letters."""
    to = "dots@inbox.test"
    text = "\n".join(
        [".", "..", ". ", "From here", ">From there", ".\r", "QUIT", "x" * 5000, "語" * 999, "--=_mark--", "", ""]
    )
    plain = hostile("Streaming", 2, to)
    head = [(name, value) for name, value in message_from_bytes(plain.raw, policy=policy.compat32).items()][1:]
    sign = signer("digest.test", "ours", private_key())
    message = replace(plain, raw=sign(mail.assembled(head, text, f"<p>{text}</p>"), NOW))
    with closing(mailer(2587, "starttls", trust)) as post:
        post.send(message, lambda: None)
    (raw,) = bytes_back(to, 1)
    assert raw.endswith(message.raw)
    assert {selector for selector, _ in signatures(raw)} == {"s1", "ours"}
    body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == text.replace("\r", "").rstrip("\n") + "\n"
