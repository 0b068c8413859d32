"""How venue messages are written and read: each version of each.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

# A unit is an integer on the wire.
# mypy: disable-error-code="arg-type"

from typing import Final

from librt.strings import BytesWriter

from schemas.forms import Form
from schemas.venue_messages import (
    CancelVenueOrder,
    PlaceVenueOrder,
    VenueCancelReceived,
    VenueCancelRejected,
    VenueCommandRejected,
    VenueOrder,
    VenueOrderAbandoned,
    VenueOrderAccepted,
    VenueOrderCancelled,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderLost,
    VenueOrderPartiallyFilled,
    VenueOrderReceived,
    VenueOrderRejected,
    VenueOrderSubmitted,
    VenueOrderUnknown,
    VenueReset,
    VenueSide,
    VenueTrade,
)
from schemas.wire import (
    must_end,
    read_block,
    read_count,
    read_is_null,
    read_long,
    read_string,
    write_long,
    write_not_null,
    write_null,
    write_string,
)

VENUE_SIDE_WORDS: Final[tuple[VenueSide, ...]] = ("buy", "sell")
VENUE_SIDE_NUMBERS: Final = {"buy": 0, "sell": 1}


def write_venue_order_1(out: BytesWriter, record: VenueOrder) -> None:
    """Write the fields of version 1."""
    write_string(out, record.order_id)
    write_string(out, record.symbol)
    write_long(out, VENUE_SIDE_NUMBERS[record.side])
    write_string(out, record.type)
    write_string(out, record.quantity)
    if record.price is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.price)
    if record.stop_price is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.stop_price)
    if record.time_in_force is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.time_in_force)


def read_venue_order_1(value: bytes, at: int) -> tuple[VenueOrder, int]:
    """Read the fields of version 1."""
    order_id, at = read_string(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = VENUE_SIDE_WORDS[side_number]
    type, at = read_string(value, at)
    quantity, at = read_string(value, at)
    price: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        price, at = read_string(value, at)
    stop_price: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        stop_price, at = read_string(value, at)
    time_in_force: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        time_in_force, at = read_string(value, at)
    return VenueOrder(
        order_id=order_id,
        symbol=symbol,
        side=side,
        type=type,
        quantity=quantity,
        price=price,
        stop_price=stop_price,
        time_in_force=time_in_force,
    ), at


def write_venue_trade_1(out: BytesWriter, record: VenueTrade) -> None:
    """Write the fields of version 1."""
    write_long(out, record.trade_id)
    write_long(out, record.time)
    write_string(out, record.price)
    write_string(out, record.quantity)
    write_string(out, record.commission)
    write_string(out, record.commission_asset)


def read_venue_trade_1(value: bytes, at: int) -> tuple[VenueTrade, int]:
    """Read the fields of version 1."""
    trade_id, at = read_long(value, at)
    time, at = read_long(value, at)
    price, at = read_string(value, at)
    quantity, at = read_string(value, at)
    commission, at = read_string(value, at)
    commission_asset, at = read_string(value, at)
    return VenueTrade(
        trade_id=trade_id,
        time=time,
        price=price,
        quantity=quantity,
        commission=commission,
        commission_asset=commission_asset,
    ), at


def write_place_venue_order_1(out: BytesWriter, record: PlaceVenueOrder) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    write_long(out, record.deadline)
    write_venue_order_1(out, record.order)


def read_place_venue_order_1(value: bytes, at: int) -> PlaceVenueOrder:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    must_end(value, at)
    return PlaceVenueOrder(command_id=command_id, account_id=account_id, deadline=deadline, order=order)


def write_cancel_venue_order_1(out: BytesWriter, record: CancelVenueOrder) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    write_long(out, record.deadline)
    write_string(out, record.order_id)


def read_cancel_venue_order_1(value: bytes, at: int) -> CancelVenueOrder:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline, at = read_long(value, at)
    order_id, at = read_string(value, at)
    must_end(value, at)
    return CancelVenueOrder(command_id=command_id, account_id=account_id, deadline=deadline, order_id=order_id)


def write_venue_command_rejected_1(out: BytesWriter, record: VenueCommandRejected) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    if record.command_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.command_id)
    write_string(out, record.code)
    write_string(out, record.message)


def read_venue_command_rejected_1(value: bytes, at: int) -> VenueCommandRejected:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    command_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_id, at = read_string(value, at)
    code, at = read_string(value, at)
    message, at = read_string(value, at)
    must_end(value, at)
    return VenueCommandRejected(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        command_id=command_id,
        code=code,
        message=message,
    )


def write_venue_reset_1(out: BytesWriter, record: VenueReset) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    if record.surviving_order_ids:
        write_long(out, len(record.surviving_order_ids))
        for surviving_order_ids_item in record.surviving_order_ids:
            write_string(out, surviving_order_ids_item)
    write_long(out, 0)


def read_venue_reset_1(value: bytes, at: int) -> VenueReset:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    surviving_order_ids_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            surviving_order_ids_item, at = read_string(value, at)
            surviving_order_ids_items.append(surviving_order_ids_item)
        count, at = read_block(value, at)
    surviving_order_ids = tuple(surviving_order_ids_items)
    must_end(value, at)
    return VenueReset(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        surviving_order_ids=surviving_order_ids,
    )


def write_venue_order_received_1(out: BytesWriter, record: VenueOrderReceived) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.deadline)


def read_venue_order_received_1(value: bytes, at: int) -> VenueOrderReceived:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    deadline, at = read_long(value, at)
    must_end(value, at)
    return VenueOrderReceived(
        seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order, deadline=deadline
    )


def write_venue_order_submitted_1(out: BytesWriter, record: VenueOrderSubmitted) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.attempt)
    write_long(out, record.sent_at)
    write_long(out, record.receive_window)


def read_venue_order_submitted_1(value: bytes, at: int) -> VenueOrderSubmitted:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    attempt, at = read_long(value, at)
    sent_at, at = read_long(value, at)
    receive_window, at = read_long(value, at)
    must_end(value, at)
    return VenueOrderSubmitted(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        attempt=attempt,
        sent_at=sent_at,
        receive_window=receive_window,
    )


def write_venue_order_unknown_1(out: BytesWriter, record: VenueOrderUnknown) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_string(out, record.reason)


def read_venue_order_unknown_1(value: bytes, at: int) -> VenueOrderUnknown:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    reason, at = read_string(value, at)
    must_end(value, at)
    return VenueOrderUnknown(
        seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order, reason=reason
    )


def write_venue_order_accepted_1(out: BytesWriter, record: VenueOrderAccepted) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.venue_order_id)


def read_venue_order_accepted_1(value: bytes, at: int) -> VenueOrderAccepted:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    venue_order_id, at = read_long(value, at)
    must_end(value, at)
    return VenueOrderAccepted(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        venue_order_id=venue_order_id,
    )


def write_venue_order_partially_filled_1(out: BytesWriter, record: VenueOrderPartiallyFilled) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.venue_order_id)
    write_string(out, record.executed_quantity)
    write_string(out, record.executed_quote)
    if record.trades:
        write_long(out, len(record.trades))
        for trades_item in record.trades:
            write_venue_trade_1(out, trades_item)
    write_long(out, 0)


def read_venue_order_partially_filled_1(value: bytes, at: int) -> VenueOrderPartiallyFilled:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    venue_order_id, at = read_long(value, at)
    executed_quantity, at = read_string(value, at)
    executed_quote, at = read_string(value, at)
    trades_items: list[VenueTrade] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            trades_item, at = read_venue_trade_1(value, at)
            trades_items.append(trades_item)
        count, at = read_block(value, at)
    trades = tuple(trades_items)
    must_end(value, at)
    return VenueOrderPartiallyFilled(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        venue_order_id=venue_order_id,
        executed_quantity=executed_quantity,
        executed_quote=executed_quote,
        trades=trades,
    )


def write_venue_order_filled_1(out: BytesWriter, record: VenueOrderFilled) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.venue_order_id)
    write_string(out, record.executed_quantity)
    write_string(out, record.executed_quote)
    if record.trades:
        write_long(out, len(record.trades))
        for trades_item in record.trades:
            write_venue_trade_1(out, trades_item)
    write_long(out, 0)


def read_venue_order_filled_1(value: bytes, at: int) -> VenueOrderFilled:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    venue_order_id, at = read_long(value, at)
    executed_quantity, at = read_string(value, at)
    executed_quote, at = read_string(value, at)
    trades_items: list[VenueTrade] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            trades_item, at = read_venue_trade_1(value, at)
            trades_items.append(trades_item)
        count, at = read_block(value, at)
    trades = tuple(trades_items)
    must_end(value, at)
    return VenueOrderFilled(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        venue_order_id=venue_order_id,
        executed_quantity=executed_quantity,
        executed_quote=executed_quote,
        trades=trades,
    )


def write_venue_order_cancelled_1(out: BytesWriter, record: VenueOrderCancelled) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.venue_order_id)
    write_string(out, record.executed_quantity)
    write_string(out, record.executed_quote)


def read_venue_order_cancelled_1(value: bytes, at: int) -> VenueOrderCancelled:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    venue_order_id, at = read_long(value, at)
    executed_quantity, at = read_string(value, at)
    executed_quote, at = read_string(value, at)
    must_end(value, at)
    return VenueOrderCancelled(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        venue_order_id=venue_order_id,
        executed_quantity=executed_quantity,
        executed_quote=executed_quote,
    )


def write_venue_order_expired_1(out: BytesWriter, record: VenueOrderExpired) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_long(out, record.venue_order_id)
    write_string(out, record.executed_quantity)
    write_string(out, record.executed_quote)
    write_string(out, record.reason)


def read_venue_order_expired_1(value: bytes, at: int) -> VenueOrderExpired:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    venue_order_id, at = read_long(value, at)
    executed_quantity, at = read_string(value, at)
    executed_quote, at = read_string(value, at)
    reason, at = read_string(value, at)
    must_end(value, at)
    return VenueOrderExpired(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        venue_order_id=venue_order_id,
        executed_quantity=executed_quantity,
        executed_quote=executed_quote,
        reason=reason,
    )


def write_venue_order_rejected_1(out: BytesWriter, record: VenueOrderRejected) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_string(out, record.code)
    write_string(out, record.message)


def read_venue_order_rejected_1(value: bytes, at: int) -> VenueOrderRejected:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    code, at = read_string(value, at)
    message, at = read_string(value, at)
    must_end(value, at)
    return VenueOrderRejected(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        code=code,
        message=message,
    )


def write_venue_order_lost_1(out: BytesWriter, record: VenueOrderLost) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)


def read_venue_order_lost_1(value: bytes, at: int) -> VenueOrderLost:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    must_end(value, at)
    return VenueOrderLost(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)


def write_venue_order_abandoned_1(out: BytesWriter, record: VenueOrderAbandoned) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_string(out, record.code)
    write_string(out, record.message)


def read_venue_order_abandoned_1(value: bytes, at: int) -> VenueOrderAbandoned:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    code, at = read_string(value, at)
    message, at = read_string(value, at)
    must_end(value, at)
    return VenueOrderAbandoned(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        code=code,
        message=message,
    )


def write_venue_cancel_received_1(out: BytesWriter, record: VenueCancelReceived) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)


def read_venue_cancel_received_1(value: bytes, at: int) -> VenueCancelReceived:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    must_end(value, at)
    return VenueCancelReceived(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)


def write_venue_cancel_rejected_1(out: BytesWriter, record: VenueCancelRejected) -> None:
    """Write the fields of version 1."""
    write_long(out, record.seq)
    if record.command_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.command_offset)
    if record.account_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.account_id)
    write_long(out, record.time)
    write_venue_order_1(out, record.order)
    write_string(out, record.code)
    write_string(out, record.message)


def read_venue_cancel_rejected_1(value: bytes, at: int) -> VenueCancelRejected:
    """Read the fields of version 1."""
    seq, at = read_long(value, at)
    command_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        command_offset, at = read_long(value, at)
    account_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        account_id, at = read_string(value, at)
    time, at = read_long(value, at)
    order, at = read_venue_order_1(value, at)
    code, at = read_string(value, at)
    message, at = read_string(value, at)
    must_end(value, at)
    return VenueCancelRejected(
        seq=seq,
        command_offset=command_offset,
        account_id=account_id,
        time=time,
        order=order,
        code=code,
        message=message,
    )


FORMS: Final = (
    Form(
        PlaceVenueOrder, 1, bytes.fromhex("c3015f243a2b8be0a059"), write_place_venue_order_1, read_place_venue_order_1
    ),
    Form(
        CancelVenueOrder,
        1,
        bytes.fromhex("c3015cb10ad9e58fff0d"),
        write_cancel_venue_order_1,
        read_cancel_venue_order_1,
    ),
    Form(
        VenueCommandRejected,
        1,
        bytes.fromhex("c3019a0be73c0cea4273"),
        write_venue_command_rejected_1,
        read_venue_command_rejected_1,
    ),
    Form(VenueReset, 1, bytes.fromhex("c30104785ebe413b15b9"), write_venue_reset_1, read_venue_reset_1),
    Form(
        VenueOrderReceived,
        1,
        bytes.fromhex("c301f0cbcf4a6ba91a11"),
        write_venue_order_received_1,
        read_venue_order_received_1,
    ),
    Form(
        VenueOrderSubmitted,
        1,
        bytes.fromhex("c3014bd0f698faeb0d4d"),
        write_venue_order_submitted_1,
        read_venue_order_submitted_1,
    ),
    Form(
        VenueOrderUnknown,
        1,
        bytes.fromhex("c3016f227dd9083dd0e6"),
        write_venue_order_unknown_1,
        read_venue_order_unknown_1,
    ),
    Form(
        VenueOrderAccepted,
        1,
        bytes.fromhex("c30135e2a6831c3131f2"),
        write_venue_order_accepted_1,
        read_venue_order_accepted_1,
    ),
    Form(
        VenueOrderPartiallyFilled,
        1,
        bytes.fromhex("c301e3a5cb20435c9b4e"),
        write_venue_order_partially_filled_1,
        read_venue_order_partially_filled_1,
    ),
    Form(
        VenueOrderFilled,
        1,
        bytes.fromhex("c3010a11e4b6e5b539c4"),
        write_venue_order_filled_1,
        read_venue_order_filled_1,
    ),
    Form(
        VenueOrderCancelled,
        1,
        bytes.fromhex("c301e29088313f991c70"),
        write_venue_order_cancelled_1,
        read_venue_order_cancelled_1,
    ),
    Form(
        VenueOrderExpired,
        1,
        bytes.fromhex("c301ade4cd04e1388ffb"),
        write_venue_order_expired_1,
        read_venue_order_expired_1,
    ),
    Form(
        VenueOrderRejected,
        1,
        bytes.fromhex("c301429ba0ebe8d2b3e4"),
        write_venue_order_rejected_1,
        read_venue_order_rejected_1,
    ),
    Form(VenueOrderLost, 1, bytes.fromhex("c301dc753e750c9972d5"), write_venue_order_lost_1, read_venue_order_lost_1),
    Form(
        VenueOrderAbandoned,
        1,
        bytes.fromhex("c3017e38ce9f45e1c2c8"),
        write_venue_order_abandoned_1,
        read_venue_order_abandoned_1,
    ),
    Form(
        VenueCancelReceived,
        1,
        bytes.fromhex("c30163a0416ba225b9c6"),
        write_venue_cancel_received_1,
        read_venue_cancel_received_1,
    ),
    Form(
        VenueCancelRejected,
        1,
        bytes.fromhex("c301388e8e0d11a63ae1"),
        write_venue_cancel_rejected_1,
        read_venue_cancel_rejected_1,
    ),
)
