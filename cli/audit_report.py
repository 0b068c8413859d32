"""How the audit shows its progress and its result: bars or lines on stderr, the result on stdout."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from audit.digits import iso
from audit.verify.pending import JUDGE as PENDING
from audit.verify.progress import PlannedTask, ProgressListener

if TYPE_CHECKING:
    from audit.verify.verify import ShardVerdict, Verdict
    from engine.core.state import State

PER_SECOND = 4  # times the bars are drawn
LINE_EVERY_S = 5.0


def progress_on(out: Console) -> "Bars | Lines":
    """Give bars where somebody can see them, and else a line every few seconds."""
    return Bars(out) if out.is_terminal else Lines(out)


class Bars(ProgressListener):
    """A bar for each question that takes long; drawn by a thread of its own, so counting costs nothing."""

    def __init__(self, out: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            console=out,
            refresh_per_second=PER_SECOND,
        )
        self._first = self._progress.add_task("files, snapshots", total=None)
        self._tasks: list[TaskID] = []

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, plan: Sequence[PlannedTask]) -> None:
        self._progress.remove_task(self._first)
        self._tasks = [
            self._progress.add_task(f"shard {shard} {question}", total=records, seconds=None)
            for shard, question, records in plan
        ]

    def advance(self, counts: Sequence[int]) -> None:
        for task, count in zip(self._tasks, counts, strict=True):
            self._progress.update(task, completed=count)

    def end(self, number: int, seconds: float, *, agrees: bool) -> None:
        """Let a bar end at what there was to read; where something differs, it stays where that was met."""
        task = self._progress.tasks[number]
        self._progress.update(task.id, total=task.completed if agrees else task.total, seconds=seconds)


class Lines(ProgressListener):
    """What a file or a pipe can keep: now and then how far each question is in all shards, and at the end once more."""

    def __init__(self, out: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._plan: list[PlannedTask] = []
        self._counts: list[int] = []
        self._began = self._written = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._plan:
            self._write()

    def begin(self, plan: Sequence[PlannedTask]) -> None:
        self._plan = list(plan)
        self._counts = [0] * len(plan)
        self._began = self._written = self._clock()

    def advance(self, counts: Sequence[int]) -> None:
        self._counts = list(counts)
        if self._clock() - self._written >= LINE_EVERY_S:
            self._write()

    def end(self, number: int, seconds: float, *, agrees: bool) -> None:
        del seconds
        if agrees:
            self._plan[number] = self._plan[number]._replace(records_max=self._counts[number])

    def _write(self) -> None:
        self._written = self._clock()
        took = self._written - self._began
        sums: dict[str, list[int]] = {}
        for planned, count in zip(self._plan, self._counts, strict=True):
            of_question = sums.setdefault(planned.question, [0, 0])
            of_question[0] += count
            of_question[1] += max(count, planned.records_max)
        parts = ", ".join(f"{question} {done:,} of {total:,}" for question, (done, total) in sums.items())
        rate = f"; {sum(self._counts) / took:,.0f} records/s" if took else ""
        self._out.print(f"{took:.0f} s: {parts}{rate}", soft_wrap=True, highlight=False)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Write records a second: of late, and of all the time once there is no more to come."""
        seconds = task.fields.get("seconds")
        speed = task.completed / seconds if seconds else task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def print_verdict(out: Console, verdict: "Verdict") -> None:
    """Say what was compared, what was not, and what differs."""
    for shard in verdict.shards:
        out.print(_shard_line(shard))
    if verdict.start != "genesis" or verdict.scope[1:]:
        for sentence in verdict.scope:
            out.print(sentence, markup=False)
    if verdict.commands == "not executed":
        out.print("Commands: not executed (--state-only); only the events by themselves were looked at.")
    if verdict.database == "not compared":
        out.print("PostgreSQL: not compared.")
    for sentence in verdict.acts:
        out.print(sentence, highlight=False, markup=False)
    if verdict.tables_not_compared:
        out.print(f"Told by no event, and not compared: {', '.join(verdict.tables_not_compared)}.", highlight=False)
    for difference in verdict.differences:
        out.print(difference.sentence(), markup=False)
    for sentence in verdict.under_way:
        out.print(sentence, markup=False)
    if any(difference.judge == PENDING for difference in verdict.differences):
        out.print("Where the engine is known to be behind or stopped, --allow-pending lets its commands wait.")
    count = len(verdict.differences)
    found = "All that was compared agrees" if verdict.agrees else f"{count} difference{'s' * (count > 1)}"
    out.print(f"{found}: {verdict.log}, {verdict.seconds} s; the core: {verdict.versions['the core']}.")


def log_end(state: "State", commands: int) -> str:
    """Say that the log does not go as far as was asked, and which ledger is shown instead."""
    if state.seq == 0:
        return f"Shard {state.shard}: nothing was executed yet; {commands:,} commands wait for the engine."
    waiting = commands - state.next_offset
    more = f"; {waiting:,} commands more wait for the engine" if waiting > 0 else ""
    return f"Shard {state.shard}: the log ends at command {state.next_offset - 1}, {iso(state.time)}{more}."


def print_ledger(out: Console, ledger: dict[str, Any]) -> None:
    """Print a ledger as `past.describe` gives it."""
    if ledger["seq"] == 0:
        out.print(f"Shard {ledger['shard']} before its first command")
        return
    out.print(
        f"Shard {ledger['shard']} after command {ledger['next_offset'] - 1}, event {ledger['seq']}, {ledger['time']}"
    )
    out.print(f"  rules     version {ledger['rules_version']}")
    out.print("  books     " + "  ".join(f"{name} {amount}" for name, amount in ledger["books"].items()))
    for price in ledger["prices"]:
        out.print(f"  price     {price['symbol']} {price['bid']} / {price['ask']} {price['price']}, {price['status']}")
    out.print(f"  accounts  {ledger['account_count']}, open positions {ledger['position_count']}")
    for account in ledger["accounts"]:
        out.print(
            f"  {account['account_id']}  cash {account['cash']}  margin {account['used_margin']}  balance "
            f"{account['balance']}  equity {account['equity']}",
            markup=False,
        )
        for position in account["positions"]:
            out.print(
                f"    {position['position_id']}  {position['side']} {position['quantity']} {position['symbol']} at "
                f"{position['entry_price']}  margin {position['margin']}  liquidation {position['liquidation_price']}  "
                f"PnL {position['unrealized_pnl']}"
            )


def _shard_line(shard: "ShardVerdict") -> str:
    rate = "" if shard.commands_per_second is None else f", {shard.commands_per_second:,} commands/s"
    pending = (
        f", {shard.pending_commands:,} commands wait for the engine, the oldest for {shard.pending_seconds} s"
        if shard.pending_commands
        else ""
    )
    rows = "" if shard.rows is None else f", {shard.rows:,} rows{_of_tables(shard)}"
    return (
        f"shard {shard.shard}: {'agrees' if shard.agrees else 'DIFFERS'}: {shard.commands:,} commands, "
        f"{shard.events:,} events from {shard.started_at}, {shard.snapshots} snapshots{rows}{pending}{rate}"
    )


def _of_tables(shard: "ShardVerdict") -> str:
    """Say how far the tables were filled, and so compared."""
    if shard.tables_at is None:
        return ""
    last = max(shard.tables_at, shard.seq or 0)  # A live log and its tables went on since it was opened.
    return f" with the tables at event {shard.tables_at:,} of {last:,}"
