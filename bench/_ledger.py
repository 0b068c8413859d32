"""A large ledger in one shard, made in this process, and commands that go on from it."""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

import psutil

from bench._workload import MARGIN, PRICE_EVERY, clock, opening_day, prices
from engine.core.state import State, genesis
from engine.core.step import step
from schemas.codec import encode_and_chain, first_digest
from schemas.commands import ClosePosition, Command, OpenPosition
from schemas.events import CommandRejected, Event
from schemas.ids import position_id
from schemas.instruments import SYMBOLS

SHARD: Final = 0
SHARDS: Final = 1
# `opening_day` has the updates numbered 1 and 2.
NEXT_PRICE_NUMBER: Final = 3


class Ledger(NamedTuple):
    """A ledger whose log is taken to begin with the commands that come next, and the last event before them.

    value, digest: of that event. The nth position, from 1, is of the nth account, or where there are fewer accounts
    than positions, of the nth again from the first.
    """

    state: State
    accounts: list[str]
    value: bytes
    digest: bytes
    bytes_per_account: int
    bytes_per_position: int


def ledger_of(accounts: int, positions: int) -> Ledger:
    """Make it by executing commands, and note what this process's memory grows by."""
    state = genesis(SHARD, SHARDS)
    dice = random.Random(1)  # noqa: S311  # The same accounts every time.
    names = [new_id(dice) for _ in range(accounts)]
    now = clock()
    resident = [_resident()]
    last: Event | None = None
    for stage in (
        opening_day(SHARD, names, lambda: now),
        (opening(names[number % accounts], dice) for number in range(positions)),
    ):
        for command in stage:
            last = step(state, command, offset=state.next_offset, time=now)[-1]
            assert not isinstance(last, CommandRejected), f"{command} was refused: {last}"
        resident.append(_resident())
    assert last is not None, "a history has commands"
    state.next_offset = 0
    value, digest = encode_and_chain(last, first_digest(SHARD), state.rules_version)
    before, after_accounts, after_positions = resident
    return Ledger(
        state,
        names,
        value,
        digest,
        bytes_per_account=(after_accounts - before) // accounts,
        bytes_per_position=(after_positions - after_accounts) // positions,
    )


def later_day(ledger: Ledger, count: int, seed: int = 2) -> Iterator[Command]:
    """So many commands of which none is refused: the ledger's positions are closed, oldest first, and others opened."""
    dice = random.Random(seed)  # noqa: S311  # The same day every time.
    closed = 0
    for number in range(count):
        if number % PRICE_EVERY == 0:
            yield prices(number + NEXT_PRICE_NUMBER, dice.randint(-20, 20), clock)
        elif number % 2:
            yield opening(dice.choice(ledger.accounts), dice)
        else:
            account = ledger.accounts[closed % len(ledger.accounts)]
            closed += 1
            yield ClosePosition(command_id=new_id(dice), account_id=account, position_id=position_id(SHARD, closed))


def _resident() -> int:
    return psutil.Process().memory_info().rss


def opening(account: str, dice: random.Random) -> OpenPosition:
    """Give an order of an account, of any market, side and leverage."""
    return OpenPosition(
        command_id=new_id(dice),
        account_id=account,
        symbol=dice.choice(SYMBOLS),
        side=dice.choice(("long", "short")),
        margin=MARGIN,
        leverage=dice.randint(100, 2_000),
    )


def new_id(dice: random.Random) -> str:
    """Give an id."""
    return str(UUID(int=dice.getrandbits(128), version=4))
