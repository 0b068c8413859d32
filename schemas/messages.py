"""What commands and events are made of: the records inside them, and the words they use.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
"""

from typing import ClassVar, Final, Literal

from schemas.record import Record
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp

Side = Literal["long", "short"]

MarketStatus = Literal["open", "close_only", "halted"]

CloseReason = Literal["manual", "stop_loss", "take_profit", "trailing_stop", "liquidation", "admin", "account_closed"]

Book = Literal["CASH", "MARGIN", "HOUSE", "FEES", "INSURANCE", "EXTERNAL"]


class Leg(Record):
    """Money that moves between two books; CASH is the event's account, MARGIN its position."""

    FIELDS: ClassVar[tuple[str, ...]] = ("source", "target", "amount")
    __slots__ = FIELDS

    def __init__(self, *, source: Book, target: Book, amount: Micros) -> None:
        self.source: Final = source
        self.target: Final = target
        self.amount: Final = amount


class Tick(Record):
    """A symbol's best bid and ask."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "bid", "ask", "low", "high", "source_time", "update_id")
    __slots__ = FIELDS

    def __init__(
        self, *, symbol: str, bid: Ticks, ask: Ticks, low: int, high: int, source_time: Timestamp, update_id: int
    ) -> None:
        self.symbol: Final = symbol
        self.bid: Final = bid
        self.ask: Final = ask
        self.low: Final = low
        self.high: Final = high
        self.source_time: Final = source_time
        self.update_id: Final = update_id


class AliveMark(Record):
    """The last tick of a symbol that its feed still vouches for, without having sent another."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "source_time", "update_id")
    __slots__ = FIELDS

    def __init__(self, *, symbol: str, source_time: Timestamp, update_id: int) -> None:
        self.symbol: Final = symbol
        self.source_time: Final = source_time
        self.update_id: Final = update_id


class RefusedTick(Record):
    """A tick or alive mark that changed nothing, and why."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "bid", "ask", "source_time", "update_id", "reason")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        symbol: str,
        bid: Ticks | None,
        ask: Ticks | None,
        source_time: Timestamp | None,
        update_id: int | None,
        reason: str,
    ) -> None:
        self.symbol: Final = symbol
        self.bid: Final = bid
        self.ask: Final = ask
        self.source_time: Final = source_time
        self.update_id: Final = update_id
        self.reason: Final = reason


class Instrument(Record):
    """What may be traded, and its parameters."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "symbol",
        "tick_exponent",
        "lot_exponent",
        "tick_value",
        "quantity_min",
        "quantity_max",
        "leverage_min",
        "leverage_max",
        "fee_rate",
        "maintenance_rate",
        "margin_floor_rate",
        "liquidation_fee_rate",
        "slippage_bps",
        "spread_max",
        "jump_max",
        "notional_max",
        "account_notional_max",
        "side_notional_max",
        "open_age_max",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("open_age_max",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        symbol: str,
        tick_exponent: int,
        lot_exponent: int,
        tick_value: int,
        quantity_min: Lots,
        quantity_max: Lots,
        leverage_min: Hundredths,
        leverage_max: Hundredths,
        fee_rate: Ppm,
        maintenance_rate: Ppm,
        margin_floor_rate: Ppm,
        liquidation_fee_rate: Ppm,
        slippage_bps: int,
        spread_max: Ppm,
        jump_max: Ppm,
        notional_max: Micros,
        account_notional_max: Micros,
        side_notional_max: Micros,
        open_age_max: int | None = None,
    ) -> None:
        self.symbol: Final = symbol
        self.tick_exponent: Final = tick_exponent
        self.lot_exponent: Final = lot_exponent
        self.tick_value: Final = tick_value
        self.quantity_min: Final = quantity_min
        self.quantity_max: Final = quantity_max
        self.leverage_min: Final = leverage_min
        self.leverage_max: Final = leverage_max
        self.fee_rate: Final = fee_rate
        self.maintenance_rate: Final = maintenance_rate
        self.margin_floor_rate: Final = margin_floor_rate
        self.liquidation_fee_rate: Final = liquidation_fee_rate
        self.slippage_bps: Final = slippage_bps
        self.spread_max: Final = spread_max
        self.jump_max: Final = jump_max
        self.notional_max: Final = notional_max
        self.account_notional_max: Final = account_notional_max
        self.side_notional_max: Final = side_notional_max
        self.open_age_max: Final = open_age_max
