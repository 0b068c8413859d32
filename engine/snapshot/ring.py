"""Which slot the next snapshot goes to, and what of older ones has to go."""

from collections.abc import Iterable
from typing import NamedTuple

from runtime.snapshots import FoundManifest
from schemas.snapshots import chunk_key, manifest_key


class RingSlot(NamedTuple):
    """Where a snapshot goes: its number, its slot, and the offset of the manifest before it."""

    number: int
    slot: int
    previous_manifest_offset: int | None


class SnapshotRing:
    """What stands in a shard's slots. Numbers and slots go on where they were, whoever wrote them."""

    def __init__(self, manifests: Iterable[FoundManifest] = ()) -> None:
        """Begin with the manifests in the log, newest first."""
        self._newest: FoundManifest | None = None
        self._chunks: dict[int, int] = {}
        for found in manifests:
            self._newest = self._newest or found
            self._chunks.setdefault(found.manifest.slot, len(found.manifest.chunk_offsets))

    def next_slot(self, slots: int) -> RingSlot:
        """Give the slot after the newest, in a ring of so many slots."""
        if self._newest is None:
            return RingSlot(1, 0, None)
        offset, manifest = self._newest
        return RingSlot(manifest.number + 1, (manifest.slot + 1) % slots, offset)

    def leftovers(self, slot: int, chunks: int, slots: int) -> list[bytes]:
        """Give the keys that a snapshot of so many chunks in this slot leaves without meaning.

        Those are the further chunks of what was in its slot, and all of the slots that a smaller ring has no more.
        """
        keys = [chunk_key(slot, chunk) for chunk in range(chunks, self._chunks.get(slot, 0))]
        for gone in sorted(self._chunks):
            if gone >= slots:
                keys += [manifest_key(gone), *(chunk_key(gone, chunk) for chunk in range(self._chunks[gone]))]
        return keys

    def put(self, found: FoundManifest) -> None:
        """Note a snapshot that was published."""
        self._newest = found
        self._chunks[found.manifest.slot] = len(found.manifest.chunk_offsets)
        self._chunks = {slot: chunks for slot, chunks in self._chunks.items() if slot < found.manifest.slots}
