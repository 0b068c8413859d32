"""The process manager keeps programs running, stops them in order, and a crash of it leaves none behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil
import psycopg
import pytest

from runtime.errors import FixableError
from stack import supervisor
from stack.control import CALL_TIMEOUT_S
from stack.instance import SOCKET_PATH_MAX, InstanceFolder
from stack.ports import free_ports
from stack.postgres import prepare_postgres, wait_for_postgres
from stack.programs import INSTANCE_VARIABLE, Program, servers
from tests.processes import DATABASE_PASSWORDS, url_of_database

TIMEOUT_S = 60
# Writes its name at the stop signal, so that the order can be read.
STOPPING = """
import pathlib, signal, sys, time
def stop(*_):
    with open(sys.argv[1], "a") as stops:
        print(sys.argv[2], file=stops, flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1] + "." + sys.argv[2]).touch()
while True:
    time.sleep(0.05)
"""


class Start(Protocol):
    """Starts a manager with programs in a folder; the end of the test stops it."""

    def __call__(self, folder: InstanceFolder, programs: list[Program]) -> None: ...


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[tuple[InstanceFolder, subprocess.Popen[bytes]]] = []

    def start_one(folder: InstanceFolder, programs: list[Program]) -> None:
        folder.make()
        started.append(
            (folder, supervisor.start(folder, programs, {INSTANCE_VARIABLE: str(folder.data)}, detach=False))
        )

    yield start_one
    for folder, process in started:
        supervisor.stop(folder, print)
        process.wait(TIMEOUT_S)


@pytest.fixture
def folder(tmp_path: Path) -> InstanceFolder:
    return InstanceFolder(tmp_path / "data")


def test_programs_stop_from_the_highest_priority_to_the_lowest_and_none_is_left(
    start: Start, folder: InstanceFolder, tmp_path: Path
) -> None:
    stops = tmp_path / "stops"
    programs = [stopping(stops, name, priority) for name, priority in (("last", 10), ("first", 60), ("second", 40))]
    start(folder, programs)
    until(lambda: all(Path(f"{stops}.{program.name}").exists() for program in programs))
    pids = [process.pid for process in supervisor.processes(folder)]
    supervisor.stop(folder, print)
    assert stops.read_text().split() == ["first", "second", "last"]
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)
    assert not supervisor.is_running(folder)


@pytest.mark.slow
def test_a_program_that_takes_longer_to_stop_than_a_call_may_take_is_waited_for(
    start: Start, folder: InstanceFolder, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    code = f"import pathlib, signal, time; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch()"
    command = [sys.executable, "-c", f"{code}; time.sleep(600)"]
    start(folder, [Program("slow", command, 10, stop_seconds=int(CALL_TIMEOUT_S) + 2)])
    until(ready.exists)
    supervisor.pause(folder, "slow")
    assert [process.pid for process in supervisor.processes(folder)] == [None]


def test_a_program_that_dies_is_restarted_and_counted(start: Start, folder: InstanceFolder) -> None:
    start(folder, [sleeping("sleeper")])
    until(lambda: pid_of(folder, "sleeper") is not None)
    first = pid_of(folder, "sleeper")
    assert first is not None
    time.sleep(2.5)  # Longer than it must stay up to count as started.
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(folder, "sleeper") not in {None, first})
    assert [process.restarts for process in supervisor.processes(folder)] == [1]


def test_a_run_once_program_is_restarted_until_its_success_and_then_finished(
    start: Start, folder: InstanceFolder, tmp_path: Path
) -> None:
    tries = tmp_path / "tries"
    code = f"import sys; file = open({str(tries)!r}, 'a'); file.write('x'); sys.exit(file.tell() < 3)"
    start(folder, [Program("once", [sys.executable, "-c", code], 10, once=True)])
    until(lambda: [process.state for process in supervisor.processes(folder)] == ["FINISHED"])
    time.sleep(2)
    (process,) = supervisor.processes(folder)
    assert (process.state, process.pid, process.restarts) == ("FINISHED", None, 2)
    assert tries.read_text() == "xxx"


def test_programs_left_by_a_killed_manager_are_found_and_ended(start: Start, folder: InstanceFolder) -> None:
    start(folder, [sleeping("orphan")])
    until(lambda: pid_of(folder, "orphan") is not None)
    orphan, killed = pid_of(folder, "orphan"), supervisor.pid_of(folder)
    assert orphan is not None
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    until(lambda: not supervisor.is_running(folder))
    assert [process.pid for process in supervisor.orphans(folder)] == [orphan]
    supervisor.remove_orphans(folder, print)
    until(lambda: not psutil.pid_exists(orphan))
    assert supervisor.orphans(folder) == []
    start(folder, [sleeping("orphan")])
    assert supervisor.is_running(folder)


def test_a_database_left_by_a_killed_manager_is_stopped_and_starts_again_on_its_data(
    start: Start, folder: InstanceFolder
) -> None:
    for _ in range(2):
        supervisor.remove_orphans(folder, print)
        (port,) = free_ports(1)
        start(folder, servers(None, prepare_postgres(folder.postgres, port, DATABASE_PASSWORDS, durable=False)))
        url = url_of_database(port)
        wait_for_postgres(url, lambda: pid_of(folder, "postgres") is not None)
        killed = supervisor.pid_of(folder)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        until(lambda: not supervisor.is_running(folder))
        with psycopg.connect(url.replace("+psycopg", "")):
            pass
    supervisor.remove_orphans(folder, print)
    assert supervisor.orphans(folder) == []


def test_two_instances_run_side_by_side(start: Start, tmp_path: Path) -> None:
    folders = [InstanceFolder(tmp_path / name) for name in ("one", "two")]
    for each in folders:
        start(each, [sleeping("sleeper")])
    until(lambda: all(pid_of(each, "sleeper") is not None for each in folders))
    supervisor.stop(folders[0], print)
    assert pid_of(folders[1], "sleeper") is not None
    supervisor.stop(folders[1], print)


def test_a_long_data_path_gets_a_short_socket(start: Start, tmp_path: Path) -> None:
    deep = InstanceFolder(tmp_path / ("long" * 30))
    assert len(str(deep.control_socket)) <= SOCKET_PATH_MAX
    start(deep, [])
    assert supervisor.is_running(deep)
    supervisor.stop(deep, print)
    assert not deep.control_socket.exists()


def test_two_commands_cannot_start_one_instance_at_once(folder: InstanceFolder) -> None:
    with (
        folder.starting(),
        pytest.raises(FixableError, match="Another command"),
        InstanceFolder(folder.data).starting(),
    ):
        pass


def stopping(stops: Path, name: str, priority: int) -> Program:
    script = stops.with_suffix(".py")
    script.write_text(STOPPING)
    return Program(name, [sys.executable, str(script), str(stops), name], priority)


def sleeping(name: str) -> Program:
    return Program(name, [sys.executable, "-c", "import time; time.sleep(120)"], 10)


def pid_of(folder: InstanceFolder, name: str) -> int | None:
    return {process.name: process.pid for process in supervisor.processes(folder)}.get(name)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
