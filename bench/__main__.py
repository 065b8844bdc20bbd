"""python -m bench: runs the measurements and prints a table, or JSON with --json."""

import argparse
import json
import pkgutil
from importlib import import_module

import bench
from aggregator.cli.show import table


def main() -> None:
    """Run the modules of bench/ that were named, or all."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print JSON")
    arguments.add_argument("name", nargs="*", help=f"one of {', '.join(names)}; all of them if none is given")
    given = arguments.parse_args()
    if unknown := set(given.name) - set(names):
        arguments.error(f"no such measurement: {', '.join(sorted(unknown))}")
    rows: list[bench.Row] = []
    for name in given.name or names:
        found: list[bench.Row] = import_module(f"bench.{name}").run()
        rows += found
    if given.json:
        print(json.dumps(rows, indent=2))
    else:
        head = ("bench", "task", "system", "metric", "value")
        table(head, [(r["bench"], r["task"], r["system"], r["metric"], f"{r['value']:.3g}") for r in rows])


main()
