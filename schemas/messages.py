"""What commands and events are made of: the records inside them, and the words they use."""

from typing import Literal

import msgspec

from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp

Side = Literal["long", "short"]
MarketStatus = Literal["open", "close_only", "halted"]
CloseReason = Literal["manual", "stop_loss", "take_profit", "trailing_stop", "liquidation", "admin", "account_closed"]
Book = Literal["CASH", "MARGIN", "HOUSE", "FEES", "INSURANCE", "EXTERNAL"]
FeedName = Literal["backpack", "simulated", "recorded"]
PositionWarning = Literal["STOP_BEYOND_LIQUIDATION"]


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A value inside a message."""


class Leg(Record, frozen=True, kw_only=True):
    """Money that moves between two books; CASH is the event's account, MARGIN its position."""

    source: Book
    target: Book
    amount: Micros


class Tick(Record, frozen=True, kw_only=True):
    """A symbol's best bid and ask."""

    symbol: str
    bid: Ticks
    ask: Ticks
    low: int
    high: int
    source_time: Timestamp
    update_id: int


class AliveMark(Record, frozen=True, kw_only=True):
    """The last tick of a symbol that its feed still vouches for, without having sent another."""

    symbol: str
    source_time: Timestamp
    update_id: int


class RefusedTick(Record, frozen=True, kw_only=True):
    """A tick or alive mark that changed nothing, and why."""

    symbol: str
    bid: Ticks | None
    ask: Ticks | None
    source_time: Timestamp | None
    update_id: int | None
    reason: str


class Instrument(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What may be traded, and its parameters."""

    symbol: str
    tick_exponent: int
    lot_exponent: int
    tick_value: int
    quantity_min: Lots
    quantity_max: Lots
    leverage_min: Hundredths
    leverage_max: Hundredths
    fee_rate: Ppm
    maintenance_rate: Ppm
    margin_floor_rate: Ppm
    liquidation_fee_rate: Ppm
    slippage_bps: int
    spread_max: Ppm
    jump_max: Ppm
    notional_max: Micros
    account_notional_max: Micros
    side_notional_max: Micros
    open_age_max: int | None = None  # µs
