"""How records are gathered into batches: soon after a pause, and under load whatever comes within a pace."""

import time
from typing import Final

from confluent_kafka import Consumer, Message

# How long an idle reader waits at a time; whoever calls it looks meanwhile whether to stop.
IDLE_S: Final = 0.25
# How long a first message waits for those committed with it: the same tick's of the other shards.
GATHER_S: Final = 0.01


class PacedReader:
    """Gives a consumer's messages in batches.

    pace_s: from the end of a batch to the end of the next, under load; what a write costs whatever it holds is not paid
    more often.
    """

    def __init__(self, consumer: Consumer, most: int, pace_s: float) -> None:
        self._consumer = consumer
        self._most = most
        self._pace_s = pace_s
        self._due = 0.0

    def read(self) -> list[Message]:
        """Wait for the next messages; none where none came for a while."""
        first = self._consumer.poll(IDLE_S)
        if first is None:
            return []
        gather_s = max(GATHER_S, self._due - time.monotonic())
        messages = [first, *self._consumer.consume(self._most - 1, gather_s)]
        self._due = time.monotonic() + self._pace_s
        return messages
