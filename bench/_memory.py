"""What an account, a position and a remembered command take of memory, by the allocator's own count of live bytes."""

import random
import tracemalloc
from collections.abc import Iterable
from typing import Final, NamedTuple

from bench._ledger import new_id, opening
from bench._workload import clock, opening_day, prices
from engine.core.bounds import MEMORY
from engine.core.state import State, genesis
from engine.core.step import step
from schemas.codec import RULES_VERSION
from schemas.commands import ActivateRules, Command
from schemas.events import CommandRejected

COUNT: Final = 30_000
SHARD: Final = 0
SHARDS: Final = 1


class LedgerMemory(NamedTuple):
    """Bytes of each, at rest: without the ids of commands, which are remembered for ten minutes, and are one each.

    position: the first of its account, whose tables begin with it. further_position: the second one.
    """

    account: float
    position: float
    further_position: float
    remembered_id: float


class _Ledger:
    """A ledger that executes commands at a time that goes on when it is told to."""

    def __init__(self) -> None:
        self.state: State = genesis(SHARD, SHARDS)
        self._now = clock()
        self._updates = 0
        versions = range(2, RULES_VERSION + 1)
        self.execute(
            ActivateRules(command_id=f"rules-{each}", shard=SHARD, broadcast=f"rules-{each}", version=each)
            for each in versions
        )

    def execute(self, commands: Iterable[Command]) -> float:
        """Execute commands, none of which is refused; the bytes that they left."""
        before = tracemalloc.get_traced_memory()[0]
        for command in commands:
            event = step(self.state, command, offset=self.state.next_offset, time=self._now)[-1]
            assert not isinstance(event, CommandRejected), f"{command} was refused: {event}"
        return tracemalloc.get_traced_memory()[0] - before

    def forget_ids(self) -> float:
        """Let ten minutes pass, and prices come until no id is remembered; the bytes that this left, below zero."""
        self._now += MEMORY
        return self.execute(self._prices())

    def opening_day(self, accounts: list[str]) -> float:
        """Open accounts; the bytes of it."""
        return self.execute(opening_day(SHARD, accounts, lambda: self._now))

    def _prices(self) -> Iterable[Command]:
        # At least two, which confirm each other after the pause.
        while self.state.remembered or self._updates % 2:
            self._updates += 1
            yield prices(self._updates + 2, 0, lambda: self._now)
            yield prices(self._updates + 3, 0, lambda: self._now)
            self._updates += 1


def ledger_memory(count: int = COUNT) -> LedgerMemory:
    """Make a ledger of so many accounts with a position each, and count."""
    dice = random.Random(1)  # noqa: S311  # The same ledger every time.
    names = [new_id(dice) for _ in range(count)]
    tracemalloc.start(1)
    try:
        ledger = _Ledger()
        accounts = ledger.opening_day(names) + ledger.forget_ids()
        positions = ledger.execute(opening(name, dice) for name in names)
        forgotten = ledger.forget_ids()
        further = ledger.execute(opening(name, dice) for name in names) + ledger.forget_ids()
    finally:
        tracemalloc.stop()
    return LedgerMemory(accounts / count, (positions + forgotten) / count, further / count, -forgotten / count)
