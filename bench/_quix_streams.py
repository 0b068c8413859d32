"""What Quix Streams does with the same records: one state update and one output each."""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from bench import _quix_pipeline
from bench._worker import SHARD, bench_producer, flush, make_topic, timestamp_ms
from bench.report.machine import QUIX_VERSION
from runtime.errors import FixableError
from runtime.kafka import read_back
from runtime.settings import Settings
from stack.jars import cache_folders

TIMEOUT_S: Final = 300.0
KEYS: Final = 1_000


def quix_records_per_second(settings: Settings, values: list[bytes], turn: int) -> float:
    """Preload the records, run the pipeline in a process of its own, and give its rate, measured like the engine's."""
    python = _python_with_quix()
    source, target = f"bench.quix.input.{turn}", f"bench.quix.output.{turn}"
    for topic in (source, target):
        # A record keeps its time on its way through the pipeline; the broker's own says when it was written.
        make_topic(settings, topic, {"message.timestamp.type": "LogAppendTime"})
    _preload(settings, source, values)
    with tempfile.TemporaryDirectory(prefix="reprise-quix-") as state:
        result = subprocess.run(
            [
                str(python),
                str(Path(_quix_pipeline.__file__)),
                settings.kafka_brokers,
                source,
                target,
                f"bench-quix-{turn}",
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
    (last,) = read_back(settings, target, SHARD, 1)
    return len(values) * 1_000 / (last.timestamp_ms - timestamp_ms(settings, target, 0))


def _python_with_quix() -> Path:
    """The interpreter of an environment kept for this: Quix Streams wants another confluent-kafka than ours."""
    folder = cache_folders()[0] / f"quixstreams-{QUIX_VERSION}-python{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "complete").exists():
        return python
    venv.create(folder, with_pip=True, clear=True)
    result = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"quixstreams=={QUIX_VERSION}"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise FixableError(f"Quix Streams could not be installed: {result.stderr.strip()[-2_000:]}")
    (folder / "complete").touch()
    return python


def _preload(settings: Settings, topic: str, values: list[bytes]) -> None:
    producer = bench_producer(settings)
    for number, value in enumerate(values):
        producer.produce(topic, value, str(number % KEYS).encode(), SHARD)
        producer.poll(0)
    flush(producer)
