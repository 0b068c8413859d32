"""How one account and one market stand, and the core's ledger that has just these two."""

from typing import Final, NamedTuple

from engine.core.bounds import BALANCE_MAX, DEPOSIT_DAY_MAX, MEMORY, POSITIONS_MAX
from engine.core.memory import budget_after
from engine.core.rules import RULES
from engine.core.state import State, genesis
from schemas.events import Event
from schemas.ledger_records import Account, Candidate, Market, Quote, Remembered
from schemas.messages import Instrument, MarketStatus
from schemas.units import Micros, Ticks, Timestamp

__all__ = ["BALANCE_MAX", "DEPOSIT_DAY_MAX", "HISTORY", "POSITIONS_MAX", "LastPrice", "Standing", "ledger_of"]

HISTORY: Final = MEMORY  # how long ago an event may be that still counts, in µs of log time


class LastPrice(NamedTuple):
    """The last accepted tick. heard_at, held_at: log time (µs); held_at: since when a tick waits for confirmation."""

    bid: int
    ask: int
    heard_at: int
    left: bool
    held_at: int | None


class Standing(NamedTuple):
    """All that an opening depends on. Money in micros, at entry; time: log time of the decision, µs.

    long_notional, short_notional: of all accounts of the shard. open_positions: of the account. outcomes: the account's
    events that are outcomes of commands, of the last ten minutes, the oldest first. client_order_ids: those that opened
    a position, and when.
    """

    account_id: str
    shard: int
    shards: int
    rules_version: int
    time: int
    instrument: Instrument
    status: MarketStatus
    price: LastPrice | None
    clock_suspect: bool
    cash: int
    account_notional: int
    open_positions: int
    positions_max: int
    long_notional: int
    short_notional: int
    outcomes: tuple[Event, ...] = ()
    client_order_ids: dict[str, int] = {}  # noqa: RUF012  # Never changed.


def ledger_of(standing: Standing) -> State:
    """Make the ledger that the core decides on."""
    symbol = standing.instrument.symbol
    account = Account(
        account_id=standing.account_id,
        number=0,
        opened_at=Timestamp(0),
        cash=Micros(standing.cash),
        open_notional={symbol: Micros(standing.account_notional)},
        client_order_ids={name: Timestamp(at) for name, at in standing.client_order_ids.items()},
    )
    for event in standing.outcomes:
        # Which command it was does not matter: it counts.
        ids: dict[str, Remembered] = getattr(account, budget_after(account, event, RULES[standing.rules_version]))
        ids[f"#{event.seq}"] = Remembered(offset=event.command_offset, time=event.time, content=b"")
    ledger = genesis(standing.shard, standing.shards)
    ledger.rules_version = standing.rules_version
    ledger.clock_suspect = standing.clock_suspect
    # Of the open positions only the number counts.
    ledger.positions_max = standing.positions_max - standing.open_positions
    ledger.instruments = {symbol: standing.instrument}
    ledger.markets = {symbol: _market(standing)}
    ledger.accounts = {standing.account_id: account}
    return ledger


def _market(standing: Standing) -> Market:
    price = standing.price
    market = Market(
        symbol=standing.instrument.symbol,
        status=standing.status,
        long_notional=Micros(standing.long_notional),
        short_notional=Micros(standing.short_notional),
    )
    if price is not None:
        bid, ask = Ticks(price.bid), Ticks(price.ask)
        before = Timestamp(0)
        market.quote = Quote(
            bid=bid,
            ask=ask,
            source_time=before,
            update_id=0,
            offset=0,
            heard_at=Timestamp(price.heard_at),
            stale=price.left,
        )
        if price.held_at is not None:
            market.candidate = Candidate(
                bid=bid, ask=ask, source_time=before, update_id=0, held_at=Timestamp(price.held_at)
            )
    return market
