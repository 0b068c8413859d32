"""Broken and foreign snapshots are named and passed over for the one before, or for the whole log."""

from pathlib import Path

import pytest

from bench._workload import accounts_of, trading_day
from engine.snapshot.format import FORMAT
from schemas.codec import RULES_VERSION
from tests.conftest import SettingsFactory
from tests.kafka.snapshotting import Draft, SnapshotWriter, changed
from tests.kafka.test_shell_snapshots import (
    ACCOUNTS,
    NEVER,
    OPENING,
    OTHER,
    SHARD,
    assert_events_are_those_of_the_whole_log,
    passed_over,
    started_from,
    trade,
    traded_by_a_worker,
)
from tests.kafka.workers import Client, clock, engine, events_when


@pytest.mark.slow
def test_every_broken_or_foreign_snapshot_is_named_and_the_snapshot_before_is_used(
    settings: SettingsFactory, output: Path
) -> None:
    ledger = settings(engine_worker_id=None, engine_snapshot_interval=NEVER)
    client = Client(ledger)
    traded_by_a_worker(ledger, client, output, 500)
    writer = SnapshotWriter(ledger, SHARD)
    for write in BROKEN:
        write(writer, writer.draft(300))
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        reasons = passed_over(worker)
        for reason, expected in zip(reasons, REASONS, strict=True):
            assert expected in reason
        assert started_from(worker) == (1, 4 + ACCOUNTS + 500)
        client.append(SHARD, list(trading_day(SHARD, accounts_of(SHARD, 4, ACCOUNTS), 600, clock))[500:])
        assert_events_are_those_of_the_whole_log(ledger)
        assert worker.stop() == 0


def flipped(data: bytes) -> bytes:
    altered = bytearray(data)
    altered[len(data) // 2] ^= 1
    return bytes(altered)


def _altered_manifest(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(draft, garble=flipped)


def _manifest_of_a_later_schema(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(draft, garble=lambda value: value[:2] + bytes(8) + value[10:])


def _altered_chunk(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(draft.manifest, [flipped(draft.chunks[0])]))


def _truncated_chunk(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(draft.manifest, [draft.chunks[0][:-10]]))


def _missing_chunk(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, chunk_offsets=(10**6,), previous_manifest_offset=None), []))


def _chunk_of_another_slot(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, chunk_offsets=(0,), previous_manifest_offset=None), []))


def _of_another_shard(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, shard=OTHER), draft.chunks))


def _of_a_future_format(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, format=FORMAT + 1), draft.chunks))


def _of_future_rules(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, rules_version=RULES_VERSION + 1), draft.chunks))


def _above_the_watermark(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, seq=10**6), draft.chunks))


def _of_a_longer_log(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(Draft(changed(draft.manifest, next_offset=10**6), draft.chunks))


def _half_a_transaction(writer: SnapshotWriter, draft: Draft) -> None:
    writer.write(draft, commit=False)


# In the order they are written, and, the newest first, what is said of each; of half a transaction nobody reads.
BROKEN = (
    _altered_chunk,
    _truncated_chunk,
    _missing_chunk,
    _chunk_of_another_slot,
    _of_another_shard,
    _of_a_future_format,
    _of_future_rules,
    _above_the_watermark,
    _of_a_longer_log,
    _altered_manifest,
    _manifest_of_a_later_schema,
    _half_a_transaction,
)
REASONS = (
    "its manifest has a schema of another version",
    "its manifest was altered",
    "the log has them up to",
    "it has event 1000000, and events are committed up to",
    f"its rules are version {RULES_VERSION + 1}",
    f"its format is {FORMAT + 1}",
    f"it is of shard {OTHER}",
    "and not its chunk 0",
    "chunk 0 is not at offset 1000000 any more",
    "chunk 0 cannot be decompressed",
    "chunk 0 cannot be decompressed",
)


@pytest.mark.slow
def test_where_every_snapshot_is_broken_the_whole_log_is_replayed(settings: SettingsFactory, output: Path) -> None:
    ledger = settings(engine_worker_id=None, engine_snapshot_interval=NEVER)
    client = Client(ledger)
    trade(ledger, client, 300)
    with engine(ledger, output) as worker:
        events_when(ledger, SHARD, OPENING + 300)
        worker.kill()
    writer = SnapshotWriter(ledger, SHARD)
    for write in (_altered_chunk, _above_the_watermark):
        write(writer, writer.draft(200))
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert len(passed_over(worker)) == 2
        assert SHARD in [
            line["shard"] for line in worker.logged("no snapshot to start from, the whole log is replayed")
        ]
        assert started_from(worker) == (None, 0)
        assert_events_are_those_of_the_whole_log(ledger)
