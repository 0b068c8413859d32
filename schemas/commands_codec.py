"""How commands are written and read: each version of each.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

# A unit is an integer on the wire.
# mypy: disable-error-code="arg-type"

from typing import Final

from librt.strings import BytesWriter

from schemas.commands import (
    AcceptOffsetGap,
    ActivateRules,
    AmendStops,
    CloseAll,
    ClosePosition,
    DefineInstruments,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    SelectFeed,
    SetAccountLimits,
    SetClock,
    SetMarketStatus,
    UpdatePrices,
    Withdraw,
)
from schemas.forms import Form
from schemas.messages import AliveMark, Instrument, Tick
from schemas.messages_codec import (
    MARKET_STATUS_NUMBERS,
    MARKET_STATUS_WORDS,
    SIDE_NUMBERS,
    SIDE_WORDS,
    read_alive_mark_2,
    read_instrument_1,
    read_instrument_2,
    read_tick_1,
    write_alive_mark_2,
    write_instrument_1,
    write_instrument_2,
    write_tick_1,
)
from schemas.wire import (
    must_end,
    read_block,
    read_boolean,
    read_count,
    read_is_null,
    read_long,
    read_string,
    write_boolean,
    write_long,
    write_not_null,
    write_null,
    write_string,
)


def write_open_account_1(out: BytesWriter, record: OpenAccount) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_long(out, record.first_deposit)


def read_open_account_1(value: bytes, at: int) -> OpenAccount:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    first_deposit, at = read_long(value, at)
    must_end(value, at)
    return OpenAccount(command_id=command_id, account_id=account_id, deadline=deadline, first_deposit=first_deposit)


def write_deposit_1(out: BytesWriter, record: Deposit) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_long(out, record.amount)


def read_deposit_1(value: bytes, at: int) -> Deposit:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    amount, at = read_long(value, at)
    must_end(value, at)
    return Deposit(command_id=command_id, account_id=account_id, deadline=deadline, amount=amount)


def write_withdraw_1(out: BytesWriter, record: Withdraw) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_long(out, record.amount)


def read_withdraw_1(value: bytes, at: int) -> Withdraw:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    amount, at = read_long(value, at)
    must_end(value, at)
    return Withdraw(command_id=command_id, account_id=account_id, deadline=deadline, amount=amount)


def write_open_position_1(out: BytesWriter, record: OpenPosition) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    if record.margin is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.margin)
    if record.quantity is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.quantity)
    write_long(out, record.leverage)
    if record.expected_price is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.expected_price)
    if record.slippage_bps is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.slippage_bps)
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
    if record.client_order_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.client_order_id)


def read_open_position_1(value: bytes, at: int) -> OpenPosition:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    margin: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        margin, at = read_long(value, at)
    quantity: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        quantity, at = read_long(value, at)
    leverage, at = read_long(value, at)
    expected_price: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        expected_price, at = read_long(value, at)
    slippage_bps: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        slippage_bps, at = read_long(value, at)
    stop_loss: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        stop_loss, at = read_long(value, at)
    take_profit: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        take_profit, at = read_long(value, at)
    client_order_id: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        client_order_id, at = read_string(value, at)
    must_end(value, at)
    return OpenPosition(
        command_id=command_id,
        account_id=account_id,
        deadline=deadline,
        symbol=symbol,
        side=side,
        margin=margin,
        quantity=quantity,
        leverage=leverage,
        expected_price=expected_price,
        slippage_bps=slippage_bps,
        stop_loss=stop_loss,
        take_profit=take_profit,
        client_order_id=client_order_id,
    )


def write_close_position_1(out: BytesWriter, record: ClosePosition) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_string(out, record.position_id)


def read_close_position_1(value: bytes, at: int) -> ClosePosition:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    position_id, at = read_string(value, at)
    must_end(value, at)
    return ClosePosition(command_id=command_id, account_id=account_id, deadline=deadline, position_id=position_id)


def write_reduce_position_1(out: BytesWriter, record: ReducePosition) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_string(out, record.position_id)
    write_long(out, record.quantity)


def read_reduce_position_1(value: bytes, at: int) -> ReducePosition:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    position_id, at = read_string(value, at)
    quantity, at = read_long(value, at)
    must_end(value, at)
    return ReducePosition(
        command_id=command_id, account_id=account_id, deadline=deadline, position_id=position_id, quantity=quantity
    )


def write_reduce_oldest_1(out: BytesWriter, record: ReduceOldest) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    write_long(out, record.leverage)
    write_long(out, record.quantity)


def read_reduce_oldest_1(value: bytes, at: int) -> ReduceOldest:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    leverage, at = read_long(value, at)
    quantity, at = read_long(value, at)
    must_end(value, at)
    return ReduceOldest(
        command_id=command_id,
        account_id=account_id,
        deadline=deadline,
        symbol=symbol,
        side=side,
        leverage=leverage,
        quantity=quantity,
    )


def write_close_all_2(out: BytesWriter, record: CloseAll) -> None:
    """Write the fields of version 2."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    if record.symbol is None:
        write_null(out)
    else:
        write_not_null(out)
        write_string(out, record.symbol)


