"""Whether the clocks that a shard's time comes from agree: the price sender's, the broker's, and this process's own."""

from collections.abc import Iterable
from time import time_ns
from typing import Final

import structlog

from engine.shell.metrics import EngineMetrics
from engine.shell.shard import Records, Shard
from schemas.units import SECOND

log = structlog.get_logger(__name__)

AHEAD_MAX: Final = 30 * SECOND
REMEDY: Final = "once the broker's clock is right, an administrator brings log time back: POST /api/v1/admin/clock"
_MS: Final = 1_000


def ahead_of_own_clock(shard: Shard) -> int | None:
    """Give by how many µs log time is ahead of this process's clock, or null where that is no matter."""
    if shard.state is None:
        return None
    ahead = max(shard.state.time, shard.newest_append) - time_ns() // 1_000
    return ahead if ahead > AHEAD_MAX else None


def sentence(shard: Shard, ahead: int) -> str:
    """Say what is wrong, and what to do."""
    return f"shard {shard.number}: log time is {ahead // SECOND} s ahead of this machine's clock; {REMEDY}"


def watch_records(shard: Shard, records: Records, metrics: EngineMetrics) -> None:
    """Look at records before they are executed: one appended far ahead of this clock makes log time stand there."""
    shard.newest_append = max(shard.newest_append, records[-1].timestamp * _MS)
    _show_ahead(shard, metrics)


def watch_shards(shards: Iterable[Shard], metrics: EngineMetrics) -> None:
    """Alarm where the price sender's clock and log time part, for such a shard opens nothing; and where they agree."""
    for shard in shards:
        if shard.state is None:
            continue
        _show_ahead(shard, metrics)
        if shard.phase != "live":
            continue
        suspect = shard.state.clock_suspect
        metrics.clock_suspect.labels(shard.number).set(suspect)
        if suspect != shard.clock_alarm:
            shard.clock_alarm = suspect
            log.warning("clock suspect" if suspect else "clock trusted again", shard=shard.number)


def _show_ahead(shard: Shard, metrics: EngineMetrics) -> None:
    ahead = ahead_of_own_clock(shard)
    metrics.clock_ahead.labels(shard.number).set(0 if ahead is None else ahead / SECOND)
    if (ahead is not None) != shard.is_ahead:
        shard.is_ahead = ahead is not None
        if ahead is None:
            log.warning("log time agrees with this machine's clock again", shard=shard.number)
        else:
            seconds = ahead // SECOND
            log.error("log time is ahead of this machine's clock", shard=shard.number, seconds=seconds, remedy=REMEDY)
