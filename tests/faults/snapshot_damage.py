"""The newest snapshots are spoiled while no owner has their shards, and compaction is forced."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, NamedTuple, get_args

from runtime.kafka import read_back
from runtime.settings import Settings
from runtime.snapshots import FoundManifest
from schemas.manifest import SnapshotManifest
from schemas.snapshots import SnapshotUnreadable, chunk_key, unpack
from schemas.topics import SNAPSHOTS, TOPICS
from tests.exchange_processes import ExchangeProcesses
from tests.kafka.snapshotting import Draft, SnapshotWriter, changed, configure, configure_broker, snapshots_in
from tests.kafka.workers import ALL
from tests.processes import eventually

Damage = Literal["alter", "cut", "lose"]
DAMAGES: Final[tuple[Damage, ...]] = get_args(Damage)
TIMEOUT_S: Final = 60.0
AT_ONCE: Final = {
    "segment_ms": "200",
    "min_cleanable_dirty_ratio": "0.01",
    "min_compaction_lag_ms": "0",
    "delete_retention_ms": "0",
}


class DamagedSnapshot(NamedTuple):
    """A snapshot that is damaged: its shard, and where its manifest and its broken chunk stand, or stood."""

    shard: int
    manifest: int
    chunk: int


def damage_newest_snapshots(processes: ExchangeProcesses, damage: Damage, dice: random.Random) -> list[DamagedSnapshot]:
    """Break the newest snapshot of every shard that has one; the engine must have ended.

    A chunk in the log cannot be changed where it stands. So an altered or a cut one is of a snapshot that an engine
    wrote badly after the newest; a lost one is taken back, and compacted away.
    """
    shards = range(processes.settings.shards)
    rings = {shard: ring for shard in shards if (ring := snapshots_in(processes.settings, shard))}
    assert rings, "there is no snapshot to spoil"
    if damage == "lose":
        return _delete_chunk(processes.settings, {shard: ring[0] for shard, ring in rings.items()})
    return [
        damaged
        for shard, ring in rings.items()
        if (damaged := _write_damaged_copy(processes.settings, shard, ring, damage, dice)) is not None
    ]


def compact_now(processes: ExchangeProcesses) -> None:
    """Let compaction take what the ring has overwritten, while the engine goes on."""
    settings = processes.settings
    with _compacting(settings):
        ends = {shard: found[0].offset for shard in range(settings.shards) if (found := snapshots_in(settings, shard))}
        for shard, end in ends.items():
            eventually(
                lambda: read_back(settings, SNAPSHOTS, shard, ALL)[0].offset,  # noqa: B023  # Asked in this turn only.
                lambda first: first >= end,  # noqa: B023
                TIMEOUT_S,
                pause_s=0.2,
            )


def skipped_snapshots(processes: ExchangeProcesses) -> set[tuple[int, int]]:
    """Give the shards and manifests' offsets of the snapshots that the engine logged as passed over."""
    lines = [
        json.loads(line) for line in processes.by_name["engine"].log.splitlines() if "snapshot passed over" in line
    ]
    return {(line["shard"], line["manifest_offset"]) for line in lines}


def expected_findings(
    settings: Settings, damaged: list[DamagedSnapshot]
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Give which of the spoiled snapshots the audit must name, and which it may: those still in the log.

    Of those with a lost chunk it need not name the ones whose slot was used again.
    """
    must, may = set(), set()
    for shard, manifest, chunk in damaged:
        offsets = {record.offset for record in read_back(settings, SNAPSHOTS, shard, ALL)}
        if manifest in offsets:
            may.add((shard, manifest))
            if chunk in offsets or manifest in {found.offset for found in snapshots_in(settings, shard)}:
                must.add((shard, manifest))
    return must, may


def _write_damaged_copy(
    settings: Settings, shard: int, ring: list[FoundManifest], damage: Damage, dice: random.Random
) -> DamagedSnapshot | None:
    """Write the newest snapshot that is whole once more, as the next in the ring, and one chunk of it badly."""
    values = {record.offset: record.value for record in read_back(settings, SNAPSHOTS, shard, ALL)}
    whole = next((found.manifest for found in ring if _is_whole(found.manifest, values)), None)
    if whole is None:
        return None
    chunk_number = dice.randrange(len(whole.chunk_offsets))
    chunks = [values[chunk] for chunk in whole.chunk_offsets]
    while _has_its_pages(whole, chunks):  # A few bits of a compressed chunk say nothing.
        chunk = bytearray(chunks[chunk_number])
        if damage == "cut":
            del chunk[dice.randrange(1, len(chunk)) :]
        else:
            chunk[dice.randrange(len(chunk))] ^= 1 << dice.randrange(8)
        chunks[chunk_number] = bytes(chunk)
    offset, newest = ring[0]
    later = changed(
        whole,
        number=newest.number + 1,
        slot=(newest.slot + 1) % newest.slots,
        previous_manifest_offset=offset,
        chunk_offsets=(),
    )
    SnapshotWriter(settings, shard).write(Draft(later, chunks))
    found = eventually(lambda: snapshots_in(settings, shard)[0], lambda found: found.offset > offset, TIMEOUT_S)
    return DamagedSnapshot(shard, found.offset, found.manifest.chunk_offsets[chunk_number])


def _is_whole(manifest: SnapshotManifest, values: dict[int, bytes]) -> bool:
    """Say whether all chunks of the manifest are among these records, with the right hashes."""
    chunks = [values[chunk] for chunk in manifest.chunk_offsets if chunk in values]
    return len(chunks) == len(manifest.chunk_offsets) and _has_its_pages(manifest, chunks)


def _has_its_pages(manifest: SnapshotManifest, chunks: list[bytes]) -> bool:
    try:
        return bool(list(unpack(manifest, chunks)))
    except SnapshotUnreadable:
        return False


def _delete_chunk(settings: Settings, newest: dict[int, FoundManifest]) -> list[DamagedSnapshot]:
    damaged = [DamagedSnapshot(shard, found.offset, found.manifest.chunk_offsets[0]) for shard, found in newest.items()]
    writers = {shard: SnapshotWriter(settings, shard) for shard in newest}
    with _compacting(settings):
        for shard, found in newest.items():
            writers[shard].take_back(chunk_key(found.manifest.slot, 0))
        for one in damaged:

            def stands(one: DamagedSnapshot = one) -> bool:
                # What is written last is in the segment that is never compacted.
                writers[one.shard].take_back(b"nobody's")
                records = read_back(settings, SNAPSHOTS, one.shard, ALL)
                return one.chunk in {record.offset for record in records}

            eventually(stands, lambda still: not still, TIMEOUT_S, pause_s=0.3)
    return damaged


@contextmanager
def _compacting(settings: Settings) -> Iterator[None]:
    """Compact the snapshots as soon as can be, and then as seldom as the exchange does."""
    configure_broker(settings, log_cleaner_backoff_ms="200")
    configure(settings, **AT_ONCE)
    try:
        yield
    finally:
        usual = next(topic.config for topic in TOPICS if topic.name == SNAPSHOTS)
        configure(settings, **{name: usual.get(name.replace("_", "."), "86400000") for name in AT_ONCE})
