"""One engine worker on a ledger of one shard, what is appended for it, and what it commits."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runtime.errors import FixableError
from runtime.kafka import Options, admin_options, command_producer_options, end_offsets, reader_options
from runtime.python import reprise_command
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS
from stack.foreground import running
from stack.ports import free_ports

SHARD: Final = 0
SHARDS: Final = 1
TIMEOUT_S: Final = 600.0
LOOK_S: Final = 0.25  # seldom, so as not to measure the looking


def one_shard(given: Settings, folder: Path) -> Settings:
    """Make the topics of a ledger of one shard; FixableError where the broker holds a ledger."""
    (port,) = free_ports(1)
    settings = given.model_copy(
        update={"shards": SHARDS, "engine_port": port, "engine_worker_id": "worker-1", "data": folder}
    )
    ensure_topics(settings)
    if any(sum(end_offsets(settings, topic)) for topic in (COMMANDS, EVENTS, SNAPSHOTS)):
        raise FixableError(f"The broker {settings.kafka_brokers} holds a ledger; the bench needs one that holds none.")
    return settings


@contextmanager
def engine_worker(settings: Settings, output: Path) -> Iterator[psutil.Process]:
    """One engine, in a process of its own; a standby where the settings say so. It may be killed within the block."""
    environment = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "REPRISE_SHARDS": str(settings.shards),
        "REPRISE_DATA": str(settings.data),
        "ENGINE_PORT": str(settings.engine_port),
        "ENGINE_HOST": settings.engine_host,
        "ENGINE_WORKER_ID": settings.engine_worker_id or "",
        "ENGINE_STANDBY": str(settings.engine_standby),
    }
    with running(reprise_command("run", "engine"), output, env=os.environ | environment) as process:
        yield psutil.Process(process.pid)


def page(settings: Settings, path: str) -> httpx.Response:
    """Read one of the engine's pages."""
    return httpx.get(f"http://{settings.engine_host}:{settings.engine_port}{path}", timeout=5, trust_env=False)


def executed(settings: Settings) -> int | None:
    """Say how many commands the engine has executed; null where it does not answer, or has no shard yet."""
    with suppress(httpx.TransportError):
        shards = page(settings, "/status").json()["shards"]
        if shards:
            return int(shards[0]["next_offset"])
    return None


def wait_until_executed(settings: Settings, count: int) -> None:
    """Return once so many commands are executed."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if (executed(settings) or 0) >= count:
            return
        time.sleep(LOOK_S)
    raise FixableError(f"The engine did not execute {count} commands in {TIMEOUT_S:.0f} s.")


def append(settings: Settings, values: Iterable[bytes], topic: str = COMMANDS, key: bytes | None = None) -> int:
    """Append values to a topic's first partition, and give their count."""
    producer = bench_producer(settings)
    count = 0
    for value in values:
        while True:
            try:
                producer.produce(topic, value, key, SHARD)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        count += 1
    flush(producer)
    return count


def bench_producer(settings: Settings, options: Options | None = None) -> Producer:
    """Make a producer as those of commands are, with room for what a bench appends at once."""
    own = {"queue.buffering.max.messages": 1_000_000}
    return Producer(command_producer_options(settings, "bench") | own | (options or {}))


def flush(producer: Producer) -> None:
    """Wait until the broker has all."""
    if producer.flush(TIMEOUT_S):
        raise FixableError("The broker did not take the records of the bench.")


def make_topic(settings: Settings, name: str, config: dict[str, str] | None = None) -> None:
    """Make a topic of one partition, which the broker does not have yet."""
    admin = AdminClient(admin_options(settings))
    topic = NewTopic(name, num_partitions=1, replication_factor=1, config=config or {})
    admin.create_topics([topic], operation_timeout=30)[name].result(timeout=30)


def reader_at_end(settings: Settings, topic: str = EVENTS) -> Consumer:
    """Make a reader of the committed records that come from now on; it is connected when this returns."""
    consumer = Consumer(reader_options(settings, "bench-reader"))
    consumer.assign([TopicPartition(topic, SHARD, end_offsets(settings, topic)[SHARD])])
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and not has_record(message):
            return consumer
    raise FixableError(f"The broker did not say where {topic} ends.")


def has_record(message: Message) -> bool:
    """Say whether a message holds a record, and not the mark of an end; KafkaException for any other error."""
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name.
        return False
    raise KafkaException(error)


def value_of(message: Message) -> bytes:
    """Give the value of a record, which has one."""
    value: Any = message.value()
    assert isinstance(value, bytes), "a record of a bench has a value"
    return value


def timestamp_ms(settings: Settings, topic: str, offset: int) -> int:
    """Give the time of the first committed record from an offset on."""
    consumer = Consumer(reader_options(settings, "bench-first"))
    try:
        consumer.assign([TopicPartition(topic, SHARD, offset)])
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and has_record(message):
                return message.timestamp()[1]
    finally:
        consumer.close()
    raise FixableError(f"{topic} has no committed record from {offset} on.")
