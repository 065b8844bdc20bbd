"""outbox: the messages, one by one: listed, shown, sent again, held, dropped."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from aggregator.cli import Settings, show
from aggregator.cli.steps import opened
from aggregator.errors import AggregatorError, InputError

if TYPE_CHECKING:
    from aggregator.store import Outgoing, Store

_STATES = ("queued", "sending", "sent", "deferred", "failed", "held", "dropped")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_STATE = click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only those in this state; may be repeated."
)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """The ids that begin so, or whose keys do, for the shell."""
    try:
        with opened(Settings(ctx.find_root().params.get("config"), None)) as steps:
            rows = steps.store.outbox()
    except AggregatorError:
        return []
    found = [row for row in rows if str(row.id).startswith(incomplete) or row.key.startswith(incomplete)]
    return [CompletionItem(str(row.id), help=f"{row.state} {row.key}") for row in found]


_MESSAGES = click.argument("messages", metavar="KEY|ID...", nargs=-1, required=True, shell_complete=_complete)


@click.group(invoke_without_command=True)
@_STATE
@_JSON
@click.pass_context
def outbox(ctx: click.Context, states: tuple[str, ...], as_json: bool) -> int:
    """List the messages in the outbox; show one, send it again, hold or drop it. A message is named by id or key.

    A message is queued (waiting), sending (with a worker), sent, deferred (to be tried again later), failed (given up),
    held (kept back until you say so) or dropped (never to be sent).

    \b
    Example:
      aggregator outbox --state failed --state held
    """
    if ctx.invoked_subcommand is None:
        return _list(ctx.obj, states, as_json)
    if states or as_json:
        behind = f"aggregator outbox {ctx.invoked_subcommand} {'--json' if as_json else '--state ' + states[0]}"
        raise InputError(f"write the option behind the command: {behind}")
    return 0


@outbox.command("list")
@_STATE
@_JSON
@click.pass_obj
def list_(settings: Settings, states: tuple[str, ...], as_json: bool) -> int:
    """List the messages, oldest first.

    \b
    Example:
      aggregator outbox list --state held
    """
    return _list(settings, states, as_json)


def _list(settings: Settings, states: tuple[str, ...], as_json: bool) -> int:
    with opened(settings) as steps:
        rows = [row for row in steps.store.outbox() if not states or row.state in states]
    if as_json:
        show.as_json([asdict(row) for row in rows])
        return 0
    if not rows:
        click.echo(f"no message is {' or '.join(states)}" if states else "the outbox is empty")
        return 0
    head = ("id", "key", "state", "tries", "when", "")
    show.table(head, [(row.id, row.key, row.state, row.attempts, _when(row), _words(row)) for row in rows])
    return 0


@outbox.command("show")
@click.argument("message", metavar="KEY|ID", shell_complete=_complete)
@click.option("--raw", is_flag=True, help="Print the bytes as they are sent, and nothing else.")
@_JSON
@click.pass_obj
def show_one(settings: Settings, message: str, raw: bool, as_json: bool) -> int:
    """Show one message: its headers, where it stands, and what happened to it.

    \b
    Example:
      aggregator outbox show 12 --raw > letter.eml
    """
    if raw and as_json:
        raise InputError("--raw and --json do not go together; keep one of them")
    with opened(settings) as steps:
        row = _found(steps.store.outbox(), message)
        body = steps.store.raw(row.id)
        reports = steps.store.came_back(row.message_id)
    if raw:
        if not body:
            raise InputError(f"the bytes of message {row.id} ({row.key}) are forgotten ([mail] keep_days)")
        click.echo(body, nl=False)
        return 0
    if as_json:
        show.as_json({**asdict(row), "bytes": len(body), "headers": _headers(body), "came_back": reports})
        return 0
    for name, value in (*_headers(body), ("", ""), *_facts(row, len(body))):
        click.echo(f"{name}: {value}" if name else "")
    for at, text in reports:
        click.echo(f"came back: {_moment(at)}: {text}")
    return 0


@outbox.command()
@click.argument("messages", metavar="[KEY|ID]...", nargs=-1, shell_complete=_complete)
@click.option("--failed", is_flag=True, help="All that were given up.")
@click.option("--held", is_flag=True, help="All that are held.")
@click.pass_obj
def retry(settings: Settings, messages: tuple[str, ...], failed: bool, held: bool) -> int:
    """Put messages back into the queue: the next `deliver` sends them, the same bytes.

    One that is held because it may have been accepted may arrive twice.

    \b
    Example:
      aggregator outbox retry --failed
    """
    wanted = {state for state, chosen in (("failed", failed), ("held", held)) if chosen}
    if not messages and not wanted:
        raise InputError("say which messages: their ids or keys (see `aggregator outbox`), --failed or --held")
    with opened(settings) as steps:
        store, rows = steps.store, steps.store.outbox()
        chosen = _chosen(rows, messages, ("queued", "deferred", "failed", "held"), "sent again")
        chosen += [row for row in rows if row.state in wanted and row not in chosen]
        for row in chosen:
            if messages and not store.raw(row.id):
                raise InputError(f"message {row.id} ({row.key}) cannot be sent: its bytes are forgotten")
        count = store.retry_messages([row.id for row in chosen], now=steps.clock())
    for row in chosen:
        if row.paused:
            click.echo(f"message {row.id} waits: {row.recipient} is paused; see `aggregator profile resume --help`")
    return _done(count, "queued; `aggregator deliver` sends what is due")


@outbox.command()
@_MESSAGES
@click.pass_obj
def hold(settings: Settings, messages: tuple[str, ...]) -> int:
    """Keep messages back until `retry`, also those that are being sent but for the final dot.

    \b
    Example:
      aggregator outbox hold 12 13
    """
    with opened(settings) as steps:
        chosen = _chosen(steps.store.outbox(), messages, ("queued", "deferred", "sending", "held"), "held")
        return _changed(steps.store, "held", chosen)


@outbox.command()
@_MESSAGES
@click.pass_obj
def drop(settings: Settings, messages: tuple[str, ...]) -> int:
    """Never send these messages; their readers do not get that issue.

    \b
    Example:
      aggregator outbox drop me/2026-W47/me@example.org
    """
    known = ("queued", "deferred", "sending", "failed", "held", "dropped")
    with opened(settings) as steps:
        chosen = _chosen(steps.store.outbox(), messages, known, "dropped")
        return _changed(steps.store, "dropped", chosen)


def _changed(store: "Store", state: str, chosen: "list[Outgoing]") -> int:
    """Hold or drop messages. One may have left meanwhile: then fewer are."""
    ids = [row.id for row in chosen]
    if state == "held":
        store.hold_messages(ids)
    else:
        store.drop_messages(ids)
    after = {row.id: row.state for row in store.outbox()}
    _done(sum(after[row.id] == state for row in chosen), state)
    left = [row for row in chosen if after[row.id] != state]
    for row in left:
        click.echo(f"aggregator: message {row.id} ({row.key}) is {after[row.id]} by now", err=True)
    return int(bool(left))


def _done(count: int, what: str) -> int:
    click.echo(f"{count} {'message' if count == 1 else 'messages'} {what}")
    return 0


def _chosen(rows: "Sequence[Outgoing]", names: Sequence[str], states: Sequence[str], verb: str) -> "list[Outgoing]":
    """The messages with these ids or keys, each once; all must be in one of the states. Raises InputError."""
    found = {row.id: row for row in (_found(rows, name) for name in names)}
    for row in found.values():
        if row.state not in states:
            raise InputError(f"message {row.id} ({row.key}) is {row.state} and cannot be {verb}")
    return list(found.values())


def _found(rows: "Sequence[Outgoing]", name: str) -> "Outgoing":
    """The message with this id or key. Raises InputError, with the nearest."""
    from aggregator.config.explain import nearest

    for row in rows:
        if name in (str(row.id), row.key):
            return row
    near = nearest(name, [row.key for row in rows])
    hint = f"did you mean {near}?" if near else "`aggregator outbox` lists them"
    raise InputError(f"there is no message {name!r}; {hint}")


def _when(row: "Outgoing") -> str:
    """The moment that matters most in the message's state."""
    if row.state == "sent":
        return f"sent {_moment(row.sent_at)}"
    if row.state == "deferred":
        return f"next try {_moment(row.not_before)}"
    return f"queued {_moment(row.queued_at)}"


