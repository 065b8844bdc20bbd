"""opml: bring feeds from another reader into config.toml, and take them there."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import click

from aggregator.cli import Settings, show
from aggregator.cli.files import replace
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.opml import BadRow, Feed

_FILE = click.Path(dir_okay=False, path_type=Path)
_SECRETS = frozenset({"token", "auth", "key", "api_key", "apikey", "secret", "password", "sig", "signature"})


@click.group()
def opml() -> None:
    """Bring feeds from another reader into config.toml, or take them there, as an OPML file.

    \b
    Example:
      aggregator opml import subscriptions.opml --dry-run
    """


@opml.command("import")
@click.argument("file", type=_FILE)
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def import_(settings: Settings, file: Path, dry_run: bool, as_json: bool) -> int:
    """Add the feeds of an OPML FILE to config.toml, at its end; all else in it stays as it is.

    Folders are not kept. A feed that is a source already, or stands in the file twice, is told with its line and left
    out; so is a row that is no feed, and the exit code is then 1.

    \b
    Example:
      aggregator opml import subscriptions.opml
    """
    from aggregator import app
    from aggregator.opml import read

    config = app.read_config(settings.config)
    outlines = read(_bytes(file), file.name)
    merged = _merge(outlines.feeds, config)
    bad = sorted([*outlines.bad, *merged.bad], key=lambda row: row.line)
    if merged.tables and not dry_run:
        _append(config.path, "".join(f"\n{table}" for table in merged.tables))
    if as_json:
        show.as_json({
            "config": str(config.path),
            "added": [{"name": name, "url": url} for name, url in merged.added],
            "duplicates": [{"line": line, "url": url, "source": of} for line, url, of in merged.twice],
            "bad": [{"line": row.line, "text": row.text} for row in bad],
        })  # fmt: skip
        return int(bool(bad))
    for name, url in merged.added:
        click.echo(f"{'would add' if dry_run else 'added'} {name}  {url}")
    for line, url, of in merged.twice:
        click.echo(f"{file.name}:{line}: {url} is there already, as {of}")
    for row in bad:
        click.echo(f"aggregator: {file.name}:{row.line}: {row.text}", err=True)
    verb = "would be added" if dry_run else "added"
    click.echo(
        f"{config.path.name}: {len(merged.added)} of {len(outlines.feeds) + len(outlines.bad)} rows {verb}, "
        f"{len(merged.twice)} there already, {len(bad)} bad"
    )
    return int(bool(bad))


@opml.command("export")
@click.argument("file", type=_FILE, required=False)
@click.option("--with-logins", is_flag=True, help="Write addresses with the login in them (user:password@).")
@click.pass_obj
def export(settings: Settings, file: Path | None, with_logins: bool) -> int:
    """Write all feeds of config.toml as OPML 2.0 to FILE, or to standard output.

    A login in an address is left out, and told. Sources that are no feeds have no place in OPML and are counted.

    \b
    Example:
      aggregator opml export feeds.opml
    """
    from aggregator import app
    from aggregator.opml import write

    config = app.read_config(settings.config)
    feeds, notes = _exported(config, with_logins)
    body = write(feeds, app.clock(settings.now)())
    if file is None:
        sys.stdout.buffer.write(body)
    else:
        replace(file, body)
    others = len(config.sources) - len(feeds)
    for note in notes:
        click.echo(f"aggregator: {note}", err=True)
    left = f"; {others} sources are no feeds and have no place in OPML" if others else ""
    click.echo(f"wrote {len(feeds)} feeds{f' to {file}' if file else ''}{left}", err=True)
    return 0


@dataclass(frozen=True, slots=True)
class _Merged:
    """What comes of a file: new sources (name, address) with their tables, repeated rows, and rows that cannot be."""

    added: list[tuple[str, str]]
    tables: list[str]
    twice: list[tuple[int, str, str]]
    bad: "list[BadRow]"


def _merge(feeds: "tuple[Feed, ...]", config: "Config") -> _Merged:
    from aggregator import text
    from aggregator.config.explain import MistakesError
    from aggregator.config.use import source_of
    from aggregator.opml import BadRow, name_for, source_table

    known = {text.canonical(address): source.name for source in config.sources if (address := _address(source))}
    taken = {source.name for source in config.sources}
    merged = _Merged([], [], [], [])
    for feed in feeds:
        place = text.canonical(feed.url)
        if place in known:
            merged.twice.append((feed.line, _public(feed.url), known[place]))
            continue
        if "@" in urlsplit(feed.url).netloc:
            merged.bad.append(BadRow(feed.line, f"{_called(feed)}: its address holds a login, which is not copied"))
            continue
        title = {"title": text.cut(feed.title, 200)} if feed.title else {}
        values = {"kind": "feed", "name": name_for(feed, taken), **title, "url": feed.url}
        try:
            source_of(values)
        except MistakesError as error:
            merged.bad.append(BadRow(feed.line, f"{_called(feed)}: {error.problems[0].text}"))
            continue
        known[place] = values["name"]
        taken.add(values["name"])
        merged.added.append((values["name"], feed.url))
        merged.tables.append(source_table(values))
    return merged


def _called(feed: "Feed") -> str:
    return feed.title or (urlsplit(feed.url).hostname or "a feed")


def _exported(config: "Config", with_logins: bool) -> "tuple[list[Feed], list[str]]":
    from aggregator.opml import Feed

    feeds, notes = [], []
    for source in config.sources:
        address = _address(source)
        if not address:
            continue
        if not with_logins and address != _public(address):
            notes.append(f"{source.name}: the login in its address was left out; --with-logins keeps it")
            address = _public(address)
        if any(name.lower() in _SECRETS for name, _ in parse_qsl(urlsplit(address).query)):
            notes.append(f"{source.name}: its address seems to hold a key; mind who gets this file")
        feeds.append(Feed(source.title or source.name, address, _page(source)))
    return feeds, notes


def _address(source: Any) -> str:
    return source.address if source.kind == "feed" else ""


def _page(source: Any) -> str:
    """The page that a feed belongs to, where its short form or the catalogue says it."""
    from aggregator.catalogue import catalogue

    pages = {
        "github": "https://github.com/{}", "reddit": "https://www.reddit.com/{}", "discourse": "{}",
        "youtube": "https://www.youtube.com/channel/{}", "bluesky": "https://bsky.app/profile/{}",
    }  # fmt: skip
    for form, page in pages.items():
        given = getattr(source, form)
        if given and not (form == "youtube" and not given.startswith("UC")):
            return page.format(given)
    known = (c.pages for c in catalogue().channels if c.name == source.name and c.options.get("url") == source.url)
    return next((f"https://{pages[0]}" for pages in known if pages), "")


def _public(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _bytes(file: Path) -> bytes:
    from aggregator.opml import MAX_BYTES

    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None


def _append(path: Path, addition: str) -> None:
    """Put text at the end of config.toml; what comes of it is read before it takes the file's place."""
    from aggregator.config import load

    old = path.read_bytes()
    end = b"\r\n" if b"\r\n" in old else b"\n"
    new = old + (b"" if old.endswith(b"\n") else end) + addition.encode().replace(b"\n", end)
    replace(path, new, check=load)
