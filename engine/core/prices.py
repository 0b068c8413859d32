"""Which ticks are believed: well-formed, newer, without an unconfirmed jump; and what a price is worth now."""

from typing import Literal

from engine.core.bounds import (
    CLOCK_DRIFT_MAX,
    CONFIRMATION_RATE,
    CONFIRMATION_SPAN,
    PRICE_ENTRIES_MAX,
    SOURCE_DRIFT_MAX,
)
from engine.core.context import CommandContext, header, rejected
from engine.core.rules import RULES, Rules
from engine.core.state import State
from schemas.bounds import PRICE_AGE_MAX, PRICE_MAX
from schemas.commands import UpdatePrices
from schemas.derived import PriceState
from schemas.events import Event, PricesUpdated, TickHeld
from schemas.ledger_records import Candidate, Market, Quote
from schemas.messages import AliveMark, Instrument, RefusedTick, Tick
from schemas.rejections import Rejection, TickRefusal
from schemas.units import PPM

Verdict = TickRefusal | Literal["accepted", "held"]


def condition(state: State, symbol: str, time: int) -> PriceState:
    """Say what a symbol's price is worth at a log time: only a fresh one trades, stops and liquidates."""
    market = state.markets[symbol]
    if market.quote is None:
        return "none"
    if waiting(market, RULES[state.rules_version], time) is not None:
        return "unconfirmed"
    return "stale" if is_stale(market.quote, time) else "fresh"


def waiting(market: Market, rules: Rules, time: int) -> Candidate | None:
    """Give the candidate that waits to be confirmed at a log time; one that has waited too long is forgotten."""
    candidate, age_max = market.candidate, rules.candidate_age_max
    if candidate is None or (age_max is not None and time - candidate.held_at >= age_max):
        return None
    return candidate


def is_stale(quote: Quote, time: int) -> bool:
    """Say whether five seconds passed since the quote was last heard, or its feed was left."""
    return quote.stale or time - quote.heard_at >= PRICE_AGE_MAX


def decide_prices(state: State, command: UpdatePrices, context: CommandContext) -> list[Event]:
    """Sort what a feed sent into accepted, held, alive and refused."""
    entries = len(command.ticks) + len(command.alive) + len(command.marks or ())
    if command.sent_at <= 0 or entries > PRICE_ENTRIES_MAX:
        return [rejected(state, context, Rejection.MALFORMED)]
    feed = state.feed
    if feed is None or command.feed != feed.name or command.run != feed.run:
        return [rejected(state, context, Rejection.FEED_NOT_SELECTED)]
    # From here on the command must succeed.
    rules = RULES[state.rules_version]
    refused: list[RefusedTick] = []
    ticks = _by_symbol(state, command.ticks, refused)
    accepted: list[Tick] = []
    held: list[Tick] = []
    for symbol in state.instruments if len(ticks) > 1 else ticks:
        tick = ticks.get(symbol)
        if tick is None:
            continue
        instrument = state.instruments[symbol]
        verdict = _judge(instrument, state.markets[symbol], tick, rules, live=feed.live, time=context.time)
        if verdict == "accepted":
            accepted.append(_within_its_range(instrument, tick, rules))
        elif verdict == "held":
            held.append(tick)
        else:
            refused.append(_refused(tick, verdict))
    clock_suspect = abs(command.sent_at - context.time) > CLOCK_DRIFT_MAX
    if rules.marks_name_ticks:
        alive = _vouched_for(state, command, ticks, context.time, refused, clock_suspect=clock_suspect)
    else:
        alive = _alive(state, command.alive, ticks, context.time, refused)
    outcome = PricesUpdated(
        header(state, context, None),
        feed=command.feed,
        run=command.run,
        sent_at=command.sent_at,
        clock_suspect=clock_suspect,
        accepted=tuple(accepted),
        alive=alive,
        refused=tuple(refused),
    )
    return [outcome, *(_hold(state, context, tick) for tick in held)]


def _by_symbol(state: State, ticks: tuple[Tick, ...], refused: list[RefusedTick]) -> dict[str, Tick]:
    """Give the ticks of known symbols, the first of each; the others are refused."""
    known: dict[str, Tick] = {}
    for tick in ticks:
        if tick.symbol not in state.instruments:
            refused.append(_refused(tick, TickRefusal.SYMBOL_UNKNOWN))
        elif tick.symbol in known:
            refused.append(_refused(tick, TickRefusal.REPEATED_SYMBOL))
        else:
            known[tick.symbol] = tick
    return known


def _judge(instrument: Instrument, market: Market, tick: Tick, rules: Rules, *, live: bool, time: int) -> Verdict:
    """Say what becomes of one tick: first whether it is well-formed, then whether it is believed."""
    if tick.bid <= 0:
        return TickRefusal.NOT_POSITIVE
    if tick.ask < tick.bid:
        return TickRefusal.CROSSED
    if tick.ask > PRICE_MAX:
        return TickRefusal.ABOVE_MAXIMUM
    if (tick.ask - tick.bid) * 2 * PPM > instrument.spread_max * (tick.bid + tick.ask):
        return TickRefusal.SPREAD_TOO_WIDE
    if not _is_newer(market, tick):
        return TickRefusal.NOT_NEWER
    if live and abs(tick.source_time - time) > SOURCE_DRIFT_MAX:
        return TickRefusal.OUT_OF_TIME
    candidate, quote = waiting(market, rules, time), market.quote
    if candidate is not None and _is_near(tick, candidate, CONFIRMATION_RATE):
        confirmed = tick.source_time - candidate.source_time >= CONFIRMATION_SPAN
        return "accepted" if confirmed else TickRefusal.AWAITING_CONFIRMATION
    if quote is not None and not is_stale(quote, time) and not _is_jump(tick, quote, instrument, rules):
        return "accepted"
    return "held"


