"""sources: the catalogue: list it, show a channel, try addresses, print the table of what the guides name."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli import Settings, show
from aggregator.errors import AggregatorError, FetchError, InputError

if TYPE_CHECKING:
    from aggregator.catalogue import Channel
    from aggregator.config import Config
    from aggregator.fetch import Fetcher

_PACK = click.option("--pack", metavar="PACK", help="Only the channels of this pack.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(invoke_without_command=True)
@_PACK
@click.option("--topic", metavar="TOPIC", help="Only the channels on this topic.")
@_JSON
@click.pass_context
def sources(ctx: click.Context, pack: str | None, topic: str | None, as_json: bool) -> int:
    """List the catalogue: channels that can be switched on by name in config.toml, and what is known of each.

    A channel is proven (somebody saw the address answer), unproven, dead (it is gone) or closed (it has no feed and no
    open API; `sources show` says the way in). Write use = "NAME" or use = "pack:PACK" below [[source]].

    \b
    Example:
      aggregator sources --pack asr-starter
    """
    if ctx.invoked_subcommand:
        return 0
    from aggregator.catalogue import catalogue

    known = catalogue()
    chosen = [
        channel
        for channel in (known.pack(pack) if pack is not None else known.channels)
        if topic is None or channel in known.about(topic)
    ]
    on = _on(chosen, _configured(ctx.obj))
    if as_json:
        show.as_json([{**asdict(channel), "on": None if on is None else channel.name in on} for channel in chosen])
        return 0
    head = ["name", "kind", "state", "topics", "packs"] + (["on"] if on is not None else [])
    rows = [
        [c.name, c.kind or "-", c.state, ", ".join(c.topics), ", ".join(c.packs)]
        + ([] if on is None else ["on" if c.name in on else "off"])
        for c in chosen
    ]
    show.table(head, rows)
    return 0


@sources.command("show")
@click.argument("name")
def show_one(name: str) -> int:
    """Show one channel of the catalogue: what is known of it, and the [[source]] table that it stands for.

    \b
    Example:
      aggregator sources show assemblyai-blog
    """
    from aggregator.catalogue import catalogue

    channel = catalogue().channel(name)
    facts: dict[str, Any] = {
        "title": channel.title, "state": channel.state, "evidence": channel.evidence,
        "topics": ", ".join(channel.topics), "packs": ", ".join(channel.packs), "pages": ", ".join(channel.pages),
        "why not": channel.reason, "way in": channel.way_in, "instead": ", ".join(channel.instead),
    }  # fmt: skip
    for key, value in facts.items():
        if value:
            click.echo(f"{key:9} {value}")
    if channel.kind:
        from aggregator.config.use import as_table
        from aggregator.opml import source_table

        click.echo(f'\n[[source]]\nuse = "{channel.name}"\n\nwhich stands for:\n\n{source_table(as_table(channel))}')
    return 0


@sources.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@_PACK
@click.option("--all", "everything", is_flag=True, help="All channels of the catalogue that can be followed.")
@_JSON
@click.pass_obj
def check(settings: Settings, names: tuple[str, ...], pack: str | None, everything: bool, as_json: bool) -> int:
    """Try the addresses of channels: one visit each, and nothing is stored. The exit code is 1 if any failed.

    The network is asked as [fetch] in config.toml says, if there is one. Reddit answers an address about once a minute:
    of several subreddits, those that are not tried for that reason are told as "waiting".

    \b
    Example:
      aggregator sources check assemblyai-blog deepgram-learn
    """
    from aggregator import app
    from aggregator.catalogue import catalogue
    from aggregator.shipped import shipped

    known = catalogue()
    if sum((bool(names), pack is not None, everything)) != 1:
        raise InputError("say what to check: names of channels, --pack PACK, or --all")
    chosen = [known.channel(name) for name in names] or (known.pack(pack) if pack is not None else known.channels)
    for channel in chosen:
        if names and not channel.kind:
            raise InputError(f"{channel.name} cannot be checked: {channel.reason}; {channel.way_in}")
    config = _configured(settings) or app.read_config(shipped("config.toml"))
    now = app.clock(settings.now)()
    followed = [channel for channel in chosen if channel.kind]
    with app.open_fetcher(config) as fetcher, show.progress("checking", len(followed)) as advance:
        trials = _tried(followed, fetcher, now, config.fetch.workers, advance)
    if as_json:
        show.as_json([asdict(trial) for trial in trials])
    else:
        rows = [(t.name, t.state, t.entries, f"{t.newest:%Y-%m-%d}" if t.newest else "-", t.text) for t in trials]
        show.table(("name", "state", "entries", "newest", ""), rows)
    return int(any(trial.state in _BROKEN for trial in trials))


@sources.command("table")
def table() -> int:
    """Print the table of every channel that the guides name, in Markdown: what covers it, or why nothing can.

    \b
    Example:
      aggregator sources table > channels.md
    """
    from aggregator.catalogue import catalogue
    from aggregator.catalogue.table import markdown

    click.echo(markdown(catalogue().channels, catalogue().groups), nl=False)
    return 0


@dataclass(frozen=True, slots=True)
class _Trial:
    """What came of one visit. state: "ok", "partial", "failed", or "waiting" if the host's turn did not come."""

    name: str
    kind: str
    state: str
    entries: int = 0
    newest: datetime | None = None
    text: str = ""


_BROKEN = ("partial", "failed")


def _tried(
    channels: Iterable["Channel"], fetcher: "Fetcher", now: datetime, workers: int, advance: Any
) -> list[_Trial]:
    def one(channel: "Channel") -> _Trial:
        trial = _try(channel, fetcher, now)
        advance(1)
        return trial

    pool = ThreadPoolExecutor(workers)
    try:
        return list(pool.map(one, channels))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _try(channel: "Channel", fetcher: "Fetcher", now: datetime) -> _Trial:
    from aggregator.config.use import as_table, source_of

    trial = _Trial(channel.name, channel.kind, "failed")
    try:
        batch = source_of(as_table(channel)).visit(fetcher, None, now)
    except AggregatorError as error:
        own = isinstance(error, FetchError) and error.own
        return replace(trial, state="waiting" if own else "failed", text=str(error))
    newest = max((entry.announced or entry.published for entry in batch.entries), default=None)
    state = "partial" if batch.missing else "ok"
    text = "; ".join(filter(None, (batch.missing, batch.note)))
    return replace(trial, state=state, entries=len(batch.entries), newest=newest, text=text)


def _configured(settings: Settings) -> "Config | None":
    """The configuration if there is a good one; the catalogue can be read without, just when config.toml is wrong."""
    from aggregator import app

    try:
        return app.read_config(settings.config)
    except InputError as error:
        if settings.config is not None:
            raise
        if "`aggregator init`" not in str(error):
            click.echo(f"aggregator: without config.toml, which cannot be used: {str(error).splitlines()[0]}", err=True)
        return None


def _on(channels: Iterable["Channel"], config: "Config | None") -> set[str] | None:
    """The names of the channels that are sources of the configuration; None if there is none."""
    if config is None:
        return None
    from aggregator.config.use import as_table, marks, source_of

    known = {mark for source in config.sources for mark in marks(source)}
    return {c.name for c in channels if c.kind and known & marks(source_of(as_table(c)))}
