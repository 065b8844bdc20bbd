"""difference: what an edit does to a digest, as tables on a terminal and as plain values."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aggregator.cli import show

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.text import Text

    from aggregator.comparing import Difference, Move
    from aggregator.model import Reason

_MOST = 10
"""So many works of each kind are listed."""

_WIDTH = 110
_REASONS = {
    "interest": "{}", "keyword": "mentions “{}”", "author": "by {}", "venue": "at {}", "like": "like “{}”",
    "seed": "like “{}”", "popular": "popular: {}", "surprise": "beyond the interests: {}",
}  # fmt: skip


def as_values(difference: "Difference") -> dict[str, Any]:
    """The difference as plain values, for JSON."""
    return {
        "written_before": difference.at,
        "edits": [asdict(edit) for edit in difference.edits],
        **{name: [_values(move) for move in getattr(difference, name)] for name in ("came", "went", "rose", "fell")},
        "pushed": difference.pushed,
        "stayed": difference.stayed,
    }


def show_difference(difference: "Difference", console: "Console | None" = None) -> None:
    """The edits, and below them a table for each of what came, went, rose and fell, at most ten rows each."""
    console = console or terminal()
    console.print(_edits(difference))
    for title, colour, moves in (
        ("Came", "green", difference.came),
        ("Went", "red", difference.went),
        ("Rose", "cyan", difference.rose),
        ("Fell", "yellow", difference.fell),
    ):
        if moves:
            console.print()
            console.print(_moves(title, colour, moves))
    console.print()
    console.print(f"{_others(difference)}", style="dim", highlight=False)


def terminal() -> "Console":
    """Where people see it; as wide as the terminal, else wide enough for two figures and a title."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


def _values(move: "Move") -> dict[str, Any]:
    entry = move.entry
    return {
        "key": entry.key,
        "title": entry.title,
        "url": entry.url,
        "before": asdict(move.before),
        "after": asdict(move.after),
    }


def _edits(difference: "Difference") -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    told = Text.assemble(("Edited", "bold"), (f"  since {difference.at:%Y-%m-%d %H:%M} UTC", "dim"))
    before = ""
    rows = []
    for edit in difference.edits:
        if edit.before and edit.after:
            about = f"{edit.about}: " if edit.about else ""
            line = Text.assemble(about, (edit.before, "dim"), " → ", edit.after)
        else:
            line = Text(f"- {edit.before}", "red") if edit.before else Text(f"+ {edit.after}", "green")
        rows.append((edit.field if edit.field != before else "", line))
        before = edit.field
    for field, line in rows:
        table.add_row(Text(f"  {field}"), line)
    return Group(told, table)


def _moves(title: str, colour: str, moves: "Sequence[Move]") -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", no_wrap=True, min_width=9)
    table.add_column(no_wrap=True, min_width=11)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for move in moves[:_MOST]:
        table.add_row(Text(_numbers(move), f"bold {colour}"), _scores(move), Text(show.plain(move.entry.title)))
        table.add_row("", "", Text(_why(move), "dim"))
    if len(moves) > _MOST:
        table.add_row("", "", Text(f"and {len(moves) - _MOST} more", "dim"))
    return Group(Text.assemble((title, f"bold {colour}"), (f"  {len(moves)}", "dim")), table)


def _numbers(move: "Move") -> str:
    """Such as "9 → 2"; of what is in one letter only, its number there."""
    before, after = move.before.number, move.after.number
    return f"{before} → {after}" if before and after else f"{before or after}"


def _scores(move: "Move") -> "Text":
    from rich.text import Text

    before, after = (f"{one.score:.2f}" if one.score is not None else "  – " for one in (move.before, move.after))
    return Text(before if before == after else f"{before} → {after}")


def _why(move: "Move") -> str:
    """The reason now, and the one before if it was another; of what is left out, why it is."""
    before, after = reason_of(move.before.reason), reason_of(move.after.reason)
    if not move.after.number:
        return f"{move.after.left_out}; before: {before}"
    if not move.before.number:
        return f"{after}; before: {move.before.left_out}"
    told = after if before == after else f"{after}; before: {before}"
    return f"{told}; others {_passing(move)} more" if _passing(move) else told


def _passing(move: "Move") -> str:
    """What others did where a work moved against its own score."""
    gain = (move.after.score or 0) - (move.before.score or 0)
    down = (move.after.number or 0) - (move.before.number or 0)
    return ("rose" if gain > 0 else "fell") if gain * down > 0 else ""


def reason_of(reason: "Reason | None") -> str:
    """A reason in words; "" of none."""
    return _REASONS[reason.kind].format(show.plain(reason.text)) if reason else ""


def _others(difference: "Difference") -> str:
    moved = f"{difference.pushed} more only make room, and " if difference.pushed else ""
    stay = f"{difference.stayed} stay where they were." if difference.stayed != 1 else "1 stays where it was."
    if any((difference.came, difference.went, difference.rose, difference.fell)):
        return moved + stay
    return f"The edit changes nothing in this digest: {moved}{stay}"
