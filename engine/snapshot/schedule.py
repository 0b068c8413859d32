"""When a shard's snapshot is taken, and how the shard goes on meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic, perf_counter
from typing import Final, Generic, TypeVar

import structlog
from confluent_kafka import KafkaException

from engine.snapshot.copy_on_write import LedgerCopy, begin_copy, end_copy
from engine.snapshot.format import FORMAT
from engine.snapshot.ports import LastSnapshot, LedgerShard, SnapshotMetrics
from engine.snapshot.publish import NotPublished, SnapshotContent, SnapshotPublisher, named_instruments
from schemas.manifest import SnapshotManifest
from schemas.snapshots import CHUNK_BYTES, Packing

log = structlog.get_logger(__name__)

COMMANDS_BETWEEN: Final = 50_000
LOOK_S: Final = 0.05
# One turn encodes for so long, and then at least as long belongs to the commands: a command passes through several
# turns of the event loop, and without the pause a slice would stand before each of them.
SLICE_S: Final = 0.001
PAUSE_S: Final = 0.002
PUBLISHING_PAUSE_S: Final = 0.01


ShardT = TypeVar("ShardT", bound=LedgerShard)


class SnapshotSchedule(Generic[ShardT]):
    """Takes the snapshots of this process's shards, one at a time. Everything but the threads' work is on the loop."""

    def __init__(
        self,
        shards: Mapping[int, ShardT],
        metrics: SnapshotMetrics,
        interval_s: float,
        on_failure: Callable[[ShardT, Exception], Awaitable[None]],
    ) -> None:
        self._shards = shards
        self._metrics = metrics
        self._interval_s = interval_s
        self._on_failure = on_failure
        self._publishers: dict[ShardT, SnapshotPublisher] = {}
        self._one_at_a_time = asyncio.Lock()
        self._is_stopping = False

    def begin(self, shard: ShardT, publisher: SnapshotPublisher) -> None:
        """Take this shard's snapshots from now on."""
        self._publishers[shard] = publisher

    def end(self, shard: ShardT) -> None:
        """Take none of this shard any more; what its producer still does is the next owner's to abort."""
        publisher = self._publishers.pop(shard, None)
        if publisher is not None:
            publisher.close()

    async def take_for_ever(self) -> None:
        """Take each shard's when it is due."""
        while True:
            await asyncio.sleep(LOOK_S)
            for shard in list(self._shards.values()):
                if is_due(shard.last_snapshot, monotonic(), shard.seq, shard.next_offset, self._interval_s):
                    await self.take(shard)

    async def take_last(self) -> None:
        """Take one of every shard that executed anything since its last, as fast as can be: nobody waits any more."""
        self._is_stopping = True
        for shard in list(self._shards.values()):
            await self.take(shard)

    async def take(self, shard: ShardT) -> None:
        """Take a snapshot of a live shard as it is now, unless it has one of this moment."""
        async with self._one_at_a_time:
            publisher = self._publishers.get(shard)
            if publisher is None or shard.phase != "live" or shard.seq == shard.last_snapshot.seq:
                return
            began = monotonic()
            try:
                manifest = await self._take(shard, publisher)
            except NotPublished as error:
                self._count("failed", shard, began, why=str(error))
            except KafkaException as error:
                self._count("failed", shard, began, why=str(error))
                await self._on_failure(shard, error)
            else:
                self._count("abandoned" if manifest is None else "published", shard, began, manifest)

    async def _take(self, shard: ShardT, publisher: SnapshotPublisher) -> SnapshotManifest | None:
        """Give the published manifest, or null where the shard was given up or froze meanwhile."""
        assert shard.state is not None, "a live shard has a ledger"
        assert shard.outbox is not None, "a live shard has an outbox"
        content = SnapshotContent(
            seq=shard.seq,
            digest=shard.digest,
            next_offset=shard.next_offset,
            time=shard.state.time,
            accounts=len(shard.state.accounts),
            positions=len(shard.state.positions),
            format=FORMAT,
            rules_version=shard.state.rules_version,
            instruments=named_instruments(shard.state),
        )
        # Counted from its beginning, whether it comes to be or not: a broker that is slow is not asked at once again.
        shard.last_snapshot = LastSnapshot(monotonic(), content.seq, content.next_offset, shard.last_snapshot.number)
        copying = begin_copy(shard.state)
        packing = Packing()
        try:
            if not await self._copy(shard, copying, packing, publisher):
                return None
        finally:
            end_copy(shard.state)
        if not await shard.outbox.until_committed(content.seq) or shard.given_up:
            return None
        pause_s = 0.0 if self._is_stopping else PUBLISHING_PAUSE_S
        manifest = await asyncio.wrap_future(publisher.publish(content, packing, pause_s))
        shard.last_snapshot = shard.last_snapshot._replace(number=manifest.number)
        return manifest

    async def _copy(self, shard: ShardT, copying: LedgerCopy, packing: Packing, publisher: SnapshotPublisher) -> bool:
        """Encode a slice a turn, and let the thread compress it; whether the copy is whole."""
        pages: list[bytes] = []
        size = 0
        whole = False
        while not whole:
            began = perf_counter()
            while not whole and perf_counter() - began < SLICE_S:
                page = copying.next_page()
                if page is None:
                    whole = True
                else:
                    pages.append(page)
                    size += len(page)
            if whole or size >= CHUNK_BYTES:
                await asyncio.wrap_future(publisher.pack(packing, pages))
                pages, size = [], 0
            await asyncio.sleep(0 if self._is_stopping else PAUSE_S)
            if shard.given_up or shard.phase != "live":
                return False
        return True

    def _count(
        self, result: str, shard: ShardT, began: float, manifest: SnapshotManifest | None = None, why: str | None = None
    ) -> None:
        seconds = monotonic() - began
        self._metrics.results.labels(result).inc()
        if manifest is not None:
            self._metrics.seconds.observe(seconds)
            self._metrics.size.labels(shard.number).set(manifest.uncompressed_bytes)
            log.debug(
                "snapshot published",
                shard=shard.number,
                number=manifest.number,
                slot=manifest.slot,
                seq=manifest.seq,
                next_offset=manifest.next_offset,
                accounts=manifest.accounts,
                positions=manifest.positions,
                chunks=len(manifest.chunk_offsets),
                seconds=round(seconds, 3),
            )
        else:
            log.warning("snapshot not published", result=result, shard=shard.number, seconds=round(seconds, 3), why=why)


def is_due(last: LastSnapshot, now: float, seq: int, next_offset: int, interval_s: float) -> bool:
    """Say whether it is time for the next snapshot: never when nothing happened since the last one."""
    if seq == last.seq:
        return False
    return now - last.at >= interval_s or next_offset - last.next_offset >= COMMANDS_BETWEEN
