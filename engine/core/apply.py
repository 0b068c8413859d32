"""How an event changes the state. Writes, never refuses, holds no rule: folding the events gives the ledger again."""

from typing import assert_never

from engine.core.accounts import deposit_day
from engine.core.apply_prices import hold_tick, select_feed, update_prices
from engine.core.bounds import MEMORY, NOTHING, SOURCE_DRIFT_MAX
from engine.core.memory import bring_back, forget_oldest, remember, remembered_ids
from engine.core.rules import RULES
from engine.core.state import State
from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
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
from schemas.ledger_records import Account, Market, Position, Remembered
from schemas.messages import Book, Leg
from schemas.record import replace
from schemas.units import Lots, Micros, Timestamp


def apply(state: State, event: Event) -> None:
    """Make the state what it is after the event; events come in order of seq, none left out."""
    assert event.seq == state.seq + 1, f"event {event.seq} after {state.seq}"
    account = state.accounts.get(event.account_id) if event.account_id is not None else None
    if state.copying is not None and account is not None:
        state.copying.keep(account)
    match event:
        case PricesUpdated():
            update_prices(state, event)
        case PositionOpened():
            _open_position(state, event)
        case PositionClosed():
            _close_position(state, event)
        case PositionReduced():
            _reduce_position(state, event)
        case StopsAmended():
            position = state.positions[event.position_id]
            state.triggers.remove(position)
            position.stop_loss, position.take_profit = event.stop_loss, event.take_profit
            state.triggers.add(position)
        case AccountOpened():
            account = _open_account(state, event)
        case Deposited():
            _deposit(state, event)
        case Withdrawn():
            _move(state, event.account_id, event.legs)
        case TickHeld():
            hold_tick(state, event)
        case FeedSelected():
            select_feed(state, event)
        case InstrumentsDefined():
            for instrument in event.instruments:
                state.instruments[instrument.symbol] = instrument
                state.markets.setdefault(instrument.symbol, Market(symbol=instrument.symbol))
                state.triggers.define(instrument.symbol)
        case MarketStatusSet():
            state.markets[event.symbol].status = event.status
        case RulesActivated():
            _activate_rules(state, event)
        case ClockSet():
            _set_clock(state, event)
        case AccountLimitsSet():
            state.positions_max = event.positions_max
        case CommandRejected() | CommandRepeated() | FeedKept() | OldestReduced() | AllClosed() | OffsetGapAccepted():
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
    if event.index == 0 and state.remembered:
        forget_oldest(state, event.time, RULES[state.rules_version].forgotten_each_command)
    if event.command_hash is None or event.command_id is None:
        return
    entry = Remembered(offset=event.command_offset, time=event.time, content=event.command_hash)
    if account is None:
        if event.account_id is None:
            state.broadcasts[event.command_id] = entry
        return
    remember(state, account, event, event.command_id, entry)


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
    state.triggers.add(position)
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
    state.triggers.remove(position)
    _expose(state, position, -position.quantity, -position.entry_notional)


def _reduce_position(state: State, event: PositionReduced) -> None:
    _move(state, event.account_id, event.legs)
    position = state.positions[event.position_id]
    state.triggers.remove(position)
    position.quantity = event.quantity_left
    position.entry_notional = event.entry_notional_left
    position.margin = event.margin_left
    position.liquidation_price = event.liquidation_price
    state.triggers.add(position)
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


def _activate_rules(state: State, event: RulesActivated) -> None:
    """Go on by a version, with what it keeps and the one before did not."""
    state.rules_version = event.version
    if RULES[event.version].forgotten_each_command and not state.remembered:
        state.remembered = remembered_ids(state.accounts_by_number)
    for market in state.markets.values():
        if market.candidate is not None:
            market.candidate = replace(market.candidate, held_at=event.time)


def _set_clock(state: State, event: ClockSet) -> None:
    """Bring back to the new time what would otherwise wait for a time that is far ahead."""
    now, is_live = event.time, state.feed is not None and state.feed.live
    for market in state.markets.values():
        quote, candidate = market.quote, market.candidate
        if quote is not None and quote.heard_at > now:
            quote.heard_at, quote.stale = now, True
        if candidate is not None and candidate.held_at > now:
            market.candidate = replace(candidate, held_at=now)
        if is_live and (market.last_source_time or 0) > now + SOURCE_DRIFT_MAX:
            # Its feed's clock was ahead too: whatever comes now would be older for as long.
            market.candidate = market.last_source_time = market.last_update_id = None
            if quote is not None:
                quote.stale = True
    ahead = False
    for account in state.accounts_by_number:
        if bring_back(state, account, now):
            ahead = True
    if ahead:
        state.remembered = remembered_ids(state.accounts_by_number)
