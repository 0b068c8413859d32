"""The shell's blocking clients meet the simulated brokers: late, in vain, or without learning the outcome."""

import random
from collections.abc import Callable
from typing import Any, Final, Literal

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from runtime.kafka import LogRecord
from tests.simulation.cluster import Cluster, Partition
from tests.simulation.loop import SimulatedLoop
from tests.simulation.simulated_process import CURRENT_PROCESS
from tests.simulation.trace import Trace

TRAVEL_S: Final = 0.003
DETOUR_S: Final = 1.0
EARLY: Final = "a new leader marks an end before the end"


class Network:
    """The way between a client and the brokers. is_calm: nothing is lost or late any more."""

    def __init__(self, loop: SimulatedLoop, dice: random.Random, cluster: Cluster, trace: Trace) -> None:
        self.cluster = cluster
        self.trace = trace
        self.loop = loop
        self.is_calm = False
        self._dice = dice

    def fails(self, chance: float) -> bool:
        """Say whether something goes wrong now that does so seldom."""
        return not self.is_calm and self._dice.random() < chance

    def delay(self) -> float:
        """Give how long one way takes from now, an outage included."""
        now = self.loop.time()
        delay = self._dice.random() * TRAVEL_S
        if self.fails(0.02):
            delay += self._dice.random() * DETOUR_S
        return max(delay, self.cluster.answers_at(now + delay) - now)

    def travel(self, timeout_s: float = 15.0) -> None:
        """Wait for one way, in a job, or raise what a client does that waits no longer."""
        assert self.loop.job is not None, "only threads block"
        delay = self.delay()
        self.loop.job.sleep(min(delay, timeout_s))
        if delay > timeout_s:
            raise timed_out("no broker answers")

    def part(self, count: int) -> int:
        """Give how many of some records are sent before the way takes its time again."""
        return self._dice.randint(0, count)


class SimulatedMessage:
    """What a consumer's poll gives, or a delivery report is about."""

    def __init__(self, record: LogRecord | None, error: KafkaError | None = None, offset: int | None = None) -> None:
        self._record = record
        self._error = error
        self._offset = offset if record is None else record.offset

    def error(self) -> KafkaError | None:
        return self._error

    def offset(self) -> int | None:
        return self._offset

    def key(self) -> bytes | None:
        return None if self._record is None else self._record.key

    def value(self) -> bytes | None:
        return None if self._record is None else self._record.value

    def timestamp(self) -> tuple[int, int]:
        return 2, 0 if self._record is None else self._record.timestamp_ms


class SimulatedConsumer:
    """confluent-kafka's consumer, as far as the shell uses it: one partition, whose end is marked, at times early."""

    def __init__(self, network: Network, options: dict[str, Any]) -> None:
        assert options["enable.partition.eof"], "nothing else says where a partition ends"
        self._network = network
        self._level = options["isolation.level"]
        self._partition: Partition | None = None
        self._position = 0
        self._is_fresh = True

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        self._network.travel(timeout)
        if self._network.fails(0.02):
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, "planted"))
        partition = self._network.cluster.topic(place.topic, place.partition)
        found = partition.first, partition.readable_end(self._level)
        self._network.travel(timeout)
        return found

    def assign(self, places: list[TopicPartition]) -> None:
        (place,) = places
        self._partition = self._network.cluster.topic(place.topic, place.partition)
        self._position = max(place.offset, self._partition.first)
        self._is_fresh = True

    def poll(self, timeout: float) -> SimulatedMessage | None:
        assert self._partition is not None, "what is polled was assigned"
        if self._is_fresh or self._network.fails(0.02):
            self._is_fresh = False
            try:
                self._network.travel(timeout)
            except KafkaException:
                return None  # A poll without an answer gives nothing.
        if self._network.fails(0.001):
            return SimulatedMessage(None, KafkaError(KafkaError._ALL_BROKERS_DOWN, "planted"))
        end = self._partition.readable_end(self._level)
        if self._position < end and self._network.fails(0.01):
            self._network.trace.add("brokers", EARLY, partition=self._partition.name, at=self._position, end=end)
            return self._mark(self._position)
        record = next(self._partition.from_offset(self._position, self._level), None)
        if record is None:
            self._position = max(self._position, end)  # Past control records and aborted ones.
            return self._mark(self._position)
        self._position = record.offset + 1
        return SimulatedMessage(record)

    def close(self) -> None:
        self._partition = None

    def _mark(self, offset: int) -> SimulatedMessage:
        return SimulatedMessage(None, KafkaError(KafkaError._PARTITION_EOF), offset)


Stage = Literal["fresh", "ready", "open", "committing", "failed"]


