"""Which snapshots a shard has in Kafka, newest first, and the pages of one."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import structlog
from confluent_kafka import Consumer, TopicPartition

from runtime.kafka import LogRecord, Options, bounds, reader_options, records_to
from runtime.settings import Settings
from schemas.manifest import SnapshotManifest
from schemas.snapshots import SnapshotUnreadable, chunk_key, decode_manifest, is_manifest_key, unpack
from schemas.topics import SNAPSHOTS

log = structlog.get_logger(__name__)

# A transaction ends with its manifest and one control record.
FIRST_WINDOW: Final = 2
# A manifest is found alone; what follows it is not wanted.
MANIFEST_FETCH: Final[Options] = {"max.partition.fetch.bytes": 16 * 1024, "queued.max.messages.kbytes": 1_024}
CHUNK_FETCH: Final[Options] = {"max.partition.fetch.bytes": 8 * 1024 * 1024, "queued.max.messages.kbytes": 32 * 1024}


class FoundManifest(NamedTuple):
    """A manifest, and the offset it stands at."""

    offset: int
    manifest: SnapshotManifest


Unreadable = Callable[[int, str], None]


def manifests(settings: Settings, shard: int, on_unreadable: Unreadable | None = None) -> Iterator[FoundManifest]:
    """Give the manifests of the ring, newest first, each slot's last one. Blocks; for a thread.

    It begins at the end, and goes from each manifest to the offset it names, or looks back where it names none.
    One that cannot be read is passed to `on_unreadable`, by default logged, with its offset and the reason.
    """
    consumer = Consumer(reader_options(settings, "reprise-manifests") | MANIFEST_FETCH)
    slots: set[int] = set()
    ring: int | None = None
    try:
        low, high = bounds(consumer, SNAPSHOTS, shard)
        record = _last_before(consumer, shard, low, high)
        while record is not None:
            before: int | None = None
            try:
                manifest = decode_manifest(record.value)
            except SnapshotUnreadable as error:
                (on_unreadable or _warn(shard))(record.offset, str(error))
            else:
                before = manifest.previous_manifest_offset
                ring = ring or manifest.slots
                if manifest.slot < ring and manifest.slot not in slots:
                    slots.add(manifest.slot)
                    yield FoundManifest(record.offset, manifest)
                if len(slots) == ring:
                    return
            pointed = (
                _manifest_at(consumer, shard, before, high) if before is not None and before < record.offset else None
            )
            record = pointed or _last_before(consumer, shard, low, record.offset)
    finally:
        consumer.close()


def read_pages(settings: Settings, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
    """Give the pages of the snapshot this manifest of the shard's partition describes. Blocks; for a thread.

    Raises SnapshotUnreadable where a chunk is missing, of another slot, truncated or altered; the hash of the whole is
    compared at the end, so what was made of the pages counts only after it.
    """
    return unpack(manifest, _chunks(settings, shard, manifest))


def _chunks(settings: Settings, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
    consumer = Consumer(reader_options(settings, "reprise-snapshot") | CHUNK_FETCH)
    try:
        end = bounds(consumer, SNAPSHOTS, shard)[1]
        records = records_to(consumer, TopicPartition(SNAPSHOTS, shard, manifest.chunk_offsets[0]), end)
        for number, offset in enumerate(manifest.chunk_offsets):
            record = next((record for record in records if record.offset >= offset), None)
            if record is None or record.offset != offset:
                raise SnapshotUnreadable(f"chunk {number} is not at offset {offset} any more")
            if record.key != chunk_key(manifest.slot, number):
                raise SnapshotUnreadable(f"what stands at offset {offset} is {record.key!r} and not its chunk {number}")
            yield record.value
    finally:
        consumer.close()


def _last_before(consumer: Consumer, shard: int, low: int, end: int) -> LogRecord | None:
    """Find the last manifest before an offset: in windows that double, so that little more than needed is read."""
    window = FIRST_WINDOW
    while end > low:
        start = max(low, end - window)
        found: LogRecord | None = None
        for record in records_to(consumer, TopicPartition(SNAPSHOTS, shard, start), end):
            if record.offset >= end:
                break
            if is_manifest_key(record.key) and record.value:
                found = record
        if found is not None:
            return found
        end, window = start, 2 * window
    return None


def _manifest_at(consumer: Consumer, shard: int, offset: int, end: int) -> LogRecord | None:
    """Give the manifest at an offset before the end, or null where there is none any more."""
    record = next(records_to(consumer, TopicPartition(SNAPSHOTS, shard, offset), end), None)
    if record is None or record.offset != offset or not is_manifest_key(record.key) or not record.value:
        return None
    return record


def _warn(shard: int) -> Unreadable:
    return lambda offset, reason: log.warning("snapshot passed over", shard=shard, manifest_offset=offset, why=reason)
