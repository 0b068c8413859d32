"""How a server runs for the length of a block, and never longer than the process that started it."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STOP_TIMEOUT_S: Final = 30
PR_SET_PDEATHSIG: Final = 1


def ending_with_parent() -> None:
    """Ask the kernel, in a child before it becomes its program, to end it when its parent is gone. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))


@contextmanager
def running(
    command: list[str], output: Path, stop: signal.Signals = signal.SIGTERM, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs for the length of a block; what it prints is appended to `output`."""
    with output.open("ab") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=env,
            preexec_fn=ending_with_parent,  # noqa: PLW1509  # It takes no lock that another thread could hold.
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(stop)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT_S)
