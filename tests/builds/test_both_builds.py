"""The compiled build and the pure one are the same exchange: the same bytes, and each verifies what the other wrote."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runtime.python import python_command
from schemas import compiled
from tests.house.project import ROOT
from tests.properties.plant import ROUNDINGS

pytestmark = pytest.mark.skipif(
    not compiled.build().is_dir(), reason=f"there is no compiled build to compare with: {compiled.why_not()}"
)
MARKETS = 12


def run(task: str, *arguments: str, pure: bool) -> Any:
    """Let a process of a build do one of the programs' tasks."""
    environment = {name: value for name, value in os.environ.items() if name != "REPRISE_PURE"}
    done = subprocess.run(
        python_command("-m", "tests.builds.programs", task, *arguments),
        cwd=ROOT,
        env=environment | ({"REPRISE_PURE": "1"} if pure else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["build"].startswith("pure" if pure else "compiled")
    return found["result"]


@pytest.fixture(scope="module", params=[True, False], ids=["of the pure build", "of the compiled build"])
def exports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bool, Path]:
    """The tests' logs as one of the builds writes them."""
    folder = tmp_path_factory.mktemp("exports")
    run("exported", str(folder), pure=request.param)
    return request.param, folder


def test_both_builds_give_every_event_snapshot_and_ledger_of_random_markets_the_same_bytes() -> None:
    compiled_bytes = run("played", str(MARKETS), pure=False)
    assert len(set(compiled_bytes.values())) == MARKETS
    assert run("played", str(MARKETS), pure=True) == compiled_bytes


def test_a_log_of_one_build_is_verified_by_the_other(exports: tuple[bool, Path]) -> None:
    is_pure, folder = exports
    found = run("verified", str(folder), pure=not is_pure)
    assert len(found) > 3
    assert not any(found.values()), found


def test_a_difference_that_is_planted_in_one_build_is_found_in_a_log_of_the_other(
    tmp_path: Path,
) -> None:
    run("exported", str(tmp_path), pure=False)
    found = run("verified", str(tmp_path), ROUNDINGS[0].name, pure=True)
    assert any(found.values()), ROUNDINGS[0].name
    assert any("is not the one its command gives" in sentence for each in found.values() for sentence in each)
