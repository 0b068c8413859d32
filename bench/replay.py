"""How many commands a second the audit replays in one process: every byte compared, and the state alone."""

import tempfile
from pathlib import Path
from typing import Final

from audit.log.differences import Difference
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.log.log_reader import Batches, Extent, LogReader
from audit.verify.execution import execute
from audit.verify.folding import fold
from audit.verify.reports import JudgeReport, JudgeStart
from bench._cpu import own_cpu_time
from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, opening_day, trading_day
from bench.report.figures import CpuUse, Figure, Measured
from engine.core.state import genesis
from engine.core.step import step
from runtime.kafka import LogRecord
from schemas.codec import encode_and_chain, encode_command, first_digest

COUNT: Final = 100_000
TURNS: Final = 3
SHARD: Final = 0
SHARDS: Final = 1
START_MS: Final = 1_700_000_000_000
MILLISECOND: Final = 1_000  # µs
PER_MS: Final = 30  # commands in a millisecond of log time: prices stay fresh
BATCH: Final = 10_000
WAYS: Final = (
    ("commands_per_second", "executed, every byte compared, laws checked"),
    ("bytes_only_commands_per_second", "the same without the laws"),
    ("state_only_commands_per_second", "events folded to the state, chain checked"),
)


def run(count: int = COUNT, turns: int = TURNS) -> Measured:
    """Write a trading day, export it, and replay the export in three ways, in turns.

    The log is read from its files each time, as the audit reads it.
    """
    rates: dict[str, list[float]] = {name: [] for name, _ in WAYS}
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        commands, events = trading_log(count)
        target = Path(folder) / "log"
        export_log(MemoryLog(commands, events), target, shard=None, to={})
        log = FolderLog(target)
        with own_cpu_time() as cpu:
            for _ in range(turns):
                rates["commands_per_second"].append(_executed(log, laws=True))
                rates["bytes_only_commands_per_second"].append(_executed(log, laws=False))
                rates["state_only_commands_per_second"].append(_folded(log))
    figures = [Figure.of_runs(name, label, rates[name], "commands/s") for name, label in WAYS]
    uses = len(WAYS) * turns * len(commands)
    return Measured(
        figures=figures, cpu=[CpuUse(what="the three ways together", each="command", count=uses, seconds=cpu)]
    )


class MemoryLog:
    """A log of one shard in memory."""

    def __init__(self, commands: list[LogRecord], events: list[LogRecord]) -> None:
        self._commands, self._events = commands, events
        self.name, self.shards, self.held = "a trading day", SHARDS, (SHARD,)

    def extent(self, shard: int) -> Extent:
        del shard
        return Extent(len(self._commands), len(self._events), 0)

    def renewed(self) -> "MemoryLog":
        return self

    def commands(self, shard: int, first: int) -> Batches:
        del shard
        return (self._commands[start : start + BATCH] for start in range(first, len(self._commands), BATCH))

    def events(self, shard: int, first: int) -> Batches:
        del shard
        return (self._events[start : start + BATCH] for start in range(first, len(self._events), BATCH))

    def snapshots(self, shard: int) -> Batches:
        del shard
        return iter(())

    def damages(self, shard: int) -> list[Difference]:
        del shard
        return []


def trading_log(count: int) -> tuple[list[LogRecord], list[LogRecord]]:
    """Write what an engine would: the commands of a trading day and their events."""
    commands: list[LogRecord] = []
    events: list[LogRecord] = []
    state, digest = genesis(SHARD, SHARDS), first_digest(SHARD)

    def now_ms() -> int:
        return START_MS + len(commands) // PER_MS

    def clock() -> int:
        return now_ms() * MILLISECOND

    accounts = accounts_of(SHARD, SHARDS, 1 + count // COMMANDS_PER_ACCOUNT)
    for day in (opening_day(SHARD, accounts, clock), trading_day(SHARD, accounts, count, clock)):
        for command in day:
            offset, time_ms = len(commands), now_ms()
            commands.append(LogRecord(offset, time_ms, None, encode_command(command)))
            rules = state.rules_version
            for event in step(state, command, offset=offset, time=time_ms * MILLISECOND):
                value, digest = encode_and_chain(event, digest, rules)
                account_id = event.account_id
                key = None if account_id is None else account_id.encode()
                events.append(LogRecord(len(events), time_ms, key, value))
    return commands, events


def _executed(log: LogReader, *, laws: bool) -> float:
    return _rate(execute(log, SHARD, _start(), frozenset(), _ignore, laws=laws))


def _folded(log: LogReader) -> float:
    return _rate(fold(log, SHARD, _start(), frozenset(), _ignore))


def _start() -> JudgeStart:
    return JudgeStart(genesis(SHARD, SHARDS), first_digest(SHARD))


def _rate(report: JudgeReport) -> float:
    assert not report.differences, report.differences[0].sentence()
    return report.commands / report.seconds


def _ignore(count: int) -> None:
    del count
