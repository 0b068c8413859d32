"""The simulated feed: a random walk per symbol with jumps and quiet spells, the same for the same seed."""

import heapq
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, NamedTuple

from market_data.clock import Clock
from market_data.feed import FeedItem, FeedQuote, Heartbeat
from schemas.instruments import BY_SYMBOL
from schemas.messages import FeedName
from schemas.units import render

PRICE_MIN: Final = 100  # ticks; a walk that came down here would otherwise end at nothing
PRICE_MAX: Final = 500_000_000
MILLION: Final = 1_000_000

# While a price is confirmed no shard trades, so the start is lively and without surprises.
STEADY_US: Final = 3_000_000
STEADY_DELAY_US: Final = (50_000, 150_000)
DELAY_US: Final = (50_000, 400_000)
QUIET_US: Final = (3_000_000, 12_000_000)
QUIET_ONE_IN: Final = 500
JUMP_ONE_IN: Final = 3_000
BIG_JUMP_ONE_IN: Final = 200  # of the jumps: beyond the 10 % rule, so that holding and confirming is seen
STEP_PPM: Final = 100  # of each of three equal draws: about 1 bp a tick, 6 % a day
JUMP_PPM: Final = (2_000, 10_000)
BIG_JUMP_PPM: Final = (105_000, 120_000)
PULL_ONE_IN: Final = 50_000  # of the way back to the first price, each tick
SPREAD_PPM_MAX: Final = 150
HEARTBEAT_EVERY_S: Final = 0.5
LATE_MAX_S: Final = 1.0


class PriceMove(NamedTuple):
    """A symbol's next price: so long after the walk began, in ticks."""

    at: int
    symbol: str
    bid: int
    ask: int


class SimulatedFeed:
    """Plays the walk by the clock. `run` is a new uuid each start."""

    name: FeedName = "simulated"
    live = False

    def __init__(self, run: str, seed: int, first_prices: Mapping[str, int], clock: Clock) -> None:
        self.run = run
        self._seed = seed
        self._first_prices = first_prices
        self._clock = clock

    async def items(self) -> AsyncIterator[FeedItem]:
        """Quote each move when its time comes; between moves there are heartbeats, however quiet the market."""
        start = self._clock.monotonic()
        source_time = 0
        for update_id, move in enumerate(random_walk(self._seed, self._first_prices), 1):
            while (wait := start + move.at / MILLION - self._clock.monotonic()) > 0:
                await self._clock.sleep(min(wait, HEARTBEAT_EVERY_S))
                if wait > HEARTBEAT_EVERY_S:
                    for symbol in self._first_prices:
                        yield Heartbeat(symbol=symbol)
            # A process that was stopped for a while goes on from where it was, without a burst.
            start += max(0.0, -wait - LATE_MAX_S)
            source_time = max(source_time + 1, self._clock.micros())
            exponent = BY_SYMBOL[move.symbol].tick_exponent
            yield FeedQuote(
                symbol=move.symbol,
                bid=render(move.bid, exponent),
                ask=render(move.ask, exponent),
                source_time=source_time,
                update_id=update_id,
            )


def random_walk(seed: int, first_prices: Mapping[str, int]) -> Iterator[PriceMove]:
    """Give all symbols' moves in order of time, for ever; integers only, so that a seed means the same everywhere."""
    return heapq.merge(*(_walk_symbol(seed, symbol, price) for symbol, price in first_prices.items()))


def _walk_symbol(seed: int, symbol: str, first_price: int) -> Iterator[PriceMove]:
    dice = random.Random(f"{seed}/{symbol}")  # noqa: S311  # A simulation is to be predictable.
    at = 0
    # Millionths of a tick: in whole ticks the small steps of a cheap symbol would all be rounded away.
    first = price = first_price * MILLION
    while True:
        ticks = price // MILLION
        half_spread = dice.randint(0, ticks * SPREAD_PPM_MAX // (2 * MILLION))
        yield PriceMove(at, symbol, ticks - half_spread, ticks + half_spread + 1)
        steady = at < STEADY_US
        at += _delay(dice, steady=steady)
        price += price * _change(dice, steady=steady) // MILLION + (first - price) // PULL_ONE_IN
        price = min(max(price, PRICE_MIN * MILLION), PRICE_MAX * MILLION)


def _delay(dice: random.Random, *, steady: bool) -> int:
    if steady:
        return dice.randint(*STEADY_DELAY_US)
    if dice.randrange(QUIET_ONE_IN) == 0:
        return dice.randint(*QUIET_US)
    return dice.randint(*DELAY_US)


def _change(dice: random.Random, *, steady: bool) -> int:
    """The next step in ppm of the price."""
    if steady or dice.randrange(JUMP_ONE_IN):
        return sum(dice.randint(-STEP_PPM, STEP_PPM) for _ in range(3))
    return jump(dice)


def jump(dice: random.Random) -> int:
    """Draw a jump in ppm of the price, up or down."""
    size = dice.randint(*(JUMP_PPM if dice.randrange(BIG_JUMP_ONE_IN) else BIG_JUMP_PPM))
    return size * dice.choice((-1, 1))
