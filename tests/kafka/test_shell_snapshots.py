"""Snapshots are taken while a shard goes on, and a recovery from one gives the bytes of a replay of the whole log."""

import threading
from pathlib import Path

import pytest

from bench._workload import accounts_of, opening_day, trading_day
from engine.shell.liveness import CANNOT_COMMIT
from engine.snapshot.format import FORMAT
from runtime.kafka import read_back
from runtime.settings import Settings
from schemas.codec import digest_of
from schemas.topics import SNAPSHOTS
from tests.conftest import SettingsFactory
from tests.kafka.snapshotting import (
    SnapshotWriter,
    assert_every_snapshot_is_the_ledger_of_its_offset,
    configure,
    configure_broker,
    snapshots_in,
)
from tests.kafka.workers import (
    ALL,
    Client,
    EngineProcess,
    clock,
    commands_in,
    engine,
    events_in,
    events_when,
    executed_in_process,
    until_group_is_empty,
)
from tests.processes import eventually

SHARD = 1
OTHER = 2
ACCOUNTS = 40
NEVER = 10**9  # ms
OPENING = 7 + ACCOUNTS  # events


@pytest.fixture
def often(settings: SettingsFactory) -> Settings:
    """Settings of a worker that takes a snapshot five times a second, over empty topics."""
    made = settings(engine_worker_id=None, engine_snapshot_interval=200)
    until_group_is_empty(made)
    return made


@pytest.fixture
def client(often: Settings) -> Client:
    return Client(often)


class Load(threading.Thread):
    """Commands for some shards, until stopped; also when the test fails before that."""

    def __init__(self, ledger: Settings, client: Client, shards: tuple[int, ...]) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._ended = threading.Event()
        accounts = {shard: accounts_of(shard, ledger.shards, ACCOUNTS) for shard in shards}
        self._days = {shard: trading_day(shard, accounts[shard], 10**6, clock) for shard in shards}
        for shard in shards:
            client.append(shard, opening_day(shard, accounts[shard], clock))

    def run(self) -> None:
        while not self._ended.wait(0.005):
            for shard, day in self._days.items():
                self._client.append(shard, [next(day) for _ in range(10)])

    def end(self) -> None:
        self._ended.set()
        self.join(60)


def trade(ledger: Settings, client: Client, count: int, shard: int = SHARD) -> None:
    """A day of so many commands beside its opening."""
    accounts = accounts_of(shard, ledger.shards, ACCOUNTS)
    client.append(shard, opening_day(shard, accounts, clock))
    client.append(shard, trading_day(shard, accounts, count, clock))


def traded_by_a_worker(ledger: Settings, client: Client, output: Path, count: int) -> None:
    trade(ledger, client, count)
    with engine(ledger, output) as worker:
        events_when(ledger, SHARD, OPENING + count)
        assert worker.stop() == 0, worker.log


def assert_events_are_those_of_the_whole_log(ledger: Settings, shard: int = SHARD) -> None:
    expected = executed_in_process(shard, ledger.shards, commands_in(ledger, shard))
    assert [record.value for record in events_when(ledger, shard, len(expected))] == expected


def started_from(worker: EngineProcess, shard: int = SHARD) -> tuple[int | None, int]:
    """The number of the snapshot the last take-over started from, and the first offset it replayed."""
    line = [line for line in worker.logged("shard taken over") if line["shard"] == shard][-1]
    return line["snapshot"], line["start"]


def passed_over(worker: EngineProcess) -> list[str]:
    return [line["why"] for line in worker.logged("snapshot passed over") if line["shard"] == SHARD]


def until_published(worker: EngineProcess, count: int, shard: int = SHARD) -> None:
    worker.until(
        lambda shards: (shards.get(shard, {}).get("snapshot") or {}).get("number", 0) >= count,
        f"shard {shard} has {count} snapshots",
        60,
    )


