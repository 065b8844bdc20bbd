"""The wheel holds everything: installed elsewhere, the command works in any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the unpacked wheel and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_the_wheel_carries_templates_migrations_sample_and_example(installed: Path) -> None:
    shipped = installed / "aggregator" / "shipped"
    assert (shipped / "config.toml").read_bytes() == (ROOT / "config.toml").read_bytes()
    assert {path.name for path in (shipped / "templates" / "email").iterdir()} == {
        "digest.html",
        "digest.subject.txt",
        "digest.txt",
    }
    assert list((shipped / "migrations" / "versions").glob("0001*.py"))
    assert list((installed / "aggregator" / "demo").glob("*.toml"))


def test_the_command_works_from_the_wheel_in_any_folder(installed: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(tmp_path)}
    where = "import aggregator, sys; print(aggregator.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
    )
    assert str(installed) in found.stdout
    for command in ("init", "check", "migrate", "status"):
        done = subprocess.run(
            [sys.executable, "-m", "aggregator", command],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "aggregator.db").exists()
