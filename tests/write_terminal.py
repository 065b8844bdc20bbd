"""Writes docs/preview.png, what `aggregator preview` shows after an edit: `python -m tests.write_terminal`.

It is made of the demo's sample. Needs chromium. The letters are those of DejaVu Sans Mono where there is no Fira Code.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from aggregator import app
from aggregator.cli.difference import show_difference
from aggregator.outcome import silent

PICTURE = Path(__file__).parent.parent / "docs" / "preview.png"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
COLUMNS = 112
SCALE = 1
THEME = TerminalTheme(
    (27, 30, 36),
    (222, 226, 232),
    [
        (60, 65, 75), (240, 113, 120), (152, 210, 125), (235, 190, 105),
        (110, 165, 245), (200, 150, 240), (95, 205, 215), (222, 226, 232),
    ],
)  # fmt: skip
EDIT = (
    ('    "text-to-speech with', '    { text = "text-to-speech with'),
    ('voice cloning",\n', 'voice cloning", weight = 0.8 },\n    "spoken dialogue with large language models",\n'),
    ("min_score = 0.4\n", 'min_score = 0.45\nkeywords = ["title:low-latency"]\nmuted = ["diffusion", "podcast"]\n'),
)
"""What is edited in the demo's config.toml."""


def console(folder: Path) -> Console:
    """A terminal that has shown the difference which the edit makes in the demo."""
    shown = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False, force_terminal=True)
    with app.open_demo(folder, lambda: NOW, silent) as steps:
        for outcome in steps.run(everything=True):
            print(outcome.step, outcome.counts, file=sys.stderr)
        text = steps.config.path.read_text(encoding="utf-8")
        for before, after in EDIT:
            assert before in text, before
            text = text.replace(before, after)
        steps.config.path.write_text(text, encoding="utf-8")
        _, trial = replace(steps, config=app.read_config(steps.config.path)).preview("demo", days=7)
    assert trial.difference
    shown.print("[bold]$ aggregator preview demo[/bold]\n")
    show_difference(trial.difference, shown)
    return shown


def picture(shown: Console, folder: Path) -> bytes:
    """The terminal as a PNG."""
    svg = shown.export_svg(title="aggregator preview", theme=THEME)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "Fira Code, DejaVu Sans Mono")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box
    width, height = (round(float(size)) for size in box.groups())
    page, file = folder / "preview.html", folder / "preview.png"
    page.write_text(
        f'<meta charset="utf-8"><style>body{{margin:0}}svg{{display:block;width:{width}px}}</style>{svg}', "utf-8"
    )
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        sys.exit("write_terminal: chromium is not installed")
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}",
            "--hide-scrollbars", f"--force-device-scale-factor={SCALE}", f"--window-size={width},{height}",
            f"--screenshot={file}", page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    return file.read_bytes()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        shown = console(Path(name) / "demo")
        PICTURE.write_bytes(picture(shown, Path(name)))
