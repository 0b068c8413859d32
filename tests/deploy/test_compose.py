"""The compose file is valid, and uses only commands, settings and files the project has."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import typer.main
import yaml

from cli.main import application
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.kafka.yml"
SERVICES = {"api", "backfill", "engine", "market-data", "projector", "venue"}
ENDING = {"prepare", "backfill"}  # they run once
VALIDATOR = "check-jsonschema==0.39.0"  # in an environment of its own: it wants another click than Faust


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return document


def test_the_file_is_valid_by_the_compose_specification() -> None:
    uv = shutil.which("uv") or str(ROOT / ".venv-uv" / "bin" / "uv")
    found = subprocess.run(
        [
            uv,
            "tool",
            "run",
            "--from",
            VALIDATOR,
            "check-jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            COMPOSE,
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_reprise_service_runs_an_existing_command() -> None:
    commands = typer.main.get_command(application()).commands  # type: ignore[attr-defined]  # It is a group.
    run = [service["command"] for service in compose()["services"].values() if service.get("command", [""])[0] == "run"]
    assert {name for _, name, *_ in run} == SERVICES
    assert "run" in commands
    prepare = compose()["services"]["prepare"]["command"][0]
    assert all(part.split()[1] in commands for part in prepare.split(" && "))


def test_every_variable_given_to_a_service_is_a_setting() -> None:
    known = set()
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        known |= {alias} if isinstance(alias, str) else set(getattr(alias, "choices", ()))
    for name, service in compose()["services"].items():
        if service.get("image") == "reprise:latest":
            assert set(service["environment"]) <= known, name


def test_every_service_waits_for_the_preparation_and_has_a_healthcheck() -> None:
    for name, service in compose()["services"].items():
        if name in ENDING:
            assert service["restart"] in {"no", "on-failure"}, name
        else:
            assert "healthcheck" in service, name
        if service.get("image") == "reprise:latest" and name != "prepare":
            assert service["depends_on"]["prepare"]["condition"] == "service_completed_successfully", name


def test_every_port_is_published_on_127_0_0_1_only() -> None:
    for name, service in compose()["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_the_image_is_built_from_existing_files() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = [
        source
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert copied
    assert all((ROOT / source).exists() for source in copied)
