"""How an event changes the state. Writes, never refuses, holds no rule: folding the events gives the ledger again."""

from typing import assert_never

from engine.core.accounts import deposit_day
from engine.core.bounds import MEMORY
from engine.core.records import NOTHING, Account, Candidate, Feed, Market, Position, Quote, Remembered
from engine.core.state import State
from engine.core.triggers import TriggerIndex
from schemas import commands
from schemas.events import (
    AccountOpened,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
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
from schemas.messages import Book, Leg
from schemas.units import Lots, Micros, Timestamp

EXITS = (PositionClosed, PositionReduced, OldestReduced, StopsAmended)
EXIT_COMMANDS = tuple(command.__name__ for command in commands.EXITS)


def apply(state: State, event: Event) -> None:
    """Make the state what it is after the event; events come in order of seq, none left out."""
    assert event.seq == state.seq + 1, f"event {event.seq} after {state.seq}"
    account = state.accounts.get(event.account_id) if event.account_id is not None else None
    if state.copying is not None and account is not None:
        state.copying.keep(account)
    match event:
        case PricesUpdated():
            _update_prices(state, event)
        case PositionOpened():
            _open_position(state, event)
        case PositionClosed():
            _close_position(state, event)
        case PositionReduced():
            _reduce_position(state, event)
        case StopsAmended():
            position = state.positions[event.position_id]
            state.triggers[event.symbol].remove(position)
            position.stop_loss, position.take_profit = event.stop_loss, event.take_profit
            state.triggers[event.symbol].add(position)
        case AccountOpened():
            account = _open_account(state, event)
        case Deposited():
            _deposit(state, event)
        case Withdrawn():
            _move(state, event.account_id, event.legs)
        case TickHeld():
            _hold_tick(state, event)
        case FeedSelected():
            _select_feed(state, event)
        case InstrumentsDefined():
            for instrument in event.instruments:
                state.instruments[instrument.symbol] = instrument
                state.markets.setdefault(instrument.symbol, Market(symbol=instrument.symbol))
                state.triggers.setdefault(instrument.symbol, TriggerIndex())
        case MarketStatusSet():
            state.markets[event.symbol].status = event.status
        case RulesActivated():
            state.rules_version = event.version
        case CommandRejected() | CommandRepeated() | FeedKept() | OldestReduced():
            pass
        case _:
            assert_never(event)
    _advance(state, account, event)


def _advance(state: State, account: Account | None, event: Event) -> None:
    """Move the shard's and the account's position on, and remember the command's id."""
    state.seq = event.seq
    state.time = event.time
    state.next_offset = event.command_offset + 1
    if account is not None and event.account_seq is not None:
        account.seq = event.account_seq
    if event.command_hash is None or event.command_id is None:
        return
    entry = Remembered(offset=event.command_offset, time=event.time, content=event.command_hash)
    if account is None:
        if event.account_id is None:
            state.broadcasts[event.command_id] = entry
        return
    ids = account.exits if _is_exit(event) else account.commands
    while ids:
        oldest = next(iter(ids))
        if ids[oldest].time + MEMORY > event.time:
            break
        del ids[oldest]
    ids[event.command_id] = entry


def _is_exit(event: Event) -> bool:
    """Say whether the command only closed or amended."""
    if isinstance(event, CommandRejected):
        return event.command in EXIT_COMMANDS
    return isinstance(event, EXITS)


def _move(state: State, account_id: str | None, legs: tuple[Leg, ...]) -> None:
    """Post each leg to the two books it names."""
    account = state.accounts[account_id] if account_id is not None else None
    for leg in legs:
        _post(state, account, leg.source, -leg.amount)
        _post(state, account, leg.target, leg.amount)


def _post(state: State, account: Account | None, book: Book, amount: Micros) -> None:
    match book:
        case "CASH":
            assert account is not None
            account.cash += amount
        case "MARGIN":
            assert account is not None
            account.margin += amount
        case "HOUSE":
            state.house += amount
        case "FEES":
            state.fees += amount
        case "INSURANCE":
            state.insurance += amount
        case "EXTERNAL":
            state.external += amount
        case _:
            assert_never(book)


def _open_account(state: State, event: AccountOpened) -> Account:
    assert event.account_id is not None
    account = Account(account_id=event.account_id, number=len(state.accounts_by_number), opened_at=event.time)
    state.accounts[event.account_id] = account
    state.accounts_by_number.append(account)
    _move(state, event.account_id, event.legs)
    return account


def _deposit(state: State, event: Deposited) -> None:
    assert event.account_id is not None
    _move(state, event.account_id, event.legs)
    account = state.accounts[event.account_id]
    day = deposit_day(event.time)
    account.deposited = event.amount + (account.deposited if account.deposit_day == day else NOTHING)
    account.deposit_day = day


def _open_position(state: State, event: PositionOpened) -> None:
    assert event.account_id is not None
    _move(state, event.account_id, event.legs)
    position = Position(
        position_id=event.position_id,
        number=state.next_position,
        account_id=event.account_id,
        symbol=event.symbol,
        side=event.side,
        quantity=event.quantity,
        entry_price=event.price,
        entry_notional=event.notional,
        margin=event.margin,
        leverage=event.leverage,
        fee_rate=event.fee_rate,
        maintenance_rate=event.maintenance_rate,
        margin_floor_rate=event.margin_floor_rate,
        liquidation_fee_rate=event.liquidation_fee_rate,
        liquidation_price=event.liquidation_price,
        stop_loss=event.stop_loss,
        take_profit=event.take_profit,
        opened_at=event.time,
    )
    state.next_position += 1
    state.positions[event.position_id] = position
    account = state.accounts[event.account_id]
    account.positions[event.position_id] = position
    if event.client_order_id is not None:
        _remember_order(account.client_order_ids, event.client_order_id, event.time)
    state.triggers[event.symbol].add(position)
    _expose(state, position, position.quantity, position.entry_notional)


def _remember_order(ids: dict[str, Timestamp], client_order_id: str, time: Timestamp) -> None:
    while ids:
        oldest = next(iter(ids))
        if ids[oldest] + MEMORY > time:
            break
        del ids[oldest]
    ids[client_order_id] = time


def _close_position(state: State, event: PositionClosed) -> None:
    _move(state, event.account_id, event.legs)
    position = state.positions.pop(event.position_id)
    del state.accounts[position.account_id].positions[event.position_id]
    state.triggers[event.symbol].remove(position)
    _expose(state, position, -position.quantity, -position.entry_notional)


def _reduce_position(state: State, event: PositionReduced) -> None:
    _move(state, event.account_id, event.legs)
    position = state.positions[event.position_id]
    state.triggers[event.symbol].remove(position)
    position.quantity = event.quantity_left
    position.entry_notional = event.entry_notional_left
    position.margin = event.margin_left
    position.liquidation_price = event.liquidation_price
    state.triggers[event.symbol].add(position)
    _expose(state, position, -event.quantity, -event.entry_notional)


def _expose(state: State, position: Position, quantity: Lots, notional: Micros) -> None:
    """Add a position's size to what the account, the side and the house hold of the symbol."""
    account, market = state.accounts[position.account_id], state.markets[position.symbol]
    account.open_notional[position.symbol] = account.open_notional.get(position.symbol, NOTHING) + notional
    if position.side == "long":
        market.long_notional += notional
        market.house_quantity -= quantity
    else:
        market.short_notional += notional
        market.house_quantity += quantity


def _update_prices(state: State, event: PricesUpdated) -> None:
    state.clock_suspect = event.clock_suspect
    for tick in event.accepted:
        market = state.markets[tick.symbol]
        market.quote = Quote(
            bid=tick.bid,
            ask=tick.ask,
            source_time=tick.source_time,
            update_id=tick.update_id,
            offset=event.command_offset,
            heard_at=event.time,
        )
        market.candidate = None
        market.last_source_time, market.last_update_id = tick.source_time, tick.update_id
    for symbol in event.alive:
        quote = state.markets[symbol].quote
        assert quote is not None
        quote.heard_at = event.time


def _hold_tick(state: State, event: TickHeld) -> None:
    market = state.markets[event.symbol]
    market.candidate = Candidate(bid=event.bid, ask=event.ask, source_time=event.source_time, update_id=event.update_id)
    market.last_source_time, market.last_update_id = event.source_time, event.update_id


def _select_feed(state: State, event: FeedSelected) -> None:
    state.feed = Feed(name=event.name, run=event.run, live=event.live)
    for market in state.markets.values():
        market.candidate = None
        market.last_source_time = market.last_update_id = None
        if market.quote is not None:
            market.quote.stale = True
