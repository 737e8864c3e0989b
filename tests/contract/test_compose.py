"""docker-compose.yml is checked by schema and against the settings and commands that really exist: no Docker
engine runs here, so what can be wrong without one must be found by a test.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.main import get_command

from ops.cli import app
from ops.processes import PROCESSES
from ops.settings import REPOSITORY, load

OURS = ("migrate", "worker", "loader", "monitor", "dashboard", "gateway")


def _compose() -> dict[str, Any]:
    text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def _package(name: str) -> Path:
    """A package's folder, without importing it: this one needs a newer click than Faust allows."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def _environment(service: str) -> dict[str, str]:
    """What the process would see, with the passwords filled in as compose would."""
    given = _compose()["services"][service]["environment"]
    return {name: re.sub(r"\$\{\w+:\?[^}]*\}", "secret", str(value)) for name, value in given.items()}


def test_compose_file_fits_the_compose_schema() -> None:
    vendored = _package("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.Draft7Validator(json.loads(vendored.read_text(encoding="utf-8"))).validate(_compose())


@pytest.mark.parametrize("service", OURS)
def test_environment_is_what_the_processes_read(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` refuses every DONGBO_ name that no setting has."""
    for name, value in _environment(service).items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.clickhouse_host == "clickhouse"
    assert settings.clickhouse_port == 8123
    assert settings.clickhouse_password.get_secret_value() == "secret"


@pytest.mark.parametrize("service", OURS)
def test_command_is_one_that_exists(service: str) -> None:
    command = _compose()["services"][service]["command"]
    assert command[0] in get_command(app).commands  # type: ignore[attr-defined]
    if command[0] == "run":
        assert command[1] in PROCESSES


def test_every_long_lived_service_has_a_health_check_on_the_port_its_settings_say() -> None:
    settings = load()
    ports = {
        "worker": settings.worker_health_port,
        "loader": settings.loader_health_port,
        "monitor": settings.monitor_health_port,
        "dashboard": settings.dashboard_port,
        "gateway": settings.gateway_port,
    }
    services = _compose()["services"]
    for name, port in ports.items():
        assert services[name]["healthcheck"]["test"][-2:] == ["ops.health", str(port)]
    assert "healthcheck" in services["kafka"]
    assert "healthcheck" in services["clickhouse"]


def test_every_volume_is_declared_and_no_password_stands_in_the_file() -> None:
    compose = _compose()
    used = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    }
    ours = {volume for volume in used if volume.startswith("./")}
    assert used - ours == set(compose["volumes"])
    assert all((REPOSITORY / path).exists() for path in ours)
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert str(value).startswith("${"), name


def test_dockerfile_copies_every_package_and_installs_the_runtime_lock() -> None:
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    for folder in ("producers", "streams", "dashboards", "ops", "sql"):
        assert f"COPY {folder} ./{folder}" in text
    assert "--require-hashes -r requirements.runtime.lock" in text
    _same_pins(REPOSITORY / "requirements.runtime.lock", REPOSITORY / "requirements.lock")


def _same_pins(part: Path, whole: Path) -> None:
    pins = [set(re.findall(r"^\S+==\S+", path.read_text(), re.MULTILINE)) for path in (part, whole)]
    assert pins[0]
    assert pins[0] <= pins[1]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements.runtime.lock"])
def test_lock_is_hashed_and_names_no_host(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    assert "://" not in text
    for pin in re.findall(r"^\S+==\S+.*\n(?: +.*\n?)+", text, re.MULTILINE):
        assert "--hash=sha256:" in pin
