"""explain: why a work is in a digest, or what keeps it out, with the whole sum that its score is."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli import Settings, show
from aggregator.cli.imports import chosen
from aggregator.cli.steps import opened

if TYPE_CHECKING:
    from rich.console import Console

    from aggregator.explaining import Explanation
    from aggregator.model import Share

_BECAUSE = {
    "meaning": "near to your interest “{}”",
    "seeds": "near to your seed “{}”",
    "words": "words in common with “{}”",
    "keyword": "your keyword “{}”",
    "author": "by {}, whom you follow",
    "venue": "appeared at {}",
    "popular": "{}",
    "fresh": "came out on {}",
    "muted": "“{}” is muted",
    "bound": "no score is beyond 0 and 1",
}  # fmt: skip
_COLOURS = {"pick": "green", "shown": "green", "also": "cyan", "muted": "red", "hidden": "red"}


@click.command()
@click.argument("entry")
@click.option("--profile", "name", metavar="P", default="", help="Whose digest; needed if there are several.")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    help="Explain the preview of so many days.  [default: the issue of the day on which it became news, or the next]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(settings: Settings, entry: str, name: str, days: int | None, as_json: bool) -> int:
    """Say what becomes of ENTRY in a digest, and why: the whole sum of its score, its place, what would change it.

    ENTRY is an arXiv id, a DOI, a link, a key, or the number in the last digest. Nothing is changed.

    \b
    Example:
      aggregator explain 2611.01234 --profile me
    """
    from aggregator.explaining import explain as explained

    with opened(settings) as steps:
        profile = chosen(steps, name)
        found = explained(steps.store, steps.embedder, profile, entry, now=steps.clock(), days=days)
    if as_json:
        show.as_json(_plain(found))
    else:
        _tell(found)
    return 0


def _tell(found: "Explanation") -> None:
    """The title, what becomes of the work, the sum and what stands beside it: as wide as the terminal, or plain."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False, markup=False)
    entry = found.entry
    colour = _COLOURS.get(found.fate, "yellow")
    lines = [
        Text(show.plain(entry.title), style="bold"),
        Text(f"{entry.kind} · {show.plain(entry.key)} · {show.plain(entry.url)}", style="dim"),
        Text(),
        Text(show.plain(found.because), style=f"bold {colour}"),
    ]
    if found.advice:
        lines.append(Text(f"What would change that: {show.plain(found.advice)}."))
    for line in lines:
        console.print(line, soft_wrap=not console.is_terminal)
    if found.score is not None:
        console.print()
        _sum(found, console)
        console.print()
    digest = f"issue {found.issue}" if found.issue else "digest"
    for note in [*_figures(found), f"{digest} of {_moment(found.since)} to {_moment(found.until)}"]:
        console.print(Text(note, style="dim"), soft_wrap=not console.is_terminal)


def _sum(found: "Explanation", console: "Console") -> None:
    """A line for each share, and the score below them, which they add up to."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    rows = [(f"{share.value:+.4f}", share.name, _because(share)) for share in found.shares]
    total = (f"{found.score:.4f}", "score", _place(found))
    if not console.is_terminal:
        for row in [*rows, total]:
            click.echo(f"{row[0]:>8}  {row[1]:<8}  {row[2]}".rstrip())
        return
    for (value, name, because), share in zip(rows, found.shares, strict=True):
        table.add_row(Text(value, "green" if share.value > 0 else "red"), Text(name), Text(because))
    table.add_row(Text("───────", "dim"), "", "")
    table.add_row(Text(total[0], "bold"), Text(total[1], "bold"), Text(total[2]))
    console.print(table)


def _because(share: "Share") -> str:
    """What a share is because of, in words."""
    if share.name == "answers":
        side = "the like of what you liked" if share.value > 0 else "the like of what you did not like"
        return f"{side}{f', such as “{show.plain(share.text)}”' if share.text else ''}"
    return _BECAUSE[share.name].format(show.plain(share.text))


def _place(found: "Explanation") -> str:
    if found.place is None:
        return "what is muted has no place"
    return f"{_ordinal(found.place)} of {found.candidates}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _figures(found: "Explanation") -> list[str]:
    """The limits that the score is held against, and the interests and seeds that came next."""
    if found.score is None:
        return []
    last = f", the lowest score of a pick {found.last:.4f}" if found.last is not None else ", and nothing is picked"
    lines = [f"min_score is {found.min_score:g}{last}"]
    if found.others:
        told = (f"“{show.plain(one.text)}” {one.weight:.4f}" for one in found.others)
        lines.append(f"the other interests and seeds: {', '.join(told)}")
    return lines


def _plain(found: "Explanation") -> dict[str, Any]:
    """The explanation as plain values."""
    fields = ("fate", "because", "advice", "profile", "issue", "since", "until", "number", "score", "place")
    told = {field: getattr(found, field) for field in fields}
    return {
        "key": found.entry.key, "kind": found.entry.kind, "title": found.entry.title, **told,
        "candidates": found.candidates, "min_score": found.min_score, "last": found.last,
        "shares": [asdict(share) for share in found.shares],
        "reasons": [asdict(one) for one in found.reasons],
        "others": [asdict(one) for one in found.others],
    }  # fmt: skip


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M}"
