"""How every Kafka client of ours is set up, and how the end of a partition is read."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import ListOffsetsResultInfo

from runtime.kafka_security import librdkafka_security
from runtime.settings import Settings

# Options go to confluent-kafka as they are; its own type for them is this one.
Options = dict[str, Any]

TRANSACTION_TIMEOUT_MS: Final = 10_000
TIMEOUT_S: Final = 10.0
# For a command that a person waits for: where a broker runs at all, it answers long before.
FIRST_CONTACT_S: Final = 5.0
RETRY_PAUSE_S: Final = 0.05
QUEUE_PAUSE_S: Final = 0.05
# How commands are read: no transaction decides about them.
UNDECIDED_TOO: Final[Options] = {"isolation.level": "read_uncommitted"}
# A partition that was just made, or whose leader just changed, answers with these for a moment.
TRANSIENT: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)
# What librdkafka itself says for brokers that say nothing.
NO_ANSWER: Final = frozenset(
    {
        KafkaError._TRANSPORT,  # noqa: SLF001  # These are public names in this library.
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
    }
)
NO_TOPIC: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001
# A command has no log, and says itself what fails: without a handler its terminal would get each warning.
LOGGER: Final = logging.getLogger("librdkafka")
LOGGER.addHandler(logging.NullHandler())
WARNING_OF_SYSLOG: Final = 4
# A transaction of n records is followed by one control record, so a window of records may hold few of them.
CONTROL_RECORDS_SLACK: Final = 16


class LogRecord(NamedTuple):
    """One record of a partition, as bytes."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes


def connection_options(settings: Settings, client: str) -> Options:
    """What every client needs: where the brokers are, who it is, how long to wait, and where its log goes."""
    return {
        "bootstrap.servers": settings.kafka_brokers,
        "client.id": client,
        "logger": LOGGER,
        # A broker that restarts is found again within half a second instead of ten.
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "socket.connection.setup.timeout.ms": 5_000,
        # The default of 1 would keep small requests waiting for the acknowledgement of the one before.
        "socket.nagle.disable": True,
        **librdkafka_security(settings),
    }


def command_producer_options(settings: Settings, client: str = "reprise-commands") -> Options:
    """A producer of commands and ticks: idempotent, never transactional, a key's shard is Java's murmur2 of it."""
    return connection_options(settings, client) | {
        "enable.idempotence": True,
        "acks": "all",
        "max.in.flight.requests.per.connection": 5,
        "partitioner": "murmur2_random",
        "linger.ms": 0,
        # The topic takes no larger batch than 256 KiB, and refuses it whole.
        "batch.size": 128 * 1024,
        "compression.type": "none",
        "delivery.timeout.ms": 30_000,
        "retry.backoff.ms": 50,
        "allow.auto.create.topics": False,
    }


def transactional_producer_options(settings: Settings, transactional_id: str) -> Options:
    """The one producer that may write a shard's outputs: whoever initializes it last fences the others."""
    return connection_options(settings, transactional_id) | {
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "enable.idempotence": True,
        "acks": "all",
        "max.in.flight.requests.per.connection": 5,
        "linger.ms": 0,
        "compression.type": "none",
        # A record is given up no later than its transaction.
        "delivery.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "retry.backoff.ms": 20,
        "allow.auto.create.topics": False,
    }


def reader_options(settings: Settings, group: str) -> Options:
    """A reader of committed records that keeps its own position and gets an event at the end of a partition."""
    return connection_options(settings, group) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        # With a full queue librdkafka would otherwise sleep a second before it fetches again.
        "fetch.queue.backoff.ms": 10,
        "allow.auto.create.topics": False,
    }


def admin_options(settings: Settings, client: str = "reprise-admin") -> Options:
    """An admin client. It says nothing of its daily round, which it would at its end past every logger."""
    return connection_options(settings, client) | {"log_level": WARNING_OF_SYSLOG}


def why_unread(failure: KafkaException, brokers: str) -> str:
    """Say in a clause why a topic cannot be read: no broker answers, there is no such topic, or what a broker says."""
    error: KafkaError = failure.args[0]
    if error.code() in NO_ANSWER:
        return f"no Kafka broker answers at {brokers}"
    return "it does not exist" if error.code() in NO_TOPIC else error.str()


def partition_count(consumer: Consumer, topic: str, timeout_s: float = TIMEOUT_S) -> int:
    """Partitions of a topic; KafkaException when it does not exist or no broker answers in time."""
    found = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return len(found.partitions)


def bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """The first offset of a partition and the one after its last, waiting out a change of its leader."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            found = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in TRANSIENT or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_PAUSE_S)
        else:
            if found is None:
                raise _timed_out(f"the end of {topic}/{partition}")
            return found


def listed_offset(answer: Future[ListOffsetsResultInfo], timeout_s: float) -> int:
    """The offset in an answer to `list_offsets`; KafkaException where no broker gave it in time.

    A request that timed out is answered by librdkafka itself, without an error and with an offset below 0.
    """
    offset: int = answer.result(timeout=timeout_s).offset
    if offset < 0:
        raise _timed_out("the end of a partition", timeout_s)
    return offset


def end_offsets(settings: Settings, topic: str) -> list[int]:
    """The next offset of each partition, in order: where its committed records end."""
    consumer = Consumer(reader_options(settings, "reprise-ends"))
    try:
        return [bounds(consumer, topic, partition)[1] for partition in range(partition_count(consumer, topic))]
    finally:
        consumer.close()


def hidden_from(settings: Settings, topic: str, partition: int) -> int | None:
    """Give the offset from which records cannot be read, for a transaction is open there; null where none is.

    Where all records end is compared with where the decided ones do.
    """
    readable, end = (_end_of(settings, topic, partition, options) for options in ({}, UNDECIDED_TOO))
    return readable if readable < end else None


def _end_of(settings: Settings, topic: str, partition: int, options: Options) -> int:
    consumer = Consumer(reader_options(settings, "reprise-ends") | options)
    try:
        return bounds(consumer, topic, partition)[1]
    finally:
        consumer.close()


def read_back(settings: Settings, topic: str, partition: int, count: int) -> list[LogRecord]:
    """The last `count` committed records of a partition, oldest first; fewer when it holds fewer.

    Control records and aborted ones take offsets too, so the window doubles until enough are found.
    """
    # The end of the partition comes only after an empty fetch, and the caller waits for it.
    consumer = Consumer(reader_options(settings, "reprise-read-back") | {"fetch.wait.max.ms": 10})
    try:
        low, high = bounds(consumer, topic, partition)
        window = count + CONTROL_RECORDS_SLACK
        while True:
            start = max(low, high - window)
            records = list(records_to(consumer, TopicPartition(topic, partition, start), high))
            if len(records) >= count or start == low:
                return records[-count:] if count else []
            window *= 2
    finally:
        consumer.close()


def append_record(
    producer: Producer, topic: str, partition: int, record: LogRecord, delivered: Callable[..., None]
) -> None:
    """Send a record with its own time, waiting while the producer's queue is full."""
    while True:
        try:
            producer.produce(
                topic,
                value=record.value,
                key=record.key,
                partition=partition,
                timestamp=record.timestamp_ms,
                on_delivery=delivered,
            )
            break
        except BufferError:
            producer.poll(QUEUE_PAUSE_S)
    producer.poll(0)


def record_of(message: Message) -> LogRecord:
    """The record in a message that carries no error."""
    offset, value = message.offset(), message.value()
    assert offset is not None, "a delivered record has an offset"
    return LogRecord(offset, message.timestamp()[1], message.key(), b"" if value is None else value)


def records_to(consumer: Consumer, start: TopicPartition, end: int) -> Iterator[LogRecord]:
    """Give the committed records from a place to the end of its partition, or to what was its end when it was read.

    That end is the event librdkafka sends: after a transaction's control record no record's offset ever
    reaches the end, and an empty partition has none.
    """
    consumer.assign([start])
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error() is None:
            yield record_of(message)
            deadline = time.monotonic() + TIMEOUT_S
        elif is_at_end(message, end):
            return
    raise _timed_out(f"records of {start.topic}/{start.partition} up to {end}")


def is_at_end(message: Message, end: int) -> bool:
    """Whether a message without a record marks the end of its partition, at or past an end that was read first.

    A mark before it is passed over, what is missing follows: a leader that was just elected may not know yet how far
    its records are committed, and marks an end where it knows of none. KafkaException for any other error.
    """
    error, offset = message.error(), message.offset()
    assert error is not None, "a record marks no end"
    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
        raise KafkaException(error)
    return offset is not None and offset >= end


def _timed_out(what: str, timeout_s: float = TIMEOUT_S) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no answer about {what} in {timeout_s:.0f} s"))  # noqa: SLF001
