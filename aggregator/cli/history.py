"""history: backfill and audit."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from aggregator.cli import Settings, show
from aggregator.cli.steps import opened
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.model import Window


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
    with opened(settings) as steps:
        outcome, results = steps.backfill(_window(first, last, steps.clock().date()), source)
    if as_json:
        show.as_json([asdict(result) for result in results])
        show.troubles(outcome)
    else:
        rows = [(r.source, r.window.first, r.window.last, r.seen, r.new, r.text or _STATES[r.state]) for r in results]
        show.table(("source", "from", "to", "entries", "new", ""), rows)
        without = [s.name for s in steps.config.sources if not any(r.source == s.name for r in results)]
        if without and source is None:
            click.echo(f"without history (a feed shows only its newest entries): {', '.join(without)}")
        show.outcome(outcome)
    return int(bool(outcome.troubles))


@click.command()
@click.option("--from", "first", required=True, metavar="DAY", callback=_day, help="The first day, like 2024-01-01.")
@click.option("--to", "last", metavar="DAY", callback=_day, help="The last day.  [default: today]")
@click.option("--source", metavar="NAME", help="Only this source.")
@click.option("--dry-run", is_flag=True, help="Only look; store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def audit(  # noqa: PLR0917 - the options
    settings: Settings, first: date, last: date | None, source: str | None, dry_run: bool, as_json: bool
) -> int:
    """Ask the sources again for the days from --from to --to, and fetch what the store lacks.

    Each source that keeps a history is asked at each of its doors (arXiv: API, OAI and the daily feed).

    \b
    Example:
      aggregator audit --from 2024-06-01 --to 2024-06-30
    """
    with opened(settings) as steps:
        window = _window(first, last, steps.clock().date())
        outcome, findings = steps.audit(window, source, mend=not dry_run)
    if as_json:
        show.as_json([asdict(finding) for finding in findings])
        show.troubles(outcome)
    else:
        rows = [(f.source, f.witness or "-", f.said, len(f.missing), len(f.alone), f.trouble) for f in findings]
        show.table(("source", "witness", "entries", "missing", "only here", "trouble"), rows)
        for key in dict.fromkeys(key for finding in findings for key in finding.missing):
            click.echo(f"{'missing' if dry_run else 'mended'}: {key}")
        show.outcome(outcome)
    return int(bool(outcome.troubles))


def _window(first: date, last: date | None, today: date) -> "Window":
    from aggregator.model import Window

    last = last or today
    if first > last:
        raise InputError(f"--from {first} lies after --to {last}")
    if last > today:
        raise InputError(f"--to {last} lies in the future; today is {today}")
    return Window(first, last)


_STATES = {"done": "", "before": "fetched by an earlier run", "failed": "failed"}
