"""The clock of feeds and publisher, passed in so that a test can use a fake one."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time, and sleeping."""

    def micros(self) -> int:
        """Microseconds UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""


class SystemClock:
    """The machine's clock."""

    def micros(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)
