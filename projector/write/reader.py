"""How the committed events of all shards are read, from checkpoints the projector keeps itself."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from projector.write.chain import REBUILD, BrokenLogError, ChainEntry, read_entry
from projector.write.pace import PacedReader
from runtime.kafka import TIMEOUT_S, partition_count, reader_options
from runtime.settings import Settings
from runtime.topics import refuse_other_count
from schemas.topics import EVENTS

BATCH_MAX: Final = 5_000
PACE_S: Final = 0.02

_log = logging.getLogger(__name__)


class _EventBatch(NamedTuple):
    """Some events, and the offset each of their shards was read up to."""

    entries: list[ChainEntry]
    reached: dict[int, int]


class EventReader:
    """Reads `exchange.events`. reached: the offset each shard was read up to, control records included."""

    def __init__(self, settings: Settings) -> None:
        self._shards = settings.shards
        self._consumer = Consumer(
            reader_options(settings, "reprise-projector")
            | {
                # An offset the log does not have means another log; beginning anew would hide it.
                "auto.offset.reset": "error",
            }
        )
        self._messages = PacedReader(self._consumer, BATCH_MAX, PACE_S)
        self._thread = ThreadPoolExecutor(1, "reader")
        self._next: Future[_EventBatch] | None = None
        self.reached: dict[int, int] = {}

    def start(self, next_offsets: Mapping[int, int]) -> None:
        """Read each shard from its offset on; FixableError where the log ends before it."""
        for shard, end in self.ends().items():
            if next_offsets[shard] > end:
                raise BrokenLogError(
                    f"Shard {shard}: offset {next_offsets[shard]} comes next, and the log ends at {end}; this is "
                    f"another log. {REBUILD}"
                )
        self._forget_next()
        self._consumer.assign(
            [TopicPartition(EVENTS, shard, offset or OFFSET_BEGINNING) for shard, offset in next_offsets.items()]
        )
        self.reached = dict(next_offsets)

    def ends(self) -> dict[int, int]:
        """Ask the brokers where each shard's committed events end; KafkaException when they do not answer."""
        refuse_other_count(EVENTS, partition_count(self._consumer, EVENTS), self._shards)
        ends = {}
        for shard in range(self._shards):
            bounds = self._consumer.get_watermark_offsets(TopicPartition(EVENTS, shard), timeout=TIMEOUT_S)
            if bounds is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001  # Its public name.
            ends[shard] = bounds[1]
        return ends

    def read(self) -> list[ChainEntry]:
        """Give the next events, if there are any yet. Raises BrokenLogError, or a dead client's KafkaException.

        While the caller writes them to the database, the ones after them are already being read.
        """
        batch = self._next_batch().result()
        self._next = None
        self._next_batch()
        self.reached |= batch.reached
        return batch.entries

    def close(self) -> None:
        self._forget_next()
        self._thread.shutdown()
        self._consumer.close()

    def _next_batch(self) -> Future[_EventBatch]:
        if self._next is None:
            self._next = self._thread.submit(self._consume)
        return self._next

    def _forget_next(self) -> None:
        if self._next is not None:
            wait([self._next])
            self._next = None

    def _consume(self) -> _EventBatch:
        batch = _EventBatch([], {})
        for message in self._messages.read():
            shard, offset, error = message.partition(), message.offset(), message.error()
            if error is None:
                assert shard is not None, "a delivered record has a partition"
                assert offset is not None, "a delivered record has an offset"
                batch.entries.append(read_entry(shard, offset, message.value() or b""))
                batch.reached[shard] = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                if shard is not None and offset is not None:
                    batch.reached[shard] = offset
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
                raise BrokenLogError(f"Shard {shard}: the log does not have the next offset: {error.str()}. {REBUILD}")
            elif error.fatal():
                raise KafkaException(error)
            else:
                # Brokers that are away come back, or `ends` finds out that they do not.
                _log.warning("The brokers answered with an error: %s", error.str())
        return batch
