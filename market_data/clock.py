"""What time it is for feeds and publisher: one thing to pass in, so that a test can turn the hands."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two ways to tell the time, and one to wait."""

    def micros(self) -> int:
        """Microseconds UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""


class SystemClock:
    """The machine's own."""

    def micros(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)
