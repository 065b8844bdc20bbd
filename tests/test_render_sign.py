"""sign: the DKIM signature is valid, covers what it should, breaks when it should, and never shows the key."""

import re
import shutil
from datetime import UTC, datetime, timedelta

import dkim
import pytest

from aggregator.errors import InputError
from aggregator.render import Renderer
from aggregator.render.sign import OVERSIGNED, signer
from aggregator.tokens import keyring
from tests.dkim_keys import names, private_key
from tests.letters import HOSTILE, NOW, digest, pick

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the keys and is not here")

TO = "kim@example.org"
COVERED = {
    "from", "subject", "date", "to", "message-id", "mime-version", "content-type", "list-id", "list-unsubscribe",
    "list-unsubscribe-post",
}  # fmt: skip


def signed(title: str = "", *, base_url: str = "https://digest.example.org", now: datetime = NOW) -> bytes:
    renderer = Renderer(
        "Überblick 週報 <digest@example.org>",
        base_url,
        keys=keyring("k" * 32),
        sign=signer("example.org", "s1", private_key()),
    )
    return renderer.render(digest([pick(title)] if title else None), TO, now).raw


def is_valid(raw: bytes) -> bool:
    return bool(dkim.verify(raw, dnsfunc=names(private_key(), "s1._domainkey.example.org")))


def tags(raw: bytes) -> dict[str, str]:
    header = re.sub(rb"\r\n[ \t]+", b" ", raw).split(b"\r\n", 1)[0].decode()
    name, _, value = header.partition(": ")
    assert name == "DKIM-Signature"
    return {key.strip(): text.replace(" ", "") for key, _, text in (tag.partition("=") for tag in value.split(";"))}


def test_a_signature_is_valid_and_covers_both_unsubscribe_headers() -> None:
    raw = signed()
    assert is_valid(raw)
    found = tags(raw)
    assert (found["c"], found["a"], found["d"], found["s"]) == ("relaxed/relaxed", "rsa-sha256", "example.org", "s1")
    covered = found["h"].split(":")
    assert set(covered) >= COVERED
    assert {name for name in covered if covered.count(name) == 2} == {name.lower() for name in OVERSIGNED}
    assert "l" not in found


def test_the_header_comes_first_in_short_lines_and_the_rest_is_untouched() -> None:
    raw = signed()
    header, end, rest = raw.partition(b"\r\nFrom: ")
    assert end
    assert b"From: " + rest == Renderer("Überblick 週報 <digest@example.org>", "https://digest.example.org",
                                        keys=keyring("k" * 32)).render(digest(), TO, NOW).raw  # fmt: skip
    assert max(map(len, header.split(b"\r\n"))) <= 78
    assert header.count(b"\n") == header.count(b"\r\n")


def test_equal_input_gives_equal_bytes_and_the_time_is_that_of_the_date() -> None:
    assert signed() == signed()
    assert tags(signed())["t"] == str(int(NOW.timestamp()))
    later = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(microseconds=900_000)
    assert tags(signed(now=later))["t"] == "1893553445"
    assert is_valid(signed(now=later - timedelta(days=1500)))


@pytest.mark.parametrize("title", HOSTILE)
def test_any_title_can_be_signed(title: str) -> None:
    assert is_valid(signed(title))


@pytest.mark.parametrize("name", sorted(COVERED))
def test_a_changed_header_breaks_it(name: str) -> None:
    raw = signed()
    head, _, body = raw.partition(b"\r\n\r\n")
    changed = re.sub(rb"(?im)^(%s: *[\"<]?)" % name.encode(), rb"\1x", head)
    assert changed != head
    assert not is_valid(changed + b"\r\n\r\n" + body)


@pytest.mark.parametrize("name", sorted(COVERED))
def test_a_header_taken_away_breaks_it(name: str) -> None:
    raw = signed()
    head, _, body = raw.partition(b"\r\n\r\n")
    changed = re.sub(rb"(?im)^%s:.*(\r\n[ \t].*)*\r\n" % name.encode(), b"", head + b"\r\n")
    assert len(changed) < len(head)
    assert not is_valid(changed + b"\r\n" + body)


@pytest.mark.parametrize("base_url", ["https://digest.example.org", ""])
@pytest.mark.parametrize("name", OVERSIGNED)
def test_one_more_of_an_oversigned_header_breaks_it(name: str, base_url: str) -> None:
    raw = signed(base_url=base_url)
    assert is_valid(raw)
    more = f"{name}: <https://evil.example.org>\r\n".encode()
    assert not is_valid(more + raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert not is_valid(head + b"\r\n" + more.rstrip() + b"\r\n\r\n" + body)


def test_a_changed_body_breaks_it() -> None:
    assert not is_valid(signed().replace(b"<table", b"<tablet", 1).replace(b"paper", b"piper", 1))


def test_keys_of_both_forms_and_with_other_line_ends() -> None:
    modern = private_key(2048, "")
    assert "BEGIN PRIVATE KEY" in modern
    assert "BEGIN RSA PRIVATE KEY" in private_key()
    raw = signed()
    bare = raw.partition(b"\r\nFrom: ")[2]
    sign = signer("example.org", "s1", private_key().replace("\n", "\r\n") + "\r\n\r\n")
    assert sign(b"From: " + bare, NOW) == raw
    other = signer("example.org", "s1", modern)(b"From: " + bare, NOW)
    assert dkim.verify(other, dnsfunc=names(modern, "s1._domainkey.example.org"))


def test_a_bad_key_is_one_line_without_the_key() -> None:
    whole = private_key()
    lines = whole.splitlines()
    damaged = "\n".join([*lines[:15], lines[15][::-1], *lines[16:]])
    for bad in ("", "nonsense", whole[: len(whole) // 2], damaged, whole.replace("\n", ""), names_only(whole),
                "-----BEGIN RSA PRIVATE KEY-----\n!!!\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "ключ"):  # fmt: skip
        with pytest.raises(InputError, match=r"AGGREGATOR_DKIM_KEY is no RSA private key .*openssl genrsa") as error:
            signer("example.org", "s1", bad)
        assert "\n" not in str(error.value)
        assert error.value.__cause__ is None
        assert not any(line[:12] in str(error.value) for line in lines[1:-1])


def names_only(pem: str) -> str:
    lines = pem.splitlines()
    return "\n".join([lines[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,00", "", *lines[1:]])


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InputError, match="a key of 1024 bits, which mail providers no longer trust"):
        signer("example.org", "s1", private_key(1024))


def test_a_signature_that_would_be_broken_by_its_length_is_not_made() -> None:
    domain = ".".join(("x" * 20,) * 3) + ".org"
    for good in (domain, "y" + domain):
        raw = signer(good, "s1", private_key())(f"From: a@{good}\r\n\r\nx\r\n".encode(), NOW)
        assert dkim.verify(raw, dnsfunc=names(private_key(), f"s1._domainkey.{good}"))
    for long in (f"yy{domain}", f"{domain}.{domain}"):
        with pytest.raises(InputError, match="is too long to be in a DKIM signature made here; let your mail server"):
            signer(long, "s1", private_key())
