"""The checks one by one, with a DNS, clocks and disks of our own."""

import email.utils
import importlib.metadata
import os
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import dns.exception
import dns.resolver
import pytest

from aggregator import doctor
from aggregator.deliver import SmtpMailer
from aggregator.doctor import Check
from aggregator.embed import SentenceEmbedder
from aggregator.errors import InputError
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.peers import Peer
from tests.stores import DAY, NOW, fresh_store, mail, queue


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        yield opened


# --- the machine ---------------------------------------------------------------------------------------------------


def test_this_python_is_named() -> None:
    check = doctor.python()
    assert check.state in ("ok", "warn")
    assert "CPython 3." in check.text


def test_a_python_without_the_fixes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email.utils, "supports_strict_parsing", False, raising=False)
    check = doctor.python()
    assert (check.state, check.advice) == ("warn", "update Python")
    assert "CVE-2023-27043 (mail addresses)" in check.text


def installed(versions: Mapping[str, str]) -> Any:
    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    return version


NEEDS = ["one>=2", "two", 'three>=1; sys_platform == "nowhere"', 'four>=1; extra == "postgres"']


@pytest.mark.parametrize(
    ("there", "state", "text"),
    [
        ({"us": "1", "one": "2.1", "two": "0"}, "ok", "us 1 and what it needs"),
        ({"us": "1", "one": "2.0b1", "two": "0"}, "fail", "one is 2.0b1, not >=2"),
        ({"us": "1", "one": "1.9"}, "fail", "one is 1.9, not >=2; two is missing"),
        ({}, "warn", "us is not installed, only run from a folder"),
    ],
)
def test_packages(there: Mapping[str, str], state: str, text: str) -> None:
    check = doctor.packages("us", requires=lambda name: NEEDS, version=installed(there))
    assert (check.state, check.text) == (state, text)


@pytest.mark.parametrize(
    ("free", "needs", "state"),
    [(10_000, 100, "ok"), (10, 1, "fail"), (100, 1, "warn"), (1000, 2000, "warn")],
)
def test_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, needs: int, state: str) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, free * 1_000_000))
    check = doctor.room("disk", tmp_path / "not" / "yet", needs * 1_000_000)
    assert check.state == state
    assert f"{free:,} MB free in {tmp_path}/not/yet" in check.text


@pytest.mark.parametrize(
    ("known", "jumped", "state"),
    [((), 0, "ok"), ((-400,), 0.2, "ok"), ((1,), 0, "fail"), ((-1,), 3600, "warn"), ((-1,), -2, "warn")],
)
def test_the_clock(known: tuple[int, ...], jumped: float, state: str) -> None:
    check = doctor.clock(NOW, [NOW + days * DAY for days in known], timedelta(seconds=jumped))
    assert check.state == state


def test_a_clock_that_is_set_while_we_look() -> None:
    walls, steadies = iter([100.0, 163.0]), iter([7.0, 10.0])
    drift = doctor.drift(lambda: next(walls), lambda: next(steadies))
    assert drift() == timedelta(seconds=60)


# --- the database --------------------------------------------------------------------------------------------------


def found(store: Store) -> dict[str, Check]:
    return {check.name: check for check in doctor.database(store)}


@pytest.mark.parametrize("name", ["a.db", "a.db.work.lock", "a.db-wal"])
def test_a_file_of_another_user_is_named(
    store: Store, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.lock("work"):
        queue(store, mail())
    monkeypatch.setattr(os, "access", lambda path, mode, **ids: path != tmp_path / name)
    check = found(store)["writable"]
    assert (check.state, check.text) == ("fail", f"{tmp_path / name} cannot be written by this user")


def test_a_database_that_is_well(store: Store) -> None:
    checks = found(store)
    assert {name: check.state for name, check in checks.items()} == {
        "engine": "ok",
        "database": "ok",
        "writable": "ok",
        "restored": "ok",
        "outbox": "ok",
    }
    assert checks["database"].text.endswith("up to date and sound")


@pytest.mark.parametrize(("version", "state"), [((3, 51, 2), "warn"), ((3, 51, 3), "ok"), ((3, 40, 1), "warn")])
def test_the_sqlite_with_the_bug(
    store: Store, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], state: str
) -> None:
    monkeypatch.setattr(Store, "engine", lambda self: ("SQLite", version))
    assert found(store)["engine"].state == state


