"""Which snapshots the records of a topic make up: chunks, and the manifest that stands behind them."""

from collections.abc import Iterator
from typing import NamedTuple

from audit.log.log_reader import Batches
from runtime.kafka import LogRecord
from schemas.manifest import SnapshotManifest
from schemas.snapshots import SnapshotUnreadable, chunk_key, decode_manifest, is_manifest_key, unpack


class Generation(NamedTuple):
    """One snapshot: its manifest's record, the manifest (null, and why), and the records since the one before."""

    record: LogRecord
    manifest: SnapshotManifest | None
    error: str
    chunks: dict[int, LogRecord]

    @property
    def is_whole(self) -> bool:
        """Whether all its chunks are there; compaction takes them once its slot was used again."""
        return self.manifest is not None and all(offset in self.chunks for offset in self.manifest.chunk_offsets)

    def pages(self) -> Iterator[bytes]:
        """Give its pages; raises SnapshotUnreadable where a chunk is missing, of another place or altered."""
        if self.manifest is None:
            raise SnapshotUnreadable(self.error)
        return unpack(self.manifest, list(self._values(self.manifest)))

    def _values(self, manifest: SnapshotManifest) -> Iterator[bytes]:
        for number, offset in enumerate(manifest.chunk_offsets):
            record = self.chunks.get(offset)
            if record is None:
                raise SnapshotUnreadable(f"chunk {number} is not at offset {offset}")
            if record.key != chunk_key(manifest.slot, number):
                raise SnapshotUnreadable(f"what stands at offset {offset} is {record.key!r} and not its chunk {number}")
            yield record.value


def generations(batches: Batches) -> Iterator[Generation]:
    """Give the snapshots from the oldest on; only one at a time is held in memory."""
    chunks: dict[int, LogRecord] = {}
    for batch in batches:
        for record in batch:
            if not record.value:
                continue  # It takes back what a larger ring, or a larger snapshot in its slot, left there.
            if not is_manifest_key(record.key):
                chunks[record.offset] = record
                continue
            try:
                manifest, error = decode_manifest(record.value), ""
            except SnapshotUnreadable as unreadable:
                manifest, error = None, str(unreadable)
            yield Generation(record, manifest, error, chunks)
            chunks = {}


def not_above(batches: Batches, offset: int) -> Batches:
    """Give the records of the snapshots that hold no command from this offset on."""
    for found in generations(batches):
        if found.manifest is not None and found.manifest.next_offset <= offset:
            yield [*found.chunks.values(), found.record]
