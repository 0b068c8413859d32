"""What the shell asks of the log to take a shard over, and how Kafka answers it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition

from engine.snapshot.ports import SnapshotLog
from runtime import snapshots
from runtime.kafka import (
    UNDECIDED_TOO,
    Options,
    bounds,
    hidden_from,
    read_back,
    reader_options,
    records_to,
    transactional_producer_options,
)
from runtime.settings import Settings
from runtime.snapshots import FoundManifest, Unreadable
from runtime.transactions import TransactionalProducer
from schemas.codec import digest_of, first_digest, seq_of
from schemas.manifest import SnapshotManifest
from schemas.topics import COMMANDS, EVENTS

FENCE_TIMEOUT_S: Final = 15.0
FENCE_TRIES: Final = 3
ANSWER_TIMEOUT_S: Final = 10.0
# The most that may wait for one commit; the outbox keeps far below it, one command that triggers many closes may not.
QUEUE: Final[Options] = {"queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 1_048_576}
# A large ledger's chunks may take longer than a batch of events; nobody waits for an open transaction but readers of
# snapshots, and the next owner aborts it.
SNAPSHOT_TRANSACTION_MS: Final = 60_000
OF_SNAPSHOTS: Final[Options] = {
    "transaction.timeout.ms": SNAPSHOT_TRANSACTION_MS,
    "delivery.timeout.ms": SNAPSHOT_TRANSACTION_MS,
}


class Watermark(NamedTuple):
    """The last committed event: up to it outputs exist."""

    seq: int
    digest: bytes


class Producers(NamedTuple):
    """The only two clients that may write a shard's outputs."""

    events: TransactionalProducer
    snapshots: TransactionalProducer


class Bounds(NamedTuple):
    """The first offset of a shard's commands, and the one after the last."""

    first: int
    end: int


class Log(SnapshotLog, Protocol):
    """The log as a take-over sees it. Every method blocks, and is called in a thread."""

    def fence(self, shard: int) -> Producers:
        """Give the shard's producers; whoever had them before can commit nothing more."""

    def fence_events(self, shard: int) -> TransactionalProducer:
        """Give a new producer of events; whoever had one before can commit nothing more."""

    def fence_snapshots(self, shard: int) -> TransactionalProducer:
        """Give a new producer of snapshots; whoever had one before can commit nothing more."""

    def watermark(self, shard: int) -> Watermark:
        """Give the last committed event."""

    def hidden_from(self, shard: int) -> int | None:
        """Give the offset from which events cannot be read, for a transaction is open there; null where none is."""

    def command_bounds(self, shard: int) -> Bounds:
        """Give where the shard's commands begin and end, whatever transactions are open among them."""


class KafkaLog:
    """The log in Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def fence(self, shard: int) -> Producers:
        """Fence both producers of the former owner side by side; what they left open is aborted."""
        with ThreadPoolExecutor(2, f"fence-{shard}") as pool:
            events = pool.submit(self.fence_events, shard)
            snapshots = pool.submit(self.fence_snapshots, shard)
        return Producers(events.result(), snapshots.result())

    def fence_events(self, shard: int) -> TransactionalProducer:
        """Fence the former producer of events; what it left open is aborted."""
        return self._fence(f"engine-{shard}", QUEUE)

    def fence_snapshots(self, shard: int) -> TransactionalProducer:
        """Fence the former producer of snapshots; what it left open is aborted."""
        return self._fence(f"engine-{shard}-snapshots", QUEUE | OF_SNAPSHOTS)

    def watermark(self, shard: int) -> Watermark:
        """Read the last committed event: of it what every schema has at its place, for newer code may have left it."""
        last = read_back(self._settings, EVENTS, shard, 1)
        if not last:
            return Watermark(0, first_digest(shard))
        return Watermark(seq_of(last[0].value), digest_of(last[0].value))

    def hidden_from(self, shard: int) -> int | None:
        """Ask the broker for both ends."""
        return hidden_from(self._settings, EVENTS, shard)

    def command_bounds(self, shard: int) -> Bounds:
        """Ask the broker for both ends; a transaction decides nothing about a command, as the reader sees each."""
        return self._bounds(COMMANDS, shard, UNDECIDED_TOO)

    def appended_at(self, shard: int, offset: int) -> int | None:
        """Read that one record; the log is known to go on after it."""
        consumer = Consumer(reader_options(self._settings, f"engine-{shard}-record") | UNDECIDED_TOO)
        try:
            record = next(records_to(consumer, TopicPartition(COMMANDS, shard, offset), offset + 1), None)
        finally:
            consumer.close()
        return record.timestamp_ms if record is not None and record.offset == offset else None

    def manifests(self, shard: int, on_unreadable: Unreadable) -> Iterator[FoundManifest]:
        """Look from the end of the topic."""
        return snapshots.manifests(self._settings, shard, on_unreadable)

    def pages(self, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
        """Read the chunks from where the manifest says they are."""
        return snapshots.read_pages(self._settings, shard, manifest)

    def _bounds(self, topic: str, shard: int, options: Options) -> Bounds:
        consumer = Consumer(reader_options(self._settings, f"engine-{shard}-bounds") | options)
        try:
            return Bounds(*bounds(consumer, topic, shard))
        finally:
            consumer.close()

    def _fence(self, transactional_id: str, options: Options) -> TransactionalProducer:
        """Give the one producer that may write under this id."""
        producer = TransactionalProducer(transactional_producer_options(self._settings, transactional_id) | options)
        # Connected to the broker, it is done in 10 ms; asked before, it looks again half a second later. The first
        # answer may come over the connection it began with, the second comes over the one it keeps.
        producer.list_topics(EVENTS, timeout=ANSWER_TIMEOUT_S)
        producer.list_topics(EVENTS, timeout=ANSWER_TIMEOUT_S)
        for tries_left in reversed(range(FENCE_TRIES)):
            try:
                producer.init_transactions(FENCE_TIMEOUT_S)
            except KafkaException as error:
                if not tries_left or not error.args[0].retriable():
                    raise
            else:
                break
        return producer
