"""The simulated feed: a random walk per symbol with jumps and quiet spells, the same for the same seed."""

import heapq
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, NamedTuple

from market_data.clock import Clock
from market_data.conversion import TickPrice, price_defect
from market_data.feed import FeedItem, FeedQuote
from market_data.heartbeats import HeartbeatTimer
from market_data.ledger import FollowedLedger
from schemas.messages import Instrument
from schemas.units import render
from schemas.words import FeedName

PRICE_MIN: Final = 100  # ticks; a walk that came down here would otherwise end at nothing
PRICE_MAX: Final = 500_000_000
MILLION: Final = 1_000_000

# While a price is confirmed no shard trades, so the start is lively and without surprises.
STEADY_US: Final = 3_000_000
STEADY_DELAY_US: Final = (50_000, 150_000)
CONFIRMING_US: Final = 1_000_000  # after a jump, so that what the exchange may hold is confirmed at once
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
LATE_MAX_S: Final = 1.0


class PriceMove(NamedTuple):
    """A symbol's next price: so long after the walk began, in ticks."""

    at: int
    symbol: str
    bid: int
    ask: int


class SimulatedFeed:
    """Plays the walk of every symbol the ledger follows by the clock. `run` is a new uuid each start.

    first_price: where an instrument begins, in ticks; asked once for each, also for one that comes while it plays.
    """

    name: FeedName = "simulated"
    live = False

    def __init__(
        self, run: str, seed: int, ledger: FollowedLedger, first_price: Callable[[Instrument], int], clock: Clock
    ) -> None:
        self.run = run
        self._seed = seed
        self._ledger = ledger
        self._first_price = first_price
        self._clock = clock

    async def items(self) -> AsyncIterator[FeedItem]:
        """Quote each move when its time comes; every symbol is heard meanwhile, however quiet its market is."""
        start = self._clock.monotonic()
        heartbeats = HeartbeatTimer(self._clock)
        walks = RandomWalks(self._seed)
        source_time = update_id = 0
        while True:
            for heartbeat in heartbeats.take_due(walks.symbols):
                yield heartbeat
            elapsed = int((self._clock.monotonic() - start) * MILLION)
            for symbol, instrument in self._ledger.followed.items():
                if symbol not in walks.symbols:
                    walks.begin(symbol, self._first_price(instrument), elapsed)
            wait = start + walks.next_at() / MILLION - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(min(wait, heartbeats.due_in_s()))
                continue
            # A process that was stopped for a while goes on from where it was, without a burst.
            start += max(0.0, -wait - LATE_MAX_S)
            source_time, update_id = max(source_time + 1, self._clock.micros()), update_id + 1
            move = walks.take()
            instrument = self._ledger.followed[move.symbol]
            bid, ask = _narrowed(move.bid, move.ask, instrument)
            yield FeedQuote(
                symbol=move.symbol,
                bid=render(bid, instrument.tick_exponent),
                ask=render(ask, instrument.tick_exponent),
                source_time=source_time,
                update_id=update_id,
            )


class RandomWalks:
    """All symbols' moves in order of time, for ever; integers only, so that a seed means the same everywhere."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._next: list[tuple[PriceMove, Iterator[PriceMove]]] = []  # a heap; no two moves have time and symbol alike
        self.symbols: set[str] = set()

    def begin(self, symbol: str, first_price: int, at: int = 0) -> None:
        """Let a symbol walk from a price, in ticks, from a time on."""
        self.symbols.add(symbol)
        walk = _walk_symbol(self._seed, symbol, first_price, at)
        heapq.heappush(self._next, (next(walk), walk))

    def next_at(self) -> float:
        """Give when the next move is due, in µs; never without a symbol."""
        return self._next[0][0].at if self._next else float("inf")

    def take(self) -> PriceMove:
        """Give the next move."""
        move, walk = self._next[0]
        heapq.heapreplace(self._next, (next(walk), walk))
        return move


def _narrowed(bid: int, ask: int, instrument: Instrument) -> tuple[int, int]:
    """Bring a quote's sides as near as the instrument's spread allows; a tick is much of a low price."""
    if price_defect(TickPrice(bid, ask), instrument) is None:
        return bid, ask
    widest = instrument.spread_max * bid // MILLION
    bid = (bid + ask - widest) // 2
    return bid, bid + widest


def _walk_symbol(seed: int, symbol: str, first_price: int, at: int) -> Iterator[PriceMove]:
    dice = random.Random(f"{seed}/{symbol}")  # noqa: S311  # A simulation is to be predictable.
    steady_until = at + STEADY_US
    # Millionths of a tick: in whole ticks the small steps of a cheap symbol would all be rounded away.
    first = price = first_price * MILLION
    lowest = min(PRICE_MIN, first_price) * MILLION
    while True:
        ticks = price // MILLION
        half_spread = dice.randint(0, ticks * SPREAD_PPM_MAX // (2 * MILLION))
        yield PriceMove(at, symbol, ticks - half_spread, ticks + half_spread + 1)
        steady = at < steady_until
        at += _delay(dice, steady=steady)
        change = _change(dice, steady=steady)
        if abs(change) >= JUMP_PPM[0]:
            steady_until = at + CONFIRMING_US
        price += price * change // MILLION + (first - price) // PULL_ONE_IN
        price = min(max(price, lowest), PRICE_MAX * MILLION)


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
