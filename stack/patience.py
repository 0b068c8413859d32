"""How long something that starts is waited for: as long as it gets on, and not for ever."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from runtime.errors import FixableError

MAX_S: Final = 1_800.0
# Work that counts as getting on: an idle broker or service does less of it in a minute.
CPU_STEP_S: Final = 5.0
BYTES_STEP: Final = 4_000_000


class Patience:
    """Is over after so long without progress, or half an hour."""

    def __init__(self, silence_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.silence_s = silence_s
        self._clock = clock
        self._began = self._changed_at = clock()
        self._seen: object = None

    def is_over(self, seen: object = None, silence_s: float | None = None) -> bool:
        """Whether what is seen has not changed for too long."""
        now = self._clock()
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        return now - self._changed_at > (silence_s or self.silence_s) or now - self._began > MAX_S


def work_of(pid: int | None, log: Path) -> tuple[int, int, int]:
    """What a process has done so far, in steps, its children's work with it; and how much it has logged."""
    cpu_s, moved = 0.0, 0
    try:
        root = psutil.Process(pid) if pid is not None else None
        for process in [] if root is None else [root, *root.children(recursive=True)]:
            times = process.cpu_times()
            cpu_s += times.user + times.system
            if hasattr(process, "io_counters"):  # macOS does not tell.
                moves = process.io_counters()
                moved += moves.read_bytes + moves.write_bytes
    except (psutil.Error, OSError):
        pass  # It has just ended, or is not ours to ask; its log says enough.
    return int(cpu_s / CPU_STEP_S), moved // BYTES_STEP, log.stat().st_size if log.exists() else 0


class NotStarted(FixableError):
    """A server of ours did not come up."""


class OtherServer(FixableError):
    """On the port of a server of ours another one answers."""
