"""In which order a shard is taken over, so that its former owner can do no harm; and what a standby reads instead."""

from typing import NamedTuple

from engine.shell.log import Bounds, Log, Producers, Watermark
from engine.shell.progress import Progress
from engine.shell.start import Start, start_of


class Ends(NamedTuple):
    """What a recovery has to reach: the last committed event, and the commands there are."""

    watermark: Watermark
    bounds: Bounds


class Seized(NamedTuple):
    """A shard that nobody else can write to any more; the ends are those after the fencing."""

    producers: Producers
    ends: Ends


def seize(source: Log, shard: int) -> Seized:
    """Fence the former owner, then read how far it came. Never the other way round. Blocks; for a thread."""
    producers = source.fence(shard)
    return Seized(producers, ends_of(source, shard))


def ends_of(source: Log, shard: int) -> Ends:
    """Read how far the shard's owner came; without fencing it first, it may go on meanwhile. Blocks; for a thread."""
    watermark = source.watermark(shard)
    return Ends(watermark, source.command_bounds(shard))


def load(source: Log, shard: int, shards: int, ends: Ends, progress: Progress) -> Start:
    """Give the ledger from which the commands are replayed. Blocks; for a thread."""
    progress.goal = ends.bounds.end
    start = start_of(source, shard, shards, ends.watermark, ends.bounds, progress)
    progress.end()
    return start
