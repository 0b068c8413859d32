"""How the process manager is started, called and stopped, and how processes a crash left behind are found."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Final, NamedTuple
from xmlrpc.client import Fault

import psutil

from runtime.errors import FixableError
from runtime.python import python_command
from runtime.setting_sources import secret_names
from stack.control import CALL_TIMEOUT_S, PROCESS_MANAGER, NoAnswer, call, call_socket, manager_of
from stack.foreground import ending_with_parent
from stack.instance import InstanceFolder, write_private
from stack.last_words import Ends, ends_of
from stack.patience import Patience, work_of
from stack.postmaster import postmaster_pid
from stack.process_tree import process_tree
from stack.programs import CALLED_IN_VARIABLE, INSTANCE_VARIABLE, Program, supervisor_settings

# Whether it answers or not, it runs: nothing hangs on how long it takes.
RUNS_TIMEOUT_S: Final = 1.0
START_SILENCE_S: Final = 30.0
STOP_TIMEOUT_S: Final = 120.0
ORPHAN_TIMEOUT_S: Final = 30.0
# One that stops its programs writes a line every three seconds.
SILENT_STOP_S: Final = 15.0


class Process(NamedTuple):
    """A program as the manager sees it; pid is null while it does not run."""

    name: str
    state: str  # supervisor's: STARTING, RUNNING, BACKOFF, STOPPING, STOPPED, EXITED, FATAL; or FINISHED
    pid: int | None
    restarts: int
    uptime_s: int
    why: str | None  # the last run ended; null while it is the first


def is_running(folder: InstanceFolder) -> bool:
    """Whether the instance's manager runs, answering or not."""
    return manager_of(folder, RUNS_TIMEOUT_S) is not None


def pid_of(folder: InstanceFolder) -> int | None:
    """The manager's process, if it runs."""
    manager = manager_of(folder, RUNS_TIMEOUT_S)
    return None if manager is None else manager.pid


def start(
    folder: InstanceFolder, programs: list[Program], environment: dict[str, str], *, detach: bool
) -> subprocess.Popen[bytes]:
    """Start the manager with these programs. Not detached, it stops them and itself when this process is gone."""
    folder.control_socket.unlink(missing_ok=True)
    _write_settings(folder, programs)
    for old in folder.supervisor_logs:
        # Restarts are counted in it from the start on.
        old.replace(old.with_name(f"previous-{old.name}.txt"))
    output = folder.logs / "supervisor.out"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            # Its settings are read as UTF-8 under any locale.
            python_command("-X", "utf8", "-m", PROCESS_MANAGER, "-c", str(folder.supervisor_settings)),
            cwd=folder.data,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=_without_secrets(os.environ) | environment | {CALLED_IN_VARIABLE: str(Path.cwd())},
            # Ctrl-C goes to `up`, which stops the programs in order.
            start_new_session=True,
            preexec_fn=None if detach else ending_with_parent,  # noqa: PLW1509  # `up` has one thread here.
        )
    patience = Patience(START_SILENCE_S)
    while not _listens(folder):
        if process.poll() is not None or patience.is_over(work_of(process.pid, output)):
            raise FixableError(f"The process manager did not start: {output.read_text(errors='replace').strip()}")
        time.sleep(0.05)
    return process


def add(folder: InstanceFolder, programs: list[Program], added: list[Program]) -> None:
    """Start more programs under a running manager; `programs` are all of them."""
    _write_settings(folder, programs)
    call(folder, "reloadConfig")
    for program in added:
        call(folder, "addProcessGroup", program.name)


def replace(folder: InstanceFolder, programs: list[Program], name: str) -> None:
    """Start a program anew with another command; `programs` are all of them."""
    pause(folder, name)
    _write_settings(folder, programs)
    call(folder, "reloadConfig")
    call(folder, "removeProcessGroup", name)
    call(folder, "addProcessGroup", name)


def pause(folder: InstanceFolder, name: str) -> None:
    """Stop a program, and return when it has ended, a minute later maybe; one that does not run stays so."""
    with suppress(Fault):
        call(folder, "stopProcess", name, timeout_s=STOP_TIMEOUT_S)


def is_up(folder: InstanceFolder, name: str) -> bool:
    """Whether a program runs, as far as the manager knows."""
    return any(one.name == name and one.state in {"STARTING", "RUNNING"} for one in processes(folder))


def listens(folder: InstanceFolder, name: str, port: int) -> bool:
    """Whether it is this program, or a child of it, that listens on a port."""
    pid = next((one.pid for one in processes(folder) if one.name == name), None)
    return pid is not None and listens_at(pid, port)


def listens_at(pid: int, port: int) -> bool:
    """Whether it is this process, or a child of it, that listens on a port."""
    for process in process_tree(pid):
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue  # Gone meanwhile.
        if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections):
            return True
    return False


def why_ended(folder: InstanceFolder, name: str) -> str | None:
    """How the last run of a program ended, and the last line it wrote; null where none has ended."""
    return _ends(folder).why.get(name)


