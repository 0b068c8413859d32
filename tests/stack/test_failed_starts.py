"""A start that fails, or is interrupted, leaves no process behind and prints why, once."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.python import reprise_command
from stack import supervisor
from stack.instance import InstanceFolder
from stack.ports import free_ports
from tests.processes import OF_OTHER_SERVERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TIMEOUT_S = 600


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[InstanceFolder]:
    made = InstanceFolder(tmp_path / "instance")
    yield made
    supervisor.stop(made, print)


def test_a_start_with_an_engine_that_cannot_run_ends_with_the_engine_s_last_line_and_no_process(
    folder: InstanceFolder, tmp_path: Path
) -> None:
    (tmp_path / "faust.py").write_text("raise ImportError('it is not whole')\n")
    with started(folder, PYTHONPATH=str(tmp_path)) as up:
        output, errors = up.communicate(timeout=TIMEOUT_S)
    assert up.returncode == 1, output + errors
    assert errors.startswith("reprise: engine-1 does not stay up (exit status 1: ")
    assert errors.count("\n") == 1
    assert "logs engine-1" in errors
    # Said once; not at all where the manager had given up before anybody looked.
    assert output.count("Waiting for what stopped") <= 1, output
    assert output.rstrip().endswith("Stopped.")
    assert supervisor.orphans(folder) == []
    assert not supervisor.is_running(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", ["This is the demo profile", "Kafka at "])
def test_an_interrupted_start_ends_every_process_it_started(
    line: str, number: signal.Signals, folder: InstanceFolder
) -> None:
    with started(folder) as up:
        assert up.stdout is not None
        while line not in (said := up.stdout.readline()):
            assert said, "it ended before it was interrupted"
        up.send_signal(number)
        up.communicate(timeout=TIMEOUT_S)
    assert up.returncode in {130, -number}
    assert supervisor.orphans(folder) == []
    assert not supervisor.is_running(folder)


def started(folder: InstanceFolder, **settings: str) -> "subprocess.Popen[str]":
    """`up`, on a machine where no broker or database is named."""
    (port,) = free_ports(1)
    return subprocess.Popen(
        reprise_command("up", "--detach", "--data", str(folder.data), "--port", str(port), "--feed", "simulated"),
        env={name: value for name, value in os.environ.items() if name not in OF_OTHER_SERVERS} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
