"""What happened; each event is one record of `exchange.events` and holds all that changed.

Fields are explained in `schemas/avro`, with their units. The usual ones: money in micros,
prices in ticks, quantities in lots, rates in ppm, leverage in hundredths, times in µs UTC.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

from typing import ClassVar, Final

from schemas.messages import CloseReason, Instrument, Leg, MarketStatus, RefusedTick, Side, Tick
from schemas.record import Record
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp
from schemas.words import PositionWarning


class EventHeader(Record):
    """What every event carries; on the wire the digest follows as last field."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "seq",
        "account_seq",
        "command_offset",
        "index",
        "command_id",
        "command_hash",
        "account_id",
        "time",
    )
    WHOLE: ClassVar[bool] = True
    __slots__ = FIELDS

    def __init__(
        self,
        seq: int,
        account_seq: int | None,
        command_offset: int,
        index: int,
        command_id: str | None,
        command_hash: bytes | None,
        account_id: str | None,
        time: Timestamp,
    ) -> None:
        self.seq: Final = seq
        self.account_seq: Final = account_seq
        self.command_offset: Final = command_offset
        self.index: Final = index
        self.command_id: Final = command_id
        self.command_hash: Final = command_hash
        self.account_id: Final = account_id
        self.time: Final = time


class CommandRejected(EventHeader):
    """A command changed nothing."""

    FIELDS: ClassVar[tuple[str, ...]] = ("command", "rejection")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, command: str | None, rejection: int) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.command: Final = command
        self.rejection: Final = rejection


class CommandRepeated(EventHeader):
    """A known command came again and was not executed."""

    FIELDS: ClassVar[tuple[str, ...]] = ("first_offset",)
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, first_offset: int) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.first_offset: Final = first_offset


class AccountOpened(EventHeader):
    """An account exists, with its first money."""

    FIELDS: ClassVar[tuple[str, ...]] = ("first_deposit", "legs")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, first_deposit: Micros, legs: tuple[Leg, ...]) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.first_deposit: Final = first_deposit
        self.legs: Final = legs


class Deposited(EventHeader):
    """Money came in."""

    FIELDS: ClassVar[tuple[str, ...]] = ("amount", "legs")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, amount: Micros, legs: tuple[Leg, ...]) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.amount: Final = amount
        self.legs: Final = legs


class Withdrawn(EventHeader):
    """Money went out."""

    FIELDS: ClassVar[tuple[str, ...]] = ("amount", "legs")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, amount: Micros, legs: tuple[Leg, ...]) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.amount: Final = amount
        self.legs: Final = legs


