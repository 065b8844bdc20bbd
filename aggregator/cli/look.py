"""look: preview and status. Neither changes what will be mailed."""

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from aggregator.cli import Settings, show
from aggregator.cli.difference import as_values, show_difference
from aggregator.cli.imports import chosen
from aggregator.cli.readers import state_of
from aggregator.cli.steps import opened

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.comparing import Trial


@click.command()
@click.argument("name", metavar="[PROFILE]", default="")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How far back to look.")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to.  [default: preview/ beside config.toml]",
)
@click.option("--open", "browse", is_flag=True, help="Open the page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the files and the difference as JSON.")
@click.pass_obj
def preview(settings: Settings, *, name: str, days: int, to: Path | None, browse: bool, as_json: bool) -> int:
    """Write the digest that PROFILE would get from the last days, as .html and .eml; nothing is queued or sent.

    PROFILE may be left out where there is one only. After an edit of what it is ranked by, it also shows what the edit
    does to that digest: which works come, go, rise and fall, with numbers, scores and reasons. Compared is how the
    profile was written at the last digest or preview before the edit, over the same days, works and answers.

    \b
    Example:
      aggregator preview me --days 7 --open
    """
    with opened(settings) as steps:
        profile = chosen(steps, name).name
        page, trial = steps.preview(profile, days=days, folder=to)
    files = [page.with_suffix(".html"), page] if page else []
    if as_json:
        found = as_values(trial.difference) if trial.difference else None
        show.as_json({"profile": profile, "files": [str(file) for file in files], "difference": found})
    else:
        for file in files:
            click.echo(file)
        if not files:
            click.echo(f"profile {profile}: nothing in the last {days} days reaches min_score")
        _show_difference(profile, trial)
    if browse and page:
        click.launch(page.with_suffix(".html").as_uri())
    return 0


def _show_difference(profile: str, trial: "Trial") -> None:
    if trial.difference:
        click.echo()
        show_difference(trial.difference)
    elif trial.first:
        click.echo(f"nothing to compare with yet: the next edit of profile {profile} will be compared with it as it is")
    else:
        click.echo(f"profile {profile} is written as before: the next edit will be compared with it as it is")


