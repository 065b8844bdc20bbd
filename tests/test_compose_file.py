"""docker-compose.yml is valid by the compose schema's rules, and each service's command runs, outside a container."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = FILE["services"]
SCHEMA = Path(sys.prefix) / "compose-schema" / "compose" / "config" / "compose_spec.json"


def command(service: str) -> list[str]:
    return [sys.executable, "-m", "aggregator", *SERVICES[service]["command"]]


def environment(folder: Path) -> dict[str, str]:
    config = folder / "config.toml"
    config.write_text((ROOT / "config.toml").read_text())
    return {**os.environ, "AGGREGATOR_CONFIG": str(config), "HTTPS_PROXY": "http://127.0.0.1:9", "HOME": str(folder)}


@pytest.mark.skipif(not SCHEMA.exists(), reason="the compose schema is put into the virtual environment by `make test`")
def test_valid_by_the_compose_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    del schema["$schema"]  # its draft is named with a "#" that no validator knows
    jsonschema.Draft201909Validator(schema).validate(FILE)


def test_no_root_one_image_one_volume_migrate_first() -> None:
    assert {service["image"] for service in SERVICES.values()} == {"paper-aggregator"}
    assert all(service["user"].split(":")[0] not in ("0", "root") for service in SERVICES.values())
    assert {volume for service in SERVICES.values() for volume in service["volumes"]} == {"data:/data"}
    assert SERVICES["scheduler"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert "USER aggregator" in (ROOT / "Dockerfile").read_text()


def test_the_services_run_as_written(tmp_path: Path) -> None:
    env = environment(tmp_path)
    subprocess.run(command("migrate"), env=env, check=True, capture_output=True)
    scheduler = subprocess.Popen(
        command("scheduler"), env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert scheduler.stderr is not None
    started = next(line for line in scheduler.stderr if "serve started" in line or "Traceback" in line)
    assert "Traceback" not in started
    scheduler.send_signal(signal.SIGTERM)
    out, err = scheduler.communicate(timeout=60)
    assert scheduler.returncode == 0, out + err
    assert "serve stopped" in err
    assert "Traceback" not in err
