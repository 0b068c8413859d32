"""Whether the log really has no record at an offset, or it was only not delivered yet."""

import time
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from reprise.runtime.kafka import reader_options
from reprise.runtime.settings import Settings
from reprise.schemas.topics import COMMANDS

ANSWER_TIMEOUT_S: Final = 10.0


class Answer(NamedTuple):
    """The first record at or after an offset, null where there is none; and where the log ended before it was read."""

    found: int | None
    end: int

    def is_hole_at(self, offset: int) -> bool:
        """Whether the log goes on after this offset without having it."""
        return self.found != offset and (self.found is not None or self.end > offset)


def ask_for_record(settings: Settings, shard: int, offset: int) -> Answer:
    """Ask the broker anew, with a reader of its own. Blocks; for a thread.

    Uncommitted records count: the reader of commands sees them too.
    """
    options = reader_options(settings, f"engine-{shard}-hole") | {"isolation.level": "read_uncommitted"}
    consumer = Consumer(options)
    partition = TopicPartition(COMMANDS, shard, offset)
    try:
        bounds = consumer.get_watermark_offsets(partition, timeout=ANSWER_TIMEOUT_S)
        if bounds is None:
            raise _no_answer(shard, offset)
        consumer.assign([partition])
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            for message in consumer.consume(1, 0.5):
                error = message.error()
                if error is None:
                    return Answer(message.offset(), bounds[1])
                if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
                    return Answer(None, bounds[1])
                raise KafkaException(error)
    finally:
        consumer.close()
    raise _no_answer(shard, offset)


def hole_message(shard: int, offset: int, found: int | None) -> str:
    """Say what is missing, what that means, and with which command a person sees it."""
    where = "and none after it" if found is None else f"and the next is {found}"
    return (
        f"{COMMANDS}/{shard} has no record at offset {offset}, {where}: the log has a hole, made by a transactional "
        f"writer or by deletion, and a ledger is never continued over one. "
        f"`reprise tail commands --from {max(0, offset - 5)}` shows what surrounds it."
    )


def _no_answer(shard: int, offset: int) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no answer about {COMMANDS}/{shard} at {offset}"))  # noqa: SLF001