def test_a_database_that_is_not_there_or_damaged(store: Store, tmp_path: Path) -> None:
    queue(store, *(mail(number, b"x" * 5000) for number in range(50)))
    store.close()
    assert store.file
    with store.file.open("r+b") as raw:
        raw.seek(4096 * 30)
        raw.write(b"\xff" * 4096 * 20)
    check = found(store)["database"]
    assert check.state == "fail"
    assert "damaged" in check.text
    with Store(f"sqlite:///{tmp_path}/none.db") as none:
        check = found(none)["database"]
    assert check.state == "fail"
    assert "does not exist; run `aggregator migrate`" in check.text


def test_what_waits_for_the_owner(store: Store) -> None:
    queue(store, mail(1))
    store.hold_messages([1])
    store.mark_restored(NOW)
    checks = found(store)
    assert (checks["restored"].state, checks["outbox"].state) == ("fail", "warn")
    assert "2026-11-21 08:00" in checks["restored"].text


def test_postgresql_is_looked_at_too(tmp_path: Path) -> None:
    with fresh_store("postgresql", tmp_path) as store:
        checks = found(store)
    assert {check.state for check in checks.values()} == {"ok"}
    assert "PostgreSQL" in checks["engine"].text
    assert "pg_dump" in checks["database"].text


def test_the_model(tmp_path: Path) -> None:
    assert doctor.model(WordEmbedder()) == Check("model", "ok", "words, weights 1")

    assert doctor.model(SentenceEmbedder(str(tmp_path))).state == "fail"


# --- mail ----------------------------------------------------------------------------------------------------------


def test_secrets_are_never_shown() -> None:
    def missing() -> object:
        raise InputError("a password is needed: set AGGREGATOR_B")

    checks = list(doctor.secrets({"AGGREGATOR_A": lambda: "hunter2", "AGGREGATOR_B": missing}))
    assert [check.state for check in checks] == ["ok", "fail"]
    assert checks[1].text == "a password is needed: set AGGREGATOR_B"
    assert "hunter2" not in repr(checks)


@pytest.fixture
def peer() -> Iterator[Peer]:
    opened = Peer({"EHLO": "250-hi\r\n250 AUTH PLAIN", "AUTH": "235 ok"})
    yield opened
    opened.close()


def test_the_mail_server_is_asked_and_no_mail_sent(peer: Peer) -> None:
    with_login = peer.mailer(user="me", password="hunter2")
    check = doctor.server(with_login.check)
    with_login.close()
    assert check == Check("mail", "ok", f"127.0.0.1:{peer.port} answers in plain text and takes the login of me")
    assert not [said for said in peer.said if said.split()[0] in ("MAIL", "RCPT", "DATA")]


def test_a_mail_server_that_says_no(peer: Peer) -> None:
    peer.replies["AUTH"] = "535 5.7.8 no"
    mailer = peer.mailer(user="me", password="hunter2")
    check = doctor.server(mailer.check)
    mailer.close()
    assert check.state == "fail"
    assert "refused the login of me (535 5.7.8 no)" in check.text
    assert "hunter2" not in check.text
    nobody = SmtpMailer("127.0.0.1", 1, security="none")
    assert "refused the connection" in doctor.server(nobody.check).text


def test_a_folder_and_a_program(tmp_path: Path) -> None:
    assert doctor.folder(tmp_path / "outbox").state == "ok"
    (tmp_path / "file").touch()
    assert doctor.folder(tmp_path / "file" / "outbox").state == "fail"
    assert doctor.program(Path("/bin/sh")).state == "ok"
    assert doctor.program(tmp_path / "file").state == "fail"


