"""How a transfer that was approved comes into the log, though the log did not take it at once."""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.dispatch.dispatcher import Dispatcher
from api.store import transfers as store
from api.store.database import Database
from api.transfers import service

LOOK_S: Final = 5.0


class TransferCarrier:
    """Runs in every process of the API: a transfer is one command, so whoever sends it again moves the money once."""

    def __init__(self, dispatcher: Dispatcher, database: Database) -> None:
        self._dispatcher = dispatcher
        self._database = database

    async def carry_for_ever(self) -> None:
        """Look for what is approved and not settled, at the start and every few seconds."""
        while True:
            try:
                await self.carry()
            except SQLAlchemyError as error:
                structlog.get_logger().warning("transfers are not carried now", error=type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def carry(self) -> None:
        """Settle by the log what it has decided, and send it what it does not have."""
        for transfer in await self._database.ask(store.approved):
            await service.carry(self._dispatcher, self._database, transfer)
