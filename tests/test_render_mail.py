"""render.mail: the headers of a digest to the letter, whatever the names and titles in it are."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aggregator.errors import RenderError
from aggregator.model import Message
from aggregator.render import Renderer, mail
from aggregator.render.links import Home
from aggregator.render.words import clean
from aggregator.shipped import shipped
from aggregator.tokens import keyring, read, read_return_path, reader_mark
from tests.letters import HOSTILE, NOW, PROFILE, digest, pick

TO = "kim@example.org"
BASE = "https://digest.example.org"
KEYS = keyring("k" * 32)
SENDER = "Paper digest <digest@example.org>"
ALWAYS = [
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "Feedback-ID", "Auto-Submitted",
    "Precedence", "MIME-Version", "Content-Type",
]  # fmt: skip
AT_HOME = [
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Archive", "List-Unsubscribe",
    "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence", "MIME-Version", "Content-Type",
]  # fmt: skip


def rendered(sender: str = SENDER, base_url: str = BASE, profile: str = "speech", **options: Any) -> Message:
    found = options.pop("found", None)
    renderer = Renderer(sender, base_url, keys=KEYS, **options)
    return renderer.render(digest(found, profile=replace(PROFILE, name=profile)), TO, NOW)


def parsed(message: Message) -> EmailMessage:
    found = message_from_bytes(message.raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def lines(message: Message) -> list[bytes]:
    """The header's lines as they stand."""
    return message.raw.partition(b"\r\n\r\n")[0].split(b"\r\n")


def raw(message: Message, name: str) -> str:
    """A header's value, unfolded and not decoded; there must be one."""
    head = re.sub(rb"\r\n([ \t])", rb"\1", message.raw.partition(b"\r\n\r\n")[0]).decode("ascii")
    (value,) = re.findall(rf"(?m)^{name}: (.*?)\r?$", head)
    return str(value)


# --- with and without a web address --------------------------------------------------------------------------------


def test_headers_with_a_home() -> None:
    message = rendered()
    found = parsed(message)
    assert found.keys() == AT_HOME
    assert not found.defects
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Precedence"] == "bulk"
    assert re.fullmatch(r"2026-W47:speech:digest:[0-9a-f]{12}", found["Feedback-ID"])
    assert found["Date"] == "Sat, 21 Nov 2026 08:00:00 +0100"
    assert found["To"].addresses == (Address("", "kim", "example.org"),)
    web, _, mailto = raw(message, "List-Unsubscribe").partition(", ")
    assert mailto == "<mailto:digest@example.org?subject=unsubscribe%20speech>"
    start, _, token = web.strip("<>").rpartition("/")
    assert start == f"{BASE}/u"
    grant = read(KEYS, "unsubscribe", token)
    assert grant is not None
    assert grant.reader == reader_mark("speech", TO)
    start, _, token = raw(message, "List-Archive").strip("<>").rpartition("/")
    assert start == f"{BASE}/a"
    assert read(KEYS, "archive", token) is not None


def test_headers_without_a_home() -> None:
    message = rendered(base_url="")
    assert parsed(message).keys() == ALWAYS
    assert raw(message, "List-Unsubscribe") == "<mailto:digest@example.org?subject=unsubscribe%20speech>"


def test_no_one_click_without_https() -> None:
    message = rendered(base_url="http://localhost:8000")
    assert parsed(message).keys() == [name for name in AT_HOME if name != "List-Unsubscribe-Post"]
    assert raw(message, "List-Unsubscribe") == "<mailto:digest@example.org?subject=unsubscribe%20speech>"


def test_the_longest_list_unsubscribe_is_raw() -> None:
    base = "https://" + "sub.digest-of-papers." * 8 + "example.org"
    message = rendered(base_url=base, profile="Größe & 音声 " + "x" * 200)
    value = raw(message, "List-Unsubscribe")
    assert re.fullmatch(r"<https://[a-z.-]+/u/[A-Za-z0-9_-]{27}>, <mailto:[!-;=?-~]+>", value)
    assert "=?" not in value
    assert value.count("https:") == 1
    assert max(map(len, lines(message))) <= 998


def test_the_return_path_names_the_message() -> None:
    plain = rendered()
    assert plain.sender == "digest@example.org"
    verp = rendered(return_path="bounces@mail.example.org")
    assert re.fullmatch(r"bounces\+[0-9a-f]{32}@mail\.example\.org", verp.sender)
    mark = read_return_path(KEYS, verp.sender)
    assert mark is not None
    assert verp.message_id.endswith(f".{mark}@example.org>")
    assert verp.raw == plain.raw


def test_no_reader_is_named_in_a_link() -> None:
    message = rendered(profile="secret-interest")
    for name in ("List-Archive", "List-Unsubscribe"):
        web = raw(message, name).partition(">")[0]
        assert "kim" not in web
        assert "secret" not in web


# --- List-Id -------------------------------------------------------------------------------------------------------

PROFILES = ["speech", "Speech & music", "音声", "Größe & 音声 " + "x" * 200, "x" * 300, 'quo"te\\ <a@b>, c; d',
            "two words", "a.b", "ASCII " * 30, "émile", "-", "=?utf-8?q?x=0D=0ABcc:?=", "🎙" * 60]  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
