"""How an event changes what is known of prices: quotes, candidates, the feed. Writes, never refuses, holds no rule."""

from engine.core.rules import RULES
from engine.core.state import State
from schemas.events import FeedSelected, PricesUpdated, TickHeld
from schemas.ledger_records import Candidate, Feed, Quote
from schemas.messages import RefusedTick


def update_prices(state: State, event: PricesUpdated) -> None:
    """Take over what was accepted, alive or refused."""
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
    if event.refused and RULES[state.rules_version].marks_name_ticks:
        for refused in event.refused:
            if refused.bid is not None:  # Else it is a mark.
                _contradict(state, refused, clock_suspect=event.clock_suspect)


def _contradict(state: State, tick: RefusedTick, *, clock_suspect: bool) -> None:
    """Note that a newer tick than the last accepted one was seen, and not believed.

    While a clock is off, log time does not say how old the price is that it contradicts: that one is stale at once.
    """
    market = state.markets.get(tick.symbol)
    quote = market.quote if market is not None else None
    if quote is None or tick.source_time is None or tick.update_id is None:
        return
    if (tick.source_time, tick.update_id) > (quote.source_time, quote.update_id):
        quote.contradicted = True
        quote.stale = quote.stale or clock_suspect


def hold_tick(state: State, event: TickHeld) -> None:
    """Let a tick wait to be confirmed."""
    market = state.markets[event.symbol]
    market.candidate = Candidate(
        bid=event.bid, ask=event.ask, source_time=event.source_time, update_id=event.update_id, held_at=event.time
    )
    market.last_source_time, market.last_update_id = event.source_time, event.update_id


def select_feed(state: State, event: FeedSelected) -> None:
    """Go on by another feed: nothing waits, and every price is stale."""
    state.feed = Feed(name=event.name, run=event.run, live=event.live)
    for market in state.markets.values():
        market.candidate = None
        market.last_source_time = market.last_update_id = None
        if market.quote is not None:
            market.quote.stale = True
