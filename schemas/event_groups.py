"""Groups of events; tests compare them with `Event` and with the fields. Each event is of one of the first three."""

from typing import Final, get_args

from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
    TickHeld,
    Withdrawn,
)

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
