"""Whose turn it is to have a password hashed: addresses take turns, and none holds the places of the others."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

from api.http.problems import PASSWORDS_BUSY, ApiError

PER_SECOND: Final = 4  # hashings of a lane, for what a refused client is told to wait

Result = TypeVar("Result")
HasLeft = Callable[[], Awaitable[bool]]
Turn = asyncio.Future[None]


async def nobody_leaves() -> bool:
    """Say of a caller that is no client that it waits for what it asked for."""
    return False


class HashingLane:
    """Hashings of one kind: so many at once, so many that wait, and none for a client that has left.

    Each address in turn has one of its own hashed. Where as many wait as may, an address that has fewer waiting takes
    the place of the newest of the address that has most.
    """

    def __init__(self, at_once: int, waiting_max: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._free = at_once
        self._waiting_max = waiting_max
        self._waiting: dict[str, deque[Turn]] = {}  # by address, in the order in which they are next

    async def run(self, work: Callable[[], Result], has_left: HasLeft, address: str = "") -> Result:
        """Work in a thread when it is this one's turn; ApiError where there is no place, or the client has left."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(address)
        try:
            if await has_left():
                raise self._refusal()
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._pass_on()

    async def _wait(self, address: str) -> None:
        self._make_room(address)
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                self._pass_on()  # It was its turn.
            elif turn in self._waiting.get(address, ()):
                self._waiting[address].remove(turn)
                if not self._waiting[address]:
                    del self._waiting[address]
            raise

    def _make_room(self, address: str) -> None:
        if self._count() < self._waiting_max:
            return
        own = len(self._waiting.get(address, ()))
        turns = max(self._waiting.values(), key=len)
        if len(turns) <= own + 1:
            raise self._refusal()
        newest = turns.pop()
        if not newest.done():
            newest.set_exception(self._refusal())

    def _pass_on(self) -> None:
        while self._waiting:
            address = next(iter(self._waiting))
            turns = self._waiting.pop(address)
            turn = turns.popleft()
            if turns:
                self._waiting[address] = turns  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _count(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _refusal(self) -> ApiError:
        return ApiError(PASSWORDS_BUSY, headers={"Retry-After": str(1 + self._count() // PER_SECOND)})
