"""What Quix Streams does with the same records: one state update and one output each."""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench import _quix_pipeline
from runtime.errors import FixableError
from runtime.kafka import admin_options, command_producer_options, read_back, reader_options
from runtime.settings import Settings
from stack.jars import cache_folders

VERSION: Final = "3.28.1"
INPUT: Final = "bench.quix.input"
OUTPUT: Final = "bench.quix.output"
GROUP: Final = "bench-quix"
TIMEOUT_S: Final = 300.0
KEYS: Final = 1_000


def quix_records_per_second(settings: Settings, values: list[bytes]) -> float:
    """Preload the records, run the pipeline in a process of its own, and give its rate, measured like the engine's."""
    python = _python_with_quix()
    admin = AdminClient(admin_options(settings))
    # A record keeps its time on its way through the pipeline; the broker's own says when it was written.
    times = {"message.timestamp.type": "LogAppendTime"}
    topics = [NewTopic(name, num_partitions=1, replication_factor=1, config=times) for name in (INPUT, OUTPUT)]
    for creation in admin.create_topics(topics, operation_timeout=30).values():
        creation.result(timeout=30)
    _preload(settings, values)
    with tempfile.TemporaryDirectory(prefix="reprise-quix-") as state:
        result = subprocess.run(
            [
                str(python),
                str(Path(_quix_pipeline.__file__)),
                settings.kafka_brokers,
                INPUT,
                OUTPUT,
                GROUP,
                str(len(values)),
            ],
            cwd=state,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    if result.returncode != 0:
        raise FixableError(f"The Quix Streams pipeline failed: {result.stderr[-2_000:]}")
    first, last = _first_timestamp_ms(settings), read_back(settings, OUTPUT, 0, 1)[0].timestamp_ms
    return len(values) * 1_000 / (last - first)


def _python_with_quix() -> Path:
    """The interpreter of an environment kept for this: Quix Streams wants another confluent-kafka than ours."""
    folder = cache_folders()[0] / f"quixstreams-{VERSION}-python{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "complete").exists():
        return python
    venv.create(folder, with_pip=True, clear=True)
    result = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"quixstreams=={VERSION}"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise FixableError(f"Quix Streams could not be installed: {result.stderr.strip()[-2_000:]}")
    (folder / "complete").touch()
    return python


def _preload(settings: Settings, values: list[bytes]) -> None:
    producer = Producer(command_producer_options(settings, "bench-quix") | {"queue.buffering.max.messages": 1_000_000})
    for number, value in enumerate(values):
        producer.produce(INPUT, value, key=str(number % KEYS).encode(), partition=0)
        producer.poll(0)
    if producer.flush(TIMEOUT_S):
        raise FixableError("The broker did not take the records of the bench.")


def _first_timestamp_ms(settings: Settings) -> int:
    consumer = Consumer(reader_options(settings, "bench-quix-first"))
    try:
        consumer.assign([TopicPartition(OUTPUT, 0, 0)])
        message = consumer.poll(10)
        assert message is not None, "the pipeline wrote records"
        return message.timestamp()[1]
    finally:
        consumer.close()