def test_list_id_has_a_name_and_is_never_folded_inside(profile: str) -> None:
    message = rendered(profile=profile)
    found = parsed(message)
    assert found.keys() == AT_HOME
    value = raw(message, "List-Id")
    name, _, identifier = value.rpartition(" ")
    assert re.fullmatch(r"<[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\.digest\.example\.org>", identifier)
    assert any(line.endswith(identifier.encode()) for line in lines(message))
    written = str(make_header(decode_header(name)))
    written = re.sub(r"\\(.)", r"\1", written[1:-1]) if written.startswith('"') else written
    assert written == clean(profile, 100)
    assert max(map(len, (line for line in lines(message) if not line.startswith(b" <mailto:")))) <= 78


def test_list_ids_differ_where_names_do() -> None:
    identifiers = {name: raw(rendered(profile=name), "List-Id").rpartition(" ")[2] for name in
                   (*PROFILES, "音楽", "Speech, music", "x" * 299, "speech!", "Größe", "Grösse", "Grosse")}  # fmt: skip
    assert len(set(identifiers.values())) == len(identifiers)
    assert identifiers["speech"] == "<speech.digest.example.org>"
    assert identifiers["two words"] == "<two-words.digest.example.org>"


# --- names and subjects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Digest, Daily", 'The "Papers"', "a.b.c", "Ein sehr langer Name " * 9, "Überblick über sehr viele Arbeiten " * 5,
     "论文摘要", "ملخص الأوراق", "x" * 190, "a;b:c@d", "back\\slash, comma", "🎙️ Papers 👩‍🔬", "two  blanks",
     "=?utf-8?q?x?=", "क्\u200dष"],
)  # fmt: skip
def test_sender_names_are_read_as_they_are_meant(name: str) -> None:
    message = rendered(f"{name} <d@example.org>")
    found = parsed(message)
    assert found.keys() == AT_HOME
    (address,) = found["From"].addresses
    assert address.addr_spec == "d@example.org"
    value = raw(message, "From").rpartition(" <")[0]
    read_name = str(make_header(decode_header(value)))
    read_name = re.sub(r"\\(.)", r"\1", read_name[1:-1]) if read_name.startswith('"') else read_name
    meant = " ".join(name.replace("=?", "= ?").split())
    assert read_name == meant
    assert all(len(line) <= 78 for line in lines(message) if not line.startswith(b" <mailto:"))


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(RenderError, match="is not a mail address"):
        Renderer(f"{'x' * 201} <d@example.org>")


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_subject_is_read_as_it_was_written(text: str) -> None:
    subject = clean(text, 200)
    assume(subject)
    head = mail.headers(
        sender=mail.address("Überblick <d@example.org>"), to=mail.address(TO), subject=subject, now=NOW,
        profile=subject[:60], period="2026-W47", links=Home(mail.address("d@example.org")).links("x", "0" * 16, TO),
    )  # fmt: skip
    whole = mail.assembled(head, "text", "<p>html</p>")
    found = message_from_bytes(whole, policy=policy.compat32)
    assert found.keys() == [name for name, _ in head] == ALWAYS
    assert str(make_header(decode_header(re.sub(r"\r\n(?=[ \t])", "", found["Subject"])))) == subject
    assert all(len(line) <= 78 for line in whole.partition(b"\r\n\r\n")[0].split(b"\r\n"))
    for word in re.findall(rb"=\?utf-8\?.*?\?=", whole.partition(b"\r\n\r\n")[0]):
        assert len(word) <= 75


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_and_no_name_makes_a_header(title: str) -> None:
    name = re.sub("[<>]", "", clean(title, 80))
    profile = title.replace("\ud800", "")  # TOML has no such character
    message = rendered(f"{name} <d@example.org>", profile=profile, found=[pick(title)])
    found = parsed(message)
    assert found.keys() == AT_HOME
    assert found["Subject"] == message.subject
    assert not [line for line in lines(message) if len(line) > 78 and not line.startswith(b" <mailto:")]


def test_no_template_makes_a_header(tmp_path: Path) -> None:
    for template in shipped("templates/email").iterdir():
        (tmp_path / template.name).write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "digest.subject.txt").write_text("Hi\r\nBcc: evil@example.org\r\n\r\n=?utf-8?q?=0D=0ABcc:_x?=")
    assert parsed(rendered(templates=tmp_path)).keys() == AT_HOME


@pytest.mark.parametrize(
    ("name", "value"),
    [("Subject", "a\r\nBcc: b@example.org"), ("Subject", "a\r\n\r\nbody"), ("Subject", "a\nBcc: b"), ("X: y", "z"),
     ("Subject", "a\r\n \r\nBcc: b"), ("Subject", "é"), ("Subject", "x" * 999), ("Subject", "a\rBcc: b"), ("", "x")],
)  # fmt: skip
def test_a_broken_header_is_found_before_it_is_stored(name: str, value: str) -> None:
    head = [("From", "d@example.org"), (name, value), ("Content-Type", 'multipart/alternative; boundary="=_x"')]
    with pytest.raises(RenderError, match="came out broken; nothing was queued"):
        mail.assembled(head, "text", "html")


def test_a_subject_that_python_folds_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As 3.12.5 to 3.13 did with encoded words (CPython gh-144156)."""
    monkeypatch.setattr(Header, "encode", lambda self, linesep: "=?utf-8?q?=C3=BCb_er?=")
    with pytest.raises(RenderError, match="does not read as it was written; nothing was queued"):
        rendered(found=[pick("Über")], base_url="")
