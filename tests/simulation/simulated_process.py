"""Simulated processes that can be paused or die at any moment, and the world they run in."""

import asyncio
from collections import deque
from contextvars import ContextVar
from typing import Final


class ProcessDied(BaseException):
    """Ends whatever a simulated process was doing when it died."""


class SimulatedProcess:
    """One that can be paused or die."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.held: deque[asyncio.Handle] = deque()


WORLD: Final = SimulatedProcess("world")
CURRENT_PROCESS: ContextVar[SimulatedProcess] = ContextVar("current_process", default=WORLD)
