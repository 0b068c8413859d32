"""What the newest is that is known of a position: by the tables, and by what was answered here since."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, NamedTuple, assert_never

from fastapi import Depends

from api.app_state import AppState, StateDep
from api.dispatch.read_your_writes import catch_up, wait_for
from api.dispatch.replies import RETRY_AFTER, Pending, Reply, Stored
from api.http.amounts import quantity as lots_of
from api.http.problems import PROJECTION_BEHIND, REFUSALS, ApiError
from api.log.outcomes import Outcomes
from api.log.price_cache import PriceCache
from api.log.recent_positions import RecentPositions
from api.positions.schemas import PositionReply
from api.positions.views import after, position_of_event, position_of_row
from api.store.database import Database
from projector import queries
from schemas.events import PositionClosed, PositionReduced, StopsAmended
from schemas.messages import Instrument
from schemas.rejections import Rejection


class PositionLookup(NamedTuple):
    """Reads the tables, and adds what they may not have yet."""

    database: Database
    outcomes: Outcomes
    prices: PriceCache
    recent: RecentPositions

    async def instrument(self, account_id: str, position_id: str) -> Instrument:
        """Give what the position is of, and with it the places of its prices and quantities.

        Without them a request cannot be written into the log.
        """
        position = await self.seen(account_id, position_id) or await self.newest(account_id, position_id)
        return self.prices.instruments[position.symbol]

    async def newest(self, account_id: str, position_id: str) -> PositionReply:
        """Find a position in tables that have all events up to now; ApiError where there is none, or nobody knows."""
        shard = int(position_id.partition("-")[0])
        lag = await catch_up(self.database, self.outcomes, shard) if shard < self.outcomes.shards else 0
        position = await self.seen(account_id, position_id)
        if position is not None:
            return position
        if lag > 0:
            detail = "The tables do not say yet whether there is such a position; nothing was sent"
            raise ApiError(PROJECTION_BEHIND, detail, headers=RETRY_AFTER)
        raise ApiError(REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404))

    async def after_command(self, account_id: str, position_id: str, reply: Reply) -> PositionReply | None:
        """Give the position a command left behind; null while its opening, or a part of it, is not in the tables."""
        if isinstance(reply, Pending):
            return None
        if isinstance(reply, Stored):
            return await self.seen(account_id, position_id)
        shard, event = reply.outcome
        assert isinstance(event, StopsAmended | PositionReduced | PositionClosed), "the outcome of what was not refused"
        instruments = self.prices.instruments
        if isinstance(event, PositionReduced):
            await wait_for(self.database, shard, event.seq)  # What the rest is worth now, only the tables say.
        position = await self.seen(account_id, position_id)
        if position is None or not _follows(event, position, instruments):
            await wait_for(self.database, shard, event.seq)
            position = await self.seen(account_id, position_id)
        if position is None or not _follows(event, position, instruments):
            return None
        return after(position, event, shard, instruments)

    async def seen(self, account_id: str, position_id: str) -> PositionReply | None:
        """Give the newest that is known of a position now; null where that is nothing."""
        shard = int(position_id.partition("-")[0])
        # In this order: what is projected between the two is in the row, and never missing from both.
        seq, row = await self.database.ask(
            lambda db: (queries.projected_seq(db, shard), queries.position(db, account_id, position_id))
        )
        instruments = self.prices.instruments
        opened = self.recent.opened(position_id, account_id)
        if row is not None:
            position = position_of_row(row, instruments)
        elif opened is not None:
            position = position_of_event(opened, instruments)
        else:
            return None
        for change in self.recent.changes(position_id, seq):
            if _follows(change, position, instruments):
                position = after(position, change, shard, instruments)
        return position


def _follows(
    event: StopsAmended | PositionReduced | PositionClosed,
    position: PositionReply,
    instruments: Mapping[str, Instrument],
) -> bool:
    """Say whether a position has all parts that were closed before an event, so that no result is missing."""
    if position.status == "closed":
        return True
    match event:
        case PositionReduced(quantity=part, quantity_left=left):
            return Decimal(position.quantity) <= Decimal(lots_of(instruments[event.symbol], part + left))
        case PositionClosed(quantity=size):
            return Decimal(position.quantity) <= Decimal(lots_of(instruments[event.symbol], size))
        case StopsAmended():
            return True
        case _:
            assert_never(event)


def position_lookup(state: AppState) -> PositionLookup:
    """Give the lookup of an application."""
    return PositionLookup(state.database, state.outcomes, state.prices, state.recent_positions)


async def position_lookup_of(state: StateDep) -> PositionLookup:
    """Give the lookup of the application a request came to."""
    return position_lookup(state)


PositionLookupDep = Annotated[PositionLookup, Depends(position_lookup_of)]
