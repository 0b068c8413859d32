"""The shell's blocking clients meet the simulated brokers: late, in vain, or without learning the outcome."""

import random
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from runtime.kafka import LogRecord
from tests.simulation.cluster import Cluster, Partition
from tests.simulation.loop import SimulatedLoop
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
        self.late_ends: dict[str, Callable[[], None]] = {}
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


def timed_out(reason: str) -> KafkaException:
    """Give what may be asked again."""
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, reason, retriable=True))