def _words(row: "Outgoing") -> str:
    paused = "paused" if row.paused and row.state in ("queued", "deferred") else ""
    doubt = "may have been accepted" if row.data_sent_at and row.state not in ("sent", "sending") else ""
    return "; ".join(filter(None, (paused, doubt, row.error or row.reply)))


def _headers(raw: bytes) -> list[tuple[str, str]]:
    """The headers, readable; none if the bytes are forgotten."""
    from email import message_from_bytes, policy

    mail = message_from_bytes(raw, policy=policy.default)
    return [(name, " ".join(str(value).split())) for name, value in mail.items()]


def _facts(row: "Outgoing", size: int) -> list[tuple[str, Any]]:
    happened = (
        ("queued", _moment(row.queued_at)),
        ("tried", f"{row.attempts} {'time' if row.attempts == 1 else 'times'}" if row.attempts else ""),
        ("last byte sent", _moment(row.data_sent_at)),
        ("sent", _moment(row.sent_at)),
        ("the server said", row.reply),
        ("next try", _moment(row.not_before) if row.state == "deferred" else ""),
        ("trouble", row.error),
        ("paused", "yes; see `aggregator profile`" if row.paused else ""),
    )
    about = (
        ("id", row.id),
        ("key", row.key),
        ("profile", row.profile),
        ("from, to", f"{row.sender} → {row.recipient}"),
        ("size", f"{size} bytes" if size else "forgotten"),
        ("state", row.state),
    )
    return [fact for fact in (*about, *happened) if fact[1] != ""]


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S %Z}" if value else ""
