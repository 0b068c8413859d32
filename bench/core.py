"""How many commands a second of CPU time the core alone executes: no encoding, no log; beside its pure build."""

import gc
import os
import subprocess
import time
from collections.abc import Iterable
from typing import Final

from bench._cpu import own_cpu_time
from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, opening_day, trading_day
from bench.report.figures import CpuUse, Figure, Measured
from engine.core.state import genesis
from engine.core.step import step
from runtime.python import python_command
from schemas.commands import Command
from schemas.compiled import is_compiled
from schemas.events import CommandRejected

COUNT: Final = 200_000
SHARD: Final = 0
SHARDS: Final = 1
START: Final = 1_700_000_000_000_000  # µs
TURNS: Final = 3
STEP: Final = 30  # µs of log time from one command to the next: prices stay fresh


def run(count: int = COUNT, turns: int = TURNS) -> Measured:
    """Execute a trading day in each turn; the pure build does so too, where it is another than the one that runs."""
    ours: list[float] = []
    pure: list[float] = []
    with own_cpu_time() as cpu:
        for _ in range(turns):
            ours.append(commands_per_second(count))
            if is_compiled():
                pure.append(_pure(count))
    label = f"commands in the core alone, {'compiled' if is_compiled() else 'pure'}"
    figures = [Figure.of_runs("commands_per_second", label, ours, "commands/s of CPU")]
    if pure:
        ratios = [one / other for one, other in zip(ours, pure, strict=True)]
        figures.append(
            Figure.of_runs(
                "pure_per_second", "the same sources as they are", pure, "commands/s of CPU", peer="pure build"
            )
        )
        figures.append(Figure.of_runs("ratio", "compiled to pure", ratios, "times"))
    return Measured(
        figures=figures, cpu=[CpuUse(what="made and executed", each="command", count=count * turns, seconds=cpu)]
    )


def _pure(count: int) -> float:
    """Give the rate of the pure build, from a process of its own in the same run."""
    program = f"from bench.core import commands_per_second; print(round(commands_per_second({count})))"
    environment = os.environ | {"REPRISE_PURE": "1"}
    done = subprocess.run(python_command("-c", program), env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


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
