"""Each package is at the root and installed, and its short name means this project's wherever it runs."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from runtime.python import python_command
from tests.house.project import PACKAGES, PROJECT, ROOT, text_of

CARD = {"api", "audit", "bench", "cli", "engine", "market_data", "projector", "runtime", "schemas", "stack", "venue"}


def test_the_packages_of_the_design_are_at_the_root() -> None:
    assert set(PACKAGES) == CARD
    assert not (ROOT / "src").exists()


def test_the_wheel_the_types_and_the_import_contracts_know_every_package() -> None:
    tools = PROJECT["tool"]
    assert tools["hatch"]["build"]["targets"]["wheel"]["packages"] == PACKAGES
    assert set(tools["mypy"]["files"]) == {*PACKAGES, "tests", "clients/python/src"}
    assert tools["importlinter"]["root_packages"] == PACKAGES


def test_the_image_holds_every_package() -> None:
    copied = re.findall(r"^COPY (\w+) \./(\w+)$", text_of("deploy/Dockerfile"), re.MULTILINE)
    assert copied == [(package, package) for package in PACKAGES]
    sent = re.findall(r"^!(\w+)$", text_of("deploy/Dockerfile.dockerignore"), re.MULTILINE)
    assert [name for name in sent if name not in {"LICENSE", "web", "clients"}] == PACKAGES


def test_no_installed_library_has_a_package_named_like_one_of_ours() -> None:
    brought = importlib.metadata.packages_distributions()
    assert {name: brought[name] for name in [*PACKAGES, "tests"] if brought.get(name, ["reprise"]) != ["reprise"]} == {}


def test_no_test_folder_is_importable_as_a_package_of_the_server() -> None:
    assert tomllib.loads(text_of("pyproject.toml"))["tool"]["pytest"]["ini_options"]["pythonpath"] == [
        "clients/python/src"
    ]
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_an_imported_package_is_loaded_from_this_clone(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")


def test_a_folder_named_like_a_package_in_the_working_folder_is_not_imported(tmp_path: Path) -> None:
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('a stranger was imported')\n")
    found = subprocess.run(
        python_command("-c", "import api, cli.main, engine; print(engine.__file__)"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.stdout.strip() == str(ROOT / "engine" / "__init__.py"), found.stderr


def test_the_command_runs_beside_and_under_folders_named_like_a_package(tmp_path: Path) -> None:
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").write_text("raise SystemExit('a stranger was imported')\n")
    for environment in ({}, {"PYTHONPATH": str(tmp_path)}):
        found = subprocess.run(
            [ROOT / "reprise", "--help"],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        assert "Usage: reprise" in found.stdout
