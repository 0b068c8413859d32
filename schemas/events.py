"""What happened; each event is one record of `exchange.events` and holds all that changed."""

import msgspec

from schemas.messages import (
    CloseReason,
    Instrument,
    Leg,
    MarketStatus,
    RefusedTick,
    Side,
    Tick,
    TicketWarning,
)


class EventHeader(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What every event carries; on the wire the digest follows as last field.

    seq: gap-free per shard from 1. account_seq: gap-free per account from 1, null without one. command_offset and
    index: the command, and the place among its events (0 is the outcome). command_hash: the command's content, where
    its id is remembered. time: log time in µs UTC.
    """

    seq: int
    account_seq: int | None
    command_offset: int
    index: int
    command_id: str | None
    command_hash: bytes | None
    account_id: str | None
    time: int


class CommandRejected(EventHeader, frozen=True, kw_only=True):
    """A command changed nothing. command: its type, null where not decodable; rejection: number of a Rejection."""

    command: str | None
    rejection: int


class CommandRepeated(EventHeader, frozen=True, kw_only=True):
    """A known command came again and was not executed."""

    first_offset: int


class AccountOpened(EventHeader, frozen=True, kw_only=True):
    """An account exists, with its first money in micros."""

    first_deposit: int
    legs: tuple[Leg, ...]


class Deposited(EventHeader, frozen=True, kw_only=True):
    """Money came in, micros."""

    amount: int
    legs: tuple[Leg, ...]


class Withdrawn(EventHeader, frozen=True, kw_only=True):
    """Money went out, micros."""

    amount: int
    legs: tuple[Leg, ...]


class PositionOpened(EventHeader, frozen=True, kw_only=True):
    """A ticket was filled, with the rates it keeps. Prices: ticks; quantity: lots; money: micros; rates: ppm."""

    position_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    notional: int
    margin: int
    leverage: int
    fee: int
    fee_rate: int
    maintenance_rate: int
    margin_floor_rate: int
    liquidation_fee_rate: int
    liquidation_price: int | None
    stop_loss: int | None
    take_profit: int | None
    warnings: tuple[TicketWarning, ...]
    bid: int
    ask: int
    tick_source_time: int
    tick_offset: int
    client_order_id: str | None
    legs: tuple[Leg, ...]


class StopsAmended(EventHeader, frozen=True, kw_only=True):
    """A ticket's stops are now these, in ticks."""

    position_id: str
    symbol: str
    stop_loss: int | None
    take_profit: int | None
    warnings: tuple[TicketWarning, ...]


class PositionClosed(EventHeader, frozen=True, kw_only=True):
    """A ticket was closed whole; the event is its receipt.

    profit: exact, before protection and fees. equity = margin + profit; requirement: the least it had to be.
    fee to FEES or liquidation_fee to INSURANCE; returned to CASH; shortfall = max(0, -equity) = insurance_paid +
    written_off. trigger_price: null for a close by hand.
    """

    position_id: str
    symbol: str
    side: Side
    quantity: int
    entry_price: int
    price: int
    reason: CloseReason
    trigger_price: int | None
    notional: int
    entry_notional: int
    margin: int
    profit: int
    equity: int
    requirement: int
    fee: int
    liquidation_fee: int
    returned: int
    shortfall: int
    insurance_paid: int
    written_off: int
    opened_at: int
    bid: int
    ask: int
    tick_source_time: int
    tick_offset: int
    legs: tuple[Leg, ...]


class PositionReduced(EventHeader, frozen=True, kw_only=True):
    """A part of a ticket was closed; the event is its receipt, and says what the rest is.

    quantity, notional, entry_notional, profit (exact) and fee: of the part. margin, equity and requirement: of the
    whole ticket before. What profit less fee gives goes to CASH, what it takes comes from the margin; released: what
    was set free of the margin then. returned: all that went to CASH. The names in _left, and liquidation_price: of the
    rest.
    """

    position_id: str
    symbol: str
    side: Side
    quantity: int
    quantity_left: int
    entry_price: int
    price: int
    reason: CloseReason
    notional: int
    entry_notional: int
    entry_notional_left: int
    margin: int
    margin_left: int
    profit: int
    equity: int
    requirement: int
    fee: int
    released: int
    returned: int
    liquidation_price: int | None
    warnings: tuple[TicketWarning, ...]
    opened_at: int
    bid: int
    ask: int
    tick_source_time: int
    tick_offset: int
    legs: tuple[Leg, ...]


class OldestReduced(EventHeader, frozen=True, kw_only=True):
    """So many lots are closed at this price; an event of each of these positions follows, and says what moved."""

    symbol: str
    side: Side
    leverage: int
    quantity: int
    price: int
    positions: int


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


class FeedSelected(EventHeader, frozen=True, kw_only=True):
    """Prices count from this feed's run only; candidates are dropped, every price is stale."""

    name: str
    run: str
    live: bool


class FeedKept(EventHeader, frozen=True, kw_only=True):
    """The feed was selected already, and nothing changed."""

    name: str
    run: str


class PricesUpdated(EventHeader, frozen=True, kw_only=True):
    """What became of a price command. clock_suspect: the sender's clock and log time differ by more than 2 s."""

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
    bid: int
    ask: int
    source_time: int
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
    | InstrumentsDefined
    | MarketStatusSet
    | RulesActivated
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
OtherEvent = CommandRejected | CommandRepeated | StopsAmended | OldestReduced | RulesActivated
PositionEvent = PositionOpened | StopsAmended | PositionReduced | PositionClosed  # One position changes.
FillEvent = PositionOpened | PositionReduced | PositionClosed  # Something was executed at the price of a tick.
BroadcastEvent = InstrumentsDefined | MarketStatusSet | RulesActivated  # The outcome of a broadcast.
