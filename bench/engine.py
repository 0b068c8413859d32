"""How fast one engine worker is through Kafka, beside Quix Streams on the same broker in the same run."""

import json as json_format
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import httpx
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from bench._quix_streams import quix_records_per_second
from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, opening_day, trading_day
from runtime.errors import FixableError
from runtime.kafka import command_producer_options, end_offsets, read_back, reader_options
from runtime.python import python_command
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import decode_event, encode_command
from schemas.commands import Command
from schemas.topics import COMMANDS, EVENTS
from stack.foreground import running
from stack.ports import free_ports

COUNT: Final = 200_000
SHARD: Final = 0
PACED_PER_SECOND: Final = 1_000
PACED_S: Final = 10
PACE_S: Final = 0.005
TIMEOUT_S: Final = 300.0
WORKER: Final = "from engine.shell.main import main; from runtime.settings import Settings; main(Settings())"


def run(json: bool, count: int = COUNT) -> None:
    """Preload `count` commands, let one worker execute them, then pace 1,000 a second for the latency; print all."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        result = measure(Settings(), Path(folder), count)
    if json:
        print(json_format.dumps(result))
        return
    print(f"engine {result['commands_per_second']:,} commands/s; p99 {result['answer_seconds_p99'] * 1_000:.1f} ms")
    print(f"in the core 99 % of the commands take at most {result['command_seconds_p99'] * 1_000_000:.0f} µs")
    print(f"Quix Streams {result['quix_records_per_second']:,} records/s; ratio {result['ratio']}")


def measure(given: Settings, folder: Path, count: int) -> dict[str, Any]:
    """Give the numbers. The broker must hold no ledger: one of a single shard is made there, and stays."""
    (port,) = free_ports(1)
    settings = given.model_copy(update={"shards": 1, "engine_port": port, "engine_worker_id": None, "data": folder})
    ensure_topics(settings)
    if any(end_offsets(settings, COMMANDS)):
        raise FixableError(f"The broker {settings.kafka_brokers} holds a ledger; the bench needs one that holds none.")
    accounts = accounts_of(SHARD, settings.shards, 1 + (count + PACED_S * PACED_PER_SECOND) // COMMANDS_PER_ACCOUNT)
    commands = list(_preload(settings, accounts, count))
    with _worker(settings, folder):
        _wait_until_executed(settings, len(commands))
        rate = _commands_per_second(settings, len(commands))
        seconds = _latencies(settings, accounts, count)
        core_seconds = _command_seconds_p99(settings)
    quix = quix_records_per_second(settings, commands)
    return {
        "commands_per_second": round(rate),
        "quix_records_per_second": round(quix),
        "ratio": round(rate / quix, 3),
        "answer_seconds_p50": round(seconds[len(seconds) // 2], 4),
        "answer_seconds_p99": round(seconds[len(seconds) * 99 // 100], 4),
        "command_seconds_p99": core_seconds,
    }


def _preload(settings: Settings, accounts: list[str], count: int) -> Iterator[bytes]:
    """Append the commands and give their values."""
    producer = _producer(settings)
    for day in (opening_day(SHARD, accounts, _clock), trading_day(SHARD, accounts, count, _clock)):
        for command in day:
            value = encode_command(command)
            producer.produce(COMMANDS, value, partition=SHARD)
            producer.poll(0)
            yield value
    if producer.flush(TIMEOUT_S):
        raise FixableError("The broker did not take the commands of the bench.")


def _worker(settings: Settings, folder: Path) -> AbstractContextManager[object]:
    """One engine worker, in a process of its own."""
    environment = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "REPRISE_SHARDS": str(settings.shards),
        "REPRISE_DATA": str(folder),
        "ENGINE_PORT": str(settings.engine_port),
        "ENGINE_HOST": settings.engine_host,
    }
    return running(python_command("-c", WORKER), folder / "engine.log", env=os.environ | environment)


def _wait_until_executed(settings: Settings, count: int) -> None:
    """Look seldom, so as not to measure the looking."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            shards = _page(settings, "/status").json()["shards"]
        except httpx.TransportError:
            continue  # Not started yet.
        if shards and shards[0]["next_offset"] >= count:
            time.sleep(1)  # The last transaction.
            return
    raise FixableError(f"The engine did not execute {count} commands in {TIMEOUT_S:.0f} s.")


