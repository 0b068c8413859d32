"""When a feed that plays says that it is alive: every half second for each symbol, whatever the others do."""

from collections.abc import Iterable
from typing import Final

from market_data.clock import Clock
from market_data.feed import Heartbeat

HEARTBEAT_EVERY_S: Final = 0.5


class HeartbeatTimer:
    """Counts from its making, and then from the last heartbeats."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.monotonic()

    def due_in_s(self) -> float:
        """Give how long it is until the next heartbeats are due."""
        return max(0.0, self._last + HEARTBEAT_EVERY_S - self._clock.monotonic())

    def take_due(self, symbols: Iterable[str]) -> list[Heartbeat]:
        """Give a heartbeat of each symbol if they are due; else none."""
        if self.due_in_s() > 0:
            return []
        self._last = self._clock.monotonic()
        return [Heartbeat(symbol=symbol) for symbol in symbols]