@pytest.mark.parametrize(("size", "state"), [(0, "ok"), (90_000, "ok"), (120_000, "warn")])
def test_the_size_of_mails(size: int, state: str) -> None:
    assert doctor.mail_size(size).state == state


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"base_url": "http://x.example"}, {"base_url": "warn"}),
        ({"base_url": "https://x.example"}, {"base_url": "ok"}),
        ({"return_path": "b@x.example"}, {"bounces": "warn"}),
        ({"box": True}, {"bounces": "warn"}),
        ({"box": True, "return_path": "b@x.example"}, {}),
        ({"box": True, "sends": False}, {}),
    ],
)
def test_what_goes_together(changes: dict[str, Any], expected: dict[str, str]) -> None:
    given: dict[str, Any] = {"base_url": "", "return_path": "", "box": False, "sends": True}
    assert {check.name: check.state for check in doctor.pieces(**given | changes)} == expected


# --- the DNS -------------------------------------------------------------------------------------------------------

GOOD = {
    ("lab.example", "MX"): ["10 mx.lab.example."],
    ("lab.example", "TXT"): ["site=1", "v=spf1 include:_spf.example -all"],
    ("s1._domainkey.lab.example", "TXT"): ["v=DKIM1; k=rsa; p=AAAA"],
    ("_dmarc.lab.example", "TXT"): ["v=DMARC1; p=quarantine"],
}


def asked(
    changes: Mapping[tuple[str, str], list[str]] = {},
    *,
    sender: str = "lab.example",
    returns: str = "lab.example",
    selector: str = "s1",
    proves: bool | None = True,
) -> dict[str, Check]:
    world = {**GOOD, **changes}
    domain = doctor.Domain(sender, returns, selector, None if proves is None else lambda record: bool(proves))
    return {check.name: check for check in doctor.records(domain, lambda name, kind: world.get((name, kind), []))}


def test_a_domain_that_is_set_up() -> None:
    assert {name: check.state for name, check in asked().items()} == dict.fromkeys(("mx", "spf", "dkim", "dmarc"), "ok")
    below = asked(sender="mail.lab.example", changes={("s1._domainkey.mail.lab.example", "TXT"): ["p=AAAA"]})
    assert below["dmarc"].text == "_dmarc.lab.example: p=quarantine"


@pytest.mark.parametrize(
    ("changes", "name", "state", "text"),
    [
        ({("lab.example", "MX"): []}, "mx", "fail", "neither an MX record nor an address"),
        ({("lab.example", "MX"): [], ("lab.example", "AAAA"): ["::1"]}, "mx", "ok", "without an MX"),
        ({("lab.example", "MX"): ["0 ."]}, "mx", "warn", "takes no mail"),
        ({("lab.example", "TXT"): []}, "spf", "warn", "no SPF record"),
        ({("lab.example", "TXT"): ["v=spf1 -all", "v=spf1 a -all"]}, "spf", "fail", "2 SPF records"),
        ({("lab.example", "TXT"): ["v=spf1 a +all"]}, "spf", "warn", "lets everybody send"),
        ({("lab.example", "TXT"): ["v=spf1 redirect=x.example"]}, "spf", "ok", "redirect"),
        ({("lab.example", "TXT"): ["v=spf1 a:mail.all.org mx"]}, "spf", "ok", "mail.all.org"),
        ({("lab.example", "TXT"): ["v=spf1 mx all -all"]}, "spf", "warn", "lets everybody send"),
        ({("lab.example", "TXT"): ["v=spf10 -all"]}, "spf", "warn", "no SPF record"),
        ({("s1._domainkey.lab.example", "TXT"): []}, "dkim", "fail", "has no key"),
        ({("s1._domainkey.lab.example", "TXT"): ["v=DKIM1; p="]}, "dkim", "fail", "is revoked"),
        ({("_dmarc.lab.example", "TXT"): []}, "dmarc", "warn", "no DMARC record"),
        ({("_dmarc.lab.example", "TXT"): ["v=DMARC1; p=none"] * 2}, "dmarc", "fail", "2 records"),
    ],
)
def test_records_that_lack_something(
    changes: dict[tuple[str, str], list[str]], name: str, state: str, text: str
) -> None:
    check = asked(changes)[name]
    assert check.state == state
    assert text in check.text