def test_a_graceful_stop_takes_a_last_snapshot_and_the_next_start_replays_nothing(
    settings: SettingsFactory, output: Path
) -> None:
    ledger = settings(engine_worker_id=None, engine_snapshot_interval=NEVER)
    client = Client(ledger)
    traded_by_a_worker(ledger, client, output, 500)
    ((_, manifest),) = snapshots_in(ledger, SHARD)
    last = events_in(ledger, SHARD)[-1]
    assert (manifest.shard, manifest.number, manifest.slot, manifest.slots) == (SHARD, 1, 0, 10)
    assert (manifest.next_offset, manifest.seq) == (4 + ACCOUNTS + 500, OPENING + 500)
    assert (manifest.digest, manifest.format, manifest.rules_version) == (digest_of(last.value), FORMAT, 1)
    assert_every_snapshot_is_the_ledger_of_its_offset(ledger, SHARD)
    assert snapshots_in(ledger, OTHER) == [], "nothing happened there"
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert started_from(worker) == (1, manifest.next_offset)
        assert worker.shards()[SHARD]["snapshot"]["number"] == 1
        client.append(SHARD, list(trading_day(SHARD, accounts_of(SHARD, 4, ACCOUNTS), 900, clock))[500:])
        assert_events_are_those_of_the_whole_log(ledger)
        assert worker.stop() == 0
    assert [found.manifest.number for found in snapshots_in(ledger, SHARD)] == [2, 1]


@pytest.mark.slow
def test_after_kill_minus_nine_two_shards_recover_from_snapshots_taken_under_load(
    often: Settings, client: Client, output: Path
) -> None:
    load = Load(often, client, (SHARD, OTHER))
    load.start()
    with engine(often, output) as worker:
        until_published(worker, 6, SHARD)
        until_published(worker, 6, OTHER)
        worker.kill()
    load.end()
    numbers = {shard: snapshots_in(often, shard)[0].manifest.number for shard in (SHARD, OTHER)}
    with engine(often, output) as worker:
        worker.until_live(often.shards)
        for shard in (SHARD, OTHER):
            number, start = started_from(worker, shard)
            assert number == numbers[shard]
            assert start > 0
            assert_events_are_those_of_the_whole_log(often, shard)
        assert worker.stop() == 0, worker.log
    for shard in (SHARD, OTHER):
        assert_every_snapshot_is_the_ledger_of_its_offset(often, shard)


@pytest.mark.slow
def test_the_snapshot_ring_keeps_ten_and_continues_after_a_restart(
    often: Settings, client: Client, output: Path
) -> None:
    load = Load(often, client, (SHARD,))
    load.start()
    with engine(often, output) as worker:
        until_published(worker, 7)
        worker.kill()
    with engine(often, output) as worker:
        until_published(worker, 13)
        load.end()
        assert worker.stop() == 0, worker.log
    found = snapshots_in(often, SHARD)
    newest = found[0].manifest.number
    assert [manifest.number for _, manifest in found] == list(range(newest, newest - 10, -1))
    assert {manifest.slot for _, manifest in found} == set(range(10))
    assert all(manifest.slot == (manifest.number - 1) % 10 for _, manifest in found)


@pytest.mark.slow
def test_no_snapshot_is_taken_without_new_commands(often: Settings, client: Client, output: Path) -> None:
    trade(often, client, 100)
    with engine(often, output) as worker:
        events_when(often, SHARD, OPENING + 100)
        eventually(lambda: worker.shards()[SHARD], lambda shard: (shard["snapshot"] or {}).get("seq") == OPENING + 100)
        taken = len(snapshots_in(often, SHARD))
        eventually(lambda: worker.shards()[SHARD], lambda shard: shard["snapshot"]["seconds_ago"] > 1)
        assert worker.stop() == 0
    assert len(snapshots_in(often, SHARD)) == taken