class PositionOpened(EventHeader):
    """A position was opened, with the rates it keeps."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "position_id",
        "symbol",
        "side",
        "quantity",
        "price",
        "notional",
        "margin",
        "leverage",
        "fee",
        "fee_rate",
        "maintenance_rate",
        "margin_floor_rate",
        "liquidation_fee_rate",
        "liquidation_price",
        "stop_loss",
        "take_profit",
        "warnings",
        "bid",
        "ask",
        "tick_source_time",
        "tick_offset",
        "client_order_id",
        "legs",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        header: EventHeader,
        *,
        position_id: str,
        symbol: str,
        side: Side,
        quantity: Lots,
        price: Ticks,
        notional: Micros,
        margin: Micros,
        leverage: Hundredths,
        fee: Micros,
        fee_rate: Ppm,
        maintenance_rate: Ppm,
        margin_floor_rate: Ppm,
        liquidation_fee_rate: Ppm,
        liquidation_price: Ticks | None,
        stop_loss: Ticks | None,
        take_profit: Ticks | None,
        warnings: tuple[PositionWarning, ...],
        bid: Ticks,
        ask: Ticks,
        tick_source_time: Timestamp,
        tick_offset: int,
        client_order_id: str | None,
        legs: tuple[Leg, ...],
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.position_id: Final = position_id
        self.symbol: Final = symbol
        self.side: Final = side
        self.quantity: Final = quantity
        self.price: Final = price
        self.notional: Final = notional
        self.margin: Final = margin
        self.leverage: Final = leverage
        self.fee: Final = fee
        self.fee_rate: Final = fee_rate
        self.maintenance_rate: Final = maintenance_rate
        self.margin_floor_rate: Final = margin_floor_rate
        self.liquidation_fee_rate: Final = liquidation_fee_rate
        self.liquidation_price: Final = liquidation_price
        self.stop_loss: Final = stop_loss
        self.take_profit: Final = take_profit
        self.warnings: Final = warnings
        self.bid: Final = bid
        self.ask: Final = ask
        self.tick_source_time: Final = tick_source_time
        self.tick_offset: Final = tick_offset
        self.client_order_id: Final = client_order_id
        self.legs: Final = legs


class StopsAmended(EventHeader):
    """A position's stops are now these."""

    FIELDS: ClassVar[tuple[str, ...]] = ("position_id", "symbol", "stop_loss", "take_profit", "warnings")
    __slots__ = FIELDS

    def __init__(
        self,
        header: EventHeader,
        *,
        position_id: str,
        symbol: str,
        stop_loss: Ticks | None,
        take_profit: Ticks | None,
        warnings: tuple[PositionWarning, ...],
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.position_id: Final = position_id
        self.symbol: Final = symbol
        self.stop_loss: Final = stop_loss
        self.take_profit: Final = take_profit
        self.warnings: Final = warnings


class PositionClosed(EventHeader):
    """A position was closed whole; the event is its receipt."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "position_id",
        "symbol",
        "side",
        "quantity",
        "entry_price",
        "price",
        "reason",
        "trigger_price",
        "notional",
        "entry_notional",
        "margin",
        "profit",
        "equity",
        "requirement",
        "fee",
        "liquidation_fee",
        "returned",
        "shortfall",
        "insurance_paid",
        "written_off",
        "opened_at",
        "bid",
        "ask",
        "tick_source_time",
        "tick_offset",
        "legs",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        header: EventHeader,
        *,
        position_id: str,
        symbol: str,
        side: Side,
        quantity: Lots,
        entry_price: Ticks,
        price: Ticks,
        reason: CloseReason,
        trigger_price: Ticks | None,
        notional: Micros,
        entry_notional: Micros,
        margin: Micros,
        profit: Micros,
        equity: Micros,
        requirement: Micros,
        fee: Micros,
        liquidation_fee: Micros,
        returned: Micros,
        shortfall: Micros,
        insurance_paid: Micros,
        written_off: Micros,
        opened_at: Timestamp,
        bid: Ticks,
        ask: Ticks,
        tick_source_time: Timestamp,
        tick_offset: int,
        legs: tuple[Leg, ...],
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.position_id: Final = position_id
        self.symbol: Final = symbol
        self.side: Final = side
        self.quantity: Final = quantity
        self.entry_price: Final = entry_price
        self.price: Final = price
        self.reason: Final = reason
        self.trigger_price: Final = trigger_price
        self.notional: Final = notional
        self.entry_notional: Final = entry_notional
        self.margin: Final = margin
        self.profit: Final = profit
        self.equity: Final = equity
        self.requirement: Final = requirement
        self.fee: Final = fee
        self.liquidation_fee: Final = liquidation_fee
        self.returned: Final = returned
        self.shortfall: Final = shortfall
        self.insurance_paid: Final = insurance_paid
        self.written_off: Final = written_off
        self.opened_at: Final = opened_at
        self.bid: Final = bid
        self.ask: Final = ask
        self.tick_source_time: Final = tick_source_time
        self.tick_offset: Final = tick_offset
        self.legs: Final = legs


class PositionReduced(EventHeader):
    """A part of a position was closed; the event is its receipt, and says what the rest is."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "position_id",
        "symbol",
        "side",
        "quantity",
        "quantity_left",
        "entry_price",
        "price",
        "reason",
        "notional",
        "entry_notional",
        "entry_notional_left",
        "margin",
        "margin_left",
        "profit",
        "equity",
        "requirement",
        "fee",
        "released",
        "returned",
        "liquidation_price",
        "warnings",
        "opened_at",
        "bid",
        "ask",
        "tick_source_time",
        "tick_offset",
        "legs",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        header: EventHeader,
        *,
        position_id: str,
        symbol: str,
        side: Side,
        quantity: Lots,
        quantity_left: Lots,
        entry_price: Ticks,
        price: Ticks,
        reason: CloseReason,
        notional: Micros,
        entry_notional: Micros,
        entry_notional_left: Micros,
        margin: Micros,
        margin_left: Micros,
        profit: Micros,
        equity: Micros,
        requirement: Micros,
        fee: Micros,
        released: Micros,
        returned: Micros,
        liquidation_price: Ticks | None,
        warnings: tuple[PositionWarning, ...],
        opened_at: Timestamp,
        bid: Ticks,
        ask: Ticks,
        tick_source_time: Timestamp,
        tick_offset: int,
        legs: tuple[Leg, ...],
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.position_id: Final = position_id
        self.symbol: Final = symbol
        self.side: Final = side
        self.quantity: Final = quantity
        self.quantity_left: Final = quantity_left
        self.entry_price: Final = entry_price
        self.price: Final = price
        self.reason: Final = reason
        self.notional: Final = notional
        self.entry_notional: Final = entry_notional
        self.entry_notional_left: Final = entry_notional_left
        self.margin: Final = margin
        self.margin_left: Final = margin_left
        self.profit: Final = profit
        self.equity: Final = equity
        self.requirement: Final = requirement
        self.fee: Final = fee
        self.released: Final = released
        self.returned: Final = returned
        self.liquidation_price: Final = liquidation_price
        self.warnings: Final = warnings
        self.opened_at: Final = opened_at
        self.bid: Final = bid
        self.ask: Final = ask
        self.tick_source_time: Final = tick_source_time
        self.tick_offset: Final = tick_offset
        self.legs: Final = legs


class OldestReduced(EventHeader):
    """Lots of the account's oldest positions of a kind are closed; an event of each position follows."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "side", "leverage", "quantity", "price", "positions")
    __slots__ = FIELDS

    def __init__(
        self,
        header: EventHeader,
        *,
        symbol: str,
        side: Side,
        leverage: Hundredths,
        quantity: Lots,
        price: Ticks,
        positions: int,
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.symbol: Final = symbol
        self.side: Final = side
        self.leverage: Final = leverage
        self.quantity: Final = quantity
        self.price: Final = price
        self.positions: Final = positions


class AllClosed(EventHeader):
    """Positions of the account close, an event of each follows; those whose market lets nothing close stay."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "positions", "left")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, symbol: str | None, positions: int, left: tuple[str, ...]) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.symbol: Final = symbol
        self.positions: Final = positions
        self.left: Final = left


class InstrumentsDefined(EventHeader):
    """Instruments exist with these parameters."""

    FIELDS: ClassVar[tuple[str, ...]] = ("broadcast", "instruments")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, broadcast: str, instruments: tuple[Instrument, ...]) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.broadcast: Final = broadcast
        self.instruments: Final = instruments


