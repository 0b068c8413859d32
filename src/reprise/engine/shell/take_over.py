"""In which order a shard is taken over, so that its former owner can do no harm."""

from typing import NamedTuple

from reprise.engine.shell.log import Bounds, Log, Producers, Watermark
from reprise.engine.shell.progress import Progress
from reprise.engine.shell.start import Start, start_of


class TakenOver(NamedTuple):
    """A shard that nobody else can write to any more, and what its recovery has to reach.

    bounds: of the commands, as they were after the fencing.
    """

    producers: Producers
    watermark: Watermark
    start: Start
    bounds: Bounds


def take_over(source: Log, shard: int, shards: int, progress: Progress) -> TakenOver:
    """Fence the former owner, then read how far it came. Never the other way round. Blocks; for a thread."""
    producers = source.fence(shard)
    watermark = source.watermark(shard)
    bounds = source.command_bounds(shard)
    start = start_of(source, shard, shards, watermark, bounds, progress)
    progress.end()
    return TakenOver(producers, watermark, start, bounds)
