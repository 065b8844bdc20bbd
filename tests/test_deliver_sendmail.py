"""A mail program gets the envelope and the bytes, and each of its exit codes means what sysexits.h says."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.deliver import SendmailMailer
from aggregator.errors import DeliveryError
from aggregator.model import Message

RAW = b"From: digest@example.org\r\nSubject: x\r\n\r\n.\r\n..\r\nFrom here\r\n" + b"long line\r\n" * 20_000


def message(sender: str = "bounces+0123@example.org", to: str = "kim@example.net") -> Message:
    return Message(f"me/2026-W47/{to}", sender, to, "<1@example.org>", "x", RAW)


def nothing() -> None:
    pass


def program(folder: Path, script: str) -> Path:
    """A sendmail that notes its arguments and what it reads, and then runs a script."""
    path = folder / "send mail;$(x)"
    path.write_text(f'#!/bin/sh\ncd "{folder}"\nprintf "%s\\n" "$@" > arguments\n{script}\n')
    path.chmod(0o755)
    return path


def test_it_gets_the_envelope_and_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_SECRET", "s" * 40)
    monkeypatch.setenv("OTHER", "1")
    mailer = SendmailMailer(program(tmp_path, "cat > got; env > environment; echo queued as 4711"))
    marks: list[bool] = []
    assert mailer.send(message(), lambda: marks.append((tmp_path / "arguments").exists())) == "queued as 4711"
    mailer.close()
    assert marks == [False]
    assert (tmp_path / "arguments").read_text().splitlines() == [
        "-i", "-f", "bounces+0123@example.org", "--", "kim@example.net",
    ]  # fmt: skip
    assert (tmp_path / "got").read_bytes() == RAW.replace(b"\r\n", b"\n")
    environment = (tmp_path / "environment").read_text()
    assert "OTHER=1" in environment
    assert "AGGREGATOR_" not in environment


def test_an_address_is_never_an_option_or_a_command(tmp_path: Path) -> None:
    mailer = SendmailMailer(program(tmp_path, "cat > got"))
    mailer.send(message(to="-bd@example.net;touch x"[:15]), nothing)
    assert (tmp_path / "arguments").read_text().splitlines()[-2:] == ["--", "-bd@example.net"]
    for wrong in ("jörg@example.net", "a b@example.net", "a@example.net\nb@example.net", ""):
        with pytest.raises(DeliveryError, match="not in plain letters") as caught:
            mailer.send(message(to=wrong), nothing)
        assert caught.value.permanent


@pytest.mark.parametrize(
    ("code", "said", "flags"),
    [
        (64, "usage", {"permanent", "stop"}),
        (65, "data error", {"permanent"}),
        (66, "no input", set()),
        (67, "no such user", {"permanent", "gone"}),
        (68, "no such host", {"permanent", "gone"}),
        (69, "unavailable", set()),
        (70, "internal error", set()),
        (71, "system error", {"stop"}),
        (72, "system file missing", {"permanent", "stop"}),
        (73, "cannot create", {"stop"}),
        (74, "input/output error", {"stop"}),
        (75, "temporary failure", set()),
        (76, "protocol error", set()),
        (77, "not permitted", {"permanent", "stop"}),
        (78, "configuration error", {"permanent", "stop"}),
        (127, "not found", {"permanent", "stop"}),
        (1, "unknown", set()),
    ],
)
def test_what_an_exit_code_means(tmp_path: Path, code: int, said: str, flags: set[str]) -> None:
    mailer = SendmailMailer(program(tmp_path, f"echo 'sorry,\nno\x01' >&2; exit {code}"))
    with pytest.raises(DeliveryError, match=rf"\(exit code {code}, {said}\): sorry, no") as caught:
        mailer.send(message(), nothing)
    kinds = ("permanent", "in_doubt", "stop", "untried", "gone")
    assert {kind for kind in kinds if getattr(caught.value, kind)} == flags


def test_one_that_is_killed_or_hangs_leaves_a_doubt(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="was ended by SIGKILL") as caught:
        SendmailMailer(program(tmp_path, "kill -9 $$")).send(message(), nothing)
    assert (caught.value.in_doubt, caught.value.stop) == (True, False)
    begun = time.monotonic()
    with pytest.raises(DeliveryError, match=r"was not done after 0\.3 seconds") as caught:
        SendmailMailer(program(tmp_path, "sleep 61 & echo $! > child; sleep 60"), timeout=0.3).send(message(), nothing)
    assert time.monotonic() - begun < 5
    assert (caught.value.in_doubt, caught.value.stop) == (True, True)
    for _ in range(50):
        if not running(int((tmp_path / "child").read_text())):
            return
        time.sleep(0.02)
    pytest.fail("what it started is still running")


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_one_that_goes_on_in_the_background_is_done(tmp_path: Path) -> None:
    begun = time.monotonic()
    mailer = SendmailMailer(program(tmp_path, "cat > got; sleep 3 & echo $! > child; echo $$ > parent"))
    mailer.send(message(), nothing)
    assert time.monotonic() - begun < 2.5
    child = int((tmp_path / "child").read_text())
    assert running(child)
    os.kill(child, signal.SIGKILL)


def test_one_that_says_a_lot_and_reads_nothing_is_no_trouble(tmp_path: Path) -> None:
    said = SendmailMailer(program(tmp_path, "yes hello | head -c 3000000")).send(message(), nothing)
    assert 100 < len(said) <= 200


def test_a_program_that_is_not_there_stops_the_run_before_the_mark(tmp_path: Path) -> None:
    marks: list[int] = []
    (tmp_path / "plain").write_text("")
    for path, why in (
        (tmp_path / "none", "does not exist"),
        (tmp_path, "is no program"),
        (tmp_path / "plain", "is no program"),
    ):
        with pytest.raises(DeliveryError, match=rf"{why}; install a mail program .* \[mail\] sendmail") as caught:
            SendmailMailer(path).send(message(), lambda: marks.append(1))
        assert (caught.value.stop, caught.value.untried) == (True, True)
    (tmp_path / "broken").write_text("#!/no/such/interpreter\n")
    (tmp_path / "broken").chmod(0o755)
    with pytest.raises(DeliveryError, match="cannot be run") as caught:
        SendmailMailer(tmp_path / "broken").send(message(), lambda: marks.append(1))
    assert (caught.value.stop, caught.value.untried, marks) == (True, False, [1])


def test_a_message_that_is_withheld_is_not_handed_over(tmp_path: Path) -> None:
    def withhold() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        SendmailMailer(program(tmp_path, "cat > got")).send(message(), withhold)
    assert not (tmp_path / "arguments").exists()


def test_killed_in_the_midst_it_has_handed_over_the_whole_message(tmp_path: Path) -> None:
    """The program reads slowly, and we are killed meanwhile: it must not take half a message for the whole."""
    path = program(tmp_path, "echo > started; sleep 0.4; cat > part; mv part got")
    script = (
        "import sys\nfrom pathlib import Path\nfrom tests.test_deliver_sendmail import message\n"
        "from aggregator.deliver import SendmailMailer\n"
        f"SendmailMailer(Path({str(path)!r})).send(message(), lambda: None)\n"
    )
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as ours:
        for _ in range(400):
            if (tmp_path / "started").exists():
                break
            time.sleep(0.02)
        ours.kill()
    for _ in range(100):
        if (tmp_path / "got").exists():
            break
        time.sleep(0.02)
    assert (tmp_path / "got").read_bytes() == RAW.replace(b"\r\n", b"\n")


@pytest.mark.skipif(shutil.which("postfix", path="/usr/sbin") is None, reason="Postfix is not installed")
def test_the_sendmail_of_postfix_without_a_queue_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "main.cf").write_text(f"queue_directory = {tmp_path}/none\ncompatibility_level = 3.6\n")
    real = shutil.which("sendmail", path="/usr/sbin")
    path = program(tmp_path, f'exec {real} -C "{tmp_path}/etc" "$@"')
    with pytest.raises(DeliveryError, match="exit code") as caught:
        SendmailMailer(path).send(message(), nothing)
    assert not caught.value.gone


@pytest.mark.parametrize("code", [128, 137, 143, 255])
def test_a_shell_that_tells_of_a_signal_leaves_a_doubt(tmp_path: Path, code: int) -> None:
    with pytest.raises(DeliveryError, match=f"ended with code {code}, .* it may have accepted the message") as caught:
        SendmailMailer(program(tmp_path, f"exit {code}")).send(message(), nothing)
    assert (caught.value.in_doubt, caught.value.stop, caught.value.permanent) == (True, False, False)