def processes(folder: InstanceFolder, timeout_s: float = CALL_TIMEOUT_S) -> list[Process]:
    """Every program's state; empty when the instance does not run. NoAnswer where the manager runs and is silent."""
    try:
        found = call(folder, "getAllProcessInfo", timeout_s=timeout_s)
    except (OSError, HTTPException, Fault):
        return []
    ends = _ends(folder)
    return [
        Process(
            row["name"],
            # A service that ended well is started again at once; what runs once stays so.
            "FINISHED" if (row["statename"], row["exitstatus"]) == ("EXITED", 0) else row["statename"],
            row["pid"] or None,
            max(0, ends.starts.get(row["name"], 0) - 1),
            max(0, row["now"] - row["start"]) if row["pid"] else 0,
            ends.why.get(row["name"]),
        )
        for row in found
    ]


def send(folder: InstanceFolder, name: str, number: signal.Signals) -> None:
    """Send a program a signal; FixableError where it does not run."""
    try:
        call(folder, "signalProcess", name, number.name.removeprefix("SIG"))
    except (OSError, HTTPException, Fault) as error:
        raise FixableError(f"{name} could not be sent {number.name}: {error}") from error


def stop(folder: InstanceFolder, report: Callable[[str], None]) -> None:
    """Stop the programs in order and the manager after them; return when none of their processes is left."""
    manager = manager_of(folder)
    if manager is not None and manager.pid is not None:
        family = process_tree(manager.pid)
        if manager.answers and _takes_shutdown(folder):
            _gone, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)
            _kill(alive, report)
        elif family:
            _end_silent(folder, family[0], report)
            remove_orphans(folder, report, "that the process manager left running")
    remove_orphans(folder, report)
    folder.control_socket.unlink(missing_ok=True)


def remove_orphans(
    folder: InstanceFolder, report: Callable[[str], None], which: str = "that a crash left running"
) -> None:
    """End the processes of this instance that run without a manager, services before the servers they use."""
    found_orphans = orphans(folder)
    if not found_orphans:
        return
    report(f"Ending {len(found_orphans)} processes {which}")
    for is_store in (False, True):
        group = [process for process in found_orphans if _is_store(process) is is_store]
        for process in group:
            _send(process, signal.SIGINT if _name(process) == "postgres" else signal.SIGTERM)
        _gone, alive = psutil.wait_procs(group, timeout=ORPHAN_TIMEOUT_S)
        _kill(alive, report)


def orphans(folder: InstanceFolder) -> list[psutil.Process]:
    """The processes of this instance, found by the variable in their environment, and its database's postmaster."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {}
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get(INSTANCE_VARIABLE) == str(folder.data)
        except (psutil.Error, OSError):
            continue  # Another user's, or gone meanwhile.
        if is_ours and process.pid not in own and process.status() != psutil.STATUS_ZOMBIE:
            found[process.pid] = process
    postmaster = postmaster_pid(folder.postgres)
    if postmaster is not None:
        found[postmaster] = psutil.Process(postmaster)
    return list(found.values())


def _write_settings(folder: InstanceFolder, programs: list[Program]) -> None:
    """Write what the manager reads, and for each program its secrets, which only their owner reads."""
    for program in programs:
        if program.secrets is not None:
            write_private(folder.secrets_of(program.name), json.dumps(dict(program.secrets)).encode())
    write_private(folder.supervisor_settings, supervisor_settings(folder, programs).encode())


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What was set where the start was typed, without what only single programs may know."""
    secrets = secret_names()
    return {name: value for name, value in environment.items() if name.upper() not in secrets}


def _listens(folder: InstanceFolder) -> bool:
    """Whether a manager that was just started takes calls."""
    try:
        call_socket(folder, "getPID")
    except (OSError, HTTPException):
        return False
    return True


def _takes_shutdown(folder: InstanceFolder) -> bool:
    try:
        call(folder, "shutdown")
    except NoAnswer:
        return False
    except (Fault, OSError, HTTPException):
        pass  # It is stopping already.
    return True


def _end_silent(folder: InstanceFolder, manager: psutil.Process, report: Callable[[str], None]) -> None:
    """Let a manager that does not answer stop its programs in order; kill it alone where it does nothing of it."""
    report(
        f"The process manager (pid {manager.pid}) does not answer: it is told to go on and stop, and killed when it "
        f"does nothing for {SILENT_STOP_S:.0f} s"
    )
    _send(manager, signal.SIGTERM)
    _send(manager, signal.SIGCONT)
    patience = Patience(SILENT_STOP_S)
    while psutil.wait_procs([manager], timeout=0.2)[1]:
        said = sum(log.stat().st_size for log in folder.supervisor_logs)
        if patience.is_over((said, len(process_tree(manager.pid)))):
            _kill([manager], report)
            return


def _is_store(process: psutil.Process) -> bool:
    return _name(process) in {"java", "postgres"}


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def _send(process: psutil.Process, number: signal.Signals) -> None:
    # It may have ended by itself: the aim.
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _kill(alive: list[psutil.Process], report: Callable[[str], None]) -> None:
    for process in alive:
        report(f"Killing {_name(process)} ({process.pid}), which did not stop by itself")
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=ORPHAN_TIMEOUT_S)


def _ends(folder: InstanceFolder) -> Ends:
    return ends_of("".join(log.read_text(encoding="utf-8", errors="replace") for log in folder.supervisor_logs))
