"""The fold of prices: after any price command it has the engine's own state of each symbol."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.log.price_cache import PriceCache
from engine.core.prices import condition
from engine.core.state import State, genesis
from engine.core.step import step
from schemas.codec import RULES_VERSION
from schemas.commands import Command, DefineInstruments, SelectFeed, SetMarketStatus, UpdatePrices
from schemas.event_groups import MARKET_EVENTS
from schemas.ids import broadcast_id
from schemas.instruments import FIRST_BROADCAST, INSTRUMENTS
from schemas.messages import Tick
from schemas.units import Ticks, Timestamp

SYMBOLS = tuple(instrument.symbol for instrument in INSTRUMENTS)
START = 1_700_000_000_000_000
DEFINED = DefineInstruments(
    command_id=broadcast_id(FIRST_BROADCAST, 0), shard=0, broadcast=FIRST_BROADCAST, instruments=INSTRUMENTS
)


class Twins:
    """The engine's state and the API's fold of its events, side by side."""

    def __init__(self) -> None:
        self.state: State = genesis(0, 1)
        self.state.rules_version = RULES_VERSION
        self.prices = PriceCache()
        self.time = START

    def send(self, command: Command, after_ms: int) -> None:
        self.time += after_ms * 1000
        for event in step(self.state, command, offset=self.state.next_offset, time=self.time):
            if isinstance(event, MARKET_EVENTS):
                self.prices.fold(event)

    def check(self, later_ms: int = 0) -> None:
        now = self.time + later_ms * 1000
        for symbol in SYMBOLS:
            quote = self.state.markets[symbol].quote
            assert self.prices.state(symbol, now) == condition(self.state, symbol, now)
            assert self.prices.status(symbol) == self.state.markets[symbol].status
            assert self.prices.exit_price(symbol, "long") == (None if quote is None else quote.bid)
            assert self.prices.exit_price(symbol, "short") == (None if quote is None else quote.ask)


def commands(draw_steps: list[tuple[str, int, int, int]], twins: Twins) -> Iterator[tuple[Command, int]]:
    run = "1"
    for number, (kind, symbol, bid, after_ms) in enumerate(draw_steps):
        now = twins.time + after_ms * 1000
        name = SYMBOLS[symbol]
        if kind == "feed":
            run = str(bid % 3)
            yield SelectFeed(name="recorded" if bid % 2 else "simulated", run=run, live=False), after_ms
        elif kind == "status":
            text = f"status-{number}"
            yield (
                SetMarketStatus(
                    command_id=broadcast_id(text, 0),
                    shard=0,
                    broadcast=text,
                    symbol=name,
                    status="halted" if bid % 2 else "open",
                ),
                after_ms,
            )
        else:
            feed = twins.state.feed
            ticks = (
                Tick(
                    symbol=name,
                    bid=Ticks(bid),
                    ask=Ticks(bid + 1),
                    low=2 * bid,
                    high=2 * bid + 2,
                    source_time=Timestamp(now),
                    update_id=number,
                ),
            )
            yield (
                UpdatePrices(
                    feed=feed.name if feed is not None else "simulated",
                    run=feed.run if feed is not None else run,
                    sent_at=now,
                    ticks=ticks if kind == "tick" else (),
                    alive=(name,) if kind == "alive" else (),
                ),
                after_ms,
            )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["tick"] * 6 + ["alive"] * 3 + ["feed", "status"]),
        st.integers(0, 2),
        st.sampled_from([0, 10_000, 10_001, 10_500, 13_000, 13_001, 20_000]),
        st.sampled_from([0, 100, 600, 2_000, 4_999, 5_000, 6_000]),
    ),
    max_size=30,
)


@given(STEPS)
@settings(max_examples=500, deadline=None)
def test_the_fold_and_the_engine_agree_after_every_command(drawn: list[tuple[str, int, int, int]]) -> None:
    twins = Twins()
    twins.send(DEFINED, 0)
    for command, after_ms in commands(drawn, twins):
        twins.send(command, after_ms)
        for later_ms in (0, 4_999, 5_000):
            twins.check(later_ms)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_before_the_first_event_every_symbol_has_units_and_no_price(symbol: str) -> None:
    prices = PriceCache()
    assert prices.state(symbol, START) == "none"
    assert prices.instruments[symbol].symbol == symbol
