"""How something is said to every shard: stored first, and sent again until each has answered."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from reprise.api.command_log import CommandLog
from reprise.api.database import Database
from reprise.api.outcomes import NotAppended, Outcome, Outcomes
from reprise.api.tables import broadcasts
from reprise.schemas.commands import DefineInstruments
from reprise.schemas.events import CommandRejected
from reprise.schemas.ids import broadcast_id
from reprise.schemas.instruments import FIRST_BROADCAST, INSTRUMENTS
from reprise.schemas.messages import Instrument
from reprise.schemas.rejections import Rejection

ANSWER_TIMEOUT_S: Final = 5.0
PAUSE_S: Final = 0.5


class Broadcasts:
    """Sends the first instruments at each start: where that was done, the answer is a repeat."""

    def __init__(self, database: Database, log: CommandLog, outcomes: Outcomes, shards: int) -> None:
        self._database = database
        self._log = log
        self._outcomes = outcomes
        self._waiting = set(range(shards))

    def is_done(self) -> bool:
        """Say whether every shard has answered this process."""
        return not self._waiting

    async def define_instruments(self) -> None:
        """Broadcast the table of instruments as it was first stored."""
        instruments = msgspec.convert(await self._stored(), tuple[Instrument, ...])

        def command(shard: int) -> DefineInstruments:
            return DefineInstruments(
                command_id=broadcast_id(FIRST_BROADCAST, shard),
                shard=shard,
                broadcast=FIRST_BROADCAST,
                instruments=instruments,
            )

        await asyncio.gather(*(self._until_answered(shard, command) for shard in sorted(self._waiting)))

    async def _stored(self) -> object:
        """Store the content unless some was stored before, and give what counts."""
        content = msgspec.to_builtins(INSTRUMENTS)

        def store(db: Connection) -> object:
            db.execute(insert(broadcasts).values(name=FIRST_BROADCAST, content=content).on_conflict_do_nothing())
            return db.execute(select(broadcasts.c.content).where(broadcasts.c.name == FIRST_BROADCAST)).scalar_one()

        while True:
            try:
                return await self._database.ask(store)
            except SQLAlchemyError as error:
                structlog.get_logger().warning("broadcast not stored", error=str(error))
                await asyncio.sleep(PAUSE_S)

    async def _until_answered(self, shard: int, command: Callable[[int], DefineInstruments]) -> None:
        while True:
            outcome = await self._ask(command(shard))
            if outcome is not None and _is_answer(outcome):
                break
            await asyncio.sleep(PAUSE_S)
        try:
            await self._database.ask(lambda db: _note_answer(db, shard))
        except SQLAlchemyError as error:
            # The next start notes it; the shard itself has answered.
            structlog.get_logger().warning("broadcast's answer not stored", error=str(error))
        self._waiting.discard(shard)

    async def _ask(self, command: DefineInstruments) -> Outcome | None:
        waiter = self._outcomes.expect(command.command_id)
        try:
            self._log.send_broadcast(command, waiter)
            return await asyncio.wait_for(waiter.outcome, ANSWER_TIMEOUT_S)
        except (NotAppended, TimeoutError):
            return None
        finally:
            self._outcomes.forget(command.command_id, waiter)


def _is_answer(outcome: Outcome) -> bool:
    event = outcome.event
    if not isinstance(event, CommandRejected):
        return True
    structlog.get_logger().error("broadcast refused", shard=outcome.shard, rejection=Rejection(event.rejection).name)
    # A log older than this database has the broadcast with other content: said once is said for ever.
    return event.rejection == Rejection.COMMAND_ID_REUSED


def _note_answer(db: Connection, shard: int) -> None:
    statement = update(broadcasts).where(broadcasts.c.name == FIRST_BROADCAST, ~broadcasts.c.answered.contains([shard]))
    db.execute(statement.values(answered=func.array_append(broadcasts.c.answered, shard)))
