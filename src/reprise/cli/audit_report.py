"""How the audit is watched and what is printed of it: bars on stderr, the result on stdout."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from reprise.audit.log import Log
    from reprise.audit.verify import Request, ShardVerdict, Verdict

PER_SECOND = 4  # times the bars are drawn


class Bars:
    """A bar for each question that takes long; drawn by a thread of its own, so counting costs nothing."""

    def __init__(self, log: "Log", request: "Request") -> None:
        self._progress = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            console=Console(stderr=True),
            refresh_per_second=PER_SECOND,
        )
        self._tasks = []
        for shard in request.shards:
            extent = log.extent(shard)
            questions = {"events": extent.commands, "fold": extent.events, "tables": extent.events}
            if request.state_only:
                del questions["events"]
            if request.database_url is None:
                del questions["tables"]
            for question, total in questions.items():
                self._tasks.append(self._progress.add_task(f"shard {shard} {question}", total=total))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def watch(self, counts: Sequence[int]) -> None:
        """Take how far each task is."""
        for task, count in zip(self._tasks, counts, strict=True):
            self._progress.update(task, completed=count)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Write records a second."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def print_verdict(out: Console, verdict: "Verdict") -> None:
    """Say what was compared, what was not, and what differs."""
    for shard in verdict.shards:
        out.print(_shard_line(shard))
    if verdict.commands == "not executed":
        out.print("Commands: not executed (--state-only); only the events by themselves were looked at.")
    if verdict.database == "not compared":
        out.print("PostgreSQL: not compared.")
    for difference in verdict.differences:
        out.print(difference.sentence(), markup=False)
    for sentence in verdict.under_way:
        out.print(sentence, markup=False)
    found = "All that was compared agrees" if verdict.agrees else f"{len(verdict.differences)} differences"
    out.print(f"{found}: {verdict.log}, {verdict.seconds} s.")


def print_ledger(out: Console, ledger: dict[str, Any]) -> None:
    """Print a ledger as `past.describe` gives it."""
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
    pending = f", {shard.pending_commands:,} commands wait for the engine" if shard.pending_commands else ""
    rows = "" if shard.rows is None else f", {shard.rows:,} rows"
    return (
        f"shard {shard.shard}: {'agrees' if shard.agrees else 'DIFFERS'}: {shard.commands:,} commands, "
        f"{shard.events:,} events from {shard.started_at}, {shard.snapshots} snapshots{rows}{pending}{rate}"
    )
