"""Writes the pictures in docs/: `python -m tests.write_pictures`. Needs chromium.

preview.png is what `aggregator preview` shows after an edit, letter-*.png the demo's letter on a telephone and on a
screen: light, dark, and inverted by a program that does so to every page. All are made of the demo's sample. The
terminal's letters are those of DejaVu Sans Mono where there is no Fira Code.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from aggregator import app
from aggregator.cli.difference import show_difference
from aggregator.outcome import silent

DOCS = Path(__file__).parent.parent / "docs"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
COLUMNS = 112
SIZES = {375: 2180, 800: 2060}
"""How wide a letter is shown, and how much of it, in pixels."""
LOOKS = {
    "light": "--blink-settings=preferredColorScheme=1",
    "dark": "--blink-settings=preferredColorScheme=0",
    "inverted": "--blink-settings=forceDarkModeEnabled=true,preferredColorScheme=1",
}
"""What makes Chromium show a page so."""
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


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo shows: its letter as a page, and a terminal with the difference that the edit makes."""

    letter: str
    shown: Console


def demo(folder: Path) -> Demo:
    """The demo, played in this folder, then edited."""
    shown = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False, force_terminal=True)
    with app.open_demo(folder, lambda: NOW, silent) as steps:
        for outcome in steps.run(everything=True):
            print(outcome.step, outcome.counts, file=sys.stderr)
        (letter,) = folder.rglob("*.html")
        page = letter.read_text(encoding="utf-8")
        text = steps.config.path.read_text(encoding="utf-8")
        for before, after in EDIT:
            assert before in text, before
            text = text.replace(before, after)
        steps.config.path.write_text(text, encoding="utf-8")
        _, trial = replace(steps, config=app.read_config(steps.config.path)).preview("demo", days=7)
    assert trial.difference
    shown.print("[bold]$ aggregator preview demo[/bold]\n")
    show_difference(trial.difference, shown)
    return Demo(page, shown)


def terminal(shown: Console) -> bytes:
    """The terminal as a PNG."""
    svg = shown.export_svg(title="aggregator preview", theme=THEME)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "Fira Code, DejaVu Sans Mono")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box
    width, height = (round(float(size)) for size in box.groups())
    style = f"body{{margin:0}}svg{{display:block;width:{width}px}}"
    return shot(f'<meta charset="utf-8"><style>{style}</style>{svg}', width, height, LOOKS["light"])


def shot(page: str, width: int, height: int, look: str) -> bytes:
    """A page as a PNG of this size."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        sys.exit("write_pictures: chromium is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "page.html").write_text(page, encoding="utf-8")
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}",
                "--hide-scrollbars", "--force-device-scale-factor=1", f"--window-size={width},{height}", look,
                f"--screenshot={folder / 'page.png'}", (folder / "page.html").as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip
        return (folder / "page.png").read_bytes()


def main() -> None:
    """Write them all."""
    with tempfile.TemporaryDirectory() as name:
        made = demo(Path(name) / "demo")
    (DOCS / "preview.png").write_bytes(terminal(made.shown))
    for width, height in SIZES.items():
        for look, flag in LOOKS.items():
            (DOCS / f"letter-{width}-{look}.png").write_bytes(shot(made.letter, width, height, flag))


if __name__ == "__main__":
    main()
