"""How a transaction ends, and whether a request that ended it may still be on its way."""

import logging
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from runtime.kafka import Options

# A commit takes milliseconds. One that took so long may have been asked for twice.
DOUBTFUL_S: Final = 1.0
INFO_OF_SYSLOG: Final = 6


class TransactionalProducer:
    """A producer of transactions, which says whether the next one may be begun with it.

    In the first protocol of Kafka's transactions, which librdkafka speaks, a request to end a transaction that had no
    answer is sent again under the same epoch. The first one, when it arrives late, ends whatever transaction is open
    then: the next one is torn (KAFKA-17754). Once a request may be on its way, only a new producer is safe from it,
    whose initialization gives it a higher epoch.
    """

    def __init__(self, options: Options) -> None:
        self._reports = _Reports(options["logger"])
        # At a lower level it would not say that a connection was lost.
        heard = {"logger": self._reports, "error_cb": self._reports.note, "log_level": INFO_OF_SYSLOG}
        self._producer = Producer(options | heard)
        self.produce: Final = self._producer.produce
        self._is_doubtful = False

    @property
    def is_doubtful(self) -> bool:
        """Whether a request that ended a transaction may still be on its way."""
        return self._is_doubtful

    def list_topics(self, topic: str, timeout: float) -> None:
        """Connect to the broker."""
        self._producer.list_topics(topic, timeout=timeout)

    def init_transactions(self, timeout: float) -> None:
        """Fence every other producer of this id, and every request of it that is on its way."""
        self._producer.init_transactions(timeout)
        self._producer.poll(0)
        self._reports.count = 0  # What was reported until now is of a connection that was being made.

    def begin_transaction(self) -> None:
        """Begin the next one, which no request of the one before can end."""
        assert not self.is_doubtful, "after a doubtful end a new producer begins"
        self._producer.begin_transaction()

    def flush(self, timeout: float) -> int:
        """Wait for the delivery of what was produced; how much was not."""
        return self._producer.flush(timeout)

    def commit_transaction(self, timeout: float) -> None:
        """Commit, or raise."""
        self._end(self._producer.commit_transaction, timeout)

    def abort_transaction(self, timeout: float) -> None:
        """Abort, or raise."""
        self._end(self._producer.abort_transaction, timeout)

    def abort_left_over(self, topic: str, partition: int, timeout: float) -> None:
        """Abort what this id left open in a partition though the coordinator takes it for ended.

        A broker that is just starting may not know the partition yet: its coordinator then notes an abort as complete
        without the mark, and no later initialization writes it. A mark ends whatever its id has open in the partition:
        so a record that nobody reads is appended and aborted.
        """
        self._producer.begin_transaction()
        self._producer.produce(topic, value=b"", key=b"aborted", partition=partition)
        self._producer.flush(timeout)
        self.abort_transaction(timeout)

    def _end(self, end: Callable[[float], None], timeout: float) -> None:
        began = time.monotonic()
        was_doubtful, self._is_doubtful = self._is_doubtful, True
        end(timeout)
        took = time.monotonic() - began
        self._producer.poll(0)  # What librdkafka has to say goes to its logger, and to the reports, from here.
        self._is_doubtful = was_doubtful or took > DOUBTFUL_S or self._reports.count > 0


def replaced(reason: str) -> KafkaException:
    """Give the error of a producer that finds what another one of its id has written."""
    return KafkaException(KafkaError(KafkaError._FENCED, reason, fatal=True))  # noqa: SLF001  # Its public name.


class _Reports:
    """What a client logs and reports of itself: lost connections, time-outs, brokers that are away.

    It logs nothing in a transaction without trouble. Of the same trouble in half a minute it logs only the first, so
    what it said between two transactions counts as well. The coordinator's lost connection it logs and does not report.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self.count = 0
        self._logger = logger

    def note(self, _error: KafkaError) -> None:
        """Count an error."""
        self.count += 1

    def log(self, level: int, message: str, *arguments: object) -> None:
        """Count a line of the client's log, and log it."""
        self.count += 1
        self._logger.log(level, message, *arguments)
