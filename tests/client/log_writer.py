"""A shard's events are written as the engine writes them: in transactions, some of which are aborted."""

import time
from collections.abc import Sequence

from confluent_kafka import Producer

from runtime.kafka import transactional_producer_options
from runtime.settings import Settings
from schemas.topics import EVENTS


class LogWriter:
    """Writes events' values; before each transaction that counts, one with the same events is aborted."""

    def __init__(self, settings: Settings, name: str = "test-events") -> None:
        self._producer = Producer(transactional_producer_options(settings, name))
        self._producer.init_transactions(20)

    def write(self, shard: int, values: Sequence[bytes], *, at_once: int = 50, pause_s: float = 0.0) -> None:
        """Commit the values in order, so many in one transaction."""
        for start in range(0, len(values), at_once):
            part = values[start : start + at_once]
            self._send(shard, part[:3])
            self._producer.abort_transaction(20)
            self._send(shard, part)
            self._producer.commit_transaction(20)
            time.sleep(pause_s)

    def _send(self, shard: int, values: Sequence[bytes]) -> None:
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(EVENTS, value, partition=shard)
        assert self._producer.flush(20) == 0
