"""The simulated brokers' content: partitions, and which transactions may be read.

Everything here happens at once and for certain; what is lost on the way, late or unknown is the clients' affair.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from runtime.kafka import LogRecord
from schemas.manifest import SnapshotManifest
from schemas.snapshots import SnapshotUnreadable, decode_manifest, is_manifest_key
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS
from tests.simulation.loop import SimulatedLoop
from tests.simulation.trace import Trace

START_MS: Final = 1_767_225_600_000
# The broker answers a producer that its transaction is decided before all readers can see it.
MARKER_DELAY_S: Final = 0.01

Level = Literal["read_committed", "read_uncommitted"]


@dataclass(eq=False)
class Transaction:
    """Some records of one producer. is_marked: its end stands in the partition, so it can be read, or passed over."""

    transactional_id: str
    outcome: Literal["open", "committed", "aborted"] = "open"
    is_marked: bool = False
    partition: "Partition | None" = None
    first: int = 0


class Entry(NamedTuple):
    """One record in a partition; a control record has no content."""

    record: LogRecord
    transaction: Transaction | None
    is_control: bool = False


class Partition:
    """Records by offset; null: compaction or a defect took it. first: the offset the log begins at."""

    def __init__(self, topic: str, number: int) -> None:
        self.name = f"{topic}/{number}"
        self.number = number
        self.first = 0
        self.entries: list[Entry | None] = []
        self.unmarked: list[Transaction] = []

    @property
    def end(self) -> int:
        """Give the next offset."""
        return len(self.entries)

    def readable_end(self, level: Level) -> int:
        """Give where readers have to stop: before the first transaction without an end."""
        if level == "read_committed" and self.unmarked:
            return min(transaction.first for transaction in self.unmarked)
        return self.end

    def append(
        self, time_ms: int, key: bytes | None, value: bytes | None, transaction: Transaction | None = None
    ) -> int:
        """Give the offset a record is written at."""
        offset = self.end
        record = LogRecord(offset, time_ms, key, b"" if value is None else value)
        self.entries.append(Entry(record, transaction))
        if transaction is not None and transaction.partition is None:
            transaction.partition, transaction.first = self, offset
            self.unmarked.append(transaction)
        return offset

    def from_offset(self, offset: int, level: Level) -> Iterator[LogRecord]:
        """Give what can be read from an offset on, oldest first."""
        for entry in self.entries[offset : self.readable_end(level)]:
            if entry is None or entry.is_control:
                continue
            if level == "read_uncommitted" or entry.transaction is None or entry.transaction.outcome == "committed":
                yield entry.record

    def committed(self) -> list[LogRecord]:
        """Give every record that is or will be readable, whatever is not marked yet."""
        return [
            entry.record
            for entry in self.entries
            if entry is not None
            and not entry.is_control
            and (entry.transaction is None or entry.transaction.outcome == "committed")
        ]


@dataclass(eq=False)
class Writer:
    """What the brokers know of a transactional id. epoch: of whoever asked last; no other may write."""

    epoch: int = 0
    transaction: Transaction | None = None


class Cluster:
    """The brokers."""

    def __init__(self, loop: SimulatedLoop, dice: random.Random, trace: Trace, shards: int) -> None:
        self.shards = shards
        self.partitions = {
            (topic, shard): Partition(topic, shard)
            for topic in (COMMANDS, EVENTS, SNAPSHOTS)
            for shard in range(shards)
        }
        self.outages: list[tuple[float, float]] = []
        self.on_commit: Callable[[Transaction], None] = lambda _: None
        self.on_tear: Callable[[Transaction], None] = lambda _: None
        self._loop = loop
        self._dice = dice
        self._trace = trace
        self._writers: dict[str, Writer] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def topic(self, name: str, shard: int) -> Partition:
        """Give one partition."""
        return self.partitions[name, shard]

    def now_ms(self) -> int:
        """Give the brokers' clock, which steps back a little when a partition's leader changes."""
        step_back = self._dice.randrange(40) if self._dice.random() < 0.03 else 0
        return START_MS + int(self._loop.time() * 1_000) - step_back

    def answers_at(self, time: float) -> float:
        """Give when a question of this moment is answered: at once, or when the outage is over."""
        return next((end for begin, end in self.outages if begin <= time < end), time)

    def notify(self) -> None:
        """Wake the readers that wait for new records."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def something_new(self, deadline: float) -> None:
        """Wait until there may be more to read, or it is this late."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        timer = self._loop.call_at(deadline, lambda: None if future.done() else future.set_result(None))
        await future
        timer.cancel()

    def fence(self, transactional_id: str) -> int:
        """Give a new epoch: end what the former one decided, abort what it left open."""
        writer = self._writers.setdefault(transactional_id, Writer())
        writer.epoch += 1
        if writer.transaction is not None:
            if writer.transaction.outcome == "open":
                self._trace.add("brokers", f"{transactional_id}: the open transaction of its former owner is aborted")
                writer.transaction.outcome = "aborted"
            self._mark(writer)
        return writer.epoch

    def begin(self, transactional_id: str, epoch: int) -> Transaction:
        """Give the transaction of this id that records may be written in, or raise the error of a fenced producer."""
        writer = self._writer(transactional_id, epoch)
        if writer.transaction is not None and writer.transaction.outcome != "open":
            self._mark(writer)  # A producer's next transaction waits for the end of its last one.
        if writer.transaction is None:
            writer.transaction = Transaction(transactional_id)
        return writer.transaction

    def append(
        self, transaction: Transaction, epoch: int, partition: Partition, key: bytes | None, value: bytes | None
    ) -> int:
        """Write a record in an open transaction, or raise the error of a producer that was fenced or ended early."""
        self._writer(transaction.transactional_id, epoch)
        if transaction.outcome != "open":
            reason = f"{transaction.transactional_id} writes in a transaction that was ended"
            raise KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, reason, txn_requires_abort=True))
        return partition.append(self.now_ms(), key, value, transaction)

    def end(
        self,
        transactional_id: str,
        epoch: int,
        outcome: Literal["committed", "aborted"],
        meant: Transaction | None = None,
    ) -> None:
        """Decide the transaction that is open; readers learn it a moment later. meant: the one a late request is of."""
        writer = self._writer(transactional_id, epoch)
        transaction = writer.transaction
        if transaction is None or transaction.outcome != "open":
            return  # Decided before, and asked again.
        if meant is not None and meant is not transaction:
            self._trace.add("brokers", f"{transactional_id}: a late request ends the next transaction", outcome=outcome)
            self.on_tear(transaction)
        transaction.outcome = outcome
        if outcome == "committed":
            self.on_commit(transaction)
        self._loop.call_in_world(self._dice.random() * MARKER_DELAY_S, self._mark, writer, transaction)

    def expire(self, transactional_id: str, transaction: Transaction) -> None:
        """Abort a transaction that took too long; its producer is fenced."""
        writer = self._writers[transactional_id]
        if self.answers_at(self._loop.now) > self._loop.now:
            self._loop.call_in_world(1.0, self.expire, transactional_id, transaction)
        elif writer.transaction is transaction and transaction.outcome == "open":
            self._trace.add("brokers", f"{transactional_id}: its transaction took too long and is aborted")
            self.fence(transactional_id)

    def compact(self, shard: int, below: int) -> int:
        """Take from the snapshots below an offset what a later record there has the key of; how many."""
        partition = self.topic(SNAPSHOTS, shard)
        below = min(below, partition.readable_end("read_committed"))
        newest: dict[bytes | None, int] = {}
        for entry in partition.entries[:below]:
            if entry is not None and not entry.is_control and _counts(entry):
                newest[entry.record.key] = entry.record.offset
        taken = 0
        for offset, entry in enumerate(partition.entries[:below]):
            if entry is None or entry.is_control:
                continue
            if not _counts(entry) or newest[entry.record.key] != offset or not entry.record.value:
                partition.entries[offset] = None
                taken += 1
        return taken

    def _writer(self, transactional_id: str, epoch: int) -> Writer:
        writer = self._writers[transactional_id]
        if writer.epoch != epoch:
            raise KafkaException(KafkaError(KafkaError._FENCED, f"{transactional_id} has a newer owner", fatal=True))
        return writer

    def _mark(self, writer: Writer, transaction: Transaction | None = None) -> None:
        """Write the end of the writer's transaction, unless it stands there already."""
        transaction = transaction or writer.transaction
        assert transaction is not None, "only what was begun has an end"
        if not transaction.is_marked:
            transaction.is_marked = True
            if transaction.partition is not None:
                partition = transaction.partition
                partition.unmarked.remove(transaction)
                partition.entries.append(Entry(LogRecord(partition.end, self.now_ms(), None, b""), transaction, True))
        if writer.transaction is transaction:
            writer.transaction = None


def manifests_in(partition: Partition) -> list[tuple[int, SnapshotManifest]]:
    """Give the readable manifests of a partition and their offsets, oldest first."""
    found = []
    for record in partition.committed():
        if is_manifest_key(record.key) and record.value:
            try:
                found.append((record.offset, decode_manifest(record.value)))
            except SnapshotUnreadable:
                continue
    return found


def _counts(entry: Entry) -> bool:
    return entry.transaction is None or entry.transaction.outcome == "committed"
