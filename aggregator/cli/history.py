"""history: backfill."""

from dataclasses import asdict
from datetime import date

import click

from aggregator.cli import Settings, show
from aggregator.cli.steps import opened
from aggregator.errors import InputError


def _day(ctx: click.Context, option: click.Parameter, value: str | None) -> date | None:  # noqa: ARG001
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError(f"{option.opts[0]} {value!r} is not a day; write it like 2024-01-31") from None


@click.command()
@click.option("--from", "first", required=True, metavar="DAY", callback=_day, help="The first day, like 2024-01-01.")
@click.option("--to", "last", metavar="DAY", callback=_day, help="The last day.  [default: today]")
@click.option("--source", metavar="NAME", help="Only this source.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def backfill(settings: Settings, first: date, last: date | None, source: str | None, as_json: bool) -> int:
    """Fetch the history of the days from --from to --to, slice by slice. Old entries are stored, never mailed.

    Ctrl-C is fine: the same command goes on where it stopped.

    \b
    Example:
      aggregator backfill --from 2024-01-01 --to 2024-06-30
    """
    from aggregator.model import Window

    with opened(settings) as steps:
        today = steps.clock().date()
        last = last or today
        if first > last:
            raise InputError(f"--from {first} lies after --to {last}")
        if last > today:
            raise InputError(f"--to {last} lies in the future; today is {today}")
        outcome, results = steps.backfill(Window(first, last), source)
    if as_json:
        show.as_json([asdict(result) for result in results])
    else:
        rows = [(r.source, r.window.first, r.window.last, r.seen, r.new, r.text or _STATES[r.state]) for r in results]
        show.table(("source", "from", "to", "entries", "new", ""), rows)
        without = [s.name for s in steps.config.sources if not any(r.source == s.name for r in results)]
        if without and source is None:
            click.echo(f"without history (a feed shows only its newest entries): {', '.join(without)}")
    show.outcome(outcome)
    return int(bool(outcome.troubles))


_STATES = {"done": "", "before": "fetched by an earlier run", "failed": "failed"}