def test_the_key_is_held_against_the_record() -> None:
    assert asked(proves=False)["dkim"].state == "fail"
    assert asked(proves=None)["dkim"].state == "warn"
    assert asked(selector="")["dkim"].state == "warn"


def test_a_return_path_elsewhere_needs_a_signature() -> None:
    elsewhere = {("post.example", "MX"): ["1 mx.post.example."], ("post.example", "TXT"): ["v=spf1 a -all"]}
    assert asked(elsewhere, returns="post.example")["dmarc"].state == "ok"
    assert asked(elsewhere, returns="post.example", selector="")["dmarc"].state == "warn"
    assert asked(returns="lab.example", sender="news.lab.example", selector="")["dmarc"].state == "ok"


def test_a_dns_that_cannot_be_asked_is_no_failure() -> None:
    def silent(name: str, kind: str) -> list[str]:
        raise doctor.UnreachableError("no answer in 3 s")

    checks = list(doctor.records(doctor.Domain("lab.example", "lab.example"), silent))
    assert {check.state for check in checks if check.name != "dkim"} == {"skip"}
    assert "no answer in 3 s" in checks[0].text


class Resolver:
    """What dnspython's answers are made of."""

    said: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[str]] = []

    def resolve(self, name: str, kind: str, *, lifetime: float, search: bool) -> list[Any]:
        Resolver.asked.append(name)
        answer = self.said[name]
        if isinstance(answer, BaseException):
            raise answer
        return [dns.rdata.from_text("IN", kind, text) for text in answer]


def test_dnspython_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns.resolver, "Resolver", Resolver)
    empty = dns.message.make_response(dns.message.make_query("x", "TXT"))
    long = '"v=spf1 include:one " "include:two -all"'
    said: dict[str, Any] = {
        "a.example": [long],
        "mx.example": ["10 mail.example."],
        "none.example": dns.resolver.NXDOMAIN(),  # type: ignore[no-untyped-call]
        "empty.example": dns.resolver.NoAnswer(response=empty),  # type: ignore[no-untyped-call]
        "late.example": dns.exception.Timeout(),  # type: ignore[no-untyped-call]
    }
    Resolver.said.clear()
    Resolver.said.update(said)
    Resolver.asked.clear()
    lookup = doctor.resolver()
    assert lookup("a.example", "TXT") == ["v=spf1 include:one include:two -all"]
    assert lookup("mx.example", "MX") == ["10 mail.example."]
    assert lookup("none.example", "TXT") == lookup("empty.example", "TXT") == []
    for name in ("late.example", "a.example"):
        with pytest.raises(doctor.UnreachableError):
            lookup(name, "TXT")
    assert Resolver.asked[-1] == "late.example"  # one that is late is not followed by others


def test_a_real_key_proves_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aggregator import office
    from tests.dkim_keys import names as dkim_names
    from tests.dkim_keys import private_key
    from tests.test_app_mail import config

    monkeypatch.setenv("AGGREGATOR_DKIM_KEY", private_key())
    proves = office.proves(config(tmp_path, 'dkim_selector = "s1"'))
    other = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True, text=True).stdout
    right, wrong = ((dkim_names(key, "x")(b"x") or b"").decode() for key in (private_key(), other))
    assert proves(right)
    assert not proves(wrong)
    assert not proves("v=DKIM1; p=nonsense")
