"""A Maildir gets each message once and whole, under names that any mail program understands."""

import mailbox
import os
from pathlib import Path

import pytest

from aggregator.deliver import MaildirMailer
from aggregator.deliver import maildir as module
from aggregator.errors import DeliveryError
from aggregator.model import Message

RAW = b"From: digest@example.org\r\nDate: Sat, 21 Nov 2026 08:00:00 +0000\r\nSubject: x\r\n\r\n.\r\nFrom here\r\n"


def message(raw: bytes = RAW, key: str = "me/2026-W47/kim@example.net") -> Message:
    return Message(key, "digest@example.org", "kim@example.net", "<1@example.org>", "x", raw)


def nothing() -> None:
    pass


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_message_appears_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "Maildir"
    seen: list[list[str]] = []
    mailer = MaildirMailer(folder)
    assert mailer.send(message(), lambda: seen.append(files(folder))) == ""
    mailer.close()
    (name,) = files(folder)
    assert seen == [[name.replace("new/", "tmp/")]]
    assert name.startswith("new/1795248000.")
    assert name.endswith(".aggregator")
    assert ":" not in name
    assert (folder / name).read_bytes() == RAW.replace(b"\r\n", b"\n")
    assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["cur", "new", "tmp"]


def test_it_is_flushed_before_it_is_seen_and_so_is_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real, rename = os.fsync, Path.rename

    def flushed(handle: int) -> None:
        order.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    def renamed(path: Path, target: Path) -> Path:
        order.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "rename", renamed)
    MaildirMailer(tmp_path).send(message(), lambda: order.append("mark"))
    assert [Path(step).parts[-2] if "/tmp/1795" in step else Path(step).name for step in order] == [
        "tmp", "mark", "rename", "new",
    ]  # fmt: skip


@pytest.mark.parametrize("moved", ["", "cur/{}:2,S", "cur/{}:2,FRS", "cur/{}"])
def test_the_same_message_is_one_file(tmp_path: Path, moved: str) -> None:
    first = MaildirMailer(tmp_path)
    first.send(message(), nothing)
    first.send(message(), nothing)
    (name,) = files(tmp_path)
    if moved:
        (tmp_path / name).rename(tmp_path / moved.format(Path(name).name))
    marks: list[int] = []
    assert MaildirMailer(tmp_path).send(message(), lambda: marks.append(1)) == "it was there already"
    assert marks == [1]
    assert len(files(tmp_path)) == 1


def test_other_messages_are_other_files(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path)
    raws = (RAW, RAW.replace(b"x", b"y"), RAW.replace(b"Date", b"X-Date"), RAW.replace(b"2026 08", b"99999 08"))
    for key in ("me/2026-W47/kim@example.net", "me/2026-W48/kim@example.net", "../../../me\0/\ud800"):
        for raw in raws:
            mailer.send(message(raw, key), nothing)
    assert len(files(tmp_path)) == 3 * len(raws)
    assert all(name.startswith("new/") for name in files(tmp_path))


def test_what_is_left_of_a_crash_is_written_over(tmp_path: Path) -> None:
    class Crash(BaseException):
        pass

    def crash() -> None:
        raise Crash

    mailer = MaildirMailer(tmp_path)
    with pytest.raises(Crash):
        mailer.send(message(), crash)
    assert files(tmp_path) == [], "what was withheld is not left lying about"
    (tmp_path / "tmp" / module._name(message())).write_bytes(b"half of")
    mailer.send(message(), nothing)
    (name,) = files(tmp_path)
    assert (tmp_path / name).read_bytes() == RAW.replace(b"\r\n", b"\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DeliveryError, match="Permission denied"):
        MaildirMailer(tmp_path / "Maildir").send(message(), nothing)


def test_a_file_in_its_place_and_a_full_disk_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"cannot deliver to the Maildir .*; make room there") as caught:
        MaildirMailer(tmp_path / "file").send(message(), nothing)
    assert (caught.value.stop, caught.value.untried) == (True, True)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match="No space left on device"):
        MaildirMailer(tmp_path / "Maildir").send(message(), nothing)
    assert files(tmp_path / "Maildir") == []


def test_a_mail_program_reads_it(tmp_path: Path) -> None:
    raw = (
        b"From: =?utf-8?q?=C3=9Cberblick?=\r\n <digest@example.org>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative; boundary="=_x"\r\n\r\n'
        b"--=_x\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nf=C3=BCr =\r\ndich\r\n\r\n--=_x--\r\n"
    )
    MaildirMailer(tmp_path).send(message(raw), nothing)
    (read,) = mailbox.Maildir(tmp_path, create=False)
    assert read["From"] == "=?utf-8?q?=C3=9Cberblick?=\n <digest@example.org>"
    _, part = read.walk()
    assert part.get_payload(decode=True) == "für dich\n".encode()
