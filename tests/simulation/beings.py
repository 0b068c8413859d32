"""Simulated processes that can be paused or die at any moment, and the world they run in."""

import asyncio
from collections import deque
from contextvars import ContextVar
from typing import Final


class Died(BaseException):
    """Ends whatever a simulated process was doing when it died."""


class Being:
    """Something that acts, and can be paused or die."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.held: deque[asyncio.Handle] = deque()


WORLD: Final = Being("world")
BEING: ContextVar[Being] = ContextVar("being", default=WORLD)
