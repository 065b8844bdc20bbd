"""bounces: mail that came back is read, stored once each, and pauses an address that does not exist.

report.py   what a mail that came back says; pure

A report is believed if it came to the envelope address of one of our messages, which nobody but its reader's own mail
system knows. Where messages have none of their own, it is believed if it returns the Message-ID of one that we sent to
the very address it names: it is made with our secret, and so no other reader can guess it. Any other does nothing, for
everybody can write one; it is noted once a day for each address.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aggregator.bounces.report import Failure, Report, Verdict, is_report, read_report, sent_to
from aggregator.errors import ParseError, SourceError
from aggregator.outcome import Outcome, Stop, never
from aggregator.sources.mailbox.connection import Mailserver
from aggregator.sources.mailbox.unread import opened_box
from aggregator.store import Mailed, Store
from aggregator.tokens import Keyring, message_marks, read_return_path

STRIKES = 3
"""So many issues in a row that come back pause an address."""

_MOST = 100
"""Reports in one visit: what is left comes with the next."""
_WORST: tuple[Verdict, ...] = ("hard", "soft", "ours", "delayed", "")


def read_bounces(
    store: Store,
    place: Path | Mailserver,
    keys: Keyring | None,
    outcome: Outcome,
    *,
    by_id: bool = False,
    now: datetime,
    stop: Stop = never,
) -> None:
    """Read the reports that nobody has read yet in a Maildir or a folder of a mail server, and mark those of our mail.

    `by_id`: a Message-ID that was made with one of the keys is believed as well. What is not about our mail is left as
    it is. A box that cannot be read is a trouble in the outcome.
    """
    reading = _Reading(store, keys, outcome, now, by_id)
    try:
        with opened_box(place) as box:
            for arrival in box.unread(reading.wish, _MOST):
                if stop():
                    return
                if reading.take(arrival.body):
                    box.mark(arrival)
    except SourceError as error:
        outcome.trouble(f"reports of undelivered mail were not read: {error}; see [bounces]")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One visit to the box."""

    store: Store
    keys: Keyring | None
    outcome: Outcome
    now: datetime
    by_id: bool

    def wish(self, head: bytes) -> int:
        """Mail to an envelope address of ours before reports of which nobody knows yet whose they are."""
        return 2 if self._mark(head) else int(is_report(head))

    def take(self, body: bytes) -> bool:
        """Do what a mail demands, once however often it is read; whether it was ours, and so is done with."""
        mark = self._mark(body.replace(b"\r\n", b"\n").partition(b"\n\n")[0])
        try:
            report = read_report(body, loose=bool(mark))
        except ParseError:
            report = None
        mailed, proven = self._mailed(mark, report) if report else (None, False)
        if report is None or mailed is None:
            return bool(mark)
        failure = _relevant(report, mailed.address)
        if failure.verdict:
            self._note(report, failure, mailed, proven=proven)
        return proven

    def _mark(self, head: bytes) -> str:
        """The mark of our message to whose envelope address the mail came, or ""."""
        keys = self.keys
        return next(filter(None, (read_return_path(keys, to) for to in sent_to(head))), "") if keys else ""

    def _mailed(self, mark: str, report: Report) -> tuple[Mailed | None, bool]:
        """The message that a report is about, and whether that is proven."""
        if mark:
            return self.store.mailed(mark=mark), True
        named = [name for failure in report.failures for name in failure.names]
        if report.original and self.by_id:
            mailed = self.store.mailed(message_id=report.original)
            if mailed and mailed.address.lower() in named and self._is_secret(mailed):
                return mailed, True
        found = (self.store.mailed(address=name) for name in dict.fromkeys(named))
        return next(filter(None, found), None), False

    def _is_secret(self, mailed: Mailed) -> bool:
        """Whether the Message-ID of a message was made with one of the keys, and not before there was one."""
        marks = message_marks(self.keys, mailed.profile, mailed.period, mailed.address) if self.keys else ()
        return mailed.message_id.partition("@")[0].rpartition(".")[2] in marks

    def _note(self, report: Report, failure: Failure, mailed: Mailed, *, proven: bool) -> None:
        """Store a report, and tell of it and pause the address, unless it is known."""
        verdict = failure.verdict if proven else ""
        said = " ".join(filter(None, (failure.status, failure.said.removeprefix(failure.status).strip())))
        with self.store.together():
            new = self.store.add_bounce(
                report.ident if proven else f"unproven {self.now:%Y-%m-%d} {mailed.profile} {mailed.address}",
                mailed,
                now=self.now,
                hard=verdict == "hard",
                counted=verdict in ("hard", "soft"),
                status=failure.status,
                text=said,
            )
            if not new:
                return
            row = self.store.bounced_in_a_row(mailed) if verdict == "soft" else 0
            paused = (verdict == "hard" or row >= STRIKES) and self.store.pause(
                mailed.profile, mailed.address, f"mail came back: {said}", now=self.now
            )
        self.outcome.count("bounces")
        what = f"digest {mailed.period} of {mailed.profile} to {mailed.address}"
        if not proven:
            self.outcome.note(f"{what}: a report that nothing proves says it came back ({said}); nothing was done")
        elif verdict == "ours":
            self.outcome.trouble(f"{what} was refused for what it is or who sent it ({said}); see `aggregator doctor`")
        elif verdict == "delayed":
            self.outcome.note(f"{what} is late ({said}); its servers go on trying")
        elif paused:
            why = "" if verdict == "hard" else f", the last {row} issues did"
            advice = "the address is paused until `aggregator profile resume`"
            self.outcome.trouble(f"{what} came back ({said}){why}; {advice}")
        else:
            self.outcome.note(f"{what} came back ({said})" + (f", {row} in a row" if row > 1 else ""))


def _relevant(report: Report, address: str) -> Failure:
    """What a report says of an address, or, where it names others (a forwarder's), the worst that it says."""
    own = [failure for failure in report.failures if address.lower() in failure.names]
    return min(own or report.failures, key=lambda failure: _WORST.index(failure.verdict))
