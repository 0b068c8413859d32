"""The shell's transactional producer meets the simulated brokers: late, in vain, twice, or with no known outcome."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

from confluent_kafka import KafkaError, KafkaException

from runtime.kafka import LogRecord
from tests.simulation.clients import Network, SimulatedMessage, timed_out
from tests.simulation.cluster import Partition, Transaction
from tests.simulation.simulated_process import CURRENT_PROCESS

# A request without an answer is sent again after so long.
LONG_S: Final = 1.5
ASKED_TWICE = 0.02

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
        self._transaction: Transaction | None = None
        self._logger: logging.Logger = options["logger"]

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
        self._failed = False
        self._transaction = None

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
        if network.fails(ASKED_TWICE):
            self._ask_twice(outcome)
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

    def _ask_twice(self, outcome: Literal["committed", "aborted"]) -> None:
        """Send the request again, after a lost connection or a time-out; the first one arrives in the next transaction.

        The client says that it lost a connection. That it waited shows in the time it took.
        """
        network = self._network
        self._note(f"{outcome} when asked again, and the first request is on its way", epoch=self._epoch)
        network.late_ends[self._id] = partial(self._end_late, outcome, self._transaction)
        if network.fails(0.5):
            self._logger.log(logging.INFO, "FAIL the coordinator's connection was lost")
        else:
            assert network.loop.job is not None, "only threads block"
            network.loop.job.sleep(LONG_S)

    def _end_late(self, outcome: Literal["committed", "aborted"], meant: Transaction | None = None) -> None:
        try:
            self._network.cluster.end(self._id, self._epoch, outcome, meant)
        except KafkaException:
            self._network.trace.add("brokers", f"{self._id}: a late end of a fenced producer is refused")

    def _send(self) -> None:
        """Write what was produced, with a pause somewhere in between, in which a late request may arrive."""
        pause = self._network.part(len(self._queue))
        for number, (partition, key, value, on_delivery) in enumerate(self._queue):
            if number == pause:
                self._network.travel()
                self._network.late_ends.pop(self._id, lambda: None)()
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
        try:
            if self._transaction is None:
                self._transaction = cluster.begin(self._id, self._epoch)
                self._network.loop.call_in_world(self._timeout_s, cluster.expire, self._id, self._transaction)
            return cluster.append(self._transaction, self._epoch, partition, key, value)
        except KafkaException as error:
            self._refuse(error)
            raise

    def _report(
        self, on_delivery: Callable[..., None] | None, error: KafkaError | None, record: LogRecord | None
    ) -> None:
        if on_delivery is not None:
            on_delivery(error, SimulatedMessage(record))

    def _fatally(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except KafkaException as error:
            self._refuse(error)
            raise

    def _refuse(self, error: KafkaException) -> None:
        if error.args[0].fatal():
            self._note("a fenced producer is refused", epoch=self._epoch)
            self._fatal = error

    def _require(self, *stages: Stage) -> None:
        self._raise_if_fatal()
        if self._stage not in stages:
            raise failure(KafkaError._STATE, f"the producer is {self._stage}, and not {' or '.join(stages)}")

    def _raise_if_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal

    def _note(self, what: str, **facts: Any) -> None:
        self._network.trace.add(CURRENT_PROCESS.get().name, f"{self._id} {what}", **facts)


def failure(code: int, reason: str, *, must_abort: bool = False) -> KafkaException:
    """Give an error that asking again does not mend."""
    return KafkaException(KafkaError(code, reason, txn_requires_abort=must_abort))
