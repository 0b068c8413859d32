"""What installs and builds the project is itself pinned by digests, as the packages of the lock are."""

import re
import subprocess
import sys
import tomllib

from tests.house.project import ROOT, text_of


def locked(name: str) -> str:
    return subprocess.run(
        [sys.executable, ROOT / "deploy" / "locked.py", name], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_uv_is_installed_with_the_version_and_the_digests_of_the_lock() -> None:
    requirement = locked("uv")
    version = re.search(r"^uv_version=(\S+)$", text_of("reprise"), re.MULTILINE)
    assert version is not None
    assert requirement.startswith(f"uv=={version[1]} --hash=sha256:")
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?= |$)", requirement)) > 10
    for file in ("reprise", "deploy/Dockerfile"):
        lines = text_of(file).replace("\\\n", "").splitlines()
        installing = [line for line in lines if "pip install" in line and not line.startswith("#")]
        assert installing
        assert all("--require-hashes" in line for line in installing), file


def test_the_project_is_built_by_the_locked_version_of_its_build_tool() -> None:
    requirement = locked("hatchling").split()[0]
    for file in ("pyproject.toml", "clients/python/pyproject.toml"):
        assert tomllib.loads(text_of(file))["build-system"]["requires"] == [requirement]
    builds = [line for line in text_of("deploy/Dockerfile").splitlines() if "uv sync" in line]
    assert all("--no-install-project" in line or "--no-build-isolation" in line for line in builds)


def test_the_build_tool_of_the_client_is_listed_with_all_it_needs_by_their_digests() -> None:
    lines = locked("hatchling").splitlines()
    assert [line.split("==")[0] for line in lines] == [
        "hatchling",
        "packaging",
        "pathspec",
        "pluggy",
        "trove-classifiers",
    ]
    assert all(re.fullmatch(r"[a-z-]+==\S+( --hash=sha256:[0-9a-f]{64})+", line) for line in lines)
    readme = " ".join(text_of("clients/python/README.md").split())
    assert "python deploy/locked.py hatchling > build.txt" in readme
    assert "pip install --require-hashes -r build.txt" in readme
    assert "pip install --no-build-isolation clients/python" in readme
