"""machine: Python, its packages, room on the disks, and the clock."""

import email.policy
import email.utils
import importlib.metadata
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from packaging.requirements import Requirement

from aggregator.doctor.check import Check

_MB = 1_000_000
_LITTLE, _FEW = 500 * _MB, 50 * _MB
_JUMP = 1.0
"""Seconds by which a clock may be set while we look: one that is kept right by NTP is slewed, and slower."""


def python() -> Check:
    """Whether this Python has the security fixes that mail and addresses need; probed: distributions patch theirs."""
    probes = {
        "CVE-2024-6923 (headers of mails)": hasattr(email.policy.default, "verify_generated_headers"),
        "CVE-2023-27043 (mail addresses)": getattr(email.utils, "supports_strict_parsing", False),
        "CVE-2024-4032 (private networks)": not ip_address("64:ff9b:1::1").is_global,
    }
    lacks = [name for name, there in probes.items() if not there]
    version = f"{platform.python_implementation()} {platform.python_version()}"
    if lacks:
        return Check("python", "warn", f"{version} lacks the fixes of {', '.join(lacks)}", "update Python")
    return Check("python", "ok", version)


def packages(
    name: str = "paper-aggregator",
    *,
    requires: Callable[[str], list[str] | None] = importlib.metadata.requires,
    version: Callable[[str], str] = importlib.metadata.version,
) -> Check:
    """Whether the packages that the program needs are there, in versions that it can use."""
    try:
        own, needs = version(name), [Requirement(line) for line in requires(name) or []]
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", "warn", f"{name} is not installed, only run from a folder", "pip install it")
    wrong = [trouble for need in needs if (trouble := _wrong(need, version))]
    if wrong:
        return Check("packages", "fail", "; ".join(wrong), f"pip install --upgrade {name}")
    return Check("packages", "ok", f"{name} {own} and what it needs")


def _wrong(need: Requirement, version: Callable[[str], str]) -> str:
    if need.marker and not need.marker.evaluate({"extra": ""}):
        return ""
    try:
        there = version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{need.name} is missing"
    return "" if need.specifier.contains(there, prereleases=True) else f"{need.name} is {there}, not {need.specifier}"


def room(name: str, folder: Path, needs: int = 0) -> Check:
    """Whether there is room in a folder for what is to come, and for `needs` bytes beside it."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Check(name, "fail", f"{there} cannot be looked at: {error.strerror}")
    text = f"{free / _MB:,.0f} MB free in {folder}"
    if free < _FEW:
        return Check(name, "fail", text, "make room")
    if free < max(_LITTLE, needs):
        return Check(
            name, "warn", text, f"make room: a backup takes {needs / _MB:,.0f} MB" if needs > free else "make room"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        return Check(name, "fail", f"{there} cannot be written", "check its owner and permissions")
    return Check(name, "ok", text)


def drift(
    wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
) -> Callable[[], timedelta]:
    """Look at the clock; the function says by how much it was set since then."""
    before = wall() - steady()
    return lambda: timedelta(seconds=wall() - steady() - before)


def clock(now: datetime, known: Iterable[datetime], jumped: timedelta) -> Check:
    """Whether it can be as early as the clock says: `known` are moments that were written down."""
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    latest = max(known, default=now)
    if latest > now + timedelta(minutes=5):
        what = f"it is {text}, but something was written down at {latest:%Y-%m-%d %H:%M} UTC"
        return Check("clock", "fail", what, "set the clock; if it was ahead then, all goes well again when it is right")
    if abs(jumped.total_seconds()) > _JUMP:
        what = f"{text}; it was set by {jumped.total_seconds():+.1f} s while this looked at it"
        return Check("clock", "warn", what, "let NTP keep it right")
    return Check("clock", "ok", text)
