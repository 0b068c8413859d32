"""What time it is at the venue: this machine's clock, and by how much the venue's differs."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

# Two readings, even of two workers, never differ by more than the second that is waited for.
ROUND_TRIP_MAX_S: Final = 1.0


class ClockUncertain(Exception):
    """The answer took so long that it says little about the time."""


class VenueClock:
    """Milliseconds UTC by the venue's clock, right to within half a second once it is synchronized."""

    def __init__(self) -> None:
        self._offset_ms = 0
        self.is_synced = False

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._offset_ms

    def invalidate(self) -> None:
        """Synchronize again before the next use: the venue refused a time."""
        self.is_synced = False

    async def sync(self, ask: Callable[[], Awaitable[int]]) -> None:
        """Ask for the venue's time; it is taken to be that of the middle of the request."""
        began = time.time_ns()
        venue_ms = await ask()
        ended = time.time_ns()
        if ended - began > ROUND_TRIP_MAX_S * 1e9:
            raise ClockUncertain(f"it took {(ended - began) / 1e9:.1f} s")
        self._offset_ms = venue_ms - (began + ended) // 2_000_000
        self.is_synced = True
