"""How messages are written and read: each version of each.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
"""

# A unit is an integer on the wire.
# mypy: disable-error-code="arg-type"

from typing import Final

from librt.strings import BytesWriter

from schemas.messages import AliveMark, Book, CloseReason, Instrument, Leg, MarketStatus, RefusedTick, Side, Tick
from schemas.wire import (
    read_count,
    read_is_null,
    read_long,
    read_string,
    write_long,
    write_not_null,
    write_null,
    write_string,
)

SIDE_WORDS: Final[tuple[Side, ...]] = ("long", "short")
SIDE_NUMBERS: Final = {"long": 0, "short": 1}

MARKET_STATUS_WORDS: Final[tuple[MarketStatus, ...]] = ("open", "close_only", "halted")
MARKET_STATUS_NUMBERS: Final = {"open": 0, "close_only": 1, "halted": 2}

CLOSE_REASON_WORDS: Final[tuple[CloseReason, ...]] = (
    "manual",
    "stop_loss",
    "take_profit",
    "trailing_stop",
    "liquidation",
    "admin",
    "account_closed",
)
CLOSE_REASON_NUMBERS: Final = {
    "manual": 0,
    "stop_loss": 1,
    "take_profit": 2,
    "trailing_stop": 3,
    "liquidation": 4,
    "admin": 5,
    "account_closed": 6,
}

BOOK_WORDS: Final[tuple[Book, ...]] = ("CASH", "MARGIN", "HOUSE", "FEES", "INSURANCE", "EXTERNAL")
BOOK_NUMBERS: Final = {"CASH": 0, "MARGIN": 1, "HOUSE": 2, "FEES": 3, "INSURANCE": 4, "EXTERNAL": 5}


def write_leg_1(out: BytesWriter, record: Leg) -> None:
    """Write the fields of version 1."""
    write_long(out, BOOK_NUMBERS[record.source])
    write_long(out, BOOK_NUMBERS[record.target])
    write_long(out, record.amount)


def read_leg_1(value: bytes, at: int) -> tuple[Leg, int]:
    """Read the fields of version 1."""
    source_number, at = read_count(value, at)
    source = BOOK_WORDS[source_number]
    target_number, at = read_count(value, at)
    target = BOOK_WORDS[target_number]
    amount, at = read_long(value, at)
    return Leg(source=source, target=target, amount=amount), at


def write_tick_1(out: BytesWriter, record: Tick) -> None:
    """Write the fields of version 1."""
    write_string(out, record.symbol)
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.low)
    write_long(out, record.high)
    write_long(out, record.source_time)
    write_long(out, record.update_id)


def read_tick_1(value: bytes, at: int) -> tuple[Tick, int]:
    """Read the fields of version 1."""
    symbol, at = read_string(value, at)
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    low, at = read_long(value, at)
    high, at = read_long(value, at)
    source_time, at = read_long(value, at)
    update_id, at = read_long(value, at)
    return Tick(symbol=symbol, bid=bid, ask=ask, low=low, high=high, source_time=source_time, update_id=update_id), at


def write_alive_mark_2(out: BytesWriter, record: AliveMark) -> None:
    """Write the fields of version 2."""
    write_string(out, record.symbol)
    write_long(out, record.source_time)
    write_long(out, record.update_id)


def read_alive_mark_2(value: bytes, at: int) -> tuple[AliveMark, int]:
    """Read the fields of version 2."""
    symbol, at = read_string(value, at)
    source_time, at = read_long(value, at)
    update_id, at = read_long(value, at)
    return AliveMark(symbol=symbol, source_time=source_time, update_id=update_id), at


def write_refused_tick_1(out: BytesWriter, record: RefusedTick) -> None:
    """Write the fields of version 1."""
    write_string(out, record.symbol)
    if record.bid is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.bid)
    if record.ask is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.ask)
    if record.source_time is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.source_time)
    if record.update_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.update_id)
    write_string(out, record.reason)


def read_refused_tick_1(value: bytes, at: int) -> tuple[RefusedTick, int]:
    """Read the fields of version 1."""
    symbol, at = read_string(value, at)
    bid: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        bid, at = read_long(value, at)
    ask: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        ask, at = read_long(value, at)
    source_time: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        source_time, at = read_long(value, at)
    update_id: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        update_id, at = read_long(value, at)
    reason, at = read_string(value, at)
    return RefusedTick(symbol=symbol, bid=bid, ask=ask, source_time=source_time, update_id=update_id, reason=reason), at


