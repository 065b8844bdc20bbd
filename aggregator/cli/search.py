"""search: find entries by words and by meaning, among all that is stored."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli import Settings, show
from aggregator.cli.steps import opened
from aggregator.errors import InputError
from aggregator.model import KINDS

if TYPE_CHECKING:
    from rich.text import Text

    from aggregator.app import Steps
    from aggregator.model import Kind
    from aggregator.searching import Found, Hit

_WHY = {
    "name": "named",
    "title": "its title",
    "author": "its author",
    "both": "words and meaning",
    "words": "words",
    "meaning": "meaning",
}


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--since", metavar="DATE", help="Only what was published on this day (UTC) or later.")
@click.option("--until", metavar="DATE", help="Only what was published on this day (UTC) or before.")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind of entry.")
@click.option("--source", metavar="NAME", help="Only what was seen at this source.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def search(  # noqa: PLR0917 - the options
    settings: Settings,
    query: tuple[str, ...],
    since: str | None,
    until: str | None,
    kind: "Kind | None",
    source: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """Find entries, by words and by meaning, among all that was ever collected.

    An arXiv id, a DOI, a link, a title or an author's name finds exactly that. "A phrase" in quotes has to be there as
    it stands, title:word in the title, and for prefix* a word that begins so.

    \b
    Example:
      aggregator search streaming speech recognition --since 2026-11-01 --kind paper
      aggregator search '"keyword spotting" diariz*' --json
    """
    from aggregator import searching

    first, last = _day("--since", since), _day("--until", until)
    if first and last and first > last:
        raise InputError(f"--since {first} is after --until {last}")
    wanted = " ".join(query)
    with opened(settings) as steps:
        _check_source(steps, source)
        found = searching.search(
            steps.store, steps.embedder, wanted, since=first, until=last, kind=kind, source=source, limit=limit
        )
    narrow = any(option is not None for option in (since, until, kind, source))
    return _report(found, _clean(wanted)[:200], as_json=as_json, narrow=narrow)


def _report(found: "Found", query: str, *, as_json: bool, narrow: bool) -> int:
    """Print what was found, or what to try instead; 1 if not all could be looked at."""
    if found.trouble:
        click.echo(f"aggregator: {found.trouble}", err=True)
    if as_json:
        show.as_json([_plain(number, hit) for number, hit in enumerate(found.hits, 1)])
    elif found.hits:
        _print(found.hits)
    else:
        advice = "an earlier --since, or fewer of the options" if narrow else "fewer words, or others"
        click.echo(f"nothing found for {query!r}; try {advice}")
    return int(bool(found.trouble))


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text!r} is not a day; write it like 2026-11-21") from None


def _check_source(steps: "Steps", name: str | None) -> None:
    if name is None or name in (known := {one.name for one in steps.config.sources} | set(steps.store.seen_at())):
        return
    raise InputError(f"there is no source {name!r}; there are: {', '.join(sorted(known))}")


def _plain(number: int, hit: "Hit") -> dict[str, Any]:
    """What is printed as JSON; `marks` are where words stand in the snippet: first character, one past the last."""
    entry = asdict(hit.entry)
    fields = ("key", "kind", "title", "url", "published", "authors")
    told = {field: entry[field] for field in fields}
    return {
        "number": number, **told, "sources": hit.sources, "why": hit.why, "score": round(hit.score, 4),
        "snippet": hit.snippet, "marks": hit.marks,
    }  # fmt: skip


def _print(hits: "tuple[Hit, ...]") -> None:
    """A paragraph for each: in colours and as wide as the terminal, or plain where there is none."""
    from rich.console import Console
    from rich.padding import Padding

    console = Console(highlight=False, emoji=False, markup=False)
    for number, hit in enumerate(hits, 1):
        title, *rest = _lines(number, hit)
        console.print(title, soft_wrap=not console.is_terminal)
        for line in rest:
            if console.is_terminal:
                console.print(Padding(line, (0, 0, 0, 4)))
            else:
                console.print("    " + line.plain, soft_wrap=True)


def _lines(number: int, hit: "Hit") -> "list[Text]":
    from rich.text import Text

    entry = hit.entry
    told = (f"{entry.published:%Y-%m-%d}", entry.kind, ", ".join(hit.sources), _by(entry.authors), _WHY[hit.why])
    snippet = Text(_clean(hit.snippet))
    for start, end in hit.marks:
        snippet.stylize("bold yellow", start, end)
    lines = [
        Text.assemble((f"{number:>3} ", "dim"), (show.plain(entry.title), "bold")),
        Text(show.plain(" · ".join(filter(None, told))), style="dim"),
        snippet,
        Text(show.plain(entry.url), style="cyan"),
    ]
    return [line for line in lines if line.plain.strip()]


def _by(authors: tuple[str, ...]) -> str:
    return ", ".join(authors[:3]) + (" and others" if len(authors) > 3 else "")


def _clean(text: str) -> str:
    """The text on one line, without what would steer a terminal; as long as before."""
    return "".join(char if char.isprintable() else " " for char in text)