@click.command()
@click.option("--days", type=click.IntRange(0, 400), default=0, help="Show also so many days, source by source.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(settings: Settings, days: int, as_json: bool) -> int:
    """Say for each source and each profile how it is doing; for the outbox, what waits.

    A source is ok, or quiet (it answers and has had nothing new for a week), or broken: partial, failed or gone. The
    exit code is 1 if one is broken.

    \b
    Example:
      aggregator status --days 7
    """
    with opened(settings) as steps:
        state = _state(steps, days)
    broken = any(source["state"] in _BROKEN for source in state["sources"])
    if as_json:
        show.as_json(state)
        return int(broken)
    sources = [
        (s["name"], s["state"], s["entries"], _moment(s["last_success"]), _moment(s["next_visit"]), _words(s))
        for s in state["sources"]
    ]
    show.table(("source", "state", "entries", "last success", "next visit", ""), sources)
    if days:
        click.echo()
        rows = [
            (d["day"], d["source"], d["entries"], "yes" if d["answered"] else "no", _whole(d), d["text"])
            for d in state["days"]
        ]
        show.table(("day", "source", "entries", "answered", "complete", ""), rows)
    click.echo()
    _show_mail(state)
    return int(broken)


def _show_mail(state: dict[str, Any]) -> None:
    """The readers, what is paused, and the outbox."""
    profiles = [
        (
            p["name"],
            p["last_issue"] or "none",
            p["last_picks"],
            _moment(p["last_at"]),
            _moment(p["next_at"]) if p["state"] == "active" else p["state"],
        )
        for p in state["profiles"]
    ]
    show.table(("profile", "last digest", "picks", "composed", "next digest"), profiles)
    for pause in state["pauses"]:
        who = f"{pause['address']} of {pause['profile']}" if pause["address"] else pause["profile"]
        click.echo(f"  paused: {who}, since {pause['since']:%Y-%m-%d}: {pause['reason']}")
    for bounce in state["bounces"]:
        kind = "came back" if bounce["hard"] else "is late"
        click.echo(f"  {kind}: mail to {bounce['address']} of {bounce['profile']}: {bounce['status']} {bounce['text']}")
    click.echo()
    outbox = ", ".join(f"{number} {name}" for name, number in state["outbox"].items()) or "empty"
    click.echo(f"outbox: {outbox}")
    for message in state["refused"]:
        click.echo(f"  {message['to']} ({message['message']}): {message['error']}")
    for message in state["held"]:
        click.echo(f"  held: {message['to']} ({message['message']}); `aggregator outbox retry` or `drop`")
    if state["restored"]:
        click.echo("nothing is sent: the database was restored; say what to do about mail: `aggregator restore --help`")


_RECENT = timedelta(days=30)
_BROKEN = ("partial", "failed", "gone")


def _words(source: dict[str, Any]) -> str:
    return "; ".join(filter(None, (source["trouble"], source.get("note", ""))))


def _whole(day: dict[str, Any]) -> str:
    return "yes" if day["complete"] else "no"


def _state(steps: "Steps", days: int) -> dict[str, Any]:
    """What `status` tells, as plain values."""
    now = steps.clock()
    names = [source.name for source in steps.config.sources]
    messages = steps.store.outbox()
    known = {state.name: state for state in steps.store.sources(names)}
    health = {one.name: one.state for one in steps.store.health(names, now - timedelta(days=7), now)}
    return {
        "now": now,
        "database": steps.store.name,
        "sources": [
            _source_state(source.name, source.kind, health[source.name], known.get(source.name))
            for source in steps.config.sources
        ],
        "days": [asdict(day) for day in steps.store.days(names, (now - timedelta(days=days)).date(), now.date())]
        if days
        else [],
        "profiles": [_profile_state(steps, profile, now) for profile in steps.config.profiles],
        "pauses": [asdict(pause) for pause in steps.store.pauses()],
        "bounces": [asdict(one) for one in steps.store.returned(now - _RECENT)],
        "outbox": steps.store.outbox_counts(),
        "refused": [_message(row) for row in messages if row.error and row.state not in {"sent", "held", "dropped"}],
        "held": [_message(row) for row in messages if row.state == "held"],
        "restored": steps.store.unsettled(),
    }


def _message(row: Any) -> dict[str, Any]:
    return {"message": row.key, "to": row.recipient, "state": row.state, "error": row.error}


def _source_state(name: str, kind: str, health: str, state: Any) -> dict[str, Any]:
    if state is None:
        empty = dict.fromkeys(("last_success", "last_failure", "next_visit"))
        return {"name": name, "kind": kind, "state": "waiting", "entries": 0, "trouble": "", **empty}
    failing = state.failures > 0
    return {
        "name": name,
        "kind": kind,
        "state": health,
        "entries": state.entries,
        "last_success": state.visited,
        "last_failure": state.failed,
        "last_failure_text": state.failure,
        "failures_in_a_row": state.failures,
        "failing_since": state.failing_since,
        "note": state.note,
        "next_visit": state.next_visit,
        "trouble": state.failure if failing else state.partial,
    }


def _profile_state(steps: "Steps", profile: Any, now: datetime) -> dict[str, Any]:
    from aggregator.pipeline import due_period
    from aggregator.schedule import parse

    last = steps.store.last_issue(profile.name)
    due = due_period(steps.store, profile, now)
    following = parse(profile.schedule).next(now, profile.timezone)
    return {
        "name": profile.name,
        "email": list(profile.email),
        "state": state_of(profile, [one for one in steps.store.pauses() if one.profile == profile.name]),
        "last_issue": last.period if last else None,
        "last_picks": last.picks if last else 0,
        "last_at": last.opened_at if last else None,
        "next_issue": due or following.key,
        "next_at": now if due else following.at.astimezone(ZoneInfo(profile.timezone)),
    }


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M %Z}" if value else "never"
