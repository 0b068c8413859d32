"""What the operator decides for a whole shard: instruments, halts, whose prices count, by which rules it goes on."""

from typing import Final, get_args

from engine.core.bounds import POSITIONS_MAX_MOST
from engine.core.context import CommandContext, header, rejected
from engine.core.rules import RULES, RulesUnknown
from engine.core.state import State
from schemas.bounds import is_id, parameters_out_of_bounds
from schemas.commands import (
    AcceptOffsetGap,
    ActivateRules,
    DefineInstruments,
    SelectFeed,
    SetAccountLimits,
    SetClock,
    SetMarketStatus,
)
from schemas.events import (
    AccountLimitsSet,
    ClockSet,
    Event,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
    RulesActivated,
)
from schemas.messages import Instrument
from schemas.rejections import Rejection
from schemas.units import MONEY_EXPONENT
from schemas.words import FeedName

FEED_NAMES: Final = get_args(FeedName)


def decide_instruments(state: State, command: DefineInstruments, context: CommandContext) -> Event:
    """Add instruments or change them; a known one keeps its tick, lot and tick_value."""
    symbols = {instrument.symbol: None for instrument in command.instruments}
    if len(symbols) != len(command.instruments) or not symbols:
        return rejected(state, context, Rejection.MALFORMED)
    if not all(_is_sound(instrument) and _has_its_units(state, instrument) for instrument in command.instruments):
        return rejected(state, context, Rejection.MALFORMED)
    # From here on the command must succeed.
    return InstrumentsDefined(
        header(state, context, None), broadcast=command.broadcast, instruments=command.instruments
    )


def decide_market_status(state: State, command: SetMarketStatus, context: CommandContext) -> Event:
    """Open, restrict or halt a market."""
    if command.symbol not in state.instruments:
        return rejected(state, context, Rejection.SYMBOL_UNKNOWN)
    return MarketStatusSet(
        header(state, context, None), broadcast=command.broadcast, symbol=command.symbol, status=command.status
    )


def decide_feed(state: State, command: SelectFeed, context: CommandContext) -> Event:
    """Say whose prices count; the same name and run change nothing."""
    if command.name not in FEED_NAMES or not is_id(command.run):
        return rejected(state, context, Rejection.MALFORMED)
    feed = state.feed
    if feed is not None and (feed.name, feed.run) == (command.name, command.run):
        return FeedKept(header(state, context, None), name=command.name, run=command.run)
    return FeedSelected(header(state, context, None), name=command.name, run=command.run, live=command.live)


def decide_rules(state: State, command: ActivateRules, context: CommandContext) -> Event:
    """Go on by the next version of the rules; RulesUnknown where the log knows of one that this code does not."""
    if command.version != state.rules_version + 1:
        context.content = None  # It may be sent again when its turn has come.
        return rejected(state, context, Rejection.RULES_VERSION_NOT_NEXT)
    if command.version not in RULES:
        raise RulesUnknown(command.version)
    # From here on the command must succeed.
    return RulesActivated(header(state, context, None), broadcast=command.broadcast, version=command.version)


def decide_clock(state: State, command: SetClock, context: CommandContext) -> Event:
    """Let log time be what the broker's clock says now; from here on it goes on from there."""
    # From here on the command must succeed.
    context.time = context.appended_at
    return ClockSet(header(state, context, None), broadcast=command.broadcast, before=state.time)


def decide_account_limits(state: State, command: SetAccountLimits, context: CommandContext) -> Event:
    """Set what holds for every account."""
    if not 1 <= command.positions_max <= POSITIONS_MAX_MOST:
        return rejected(state, context, Rejection.MALFORMED)
    return AccountLimitsSet(
        header(state, context, None), broadcast=command.broadcast, positions_max=command.positions_max
    )


def decide_offset_gap(state: State, command: AcceptOffsetGap, context: CommandContext) -> Event:
    """Note which offsets hold no record; that they hold none is seen by who reads the log, here it is not known."""
    if not 0 <= command.first_offset <= command.last_offset < context.offset:
        return rejected(state, context, Rejection.MALFORMED)
    return OffsetGapAccepted(
        header(state, context, None), first_offset=command.first_offset, last_offset=command.last_offset
    )


def _is_sound(instrument: Instrument) -> bool:
    """Hold every parameter to bounds within which the core's arithmetic is right."""
    return is_id(instrument.symbol) and not parameters_out_of_bounds(instrument)


def _has_its_units(state: State, instrument: Instrument) -> bool:
    """Say whether a known instrument keeps its units, and a new one's tick_value is a tick times a lot, in micros."""
    known = state.instruments.get(instrument.symbol)
    if known is not None:
        return (known.tick_exponent, known.lot_exponent, known.tick_value) == (
            instrument.tick_exponent,
            instrument.lot_exponent,
            instrument.tick_value,
        )
    if not RULES[state.rules_version].exact_units:
        return True
    exponent = MONEY_EXPONENT - instrument.tick_exponent - instrument.lot_exponent
    return exponent >= 0 and instrument.tick_value == 10**exponent