def read_close_all_2(value: bytes, at: int) -> CloseAll:
    """Read the fields of version 2."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    symbol: str | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        symbol, at = read_string(value, at)
    must_end(value, at)
    return CloseAll(command_id=command_id, account_id=account_id, deadline=deadline, symbol=symbol)


def write_amend_stops_1(out: BytesWriter, record: AmendStops) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_string(out, record.account_id)
    if record.deadline is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.deadline)
    write_string(out, record.position_id)
    write_boolean(out, record.amend_stop_loss)
    if record.stop_loss is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.stop_loss)
    write_boolean(out, record.amend_take_profit)
    if record.take_profit is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.take_profit)


def read_amend_stops_1(value: bytes, at: int) -> AmendStops:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    account_id, at = read_string(value, at)
    deadline: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        deadline, at = read_long(value, at)
    position_id, at = read_string(value, at)
    amend_stop_loss, at = read_boolean(value, at)
    stop_loss: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        stop_loss, at = read_long(value, at)
    amend_take_profit, at = read_boolean(value, at)
    take_profit: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        take_profit, at = read_long(value, at)
    must_end(value, at)
    return AmendStops(
        command_id=command_id,
        account_id=account_id,
        deadline=deadline,
        position_id=position_id,
        amend_stop_loss=amend_stop_loss,
        stop_loss=stop_loss,
        amend_take_profit=amend_take_profit,
        take_profit=take_profit,
    )


def write_define_instruments_1(out: BytesWriter, record: DefineInstruments) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)
    if record.instruments:
        write_long(out, len(record.instruments))
        for instruments_item in record.instruments:
            write_instrument_1(out, instruments_item)
    write_long(out, 0)


def read_define_instruments_1(value: bytes, at: int) -> DefineInstruments:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    instruments_items: list[Instrument] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            instruments_item, at = read_instrument_1(value, at)
            instruments_items.append(instruments_item)
        count, at = read_block(value, at)
    instruments = tuple(instruments_items)
    must_end(value, at)
    return DefineInstruments(command_id=command_id, shard=shard, broadcast=broadcast, instruments=instruments)


def write_define_instruments_2(out: BytesWriter, record: DefineInstruments) -> None:
    """Write the fields of version 2."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)
    if record.instruments:
        write_long(out, len(record.instruments))
        for instruments_item in record.instruments:
            write_instrument_2(out, instruments_item)
    write_long(out, 0)


def read_define_instruments_2(value: bytes, at: int) -> DefineInstruments:
    """Read the fields of version 2."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    instruments_items: list[Instrument] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            instruments_item, at = read_instrument_2(value, at)
            instruments_items.append(instruments_item)
        count, at = read_block(value, at)
    instruments = tuple(instruments_items)
    must_end(value, at)
    return DefineInstruments(command_id=command_id, shard=shard, broadcast=broadcast, instruments=instruments)


def write_set_market_status_1(out: BytesWriter, record: SetMarketStatus) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)
    write_string(out, record.symbol)
    write_long(out, MARKET_STATUS_NUMBERS[record.status])


def read_set_market_status_1(value: bytes, at: int) -> SetMarketStatus:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    symbol, at = read_string(value, at)
    status_number, at = read_count(value, at)
    status = MARKET_STATUS_WORDS[status_number]
    must_end(value, at)
    return SetMarketStatus(command_id=command_id, shard=shard, broadcast=broadcast, symbol=symbol, status=status)


def write_activate_rules_1(out: BytesWriter, record: ActivateRules) -> None:
    """Write the fields of version 1."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)
    write_long(out, record.version)


