"""looking: what `doctor` looks at, in an installation as it is configured."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from aggregator import doctor, office
from aggregator.doctor import Check
from aggregator.errors import AggregatorError, InputError
from aggregator.model import Digest
from aggregator.outcome import Progress
from aggregator.render import Renderer
from aggregator.render.mail import address
from aggregator.secret import secret

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.config import Config

_LATELY = timedelta(days=30)


def checks(
    steps: "Steps", *, offline: bool, progress: Progress, lookup: doctor.Lookup | None = None
) -> Iterator[Check]:
    """Every check, in the order in which a trouble explains those below it. `lookup` asks the DNS."""
    drift = doctor.drift()
    parts: tuple[Callable[[], Iterator[Check]], ...] = (
        lambda: iter((doctor.python(), doctor.packages(), _configured(steps.config))),
        lambda: _stored(steps),
        lambda: iter((doctor.model(steps.embedder),)),
        lambda: doctor.secrets(_needed(steps.config)),
        lambda: _mail(steps.config, offline=offline),
        lambda: _records(steps.config, lookup or doctor.resolver(), offline=offline),
        lambda: iter((_clock(steps, drift()),)),
    )
    with progress("looking", len(parts)) as step:
        for part in parts:
            yield from part()
            step(1)


def _configured(config: "Config") -> Check:
    return Check("config", "ok", f"{config.path}, profiles: {len(config.profiles)}, sources: {len(config.sources)}")


def _stored(steps: "Steps") -> Iterator[Check]:
    store, mail = steps.store, steps.config.mail
    found = list(doctor.database(store))
    yield from found
    if file := store.file:
        yield doctor.tried("disk", lambda: doctor.room("disk", file.parent, store.size()))
    if mail.transport in ("folder", "maildir"):
        yield doctor.tried("outbox disk", lambda: doctor.room("outbox disk", mail.folder))
    if all(check.state != "fail" for check in found if check.name == "database"):
        largest = partial(store.largest_message, steps.clock() - _LATELY)
        yield doctor.tried("mail size", lambda: doctor.mail_size(largest()))


def _needed(config: "Config") -> dict[str, Callable[[], object]]:
    """The secrets that this configuration needs, each with what reads it as the steps do."""
    mail, needed = config.mail, dict[str, Callable[[], object]]()
    if mail.base_url or mail.return_path or config.bounces.host or config.bounces.maildir:
        needed["AGGREGATOR_SECRET"] = lambda: office.keys(config)
    if mail.dkim_selector:
        needed["AGGREGATOR_DKIM_KEY"] = lambda: office.proves(config)
    names = {
        "AGGREGATOR_SMTP_PASSWORD": mail.transport == "smtp" and mail.user,
        "AGGREGATOR_BOUNCES_PASSWORD": config.bounces.host and not config.bounces.maildir,
        "AGGREGATOR_NOTICE_URL": mail.notice,
    }
    return needed | {name: partial(secret, name, os.environ) for name, wanted in names.items() if wanted}


def _mail(config: "Config", *, offline: bool) -> Iterator[Check]:
    mail = config.mail
    match mail.transport:
        case "folder" | "maildir":
            yield doctor.tried("mail", lambda: doctor.folder(mail.folder))
        case "sendmail":
            yield doctor.tried("mail", lambda: doctor.program(mail.sendmail))
        case "smtp" if offline:
            yield Check("mail", "skip", f"{mail.host}:{mail.port} was not asked")
        case "smtp":
            yield doctor.tried("mail", lambda: _server(config))
    if mail.templates:
        yield doctor.tried("templates", lambda: _templates(config))
    box = bool(config.bounces.maildir or config.bounces.host)
    sends = mail.transport in ("smtp", "sendmail")
    yield from doctor.pieces(base_url=mail.base_url, return_path=mail.return_path, box=box, sends=sends)


def _templates(config: "Config") -> Check:
    """Whether a letter comes out of the templates of one's own; keys and signature play no part in it."""
    mail, moment = config.mail, datetime(2026, 1, 1, tzinfo=UTC)
    letter = Digest(
        profile=config.profiles[0],
        period="preview-2026-01-01",
        since=moment - _LATELY,
        until=moment,
        sections=(),
        interests=(),
        arrived=0,
        sources=(),
    )
    Renderer(mail.sender, templates=mail.templates).render(letter, config.profiles[0].email[0], moment)
    return Check("templates", "ok", f"letters come out of {mail.templates}")


def _server(config: "Config") -> Check:
    post = office.smtp(config)
    try:
        return doctor.server(post.check)
    finally:
        post.close()


def _records(config: "Config", lookup: doctor.Lookup, *, offline: bool) -> Iterator[Check]:
    mail = config.mail
    if mail.transport not in ("smtp", "sendmail"):
        yield Check("dns", "skip", f"mail goes to a {mail.transport}, so its domain plays no part")
        return
    if offline:
        yield Check("dns", "skip", "was not asked")
        return
    sender = address(mail.sender).domain
    try:
        proves = office.proves(config) if mail.dkim_selector else None
    except InputError:
        proves = None
    returns = mail.return_path.rpartition("@")[2] or sender
    yield from doctor.records(doctor.Domain(sender, returns, mail.dkim_selector, proves), lookup)


def _clock(steps: "Steps", jumped: timedelta) -> Check:
    try:
        latest = steps.store.latest()
    except AggregatorError:
        latest = None
    return doctor.clock(steps.clock(), [latest] if latest else [], jumped)
