"""Defects in the rules of version 2, each in one function of the core."""

from collections import deque
from typing import Any, Final

from engine.core import apply, apply_prices, closing, liquidation, memory, opening, operations, prices, reducing
from engine.core.closing import positions_that_close
from engine.core.context import CommandContext
from engine.core.liquidation import Settlement, is_liquidatable, requirement_of, settle
from engine.core.memory import BudgetName, bring_back, budget_after, forget_oldest, remembered_ids
from engine.core.rules import Rules
from engine.core.state import RememberedId, State
from schemas.commands import CloseAll
from schemas.events import AllClosed, ClockSet, CommandRejected, Event, OldestReduced, PositionClosed
from schemas.ledger_records import Account, Market, Position, Quote
from schemas.messages import AliveMark, Instrument, RefusedTick, Tick
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import PPM, Micros, Timestamp
from tests.properties.defect import Defect

CLOSE_ALL: Final = closing.decide_close_all
VOUCHED: Final = prices._vouched_for
REFUSE_SIZE: Final = opening._refuse_size
SET_CLOCK: Final = apply._set_clock
CONTRADICT: Final = apply_prices._contradict


def _names_another_update(market: Market, mark: AliveMark) -> bool:
    quote = market.quote
    assert quote is not None
    return not quote.contradicted and market.candidate is None and mark.source_time == quote.source_time


def _from_the_old_side(tick: Tick, quote: Quote, instrument: Instrument, _rules: Rules) -> bool:
    before = quote.bid + quote.ask
    return abs(tick.bid + tick.ask - before) * PPM > instrument.jump_max * before


def _fresh_for_five_seconds(state: State, tick: RefusedTick, *, clock_suspect: bool) -> None:
    del clock_suspect
    CONTRADICT(state, tick, clock_suspect=False)


def _with_a_clock_that_is_off(*arguments: Any, clock_suspect: bool) -> tuple[str, ...]:
    del clock_suspect
    return VOUCHED(*arguments, clock_suspect=False)


def _closes_count(account: Account, outcome: Event, rules: Rules) -> BudgetName:
    return "exits" if isinstance(outcome, PositionClosed) else budget_after(account, outcome, rules)


def _refused_as_openings(account: Account, outcome: Event, rules: Rules) -> BudgetName:
    return "commands" if isinstance(outcome, CommandRejected) else budget_after(account, outcome, rules)


def _oldest_as_parts(account: Account, outcome: Event, rules: Rules) -> BudgetName:
    return "exits" if isinstance(outcome, OldestReduced) else budget_after(account, outcome, rules)


def _any_number(*arguments: Any) -> Rejection | None:
    rejection = REFUSE_SIZE(*arguments)
    return None if rejection is Rejection.TOO_MANY_POSITIONS else rejection


def _closes_the_stale(state: State, command: CloseAll, context: CommandContext) -> Event:
    outcome = CLOSE_ALL(state, command, context)
    if not isinstance(outcome, AllClosed):
        return outcome
    return replace(outcome, positions=outcome.positions + len(outcome.left), left=())


def _newest_first(state: State, outcome: AllClosed) -> list[Position]:
    return positions_that_close(state, outcome)[::-1]


def _forgets(state: State, account: Account, now: Timestamp) -> bool:
    for ids in memory._all_ids(account):
        for name in [name for name, entry in ids.items() if entry.time > now]:
            del ids[name]
    return bring_back(state, account, now)


def _leaves_prices_ahead(state: State, event: ClockSet) -> None:
    heard = {symbol: market.quote for symbol, market in state.markets.items() if market.quote is not None}
    times = {symbol: (quote.heard_at, quote.stale) for symbol, quote in heard.items()}
    SET_CLOCK(state, event)
    for symbol, quote in heard.items():
        quote.heard_at, quote.stale = times[symbol]


def _fee_by_equity(
    position: Position, *, notional: Micros, equity: Micros, insurance: Micros, is_liquidated: bool
) -> Settlement:
    required = requirement_of(notional, position.margin, position.maintenance_rate, position.margin_floor_rate)
    overdue = is_liquidated or is_liquidatable(equity, required)
    return settle(position, notional=notional, equity=equity, insurance=insurance, is_liquidated=overdue)


def _forgets_three(state: State, time: int, most: int) -> None:
    forget_oldest(state, time, most + 1)


def _newest_ids_first(accounts: list[Account]) -> "deque[RememberedId]":
    return deque(reversed(remembered_ids(accounts)))


# Laws, calculator and audit do not see why a command was refused, and no event tells which ids are remembered.
PRICES: Final = (
    Defect("a mark counts that names another update", prices._is_last, _names_another_update),
    Defect("a newer tick that was refused is forgotten", apply_prices._contradict, lambda *_, **__: None),
    Defect("a contradicted price is fresh though a clock is off", CONTRADICT, _fresh_for_five_seconds),
    Defect("a mark counts though its clock is off", VOUCHED, _with_a_clock_that_is_off),
    Defect("a candidate never ages", prices.waiting, lambda market, *_: market.candidate, laws=False),
    Defect("a fall is measured from the old side", prices._is_jump, _from_the_old_side, laws=False),
    Defect("a price is never too old to open at", opening._is_too_old, lambda *_: False),
    Defect("a tick keeps its range", prices._within_its_range, lambda _, tick, *__: tick, twin=False),
)
BUDGETS: Final = (
    Defect("closes are counted", budget_after, _closes_count, laws=False),
    Defect("refused commands are counted as openings", budget_after, _refused_as_openings, laws=False),
    Defect("a reduction that closes positions whole is counted", budget_after, _oldest_as_parts, laws=False),
    Defect("an account may have any number of positions", REFUSE_SIZE, _any_number),
    Defect("three ids are forgotten with a command", forget_oldest, _forgets_three, laws=False),
    # Executing and folding do it alike: only a ledger beside it that did not restart shows it.
    Defect("after a snapshot the newest ids are forgotten first", remembered_ids, _newest_ids_first, laws=False),
)
CLOSING: Final = (
    Defect("a close of all closes at stale prices", CLOSE_ALL, _closes_the_stale),
    Defect("a close of all begins with the newest", positions_that_close, _newest_first),
    Defect("a stop in a gap pays the liquidation fee", liquidation.settle, _fee_by_equity),
    Defect("a reduction says what was asked for", reducing._closing_of, lambda _, __, quantity: quantity),
)
CLOCK: Final = (
    Defect("setting the clock forgets ids", bring_back, _forgets, laws=False),
    Defect("setting the clock leaves ids ahead", bring_back, lambda *_: False, laws=False),
    Defect("setting the clock leaves prices ahead", SET_CLOCK, _leaves_prices_ahead, laws=False),
)
UNITS: Final = (
    Defect("a new instrument may have any tick value", operations._has_its_units, lambda *_: True, laws=False),
)
NEWEST_RULES: Final = PRICES + BUDGETS + CLOSING + CLOCK + UNITS
