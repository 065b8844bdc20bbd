"""sendmail: messages to the mail program of this machine, by its standard input.

What its exit code means (sysexits.h), for the message and for the run:

    0   OK                                        accepted
    65  DATAERR                                   refused for good
    67  NOUSER, 68 NOHOST                         refused for good: there is no such address
    75  TEMPFAIL, 69 UNAVAILABLE, any other       deferred; programs say 69 of a bad address as of a full queue
    71  OSERR, 73 CANTCREAT, 74 IOERR             deferred, and the run stops: this machine is in trouble
    64  USAGE, 72 OSFILE, 77 NOPERM, 78 CONFIG,
    126, 127                                      the run stops, and the message waits until somebody acts
    ended by a signal, or by the time limit       in doubt: it may have accepted the message
    128 and more                                  likewise: so a shell tells that what it ran was ended by a signal

A program that speaks SMTP itself (msmtp) says 69, 74 or 75 also where the reply to the final dot was lost.
"""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from aggregator.errors import DeliveryError
from aggregator.model import Message
from aggregator.text import fold

_NAMES = {
    64: "usage", 65: "data error", 66: "no input", 67: "no such user", 68: "no such host", 69: "unavailable",
    70: "internal error", 71: "system error", 72: "system file missing", 73: "cannot create", 74: "input/output error",
    75: "temporary failure", 76: "protocol error", 77: "not permitted", 78: "configuration error",
    126: "cannot be run", 127: "not found",
}  # fmt: skip
_REFUSED = (65,)
_GONE = (67, 68)
_MACHINE = (71, 73, 74)
_OWNER = (64, 72, 77, 78, 126, 127)
_SHELL = 128
_ADDRESS = re.compile(r"[!-~]+")


class SendmailMailer:
    """Hands each message to a program such as Postfix's, Exim's or msmtp's `sendmail`, one call for each; no shell.

    It gets the bytes with the line ends of this machine (LF), from a file: from a pipe it would take what there is for
    the whole, should this program be killed while it writes. It gets none of this program's secrets. `timeout` is in
    seconds, for one message.
    """

    def __init__(self, program: Path, *, timeout: float = 600.0) -> None:
        self._program, self._timeout = program, timeout

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        """See Mailer.send."""
        if not (_ADDRESS.fullmatch(message.sender) and _ADDRESS.fullmatch(message.to)):
            raise DeliveryError(f"{message.to} or {message.sender} is not in plain letters (SMTPUTF8)", permanent=True)
        if not (self._program.is_file() and os.access(self._program, os.X_OK)):
            reason = "is no program" if self._program.exists() else "does not exist"
            raise self._unusable(reason, untried=True)
        with self._filled(message.raw.replace(b"\r\n", b"\n")) as content, self._filled(b"") as output:
            on_data()
            code = self._run(message, content, output)
            words = _words(output)
        if code:
            raise self._refused(code, words)
        return words

    def close(self) -> None:
        """Nothing is open."""

    def _filled(self, content: bytes) -> IO[bytes]:
        """A file without a name that holds this, to be read from its start."""
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
            file.write(content)
            file.seek(0)
        except OSError as error:
            text = f"no temporary file can be written: {error.strerror}; make room in {tempfile.gettempdir()}"
            raise DeliveryError(text, stop=True, untried=True) from error
        return file

    def _run(self, message: Message, content: IO[bytes], output: IO[bytes]) -> int:
        """The exit code of the program. It writes to a file: what it leaves running may hold a pipe open for hours."""
        try:
            running = subprocess.Popen(  # noqa: S603 - the owner names the program, and there is no shell
                [str(self._program), "-i", "-f", message.sender, "--", message.to],
                stdin=content,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")},
                start_new_session=True,  # Ctrl-C ends this program after the message in hand, and not the message
            )
        except OSError as error:
            raise self._unusable(f"cannot be run: {error.strerror}") from error
        try:
            return running.wait(self._timeout)
        except subprocess.TimeoutExpired as error:
            text = f"{self._program} was not done after {self._timeout:g} seconds and was ended"
            raise DeliveryError(f"{text}, so it may have accepted the message", in_doubt=True, stop=True) from error
        finally:
            _end(running)

    def _unusable(self, reason: str, *, untried: bool = False) -> DeliveryError:
        advice = "install a mail program such as postfix or msmtp, or name yours in [mail] sendmail"
        return DeliveryError(f"{self._program} {reason}; {advice}", permanent=True, stop=True, untried=untried)

    def _refused(self, code: int, words: str) -> DeliveryError:
        said = f": {words}" if words else ""
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            text = f"{self._program} was ended by {name}, so it may have accepted the message{said}"
            return DeliveryError(text, in_doubt=True)
        if code >= _SHELL:
            text = f"{self._program} ended with code {code}, as by a signal, so it may have accepted the message{said}"
            return DeliveryError(text, in_doubt=True)
        text = f"{self._program} refused the message (exit code {code}, {_NAMES.get(code, 'unknown')}){said}"
        if code in _OWNER:
            return DeliveryError(f"{text}; check it, and [mail] sendmail and sender", permanent=True, stop=True)
        return DeliveryError(text, permanent=code in (*_REFUSED, *_GONE), gone=code in _GONE, stop=code in _MACHINE)


def _end(running: subprocess.Popen[bytes]) -> None:
    """End a program that is not done, and all that it started; what one that is done left running goes on."""
    if running.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _words(output: IO[bytes]) -> str:
    """The end of what the program wrote, on one line."""
    output.seek(max(0, output.seek(0, os.SEEK_END) - 2000))
    return fold(output.read(2000).decode("utf-8", "replace"))[-200:]
