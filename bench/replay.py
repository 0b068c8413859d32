"""How many commands a second the audit replays in one process: every byte compared, and the state alone."""

import json as json_format
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, Final

from audit.log.differences import Difference
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.log.log_reader import Batches, Extent, LogReader
from audit.verify.execution import execute
from audit.verify.folding import fold
from audit.verify.reports import JudgeReport, JudgeStart
from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, opening_day, trading_day
from engine.core.state import genesis
from engine.core.step import step
from runtime.kafka import LogRecord
from schemas.codec import encode_and_chain, encode_command, first_digest

COUNT: Final = 100_000
TIMES: Final = 3
SHARD: Final = 0
SHARDS: Final = 1
START_MS: Final = 1_700_000_000_000
MILLISECOND: Final = 1_000  # µs
PER_MS: Final = 30  # commands in a millisecond of log time: prices stay fresh
BATCH: Final = 10_000


def run(json: bool, count: int = COUNT) -> None:
    """Write a trading day, export it, and replay the export; the median of three, with all runs beside it."""
    result = measure(count)
    if json:
        print(json_format.dumps(result))
        return
    print(f"every byte compared, laws checked: {result['commands_per_second']:,} commands/s a process")
    print(f"every byte compared, without laws: {result['bytes_only_commands_per_second']:,} commands/s")
    print(f"state only, chain walked:          {result['state_only_commands_per_second']:,} commands/s")


def measure(count: int) -> dict[str, Any]:
    """Give the numbers; the log is read from its files in each run, as the audit reads it."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        commands, events = trading_log(count)
        target = Path(folder) / "log"
        export_log(MemoryLog(commands, events), target, shard=None, to={})
        log = FolderLog(target)
        runs = {
            "commands_per_second": [_executed(log, laws=True) for _ in range(TIMES)],
            "bytes_only_commands_per_second": [_executed(log, laws=False) for _ in range(TIMES)],
            "state_only_commands_per_second": [_folded(log) for _ in range(TIMES)],
        }
    found: dict[str, Any] = {name: round(median(rates)) for name, rates in runs.items()}
    return found | {
        "runs": {name: [round(rate) for rate in rates] for name, rates in runs.items()},
        "commands": len(commands),
        "events": len(events),
    }


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
