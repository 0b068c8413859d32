"""How far the projection is in each shard: looked at once for all who wait for it, and who may wait."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

from projector.queries import projected_seq

PAUSE_S: Final = 0.02
WAITING_OF_ACCOUNT: Final = 16
WAITING_MAX: Final = 256

Ask = Callable[[Callable[[Connection], int]], Awaitable[int]]


class ProjectionWaits:
    """Used on the loop only. ask: how a question reaches PostgreSQL."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._looks: dict[int, asyncio.Task[int]] = {}
        self._waiting: Counter[str] = Counter()

    async def projected(self, shard: int) -> int:
        """Give the last seq of a shard that is in the tables now; SQLAlchemyError where nobody knows."""
        return await self._ask(lambda db: projected_seq(db, shard))

    async def projected_soon(self, shard: int) -> int:
        """Give it a moment later: one look then answers everybody who waits for the shard."""
        look = self._looks.get(shard)
        if look is None:
            look = self._looks[shard] = asyncio.create_task(self._look(shard))
            look.add_done_callback(_note_error)
        return await asyncio.shield(look)  # Who is cancelled leaves the others their look.

    @contextmanager
    def place(self, account_id: str) -> Iterator[bool]:
        """Take a place among those who wait; false where the account has as many as it may, or there are in all."""
        has_room = self._waiting[account_id] < WAITING_OF_ACCOUNT and self._waiting.total() < WAITING_MAX
        self._waiting[account_id] += has_room
        try:
            yield has_room
        finally:
            self._waiting[account_id] -= has_room
            if not self._waiting[account_id]:
                del self._waiting[account_id]

    async def _look(self, shard: int) -> int:
        await asyncio.sleep(PAUSE_S)
        # Who comes from here on wants to know what is in the tables after this look.
        del self._looks[shard]
        return await self.projected(shard)


def _note_error(look: asyncio.Task[int]) -> None:
    """Take note of an error of a look for which nobody waits any more."""
    if not look.cancelled():
        look.exception()
