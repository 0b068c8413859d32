"""A process manager that does not answer is not taken for one that is gone: what it runs lives until `down`."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from cli.main import call
from runtime.python import python_command
from stack import control, supervisor
from stack.instance import Instance, InstanceFolder
from stack.ports import free_ports
from stack.programs import INSTANCE_VARIABLE, Program
from stack.start import stop
from tests.processes import eventually
from tests.stack.test_supervisor import STOPPING, TIMEOUT_S, sleeping, stopping, until
from tests.stack.test_supervisor import pid_of as pid_of_program

# Listens as the manager does and takes no call; a polite signal does nothing to it.
HUNG = """
import signal, socket, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
control = socket.socket(socket.AF_UNIX)
control.bind(sys.argv[1])
control.listen()
for name in ("last", "first"):
    subprocess.Popen([sys.executable, sys.argv[2], sys.argv[3], name])
time.sleep(600)
"""


Manager = subprocess.Popen[bytes]


class Start(Protocol):
    """Starts a manager with programs; the end of the test lets it go on and stops it."""

    def __call__(self, programs: list[Program]) -> Manager: ...


@pytest.fixture
def folder(tmp_path: Path) -> InstanceFolder:
    folder = InstanceFolder(tmp_path / "data")
    folder.make()
    return folder


@pytest.fixture
def start(folder: InstanceFolder) -> Iterator[Start]:
    managers: list[Manager] = []

    def start_one(programs: list[Program]) -> Manager:
        managers.append(supervisor.start(folder, programs, {INSTANCE_VARIABLE: str(folder.data)}, detach=False))
        return managers[-1]

    yield start_one
    for manager in managers:
        manager.send_signal(signal.SIGCONT)
    supervisor.stop(folder, print)
    for manager in managers:
        manager.wait(TIMEOUT_S)


def test_a_stopped_manager_runs_and_its_program_is_shown_before_a_call_of_it_times_out(
    folder: InstanceFolder, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    manager, program = started(folder, start)
    os.kill(manager.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert call(["status", "--json", "--data", str(folder.data)]) == 1
    assert time.monotonic() - began < control.CALL_TIMEOUT_S
    found = json.loads(capsys.readouterr().out)
    assert found["running"]
    assert found["manager"] == {"pid": manager.pid, "answers": False}
    assert [process["pid"] for process in found["processes"]] == [program]
    assert call(["status", "--data", str(folder.data)]) == 1
    said = capsys.readouterr()
    assert f"The process manager (pid {manager.pid}) does not answer (it was stopped: `kill -CONT" in said.err
    assert said.err.count("\n") == 1
    assert str(program) in said.out


@pytest.mark.slow
def test_up_refuses_to_start_beside_a_stopped_manager_and_ends_nothing(
    folder: InstanceFolder, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    manager, program = started(folder, start)
    os.kill(manager.pid, signal.SIGSTOP)
    (port,) = free_ports(1)
    assert call(["up", "--detach", "--data", str(folder.data), "--port", str(port), "--feed", "simulated"]) == 1
    said = capsys.readouterr()
    assert f"The process manager (pid {manager.pid}) does not answer" in said.err
    assert folder.command("down") in said.err
    assert said.err.count("\n") == 1
    assert "Ending" not in said.out
    assert psutil.pid_exists(program)
    manager.send_signal(signal.SIGCONT)
    assert control.manager_of(folder) == control.RunningManager(manager.pid, answers=True)
    assert pid_of_program(folder, "sleeper") == program


@pytest.mark.slow
def test_down_lets_a_stopped_manager_stop_its_programs_in_order(
    folder: InstanceFolder, start: Start, tmp_path: Path
) -> None:
    stops = tmp_path / "stops"
    programs = [stopping(stops, name, priority) for name, priority in (("last", 10), ("first", 60), ("second", 40))]
    manager = start(programs)
    until(lambda: all(Path(f"{stops}.{program.name}").exists() for program in programs))
    os.kill(manager.pid, signal.SIGSTOP)
    said: list[str] = []
    assert stop(folder.data, said.append)
    assert stops.read_text().split() == ["first", "second", "last"]
    (line,) = said
    assert f"The process manager (pid {manager.pid}) does not answer: it is told to go on and stop" in line
    assert supervisor.orphans(folder) == []
    assert not supervisor.is_running(folder)


@pytest.mark.slow
def test_down_kills_a_manager_that_does_nothing_and_asks_its_programs_to_stop(
    folder: InstanceFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENT_STOP_S", 1.0)
    stops, script = tmp_path / "stops", tmp_path / "stopping.py"
    script.write_text(STOPPING)
    arguments = [str(folder.control_socket), str(script), str(stops), control.PROCESS_MANAGER, "-c"]
    manager = subprocess.Popen(
        python_command("-c", HUNG, *arguments, str(folder.supervisor_settings)),
        env=os.environ | {INSTANCE_VARIABLE: str(folder.data)},
        cwd=tmp_path,
        start_new_session=True,
    )
    try:
        until(lambda: all(Path(f"{stops}.{name}").exists() for name in ("last", "first")))
        assert supervisor.is_running(folder)
        said: list[str] = []
        assert stop(folder.data, said.append)
        assert sorted(stops.read_text().split()) == ["first", "last"]
        manager.wait(TIMEOUT_S)
        assert supervisor.orphans(folder) == []
    finally:
        with suppress(ProcessLookupError):
            os.killpg(manager.pid, signal.SIGKILL)  # It and its programs, where `down` did not end them.
    assert "Ending 2 processes that the process manager left running" in said


@pytest.mark.slow
def test_a_manager_that_answers_after_five_seconds_is_not_taken_for_dead(folder: InstanceFolder, start: Start) -> None:
    manager, program = started(folder, start)
    os.kill(manager.pid, signal.SIGSTOP)
    timer = threading.Timer(5, manager.send_signal, [signal.SIGCONT])
    timer.start()
    assert supervisor.is_running(folder)
    assert [process.pid for process in supervisor.processes(folder)] == [program]
    timer.join()


def test_a_stopped_manager_is_waited_for_less_long_than_one_that_runs(
    folder: InstanceFolder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, _ = started(folder, start)
    os.kill(manager.pid, signal.SIGSTOP)
    eventually(psutil.Process(manager.pid).status, lambda status: status == psutil.STATUS_STOPPED)
    monkeypatch.setattr(control, "STOPPED_TIMEOUT_S", 0.2)
    began = time.monotonic()
    with pytest.raises(control.NoAnswer, match="it was stopped"):
        supervisor.processes(folder)
    assert time.monotonic() - began < control.CALL_TIMEOUT_S / 2


def test_a_manager_that_is_silent_for_longer_is_no_stopped_instance(
    folder: InstanceFolder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, _ = started(folder, start)
    os.kill(manager.pid, signal.SIGSTOP)
    with pytest.raises(control.NoAnswer, match="does not answer"):
        supervisor.processes(folder, 0.2)
    # Callers that nobody answers fill the queue of its socket.
    with_queue_full: list[socket.socket] = []
    with suppress(BlockingIOError):
        while True:
            caller = socket.socket(socket.AF_UNIX)
            with_queue_full.append(caller)
            caller.setblocking(False)
            caller.connect(str(folder.control_socket))
    monkeypatch.setattr(control, "_pid_of_process", lambda _folder: None)
    assert control.manager_of(folder, 0.2) == control.RunningManager(None, answers=False)
    for caller in with_queue_full:
        caller.close()


@pytest.mark.parametrize("lost", ["control_socket", pytest.param("supervisor_pid", marks=pytest.mark.slow)])
def test_a_manager_without_its_files_is_found_and_stopped(folder: InstanceFolder, start: Start, lost: str) -> None:
    manager, program = started(folder, start)
    until(folder.supervisor_pid.exists)
    file: Path = getattr(folder, lost)
    file.unlink()
    os.kill(manager.pid, signal.SIGSTOP)
    assert supervisor.pid_of(folder) == manager.pid
    said: list[str] = []
    assert stop(folder.data, said.append)
    assert len(said) == 1
    assert not psutil.pid_exists(program)
    assert manager.poll() is not None


def test_programs_of_a_killed_manager_are_named_by_status_and_ended_by_down(
    folder: InstanceFolder, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    manager, program = started(folder, start)
    os.kill(manager.pid, signal.SIGKILL)
    manager.wait(TIMEOUT_S)
    assert call(["status", "--data", str(folder.data)]) == 1
    said = capsys.readouterr().err
    assert f"No process manager runs in {folder.data}, and these processes do that a crash left" in said
    assert f"({program})" in said
    assert folder.command("down") in said
    assert call(["status", "--json", "--data", str(folder.data)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["running"], found["manager"]) == (False, None)
    assert [process["pid"] for process in found["processes"]] == [program]
    assert call(["down", "--data", str(folder.data)]) == 0
    assert not psutil.pid_exists(program)


def test_a_pid_file_that_names_another_process_is_of_no_manager(
    folder: InstanceFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        folder.supervisor_pid.write_text(str(other.pid))
        assert not supervisor.is_running(folder)
        assert call(["status", "--data", str(folder.data)]) == 1
        assert "No instance runs" in capsys.readouterr().err
        assert call(["down", "--data", str(folder.data)]) == 0
        assert "No instance runs" in capsys.readouterr().out
        assert other.poll() is None
    finally:
        other.kill()
        other.wait(TIMEOUT_S)


def test_a_stopped_manager_of_another_folder_is_not_this_ones(
    folder: InstanceFolder, start: Start, tmp_path: Path
) -> None:
    manager, program = started(folder, start)
    beside = InstanceFolder(tmp_path / "beside")
    beside.make()
    beside.supervisor_pid.write_text(str(manager.pid))
    assert control.manager_of(beside) is None
    assert not stop(beside.data, print)
    assert psutil.pid_exists(program)


def started(folder: InstanceFolder, start: Start) -> tuple[Manager, int]:
    """A manager with one program, and the program's process; the instance's file names ports where nobody listens."""
    ports = free_ports(6)
    folder.write(
        Instance(
            api_port=ports[0],
            engine_ports=[ports[1]],
            market_data_port=ports[2],
            projector_port=ports[3],
            venue_port=ports[4],
            replay_port=ports[5],
            kafka_brokers="127.0.0.1:1",
            kafka_port=None,
            database_url="postgresql://127.0.0.1:1/reprise",
            postgres_port=None,
            shards=4,
            feed="simulated",
            started_at="2026-01-01T00:00:00Z",
        )
    )
    manager = start([sleeping("sleeper")])
    until(lambda: pid_of_program(folder, "sleeper") is not None)
    program = pid_of_program(folder, "sleeper")
    assert program is not None
    return manager, program
