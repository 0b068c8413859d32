"""How a worker finds out that it was paused for longer than the group waits, and how the process ends at once."""

import asyncio
import os
import sys
import time
from typing import Final, NoReturn

import structlog

# The process manager starts a new process after either; they differ for whoever reads the log.
LOST_OWNERSHIP: Final = 3
CANNOT_COMMIT: Final = 4
BEAT_S = 0.1

log = structlog.get_logger(__name__)


class Liveness:
    """A clock that is read often: two readings further apart than the session mean that others own the shards now.

    The monotonic clock runs on while a process is stopped (SIGSTOP, a frozen container, a machine's pause).
    """

    def __init__(self, session_s: float) -> None:
        self._session_s = session_s
        self._read_at = time.monotonic()

    def check(self) -> None:
        """End the process when the last reading is too old; any thread may ask, before it touches anything."""
        gap = time.monotonic() - self._read_at
        if gap > self._session_s:
            leave_at_once(LOST_OWNERSHIP, "paused for longer than the group's session", seconds=round(gap, 1))

    async def beat(self) -> None:
        """Read the clock for as long as the event loop runs."""
        self._read_at = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_S)
            self.check()
            self._read_at = time.monotonic()


def leave_at_once(code: int, reason: str, **facts: object) -> NoReturn:
    """End the process without any farewell: nothing is flushed to Kafka, nothing is left to a destructor.

    State in memory may be ahead of the committed events, so a restart, which replays, is the only right way on.
    """
    log.critical(reason, exit_code=code, **facts)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
