"""backtest: past weeks, ranked again and held against the answers, on a terminal and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from aggregator.cli import Settings, show
from aggregator.cli.difference import reason_of, terminal
from aggregator.cli.imports import chosen
from aggregator.cli.steps import opened, report

if TYPE_CHECKING:
    from rich.console import Console, Group

    from aggregator.backtest import Judged, Week

_TOP = 3
_LIMITS = (
    "Popularity and the frequency of words are as the store knows them now, not as they were; what was never shown was "
    "hardly answered, so that a ranking is judged best on what it, or one like it, has shown."
)


@click.command()
@click.argument("name", metavar="[PROFILE]", default="")
@click.option("--weeks", type=click.IntRange(1, 104), default=12, show_default=True, help="How many weeks back.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def backtest(settings: Settings, name: str, weeks: int, as_json: bool) -> int:
    """Rank past weeks again by PROFILE as it is written now, and hold them against its answers.

    Shown are the best picks of each week and, where something of that week was liked or saved, nDCG@10 and the hit
    rate: the share of those works that is among the picks. A week is ranked with the answers that were given before its
    end, never with those to its own works; beside it stands the ranking without any. PROFILE may be left out where
    there is one only. Works offline on the store.

    \b
    Example:
      aggregator backtest me --weeks 12
    """
    from aggregator.backtest import backtest as replayed

    with opened(settings) as steps:
        one = chosen(steps, name)
        outcome = steps.embed()
        if outcome.troubles:
            return report([outcome])
        found = replayed(steps.store, steps.embedder, one, weeks=weeks, now=steps.clock(), progress=steps.progress)
    if as_json:
        show.as_json(_values(one.name, found))
        return 0
    _show(found, ZoneInfo(one.timezone), terminal())
    return 0


def _values(profile: str, weeks: "Sequence[Week]") -> dict[str, Any]:
    from aggregator.backtest import mean

    return {
        "profile": profile,
        "weeks": [
            {
                "since": week.since,
                "until": week.until,
                "candidates": week.candidates,
                "picks": len(week.picks),
                "top": [
                    {
                        "key": pick.entry.key,
                        "title": pick.entry.title,
                        "url": pick.entry.url,
                        "score": pick.score,
                        "reason": asdict(pick.reasons[0]) if pick.reasons else None,
                    }
                    for pick in week.picks[:_TOP]
                ],
                "liked": week.liked,
                "learnt": _figures(week.learnt),
                "written": _figures(week.written),
            }
            for week in weeks
        ],
        "mean": {
            "learnt": _figures(mean(week.learnt for week in weeks)),
            "written": _figures(mean(week.written for week in weeks)),
        },
        "limits": _LIMITS,
    }


def _figures(judged: "Judged | None") -> dict[str, float] | None:
    return {"ndcg_at_10": round(judged.ndcg, 4), "hit_rate": round(judged.hit_rate, 4)} if judged else None


def _show(weeks: "Sequence[Week]", zone: ZoneInfo, console: "Console") -> None:
    for week in weeks:
        console.print(_week(week, zone))
        console.print()
    _show_mean(weeks, console)
    console.print(_LIMITS, style="dim")


def _week(week: "Week", zone: ZoneInfo) -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", no_wrap=True, min_width=6)
    table.add_column(ratio=5, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=4, no_wrap=True, overflow="ellipsis", style="dim")
    head = Text.assemble(
        (f"{week.until.astimezone(zone):%a %Y-%m-%d %H:%M}", "bold"), (f"  {_counts(week)}", "dim"), _judged(week)
    )
    for pick in week.picks[:_TOP]:
        title = Text(show.plain(pick.entry.title))
        table.add_row(Text(f"{pick.score:.2f}", "cyan"), title, Text(reason_of(next(iter(pick.reasons), None))))
    return Group(head, table) if week.picks else Group(head)


def _counts(week: "Week") -> str:
    if not week.candidates:
        return "no candidates: nothing became news in this week"
    return f"{week.candidates} candidates, {len(week.picks)} picks"


def _judged(week: "Week") -> str:
    """Such as "nDCG@10 0.61 (0.52 without answers), hit rate 0.67 (0.50) of 6 liked", on a line of its own."""
    if not (week.learnt and week.written):
        return ""
    return (
        f"\n  nDCG@10 {week.learnt.ndcg:.2f} ({week.written.ndcg:.2f} without answers), "
        f"hit rate {week.learnt.hit_rate:.2f} ({week.written.hit_rate:.2f}) of {week.liked} liked"
    )


def _show_mean(weeks: "Sequence[Week]", console: "Console") -> None:
    from aggregator.backtest import mean

    judged = [week for week in weeks if week.learnt]
    learnt, written = mean(week.learnt for week in judged), mean(week.written for week in judged)
    if not (learnt and written):
        console.print("Nothing of these weeks was liked or saved: there is nothing to judge by (`aggregator feedback`)")
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    table.add_row("[bold]Mean[/bold]", f"[dim]of {len(judged)} of {len(weeks)} weeks[/dim]", "nDCG@10", "hit rate")
    for name, one in (("with what was learnt", learnt), ("by the written profile alone", written)):
        table.add_row("", name, f"{one.ndcg:.3f}", f"{one.hit_rate:.3f}")
    console.print(table)
    console.print()
