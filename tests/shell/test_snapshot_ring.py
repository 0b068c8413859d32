"""When a shard's next snapshot is due, and which slot of the ring it takes, without a broker."""

from engine.snapshot.ports import LastSnapshot
from engine.snapshot.ring import RingSlot, SnapshotRing
from engine.snapshot.schedule import COMMANDS_BETWEEN, is_due
from runtime.snapshots import FoundManifest
from schemas.manifest import SnapshotManifest
from schemas.snapshots import chunk_key, manifest_key
from tests.shell.test_snapshot_decisions import SHARD


def test_a_snapshot_is_due_after_the_interval_or_a_number_of_commands_and_never_without_commands() -> None:
    last = LastSnapshot(at=100.0, seq=7, next_offset=5, number=1)
    assert not is_due(last, 114.9, 8, 6, 15.0)
    assert is_due(last, 115.0, 8, 6, 15.0)
    assert not is_due(last, 999.0, 7, 5, 15.0)
    assert not is_due(last, 101.0, 90_000, 5 + COMMANDS_BETWEEN - 1, 15.0)
    assert is_due(last, 101.0, 90_000, 5 + COMMANDS_BETWEEN, 15.0)


def found(number: int, slot: int, chunks: int = 1, slots: int = 10) -> FoundManifest:
    """A manifest whose offset is a hundred times its number."""
    offsets = tuple(range(100 * number - chunks, 100 * number))
    return FoundManifest(
        100 * number,
        SnapshotManifest(
            shard=SHARD,
            slots=slots,
            slot=slot,
            number=number,
            next_offset=number,
            time=0,
            seq=number,
            digest=bytes(16),
            accounts=0,
            positions=0,
            format=1,
            rules_version=1,
            chunk_offsets=offsets,
            uncompressed_bytes=1,
            sha256=bytes(32),
            previous_manifest_offset=None,
        ),
    )


def test_slots_rotate_and_snapshot_numbers_continue_after_a_restart() -> None:
    assert SnapshotRing().next_slot(3) == RingSlot(1, 0, None)
    ring = SnapshotRing([found(5, 1), found(4, 0), found(3, 2)])
    assert ring.next_slot(3) == RingSlot(6, 2, 500)
    ring.put(found(6, 2, slots=3))
    assert ring.next_slot(3) == RingSlot(7, 0, 600)


def test_a_shorter_snapshot_deletes_the_surplus_chunks_of_its_slot() -> None:
    ring = SnapshotRing([found(2, 1, chunks=2), found(1, 0, chunks=5)])
    assert ring.leftovers(0, 3, 10) == [chunk_key(0, 3), chunk_key(0, 4)]
    assert ring.leftovers(0, 5, 10) == []
    assert ring.leftovers(2, 1, 10) == [], "the slot was empty"


def test_a_smaller_ring_deletes_its_surplus_slots_once() -> None:
    ring = SnapshotRing([found(4, 3, chunks=2), found(3, 2), found(2, 1), found(1, 0)])
    place = ring.next_slot(2)
    assert place == RingSlot(5, 0, 400)
    gone = [manifest_key(2), chunk_key(2, 0), manifest_key(3), chunk_key(3, 0), chunk_key(3, 1)]
    assert ring.leftovers(place.slot, 1, 2) == gone
    ring.put(found(5, 0, slots=2))
    assert ring.leftovers(1, 1, 2) == [], "they went once"


def test_a_larger_ring_uses_the_new_slots_next() -> None:
    assert SnapshotRing([found(3, 2), found(2, 1), found(1, 0)]).next_slot(5).slot == 3
