"""bench: what is measured. Each module has `run() -> list[Row]`; `python -m bench [--json] [NAME…]` runs them."""

from typing import TypedDict


class Row(TypedDict):
    """One figure: what was measured (bench, task), of which program (system), and the number with its unit."""

    bench: str
    task: str
    system: str
    metric: str
    value: float