def _page(settings: Settings, path: str) -> httpx.Response:
    return httpx.get(f"http://{settings.engine_host}:{settings.engine_port}{path}", timeout=5, trust_env=False)


def _commands_per_second(settings: Settings, count: int) -> float:
    """From the first committed event to the last, by the times their producer gave them."""
    first, (last,) = _first_timestamp_ms(settings), read_back(settings, EVENTS, SHARD, 1)
    return count * 1_000 / (last.timestamp_ms - first)


def _command_seconds_p99(settings: Settings) -> float:
    """The bound of the worker's own histogram that 99 % of the commands it timed, one of 16, stay within."""
    families = {family.name: family for family in text_string_to_metric_families(_page(settings, "/metrics").text)}
    buckets = [sample for sample in families["command_seconds"].samples if sample.name.endswith("_bucket")]
    return next(float(bucket.labels["le"]) for bucket in buckets if bucket.value >= buckets[-1].value * 0.99)


def _first_timestamp_ms(settings: Settings) -> int:
    consumer = Consumer(reader_options(settings, "bench-first"))
    try:
        consumer.assign([TopicPartition(EVENTS, SHARD, 0)])
        message = consumer.poll(10)
        assert message is not None, "events were committed"
        return message.timestamp()[1]
    finally:
        consumer.close()


def _latencies(settings: Settings, accounts: list[str], preloaded: int) -> list[float]:
    """Seconds from the append of each command to the arrival of its outcome at a reader of committed events, sorted."""
    seconds: list[float] = []
    target = PACED_S * PACED_PER_SECOND
    consumer = Consumer(reader_options(settings, "bench-latency"))
    consumer.assign([TopicPartition(EVENTS, SHARD, end_offsets(settings, EVENTS)[SHARD])])
    _read_to_end(consumer)

    def read() -> None:
        deadline = time.monotonic() + 3 * PACED_S
        while len(seconds) < target and time.monotonic() < deadline:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                now = _clock()
                event = decode_event(message.value())
                if event.index == 0:
                    seconds.append((now - event.time) / 1_000_000)

    reader = threading.Thread(target=read)
    reader.start()
    _append_paced(_producer(settings), _later_day(accounts, preloaded, target))
    reader.join()
    consumer.close()
    if len(seconds) < target:
        raise FixableError(f"Only {len(seconds)} of {target} commands were answered in {3 * PACED_S} s.")
    return sorted(seconds)


def _read_to_end(consumer: Consumer) -> None:
    """Connect before anything is measured."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and (error := message.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name.
                return
            raise KafkaException(error)
    raise FixableError("The broker did not say where the events end.")


def _later_day(accounts: list[str], preloaded: int, count: int) -> Iterator[Command]:
    """The day goes on where the preloaded part ended."""
    day = trading_day(SHARD, accounts, preloaded + count, _clock)
    for _ in range(preloaded):
        next(day)
    return day


def _append_paced(producer: Producer, commands: Iterator[Command]) -> None:
    """A few commands every 5 ms."""
    due = time.monotonic()
    for number, command in enumerate(commands):
        if number % round(PACED_PER_SECOND * PACE_S) == 0:
            due += PACE_S
            time.sleep(max(0.0, due - time.monotonic()))
        producer.produce(COMMANDS, encode_command(command), partition=SHARD)
        producer.poll(0)
    producer.flush(TIMEOUT_S)


def _producer(settings: Settings) -> Producer:
    return Producer(command_producer_options(settings, "bench") | {"queue.buffering.max.messages": 1_000_000})


def _clock() -> int:
    return time.time_ns() // 1_000
