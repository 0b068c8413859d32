"""Whether commands have been pending, without an event, for longer than a running engine lets them.

Events that are taken from the log's end leave nothing that contradicts the rest: what is left is a sound log whose last
commands were not executed yet. Only how long they have been pending distinguishes the two.
"""

from typing import Final, NamedTuple

from audit.log.differences import Difference
from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.reports import JudgeReport
from schemas.units import SECOND

JUDGE: Final = "waiting"  # its name in reports and JSON
# More than an engine needs that was killed and starts again with a ledger of a million accounts.
PATIENCE: Final = 30 * SECOND
FAR_BEHIND: Final = 100  # events, of which a projector at work has some
MICROSECONDS_PER_MILLISECOND: Final = 1_000


class PendingCommands(NamedTuple):
    """Commands without events: their number, the first one's offset, the log times (µs) of the first and the last."""

    commands: int
    offset: int
    since: int
    last: int

    def seconds(self, now: int) -> float:
        """Give how long the first has been pending."""
        return round((max(now, self.last) - self.since) / SECOND, 1)


def pending_from(log: LogReader, shard: int, offset: int) -> PendingCommands | None:
    """Give the commands from an offset on, which is where the events end; null where there are none."""
    if log.extent(shard).commands <= offset:
        return None
    count, first, last = 0, None, None
    for batch in log.commands(shard, offset):
        if batch:
            count, first, last = count + len(batch), first or batch[0], batch[-1]
    if first is None or last is None:
        return None
    since, until = (record.timestamp_ms * MICROSECONDS_PER_MILLISECOND for record in (first, last))
    return PendingCommands(count, first.offset, since, until)


def pending_too_long(shard: int, pending: PendingCommands, now: int) -> list[Difference]:
    """Name what has been pending for longer than an engine lets it, by the log's latest time or a clock's (µs)."""
    if max(now, pending.last) - pending.since <= PATIENCE:
        return []
    what = (
        f"{pending.commands:,} commands have no event, the oldest for {pending.seconds(now)} s: the engine is behind "
        "or stopped, or events are missing"
    )
    return [Difference(judge=JUDGE, shard=shard, what=what, offset=pending.offset)]


def tables_behind(tables: JudgeReport, last: int, now: int) -> list[Difference]:
    """Name tables that lack events for longer than a running projector lets them, or have none of very many.

    last: the log's last event. Of another log's tables, which have none of this one's, the same is to be said.
    """
    if tables.behind_since is None or tables.reached is None:
        return []
    seconds = round((now - tables.behind_since) / SECOND, 1)
    if now - tables.behind_since <= PATIENCE and (tables.reached > 0 or last < FAR_BEHIND):
        return []
    what = (
        f"the tables are at event {tables.reached:,} of {max(last, tables.reached):,}, and have lacked the next one "
        f"for {seconds} s: the projector is behind or stopped, or they are another log's"
    )
    return [Difference(judge="tables", shard=tables.shard, what=what, seq=tables.reached, type="progress", field="seq")]


def pending_unreadable(shard: int, error: LogUnreadable) -> list[Difference]:
    """Name commands that cannot be read, where nobody else has to read them."""
    return [Difference(judge=JUDGE, shard=shard, what=str(error), offset=error.offset)]
