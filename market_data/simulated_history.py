"""Which minute candles the simulation invents for the time before a market's first price."""

import random
from typing import Final, NamedTuple

from market_data.simulated_feed import JUMP_ONE_IN, MILLION, PRICE_MAX, PRICE_MIN, jump
from schemas.units import DAY, MINUTE

HISTORY_MINUTES: Final = 30 * DAY // MINUTE

# A minute of the walk has about 250 ticks; these few steps move as far, as often and as much apart as those do.
TICKS_A_MINUTE: Final = 250
STEPS: Final = 6
STEP_PPM: Final = 1_100
QUIET_STEP_PPM: Final = 50
QUIET_ONE_IN: Final = 180
QUIET_MINUTES: Final = (3, 12)
PULL_ONE_IN: Final = 200  # of the way back to the price it ends at, each minute


class MinuteCandle(NamedTuple):
    """One minute's prices, of bid + ask in ticks. start: µs UTC."""

    start: int
    open: int
    high: int
    low: int
    close: int


def simulated_history(seed: int, symbol: str, end: int, last: int) -> list[MinuteCandle]:
    """Give the 30 days before `end` (a minute, µs), oldest first; they close at `last`, of bid + ask in ticks.

    The walk is taken backwards from there, so that it meets the ledger's first price whatever that was. Integers only:
    a seed means the same everywhere.
    """
    dice = random.Random(f"{seed}/{symbol}/history")  # noqa: S311  # A simulation is to be predictable.
    lowest = min(2 * PRICE_MIN, last) * MILLION
    highest = max(2 * PRICE_MAX, last) * MILLION
    price = anchor = last * MILLION  # millionths, as in the walk itself
    quiet = 0
    backwards = []
    for number in range(1, HISTORY_MINUTES + 1):
        quiet = quiet - 1 if quiet else _spell(dice)
        path = [price]
        for change in _changes(dice, quiet=quiet > 0):
            price += price * change // MILLION + (anchor - price) // (PULL_ONE_IN * STEPS)
            price = min(max(price, lowest), highest)
            path.append(price)
        ticks = [point // MILLION for point in path]
        backwards.append(MinuteCandle(end - number * MINUTE, ticks[-1], max(ticks), min(ticks), ticks[0]))
    return backwards[::-1]


def _spell(dice: random.Random) -> int:
    """For how many minutes the market is quiet from now on; mostly none."""
    return dice.randint(*QUIET_MINUTES) if dice.randrange(QUIET_ONE_IN) == 0 else 0


def _changes(dice: random.Random, *, quiet: bool) -> list[int]:
    """A minute's steps in ppm of the price, one of which may be a jump."""
    reach = QUIET_STEP_PPM if quiet else STEP_PPM
    steps = [dice.randint(-reach, reach) for _ in range(STEPS)]
    if not quiet and dice.randrange(JUMP_ONE_IN // TICKS_A_MINUTE) == 0:
        steps[dice.randrange(STEPS)] += jump(dice)
    return steps
