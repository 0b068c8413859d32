"""How a command is described, in words: money in USDC, prices and sizes in the instrument's own digits."""

from collections.abc import Mapping
from typing import assert_never

from audit.digits import money
from audit.explain.lines import Units
from schemas.commands import (
    AcceptOffsetGap,
    ActivateRules,
    AmendStops,
    CloseAll,
    ClosePosition,
    Command,
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
from schemas.messages import Instrument
from schemas.units import LEVERAGE_EXPONENT, render


def describe_command(
    command: Command | None, instruments: Mapping[str, Instrument], position_instrument: Instrument | None
) -> str:
    """Say what a command asked for. position_instrument: of the position it names, where there is one."""
    match command:
        case None:
            return "nothing that can be read: the bytes are no command"
        case OpenPosition():
            return _opening(command, instruments)
        case ReduceOldest():
            size = _size(command.quantity, instruments.get(command.symbol))
            return (
                f"closing {size} of the oldest {command.side} positions in {command.symbol} at "
                f"{render(command.leverage, LEVERAGE_EXPONENT)}x"
            )
        case CloseAll():
            return f"closing every position{'' if command.symbol is None else f' in {command.symbol}'}"
        case ClosePosition():
            return f"closing position {command.position_id}"
        case ReducePosition():
            return f"closing {_size(command.quantity, position_instrument)} of position {command.position_id}"
        case AmendStops():
            return _amendment(command, position_instrument)
        case (
            OpenAccount()
            | Deposit()
            | Withdraw()
            | DefineInstruments()
            | SetMarketStatus()
            | ActivateRules()
            | SetClock()
            | SetAccountLimits()
            | AcceptOffsetGap()
            | SelectFeed()
            | UpdatePrices()
        ):
            return _plainly(command)
        case _:
            assert_never(command)


def _opening(command: OpenPosition, instruments: Mapping[str, Instrument]) -> str:
    instrument = instruments.get(command.symbol)
    parts = [f"a {command.side} in {command.symbol} at {render(command.leverage, LEVERAGE_EXPONENT)}x"]
    if command.margin is not None:
        parts.append(f"for a margin of {money(command.margin)} USDC")
    if command.quantity is not None:
        parts.append(f"of {_size(command.quantity, instrument)}")
    if command.expected_price is not None:
        slippage = "the instrument's" if command.slippage_bps is None else f"{command.slippage_bps} bp of"
        parts.append(f"expected at {_price(command.expected_price, instrument)} within {slippage} slippage")
    for name, price in (("stop loss", command.stop_loss), ("take profit", command.take_profit)):
        if price is not None:
            parts.append(f"{name} {_price(price, instrument)}")
    return ", ".join(parts)


def _amendment(command: AmendStops, position_instrument: Instrument | None) -> str:
    parts = [
        f"{name} {'off' if price is None else _price(price, position_instrument)}"
        for name, price, is_meant in (
            ("stop loss", command.stop_loss, command.amend_stop_loss),
            ("take profit", command.take_profit, command.amend_take_profit),
        )
        if is_meant
    ]
    return f"other stops of position {command.position_id}: {', '.join(parts) or 'none named'}"


def _plainly(
    command: OpenAccount
    | Deposit
    | Withdraw
    | DefineInstruments
    | SetMarketStatus
    | ActivateRules
    | SetClock
    | SetAccountLimits
    | AcceptOffsetGap
    | SelectFeed
    | UpdatePrices,
) -> str:
    match command:
        case OpenAccount():
            return f"an account with a first deposit of {money(command.first_deposit)} USDC"
        case Deposit():
            return f"a deposit of {money(command.amount)} USDC"
        case Withdraw():
            return f"a withdrawal of {money(command.amount)} USDC"
        case DefineInstruments():
            return f"the instruments {', '.join(instrument.symbol for instrument in command.instruments)}"
        case SetMarketStatus():
            return f"{command.symbol} to be {command.status}"
        case ActivateRules():
            return f"version {command.version} of the rules"
        case SetClock():
            return "log time to be the broker's from here on"
        case SetAccountLimits():
            return f"at most {command.positions_max} open positions an account"
        case AcceptOffsetGap():
            return f"the ledger to go on over offsets {command.first_offset} to {command.last_offset}"
        case SelectFeed():
            return f"prices of feed {command.name}, run {command.run}"
        case UpdatePrices():
            symbols = ", ".join(tick.symbol for tick in command.ticks) or "no symbol"
            marked = ", ".join(mark.symbol for mark in command.marks or ())
            vouched = f", and the last of {marked} to stay" if marked else ""
            return f"prices of {symbols}{vouched}, of feed {command.feed}, run {command.run}"
        case _:
            assert_never(command)


def _size(lots: int, instrument: Instrument | None) -> str:
    return f"{lots} lots" if instrument is None else Units(instrument).named_size(lots)


def _price(ticks: int, instrument: Instrument | None) -> str:
    return f"{ticks} ticks" if instrument is None else Units(instrument).price(ticks)
