"""A letter in a real browser and under two real validators: `make letters`.

html-validate (HTML's rules) and axe-core (WCAG's) are fetched by npm into a temporary folder; axe runs in chromium, in
light and dark. Skipped where npm or chromium is missing or npm reaches no registry.
"""

import html
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import clients, mailcheck
from tests import test_render_clients as checks
from tests.lettered import KINDS, letters

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PACKAGES = ("html-validate@11.18.0", "axe-core@4.14.1")

RULES = {
    "root": True,
    "extends": ["html-validate:recommended", "html-validate:a11y"],
    "rules": {
        "no-inline-style": "off",  # many programs drop <style>; every style is on its element
        "no-deprecated-attr": "off",  # width, align and cellpadding of tables are what Outlook on Windows reads
        "no-conditional-comment": "off",  # the same program's table of fixed width
        "presentation-role-style": "off",  # role=presentation is older than role=none and known by more programs
        "long-title": "off",  # for search engines; the title is the subject, which has a limit of its own
    },
}
"""html-validate's rules, and those that do not hold for letters, each with why."""

FOREIGN = {
    "landmark-one-main": "the program around the letter has the page's landmarks; Gmail drops the letter's",
    "region": "as above",
}
"""axe's rules that do not hold for letters."""

VALIDATE = """
import { HtmlValidate } from "html-validate";
import { readFileSync } from "node:fs";
const [config, ...files] = process.argv.slice(2);
const validator = new HtmlValidate(JSON.parse(readFileSync(config, "utf8")));
const found = [];
for (const file of files) {
  const report = await validator.validateString(readFileSync(file, "utf8"), file);
  for (const result of report.results)
    for (const one of result.messages) found.push(`${file}:${one.line}: ${one.ruleId}: ${one.message}`);
}
console.log(JSON.stringify(found));
"""

AXE = """
const tell = (told) => {
  const place = document.createElement("pre");
  place.id = "told";
  place.textContent = JSON.stringify(told);
  document.documentElement.append(place);
};
const short = (found) =>
  found.flatMap((one) => one.nodes.map((node) => [one.id, node.html.slice(0, 200), node.failureSummary]));
axe.run(document, { rules: RULES }).then(
  (done) => tell({
    violations: short(done.violations),
    incomplete: short(done.incomplete),
    passes: done.passes.map((one) => one.id),
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
  }),
  (error) => tell({ error: String(error) }),
);
"""

WIDTHS = """
<!doctype html><title>widths</title><body><script>
const told = {};
for (const width of [360, 375, 480, 600, 800]) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
  document.body.append(frame);
  frame.contentDocument.write(LETTER);
  frame.contentDocument.close();
  const inner = frame.contentDocument;
  const texts = [...inner.querySelectorAll("h1, h2, h3, p")];
  const centred = texts.filter((text) => getComputedStyle(text).textAlign.endsWith("center"));
  told[width] = [inner.documentElement.scrollWidth, centred.length];
}
const place = document.createElement("pre");
place.id = "told";
place.textContent = JSON.stringify(told);
document.documentElement.append(place);
</script>
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two packages in node_modules."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    if done.returncode:
        pytest.skip(f"npm could not fetch {' and '.join(PACKAGES)}: {(done.stderr.strip() or '?').splitlines()[-1]}")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


def in_browser(chromium: str, page: str, folder: Path, *, dark: bool = False) -> dict[str, Any]:
    """What a page tells in its <pre id="told">."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [
        *(
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'chromium'}",
        ),
        *("--window-size=800,900", "--virtual-time-budget=20000", "--dump-dom"),
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        file.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert told, f"the page told nothing: {done.stderr[-500:]}"
    found: dict[str, Any] = json.loads(html.unescape(told[1]))
    assert "error" not in found, found
    return found


def with_axe(letter: str, packages: Path) -> str:
    axe = (packages / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8").replace("</", "<\\/")
    rules = json.dumps({rule: {"enabled": False} for rule in FOREIGN})
    scripts = f"<script>{axe}</script><script>{AXE.replace('RULES', rules)}</script>"
    head, end, tail = letter.rpartition("</body>")
    return head + scripts + end + tail


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The letter that `make demo` shows."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "aggregator", "demo", "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return next((folder / "outbox").glob("*.html")).read_text(encoding="utf-8")


def test_html_validate_finds_nothing(packages: Path) -> None:
    (packages / "rules.json").write_text(json.dumps(RULES))
    (packages / "validate.js").write_text(VALIDATE)
    for kind, letter in letters().items():
        (packages / f"{kind}.html").write_text(letter, encoding="utf-8")
    command = ["node", "validate.js", "rules.json", *(f"{kind}.html" for kind in KINDS)]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == []


def test_html_validate_would_find_something(packages: Path) -> None:
    (packages / "rules.json").write_text(json.dumps(RULES))
    (packages / "validate.js").write_text(VALIDATE)
    (packages / "wrong.html").write_text("<!doctype html><html><body><p><div>no</p><img src=x></body></html>")
    command = ["node", "validate.js", "rules.json", "wrong.html"]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=True, timeout=120)
    assert len(json.loads(done.stdout)) >= 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_violation(kind: str, dark: bool, packages: Path, chromium: str, tmp_path: Path) -> None:
    told = in_browser(chromium, with_axe(letters()[kind], packages), tmp_path, dark=dark)
    assert told["dark"] is dark
    assert told["violations"] == []
    assert Counter(rule for rule, *_ in told["incomplete"]) == Counter()
    assert "color-contrast" in told["passes"]
    assert len(told["passes"]) >= 15


def test_axe_would_find_something(packages: Path, chromium: str, tmp_path: Path) -> None:
    poor = letters()["week"].replace("#5a6461", "#b0b8b5").replace('<html lang="en"', "<html", 1)
    found = {rule for rule, *_ in in_browser(chromium, with_axe(poor, packages), tmp_path)["violations"]}
    assert found == {"color-contrast", "html-has-lang"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_letter_is_wider_than_its_window_and_none_is_centred(kind: str, chromium: str, tmp_path: Path) -> None:
    letter = json.dumps(letters()[kind]).replace("</", "<\\/")
    told = in_browser(chromium, WIDTHS.replace("LETTER", letter), tmp_path)
    assert told == {str(width): [width, 0] for width in (360, 375, 480, 600, 800)}


def test_the_letter_of_the_demo(demo: str, packages: Path, chromium: str, tmp_path: Path) -> None:
    page = mailcheck.read(demo)
    checks.test_only_elements_attributes_and_properties_of_letters_are_used(page)
    if clients.TABLE.exists():
        checks.test_every_feature_is_supported_or_degrades_gracefully(page)
    for media in (mailcheck.media_light, mailcheck.media_dark):
        checks.test_every_text_has_enough_contrast(page, media)
    for kind in mailcheck.INVERSIONS:
        checks.test_every_text_has_enough_contrast_after_inversion(page, kind)
    assert in_browser(chromium, with_axe(demo, packages), tmp_path)["violations"] == []
