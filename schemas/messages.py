"""What commands and events are made of: the records inside them, and the words they use."""

from typing import Literal

import msgspec

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
    amount: int


class Tick(Record, frozen=True, kw_only=True):
    """A symbol's best bid and ask."""

    symbol: str
    bid: int
    ask: int
    low: int
    high: int
    source_time: int
    update_id: int


class RefusedTick(Record, frozen=True, kw_only=True):
    """A tick or alive mark that changed nothing, and why."""

    symbol: str
    bid: int | None
    ask: int | None
    source_time: int | None
    update_id: int | None
    reason: str


class Instrument(Record, frozen=True, kw_only=True):
    """What may be traded, and its parameters."""

    symbol: str
    tick_exponent: int
    lot_exponent: int
    tick_value: int
    quantity_min: int
    quantity_max: int
    leverage_min: int
    leverage_max: int
    fee_rate: int
    maintenance_rate: int
    margin_floor_rate: int
    liquidation_fee_rate: int
    slippage_bps: int
    spread_max: int
    jump_max: int
    notional_max: int
    account_notional_max: int
    side_notional_max: int
