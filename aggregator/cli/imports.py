"""imports: bring works from a file of references or from Zotero in as the seeds of a profile."""

import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli import Settings, show
from aggregator.cli.files import replace
from aggregator.cli.steps import opened
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.imports import References
    from aggregator.model import Profile, Seed

_PROFILE = click.option(
    "--profile", "name", metavar="NAME", default="", help="Whose seeds; needed if there are several."
)
_DRY = click.option("--dry-run", is_flag=True, help="Only say what would be added.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SHOWN = 10
_SAFE = re.compile(r"[^\w-]+")


@click.command("import-bibtex")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_PROFILE
@_DRY
@_JSON
@click.pass_obj
def import_bibtex(settings: Settings, file: Path, name: str, dry_run: bool, as_json: bool) -> int:
    """Take the works in FILE as seeds: BibTeX, RIS, or CSL-JSON as Zotero exports it, told apart by what is in it.

    They are kept in seeds/NAME.json beside config.toml, and config.toml is made to name that file; FILE is not needed
    again. What is there already stays. A record that is broken is told with its line and left out, and the exit code is
    then 1.

    \b
    Example:
      aggregator profile import-bibtex library.bib --profile me --dry-run
    """
    from aggregator.imports import read_file

    with opened(settings) as steps:
        profile = chosen(steps, name)
        return _take(steps, profile, read_file(file), file.name, dry_run=dry_run, as_json=as_json)


@click.command("import-zotero")
@_PROFILE
@click.option(
    "--group", metavar="NUMBER", type=click.IntRange(1), help="A group's library; otherwise the key's owner's."
)
@click.option("--collection", metavar="NAME", default="", help="Only this collection, by name or key.")
@_DRY
@_JSON
@click.pass_obj
def import_zotero(
    settings: Settings, *, name: str, group: int | None, collection: str, dry_run: bool, as_json: bool
) -> int:
    """Take the works of a Zotero library, or of one of its collections, as seeds, as `import-bibtex` does.

    The key is read from ZOTERO_API_KEY, or from the file that ZOTERO_API_KEY_FILE names; one that may only read is made
    at https://www.zotero.org/settings/keys. Collections within a collection are not taken with it.

    \b
    Example:
      aggregator profile import-zotero --profile me --collection "Speech codecs"
    """
    from aggregator import app
    from aggregator.imports.zotero import HOME, Zotero
    from aggregator.secret import secret

    with opened(settings) as steps:
        profile = chosen(steps, name)
        key = secret("ZOTERO_API_KEY", os.environ, f"an API key of Zotero, to be made at {HOME},")
        with app.open_fetcher(steps.config) as fetcher:
            zotero = Zotero(fetcher, key.strip())
            library = f"groups/{group}" if group else zotero.own()
            place = zotero.collection(library, collection) if collection else ""
            found = zotero.items(library, place, show.progress)
        return _take(steps, profile, found, "Zotero", dry_run=dry_run, as_json=as_json)


def chosen(steps: "Steps", name: str) -> "Profile":
    """The profile of that name, or the only one. Raises InputError with the nearest name."""
    from aggregator.config.explain import hint

    profiles = {one.name: one for one in steps.config.profiles}
    if not name and len(profiles) == 1:
        return next(iter(profiles.values()))
    if name in profiles:
        return profiles[name]
    there = f"there are: {', '.join(profiles)}"
    if not name:
        raise InputError(f"name a profile; {there}")
    raise InputError(f"there is no profile {name!r}{hint(name, profiles) or f'; {there}'}")


@dataclass(frozen=True, slots=True)
class _Change:
    """What an import does to the seeds of a profile: all seeds then, the new among them, and how many the store has."""

    path: Path
    whole: "tuple[Seed, ...]"
    new: "tuple[Seed, ...]"
    known: int
    repeated: int
    changed: bool


def _take(steps: "Steps", profile: "Profile", found: "References", source: str, *, dry_run: bool, as_json: bool) -> int:
    """Add what was found to the seeds that are kept, name them in the configuration, and say so."""
    from aggregator.imports import kept

    change = _change(steps, profile, found)
    line = f"seeds/{change.path.name}"
    named = str(change.path) in profile.seeds
    if change.changed and not dry_run:
        change.path.parent.mkdir(exist_ok=True)
        replace(change.path, kept.written(change.whole))
    place = ""
    if not named and not dry_run and change.whole:
        place = _name_it(steps.config.path, profile, line)
    if as_json:
        show.as_json({
            "profile": profile.name,
            "file": str(change.path),
            "added": [{"key": one.key, "title": one.title} for one in change.new],
            "known": change.known,
            "repeated": change.repeated,
            "bad": [{"line": one.line, "text": one.text} for one in found.bad],
            "named_in": place or (str(steps.config.path) if named else ""),
        })  # fmt: skip
        return int(bool(found.bad))
    _tell(change, found, source, dry_run=dry_run)
    if place:
        click.echo(f"{place}: seeds = [{_quoted(line)}] was added")
    elif not named and change.whole:
        click.echo(f"to be read, it must stand in the profile {profile.name}: seeds = [{_quoted(line)}]")
    return int(bool(found.bad))


def _tell(change: _Change, found: "References", source: str, *, dry_run: bool) -> None:
    for one in change.new[:_SHOWN]:
        click.echo(f"{'would add' if dry_run else 'added'} {show.plain(one.title)}{f'  {one.key}' if one.key else ''}")
    if len(change.new) > _SHOWN:
        click.echo(f"… and {len(change.new) - _SHOWN} more")
    for bad in found.bad:
        click.echo(f"aggregator: {source}:{f'{bad.line}:' if bad.line else ''} {bad.text}", err=True)
    total = len(found.seeds) + found.repeated + len(found.bad)
    verb = "would be added" if dry_run else "added"
    stored = f"{change.known} known in the database, {len(change.new) - change.known} not"
    click.echo(
        f"seeds/{change.path.name}: {len(change.new)} of {total} records {verb} ({stored}), "
        f"{change.repeated} there already, {len(found.bad)} broken"
    )


def _change(steps: "Steps", profile: "Profile", found: "References") -> _Change:
    from aggregator.imports import References, gathered, read_file

    path = steps.config.path.parent / "seeds" / f"{_file_name(profile.name)}.json"
    there = read_file(path) if path.exists() else References(())
    if there.bad:
        raise InputError(f"{path}:{there.bad[0].line}: {there.bad[0].text}; mend or delete it first")
    old = there.seeds
    whole = gathered([*old, *found.seeds], ()).seeds
    new = whole[len(old) :]
    repeated = len(found.seeds) + found.repeated - len(new)
    return _Change(path, whole, new, _known(steps, new), repeated, whole != old)


def _known(steps: "Steps", seeds: "Sequence[Seed]") -> int:
    """How many of the works the database knows by their names."""
    from aggregator.model import Entry

    named = [
        Entry(key=one.key, kind="paper", title=one.title, url="", published=steps.clock()) for one in seeds if one.key
    ]
    return len(named) - len(steps.store.lacking(named))


def _file_name(profile: str) -> str:
    """A name for a file, of its own for each profile."""
    safe = _SAFE.sub("-", profile)
    return safe if safe == profile else f"{safe}-{zlib.crc32(profile.encode()):08x}"


def _name_it(config: Path, profile: "Profile", line: str) -> str:
    """Name the file of seeds where the profile is written; the place, or "" if that is better done by hand.

    A line is put in behind [[profile]], or at the top of the profile's own file, and nothing else is touched. It is
    left to the owner if there are seeds already, or if the file would not say the same but for them.
    """
    import tomllib

    from aggregator.config import origin

    page, _, number = origin(config, profile.name).rpartition(":")
    path = config.parent / page
    text = path.read_bytes().decode("utf-8-sig")
    rows = text.split("\n")
    own = path != config
    at = 0 if own else int(number)
    if not own and not re.match(r"\s*\[\[\s*profile\s*\]\]", rows[at - 1]):
        return ""
    rows.insert(at, f"seeds = [{_quoted(line)}]" + ("\r" if "\r\n" in text else ""))
    new = "\n".join(rows)
    try:
        before, after = tomllib.loads(text), tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        return ""
    tables = [(before, after)] if own else list(zip(before["profile"], after["profile"], strict=False))
    changed = [(old, now) for old, now in tables if old != now]
    if len(changed) != 1 or changed[0][0] | {"seeds": [line]} != changed[0][1]:
        return ""
    replace(path, new.encode())
    return f"{page}:{at + 1}"


def _quoted(line: str) -> str:
    return f'"{line}"'
