"""`up --standby`: the moment one engine of a pair ends, the other goes on, and the first comes back behind it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack import supervisor
from stack.instance import InstanceFolder
from stack.ports import free_ports
from stack.status import status_of
from tests.processes import eventually, reprise

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TOLD = "the owner was reported dead"
SILENT = "shards have fallen silent while commands wait"
PAIR = ("engine-1", "engine-1-standby")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[InstanceFolder]:
    folder = InstanceFolder(tmp_path / "instance")
    (port,) = free_ports(1)
    try:
        said = reprise(
            "up", "--detach", "--standby", "--data", folder.data, "--port", port, "--feed", "simulated", timeout=180
        )
        assert said.returncode == 0, said.stderr
        yield folder
    finally:  # Also when it did not become ready in time: what was started would go on.
        supervisor.stop(folder, print)


def test_each_engine_of_a_pair_replaces_the_other_and_the_audit_agrees(instance: InstanceFolder) -> None:
    for owner, standby in (PAIR, PAIR[::-1]):
        before = until(instance, owner, standby)
        os.kill(pid_of(before, owner), signal.SIGKILL)
        after = until(instance, standby, owner)
        assert why_it_took_over(instance, standby) == [TOLD], "it was told, and did not wait for a silence"
        assert all(now["seq"] >= then["seq"] for now, then in zip(after["shards"], before["shards"], strict=True)), (
            "the books go on where they were"
        )
    verified = reprise("audit", "verify", "--data", instance.data, timeout=120)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def until(instance: InstanceFolder, owner: str, standby: str) -> dict[str, Any]:
    """Wait until one owns every shard, live, and the other follows every one; the status then."""
    return eventually(
        lambda: status_of(instance),
        lambda status: (
            [(shard["process"], shard["state"]) for shard in status["shards"]] == [(owner, "live")] * 4
            and [(shard["process"], shard["state"]) for shard in status["followed"]] == [(standby, "following")] * 4
        ),
        timeout_s=30,
    )


def why_it_took_over(instance: InstanceFolder, standby: str) -> list[str]:
    lines = (instance.logs / f"{standby}.log").read_text().splitlines()
    said = [json.loads(line)["event"] for line in lines if line.startswith("{")]
    return [event for event in said if event in (TOLD, SILENT)]


def pid_of(status: dict[str, Any], name: str) -> int:
    (pid,) = (process["pid"] for process in status["processes"] if process["name"] == name)
    return int(pid)
