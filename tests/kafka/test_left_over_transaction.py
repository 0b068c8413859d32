"""A transaction that the broker takes for aborted and that has no mark in the log stops its shard no longer."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from runtime.kafka import transactional_producer_options
from schemas.topics import EVENTS
from tests.exchange_processes import BROKER, ExchangeProcesses
from tests.kafka.test_shell_frozen import deposit
from tests.kafka.workers import Client, engine, events_when

SHARD = 1
LENGTH_AT = struct.Struct(">qi")  # of a batch: its base offset, and the bytes behind the two
ATTRIBUTES_AT = 21
IS_MARK = 0x20


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[ExchangeProcesses]:
    """A broker of this test's own."""
    running = ExchangeProcesses(tmp_path)
    try:
        running.start(BROKER)
        yield running
    finally:
        running.close()


def test_a_shard_goes_on_whose_owner_left_a_transaction_open_that_the_broker_takes_for_aborted(
    processes: ExchangeProcesses, tmp_path: Path
) -> None:
    ledger = processes.settings
    leave_open(processes)
    with engine(ledger, tmp_path / "engine.log") as worker:
        worker.until_live(ledger.shards)
        Client(ledger).append(SHARD, [deposit("after it")])
        (record,) = events_when(ledger, SHARD, 1)
        assert record.value != b"never committed"
        assert worker.stop() == 0


def leave_open(processes: ExchangeProcesses) -> None:
    """Abort a transaction of the shard's owner, and take the mark out of the log while the broker is away."""
    options = transactional_producer_options(processes.settings, f"engine-{SHARD}")
    producer = Producer(options)
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce(EVENTS, b"never committed", partition=SHARD)
    assert producer.flush(15) == 0
    producer.abort_transaction(15)
    del producer
    Producer(options).init_transactions(15)  # It waits until the abort is complete.
    processes.by_name[BROKER].kill()
    folder = processes.folder / "kafka" / "log" / f"{EVENTS}-{SHARD}"
    segment = folder / f"{0:020}.log"
    content = segment.read_bytes()
    *_, last = batches(content)
    assert content[last + ATTRIBUTES_AT + 1] & IS_MARK
    segment.write_bytes(content[:last])
    processes.by_name[BROKER].start()


def batches(content: bytes) -> Iterator[int]:
    """Give where each batch of a segment begins."""
    place = 0
    while place < len(content):
        yield place
        _, length = LENGTH_AT.unpack_from(content, place)
        place += LENGTH_AT.size + length