@pytest.mark.slow
def test_compaction_leaves_the_snapshot_ring_whole_and_the_disk_bounded(
    settings: SettingsFactory, output: Path
) -> None:
    ledger = settings(engine_worker_id=None, engine_snapshot_interval=100, engine_max_snapshots=3)
    client = Client(ledger)
    configure_broker(ledger, log_cleaner_backoff_ms="200")
    configure(
        ledger,
        segment_ms="500",
        min_cleanable_dirty_ratio="0.01",
        min_compaction_lag_ms="0",
        delete_retention_ms="0",
    )
    load = Load(ledger, client, (SHARD,))
    load.start()
    try:
        with engine(ledger, output) as worker:
            until_published(worker, 40)
            first = snapshots_in(ledger, SHARD)[-1]
            eventually(
                lambda: read_back(ledger, SNAPSHOTS, SHARD, ALL)[0].offset,
                lambda offset: offset > first.offset - 60,
                30,
            )
            load.end()
            assert worker.stop() == 0, worker.log
    finally:
        configure_broker(ledger, log_cleaner_backoff_ms="15000")
    found = snapshots_in(ledger, SHARD)
    assert len(found) == 3
    assert found[0].manifest.number > 40
    assert_every_snapshot_is_the_ledger_of_its_offset(ledger, SHARD)
    records = read_back(ledger, SNAPSHOTS, SHARD, ALL)
    assert len(records) < 60, "of more than 80 written, some are in the segment that is never compacted"
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert started_from(worker)[0] == found[0].manifest.number
        assert_events_are_those_of_the_whole_log(ledger)


@pytest.mark.slow
def test_a_smaller_snapshot_ring_deletes_its_surplus_slots(settings: SettingsFactory, output: Path) -> None:
    ten = settings(engine_worker_id=None, engine_snapshot_interval=100)
    two = settings(engine_worker_id=None, engine_snapshot_interval=100, engine_max_snapshots=2)
    load = Load(ten, Client(ten), (SHARD,))
    load.start()
    with engine(ten, output) as worker:
        until_published(worker, 5)
        assert worker.stop() == 0
    before = len(snapshots_in(ten, SHARD))
    with engine(two, output) as worker:
        until_published(worker, before + 1)
        load.end()
        assert worker.stop() == 0
    assert len(snapshots_in(two, SHARD)) == 2
    gone = {
        record.key for record in read_back(two, SNAPSHOTS, SHARD, ALL) if record.value == b"" and record.key is not None
    }
    assert {b"2/manifest", b"3/manifest", b"4/manifest"} <= gone


@pytest.mark.slow
def test_an_owner_whose_snapshot_producer_is_fenced_exits(often: Settings, client: Client, output: Path) -> None:
    load = Load(often, client, (SHARD,))
    load.start()
    with engine(often, output) as worker:
        until_published(worker, 1)
        SnapshotWriter(often, SHARD)
        assert worker.process.wait(20) == CANNOT_COMMIT, worker.log
        load.end()
        assert "a transaction failed" in worker.log
    with engine(often, output) as worker:
        worker.until_live(often.shards)
        assert_events_are_those_of_the_whole_log(often)


@pytest.mark.slow
def test_shards_that_change_owners_during_snapshots_lose_no_event(
    often: Settings, settings: SettingsFactory, client: Client, tmp_path: Path
) -> None:
    shards = (0, 1, 2, 3)
    load = Load(often, client, shards)
    load.start()
    with engine(often, tmp_path / "first.log") as first:
        first.until_live(4)
        for name in ("second.log", "third.log"):
            with engine(settings(engine_worker_id=None, engine_snapshot_interval=200), tmp_path / name) as other:
                first.until_live(2)
                other.until_live(2)
                assert other.stop() == 0, other.log
            first.until_live(4)
        load.end()
        for shard in shards:
            assert_events_are_those_of_the_whole_log(often, shard)
        assert first.stop() == 0, first.log
    for shard in shards:
        assert_every_snapshot_is_the_ledger_of_its_offset(often, shard)