class SimulatedProducer:
    """confluent-kafka's transactional producer, as far as the shell uses it."""

    def __init__(self, network: Network, options: dict[str, Any]) -> None:
        self._network = network
        self._id: str = options["transactional.id"]
        self._timeout_s: float = options["transaction.timeout.ms"] / 1_000
        self._epoch = 0
        self._stage: Stage = "fresh"
        self._fatal: KafkaException | None = None
        self._queue: list[tuple[Partition, bytes | None, bytes | None, Callable[..., None] | None]] = []
        self._failed = False
        self._is_timed = False

    def list_topics(self, topic: str, timeout: float) -> None:
        del topic
        self._network.travel(timeout)

    def init_transactions(self, timeout: float) -> None:
        self._network.travel(timeout)
        if self._network.fails(0.05):
            raise timed_out("the coordinator did not hear")
        self._epoch = self._network.cluster.fence(self._id)
        self._note("fenced", epoch=self._epoch)
        self._network.travel(timeout)
        if self._network.fails(0.05):
            raise timed_out("the coordinator's answer was lost")
        self._stage = "ready"

    def begin_transaction(self) -> None:
        self._require("ready")
        self._stage = "open"
        self._failed = self._is_timed = False

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        on_delivery: Callable[..., None] | None = None,
    ) -> None:
        self._require("open")
        if self._network.fails(0.001):
            raise BufferError("planted: the queue is full")
        self._queue.append((self._network.cluster.topic(topic, partition), key, value, on_delivery))

    def poll(self, timeout: float) -> int:
        del timeout
        return 0

    def flush(self, timeout: float) -> int:
        del timeout
        self._raise_if_fatal()
        self._send()
        return len(self._queue)

    def commit_transaction(self, timeout: float) -> None:
        self._require("open", "committing")
        if self._stage == "open":
            self._send()
            if self._failed:
                raise failure(KafkaError._PURGE_QUEUE, "a record was not delivered", must_abort=True)
        self._stage = "committing"
        self._end("committed", timeout)

    def abort_transaction(self, timeout: float) -> None:
        self._require("open")
        self._queue.clear()
        self._end("aborted", timeout)

    def _end(self, outcome: Literal["committed", "aborted"], timeout: float) -> None:
        """Tell the brokers how the transaction ends; the question, or the answer, may be lost or late."""
        network = self._network
        network.travel(timeout)
        if network.fails(0.02):
            if network.fails(0.5):
                self._note(f"{outcome}, but late", epoch=self._epoch)
                network.loop.call_in_world(network.delay(), self._end_late, outcome)
            else:
                self._note(f"not {outcome}: the request was lost")
            network.travel(timeout)
            raise timed_out("the coordinator did not answer")
        self._fatally(lambda: network.cluster.end(self._id, self._epoch, outcome))
        network.travel(timeout)
        if network.fails(0.02):
            self._note(f"{outcome}, but the answer was lost")
            raise timed_out("the coordinator's answer was lost")
        self._stage = "ready"

    def _end_late(self, outcome: Literal["committed", "aborted"]) -> None:
        try:
            self._network.cluster.end(self._id, self._epoch, outcome)
        except KafkaException:
            self._network.trace.add("brokers", f"{self._id}: a late end of a fenced producer is refused")

    def _send(self) -> None:
        """Write what was produced, with a pause somewhere in between."""
        pause = self._network.part(len(self._queue))
        for number, (partition, key, value, on_delivery) in enumerate(self._queue):
            if number == pause:
                self._network.travel()
            if self._network.fails(0.0005):
                self._failed = True
                error = failure(KafkaError._MSG_TIMED_OUT, "not delivered", must_abort=True).args[0]
                self._report(on_delivery, error, None)
                continue
            offset = self._write(partition, key, value)
            self._report(on_delivery, None, LogRecord(offset, 0, key, value or b""))
        self._queue.clear()

    def _write(self, partition: Partition, key: bytes | None, value: bytes | None) -> int:
        cluster = self._network.cluster
        offsets: list[int] = []
        self._fatally(lambda: offsets.append(cluster.append(self._id, self._epoch, partition, key, value)))
        transaction = cluster.open_transaction(self._id)
        if not self._is_timed and transaction is not None:
            self._is_timed = True
            self._network.loop.call_in_world(self._timeout_s, cluster.expire, self._id, transaction)
        return offsets[0]

    def _report(
        self, on_delivery: Callable[..., None] | None, error: KafkaError | None, record: LogRecord | None
    ) -> None:
        if on_delivery is not None:
            on_delivery(error, SimulatedMessage(record))

    def _fatally(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except KafkaException as error:
            self._note("a fenced producer is refused", epoch=self._epoch)
            self._fatal = error
            raise

    def _require(self, *stages: Stage) -> None:
        self._raise_if_fatal()
        if self._stage not in stages:
            raise failure(KafkaError._STATE, f"the producer is {self._stage}, and not {' or '.join(stages)}")

    def _raise_if_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal

    def _note(self, what: str, **facts: Any) -> None:
        self._network.trace.add(CURRENT_PROCESS.get().name, f"{self._id} {what}", **facts)


def timed_out(reason: str) -> KafkaException:
    """Give what may be asked again."""
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, reason, retriable=True))


def failure(code: int, reason: str, *, must_abort: bool = False) -> KafkaException:
    """Give an error that asking again does not mend."""
    return KafkaException(KafkaError(code, reason, txn_requires_abort=must_abort))