def write_instrument_1(out: BytesWriter, record: Instrument) -> None:
    """Write the fields of version 1."""
    write_string(out, record.symbol)
    write_long(out, record.tick_exponent)
    write_long(out, record.lot_exponent)
    write_long(out, record.tick_value)
    write_long(out, record.quantity_min)
    write_long(out, record.quantity_max)
    write_long(out, record.leverage_min)
    write_long(out, record.leverage_max)
    write_long(out, record.fee_rate)
    write_long(out, record.maintenance_rate)
    write_long(out, record.margin_floor_rate)
    write_long(out, record.liquidation_fee_rate)
    write_long(out, record.slippage_bps)
    write_long(out, record.spread_max)
    write_long(out, record.jump_max)
    write_long(out, record.notional_max)
    write_long(out, record.account_notional_max)
    write_long(out, record.side_notional_max)


def read_instrument_1(value: bytes, at: int) -> tuple[Instrument, int]:
    """Read the fields of version 1."""
    symbol, at = read_string(value, at)
    tick_exponent, at = read_long(value, at)
    lot_exponent, at = read_long(value, at)
    tick_value, at = read_long(value, at)
    quantity_min, at = read_long(value, at)
    quantity_max, at = read_long(value, at)
    leverage_min, at = read_long(value, at)
    leverage_max, at = read_long(value, at)
    fee_rate, at = read_long(value, at)
    maintenance_rate, at = read_long(value, at)
    margin_floor_rate, at = read_long(value, at)
    liquidation_fee_rate, at = read_long(value, at)
    slippage_bps, at = read_long(value, at)
    spread_max, at = read_long(value, at)
    jump_max, at = read_long(value, at)
    notional_max, at = read_long(value, at)
    account_notional_max, at = read_long(value, at)
    side_notional_max, at = read_long(value, at)
    return Instrument(
        symbol=symbol,
        tick_exponent=tick_exponent,
        lot_exponent=lot_exponent,
        tick_value=tick_value,
        quantity_min=quantity_min,
        quantity_max=quantity_max,
        leverage_min=leverage_min,
        leverage_max=leverage_max,
        fee_rate=fee_rate,
        maintenance_rate=maintenance_rate,
        margin_floor_rate=margin_floor_rate,
        liquidation_fee_rate=liquidation_fee_rate,
        slippage_bps=slippage_bps,
        spread_max=spread_max,
        jump_max=jump_max,
        notional_max=notional_max,
        account_notional_max=account_notional_max,
        side_notional_max=side_notional_max,
        open_age_max=None,
    ), at


def write_instrument_2(out: BytesWriter, record: Instrument) -> None:
    """Write the fields of version 2."""
    write_string(out, record.symbol)
    write_long(out, record.tick_exponent)
    write_long(out, record.lot_exponent)
    write_long(out, record.tick_value)
    write_long(out, record.quantity_min)
    write_long(out, record.quantity_max)
    write_long(out, record.leverage_min)
    write_long(out, record.leverage_max)
    write_long(out, record.fee_rate)
    write_long(out, record.maintenance_rate)
    write_long(out, record.margin_floor_rate)
    write_long(out, record.liquidation_fee_rate)
    write_long(out, record.slippage_bps)
    write_long(out, record.spread_max)
    write_long(out, record.jump_max)
    write_long(out, record.notional_max)
    write_long(out, record.account_notional_max)
    write_long(out, record.side_notional_max)
    if record.open_age_max is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.open_age_max)


def read_instrument_2(value: bytes, at: int) -> tuple[Instrument, int]:
    """Read the fields of version 2."""
    symbol, at = read_string(value, at)
    tick_exponent, at = read_long(value, at)
    lot_exponent, at = read_long(value, at)
    tick_value, at = read_long(value, at)
    quantity_min, at = read_long(value, at)
    quantity_max, at = read_long(value, at)
    leverage_min, at = read_long(value, at)
    leverage_max, at = read_long(value, at)
    fee_rate, at = read_long(value, at)
    maintenance_rate, at = read_long(value, at)
    margin_floor_rate, at = read_long(value, at)
    liquidation_fee_rate, at = read_long(value, at)
    slippage_bps, at = read_long(value, at)
    spread_max, at = read_long(value, at)
    jump_max, at = read_long(value, at)
    notional_max, at = read_long(value, at)
    account_notional_max, at = read_long(value, at)
    side_notional_max, at = read_long(value, at)
    open_age_max: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        open_age_max, at = read_long(value, at)
    return Instrument(
        symbol=symbol,
        tick_exponent=tick_exponent,
        lot_exponent=lot_exponent,
        tick_value=tick_value,
        quantity_min=quantity_min,
        quantity_max=quantity_max,
        leverage_min=leverage_min,
        leverage_max=leverage_max,
        fee_rate=fee_rate,
        maintenance_rate=maintenance_rate,
        margin_floor_rate=margin_floor_rate,
        liquidation_fee_rate=liquidation_fee_rate,
        slippage_bps=slippage_bps,
        spread_max=spread_max,
        jump_max=jump_max,
        notional_max=notional_max,
        account_notional_max=account_notional_max,
        side_notional_max=side_notional_max,
        open_age_max=open_age_max,
    ), at