class MarketStatusSet(EventHeader):
    """A market is open, restricted or halted."""

    FIELDS: ClassVar[tuple[str, ...]] = ("broadcast", "symbol", "status")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, broadcast: str, symbol: str, status: MarketStatus) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.broadcast: Final = broadcast
        self.symbol: Final = symbol
        self.status: Final = status


class RulesActivated(EventHeader):
    """From the next command on this version of the rules is in force; this event is still written by the one before."""

    FIELDS: ClassVar[tuple[str, ...]] = ("broadcast", "version")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, broadcast: str, version: int) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.broadcast: Final = broadcast
        self.version: Final = version


class ClockSet(EventHeader):
    """Log time is now the time of this event; it was `before`, which may be later."""

    FIELDS: ClassVar[tuple[str, ...]] = ("broadcast", "before")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, broadcast: str, before: Timestamp) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.broadcast: Final = broadcast
        self.before: Final = before


class AccountLimitsSet(EventHeader):
    """These limits hold for every account."""

    FIELDS: ClassVar[tuple[str, ...]] = ("broadcast", "positions_max")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, broadcast: str, positions_max: int) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.broadcast: Final = broadcast
        self.positions_max: Final = positions_max


class OffsetGapAccepted(EventHeader):
    """These offsets of `exchange.commands` hold no record in this shard, and the ledger went on over them."""

    FIELDS: ClassVar[tuple[str, ...]] = ("first_offset", "last_offset")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, first_offset: int, last_offset: int) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.first_offset: Final = first_offset
        self.last_offset: Final = last_offset


class FeedSelected(EventHeader):
    """Prices count from this feed's run only; held ticks are dropped, and every price is stale."""

    FIELDS: ClassVar[tuple[str, ...]] = ("name", "run", "live")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, name: str, run: str, live: bool) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.name: Final = name
        self.run: Final = run
        self.live: Final = live


class FeedKept(EventHeader):
    """The feed was selected already, and nothing changed."""

    FIELDS: ClassVar[tuple[str, ...]] = ("name", "run")
    __slots__ = FIELDS

    def __init__(self, header: EventHeader, *, name: str, run: str) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.name: Final = name
        self.run: Final = run


class PricesUpdated(EventHeader):
    """What became of a price command."""

    FIELDS: ClassVar[tuple[str, ...]] = ("feed", "run", "sent_at", "clock_suspect", "accepted", "alive", "refused")
    __slots__ = FIELDS

    def __init__(
        self,
        header: EventHeader,
        *,
        feed: str,
        run: str,
        sent_at: int,
        clock_suspect: bool,
        accepted: tuple[Tick, ...],
        alive: tuple[str, ...],
        refused: tuple[RefusedTick, ...],
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.feed: Final = feed
        self.run: Final = run
        self.sent_at: Final = sent_at
        self.clock_suspect: Final = clock_suspect
        self.accepted: Final = accepted
        self.alive: Final = alive
        self.refused: Final = refused


class TickHeld(EventHeader):
    """A tick waits for another to confirm it; until then its symbol does not trade."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "bid", "ask", "source_time", "update_id")
    __slots__ = FIELDS

    def __init__(
        self, header: EventHeader, *, symbol: str, bid: Ticks, ask: Ticks, source_time: Timestamp, update_id: int
    ) -> None:
        super().__init__(
            header.seq,
            header.account_seq,
            header.command_offset,
            header.index,
            header.command_id,
            header.command_hash,
            header.account_id,
            header.time,
        )
        self.symbol: Final = symbol
        self.bid: Final = bid
        self.ask: Final = ask
        self.source_time: Final = source_time
        self.update_id: Final = update_id


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
