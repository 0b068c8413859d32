"""What happened; each event is one record of `exchange.events` and holds all that changed.

A docstring here is the message's explanation everywhere. Fields are explained in `schemas/avro`, with their units. The
usual ones: money in micros, prices in ticks, quantities in lots, rates in ppm, leverage in hundredths, times in µs UTC.

Longer than 300 lines because all that may happen stands in one place, and each group of it beside the others.
"""

from typing import Final, get_args

import msgspec

from schemas.messages import (
    CloseReason,
    Instrument,
    Leg,
    MarketStatus,
    PositionWarning,
    RefusedTick,
    Side,
    Tick,
)
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp


class EventHeader(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What every event carries; on the wire the digest follows as last field."""

    seq: int
    account_seq: int | None
    command_offset: int
    index: int
    command_id: str | None
    command_hash: bytes | None
    account_id: str | None
    time: Timestamp


class CommandRejected(EventHeader, frozen=True, kw_only=True):
    """A command changed nothing."""

    command: str | None
    rejection: int


class CommandRepeated(EventHeader, frozen=True, kw_only=True):
    """A known command came again and was not executed."""

    first_offset: int


class AccountOpened(EventHeader, frozen=True, kw_only=True):
    """An account exists, with its first money."""

    first_deposit: Micros
    legs: tuple[Leg, ...]


class Deposited(EventHeader, frozen=True, kw_only=True):
    """Money came in."""

    amount: Micros
    legs: tuple[Leg, ...]


class Withdrawn(EventHeader, frozen=True, kw_only=True):
    """Money went out."""

    amount: Micros
    legs: tuple[Leg, ...]


class PositionOpened(EventHeader, frozen=True, kw_only=True):
    """A position was opened, with the rates it keeps."""

    position_id: str
    symbol: str
    side: Side
    quantity: Lots
    price: Ticks
    notional: Micros
    margin: Micros
    leverage: Hundredths
    fee: Micros
    fee_rate: Ppm
    maintenance_rate: Ppm
    margin_floor_rate: Ppm
    liquidation_fee_rate: Ppm
    liquidation_price: Ticks | None
    stop_loss: Ticks | None
    take_profit: Ticks | None
    warnings: tuple[PositionWarning, ...]
    bid: Ticks
    ask: Ticks
    tick_source_time: Timestamp
    tick_offset: int
    client_order_id: str | None
    legs: tuple[Leg, ...]


class StopsAmended(EventHeader, frozen=True, kw_only=True):
    """A position's stops are now these."""

    position_id: str
    symbol: str
    stop_loss: Ticks | None
    take_profit: Ticks | None
    warnings: tuple[PositionWarning, ...]


class PositionClosed(EventHeader, frozen=True, kw_only=True):
    """A position was closed whole; the event is its receipt."""

    position_id: str
    symbol: str
    side: Side
    quantity: Lots
    entry_price: Ticks
    price: Ticks
    reason: CloseReason
    trigger_price: Ticks | None
    notional: Micros
    entry_notional: Micros
    margin: Micros
    profit: Micros
    equity: Micros
    requirement: Micros
    fee: Micros
    liquidation_fee: Micros
    returned: Micros
    shortfall: Micros
    insurance_paid: Micros
    written_off: Micros
    opened_at: Timestamp
    bid: Ticks
    ask: Ticks
    tick_source_time: Timestamp
    tick_offset: int
    legs: tuple[Leg, ...]


class PositionReduced(EventHeader, frozen=True, kw_only=True):
    """A part of a position was closed; the event is its receipt, and says what the rest is."""

    position_id: str
    symbol: str
    side: Side
    quantity: Lots
    quantity_left: Lots
    entry_price: Ticks
    price: Ticks
    reason: CloseReason
    notional: Micros
    entry_notional: Micros
    entry_notional_left: Micros
    margin: Micros
    margin_left: Micros
    profit: Micros
    equity: Micros
    requirement: Micros
    fee: Micros
    released: Micros
    returned: Micros
    liquidation_price: Ticks | None
    warnings: tuple[PositionWarning, ...]
    opened_at: Timestamp
    bid: Ticks
    ask: Ticks
    tick_source_time: Timestamp
    tick_offset: int
    legs: tuple[Leg, ...]


class OldestReduced(EventHeader, frozen=True, kw_only=True):
    """Lots of the account's oldest positions of a kind are closed; an event of each position follows."""

    symbol: str
    side: Side
    leverage: Hundredths
    quantity: Lots
    price: Ticks
    positions: int


class AllClosed(EventHeader, frozen=True, kw_only=True):
    """Positions of the account close, an event of each follows; those whose market lets nothing close stay."""

    symbol: str | None
    positions: int
    left: tuple[str, ...]


class InstrumentsDefined(EventHeader, frozen=True, kw_only=True):
    """Instruments exist with these parameters."""

    broadcast: str
    instruments: tuple[Instrument, ...]


class MarketStatusSet(EventHeader, frozen=True, kw_only=True):
    """A market is open, restricted or halted."""

    broadcast: str
    symbol: str
    status: MarketStatus


class RulesActivated(EventHeader, frozen=True, kw_only=True):
    """From the next command on this version of the rules is in force; this event is still written by the one before."""

    broadcast: str
    version: int


class ClockSet(EventHeader, frozen=True, kw_only=True):
    """Log time is now the time of this event; it was `before`, which may be later."""

    broadcast: str
    before: Timestamp


class AccountLimitsSet(EventHeader, frozen=True, kw_only=True):
    """These limits hold for every account."""

    broadcast: str
    positions_max: int


class OffsetGapAccepted(EventHeader, frozen=True, kw_only=True):
    """These offsets of `exchange.commands` hold no record in this shard, and the ledger went on over them."""

    first_offset: int
    last_offset: int


class FeedSelected(EventHeader, frozen=True, kw_only=True):
    """Prices count from this feed's run only; held ticks are dropped, and every price is stale."""

    name: str
    run: str
    live: bool


class FeedKept(EventHeader, frozen=True, kw_only=True):
    """The feed was selected already, and nothing changed."""

    name: str
    run: str


class PricesUpdated(EventHeader, frozen=True, kw_only=True):
    """What became of a price command."""

    feed: str
    run: str
    sent_at: int
    clock_suspect: bool
    accepted: tuple[Tick, ...]
    alive: tuple[str, ...]
    refused: tuple[RefusedTick, ...]


class TickHeld(EventHeader, frozen=True, kw_only=True):
    """A tick waits for another to confirm it; until then its symbol does not trade."""

    symbol: str
    bid: Ticks
    ask: Ticks
    source_time: Timestamp
    update_id: int


Event = (
    CommandRejected
    | CommandRepeated
    | AccountOpened
    | Deposited
    | Withdrawn
    | PositionOpened
    | StopsAmended
    | PositionClosed
    | PositionReduced
    | OldestReduced
    | AllClosed
    | InstrumentsDefined
    | MarketStatusSet
    | RulesActivated
    | ClockSet
    | AccountLimitsSet
    | OffsetGapAccepted
    | FeedSelected
    | FeedKept
    | PricesUpdated
    | TickHeld
)

# Groups of events; tests compare them with `Event` and with the fields. Each event is of one of the first three.
# Money moves: `legs` says from where to where.
MoneyEvent = AccountOpened | Deposited | Withdrawn | PositionOpened | PositionClosed | PositionReduced
# What is traded, by whose prices, and at which: of no account, and the same in every shard.
MarketEvent = InstrumentsDefined | MarketStatusSet | FeedSelected | FeedKept | PricesUpdated | TickHeld
# Neither money nor a market changes.
OtherEvent = (
    CommandRejected
    | CommandRepeated
    | StopsAmended
    | OldestReduced
    | AllClosed
    | RulesActivated
    | ClockSet
    | AccountLimitsSet
    | OffsetGapAccepted
)
PositionEvent = PositionOpened | StopsAmended | PositionReduced | PositionClosed  # One position changes.
FillEvent = PositionOpened | PositionReduced | PositionClosed  # Something was executed at the price of a tick.
# The outcome of a broadcast that every shard is sent.
BroadcastEvent = InstrumentsDefined | MarketStatusSet | RulesActivated | ClockSet | AccountLimitsSet

MARKET_EVENTS: Final[tuple[type[MarketEvent], ...]] = get_args(MarketEvent)
