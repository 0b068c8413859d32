"""How ledger records are written and read: each version of each.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

# A unit is an integer on the wire.
# mypy: disable-error-code="arg-type"

from typing import Final

from librt.strings import BytesWriter

from schemas.forms import Form
from schemas.ledger_records import (
    Account,
    AccountsPage,
    Candidate,
    Feed,
    LedgerHead,
    Market,
    Position,
    Quote,
    Remembered,
)
from schemas.messages import Instrument
from schemas.messages_codec import (
    MARKET_STATUS_NUMBERS,
    MARKET_STATUS_WORDS,
    SIDE_NUMBERS,
    SIDE_WORDS,
    read_instrument_2,
    write_instrument_2,
)
from schemas.wire import (
    must_end,
    read_block,
    read_boolean,
    read_count,
    read_decimal,
    read_fixed,
    read_is_null,
    read_long,
    read_string,
    write_boolean,
    write_decimal,
    write_fixed,
    write_long,
    write_not_null,
    write_null,
    write_string,
)


def write_remembered_2(out: BytesWriter, record: Remembered) -> None:
    """Write the fields of version 2."""
    write_long(out, record.offset)
    write_long(out, record.time)
    write_fixed(out, record.content, 16)


def read_remembered_2(value: bytes, at: int) -> tuple[Remembered, int]:
    """Read the fields of version 2."""
    offset, at = read_long(value, at)
    time, at = read_long(value, at)
    content, at = read_fixed(value, at, 16)
    return Remembered(offset=offset, time=time, content=content), at


def write_position_2(out: BytesWriter, record: Position) -> None:
    """Write the fields of version 2."""
    write_string(out, record.position_id)
    write_long(out, record.number)
    write_string(out, record.account_id)
    write_string(out, record.symbol)
    write_long(out, SIDE_NUMBERS[record.side])
    write_long(out, record.quantity)
    write_long(out, record.entry_price)
    write_long(out, record.entry_notional)
    write_long(out, record.margin)
    write_long(out, record.leverage)
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
    write_long(out, record.opened_at)


def read_position_2(value: bytes, at: int) -> tuple[Position, int]:
    """Read the fields of version 2."""
    position_id, at = read_string(value, at)
    number, at = read_long(value, at)
    account_id, at = read_string(value, at)
    symbol, at = read_string(value, at)
    side_number, at = read_count(value, at)
    side = SIDE_WORDS[side_number]
    quantity, at = read_long(value, at)
    entry_price, at = read_long(value, at)
    entry_notional, at = read_long(value, at)
    margin, at = read_long(value, at)
    leverage, at = read_long(value, at)
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
    opened_at, at = read_long(value, at)
    return Position(
        position_id=position_id,
        number=number,
        account_id=account_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        entry_price=entry_price,
        entry_notional=entry_notional,
        margin=margin,
        leverage=leverage,
        fee_rate=fee_rate,
        maintenance_rate=maintenance_rate,
        margin_floor_rate=margin_floor_rate,
        liquidation_fee_rate=liquidation_fee_rate,
        liquidation_price=liquidation_price,
        stop_loss=stop_loss,
        take_profit=take_profit,
        opened_at=opened_at,
    ), at


def write_account_2(out: BytesWriter, record: Account) -> None:
    """Write the fields of version 2."""
    write_string(out, record.account_id)
    write_long(out, record.number)
    write_long(out, record.opened_at)
    write_long(out, record.seq)
    write_decimal(out, record.cash)
    write_long(out, record.margin)
    if record.open_notional:
        write_long(out, len(record.open_notional))
        for open_notional_key, open_notional_value in record.open_notional.items():
            write_string(out, open_notional_key)
            write_long(out, open_notional_value)
    write_long(out, 0)
    write_long(out, record.deposit_day)
    write_long(out, record.deposited)
    if record.commands:
        write_long(out, len(record.commands))
        for commands_key, commands_value in record.commands.items():
            write_string(out, commands_key)
            write_remembered_2(out, commands_value)
    write_long(out, 0)
    if record.exits:
        write_long(out, len(record.exits))
        for exits_key, exits_value in record.exits.items():
            write_string(out, exits_key)
            write_remembered_2(out, exits_value)
    write_long(out, 0)
    if record.positions:
        write_long(out, len(record.positions))
        for positions_key, positions_value in record.positions.items():
            write_string(out, positions_key)
            write_position_2(out, positions_value)
    write_long(out, 0)
    if record.client_order_ids:
        write_long(out, len(record.client_order_ids))
        for client_order_ids_key, client_order_ids_value in record.client_order_ids.items():
            write_string(out, client_order_ids_key)
            write_long(out, client_order_ids_value)
    write_long(out, 0)
    if record.closes:
        write_long(out, len(record.closes))
        for closes_key, closes_value in record.closes.items():
            write_string(out, closes_key)
            write_remembered_2(out, closes_value)
    write_long(out, 0)
    if record.amendments:
        write_long(out, len(record.amendments))
        for amendments_key, amendments_value in record.amendments.items():
            write_string(out, amendments_key)
            write_remembered_2(out, amendments_value)
    write_long(out, 0)
    if record.withdrawals:
        write_long(out, len(record.withdrawals))
        for withdrawals_key, withdrawals_value in record.withdrawals.items():
            write_string(out, withdrawals_key)
            write_remembered_2(out, withdrawals_value)
    write_long(out, 0)


def read_account_2(value: bytes, at: int) -> tuple[Account, int]:
    """Read the fields of version 2."""
    account_id, at = read_string(value, at)
    number, at = read_long(value, at)
    opened_at, at = read_long(value, at)
    seq, at = read_long(value, at)
    cash, at = read_decimal(value, at)
    margin, at = read_long(value, at)
    open_notional: dict[str, int] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            open_notional_key, at = read_string(value, at)
            open_notional_value, at = read_long(value, at)
            open_notional[open_notional_key] = open_notional_value
        count, at = read_block(value, at)
    deposit_day, at = read_long(value, at)
    deposited, at = read_long(value, at)
    commands: dict[str, Remembered] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            commands_key, at = read_string(value, at)
            commands_value, at = read_remembered_2(value, at)
            commands[commands_key] = commands_value
        count, at = read_block(value, at)
    exits: dict[str, Remembered] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            exits_key, at = read_string(value, at)
            exits_value, at = read_remembered_2(value, at)
            exits[exits_key] = exits_value
        count, at = read_block(value, at)
    positions: dict[str, Position] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            positions_key, at = read_string(value, at)
            positions_value, at = read_position_2(value, at)
            positions[positions_key] = positions_value
        count, at = read_block(value, at)
    client_order_ids: dict[str, int] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            client_order_ids_key, at = read_string(value, at)
            client_order_ids_value, at = read_long(value, at)
            client_order_ids[client_order_ids_key] = client_order_ids_value
        count, at = read_block(value, at)
    closes: dict[str, Remembered] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            closes_key, at = read_string(value, at)
            closes_value, at = read_remembered_2(value, at)
            closes[closes_key] = closes_value
        count, at = read_block(value, at)
    amendments: dict[str, Remembered] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            amendments_key, at = read_string(value, at)
            amendments_value, at = read_remembered_2(value, at)
            amendments[amendments_key] = amendments_value
        count, at = read_block(value, at)
    withdrawals: dict[str, Remembered] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            withdrawals_key, at = read_string(value, at)
            withdrawals_value, at = read_remembered_2(value, at)
            withdrawals[withdrawals_key] = withdrawals_value
        count, at = read_block(value, at)
    return Account(
        account_id=account_id,
        number=number,
        opened_at=opened_at,
        seq=seq,
        cash=cash,
        margin=margin,
        open_notional=open_notional,
        deposit_day=deposit_day,
        deposited=deposited,
        commands=commands,
        exits=exits,
        positions=positions,
        client_order_ids=client_order_ids,
        closes=closes,
        amendments=amendments,
        withdrawals=withdrawals,
    ), at


def write_quote_2(out: BytesWriter, record: Quote) -> None:
    """Write the fields of version 2."""
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.source_time)
    write_long(out, record.update_id)
    write_long(out, record.offset)
    write_long(out, record.heard_at)
    write_boolean(out, record.stale)
    write_boolean(out, record.contradicted)


def read_quote_2(value: bytes, at: int) -> tuple[Quote, int]:
    """Read the fields of version 2."""
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    source_time, at = read_long(value, at)
    update_id, at = read_long(value, at)
    offset, at = read_long(value, at)
    heard_at, at = read_long(value, at)
    stale, at = read_boolean(value, at)
    contradicted, at = read_boolean(value, at)
    return Quote(
        bid=bid,
        ask=ask,
        source_time=source_time,
        update_id=update_id,
        offset=offset,
        heard_at=heard_at,
        stale=stale,
        contradicted=contradicted,
    ), at


def write_candidate_2(out: BytesWriter, record: Candidate) -> None:
    """Write the fields of version 2."""
    write_long(out, record.bid)
    write_long(out, record.ask)
    write_long(out, record.source_time)
    write_long(out, record.update_id)
    write_long(out, record.held_at)


def read_candidate_2(value: bytes, at: int) -> tuple[Candidate, int]:
    """Read the fields of version 2."""
    bid, at = read_long(value, at)
    ask, at = read_long(value, at)
    source_time, at = read_long(value, at)
    update_id, at = read_long(value, at)
    held_at, at = read_long(value, at)
    return Candidate(bid=bid, ask=ask, source_time=source_time, update_id=update_id, held_at=held_at), at


def write_market_2(out: BytesWriter, record: Market) -> None:
    """Write the fields of version 2."""
    write_string(out, record.symbol)
    write_long(out, MARKET_STATUS_NUMBERS[record.status])
    if record.quote is None:
        write_null(out)
    else:
        write_not_null(out)
        write_quote_2(out, record.quote)
    if record.candidate is None:
        write_null(out)
    else:
        write_not_null(out)
        write_candidate_2(out, record.candidate)
    if record.last_source_time is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.last_source_time)
    if record.last_update_id is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.last_update_id)
    write_long(out, record.long_notional)
    write_long(out, record.short_notional)
    write_long(out, record.house_quantity)


def read_market_2(value: bytes, at: int) -> tuple[Market, int]:
    """Read the fields of version 2."""
    symbol, at = read_string(value, at)
    status_number, at = read_count(value, at)
    status = MARKET_STATUS_WORDS[status_number]
    quote: Quote | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        quote, at = read_quote_2(value, at)
    candidate: Candidate | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        candidate, at = read_candidate_2(value, at)
    last_source_time: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        last_source_time, at = read_long(value, at)
    last_update_id: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        last_update_id, at = read_long(value, at)
    long_notional, at = read_long(value, at)
    short_notional, at = read_long(value, at)
    house_quantity, at = read_long(value, at)
    return Market(
        symbol=symbol,
        status=status,
        quote=quote,
        candidate=candidate,
        last_source_time=last_source_time,
        last_update_id=last_update_id,
        long_notional=long_notional,
        short_notional=short_notional,
        house_quantity=house_quantity,
    ), at


def write_feed_2(out: BytesWriter, record: Feed) -> None:
    """Write the fields of version 2."""
    write_string(out, record.name)
    write_string(out, record.run)
    write_boolean(out, record.live)


def read_feed_2(value: bytes, at: int) -> tuple[Feed, int]:
    """Read the fields of version 2."""
    name, at = read_string(value, at)
    run, at = read_string(value, at)
    live, at = read_boolean(value, at)
    return Feed(name=name, run=run, live=live), at


def write_accounts_page_2(out: BytesWriter, record: AccountsPage) -> None:
    """Write the fields of version 2."""
    if record.accounts:
        write_long(out, len(record.accounts))
        for accounts_item in record.accounts:
            write_account_2(out, accounts_item)
    write_long(out, 0)


def read_accounts_page_2(value: bytes, at: int) -> AccountsPage:
    """Read the fields of version 2."""
    accounts_items: list[Account] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            accounts_item, at = read_account_2(value, at)
            accounts_items.append(accounts_item)
        count, at = read_block(value, at)
    accounts = tuple(accounts_items)
    must_end(value, at)
    return AccountsPage(accounts=accounts)


def write_ledger_head_2(out: BytesWriter, record: LedgerHead) -> None:
    """Write the fields of version 2."""
    write_long(out, record.format)
    write_long(out, record.shard)
    write_long(out, record.shards)
    write_long(out, record.seq)
    write_long(out, record.time)
    write_long(out, record.next_offset)
    write_decimal(out, record.house)
    write_decimal(out, record.fees)
    write_decimal(out, record.insurance)
    write_decimal(out, record.external)
    if record.feed is None:
        write_null(out)
    else:
        write_not_null(out)
        write_feed_2(out, record.feed)
    write_boolean(out, record.clock_suspect)
    write_long(out, record.next_position)
    write_long(out, record.accounts)
    write_long(out, record.positions)
    if record.instruments:
        write_long(out, len(record.instruments))
        for instruments_item in record.instruments:
            write_instrument_2(out, instruments_item)
    write_long(out, 0)
    if record.markets:
        write_long(out, len(record.markets))
        for markets_item in record.markets:
            write_market_2(out, markets_item)
    write_long(out, 0)
    if record.broadcasts:
        write_long(out, len(record.broadcasts))
        for broadcasts_key, broadcasts_value in record.broadcasts.items():
            write_string(out, broadcasts_key)
            write_remembered_2(out, broadcasts_value)
    write_long(out, 0)
    write_long(out, record.rules_version)
    write_long(out, record.positions_max)


def read_ledger_head_2(value: bytes, at: int) -> LedgerHead:
    """Read the fields of version 2."""
    format, at = read_long(value, at)
    shard, at = read_long(value, at)
    shards, at = read_long(value, at)
    seq, at = read_long(value, at)
    time, at = read_long(value, at)
    next_offset, at = read_long(value, at)
    house, at = read_decimal(value, at)
    fees, at = read_decimal(value, at)
    insurance, at = read_decimal(value, at)
    external, at = read_decimal(value, at)
    feed: Feed | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        feed, at = read_feed_2(value, at)
    clock_suspect, at = read_boolean(value, at)
    next_position, at = read_long(value, at)
    accounts, at = read_long(value, at)
    positions, at = read_long(value, at)
    instruments_items: list[Instrument] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            instruments_item, at = read_instrument_2(value, at)
            instruments_items.append(instruments_item)
        count, at = read_block(value, at)
    instruments = tuple(instruments_items)
    markets_items: list[Market] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            markets_item, at = read_market_2(value, at)
            markets_items.append(markets_item)
        count, at = read_block(value, at)
    markets = tuple(markets_items)
    broadcasts: dict[str, Remembered] = {}
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            broadcasts_key, at = read_string(value, at)
            broadcasts_value, at = read_remembered_2(value, at)
            broadcasts[broadcasts_key] = broadcasts_value
        count, at = read_block(value, at)
    rules_version, at = read_long(value, at)
    positions_max, at = read_long(value, at)
    must_end(value, at)
    return LedgerHead(
        format=format,
        shard=shard,
        shards=shards,
        seq=seq,
        time=time,
        next_offset=next_offset,
        house=house,
        fees=fees,
        insurance=insurance,
        external=external,
        feed=feed,
        clock_suspect=clock_suspect,
        next_position=next_position,
        accounts=accounts,
        positions=positions,
        instruments=instruments,
        markets=markets,
        broadcasts=broadcasts,
        rules_version=rules_version,
        positions_max=positions_max,
    )


FORMS: Final = (
    Form(AccountsPage, 2, bytes.fromhex("c3019da6432bf64e2f72"), write_accounts_page_2, read_accounts_page_2),
    Form(LedgerHead, 2, bytes.fromhex("c301fcb521694c453623"), write_ledger_head_2, read_ledger_head_2),
)
