"""How many commands a second of CPU time the core alone executes: no encoding, no log; beside its pure build."""

import gc
import json as json_format
import os
import subprocess
import time
from collections.abc import Iterable
from typing import Final

from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, opening_day, trading_day
from engine.core.state import genesis
from engine.core.step import step
from runtime.python import python_command
from schemas.commands import Command
from schemas.compiled import is_compiled, running
from schemas.events import CommandRejected

COUNT: Final = 200_000
SHARD: Final = 0
SHARDS: Final = 1
START: Final = 1_700_000_000_000_000  # µs
RATIO_MIN: Final = 3.5
STEP: Final = 30  # µs of log time from one command to the next: prices stay fresh


def run(json: bool, count: int = COUNT, pure: int = 1) -> None:
    """Execute a trading day and print how fast that was, beside the pure build. pure: 0 leaves that out."""
    result: dict[str, object] = {"build": running(), "commands_per_second": round(commands_per_second(count))}
    if pure and is_compiled():
        beside = _pure(count)
        result |= {"pure": beside, "ratio": round(commands_per_second(count) / beside, 2)}
        result |= {"missed": [] if float(str(result["ratio"])) >= RATIO_MIN else ["ratio"]}
    if json:
        print(json_format.dumps(result))
        return
    print(f"core alone, {result['build']}: {result['commands_per_second']:,} commands/s of CPU time")
    if "ratio" in result:
        print(f"the pure build beside it: {result['pure']:,}, ratio {result['ratio']} (target {RATIO_MIN})")


def _pure(count: int) -> int:
    """Give the rate of the pure build, from a process of its own in the same run."""
    program = f"from bench.core import commands_per_second; print(round(commands_per_second({count})))"
    environment = os.environ | {"REPRISE_PURE": "1"}
    done = subprocess.run(python_command("-c", program), env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


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
    began = time.process_time()
    execute(commands)
    seconds = time.process_time() - began
    gc.unfreeze()
    return count / seconds
