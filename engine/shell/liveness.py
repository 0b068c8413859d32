"""How a worker finds out that it was paused for longer than the group waits for it."""

import asyncio
import time

from engine.shell.fatal import LOST_OWNERSHIP, leave_at_once

BEAT_S = 0.1


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
