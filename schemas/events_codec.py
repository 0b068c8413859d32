"""How events are written and read: each version of each.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

# A unit is an integer on the wire.
# mypy: disable-error-code="arg-type"

from typing import Final

from librt.strings import BytesWriter

from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    EventHeader,
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
from schemas.forms import Form
from schemas.messages import Instrument, Leg, RefusedTick, Tick
from schemas.messages_codec import (
    CLOSE_REASON_NUMBERS,
    CLOSE_REASON_WORDS,
    MARKET_STATUS_NUMBERS,
    MARKET_STATUS_WORDS,
    SIDE_NUMBERS,
    SIDE_WORDS,
    read_instrument_1,
    read_instrument_2,
    read_leg_1,
    read_refused_tick_1,
    read_tick_1,
    write_instrument_1,
    write_instrument_2,
    write_leg_1,
    write_refused_tick_1,
    write_tick_1,
)
from schemas.wire import (
    must_end,
    read_block,
    read_boolean,
    read_count,
    read_fixed,
    read_is_null,
    read_long,
    read_string,
    write_boolean,
    write_fixed,
    write_long,
    write_not_null,
    write_null,
    write_string,
)


def write_event_header(out: BytesWriter, record: EventHeader) -> None:
    """Write what all begin with."""
    write_long(out, record.seq)
    if record.account_seq is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.account_seq)
    write_long(out, record.command_offset)
    write_long(out, record.index)
    if record.command_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.command_id)
    if record.command_hash is None:
        write_null(out)
    else:
        write_not_null(out)
        write_fixed(out, record.command_hash, 16)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)


def read_event_header(value: bytes, at: int) -> tuple[EventHeader, int]:
    """Read what all begin with."""
    seq, at = read_long(value, at)
    account_seq: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_seq, at = read_long(value, at)
    command_offset, at = read_long(value, at)
    index, at = read_long(value, at)
    command_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_id, at = read_string(value, at)
    command_hash: bytes | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_hash, at = read_fixed(value, at, 16)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    return EventHeader(seq, account_seq, command_offset, index, command_id, command_hash, account_id, time), at


def write_command_rejected_1(out: BytesWriter, record: CommandRejected) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    if record.command is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.command)
    write_long(out, record.rejection)


def read_command_rejected_1(value: bytes, at: int) -> CommandRejected:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    command: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command, at = read_string(value, at)
    rejection, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return CommandRejected(header, command=command, rejection=rejection)


def write_command_repeated_1(out: BytesWriter, record: CommandRepeated) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_long(out, record.first_offset)


def read_command_repeated_1(value: bytes, at: int) -> CommandRepeated:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    first_offset, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return CommandRepeated(header, first_offset=first_offset)


def write_account_opened_1(out: BytesWriter, record: AccountOpened) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_long(out, record.first_deposit)
    if record.legs:
        write_long(out, len(record.legs))
        for legs_item in record.legs:
            write_leg_1(out, legs_item)
    write_long(out, 0)


def read_account_opened_1(value: bytes, at: int) -> AccountOpened:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    first_deposit, at = read_long(value, at)
    legs_items: list[Leg] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            legs_item, at = read_leg_1(value, at)
            legs_items.append(legs_item)
        count, at = read_block(value, at)
    legs = tuple(legs_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return AccountOpened(header, first_deposit=first_deposit, legs=legs)


def write_deposited_1(out: BytesWriter, record: Deposited) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_long(out, record.amount)
    if record.legs:
        write_long(out, len(record.legs))
        for legs_item in record.legs:
            write_leg_1(out, legs_item)
    write_long(out, 0)


def read_deposited_1(value: bytes, at: int) -> Deposited:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    amount, at = read_long(value, at)
    legs_items: list[Leg] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            legs_item, at = read_leg_1(value, at)
            legs_items.append(legs_item)
        count, at = read_block(value, at)
    legs = tuple(legs_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return Deposited(header, amount=amount, legs=legs)


def write_withdrawn_1(out: BytesWriter, record: Withdrawn) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_long(out, record.amount)
    if record.legs:
        write_long(out, len(record.legs))
        for legs_item in record.legs:
            write_leg_1(out, legs_item)
    write_long(out, 0)


def read_withdrawn_1(value: bytes, at: int) -> Withdrawn:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    amount, at = read_long(value, at)
    legs_items: list[Leg] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            legs_item, at = read_leg_1(value, at)
            legs_items.append(legs_item)
        count, at = read_block(value, at)
    legs = tuple(legs_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return Withdrawn(header, amount=amount, legs=legs)


def write_position_opened_1(out: BytesWriter, record: PositionOpened) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.position_id)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    write_long(out, record.quantity)
    write_long(out, record.price)
    write_long(out, record.notional)
    write_long(out, record.margin)
    write_long(out, record.leverage)
    write_long(out, record.fee)
    write_long(out, record.fee_rate)
    write_long(out, record.maintenance_rate)
    write_long(out, record.margin_floor_rate)
    write_long(out, record.liquidation_fee_rate)
    if record.liquidation_price is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.liquidation_price)
    if record.stop_loss is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.stop_loss)
    if record.take_profit is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.take_profit)
    if record.warnings:
        write_long(out, len(record.warnings))
        for warnings_item in record.warnings:
            write_string(out, warnings_item)
    write_long(out, 0)
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.tick_source_time)
    write_long(out, record.tick_offset)
    if record.client_order_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.client_order_id)
    if record.legs:
        write_long(out, len(record.legs))
        for legs_item in record.legs:
            write_leg_1(out, legs_item)
    write_long(out, 0)


def read_position_opened_1(value: bytes, at: int) -> PositionOpened:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    position_id, at = read_string(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    quantity, at = read_long(value, at)
    price, at = read_long(value, at)
    notional, at = read_long(value, at)
    margin, at = read_long(value, at)
    leverage, at = read_long(value, at)
    fee, at = read_long(value, at)
    fee_rate, at = read_long(value, at)
    maintenance_rate, at = read_long(value, at)
    margin_floor_rate, at = read_long(value, at)
    liquidation_fee_rate, at = read_long(value, at)
    liquidation_price: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        liquidation_price, at = read_long(value, at)
    stop_loss: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        stop_loss, at = read_long(value, at)
    take_profit: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        take_profit, at = read_long(value, at)
    warnings_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            warnings_item, at = read_string(value, at)
            warnings_items.append(warnings_item)
        count, at = read_block(value, at)
    warnings = tuple(warnings_items)
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    tick_source_time, at = read_long(value, at)
    tick_offset, at = read_long(value, at)
    client_order_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        client_order_id, at = read_string(value, at)
    legs_items: list[Leg] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            legs_item, at = read_leg_1(value, at)
            legs_items.append(legs_item)
        count, at = read_block(value, at)
    legs = tuple(legs_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return PositionOpened(
        header,
        position_id=position_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        notional=notional,
        margin=margin,
        leverage=leverage,
        fee=fee,
        fee_rate=fee_rate,
        maintenance_rate=maintenance_rate,
        margin_floor_rate=margin_floor_rate,
        liquidation_fee_rate=liquidation_fee_rate,
        liquidation_price=liquidation_price,
        stop_loss=stop_loss,
        take_profit=take_profit,
        warnings=warnings,
        bid=bid,
        ask=ask,
        tick_source_time=tick_source_time,
        tick_offset=tick_offset,
        client_order_id=client_order_id,
        legs=legs,
    )


def write_stops_amended_1(out: BytesWriter, record: StopsAmended) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.position_id)
    write_string(out, record.symbol)
    if record.stop_loss is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.stop_loss)
    if record.take_profit is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.take_profit)
    if record.warnings:
        write_long(out, len(record.warnings))
        for warnings_item in record.warnings:
            write_string(out, warnings_item)
    write_long(out, 0)


def read_stops_amended_1(value: bytes, at: int) -> StopsAmended:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    position_id, at = read_string(value, at)
    symbol, at = read_string(value, at)
    stop_loss: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        stop_loss, at = read_long(value, at)
    take_profit: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        take_profit, at = read_long(value, at)
    warnings_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            warnings_item, at = read_string(value, at)
            warnings_items.append(warnings_item)
        count, at = read_block(value, at)
    warnings = tuple(warnings_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return StopsAmended(
        header, position_id=position_id, symbol=symbol, stop_loss=stop_loss, take_profit=take_profit, warnings=warnings
    )


def write_position_closed_1(out: BytesWriter, record: PositionClosed) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.position_id)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    write_long(out, record.quantity)
    write_long(out, record.entry_price)
    write_long(out, record.price)
    write_long(out, CLOSE_REASON_NUMBERS[record.reason])
    if record.trigger_price is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.trigger_price)
    write_long(out, record.notional)
    write_long(out, record.entry_notional)
    write_long(out, record.margin)
    write_long(out, record.profit)
    write_long(out, record.equity)
    write_long(out, record.requirement)
    write_long(out, record.fee)
    write_long(out, record.liquidation_fee)
    write_long(out, record.returned)
    write_long(out, record.shortfall)
    write_long(out, record.insurance_paid)
    write_long(out, record.written_off)
    write_long(out, record.opened_at)
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.tick_source_time)
    write_long(out, record.tick_offset)
    if record.legs:
        write_long(out, len(record.legs))
        for legs_item in record.legs:
            write_leg_1(out, legs_item)
    write_long(out, 0)


def read_position_closed_1(value: bytes, at: int) -> PositionClosed:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    position_id, at = read_string(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    quantity, at = read_long(value, at)
    entry_price, at = read_long(value, at)
    price, at = read_long(value, at)
    reason_number, at = read_count(value, at)
    reason = CLOSE_REASON_WORDS[reason_number]
    trigger_price: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        trigger_price, at = read_long(value, at)
    notional, at = read_long(value, at)
    entry_notional, at = read_long(value, at)
    margin, at = read_long(value, at)
    profit, at = read_long(value, at)
    equity, at = read_long(value, at)
    requirement, at = read_long(value, at)
    fee, at = read_long(value, at)
    liquidation_fee, at = read_long(value, at)
    returned, at = read_long(value, at)
    shortfall, at = read_long(value, at)
    insurance_paid, at = read_long(value, at)
    written_off, at = read_long(value, at)
    opened_at, at = read_long(value, at)
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    tick_source_time, at = read_long(value, at)
    tick_offset, at = read_long(value, at)
    legs_items: list[Leg] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            legs_item, at = read_leg_1(value, at)
            legs_items.append(legs_item)
        count, at = read_block(value, at)
    legs = tuple(legs_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return PositionClosed(
        header,
        position_id=position_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        entry_price=entry_price,
        price=price,
        reason=reason,
        trigger_price=trigger_price,
        notional=notional,
        entry_notional=entry_notional,
        margin=margin,
        profit=profit,
        equity=equity,
        requirement=requirement,
        fee=fee,
        liquidation_fee=liquidation_fee,
        returned=returned,
        shortfall=shortfall,
        insurance_paid=insurance_paid,
        written_off=written_off,
        opened_at=opened_at,
        bid=bid,
        ask=ask,
        tick_source_time=tick_source_time,
        tick_offset=tick_offset,
        legs=legs,
    )


def write_position_reduced_1(out: BytesWriter, record: PositionReduced) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.position_id)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    write_long(out, record.quantity)
    write_long(out, record.quantity_left)
    write_long(out, record.entry_price)
    write_long(out, record.price)
    write_long(out, CLOSE_REASON_NUMBERS[record.reason])
    write_long(out, record.notional)
    write_long(out, record.entry_notional)
    write_long(out, record.entry_notional_left)
    write_long(out, record.margin)
    write_long(out, record.margin_left)
    write_long(out, record.profit)
    write_long(out, record.equity)
    write_long(out, record.requirement)
    write_long(out, record.fee)
    write_long(out, record.released)
    write_long(out, record.returned)
    if record.liquidation_price is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.liquidation_price)
    if record.warnings:
        write_long(out, len(record.warnings))
        for warnings_item in record.warnings:
            write_string(out, warnings_item)
    write_long(out, 0)
    write_long(out, record.opened_at)
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.tick_source_time)
    write_long(out, record.tick_offset)
    if record.legs:
        write_long(out, len(record.legs))
        for legs_item in record.legs:
            write_leg_1(out, legs_item)
    write_long(out, 0)


def read_position_reduced_1(value: bytes, at: int) -> PositionReduced:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    position_id, at = read_string(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    quantity, at = read_long(value, at)
    quantity_left, at = read_long(value, at)
    entry_price, at = read_long(value, at)
    price, at = read_long(value, at)
    reason_number, at = read_count(value, at)
    reason = CLOSE_REASON_WORDS[reason_number]
    notional, at = read_long(value, at)
    entry_notional, at = read_long(value, at)
    entry_notional_left, at = read_long(value, at)
    margin, at = read_long(value, at)
    margin_left, at = read_long(value, at)
    profit, at = read_long(value, at)
    equity, at = read_long(value, at)
    requirement, at = read_long(value, at)
    fee, at = read_long(value, at)
    released, at = read_long(value, at)
    returned, at = read_long(value, at)
    liquidation_price: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        liquidation_price, at = read_long(value, at)
    warnings_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            warnings_item, at = read_string(value, at)
            warnings_items.append(warnings_item)
        count, at = read_block(value, at)
    warnings = tuple(warnings_items)
    opened_at, at = read_long(value, at)
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    tick_source_time, at = read_long(value, at)
    tick_offset, at = read_long(value, at)
    legs_items: list[Leg] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            legs_item, at = read_leg_1(value, at)
            legs_items.append(legs_item)
        count, at = read_block(value, at)
    legs = tuple(legs_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return PositionReduced(
        header,
        position_id=position_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        quantity_left=quantity_left,
        entry_price=entry_price,
        price=price,
        reason=reason,
        notional=notional,
        entry_notional=entry_notional,
        entry_notional_left=entry_notional_left,
        margin=margin,
        margin_left=margin_left,
        profit=profit,
        equity=equity,
        requirement=requirement,
        fee=fee,
        released=released,
        returned=returned,
        liquidation_price=liquidation_price,
        warnings=warnings,
        opened_at=opened_at,
        bid=bid,
        ask=ask,
        tick_source_time=tick_source_time,
        tick_offset=tick_offset,
        legs=legs,
    )


def write_oldest_reduced_1(out: BytesWriter, record: OldestReduced) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    write_long(out, record.leverage)
    write_long(out, record.quantity)
    write_long(out, record.price)
    write_long(out, record.positions)


def read_oldest_reduced_1(value: bytes, at: int) -> OldestReduced:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    leverage, at = read_long(value, at)
    quantity, at = read_long(value, at)
    price, at = read_long(value, at)
    positions, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return OldestReduced(
        header, symbol=symbol, side=side, leverage=leverage, quantity=quantity, price=price, positions=positions
    )


def write_all_closed_2(out: BytesWriter, record: AllClosed) -> None:
    """Write the fields of version 2."""
    write_event_header(out, record)
    if record.symbol is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.symbol)
    write_long(out, record.positions)
    if record.left:
        write_long(out, len(record.left))
        for left_item in record.left:
            write_string(out, left_item)
    write_long(out, 0)


def read_all_closed_2(value: bytes, at: int) -> AllClosed:
    """Read the fields of version 2."""
    header, at = read_event_header(value, at)
    symbol: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        symbol, at = read_string(value, at)
    positions, at = read_long(value, at)
    left_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            left_item, at = read_string(value, at)
            left_items.append(left_item)
        count, at = read_block(value, at)
    left = tuple(left_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return AllClosed(header, symbol=symbol, positions=positions, left=left)


def write_instruments_defined_1(out: BytesWriter, record: InstrumentsDefined) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.broadcast)
    if record.instruments:
        write_long(out, len(record.instruments))
        for instruments_item in record.instruments:
            write_instrument_1(out, instruments_item)
    write_long(out, 0)


def read_instruments_defined_1(value: bytes, at: int) -> InstrumentsDefined:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    broadcast, at = read_string(value, at)
    instruments_items: list[Instrument] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            instruments_item, at = read_instrument_1(value, at)
            instruments_items.append(instruments_item)
        count, at = read_block(value, at)
    instruments = tuple(instruments_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return InstrumentsDefined(header, broadcast=broadcast, instruments=instruments)


def write_instruments_defined_2(out: BytesWriter, record: InstrumentsDefined) -> None:
    """Write the fields of version 2."""
    write_event_header(out, record)
    write_string(out, record.broadcast)
    if record.instruments:
        write_long(out, len(record.instruments))
        for instruments_item in record.instruments:
            write_instrument_2(out, instruments_item)
    write_long(out, 0)


def read_instruments_defined_2(value: bytes, at: int) -> InstrumentsDefined:
    """Read the fields of version 2."""
    header, at = read_event_header(value, at)
    broadcast, at = read_string(value, at)
    instruments_items: list[Instrument] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            instruments_item, at = read_instrument_2(value, at)
            instruments_items.append(instruments_item)
        count, at = read_block(value, at)
    instruments = tuple(instruments_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return InstrumentsDefined(header, broadcast=broadcast, instruments=instruments)


def write_market_status_set_1(out: BytesWriter, record: MarketStatusSet) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.broadcast)
    write_string(out, record.symbol)
    write_long(out, MARKET_STATUS_NUMBERS[record.status])


def read_market_status_set_1(value: bytes, at: int) -> MarketStatusSet:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    broadcast, at = read_string(value, at)
    symbol, at = read_string(value, at)
    status_number, at = read_count(value, at)
    status = MARKET_STATUS_WORDS[status_number]
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return MarketStatusSet(header, broadcast=broadcast, symbol=symbol, status=status)


def write_rules_activated_1(out: BytesWriter, record: RulesActivated) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.broadcast)
    write_long(out, record.version)


def read_rules_activated_1(value: bytes, at: int) -> RulesActivated:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    broadcast, at = read_string(value, at)
    version, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return RulesActivated(header, broadcast=broadcast, version=version)


def write_clock_set_2(out: BytesWriter, record: ClockSet) -> None:
    """Write the fields of version 2."""
    write_event_header(out, record)
    write_string(out, record.broadcast)
    write_long(out, record.before)


def read_clock_set_2(value: bytes, at: int) -> ClockSet:
    """Read the fields of version 2."""
    header, at = read_event_header(value, at)
    broadcast, at = read_string(value, at)
    before, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return ClockSet(header, broadcast=broadcast, before=before)


def write_account_limits_set_2(out: BytesWriter, record: AccountLimitsSet) -> None:
    """Write the fields of version 2."""
    write_event_header(out, record)
    write_string(out, record.broadcast)
    write_long(out, record.positions_max)


def read_account_limits_set_2(value: bytes, at: int) -> AccountLimitsSet:
    """Read the fields of version 2."""
    header, at = read_event_header(value, at)
    broadcast, at = read_string(value, at)
    positions_max, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return AccountLimitsSet(header, broadcast=broadcast, positions_max=positions_max)


def write_offset_gap_accepted_2(out: BytesWriter, record: OffsetGapAccepted) -> None:
    """Write the fields of version 2."""
    write_event_header(out, record)
    write_long(out, record.first_offset)
    write_long(out, record.last_offset)


def read_offset_gap_accepted_2(value: bytes, at: int) -> OffsetGapAccepted:
    """Read the fields of version 2."""
    header, at = read_event_header(value, at)
    first_offset, at = read_long(value, at)
    last_offset, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return OffsetGapAccepted(header, first_offset=first_offset, last_offset=last_offset)


def write_feed_selected_1(out: BytesWriter, record: FeedSelected) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.name)
    write_string(out, record.run)
    write_boolean(out, record.live)


def read_feed_selected_1(value: bytes, at: int) -> FeedSelected:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    name, at = read_string(value, at)
    run, at = read_string(value, at)
    live, at = read_boolean(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return FeedSelected(header, name=name, run=run, live=live)


def write_feed_kept_1(out: BytesWriter, record: FeedKept) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.name)
    write_string(out, record.run)


def read_feed_kept_1(value: bytes, at: int) -> FeedKept:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    name, at = read_string(value, at)
    run, at = read_string(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return FeedKept(header, name=name, run=run)


def write_prices_updated_1(out: BytesWriter, record: PricesUpdated) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.feed)
    write_string(out, record.run)
    write_long(out, record.sent_at)
    write_boolean(out, record.clock_suspect)
    if record.accepted:
        write_long(out, len(record.accepted))
        for accepted_item in record.accepted:
            write_tick_1(out, accepted_item)
    write_long(out, 0)
    if record.alive:
        write_long(out, len(record.alive))
        for alive_item in record.alive:
            write_string(out, alive_item)
    write_long(out, 0)
    if record.refused:
        write_long(out, len(record.refused))
        for refused_item in record.refused:
            write_refused_tick_1(out, refused_item)
    write_long(out, 0)


def read_prices_updated_1(value: bytes, at: int) -> PricesUpdated:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    feed, at = read_string(value, at)
    run, at = read_string(value, at)
    sent_at, at = read_long(value, at)
    clock_suspect, at = read_boolean(value, at)
    accepted_items: list[Tick] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            accepted_item, at = read_tick_1(value, at)
            accepted_items.append(accepted_item)
        count, at = read_block(value, at)
    accepted = tuple(accepted_items)
    alive_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            alive_item, at = read_string(value, at)
            alive_items.append(alive_item)
        count, at = read_block(value, at)
    alive = tuple(alive_items)
    refused_items: list[RefusedTick] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            refused_item, at = read_refused_tick_1(value, at)
            refused_items.append(refused_item)
        count, at = read_block(value, at)
    refused = tuple(refused_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return PricesUpdated(
        header,
        feed=feed,
        run=run,
        sent_at=sent_at,
        clock_suspect=clock_suspect,
        accepted=accepted,
        alive=alive,
        refused=refused,
    )


def write_tick_held_1(out: BytesWriter, record: TickHeld) -> None:
    """Write the fields of version 1."""
    write_event_header(out, record)
    write_string(out, record.symbol)
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.source_time)
    write_long(out, record.update_id)


def read_tick_held_1(value: bytes, at: int) -> TickHeld:
    """Read the fields of version 1."""
    header, at = read_event_header(value, at)
    symbol, at = read_string(value, at)
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    source_time, at = read_long(value, at)
    update_id, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return TickHeld(header, symbol=symbol, bid=bid, ask=ask, source_time=source_time, update_id=update_id)


FORMS: Final = (
    Form(CommandRejected, 1, bytes.fromhex("c30156c72b1cdd2b8182"), write_command_rejected_1, read_command_rejected_1),
    Form(CommandRepeated, 1, bytes.fromhex("c301b555cfa5685318bc"), write_command_repeated_1, read_command_repeated_1),
    Form(AccountOpened, 1, bytes.fromhex("c3010bca3e9cdae7e792"), write_account_opened_1, read_account_opened_1),
    Form(Deposited, 1, bytes.fromhex("c3010bf91be014f303b3"), write_deposited_1, read_deposited_1),
    Form(Withdrawn, 1, bytes.fromhex("c301023f6e2ac8512968"), write_withdrawn_1, read_withdrawn_1),
    Form(PositionOpened, 1, bytes.fromhex("c301bc2d43b3fac317a3"), write_position_opened_1, read_position_opened_1),
    Form(StopsAmended, 1, bytes.fromhex("c30128ba2ad7f5eaf453"), write_stops_amended_1, read_stops_amended_1),
    Form(PositionClosed, 1, bytes.fromhex("c3014a807ddcf6dbecbd"), write_position_closed_1, read_position_closed_1),
    Form(PositionReduced, 1, bytes.fromhex("c30157b8bd87dcc403ce"), write_position_reduced_1, read_position_reduced_1),
    Form(OldestReduced, 1, bytes.fromhex("c301bdaeeb18d8e1cda3"), write_oldest_reduced_1, read_oldest_reduced_1),
    Form(AllClosed, 2, bytes.fromhex("c3017afe12c3a08f0abe"), write_all_closed_2, read_all_closed_2),
    Form(
        InstrumentsDefined,
        1,
        bytes.fromhex("c3019362454f9900304a"),
        write_instruments_defined_1,
        read_instruments_defined_1,
        missing_in_items=(("instruments", ("open_age_max",)),),
    ),
    Form(
        InstrumentsDefined,
        2,
        bytes.fromhex("c30113261c6b7acd395f"),
        write_instruments_defined_2,
        read_instruments_defined_2,
    ),
    Form(
        MarketStatusSet, 1, bytes.fromhex("c30162b078084610f3d4"), write_market_status_set_1, read_market_status_set_1
    ),
    Form(RulesActivated, 1, bytes.fromhex("c3017ddf34ffdd74ab91"), write_rules_activated_1, read_rules_activated_1),
    Form(ClockSet, 2, bytes.fromhex("c3013a1c271c7f01b956"), write_clock_set_2, read_clock_set_2),
    Form(
        AccountLimitsSet,
        2,
        bytes.fromhex("c301f4ee114ccc3f955d"),
        write_account_limits_set_2,
        read_account_limits_set_2,
    ),
    Form(
        OffsetGapAccepted,
        2,
        bytes.fromhex("c301062bb21e504a747b"),
        write_offset_gap_accepted_2,
        read_offset_gap_accepted_2,
    ),
    Form(FeedSelected, 1, bytes.fromhex("c3015efa5ca085d55149"), write_feed_selected_1, read_feed_selected_1),
    Form(FeedKept, 1, bytes.fromhex("c301b50c051ebfb846cb"), write_feed_kept_1, read_feed_kept_1),
    Form(PricesUpdated, 1, bytes.fromhex("c301087e8845c820a8b0"), write_prices_updated_1, read_prices_updated_1),
    Form(TickHeld, 1, bytes.fromhex("c3018809baf3deeb7c7f"), write_tick_held_1, read_tick_held_1),
)
