"""What the newest is that is known of a position: by the tables, and by what was answered here since."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, NamedTuple, assert_never

import structlog
from fastapi import Depends
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState, StateDep
from api.dispatch.read_your_writes import wait_for
from api.dispatch.replies import Decided, Pending, Reply, Stored
from api.dispatch.unprojected import Unprojected, behind, unprojected
from api.http.amounts import money_or_null
from api.http.amounts import quantity as lots_of
from api.http.problems import REFUSALS, ApiError, not_found
from api.log.outcomes import Outcomes
from api.log.price_cache import PriceCache
from api.log.recent_positions import RecentPositions
from api.positions.schemas import PositionReply
from api.positions.views import after, position_of_event, position_of_row
from api.store.database import Database, afterwards
from projector import queries
from schemas.event_groups import PositionEvent
from schemas.events import PositionClosed, PositionOpened, PositionReduced, StopsAmended
from schemas.ids import event_id
from schemas.messages import Instrument
from schemas.rejections import Rejection
from schemas.units import parse


class PositionLookup(NamedTuple):
    """Reads the tables, and adds what they may not have yet."""

    database: Database
    outcomes: Outcomes
    prices: PriceCache
    recent: RecentPositions
    unprojected: Unprojected

    async def instrument(self, account_id: str, position_id: str) -> Instrument:
        """Give what the position is of, and with it the places of its prices and quantities.

        Without them a request cannot be written into the log.
        """
        opened = self.recent.opened(position_id, account_id)  # What was answered here is said without the database.
        if opened is not None:
            return self.prices.instruments[opened.symbol]
        position = await self.seen(account_id, position_id) or await self.newest(account_id, position_id)
        return self.prices.instruments[position.symbol]

    async def newest(self, account_id: str, position_id: str) -> PositionReply:
        """Find a position by all events up to now; ApiError where there is none, or nobody knows."""
        position = await self._by_all_events(
            account_id, position_id, "The tables do not say yet whether there is such a position; nothing was sent"
        )
        if position is None:
            raise ApiError(REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404))
        return position

    async def current(self, account_id: str, position_id: str) -> PositionReply:
        """Find a position with all that was read of the log by now; ApiError where there is none, or it cannot be."""
        if not await self.unprojected.is_complete(self.outcomes.shard_of(account_id)):
            raise behind("Which version of the position is the last cannot be said now; nothing was sent")
        return await self.newest(account_id, position_id)

    async def find(self, account_id: str, position_id: str) -> PositionReply:
        """Give one of the account's positions for who only reads; ApiError where there is none, or nobody knows."""
        position = await self.seen(account_id, position_id) or await self._by_all_events(
            account_id, position_id, "Whether there is such a position cannot be said now"
        )
        if position is None:
            raise not_found("position", position_id)
        return position

    async def _by_all_events(self, account_id: str, position_id: str, unknown: str) -> PositionReply | None:
        """Give a position by all events up to now; null where there is none. unknown: said where nobody knows."""
        shard = int(position_id.partition("-")[0])
        is_complete = shard >= self.outcomes.shards or await self.unprojected.is_complete(shard)
        position = await self.seen(account_id, position_id)
        if position is None and not is_complete:
            raise behind(unknown)
        return position

    async def open_ids(self, account_id: str) -> list[str]:
        """List the ids of the account's open positions, the last opened first; ApiError where not all are known."""
        shard = self.outcomes.shard_of(account_id)
        if not await self.unprojected.is_complete(shard):
            raise behind("Which positions are open cannot be said now; nothing was sent")
        seq, rows = await self.database.ask_consistently(
            lambda db: (queries.projected_seq(db, shard), queries.open_positions(db, account_id))
        )
        found = dict.fromkeys(row.position_id for row in reversed(rows))
        for event in self.unprojected.events(account_id, seq) or []:
            if isinstance(event, PositionOpened):
                found[event.position_id] = None
            elif isinstance(event, PositionClosed):
                found.pop(event.position_id, None)
        return list(found)[::-1]

    async def closed_between(self, account_id: str, first: int, last: int) -> list[PositionReply]:
        """Give the account's positions that were closed by events behind one up to another, the oldest position first.

        Those are missing whose opening is nowhere to be read; a second is waited where there are any.
        """
        shard = self.outcomes.shard_of(account_id)
        receipts = [event_id(shard, number) for number in range(first + 1, last + 1)]
        found = await self._closed(account_id, shard, receipts)
        if len(found) < len(receipts):
            await wait_for(self.database, shard, last)
            found = await self._closed(account_id, shard, receipts)
        return found

    async def _closed(self, account_id: str, shard: int, receipts: list[str]) -> list[PositionReply]:
        if not receipts:
            return []
        wanted = set(receipts)
        closes = (one for one in await self.unprojected.events_now(account_id) if isinstance(one, PositionClosed))
        names = [event.position_id for event in closes if event_id(shard, event.seq) in wanted]
        rows = await self.database.ask(lambda db: queries.positions_of_receipts(db, account_id, receipts))
        found = await self.several(account_id, list(dict.fromkeys([*(row.position_id for row in rows), *names])))
        closed = [position for position in found.values() if position.status == "closed"]
        return sorted(closed, key=lambda position: int(position.id.partition("-")[2]))

    async def after_command(self, account_id: str, position_id: str, reply: Reply) -> PositionReply | None:
        """Give the position a command left behind; null while its opening, or a part of it, is nowhere to be read.

        What was decided is never hidden: where the database does not answer now, it is null too.
        """
        if isinstance(reply, Pending):
            return None
        try:
            async with afterwards():
                return await self._after(account_id, position_id, reply)
        except SQLAlchemyError as error:
            structlog.get_logger().warning("position not read", position_id=position_id, error=str(error))
            return None

    async def _after(self, account_id: str, position_id: str, reply: Decided | Stored) -> PositionReply | None:
        if isinstance(reply, Stored):
            return await self.seen(account_id, position_id)
        shard, event = reply.outcome
        assert isinstance(event, StopsAmended | PositionReduced | PositionClosed), "the outcome of what was not refused"
        instruments = self.prices.instruments
        position = await self.seen(account_id, position_id)
        if position is None or not _follows(event, position, instruments):
            await wait_for(self.database, shard, event.seq)
            position = await self.seen(account_id, position_id)
        if position is None or not _follows(event, position, instruments):
            return None
        return self._valued(after(position, event, shard, instruments))

    async def seen(self, account_id: str, position_id: str) -> PositionReply | None:
        """Give the newest that is known of a position now; null where that is nothing."""
        return (await self.several(account_id, [position_id])).get(position_id)

    async def several(self, account_id: str, position_ids: list[str]) -> dict[str, PositionReply]:
        """Give the newest that is known of these positions now, by id; those are missing of which that is nothing."""
        shard = self.outcomes.shard_of(account_id)
        seq, rows = await self.database.ask_consistently(
            lambda db: (
                queries.projected_seq(db, shard),
                {position_id: queries.position(db, account_id, position_id) for position_id in position_ids},
            )
        )
        events = self._events(account_id, position_ids, seq)
        found = {name: self._newest(rows[name], events[name]) for name in position_ids}
        return {name: self._valued(position) for name, position in found.items() if position is not None}

    def _newest(self, row: queries.PositionRow | None, events: dict[int, PositionEvent]) -> PositionReply | None:
        """Bring a row forward by the events, by seq, that it may lack."""
        instruments = self.prices.instruments
        position = None if row is None else position_of_row(row, instruments)
        for number in sorted(events):
            event = events[number]
            if isinstance(event, PositionOpened):
                position = position_of_event(event, instruments) if position is None else position
            elif position is not None and _follows(event, position, instruments):
                shard = int(position.id.partition("-")[0])
                position = after(position, event, shard, instruments)
        return position

    def _events(self, account_id: str, position_ids: list[str], seq: int) -> dict[str, dict[int, PositionEvent]]:
        """Give what is known to have happened to positions behind an event: all of it, or what was answered here."""
        found: dict[str, dict[int, PositionEvent]] = {}
        for name in position_ids:
            opened = self.recent.opened(name, account_id)
            found[name] = {} if opened is None else {opened.seq: opened}
            found[name] |= {event.seq: event for event in self.recent.changes(name, seq)}
        for event in self.unprojected.events(account_id, seq) or []:
            if isinstance(event, PositionEvent) and event.position_id in found:
                found[event.position_id][event.seq] = event
        return found

    def _valued(self, position: PositionReply) -> PositionReply:
        """Add what an open position is worth now, where only events say how large it is."""
        if position.status == "closed" or position.unrealized_pnl is not None:
            return position
        instrument = self.prices.instruments[position.symbol]
        lots = parse(position.quantity, instrument.lot_exponent)
        entry = parse(position.entry_price, instrument.tick_exponent)
        profit = self.prices.unrealized_pnl(position.symbol, position.side, lots, entry)
        return position.model_copy(update={"unrealized_pnl": money_or_null(profit)})


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
    return PositionLookup(state.database, state.outcomes, state.prices, state.recent_positions, unprojected(state))


async def position_lookup_of(state: StateDep) -> PositionLookup:
    """Give the lookup of the application a request came to."""
    return position_lookup(state)


PositionLookupDep = Annotated[PositionLookup, Depends(position_lookup_of)]
