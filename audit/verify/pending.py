"""Whether commands wait for their events longer than an engine that runs lets them.

Events that are taken from the log's end leave nothing that contradicts the rest: what is left is a sound log whose last
commands were not executed yet. Only how long they have been waiting tells the two apart.
"""

from typing import Final, NamedTuple

from audit.log.differences import Difference
from audit.log.log_reader import Log, LogUnreadable
from schemas.units import SECOND

JUDGE: Final = "waiting"
# More than an engine needs that was killed and starts again with a ledger of a million accounts.
PATIENCE: Final = 30 * SECOND
MICROSECONDS_PER_MILLISECOND: Final = 1_000


class Waiting(NamedTuple):
    """Commands without events: their number, the first one's offset, the log times (µs) of the first and the last."""

    commands: int
    offset: int
    since: int
    last: int

    def seconds(self, now: int) -> float:
        """Say how long the first has been waiting."""
        return round((max(now, self.last) - self.since) / SECOND, 1)


def waiting_from(log: Log, shard: int, offset: int) -> Waiting | None:
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
    return Waiting(count, first.offset, since, until)


def too_long(shard: int, waiting: Waiting, now: int) -> list[Difference]:
    """Name what has been waiting for longer than an engine lets it, by the log's latest time or a clock's (µs)."""
    if max(now, waiting.last) - waiting.since <= PATIENCE:
        return []
    what = (
        f"{waiting.commands:,} commands have no event, the oldest for {waiting.seconds(now)} s: the engine is behind "
        "or stopped, or events are missing"
    )
    return [Difference(judge=JUDGE, shard=shard, what=what, offset=waiting.offset)]


def unreadable(shard: int, error: LogUnreadable) -> list[Difference]:
    """Name commands that cannot be read, where nobody else has to read them."""
    return [Difference(judge=JUDGE, shard=shard, what=str(error), offset=error.offset)]
