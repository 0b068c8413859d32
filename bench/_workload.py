"""A market day in commands: accounts that open and close positions while prices move a little."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from schemas.commands import (
    ClosePosition,
    Command,
    DefineInstruments,
    OpenAccount,
    OpenPosition,
    SelectFeed,
    UpdatePrices,
)
from schemas.ids import broadcast_id, open_account_id, position_id
from schemas.instruments import FIRST_BROADCAST, INSTRUMENTS, START_PRICES, SYMBOLS
from schemas.messages import Tick
from schemas.sharding import shard_of
from schemas.units import MICROS_PER_USDC, SECOND, Ticks, Timestamp

FEED: Final = "simulated"
RUN: Final = "bench"
# An account may send 600 commands in ten minutes of log time, and as many that close.
COMMANDS_PER_ACCOUNT: Final = 500
OPEN_AT_ONCE: Final = 1_000
PRICE_EVERY: Final = 100
MARGIN: Final = 10 * MICROS_PER_USDC
FIRST_DEPOSIT: Final = 10_000 * MICROS_PER_USDC


def first_instruments(shard: int) -> DefineInstruments:
    """What a ledger of version 1 begins with."""
    return DefineInstruments(
        command_id=broadcast_id(FIRST_BROADCAST, shard), shard=shard, broadcast=FIRST_BROADCAST, instruments=INSTRUMENTS
    )


def opening_day(shard: int, accounts: list[str], clock: Callable[[], int]) -> Iterator[Command]:
    """What must come first: instruments, a feed, confirmed prices, and accounts with money."""
    yield first_instruments(shard)
    yield SelectFeed(name=FEED, run=RUN, live=False)
    # The first tick waits for one that confirms it, half a second of source time later.
    for number in (1, 2):
        yield prices(number, 0, clock)
    for account in accounts:
        yield OpenAccount(command_id=open_account_id(account), account_id=account, first_deposit=FIRST_DEPOSIT)


def trading_day(
    shard: int, accounts: list[str], count: int, clock: Callable[[], int], seed: int = 1
) -> Iterator[Command]:
    """So many commands, of which one in a hundred is a price update, the others open a position or close an old one.

    None is refused after `opening_day`: each position's id is known before, being the next number of its shard.
    """
    dice = random.Random(seed)  # noqa: S311  # The same day every time.
    open_positions: deque[tuple[str, str]] = deque()
    opened = 0
    for number in range(count):
        command_id = str(UUID(int=dice.getrandbits(128), version=4))
        if number % PRICE_EVERY == 0:
            yield prices(number + 3, dice.randint(-20, 20), clock)
        elif len(open_positions) > OPEN_AT_ONCE or (open_positions and number % 2):
            account, position = open_positions.popleft()
            yield ClosePosition(command_id=command_id, account_id=account, position_id=position)
        else:
            account = accounts[opened % len(accounts)]
            opened += 1
            open_positions.append((account, position_id(shard, opened)))
            yield OpenPosition(
                command_id=command_id,
                account_id=account,
                symbol=dice.choice(SYMBOLS),
                side=dice.choice(("long", "short")),
                margin=MARGIN,
                leverage=dice.randint(100, 2_000),
            )


def prices(number: int, move: int, clock: Callable[[], int]) -> UpdatePrices:
    """One tick of each symbol, so many basis points of 1 % from where it began; later than those of lower numbers."""
    ticks = []
    for symbol, mid in START_PRICES.items():
        bid = mid + mid * move // 10_000
        ask = bid + max(1, mid // 10_000)
        ticks.append(
            Tick(
                symbol=symbol,
                bid=Ticks(bid),
                ask=Ticks(ask),
                low=bid + ask,
                high=bid + ask,
                source_time=Timestamp(number * SECOND),
                update_id=number,
            )
        )
    return UpdatePrices(feed=FEED, run=RUN, sent_at=clock(), ticks=tuple(ticks), alive=())


def accounts_of(shard: int, shards: int, count: int, seed: int = 1) -> list[str]:
    """So many account ids whose shard this is."""
    dice = random.Random(seed)  # noqa: S311  # The same accounts every time.
    found: list[str] = []
    while len(found) < count:
        account = str(UUID(int=dice.getrandbits(128), version=4))
        if shard_of(account, shards) == shard:
            found.append(account)
    return found


def clock() -> int:
    """Now, µs UTC."""
    return time.time_ns() // 1_000
