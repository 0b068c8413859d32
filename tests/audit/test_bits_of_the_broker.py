"""One flipped bit in the broker's own files is named with its topic and offset; of a command's key, by its account."""

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from audit.log.cluster import open_cluster
from audit.log.differences import Difference
from audit.log.log_reader import Batches, LogUnreadable
from audit.verify.verify import VerifyRequest, verify
from bench._workload import accounts_of, opening_day, trading_day
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS
from stack.foreground import running
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from tests.audit.logs import MemoryLog, golden_log
from tests.kafka.workers import Client, clock, commands_in, engine, events_when

COUNT: Final = 600
TORN_AT: Final = 300
SEEDS: Final = (1, 2, 3)
TOPICS: Final = (COMMANDS, EVENTS, SNAPSHOTS)  # of each shard another one is damaged
# Of a batch of records: where it begins in the log, its length, and behind its checksum all that this covers.
HEAD: Final = struct.Struct(">qi")
COVERED_FROM: Final = 21
CONTROL: Final = 0x20


class Broker:
    """A broker that is stopped and started again, and its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, controller_port = free_ports(2)
        self._command = prepare_broker(folder, self._port, controller_port, print, small=True)
        self.brokers = f"{LOOPBACK}:{self._port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        with running(self._command, self._folder / "output") as process:
            wait_for_broker(self._port, lambda: process.poll() is None)
            yield
        # Else it would look through its files itself when it starts, and cut off what it finds broken.
        assert (self._folder / "log" / ".kafka_cleanshutdown").exists()

    def segment(self, topic: str, shard: int) -> Path:
        """The file with most of a partition's records."""
        return max((self._folder / "log" / f"{topic}-{shard}").glob("*.log"), key=lambda path: path.stat().st_size)


class Batch(NamedTuple):
    """Some records that have one checksum: where their bytes are, and the first one's offset."""

    start: int
    end: int
    offset: int


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(tmp_path / "kafka")


@pytest.fixture
def ledger(broker: Broker, tmp_path: Path) -> Settings:
    (port,) = free_ports(1)
    return Settings.model_validate(
        {
            "kafka_brokers": broker.brokers,
            "data": tmp_path / "data",
            "engine_port": port,
            "engine_snapshot_interval": 500,
            "shards": len(TOPICS),
            "jwt_secret": "a-secret-of-the-tests-of-at-least-32-bytes",
        }
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_bit_of_a_file_of_commands_events_and_snapshots_is_named(
    broker: Broker, ledger: Settings, tmp_path: Path
) -> None:
    with broker.running():
        trade(ledger, tmp_path / "engine.log")
        assert differences(ledger) == []
    for seed in SEEDS:
        dice = random.Random(seed)
        print(f"seed {seed}")
        damaged = {topic: flip(dice, broker.segment(topic, shard)) for shard, topic in enumerate(TOPICS)}
        with broker.running():
            found = differences(ledger)
        for shard, topic in enumerate(TOPICS):
            path, place, bit, offset = damaged[topic]
            first = next(difference for difference in found if difference.shard == shard)
            assert first.offset == offset, (topic, place, bit, found)
            assert f"{topic}/{shard} cannot be read from offset {offset} on" in first.what
            change(path, place, bit)
    with broker.running():
        assert differences(ledger) == []


def trade(ledger: Settings, output: Path) -> None:
    """Let a real engine execute a trading day in every shard, and stop."""
    ensure_topics(ledger)
    client = Client(ledger)
    for shard in range(ledger.shards):
        accounts = accounts_of(shard, ledger.shards, 20)
        client.append(shard, [*opening_day(shard, accounts, clock), *trading_day(shard, accounts, COUNT, clock)])
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        for shard in range(ledger.shards):
            events_when(ledger, shard, len(commands_in(ledger, shard)))
        assert worker.stop() == 0, worker.log


def differences(ledger: Settings) -> list[Difference]:
    log = open_cluster(ledger)
    return verify(log, VerifyRequest(log.held, processes=1)).differences


def flip(dice: random.Random, path: Path) -> tuple[Path, int, int, int]:
    """Change one bit of some records; where that was, and the offset of their batch."""
    batch = dice.choice(batches(path.read_bytes()))
    place, bit = dice.randrange(batch.start + COVERED_FROM, batch.end), dice.randrange(8)
    change(path, place, bit)
    return path, place, bit, batch.offset


def change(path: Path, place: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def batches(content: bytes) -> list[Batch]:
    """The batches of a segment without control records, which no consumer gets."""
    found, start = [], 0
    while start + COVERED_FROM < len(content):
        offset, length = HEAD.unpack_from(content, start)
        end = start + HEAD.size + length
        (attributes,) = struct.unpack_from(">h", content, start + COVERED_FROM)
        if not attributes & CONTROL:
            found.append(Batch(start, end, offset))
        start = end
    return found


class Torn(MemoryLog):
    """A log whose events cannot be read from an offset on."""

    def events(self, shard: int, first: int) -> Batches:
        yield [record for record in self.parts[shard].events if first <= record.offset < TORN_AT]
        raise LogUnreadable(f"the events cannot be read from offset {TORN_AT} on", TORN_AT)


def test_an_unreadable_log_is_a_difference_at_the_offset_where_reading_fails() -> None:
    log = Torn(golden_log().parts)
    found = verify(log, VerifyRequest(log.held, processes=1)).differences
    assert {(difference.judge, difference.offset) for difference in found} == {("events", TORN_AT), ("fold", TORN_AT)}


def test_one_bit_of_a_command_s_key_is_named_though_no_event_changes() -> None:
    for place, record in enumerate(golden_log().parts[0].commands):
        if record.key is None or place % 7:
            continue
        log = golden_log().copy()
        key = bytes([record.key[0] ^ 1]) + record.key[1:]
        log.parts[0].commands[place] = record._replace(key=key)
        (difference,) = verify(log, VerifyRequest(log.held, processes=1)).differences
        assert (difference.judge, difference.offset, difference.field) == ("events", place, "key")
        assert (difference.expected, difference.found) == (record.key.decode(), key.decode())
        return
    raise AssertionError("no command has a key")
