"""Whether each snapshot is whole, has its hash, and holds the ledger the log leads to."""

import time
from typing import Any, Final

import msgspec

from audit.log.differences import Difference
from audit.log.generations import Generation, generations
from audit.log.log_reader import LogReader
from audit.verify.reports import JudgeReport, JudgeStart, LedgerPoint, collection_paused, point_of
from engine.core.rules import newest_rules
from engine.core.state import genesis
from engine.snapshot.format import FORMAT, restore
from runtime.errors import FixableError
from schemas.codec import first_digest
from schemas.manifest import SnapshotManifest
from schemas.snapshots import SnapshotUnreadable, manifest_key, why_unusable

JUDGE: Final = "snapshots"
FOR_EVER: Final = 1 << 62


class SoundSnapshot(msgspec.Struct, frozen=True):
    """A snapshot that has its hash: where its manifest stands, and the ledger in it."""

    offset: int
    manifest: SnapshotManifest
    ledger: LedgerPoint


class RingReport(msgspec.Struct):
    """The snapshots of a shard. superseded: whose chunks compaction took, since their slot was used again."""

    shard: int
    snapshots: list[SoundSnapshot] = []
    superseded: int = 0
    seconds: float = 0.0
    differences: list[Difference] = []


def check_ring(log: LogReader, shard: int) -> RingReport:
    """Recompute every snapshot's hash, restore it, and digest the ledger in it."""
    ring = RingReport(shard)
    began = time.perf_counter()
    incomplete: list[Generation] = []
    slots: dict[bytes | None, int] = {}  # the last manifest of each, by its key: one that was altered counts too
    before: Generation | None = None
    with collection_paused():
        for found in generations(log.snapshots(shard)):
            manifest = found.manifest
            slots[found.record.key] = found.record.offset
            if manifest is not None:
                ring.differences += _out_of_place(shard, before, found, manifest)
                before = found
            if manifest is not None and not found.is_whole:
                incomplete.append(found)
                continue
            _check_snapshot(ring, found)
    for found in incomplete:
        if slots[found.record.key] > found.record.offset:
            ring.superseded += 1
        else:
            _check_snapshot(ring, found)
    ring.seconds = time.perf_counter() - began
    return ring


def compare_with_points(ring: RingReport, reports: list[JudgeReport], last_seq: int | None) -> list[Difference]:
    """Compare each snapshot with the ledgers that execution and fold had at its event."""
    differences = []
    for snapshot in ring.snapshots:
        manifest = snapshot.manifest
        if last_seq is not None and manifest.seq > last_seq:
            what = f"it has event {manifest.seq}, and the log ends with {last_seq}"
            differences.append(
                _difference(ring.shard, snapshot.offset, what, manifest.seq, "seq", last_seq, manifest.seq)
            )
        for report in reports:
            point = report.points.get(manifest.seq)
            if point is not None:
                differences += _compared(ring.shard, snapshot, point, report.judge)
    return differences


def newest_start(log: LogReader, shard: int, *, below: int = FOR_EVER, at_time: int = FOR_EVER) -> JudgeStart:
    """Give the newest ledger in a good snapshot that has no command from an offset on, and none after a time (µs).

    Where there is none, the ledger before the first command.
    """
    chosen: JudgeStart | None = None
    for found in generations(log.snapshots(shard)):
        manifest = found.manifest
        if manifest is None or not found.is_whole or manifest.next_offset > below or manifest.time > at_time:
            continue
        if _why_unusable(shard, manifest) is None:
            try:
                chosen = JudgeStart(restore(found.pages()), manifest.digest)
            except SnapshotUnreadable:
                continue  # `check_ring` names it; another one will do.
    return chosen or JudgeStart(genesis(shard, log.shards), first_digest(shard))


def start_from(log: LogReader, shard: int, offset: int | None) -> JudgeStart:
    """Give the ledger in the snapshot whose manifest stands at an offset, or without one the ledger before all."""
    if offset is None:
        return JudgeStart(genesis(shard, log.shards), first_digest(shard))
    for found in generations(log.snapshots(shard)):
        if found.record.offset == offset and found.manifest is not None:
            return JudgeStart(restore(found.pages()), found.manifest.digest)
    raise FixableError(f"Shard {shard} has no snapshot any more at offset {offset}; try again.")


