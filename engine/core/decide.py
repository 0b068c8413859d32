"""What a command leads to. Reads the state, never writes it; every rule stands here or in the module it calls."""

from typing import assert_never

from engine.core.accounts import decide_deposit, decide_open_account, decide_withdraw
from engine.core.admission import admit_broadcast, admit_client, count
from engine.core.closing import decide_close, decide_close_all
from engine.core.context import CommandContext, rejected
from engine.core.opening import decide_open
from engine.core.operations import (
    decide_account_limits,
    decide_clock,
    decide_feed,
    decide_instruments,
    decide_market_status,
    decide_offset_gap,
    decide_rules,
)
from engine.core.prices import decide_prices
from engine.core.reducing import decide_reduce, decide_reduce_oldest
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.stops import decide_amend
from schemas.commands import (
    AcceptOffsetGap,
    AccountCommand,
    ActivateRules,
    AmendStops,
    Broadcast,
    ClientCommand,
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
from schemas.events import Event
from schemas.rejections import Rejection


def decide(state: State, command: Command | None, context: CommandContext) -> list[Event]:
    """Give what happens: at least one event, the first of which is the outcome. Null: bytes that are no command."""
    if command is None:
        return [rejected(state, context, Rejection.NOT_DECODABLE)]
    if isinstance(command, UpdatePrices):
        return decide_prices(state, command, context)
    if isinstance(command, ClientCommand):
        refusal = admit_client(state, command, context)
        outcome = _decide_admitted(state, command, context) if refusal is None else refusal
        rules = RULES[state.rules_version]
        return [count(state, command, context, outcome, rules) if rules.budgets else outcome]
    refusal = admit_broadcast(state, command, context) if isinstance(command, Broadcast) else None
    return [_decide_admitted(state, command, context) if refusal is None else refusal]


def _decide_admitted(
    state: State,
    command: AccountCommand
    | DefineInstruments
    | SetMarketStatus
    | ActivateRules
    | SetClock
    | SetAccountLimits
    | AcceptOffsetGap
    | SelectFeed,
    context: CommandContext,
) -> Event:
    match command:
        case OpenPosition():
            return decide_open(state, command, context)
        case ClosePosition():
            return decide_close(state, command, context)
        case ReducePosition():
            return decide_reduce(state, command, context)
        case ReduceOldest():
            return decide_reduce_oldest(state, command, context)
        case CloseAll():
            return decide_close_all(state, command, context)
        case AmendStops():
            return decide_amend(state, command, context)
        case OpenAccount():
            return decide_open_account(state, command, context)
        case Deposit():
            return decide_deposit(state, command, context)
        case Withdraw():
            return decide_withdraw(state, command, context)
        case DefineInstruments():
            return decide_instruments(state, command, context)
        case SetMarketStatus():
            return decide_market_status(state, command, context)
        case ActivateRules():
            return decide_rules(state, command, context)
        case SetClock():
            return decide_clock(state, command, context)
        case SetAccountLimits():
            return decide_account_limits(state, command, context)
        case AcceptOffsetGap():
            return decide_offset_gap(state, command, context)
        case SelectFeed():
            return decide_feed(state, command, context)
        case _:
            assert_never(command)
