"""The size of a shard's snapshots on the broker's disk, while they are taken and afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.kafka import read_back
from runtime.settings import Settings
from schemas.topics import SNAPSHOTS
from stack.foreground import running
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from tests.conftest import SettingsFactory
from tests.kafka.snapshotting import configure, configure_broker, snapshots_in
from tests.kafka.test_shell_snapshots import SHARD, Load, until_published
from tests.kafka.workers import ALL, Client, engine
from tests.processes import eventually

AN_HOUR_S = 3_600
HASTE = 60  # and it is over in a minute, or as soon as a slow machine has taken as many snapshots
EVERY_S = 15
SEGMENT_S = 600
LAG_S = 600
RING = 10
# What is written to is never compacted, nor what is too young; and what compaction replaced is there for a minute more,
# beside what it made of it.
IN_A_SEGMENT = SEGMENT_S / EVERY_S
AT_MOST = RING + IN_A_SEGMENT + LAG_S / EVERY_S + (RING + IN_A_SEGMENT)
AT_THE_END = RING + IN_A_SEGMENT
SLACK = 1.1  # manifests, the marks of transactions, indexes
BLOCK = 512  # what the file system counts in


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_hour_of_snapshots_sixty_times_as_fast_takes_no_more_disk_than_the_topic_s_times_allow(
    settings: SettingsFactory, output: Path, tmp_path: Path
) -> None:
    """Every time of the topic and of the ring divided by sixty. The ledger grows, so room is counted in snapshots."""
    folder = tmp_path / "kafka"
    with broker_in(folder) as brokers:
        ledger = settings(
            kafka_brokers=brokers, engine_worker_id=None, engine_snapshot_interval=EVERY_S * 1_000 // HASTE
        )
        configure_broker(ledger, log_cleaner_backoff_ms=str(15_000 // HASTE))
        configure(
            ledger,
            segment_ms=str(SEGMENT_S * 1_000 // HASTE),
            min_compaction_lag_ms=str(LAG_S * 1_000 // HASTE),
            file_delete_delay_ms=str(60_000 // HASTE),
        )
        load = Load(ledger, Client(ledger), (SHARD,))
        load.start()
        room = []
        with engine(ledger, output) as worker:
            until_published(worker, 1)
            while snapshots_in(ledger, SHARD)[0].manifest.number < AN_HOUR_S / EVERY_S:
                time.sleep(1)
                room.append(on_disk(folder) / size_of_newest(ledger))
            load.end()
            assert worker.stop() == 0, worker.log
        found = snapshots_in(ledger, SHARD)
        newest, oldest = found[0].manifest, found[-1].manifest
        assert newest.number - oldest.number == RING - 1, "the ring keeps ten"
        assert max(room) < SLACK * AT_MOST, f"{room}"
        # Of 240 that grew as the ledger did, all together would take as much as more than a hundred of the newest.
        eventually(
            lambda: on_disk(folder) / size_of_newest(ledger), lambda left: left < SLACK * AT_THE_END, 60, pause_s=0.5
        )


@contextmanager
def broker_in(folder: Path) -> Iterator[str]:
    """The brokers, host:port, of a Kafka that keeps its data in this folder."""
    port, controller_port = free_ports(2)
    command = prepare_broker(folder, port, controller_port, print, small=True)
    with running(command, folder / "output") as process:
        wait_for_broker(port, lambda: process.poll() is None)
        yield f"{LOOPBACK}:{port}"


def on_disk(folder: Path) -> int:
    """How many bytes of disk the shard's snapshots take, with their indexes and what waits to be deleted."""
    total = 0
    for file in (folder / "log" / f"{SNAPSHOTS}-{SHARD}").iterdir():
        try:
            total += file.stat().st_blocks * BLOCK
        except FileNotFoundError:
            continue  # Deleted or renamed since it was listed.
    assert total > 0
    return total


def size_of_newest(ledger: Settings) -> int:
    """How many bytes the chunks of the newest snapshot have."""
    newest = set(snapshots_in(ledger, SHARD)[0].manifest.chunk_offsets)
    return sum(len(record.value) for record in read_back(ledger, SNAPSHOTS, SHARD, ALL) if record.offset in newest)
