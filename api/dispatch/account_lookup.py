"""How an account stands by its last event: as the tables have it, brought forward by the events they lack."""

from typing import Annotated, NamedTuple

from fastapi import Depends
from sqlalchemy import Connection

from api.app_state import AppState, StateDep
from api.dispatch.unprojected import Unprojected, behind, unprojected
from api.log.price_cache import PriceCache
from projector import queries
from schemas.derived import book_change
from schemas.event_groups import MoneyEvent
from schemas.events import Event, PositionClosed, PositionOpened, PositionReduced
from schemas.messages import Side


class AccountFigures(NamedTuple):
    """Micros; unrealized_pnl: at the last prices. is_current: nothing that was read of the log is missing."""

    cash: int
    used_margin: int
    unrealized_pnl: int
    is_current: bool


class _Holding(NamedTuple):
    """What the profit of an open position is worked out from."""

    symbol: str
    side: Side
    quantity: int
    entry_price: int


class _AccountTables(NamedTuple):
    """An account as of one moment of the tables. seq: the shard's last event then."""

    seq: int
    account: queries.AccountRow | None
    positions: list[queries.PositionRow]


class AccountLookup(NamedTuple):
    """Reads the tables, and adds what they may not have yet."""

    unprojected: Unprojected
    prices: PriceCache

    async def find(self, account_id: str) -> AccountFigures | None:
        """Give an account's figures; null where there is no such account. ApiError where nobody knows that now."""
        found = await self._look(account_id)
        if found is not None and found.is_current:
            return found
        is_complete = await self.unprojected.is_complete(self.unprojected.outcomes.shard_of(account_id))
        found = await self._look(account_id)
        if found is None and not is_complete:
            raise behind("Whether the account is open cannot be said now")
        return found

    async def current(self, account_id: str) -> AccountFigures | None:
        """Give them with all that was read of the log; ApiError where they cannot be had so."""
        found = await self.find(account_id)
        if found is not None and not found.is_current:
            raise behind("How the account stands cannot be said now")
        return found

    async def _look(self, account_id: str) -> AccountFigures | None:
        """Give what is known; most often the tables have everything, and are asked for the account alone."""
        database = self.unprojected.database
        shard = self.unprojected.outcomes.shard_of(account_id)
        # In this order: what is projected between the two is in the row, and never missing from both.
        seq, row = await database.ask(lambda db: (queries.projected_seq(db, shard), queries.account(db, account_id)))
        events = self.unprojected.events(account_id, seq)
        if events == [] or (events is None and row is not None):
            return _of_row(row, is_current=events is not None)
        stored = await database.ask_consistently(lambda db: _stored(db, shard, account_id))
        events = self.unprojected.events(account_id, stored.seq)
        if not events:
            return _of_row(stored.account, is_current=events is not None)
        return self._brought_forward(stored, events)

    def _brought_forward(self, stored: _AccountTables, events: list[Event]) -> AccountFigures:
        row = stored.account
        cash, used_margin = (0, 0) if row is None else (row.cash, row.used_margin)
        holdings = {
            one.position_id: _Holding(one.symbol, one.side, one.quantity, one.entry_price) for one in stored.positions
        }
        for event in events:
            _hold(holdings, event)
            if isinstance(event, MoneyEvent):
                change = book_change(event)
                cash, used_margin = cash + change.cash, used_margin + change.used_margin
        profits = (self.prices.unrealized_pnl(*holding) or 0 for holding in holdings.values())
        return AccountFigures(cash, used_margin, sum(profits), is_current=True)


def _hold(holdings: dict[str, _Holding], event: Event) -> None:
    """Bring what is held to what it is after an event."""
    if isinstance(event, PositionOpened):
        holdings[event.position_id] = _Holding(event.symbol, event.side, event.quantity, event.price)
    elif isinstance(event, PositionReduced):
        holdings[event.position_id] = holdings[event.position_id]._replace(quantity=event.quantity_left)
    elif isinstance(event, PositionClosed):
        del holdings[event.position_id]


def _of_row(row: queries.AccountRow | None, *, is_current: bool) -> AccountFigures | None:
    return None if row is None else AccountFigures(row.cash, row.used_margin, row.unrealized_pnl, is_current)


def _stored(db: Connection, shard: int, account_id: str) -> _AccountTables:
    account = queries.account(db, account_id)
    return _AccountTables(queries.projected_seq(db, shard), account, queries.open_positions(db, account_id))


def account_lookup(state: AppState) -> AccountLookup:
    """Give the lookup of an application."""
    return AccountLookup(unprojected(state), state.prices)


async def account_lookup_of(state: StateDep) -> AccountLookup:
    """Give the lookup of the application a request came to."""
    return account_lookup(state)


AccountLookupDep = Annotated[AccountLookup, Depends(account_lookup_of)]