def _check_snapshot(ring: RingReport, found: Generation) -> None:
    """Check one snapshot by itself."""
    offset, manifest = found.record.offset, found.manifest
    unusable = found.error if manifest is None else _why_unusable(ring.shard, manifest)
    state = None
    if unusable is None:
        try:
            state = restore(found.pages())
        except SnapshotUnreadable as error:
            unusable = str(error)
    if manifest is None or state is None:
        ring.differences.append(_difference(ring.shard, offset, f"the snapshot cannot be used: {unusable}"))
        return
    ledger = point_of(state, manifest.digest)
    ring.snapshots.append(SoundSnapshot(offset, manifest, ledger))
    stated = (manifest.shard, manifest.seq, manifest.rules_version)
    if (state.shard, state.seq, state.rules_version) != stated:
        what = f"its manifest says shard {manifest.shard}, event {manifest.seq} and rules {manifest.rules_version}"
        found_in = f"shard {state.shard}, event {state.seq} and rules {state.rules_version}"
        ring.differences.append(_difference(ring.shard, offset, what, manifest.seq, "pages", "the same", found_in))


def _out_of_place(
    shard: int, before: Generation | None, found: Generation, manifest: SnapshotManifest
) -> list[Difference]:
    """Compare what a manifest says of its place in the ring with the key it stands under and the one before."""
    offset = found.record.offset
    pairs: list[tuple[str, Any, Any]] = [("slot", found.record.key, manifest_key(manifest.slot))]
    earlier = None if before is None else before.manifest
    # Between others, compaction may have taken some.
    if before is not None and earlier is not None and manifest.number == earlier.number + 1:
        pairs += [
            ("slot", (earlier.slot + 1) % manifest.slots, manifest.slot),
            ("previous_manifest_offset", before.record.offset, manifest.previous_manifest_offset),
        ]
    elif earlier is not None and manifest.number <= earlier.number:
        pairs.append(("number", f"more than {earlier.number}", manifest.number))
    elif earlier is None and manifest.number == 1:
        pairs.append(("previous_manifest_offset", None, manifest.previous_manifest_offset))
    what = "it is not in its place in the ring"
    return [
        _difference(shard, offset, what, manifest.seq, field, expected, is_)
        for field, expected, is_ in pairs
        if expected != is_
    ]


def _why_unusable(shard: int, manifest: SnapshotManifest) -> str | None:
    return why_unusable(manifest, shard=shard, seq=FOR_EVER, format_version=FORMAT, rules_version=newest_rules())


def _compared(shard: int, snapshot: SoundSnapshot, point: LedgerPoint, judge: str) -> list[Difference]:
    """Name what of a snapshot is not what one of the ways through the log gives."""
    manifest = snapshot.manifest
    pairs: list[tuple[str, Any, Any]] = [
        ("next_offset", point.next_offset, manifest.next_offset),
        ("time", point.time, manifest.time),
        ("digest", point.chain.hex(), manifest.digest.hex()),
        ("accounts", point.accounts, manifest.accounts),
        ("positions", point.positions, manifest.positions),
        ("ledger", point.ledger.hex(), snapshot.ledger.ledger.hex()),
    ]
    what = f"the snapshot is not the ledger that the {judge} lead to"
    return [
        _difference(shard, snapshot.offset, what, manifest.seq, field, expected, found)
        for field, expected, found in pairs
        if expected != found
    ]


def _difference(
    shard: int,
    offset: int,
    what: str,
    seq: int | None = None,
    field: str | None = None,
    expected: object = None,
    found: object = None,
) -> Difference:
    return Difference(
        judge=JUDGE,
        shard=shard,
        what=f"manifest at {offset}: {what}",
        offset=offset,
        seq=seq,
        field=field,
        expected=None if expected is None else str(expected),
        found=None if found is None else str(found),
    )
