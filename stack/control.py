"""How the process manager is asked, and whether it runs where it does not answer: a time-out is not an end."""

import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple
from xmlrpc.client import Fault, ServerProxy, Transport

import psutil

from runtime.errors import FixableError
from stack.instance import InstanceFolder

CALL_TIMEOUT_S: Final = 10.0
# One that was stopped by a signal answers once it goes on; nobody knows when, and a person waits.
STOPPED_TIMEOUT_S: Final = 6.0
PROCESS_MANAGER: Final = "stack.process_manager"  # the module that runs it


class NoAnswer(FixableError):
    """The process manager runs, and did not answer in time."""


class RunningManager(NamedTuple):
    """The process manager of an instance; pid is null where its process cannot be seen from here."""

    pid: int | None
    answers: bool


def manager_of(folder: InstanceFolder, timeout_s: float = CALL_TIMEOUT_S) -> RunningManager | None:
    """The instance's manager, and whether it answered in time; null where none runs."""
    try:
        return RunningManager(int(call(folder, "getPID", timeout_s=timeout_s)), answers=True)
    except NoAnswer:
        return RunningManager(_pid_of_process(folder), answers=False)
    except Fault:
        # While it stops its programs it answers nothing else.
        return RunningManager(_pid_of_process(folder), answers=True)
    except (OSError, HTTPException):
        return None


def no_answer_of(folder: InstanceFolder, pid: int | None) -> str:
    """Say that the manager runs without an answer, and what to do."""
    is_stopped = pid is not None and _is_stopped(pid)
    why = f" (it was stopped: `kill -CONT {pid}` lets it go on)" if is_stopped else ""
    return (
        f"The process manager (pid {pid or 'unknown'}) does not answer{why}. What it runs is left alone; "
        f"{folder.command('status')} shows it, {folder.command('down')} ends both."
    )


def call(folder: InstanceFolder, method: str, *arguments: object, timeout_s: float = CALL_TIMEOUT_S) -> Any:
    """Ask the manager. NoAnswer where it runs and does not answer in time; OSError where none runs."""
    try:
        return call_socket(folder, method, *arguments, timeout_s=timeout_s)
    except (OSError, HTTPException) as error:
        pid = _pid_of_process(folder)
        # Only where a process listens is there something to wait for, and a queue that may be full.
        if pid is None and not isinstance(error, TimeoutError | BlockingIOError):
            raise
        raise NoAnswer(no_answer_of(folder, pid)) from error


def call_socket(folder: InstanceFolder, method: str, *arguments: object, timeout_s: float = CALL_TIMEOUT_S) -> Any:
    """Ask whoever listens at the manager's socket file; OSError where nobody answers."""
    if (pid := _pid_in_file(folder)) is not None and _is_stopped(pid):
        timeout_s = min(timeout_s, STOPPED_TIMEOUT_S)
    with ServerProxy("http://localhost", transport=_UnixTransport(folder.control_socket, timeout_s)) as server:
        return getattr(server.supervisor, method)(*arguments)


def _pid_of_process(folder: InstanceFolder) -> int | None:
    """The manager's process: of its file, or, where that is gone or of another process, among all."""
    pid = _pid_in_file(folder)
    return pid if pid is not None else next((each for each in psutil.pids() if _is_manager(folder, each)), None)


def _pid_in_file(folder: InstanceFolder) -> int | None:
    """The manager's process by its file; null where that is gone or of another process."""
    try:
        pid = int(folder.supervisor_pid.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return pid if _is_manager(folder, pid) else None


def _is_manager(folder: InstanceFolder, pid: int) -> bool:
    try:
        arguments = psutil.Process(pid).cmdline()
    except (psutil.Error, OSError):
        return False  # Gone meanwhile, or not ours to ask.
    if PROCESS_MANAGER not in arguments:
        return False
    # The folder may be named by another path, through a link.
    return Path(arguments[-1]).resolve() == folder.supervisor_settings.resolve()


def _is_stopped(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


class _UnixTransport(Transport):
    """XML-RPC over the manager's socket file."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__()
        self._path = path
        self._timeout_s = timeout_s

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _UnixConnection(host, self._path, self._timeout_s)
        self._connection = (host, connection)  # Where the base class looks for what it closes.
        return connection


class _UnixConnection(HTTPConnection):
    def __init__(self, host: str, path: Path, timeout_s: float) -> None:
        super().__init__(host, timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(str(self._path))
