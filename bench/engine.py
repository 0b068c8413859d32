"""How fast one engine worker is through Kafka, beside Quix Streams and a raw read and write of the same bytes."""

import os
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from prometheus_client.parser import text_string_to_metric_families

from bench import _raw_copy
from bench._cpu import broker, cpu_seconds
from bench._quix_streams import quix_records_per_second
from bench._worker import (
    LOOK_S,
    SHARD,
    append,
    engine_worker,
    executed,
    make_topic,
    one_shard,
    page,
    timestamp_ms,
    wait_until_executed,
)
from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, clock, opening_day, prices, trading_day
from bench.report.figures import CpuUse, Figure, Measured
from runtime.errors import FixableError
from runtime.kafka import end_offsets, read_back
from runtime.python import python_command
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.commands import Command
from schemas.topics import COMMANDS, EVENTS
from stack.foreground import running

COUNT: Final = 150_000
TURNS: Final = 3
LAST_TRANSACTION_S: Final = 1.0
TIMEOUT_S: Final = 300.0


class EngineTurn(NamedTuple):
    """What one worker did with the commands of a turn.

    cpu_commands: how many were executed while `cpu` was taken, the worker's start left out; 0 where it was too short.
    """

    per_second: float
    cpu: dict[str, float]
    cpu_commands: int
    core_us: float


def run(count: int = COUNT, turns: int = TURNS) -> Measured:
    """Let engine, Quix Streams and a raw copy take turns at `count` commands each; a shorter first turn warms up."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        settings = one_shard(Settings(), Path(folder))
        days = _Days(settings, count, turns)
        ours: list[EngineTurn] = []
        quix: list[float] = []
        raw: list[float] = []
        for turn in range(turns + 1):
            values = days.next_values(count if turn else count // 4)
            first = end_offsets(settings, COMMANDS)[SHARD]
            append(settings, values)
            ours.append(_engine(settings, Path(folder) / f"engine-{turn}.log", first, first + len(values)))
            quix.append(quix_records_per_second(settings, values, turn))
            raw.append(_raw(settings, Path(folder) / f"raw-{turn}.log", first, len(values), turn))
    return Measured(figures=_figures(ours[1:], quix[1:], raw[1:]), cpu=_cpu(ours[1:]))


class _Days:
    """A trading day in parts. Each begins with two prices, of which the second confirms the first."""

    def __init__(self, settings: Settings, count: int, turns: int) -> None:
        accounts = accounts_of(SHARD, settings.shards, 1 + (turns + 1) * count // COMMANDS_PER_ACCOUNT)
        self._beginning = list(opening_day(SHARD, accounts, clock))
        self._day = trading_day(SHARD, accounts, (turns + 1) * count, clock)
        self._given = 0

    def next_values(self, count: int) -> list[bytes]:
        """Give the next so many commands, and what must come before them, encoded as late as can be."""
        before: list[Command] = self._beginning
        if self._given:
            before = [prices(self._given + more, 0, clock) for more in (1, 2)]
        self._beginning = []
        self._given += count
        return [encode_command(command) for command in [*before, *islice(self._day, count)]]


def _engine(settings: Settings, output: Path, first: int, end: int) -> EngineTurn:
    """Start a worker, which has the commands from first to end to execute, and stop it when it has."""
    event = end_offsets(settings, EVENTS)[SHARD]
    with engine_worker(settings, output) as process:
        roots = {"engine": process} | broker()
        seen, before = _first_look(settings, roots)
        wait_until_executed(settings, end)
        after = cpu_seconds(roots)
        time.sleep(LAST_TRANSACTION_S)
        core_us = _core_us(settings)
    (last,) = read_back(settings, EVENTS, SHARD, 1)
    seconds = (last.timestamp_ms - timestamp_ms(settings, EVENTS, event)) / 1_000
    cpu = {name: after[name] - before[name] for name in roots}
    return EngineTurn((end - first) / seconds, cpu, end - max(seen, first), core_us)


def _first_look(settings: Settings, roots: dict[str, psutil.Process]) -> tuple[int, dict[str, float]]:
    """Wait for the worker's first answer: how far it is then, and what has been taken until then."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        seen = executed(settings)
        if seen is not None:
            return seen, cpu_seconds(roots)
        time.sleep(LOOK_S / 5)
    raise FixableError(f"The engine did not answer in {TIMEOUT_S:.0f} s.")


def _core_us(settings: Settings) -> float:
    """The bound of the worker's own histogram that 99 % of the commands it timed, one of 16, stay within."""
    families = {family.name: family for family in text_string_to_metric_families(page(settings, "/metrics").text)}
    buckets = [sample for sample in families["command_seconds"].samples if sample.name.endswith("_bucket")]
    return next(float(bucket.labels["le"]) for bucket in buckets if bucket.value >= buckets[-1].value * 0.99) * 1e6


def _raw(settings: Settings, output: Path, first: int, count: int, turn: int) -> float:
    """Copy the same records in a process of its own, and give its rate, measured like the engine's."""
    target = f"bench.raw.{turn}"
    make_topic(settings, target)
    arguments = (COMMANDS, target, str(first), str(count))
    environment = os.environ | {"KAFKA_BROKERS": settings.kafka_brokers}
    with running(python_command("-m", _raw_copy.__name__, *arguments), output, env=environment) as process:
        if process.wait(TIMEOUT_S) != 0:
            raise FixableError(f"The raw copy failed: {output.read_text(encoding='utf-8')[-2_000:]}")
    (last,) = read_back(settings, target, SHARD, 1)
    return count * 1_000 / (last.timestamp_ms - timestamp_ms(settings, target, 0))


def _figures(ours: list[EngineTurn], quix: list[float], raw: list[float]) -> list[Figure]:
    rates = [turn.per_second for turn in ours]
    return [
        Figure.of_runs("commands_per_second", "commands executed, events committed", rates, "commands/s"),
        Figure.of_runs("quix_per_second", "one state update, one output each", quix, "records/s", peer="Quix Streams"),
        Figure.of_runs("raw_per_second", "read and written, no work between", raw, "records/s", peer="raw copy"),
        Figure.of_runs("ratio_to_quix", "commands to records of Quix Streams", _ratios(rates, quix), "times"),
        Figure.of_runs("ratio_to_raw", "commands to records of the raw copy", _ratios(rates, raw), "times"),
        Figure.of_runs("core_us", "in the core, 99 % within", [turn.core_us for turn in ours], "µs"),
    ]


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def _cpu(turns: list[EngineTurn]) -> list[CpuUse]:
    count = sum(turn.cpu_commands for turn in turns)
    if not count:
        return []  # Too few commands: they were executed before the first look.
    seconds = {name: sum(turn.cpu[name] for turn in turns) for name in turns[0].cpu}
    return [CpuUse(what="at full speed", each="command", count=count, seconds=seconds)]
