"""How many commands a second the core alone executes, in one process, without any encoding or log."""

import gc
import json as json_format
import time
from collections.abc import Iterable
from typing import Final

from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, opening_day, trading_day
from engine.core.state import genesis
from engine.core.step import step
from schemas.commands import Command
from schemas.events import CommandRejected

COUNT: Final = 200_000
SHARD: Final = 0
SHARDS: Final = 1
START: Final = 1_700_000_000_000_000  # µs
STEP: Final = 30  # µs of log time from one command to the next: prices stay fresh


def run(json: bool, count: int = COUNT) -> None:
    """Execute a trading day and print how fast that was."""
    rate = commands_per_second(count)
    if json:
        print(json_format.dumps({"commands_per_second": round(rate)}))
    else:
        print(f"core alone: {rate:,.0f} commands/s")


def commands_per_second(count: int) -> float:
    """Give the rate of `count` openings, closes and price updates; none of them is refused."""
    offset = 0
    accounts = accounts_of(SHARD, SHARDS, 1 + count // COMMANDS_PER_ACCOUNT)
    state = genesis(SHARD, SHARDS)

    def clock() -> int:
        return START + offset * STEP

    def execute(day: Iterable[Command]) -> None:
        nonlocal offset
        for command in day:
            events = step(state, command, offset=offset, time=clock())
            assert not isinstance(events[0], CommandRejected), f"{command} was refused: {events[0]}"
            offset += 1

    execute(opening_day(SHARD, accounts, clock))
    commands: list[Command] = []
    first = offset
    for command in trading_day(SHARD, accounts, count, lambda: START + (first + len(commands)) * STEP):
        commands.append(command)  # noqa: PERF402  # The clock above reads its length.
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    execute(commands)
    seconds = time.perf_counter() - began
    gc.unfreeze()
    return count / seconds
