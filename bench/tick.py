"""What one tick costs: one that triggers nothing among a million positions, and one that liquidates ten thousand."""

import gc
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench._cpu import broker, cpu_time
from bench._ledger import NEXT_PRICE_NUMBER, ledger_of
from bench._worker import (
    SHARD,
    append,
    bench_producer,
    engine_worker,
    flush,
    has_record,
    one_shard,
    reader_at_end,
    value_of,
    wait_until_executed,
)
from bench._workload import MARGIN, accounts_of, clock, opening_day, prices
from bench.report.figures import CpuUse, Figure, Measured
from engine.core.state import State
from engine.core.step import step
from runtime.errors import FixableError
from runtime.settings import Settings
from schemas.codec import decode_event, encode_command
from schemas.commands import Command, OpenPosition
from schemas.events import PositionClosed, PricesUpdated
from schemas.instruments import SYMBOLS
from schemas.topics import COMMANDS

POSITIONS: Final = 1_000_000
FEW: Final = 1_000
PER_ACCOUNT: Final = 10
TICKS: Final = 2_000
ROUNDS: Final = 20  # in which the two ledgers take turns
LOG_STEP: Final = 1_000  # µs of log time from one tick to the next
LIQUIDATED: Final = 10_000
TURNS: Final = 3
LEVERAGE: Final = 10_000  # hundredths: a fall of half a percent liquidates
FALL: Final = -200  # of 1 %, a hundredth each
WARM_UP: Final = 200  # prices
SETTLED_S: Final = 0.5
LATE_S: Final = 60.0
READ_MAX: Final = 1_000
READ_S: Final = 0.001


def run(positions: int = POSITIONS, liquidated: int = LIQUIDATED, ticks: int = TICKS, turns: int = TURNS) -> Measured:
    """Time `ticks` ticks in this process, then let the engine liquidate `liquidated` positions in each turn."""
    few_us, many_us, ratios = _untriggered(positions, ticks)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        milliseconds, cpu = _liquidations(one_shard(Settings(), Path(folder)), Path(folder), liquidated, turns)
    figures = [
        Figure.of_runs("many_us", f"a tick, {positions:,} positions, nothing triggered", many_us, "µs"),
        Figure.of_runs("few_us", f"the same, {FEW:,} positions", few_us, "µs"),
        Figure.of_runs("untriggered_ratio", f"a tick, {positions:,} positions to {FEW:,}", ratios, "times"),
        Figure.of_runs("liquidated_ms", f"a tick liquidates {liquidated:,}, all committed", milliseconds, "ms"),
    ]
    each = CpuUse(what="liquidations by one tick", each="liquidation", count=liquidated * turns, seconds=cpu)
    return Measured(figures=figures, cpu=[each])


def _untriggered(positions: int, ticks: int) -> tuple[list[float], list[float], list[float]]:
    """Give µs of CPU time of a tick on a small and on a large ledger, and the ratio, of each round."""
    small = ledger_of(-(-FEW // PER_ACCOUNT), FEW).state
    large = ledger_of(-(-positions // PER_ACCOUNT), positions).state
    gc.collect()
    gc.freeze()
    per_round = max(1, ticks // ROUNDS)
    numbers = range(NEXT_PRICE_NUMBER, NEXT_PRICE_NUMBER + per_round * (ROUNDS + 1), per_round)
    few: list[float] = []
    many: list[float] = []
    for turn, first in enumerate(numbers):
        for state, found in ((small, few), (large, many))[:: 1 if turn % 2 else -1]:
            found.append(_tick_us(state, range(first, first + per_round)))
    gc.unfreeze()
    ratios = [one / other for one, other in zip(many[1:], few[1:], strict=True)]  # The first round warms up.
    return few[1:], many[1:], ratios


def _tick_us(state: State, numbers: range) -> float:
    """Give the median of these ticks, which go up and down by a fifth of a percent."""
    found = []
    for number in numbers:
        # The ledger's own time goes on, however long it took to make: its prices are fresh.
        now = state.time + LOG_STEP
        command = prices(number, number % 41 - 20, partial(int, now))
        began = time.thread_time_ns()
        (event,) = step(state, command, offset=state.next_offset, time=now)
        found.append((time.thread_time_ns() - began) / 1_000)
        assert isinstance(event, PricesUpdated), event
        assert event.accepted, event
    return median(found)


def _liquidations(settings: Settings, folder: Path, count: int, turns: int) -> tuple[list[float], dict[str, float]]:
    """Open and liquidate so many positions in each turn; ms of each, and CPU seconds of all."""
    accounts = accounts_of(SHARD, settings.shards, -(-count // PER_ACCOUNT))
    appended = append(settings, map(encode_command, opening_day(SHARD, accounts, clock)))
    number = NEXT_PRICE_NUMBER
    milliseconds: list[float] = []
    seconds: dict[str, float] = {}
    with engine_worker(settings, folder / "engine.log") as process:
        for turn in range(turns):
            level = FALL * turn
            warm_up = WARM_UP if turn == 0 else 2
            appended += append(settings, _encoded(prices(number + more, level, clock) for more in range(warm_up)))
            appended += append(settings, _encoded(_openings(accounts, count, turn)))
            wait_until_executed(settings, appended)
            number += warm_up
            with cpu_time({"engine": process} | broker()) as cpu:
                milliseconds.append(_committed_ms(settings, number, level, count))
            seconds = {name: seconds.get(name, 0) + taken for name, taken in cpu.items()}
            number += 2
            appended += 2
    return milliseconds, seconds


def _encoded(commands: Iterator[Command]) -> Iterator[bytes]:
    return map(encode_command, commands)


def _openings(accounts: list[str], count: int, turn: int) -> Iterator[Command]:
    for number in range(count):
        yield OpenPosition(
            command_id=f"{turn}-{number}",
            account_id=accounts[number % len(accounts)],
            symbol=SYMBOLS[0],
            side="long",
            margin=MARGIN,
            leverage=LEVERAGE,
        )


def _committed_ms(settings: Settings, number: int, level: int, count: int) -> float:
    """Send a tick that moves little, by which all is connected, then the fall; ms until the last close is read."""
    reader = reader_at_end(settings)
    producer = bench_producer(settings)
    producer.produce(COMMANDS, encode_command(prices(number, level, clock)), partition=SHARD)
    flush(producer)
    time.sleep(SETTLED_S)
    value = encode_command(prices(number + 1, level + FALL, clock))
    began = time.perf_counter()
    producer.produce(COMMANDS, value, partition=SHARD)
    producer.poll(0)
    closed, deadline = 0, time.monotonic() + LATE_S
    while closed < count and time.monotonic() < deadline:
        for message in reader.consume(READ_MAX, READ_S):
            if has_record(message):
                closed += isinstance(decode_event(value_of(message)), PositionClosed)
    ended = time.perf_counter()
    reader.close()
    if closed < count:
        raise FixableError(f"{closed} of {count} positions were closed {LATE_S:.0f} s after the tick.")
    return (ended - began) * 1_000
