"""How a shard is taken over: its former owner is fenced before its end is read, and where its recovery starts."""

from typing import Final, NamedTuple

import structlog

from engine.core.state import State, genesis
from engine.shell.log import Bounds, Log, Producers, Watermark
from engine.shell.progress import RecoveryProgress
from engine.snapshot.load import load_newest
from runtime.transactions import TransactionalProducer, replaced
from schemas.codec import first_digest
from schemas.manifest import SnapshotManifest
from schemas.topics import EVENTS

ABORT_TIMEOUT_S: Final = 15.0

log = structlog.get_logger(__name__)


class LogEnds(NamedTuple):
    """What a recovery has to reach: the last committed event, and the commands there are."""

    watermark: Watermark
    bounds: Bounds


class FencedShard(NamedTuple):
    """A shard that nobody else can write to any more; the ends are those after the fencing."""

    producers: Producers
    ends: LogEnds


class ShardStart(NamedTuple):
    """A ledger as of `state.next_offset`, the digest of the event `state.seq`, and the snapshot it is from, if any."""

    state: State
    digest: bytes
    manifest: SnapshotManifest | None


class ForeignTransaction(Exception):
    """Somebody who is no owner has a transaction open among the events, and what was committed behind it is hidden."""


def fence(source: Log, shard: int) -> FencedShard:
    """Fence the former owner, then read how far it came. Never the other way round. Blocks; for a thread.

    Raises ForeignTransaction where the last committed event cannot be known: no owner has a transaction open any more.
    """
    producers = source.fence(shard)
    events = _with_readable_end(source, shard, producers.events)
    return FencedShard(producers._replace(events=events), log_ends(source, shard))


def fence_again(source: Log, shard: int, committed: Watermark) -> TransactionalProducer:
    """Give an owner a new producer of events, after its own last committed event. Blocks; for a thread.

    As in a take-over the end is read after the fencing: where another owner has written meanwhile, this one is none.
    """
    producer = source.fence_events(shard)
    try:
        producer = _with_readable_end(source, shard, producer)
    except ForeignTransaction as error:
        raise replaced(str(error)) from error
    found = source.watermark(shard)
    if found != committed:
        reason = f"the committed events end at seq {found.seq}, and this owner's at {committed.seq}"
        raise replaced(reason)
    log.info("a new producer follows on a commit that was slow or disturbed", shard=shard, watermark=found.seq)
    return producer


def _with_readable_end(source: Log, shard: int, producer: TransactionalProducer) -> TransactionalProducer:
    """Abort what the id left open, and give the producer that goes on: another one, where the abort may come again."""
    if source.hidden_from(shard) is None:
        return producer
    producer.abort_left_over(EVENTS, shard, ABORT_TIMEOUT_S)
    hidden_from = source.hidden_from(shard)
    if hidden_from is not None:
        raise ForeignTransaction(
            f"a transaction that is not the engine's is open in {EVENTS}/{shard} from offset {hidden_from} on: "
            "the last committed event is known when it ends"
        )
    return source.fence_events(shard) if producer.is_doubtful else producer


def log_ends(source: Log, shard: int) -> LogEnds:
    """Read how far the shard's owner came; without fencing it first, it may go on meanwhile. Blocks; for a thread."""
    watermark = source.watermark(shard)
    return LogEnds(watermark, source.command_bounds(shard))


def load(source: Log, shard: int, shards: int, ends: LogEnds, progress: RecoveryProgress) -> ShardStart:
    """Give the ledger from which the commands are replayed: the newest good snapshot's, or that before the first.

    Blocks; for a thread.
    """
    first, end = ends.bounds
    progress.goal = end
    found = load_newest(source, shard, shards, seq=ends.watermark.seq, first=first, end=end, progress=progress)
    if found is None:
        log.info("no snapshot to start from, the whole log is replayed", shard=shard)
        start = ShardStart(genesis(shard, shards), first_digest(shard), None)
    else:
        state, manifest = found
        start = ShardStart(state, manifest.digest, manifest)
    progress.end()
    return start
