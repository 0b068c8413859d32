"""Whether the log really has no record at an offset, or it was only not delivered yet."""

from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from runtime.kafka import bounds, reader_options, records_to
from runtime.settings import Settings
from schemas.topics import COMMANDS


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
    try:
        end = bounds(consumer, COMMANDS, shard)[1]
        record = next(records_to(consumer, TopicPartition(COMMANDS, shard, offset), end), None)
    finally:
        consumer.close()
    return Answer(None if record is None else record.offset, end)


def hole_message(shard: int, offset: int, found: int | None) -> str:
    """Say what is missing, what that means, and with which command a person sees it."""
    where = "and none after it" if found is None else f"and the next is {found}"
    return (
        f"{COMMANDS}/{shard} has no record at offset {offset}, {where}: the log has a hole, made by a transactional "
        f"writer or by deletion, and a ledger is never continued over one. "
        f"`reprise tail commands --from {max(0, offset - 5)}` shows what surrounds it."
    )
