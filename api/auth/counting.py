"""How what this process counts of requests comes together with what the others count, and how counts are forgotten."""

import asyncio
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.credentials.throttle import WINDOW_S
from api.http.window_counts import WindowCounts
from api.store import failed_logins, request_counts
from api.store.database import Database

EXCHANGE_S: Final = 0.25  # by which the counts of another process are late
FORGET_S: Final = 60.0


class Counting:
    """Used on the loop only. workers: how many processes there are; alone nothing is exchanged."""

    def __init__(self, database: Database, counts: WindowCounts, workers: int) -> None:
        self._database = database
        self._counts = counts
        self._is_shared = workers > 1
        self._since: datetime | None = None
        self._forgot_at = monotonic()

    async def count_for_ever(self) -> None:
        """Exchange counts, and forget old ones; while the database does not answer, each process counts alone."""
        while True:
            await asyncio.sleep(EXCHANGE_S if self._is_shared else FORGET_S)
            try:
                if self._is_shared:
                    await self.exchange()
                if monotonic() - self._forgot_at >= FORGET_S:
                    self._forgot_at = monotonic()
                    await self._database.ask(_forget)
            except SQLAlchemyError as error:
                structlog.get_logger().warning("counts not exchanged", error=str(error))

    async def exchange(self) -> None:
        """Tell the others what was counted here since the last time, and take up what they counted."""
        new = self._counts.take_new()
        if new:
            try:
                await self._database.ask(partial(request_counts.add, new=new))
            except SQLAlchemyError:
                self._counts.give_back(new)
                raise
        self._since, totals = await self._database.ask(partial(request_counts.changed_since, since=self._since))
        self._counts.merge(totals)


def _forget(db: Connection) -> None:
    request_counts.forget(db)
    failed_logins.forget(db, WINDOW_S)
