"""What the ledger was after a command, or at a time: accounts, positions, prices and books, in decimal digits."""

from typing import Any, NamedTuple

from audit.digits import iso, money
from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.reports import CORE_ERRORS
from audit.verify.ring import newest_start
from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.prices import condition
from engine.core.state import State
from engine.core.triggers import NoTriggers
from runtime.errors import FixableError
from schemas.codec import NotDecodable, decode_event
from schemas.ledger_records import Account, Position
from schemas.messages import Instrument
from schemas.units import LEVERAGE_EXPONENT, render


class LedgerUpTo(NamedTuple):
    """A ledger, and whether it is the log's last one, for the moment that was asked for lies behind it."""

    state: State
    is_log_end: bool


class Moment(NamedTuple):
    """After the command at an offset, or after the last command of a log time (µs); one of them is null."""

    offset: int | None
    time: int | None


def ledger_at(log: LogReader, shard: int, moment: Moment) -> State:
    """Give the ledger at a moment, or where the log ends before it the last one."""
    return ledger_up_to(log, shard, moment).state


def ledger_up_to(log: LogReader, shard: int, moment: Moment) -> LedgerUpTo:
    """Fold a shard's events from the newest snapshot before the moment, and say whether the log goes as far."""
    if moment.offset is not None:
        start = newest_start(log, shard, below=moment.offset + 1)
    else:
        assert moment.time is not None, "a moment is an offset or a time"
        start = newest_start(log, shard, at_time=moment.time)
    state = start.state
    state.triggers = NoTriggers()
    for batch in log.events(shard, 0):
        for record in batch:
            try:
                event = decode_event(record.value)
                if event.seq <= state.seq:
                    continue
                if _is_after(moment, event.command_offset, event.time):
                    return LedgerUpTo(state, is_log_end=False)
                apply(state, event)
            except (NotDecodable, *CORE_ERRORS) as error:
                raise LogUnreadable(
                    f"Shard {shard}: the events cannot be folded over record {record.offset} ({error!r}); "
                    "`./reprise audit verify` says what is wrong with it."
                ) from error
    return LedgerUpTo(state, is_log_end=_is_beyond(moment, state))


def require_accounts(state: State, accounts: frozenset[str], moment: str) -> None:
    """Refuse accounts that are not in the ledger of a moment."""
    unknown = sorted(accounts - state.accounts.keys())
    if unknown:
        raise FixableError(f"Shard {state.shard} has no account {', '.join(unknown)} at {moment}.")


def describe(state: State, accounts: frozenset[str] | None = None) -> dict[str, Any]:
    """Give a ledger as it is printed; of the accounts all, or those named."""
    chosen = [account for name, account in state.accounts.items() if accounts is None or name in accounts]
    clients = sum(account.cash + account.margin for account in state.accounts.values())
    return {
        "shard": state.shard,
        "next_offset": state.next_offset,
        "seq": state.seq,
        "time": iso(state.time),
        "rules_version": state.rules_version,
        "digest": state_digest(state).hex(),
        "books": {
            "CLIENTS": money(clients),
            "HOUSE": money(state.house),
            "FEES": money(state.fees),
            "INSURANCE": money(state.insurance),
            "EXTERNAL": money(state.external),
        },
        "feed": None if state.feed is None else {"name": state.feed.name, "run": state.feed.run},
        "prices": [_describe_price(state, symbol) for symbol in state.instruments],
        "account_count": len(state.accounts),
        "position_count": len(state.positions),
        "accounts": [describe_account(state, account) for account in chosen],
    }


def describe_account(state: State, account: Account) -> dict[str, Any]:
    """Give an account of a ledger as it is printed."""
    profits = {name: profit_now(state, position) for name, position in account.positions.items()}
    unrealized = sum(profit or 0 for profit in profits.values())
    balance = account.cash + account.margin
    return {
        "account_id": account.account_id,
        "seq": account.seq,
        "cash": money(account.cash),
        "used_margin": money(account.margin),
        "balance": money(balance),
        "unrealized_pnl": money(unrealized),
        "equity": money(balance + unrealized),
        "positions": [
            _describe_position(position, profits[name], state.instruments[position.symbol])
            for name, position in account.positions.items()
        ],
    }


def profit_now(state: State, position: Position) -> int | None:
    """Give a position's profit at the exit price; null without a price."""
    quote = state.markets[position.symbol].quote
    if quote is None:
        return None
    price = quote.bid if position.side == "long" else quote.ask
    notional = position.quantity * price * state.instruments[position.symbol].tick_value
    return notional - position.entry_notional if position.side == "long" else position.entry_notional - notional


def _describe_price(state: State, symbol: str) -> dict[str, Any]:
    market, instrument = state.markets[symbol], state.instruments[symbol]
    quote = market.quote
    return {
        "symbol": symbol,
        "status": market.status,
        "price": condition(state, symbol, state.time),
        "bid": None if quote is None else render(quote.bid, instrument.tick_exponent),
        "ask": None if quote is None else render(quote.ask, instrument.tick_exponent),
        "tick_offset": None if quote is None else quote.offset,
        "long_notional": money(market.long_notional),
        "short_notional": money(market.short_notional),
    }


def _describe_position(position: Position, profit: int | None, instrument: Instrument) -> dict[str, Any]:
    def price(ticks: int | None) -> str | None:
        return None if ticks is None else render(ticks, instrument.tick_exponent)

    return {
        "position_id": position.position_id,
        "symbol": position.symbol,
        "side": position.side,
        "quantity": render(position.quantity, instrument.lot_exponent),
        "entry_price": price(position.entry_price),
        "entry_notional": money(position.entry_notional),
        "margin": money(position.margin),
        "leverage": render(position.leverage, LEVERAGE_EXPONENT),
        "liquidation_price": price(position.liquidation_price),
        "stop_loss": price(position.stop_loss),
        "take_profit": price(position.take_profit),
        "unrealized_pnl": None if profit is None else money(profit),
        "opened_at": iso(position.opened_at),
    }


def _is_beyond(moment: Moment, state: State) -> bool:
    if moment.offset is not None:
        return moment.offset >= state.next_offset
    return moment.time is not None and moment.time > state.time


def _is_after(moment: Moment, offset: int, time: int) -> bool:
    if moment.offset is not None:
        return offset > moment.offset
    return moment.time is not None and time > moment.time