def read_activate_rules_1(value: bytes, at: int) -> ActivateRules:
    """Read the fields of version 1."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    version, at = read_long(value, at)
    must_end(value, at)
    return ActivateRules(command_id=command_id, shard=shard, broadcast=broadcast, version=version)


def write_set_clock_2(out: BytesWriter, record: SetClock) -> None:
    """Write the fields of version 2."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)


def read_set_clock_2(value: bytes, at: int) -> SetClock:
    """Read the fields of version 2."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    must_end(value, at)
    return SetClock(command_id=command_id, shard=shard, broadcast=broadcast)


def write_set_account_limits_2(out: BytesWriter, record: SetAccountLimits) -> None:
    """Write the fields of version 2."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)
    write_long(out, record.positions_max)


def read_set_account_limits_2(value: bytes, at: int) -> SetAccountLimits:
    """Read the fields of version 2."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    positions_max, at = read_long(value, at)
    must_end(value, at)
    return SetAccountLimits(command_id=command_id, shard=shard, broadcast=broadcast, positions_max=positions_max)


def write_accept_offset_gap_2(out: BytesWriter, record: AcceptOffsetGap) -> None:
    """Write the fields of version 2."""
    write_string(out, record.command_id)
    write_long(out, record.shard)
    write_string(out, record.broadcast)
    write_long(out, record.first_offset)
    write_long(out, record.last_offset)


def read_accept_offset_gap_2(value: bytes, at: int) -> AcceptOffsetGap:
    """Read the fields of version 2."""
    command_id, at = read_string(value, at)
    shard, at = read_long(value, at)
    broadcast, at = read_string(value, at)
    first_offset, at = read_long(value, at)
    last_offset, at = read_long(value, at)
    must_end(value, at)
    return AcceptOffsetGap(
        command_id=command_id, shard=shard, broadcast=broadcast, first_offset=first_offset, last_offset=last_offset
    )


def write_select_feed_1(out: BytesWriter, record: SelectFeed) -> None:
    """Write the fields of version 1."""
    write_string(out, record.name)
    write_string(out, record.run)
    write_boolean(out, record.live)


def read_select_feed_1(value: bytes, at: int) -> SelectFeed:
    """Read the fields of version 1."""
    name, at = read_string(value, at)
    run, at = read_string(value, at)
    live, at = read_boolean(value, at)
    must_end(value, at)
    return SelectFeed(name=name, run=run, live=live)


def write_update_prices_1(out: BytesWriter, record: UpdatePrices) -> None:
    """Write the fields of version 1."""
    write_string(out, record.feed)
    write_string(out, record.run)
    write_long(out, record.sent_at)
    if record.ticks:
        write_long(out, len(record.ticks))
        for ticks_item in record.ticks:
            write_tick_1(out, ticks_item)
    write_long(out, 0)
    if record.alive:
        write_long(out, len(record.alive))
        for alive_item in record.alive:
            write_string(out, alive_item)
    write_long(out, 0)


def read_update_prices_1(value: bytes, at: int) -> UpdatePrices:
    """Read the fields of version 1."""
    feed, at = read_string(value, at)
    run, at = read_string(value, at)
    sent_at, at = read_long(value, at)
    ticks_items: list[Tick] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            ticks_item, at = read_tick_1(value, at)
            ticks_items.append(ticks_item)
        count, at = read_block(value, at)
    ticks = tuple(ticks_items)
    alive_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            alive_item, at = read_string(value, at)
            alive_items.append(alive_item)
        count, at = read_block(value, at)
    alive = tuple(alive_items)
    must_end(value, at)
    return UpdatePrices(feed=feed, run=run, sent_at=sent_at, ticks=ticks, alive=alive, marks=None)


def write_update_prices_2(out: BytesWriter, record: UpdatePrices) -> None:
    """Write the fields of version 2."""
    write_string(out, record.feed)
    write_string(out, record.run)
    write_long(out, record.sent_at)
    if record.ticks:
        write_long(out, len(record.ticks))
        for ticks_item in record.ticks:
            write_tick_1(out, ticks_item)
    write_long(out, 0)
    if record.alive:
        write_long(out, len(record.alive))
        for alive_item in record.alive:
            write_string(out, alive_item)
    write_long(out, 0)
    if record.marks is None:
        write_null(out)
    else:
        write_not_null(out)
        if record.marks:
            write_long(out, len(record.marks))
            for marks_item in record.marks:
                write_alive_mark_2(out, marks_item)
        write_long(out, 0)


def read_update_prices_2(value: bytes, at: int) -> UpdatePrices:
    """Read the fields of version 2."""
    feed, at = read_string(value, at)
    run, at = read_string(value, at)
    sent_at, at = read_long(value, at)
    ticks_items: list[Tick] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            ticks_item, at = read_tick_1(value, at)
            ticks_items.append(ticks_item)
        count, at = read_block(value, at)
    ticks = tuple(ticks_items)
    alive_items: list[str] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            alive_item, at = read_string(value, at)
            alive_items.append(alive_item)
        count, at = read_block(value, at)
    alive = tuple(alive_items)
    marks: tuple[AliveMark, ...] | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        marks_items: list[AliveMark] = []
        count, at = read_block(value, at)
        while count:
            for _ in range(count):
                marks_item, at = read_alive_mark_2(value, at)
                marks_items.append(marks_item)
            count, at = read_block(value, at)
        marks = tuple(marks_items)
    must_end(value, at)
    return UpdatePrices(feed=feed, run=run, sent_at=sent_at, ticks=ticks, alive=alive, marks=marks)


FORMS: Final = (
    Form(OpenAccount, 1, bytes.fromhex("c301ae84b9a576fef428"), write_open_account_1, read_open_account_1),
    Form(Deposit, 1, bytes.fromhex("c301e5521d44e92e675b"), write_deposit_1, read_deposit_1),
    Form(Withdraw, 1, bytes.fromhex("c3016959ec28f2b7af5a"), write_withdraw_1, read_withdraw_1),
    Form(OpenPosition, 1, bytes.fromhex("c301d23dcc524a01e99f"), write_open_position_1, read_open_position_1),
    Form(ClosePosition, 1, bytes.fromhex("c301d6a4a89848ac21cb"), write_close_position_1, read_close_position_1),
    Form(ReducePosition, 1, bytes.fromhex("c30177fc2cb7b4aba9e1"), write_reduce_position_1, read_reduce_position_1),
    Form(ReduceOldest, 1, bytes.fromhex("c3015b8e76260fb0309f"), write_reduce_oldest_1, read_reduce_oldest_1),
    Form(CloseAll, 2, bytes.fromhex("c301b22ce8762b6b0d26"), write_close_all_2, read_close_all_2),
    Form(AmendStops, 1, bytes.fromhex("c301097ead4a1e84b9ac"), write_amend_stops_1, read_amend_stops_1),
    Form(
        DefineInstruments,
        1,
        bytes.fromhex("c301dc033c6b98d7bc8d"),
        write_define_instruments_1,
        read_define_instruments_1,
        missing_in_items=(("instruments", ("open_age_max",)),),
    ),
    Form(
        DefineInstruments,
        2,
        bytes.fromhex("c30142bb791e81f6ab02"),
        write_define_instruments_2,
        read_define_instruments_2,
    ),
    Form(
        SetMarketStatus, 1, bytes.fromhex("c301e8421f4a26a3f170"), write_set_market_status_1, read_set_market_status_1
    ),
    Form(ActivateRules, 1, bytes.fromhex("c301d9c55f198b5ff131"), write_activate_rules_1, read_activate_rules_1),
    Form(SetClock, 2, bytes.fromhex("c3018d4d01ce716daf36"), write_set_clock_2, read_set_clock_2),
    Form(
        SetAccountLimits,
        2,
        bytes.fromhex("c3012a1bacd4099d79c0"),
        write_set_account_limits_2,
        read_set_account_limits_2,
    ),
    Form(
        AcceptOffsetGap, 2, bytes.fromhex("c301f4a10b165668b551"), write_accept_offset_gap_2, read_accept_offset_gap_2
    ),
    Form(SelectFeed, 1, bytes.fromhex("c301aac56c27411ae473"), write_select_feed_1, read_select_feed_1),
    Form(
        UpdatePrices,
        1,
        bytes.fromhex("c301259f0454852fbbc7"),
        write_update_prices_1,
        read_update_prices_1,
        missing=("marks",),
    ),
    Form(UpdatePrices, 2, bytes.fromhex("c30109401c174ac59737"), write_update_prices_2, read_update_prices_2),
)
