"""notice: a short word that digests are ready, by apprise: to a telephone, a chat, a webhook.

apprise is imported only here, and only when a notice is sent: it takes a second. Its addresses hold passwords, so
nothing that it says of them is repeated, and its own log is silent.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

_PATIENCE = 30.0
"""Seconds for all addresses together."""
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Ready:
    """A digest that was sent: its subject, and the address of its page in the browser, or ""."""

    subject: str
    page: str = ""


def words(ready: Sequence[Ready]) -> tuple[str, str]:
    """Title and text of the notice of these digests: how many, their subjects and pages; nothing of their readers."""
    title = "Your digest is ready" if len(ready) == 1 else f"{len(ready)} digests are ready"
    lines = [line for one in ready[:_LISTED] for line in (one.subject, one.page) if line]
    if len(ready) > _LISTED:
        lines.append(f"… and {len(ready) - _LISTED} more")
    return title, "\n".join(lines)


def notify(addresses: str, title: str, body: str, *, patience: float = _PATIENCE) -> list[str]:
    """Send a notice to each of the addresses, one a line; what failed in words, which never show an address.

    Nothing is sent twice. Never raises, and never takes longer than `patience` seconds.
    """
    lines = [line.strip() for line in addresses.splitlines() if line.strip()]
    said: dict[int, str] = {}
    callers = [
        threading.Thread(target=_call, args=(line, title, body, said, number), daemon=True)
        for number, line in enumerate(lines, 1)
    ]
    end = time.monotonic() + patience
    _silence()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(max(0.0, end - time.monotonic()))
    late = f"was not taken within {patience:g} seconds"
    told = ((number, said.get(number, late)) for number in range(1, len(lines) + 1))
    return [f"the notice to address {number} of AGGREGATOR_NOTICE_URL {what}" for number, what in told if what]


def _call(address: str, title: str, body: str, said: dict[int, str], number: int) -> None:
    try:
        import apprise

        post = apprise.Apprise()
        if not post.add(address):
            said[number] = "was not sent: apprise does not know such an address; see https://appriseit.com"
        elif post.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
            said[number] = ""
        else:
            said[number] = "was not taken; check the address, and that its server answers"
    except Exception as error:  # noqa: BLE001 - a hundred services; what they raise may show the address
        said[number] = f"failed ({type(error).__name__})"


def _silence() -> None:
    """Keep apprise and the library under it out of the log: their lines hold addresses, whole or in parts."""
    for name in ("apprise", "urllib3"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