def _is_newer(market: Market, tick: Tick) -> bool:
    """Compare with the last tick that was accepted or held: by source time, then by update id."""
    if market.last_source_time is None or market.last_update_id is None:
        return True
    return (tick.source_time, tick.update_id) > (market.last_source_time, market.last_update_id)


def _is_near(tick: Tick, other: Candidate, rate: int) -> bool:
    """Compare two mids: |difference| <= rate (ppm) of the other's."""
    before = other.bid + other.ask
    return abs(tick.bid + tick.ask - before) * PPM <= rate * before


def _is_jump(tick: Tick, quote: Quote, instrument: Instrument, rules: Rules) -> bool:
    """Say whether a tick is further from the last accepted one than may be believed at once."""
    before, mid = quote.bid + quote.ask, tick.bid + tick.ask
    base = min(before, mid) if rules.jumps_alike else before
    return abs(mid - before) * PPM > instrument.jump_max * base


def _within_its_range(instrument: Instrument, tick: Tick, rules: Rules) -> Tick:
    """Keep a range that fits the tick; one that does not, or jumps where the tick did not, becomes the tick's own."""
    mid = tick.bid + tick.ask
    if rules.ranges:
        reach = instrument.jump_max * mid
        if tick.low <= mid <= tick.high and max(mid - tick.low, tick.high - mid) * PPM <= reach:
            return tick
    elif tick.low == mid == tick.high:
        return tick
    return Tick(
        symbol=tick.symbol,
        bid=tick.bid,
        ask=tick.ask,
        low=mid,
        high=mid,
        source_time=tick.source_time,
        update_id=tick.update_id,
    )


def _alive(
    state: State, symbols: tuple[str, ...], ticks: dict[str, Tick], time: int, refused: list[RefusedTick]
) -> tuple[str, ...]:
    """Give the symbols that a name alone keeps fresh: it never ends staleness, and says nothing beside a tick."""
    kept: dict[str, None] = {}
    for symbol in symbols:
        market = state.markets.get(symbol)
        if market is None:
            refused.append(_refused_mark(symbol, TickRefusal.SYMBOL_UNKNOWN))
        elif symbol in ticks or symbol in kept:
            refused.append(_refused_mark(symbol, TickRefusal.REPEATED_SYMBOL))
        elif market.quote is None or is_stale(market.quote, time):
            refused.append(_refused_mark(symbol, TickRefusal.NOTHING_TO_KEEP_FRESH))
        else:
            kept[symbol] = None
    return tuple(kept)


def _vouched_for(
    state: State,
    command: UpdatePrices,
    ticks: dict[str, Tick],
    time: int,
    refused: list[RefusedTick],
    *,
    clock_suspect: bool,
) -> tuple[str, ...]:
    """Give the symbols whose last accepted tick the feed names as its last, by a clock that is right."""
    refused += [_refused_mark(symbol, TickRefusal.NAMES_NO_TICK) for symbol in command.alive]
    kept: list[str] = []
    seen = dict.fromkeys(ticks)
    for mark in command.marks or ():
        market, is_repeated = state.markets.get(mark.symbol), mark.symbol in seen
        seen[mark.symbol] = None
        if market is None:
            refused.append(_refused_mark(mark.symbol, TickRefusal.SYMBOL_UNKNOWN, mark))
        elif is_repeated:
            refused.append(_refused_mark(mark.symbol, TickRefusal.REPEATED_SYMBOL, mark))
        elif market.quote is None or is_stale(market.quote, time):
            refused.append(_refused_mark(mark.symbol, TickRefusal.NOTHING_TO_KEEP_FRESH, mark))
        elif clock_suspect:
            refused.append(_refused_mark(mark.symbol, TickRefusal.CLOCK_SUSPECT, mark))
        elif not _is_last(market, mark):
            refused.append(_refused_mark(mark.symbol, TickRefusal.NOT_THE_LAST_TICK, mark))
        else:
            kept.append(mark.symbol)
    return tuple(kept)


def _is_last(market: Market, mark: AliveMark) -> bool:
    """Say whether a mark names the last accepted tick, and nothing newer was held or refused since."""
    quote = market.quote
    assert quote is not None, "there is a price to vouch for"
    if quote.contradicted or market.candidate is not None:
        return False
    return (mark.source_time, mark.update_id) == (quote.source_time, quote.update_id)


def _refused(tick: Tick, reason: TickRefusal) -> RefusedTick:
    return RefusedTick(
        symbol=tick.symbol,
        bid=tick.bid,
        ask=tick.ask,
        source_time=tick.source_time,
        update_id=tick.update_id,
        reason=reason.value,
    )


def _refused_mark(symbol: str, reason: TickRefusal, mark: AliveMark | None = None) -> RefusedTick:
    return RefusedTick(
        symbol=symbol,
        bid=None,
        ask=None,
        source_time=None if mark is None else mark.source_time,
        update_id=None if mark is None else mark.update_id,
        reason=reason.value,
    )


def _hold(state: State, context: CommandContext, tick: Tick) -> TickHeld:
    return TickHeld(
        header(state, context, None),
        symbol=tick.symbol,
        bid=tick.bid,
        ask=tick.ask,
        source_time=tick.source_time,
        update_id=tick.update_id,
    )
